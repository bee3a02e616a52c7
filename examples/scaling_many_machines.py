"""Many machines: a dask cluster trains the stacks of a search and of an ensemble.

Two processes on this machine stand for the cluster; for a real one, give ``Client``
the address of its scheduler. Needs dask: pip install "dask[distributed]".
"""

import os
from functools import partial

import joblib
import numpy as np
from distributed import Client, LocalCluster
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score

from sklearn_backprop import BackpropClassifier, BackpropEnsembleClassifier
from sklearn_backprop.model_selection import GridSearchCV


def accuracy_and_process(estimator, X, y):
    """Score a network, and tell where that was."""
    return {"accuracy": accuracy_score(y, estimator.predict(X)), "process": os.getpid()}


def main():
    """Search and fit here, then on the cluster."""
    X, y = load_digits(return_X_y=True)
    network = BackpropClassifier(learning_rate="cosine", max_iter=5, random_state=0)
    grid = {"hidden_layer_sizes": [16, 32], "learning_rate_init": [1e-3, 1e-2]}
    make_search = partial(
        GridSearchCV, network, grid, cv=3, scoring=accuracy_and_process, refit="accuracy"
    )
    ensemble = BackpropEnsembleClassifier(network, n_estimators=4, random_state=0)

    here, alone = make_search().fit(X, y), ensemble.fit(X, y).predict_proba(X)
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster), joblib.parallel_config("dask"):
        there, spread = make_search().fit(X, y), ensemble.fit(X, y).predict_proba(X)

    for name, search in (("here", here), ("cluster", there)):
        results = search.cv_results_
        scored = {int(n) for k in range(3) for n in results[f"split{k}_test_process"]}
        print(f"{name:>8}: accuracy {search.best_score_:.3f}, {len(scored)} process(es)")
    accuracies = [search.cv_results_["mean_test_accuracy"] for search in (here, there)]
    print("same scores:       ", np.array_equal(*accuracies))
    print("same probabilities:", np.array_equal(alone, spread))


if __name__ == "__main__":  # the cluster's processes read this file too
    main()
