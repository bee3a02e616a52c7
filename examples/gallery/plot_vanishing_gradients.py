"""
Why does my deep network not learn?
===================================

Often because the gradient vanishes on its way down, layer by layer, before it reaches the
first ones. ``GradientFlowDisplay`` shows it, and that with another activation it arrives.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_backprop import BackpropClassifier
from sklearn_backprop.inspection import record_training
from sklearn_backprop.plotting import GradientFlowDisplay

X, X_test, y, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)

# %%
# Ten hidden layers of 32 units, for handwritten digits. With the logistic function the
# network does no better than guessing; the same network with SELU learns.
fig, axes = plt.subplots(2, 2, figsize=(10.5, 8), sharey="col", layout="constrained")
for row, activation in zip(axes, ["logistic", "selu"], strict=True):
    network = BackpropClassifier(
        hidden_layer_sizes="32x10",
        activation=activation,
        learning_rate="cosine",
        learning_rate_init=0.003,
        max_iter=30,
        alpha=0,
        random_state=0,
    )
    record = record_training(network, X, y, every=30, samples=1)
    accuracy = record.estimator.score(X_test, y_test)
    ratio = record.gradient_norms[0, 0] / record.gradient_norms[0, -1]
    GradientFlowDisplay.from_record(record, ax=row)
    row[0].set_title(f"{activation}: layer 1 gets {ratio:.1g} × the last one's")
    row[1].set_title(f"{activation}: accuracy {accuracy:.2f} on held-out digits")

# %%
# Each line is a layer. The numbers above are of the first epoch. The logistic function
# loses most of the gradient in every layer, since its slope is a quarter at most.
plt.show()
