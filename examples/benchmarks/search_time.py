"""Time of a grid search, and of an ensemble, beside scikit-learn's.

Three contestants search the same grid: this package's ``GridSearchCV`` on its own
estimator, scikit-learn's on the same estimator, and scikit-learn's on scikit-learn's
MLP. They run in one process in turn, several times over; the figures are medians of
the ratios of neighbours. The same data, dtype, folds, batches and number of epochs, and
the scores are compared. Each runs at its best number of processes (one or all cores).

    python examples/benchmarks/search_time.py           # everything, about half an hour
    python examples/benchmarks/search_time.py --quick   # does it run? figures mean nothing
    python examples/benchmarks/search_time.py --only digits
"""

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, make_classification
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV as TheirGridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

from sklearn_backprop import BackpropClassifier, BackpropEnsembleClassifier, BackpropRegressor
from sklearn_backprop.model_selection import GridSearchCV

FIVE_THOUSAND = {"n_samples": 5000, "n_informative": 20, "n_classes": 3, "random_state": 0}


@dataclass
class Case:
    """A search, and how many times faster than scikit-learn's it must be."""

    name: str
    load: Callable
    hidden: tuple
    batch_size: int
    n_epochs: int
    floor: tuple  # float64, float32
    is_regression: bool = False

    def data(self, dtype):
        """Return X, and y where it is numbers, with mean 0 and variance 1."""
        X, y = self.load()
        X = StandardScaler().fit_transform(X).astype(dtype)
        if self.is_regression:
            y = ((y - y.mean()) / y.std()).astype(dtype)
        return X, y

    @property
    def grid(self):
        """24 candidates, of one size or of two."""
        return {
            "hidden_layer_sizes": list(self.hidden),
            "learning_rate_init": [1e-3, 3e-3, 1e-2],
            "alpha": [1e-4, 1e-2] if len(self.hidden) == 2 else [1e-4, 1e-3, 1e-2, 1e-1],
            "activation": ["relu", "tanh"],
        }

    def estimators(self, n_epochs):
        """Return this package's estimator and scikit-learn's."""
        same = {
            "batch_size": self.batch_size,
            "max_iter": n_epochs,
            "tol": 0.0,
            "n_iter_no_change": 10**6,
            "random_state": 0,
        }
        if self.is_regression:
            return BackpropRegressor(**same, standardize=False), MLPRegressor(**same)
        return BackpropClassifier(**same, standardize=False), MLPClassifier(**same)


CASES = [
    Case("breast cancer", lambda: load_breast_cancer(return_X_y=True),
         ((16,), (32,)), 32, 40, (16.0, 20.0)),
    Case("digits", lambda: load_digits(return_X_y=True), ((32,), (64,)), 64, 15, (7.0, 8.0)),
    Case("diabetes", lambda: load_diabetes(return_X_y=True),
         ((16, 16), (32, 32)), 32, 40, (14.0, 20.0), is_regression=True),
    Case("default", lambda: make_classification(n_features=50, **FIVE_THOUSAND),
         ((100,),), 200, 5, (2.7, 4.0)),
    Case("wide", lambda: make_classification(n_features=100, **FIVE_THOUSAND),
         ((256, 128),), 200, 3, (1.2, 1.5)),
]  # fmt: skip


def seconds(function):
    """Return the seconds that a call takes, and what it returns."""
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def in_turn(functions, n_rounds):
    """Time functions in turn, back and forth; return a list of seconds for each."""
    times = [[] for _ in functions]
    for i in range(n_rounds):
        for k in range(len(functions)) if i % 2 else reversed(range(len(functions))):
            times[k].append(seconds(functions[k])[0])
    return times


def ratio(ours, theirs):
    """Return the median of the ratios of neighbours."""
    return median(b / a for a, b in zip(ours, theirs, strict=True))


def best_processes(fit):
    """Return the number of processes with which ``fit(n_jobs)`` is faster, and its result."""
    alone, on_all = seconds(lambda: fit(1)), seconds(lambda: fit(-1))
    return (1, alone[1]) if alone[0] < on_all[0] else (-1, on_all[1])


def compare_search(case, dtype, n_rounds, n_epochs):
    """Print one row of the table."""
    X, y = case.data(dtype)
    ours, theirs = case.estimators(n_epochs)
    contestants = [(GridSearchCV, ours), (TheirGridSearchCV, ours), (TheirGridSearchCV, theirs)]
    functions, scores = [], []
    for search, estimator in contestants:

        def fit(n_jobs, search=search, estimator=estimator):
            return search(estimator, case.grid, cv=5, n_jobs=n_jobs).fit(X, y)

        fit(-1)  # processes start, files are read
        n_jobs, result = best_processes(fit)
        functions.append(lambda fit=fit, n_jobs=n_jobs: fit(n_jobs))
        scores.append(result.cv_results_["mean_test_score"])
    difference = max(float(np.abs(scores[0] - other).max()) for other in scores[1:])
    mine, on_ours, on_theirs = in_turn(functions, n_rounds)
    report(case.name, dtype, mine, on_theirs, on_ours, case.floor, f"{difference:.1e}")


def compare_ensemble(dtype, n_rounds, n_epochs):
    """Print the row of the ensembles."""
    X, y = make_classification(n_samples=2000, n_features=20, n_informative=10, random_state=0)
    X = StandardScaler().fit_transform(X).astype(dtype)
    same = {"hidden_layer_sizes": (32,), "batch_size": 64, "max_iter": n_epochs, "tol": 0.0,
            "n_iter_no_change": 10**6}  # fmt: skip
    member, theirs = BackpropClassifier(**same, standardize=False), MLPClassifier(**same)
    functions, scores = [], []
    for make in (
        lambda n: BackpropEnsembleClassifier(
            member, n_estimators=16, bootstrap=True, n_jobs=n, random_state=0
        ),
        lambda n: BaggingClassifier(member, n_estimators=16, n_jobs=n, random_state=0),
        lambda n: BaggingClassifier(theirs, n_estimators=16, n_jobs=n, random_state=0),
    ):
        make(-1).fit(X[:1500], y[:1500])
        n_jobs, result = best_processes(lambda n, make=make: make(n).fit(X[:1500], y[:1500]))
        functions.append(lambda make=make, n_jobs=n_jobs: make(n_jobs).fit(X, y))
        scores.append(result.score(X[1500:], y[1500:]))
    mine, on_ours, on_theirs = in_turn(functions, n_rounds)
    difference = max(abs(scores[0] - other) for other in scores[1:])
    report("ensemble", dtype, mine, on_theirs, on_ours, (5.0, 6.0), f"{difference:.3f}")


def report(name, dtype, mine, on_theirs, on_ours, floor, difference):
    """Print one row."""
    gain = ratio(mine, on_theirs)
    needed = floor[dtype == "float32"]
    print(
        f"{name:<15}{dtype:<9}{median(mine):>7.2f}{median(on_theirs):>10.2f}{gain:>9.1f}"
        f"{needed:>8.1f}{' ' if gain >= needed else '!'}{ratio(mine, on_ours):>11.1f}"
        f"{difference:>12}",
        flush=True,
    )


def main():
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [case.name for case in CASES] + ["ensemble"]
    parser.add_argument("--only", choices=names, action="append")
    parser.add_argument("--quick", action="store_true", help="does it run?")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    n_rounds = 1 if arguments.quick else arguments.rounds
    print(
        "seconds of ours and of scikit-learn's search; times faster than it on its own MLP (at\n"
        "least; ! where not met), and on our estimator; the largest difference of scores\n"
    )
    print(
        f"{'search':<15}{'dtype':<9}{'ours':>7}{'sklearn':>10}{'faster':>9}{'floor':>8}"
        f"{'on ours':>12}{'difference':>12}"
    )
    for name in arguments.only or names:
        for dtype in ("float64", "float32"):
            if name == "ensemble":
                compare_ensemble(dtype, n_rounds, 2 if arguments.quick else 30)
            else:
                case = CASES[names.index(name)]
                compare_search(case, dtype, n_rounds, 1 if arguments.quick else case.n_epochs)


if __name__ == "__main__":
    main()
