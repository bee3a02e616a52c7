"""
From PyTorch back to scikit-learn
=================================

Can a network that began in PyTorch go on here? Yes: its layers are ours, transposed.
Pass them to ``fit`` as ``coefs_init`` and ``intercepts_init``, and it trains on from there.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sklearn_backprop import BackpropClassifier
from sklearn_backprop.inspection import trace_step

X, X_test, y, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)

# %%
# In PyTorch it would be ``state = {k: v.numpy() for k, v in model.state_dict().items()}`` of
# ``Sequential(Linear(64, 32), ReLU(), Linear(32, 10))``. This page needs no PyTorch: another
# network, which has seen 300 images, provides weights in that layout, (outputs, inputs).
there = MLPClassifier(hidden_layer_sizes=32, learning_rate_init=0.01, random_state=0)
for _ in range(30):
    there.partial_fit(X[:300], y[:300], classes=range(10))
state = {f"{2 * i}.weight": W.T for i, W in enumerate(there.coefs_)}
state |= {f"{2 * i}.bias": b for i, b in enumerate(there.intercepts_)}

# %%
# Into scikit-learn's layout, which is for raw X whatever ``standardize`` does. The outputs
# before the first step are those that PyTorch computes from the same weights.
start = {
    "coefs_init": [state["0.weight"].T, state["2.weight"].T],
    "intercepts_init": [state["0.bias"], state["2.bias"]],
}
network = BackpropClassifier(hidden_layer_sizes=32, learning_rate_init=0.005, random_state=0)
network.set_params(learning_rate="cosine", max_iter=20, early_stopping=True, scoring="accuracy")
ours = trace_step(network, X_test[:200], y_test[:200], classes=range(10), **start).outputs
hidden = np.maximum(X_test @ state["0.weight"].T + state["0.bias"], 0)
theirs = softmax(hidden @ state["2.weight"].T + state["2.bias"], axis=1)
print(f"Largest difference of a probability: {np.abs(ours - theirs[:200]).max():.0e}")

# %%
# Training goes on with all images. Beside it a network starts from random weights: it gets
# as far, some epochs later. (The best epoch is chosen on the held-out images, for both.)
fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
for label, marker, initial in [("random", "s", {}), ("imported", "o", start)]:
    network.fit(X, y, X_val=X_test, y_val=y_test, **initial)
    epochs = range(1, network.n_iter_ + 1)
    ax.plot(epochs, network.validation_scores_, marker=marker, label=f"from {label} weights")
before, after = np.mean(theirs.argmax(axis=1) == y_test), network.best_validation_score_
ax.axhline(before, color="k", linestyle=":", label="imported weights, as they are")
ax.set(xlabel="epoch", ylabel="accuracy on held-out images", xticks=range(0, 21, 5))
ax.set_title(f"The imported network has {before:.2f}, and goes on to {after:.2f}")
ax.legend()
plt.show()
