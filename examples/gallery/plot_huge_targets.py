"""
My targets are huge
===================

Amounts of money may be in the millions, and a network that starts near zero has a long way
to go: within its 200 epochs scikit-learn's ``MLPRegressor`` hardly moves, however its
features are scaled; it takes a ``TransformedTargetRegressor`` around it. ``BackpropRegressor``
standardizes the targets by itself and predicts in their own units. There is nothing to do.
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_predict
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_backprop import BackpropRegressor

# %%
# One data set, three models
# --------------------------
# The progression of diabetes, times 10,000: targets from 250,000 to 3,460,000. scikit-learn's
# networks warn that they would have to train on, which is silenced here. The cosine schedule
# of ours ends after 50 epochs as planned.

X, y = load_diabetes(return_X_y=True)
y *= 1e4
models = {
    "MLPRegressor": MLPRegressor(random_state=0),
    "… after StandardScaler": make_pipeline(StandardScaler(), MLPRegressor(random_state=0)),
    "BackpropRegressor": BackpropRegressor(learning_rate="cosine", max_iter=50, random_state=0),
}

# %%
# Predictions of five folds
# -------------------------
# A good prediction is on the dashed line. Points on the zero line are predictions of a few
# hundred at most: the networks have not got away from their start.

figure, axes = plt.subplots(1, 3, figsize=(10, 3.8), sharex=True, sharey=True, layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        predictions = cross_val_predict(model, X, y, cv=5)
    r2 = r2_score(y, predictions)
    print(f"{name:>23}: R² {r2:5.2f}, largest prediction {predictions.max():9,.0f}")
    ax.axline((2, 2), slope=1, color="0.6", linestyle="--", label="exact")
    ax.scatter(y / 1e6, predictions / 1e6, s=10, color="#0072B2", label="held-out sample")
    ax.set(title=f"{name}\nR² = {r2:.2f}", xlabel="target, millions")
axes[0].set(ylabel="prediction, millions")
axes[0].legend(loc="upper left")
figure.suptitle("Huge targets are no trouble where they are standardized")
plt.show()
