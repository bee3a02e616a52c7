"""
Which inputs matter?
====================

What has a network learned to look at? Its ``input_gradients`` say by how much, and in which
direction, each prediction moves with each feature. Scikit-learn's permutation importance says
how much worse the predictions get without it. Here both name the same features.
"""

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import spearmanr
from sklearn.datasets import load_diabetes
from sklearn.inspection import permutation_importance
from sklearn.model_selection import train_test_split

from sklearn_backprop import BackpropRegressor

# %%
# How far a disease has come a year later, from ten measurements of a patient.
X, y = load_diabetes(return_X_y=True, as_frame=True)
X, X_test, y, y_test = train_test_split(X, y, random_state=0)
network = BackpropRegressor(activation="tanh", alpha=10, max_iter=100, random_state=0)
network.set_params(learning_rate="cosine", learning_rate_init=0.005).fit(X, y)
print(f"R² on held-out patients {network.score(X_test, y_test):.2f}")

# %%
# A gradient is per unit of a feature. Times the standard deviation it is comparable. It
# takes one pass through the network, where permutations take many.
start = perf_counter()
effects = network.input_gradients(X_test)[:, 0] * X.std().to_numpy()
middle = perf_counter()
permuted = permutation_importance(network, X_test, y_test, n_repeats=20, random_state=0)
end = perf_counter()
print(f"Gradients took {middle - start:.3f} s, permutations {end - middle:.3f} s.")

# %%
# A point on the left is a patient. That they are so close together says that this network
# is nearly linear; that some are below zero, which features lower the prediction. Neither
# picture says what causes the disease: correlated features (``s1`` to ``s4``) share their part.
importance = np.abs(effects).mean(axis=0)
order = np.argsort(importance)
agreement = spearmanr(importance, permuted.importances_mean).statistic
fig, (left, right) = plt.subplots(1, 2, sharey=True, figsize=(9, 4.4), layout="constrained")
for row, feature in enumerate(order):
    jitter = row + 0.25 * np.linspace(-1, 1, len(effects))
    left.plot(effects[:, feature], jitter, ".", color="C0", markersize=3)
left.axvline(0, color="0.5", linewidth=1)
left.set(xlabel="change of the prediction per standard deviation", title="input_gradients")
left.set_yticks(range(len(order)), X.columns[order])
means, spreads = permuted.importances_mean[order], permuted.importances_std[order]
right.barh(range(len(order)), means, xerr=spreads, color="C1")
right.set(xlabel="loss of R² (± std)", title="permutation importance")
fig.suptitle(f"Both rank the features much alike: rank correlation {agreement:.2f}")
plt.show()
