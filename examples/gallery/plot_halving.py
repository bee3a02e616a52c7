"""
How wide, how deep?
===================

Try many shapes for a few epochs, and only the promising ones to the end. On handwritten
digits width matters more than depth, and a search that halves its candidates finds the best
of twelve shapes with less than a third of the epochs. What it drops early, it drops for good:
a shape that learns slowly, as deep ones do, needs a first rung (``min_epochs``) that is long
enough.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sklearn_backprop import BackpropClassifier
from sklearn_backprop.model_selection import GridSearchCV, SuccessiveHalvingSearchCV
from sklearn_backprop.plotting import SearchDisplay

# %%
# Twelve shapes, three rungs
# --------------------------
# At each rung the best third goes on from where it is, so no epoch is trained twice.

X, y = load_digits(return_X_y=True)
widths, depths = [8, 16, 32, 64], [1, 2, 3]
grid = {"hidden_layer_sizes": [(width,) * depth for depth in depths for width in widths]}
network = BackpropClassifier(
    learning_rate="cosine", learning_rate_init=0.01, max_iter=27, random_state=0
)
halving = SuccessiveHalvingSearchCV(network, grid, min_epochs=3, cv=3).fit(X, y)
found = halving.best_params_["hidden_layer_sizes"]
n_epochs = np.diff([0, *halving.n_resources_]) @ halving.n_candidates_
n_all = len(widths) * len(depths) * network.max_iter
print(f"{halving.n_candidates_} candidates up to epochs {halving.n_resources_}")
print(f"found {found} in {n_epochs} epochs; all candidates to the end: {n_all}")

# %%
# Was it right to drop the others?
# --------------------------------
# Trained to the end, all of them, which is what halving saves:

full = GridSearchCV(network, grid, cv=3, refit=False).fit(X, y)
scores = full.cv_results_["mean_test_score"].reshape(len(depths), len(widths))

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
SearchDisplay.from_search(halving, ax=left)
left.set_ylabel("accuracy, mean of 3 folds")
for depth, row, color in zip(depths, scores, ["#000000", "#D55E00", "#56B4E9"], strict=True):
    right.plot(widths, row, "o-", color=color, label=f"depth {depth}")
ring = {"markersize": 14, "markerfacecolor": "none", "markeredgecolor": "0.4"}
right.plot(found[0], halving.best_score_, "o", **ring, label="found by halving")
right.set(xscale="log", xlabel="width (units a layer)", ylabel="accuracy, mean of 3 folds")
right.set_xticks(widths, widths)
right.minorticks_off()
right.set_title("To the end: width matters more than depth")
right.legend(loc="lower right")
figure.suptitle(f"Halving takes {n_epochs} epochs a fold, all candidates to the end {n_all}")
plt.show()
