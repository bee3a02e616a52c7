"""
What did the network learn?
===========================

Look at its weights, and ask it what its outputs depend on. On handwritten digits a hidden
unit weighs one part of the image against another; and ``input_gradients`` tells for every
digit where more ink makes the network surer of it, and where less sure.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_backprop import BackpropClassifier

# %%
# A network of ten hidden units
# -----------------------------
# The penalty ``alpha`` keeps the weights of pixels that matter little small.

digits = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(*digits, random_state=0)
plan = {"learning_rate": "cosine", "learning_rate_init": 0.02, "max_iter": 50}
network = BackpropClassifier(
    hidden_layer_sizes=10, activation="tanh", alpha=10, random_state=0, **plan
).fit(X_train, y_train)
print(f"accuracy {network.score(X_test, y_test):.3f}")

# %%
# Weights and gradients, as images
# --------------------------------
# Both are per unit of ink. Times the standard deviation of their pixel they can be compared.
# A gradient is that of a digit's own output, the mean over its images. Hidden units belong
# to no digit.

spread = X_train.std(axis=0)
gradients = network.input_gradients(X_test) * spread
images = np.array([X_test[y_test == digit].mean(axis=0) for digit in range(10)])
slopes = np.array([gradients[y_test == digit, digit].mean(axis=0) for digit in range(10)])
center = slopes.reshape(10, 8, 8)[:, 3:5, 3:5].mean(axis=(1, 2))
print("more ink in the four pixels in the middle:", center.round(2))

figure, axes = plt.subplots(3, 10, figsize=(10, 3.9), layout="constrained")
rows = {"mean image": images, "gradient": slopes, "hidden unit": network.coefs_[0].T * spread}
for row, (name, pictures) in zip(axes, rows.items(), strict=True):
    top = np.abs(pictures).max()
    cmap, low = ("Greys", 0) if name == "mean image" else ("RdBu_r", -top)
    for i, (ax, pixels) in enumerate(zip(row, pictures, strict=True)):
        drawn = ax.imshow(pixels.reshape(8, 8), cmap=cmap, vmin=low, vmax=top)
        ax.set(xticks=[], yticks=[], title=f"unit {i}" if name == "hidden unit" else i)
    row[0].set_ylabel(name)
    figure.colorbar(drawn, ax=row, pad=0.01, aspect=8)
figure.suptitle("Ink in the middle speaks against a zero (blue) and for a one (red)")
plt.show()
