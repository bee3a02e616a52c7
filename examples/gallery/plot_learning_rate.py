"""
Which learning rate?
====================

Try a few, a factor of three apart. Between rates that are too slow for the epochs there
are and rates that break the network lies a plateau, more than a power of ten wide, where it
hardly matters. The training loss of the first epochs shows on which side a network is.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sklearn_backprop import BackpropClassifier
from sklearn_backprop.model_selection import GridSearchCV
from sklearn_backprop.plotting import LossCurveDisplay, SearchDisplay

# %%
# Nine rates, five folds
# ----------------------
# Handwritten digits and 15 epochs. This package's ``GridSearchCV`` trains the networks of
# all rates and folds together.

X, y = load_digits(return_X_y=True)
network = BackpropClassifier(
    hidden_layer_sizes=(32, 32), learning_rate="cosine", max_iter=15, random_state=0
)
rates = np.logspace(-4, 0, 9)
search = GridSearchCV(network, {"learning_rate_init": rates}, cv=5).fit(X, y)
scores = search.cv_results_["mean_test_score"]
for rate, score in zip(rates, scores, strict=True):
    print(f"rate {rate:.4f}: accuracy {score:.3f}")
good = rates[scores > scores.max() - 0.05]

# %%
# Too low, good, too high
# -----------------------
# Too low: the loss falls, but too slowly for the epochs there are. Too high: it starts with
# a jump and then gets stuck, since the first large steps have spoilt the network.

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
SearchDisplay.from_search(search, ax=left)
left.axvspan(good[0], good[-1], color="0.92", zorder=0)
left.set(xlabel="learning_rate_init", ylabel="accuracy, mean ± std of 5 folds")
left.set_title(f"Rates from {good[0]:.2g} to {good[-1]:.2g} are within 0.05 of the best")

for i, color in [(1, "#56B4E9"), (scores.argmax(), "#000000"), (7, "#D55E00")]:
    model = network.set_params(learning_rate_init=rates[i]).fit(X, y)
    display = LossCurveDisplay.from_estimator(model, ax=right, color=color)
    display.training_line_.set_label(f"rate {rates[i]:.2g}")
right.legend()
right.set(yscale="log", ylabel="training loss", title="Too low or too high, the loss stays high")
plt.show()
