"""One core: many small networks train as one stack, each as if it were alone.

The same 24 fits one after the other and as a stack, and the same 6 candidates and
5 folds by scikit-learn's search and by this package's: equal weights and scores, less
time. What docs/scaling.md says of one core.
"""

import time

import numpy as np
from sklearn import model_selection
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer

from sklearn_backprop import BackpropClassifier, fit_many
from sklearn_backprop.model_selection import GridSearchCV

X, y = load_breast_cancer(return_X_y=True)
network = BackpropClassifier(
    hidden_layer_sizes=16, batch_size=32, learning_rate="cosine", max_iter=20, random_state=0
)


def timed(function):
    """Return a function's result, and the seconds that it took."""
    start = time.perf_counter()
    return function(), time.perf_counter() - start


networks = [clone(network).set_params(random_state=seed) for seed in range(24)]
alone, slow = timed(lambda: [clone(one).fit(X, y) for one in networks])
stacked, fast = timed(lambda: fit_many(networks, X, y))
same = all(
    np.array_equal(V, W)
    for one, other in zip(alone, stacked, strict=True)
    for V, W in zip(one.coefs_, other.coefs_, strict=True)
)
print(f"{'':28}{'one by one':>12}{'as stacks':>12}")
print(f"{'24 seeds, seconds':28}{slow:>12.2f}{fast:>12.2f}   same weights: {same}")

grid = {"alpha": [1e-3, 1e-1, 10], "learning_rate_init": [1e-3, 1e-2]}
theirs, slow = timed(lambda: model_selection.GridSearchCV(network, grid, cv=5).fit(X, y))
ours, fast = timed(lambda: GridSearchCV(network, grid, cv=5).fit(X, y))
same = np.array_equal(theirs.cv_results_["mean_test_score"], ours.cv_results_["mean_test_score"])
print(f"{'grid search, seconds':28}{slow:>12.2f}{fast:>12.2f}   same scores: {same}")
