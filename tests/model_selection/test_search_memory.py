"""A search lets go of each network when it has been scored, however many candidates it has."""

import gc
import tracemalloc
import weakref
from contextlib import suppress

import numpy as np
import pytest
from joblib import parallel_config
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_backprop import BackpropClassifier
from sklearn_backprop._fitting.loop import FitLoop
from sklearn_backprop._stacks.planning import MOST
from sklearn_backprop.model_selection import GridSearchCV, cross_validate

pytestmark = pytest.mark.filterwarnings("ignore")
RANDOM = np.random.RandomState(0)
X, y = RANDOM.normal(size=(40, 50)), np.arange(40) % 2
HIDDEN = 100
NETWORK = 8 * (50 * HIDDEN + HIDDEN + HIDDEN + 1)
"""Bytes of one network's weights, the least that a fitted estimator holds."""


def network(**more):
    options = {"hidden_layer_sizes": (HIDDEN,), "max_iter": 1, "random_state": 0}
    return BackpropClassifier(**options | more)


def failing_rate(t):
    raise ArithmeticError("this schedule fails")


class Refusing(TransformerMixin, BaseEstimator):
    """Fails in fit, with a copy of X at hand."""

    def fit(self, X, y=None):
        self.copy_ = np.repeat(X, 10, axis=0)
        raise ValueError("refused")

    def transform(self, X):
        return X


PIPELINE = make_pipeline(StandardScaler(), network())
BY_BYTES = {
    "networks": network(),
    "a pipeline": PIPELINE,
    "that fail as they train": network(learning_rate=failing_rate),
    "steps that fail": make_pipeline(Refusing(), network()),
}
BY_NUMBER = BY_BYTES | {
    "early stopping": network(early_stopping=True, validation_fraction=0.5),
    "dropout": network(dropout=0.5),
    "of a seed each": network(random_state=None),
    "L-BFGS": network(solver="lbfgs"),
    "a time limit": network(max_time=100.0),
    "that diverge": network(solver="sgd", learning_rate_init=1e200, max_iter=3),
}
OPTIONS = {
    "plain": {},
    "scores": {"return_train_score": True, "scoring": ["accuracy", "neg_log_loss"]},
    "two jobs": {"n_jobs": 2},
}
CASES = [
    *((name, "plain") for name in BY_NUMBER),
    *((name, other) for other in ("scores", "two jobs") for name in BY_BYTES),
]


def search(estimator, n, **more):
    name = "backpropclassifier__alpha" if isinstance(estimator, Pipeline) else "alpha"
    found = GridSearchCV(
        estimator, {name: np.geomspace(1e-6, 1e2, n)}, cv=2, refit=False, **more
    )  # fmt: skip
    with suppress(ValueError):  # "All the fits failed"
        found.fit(X, y)


@pytest.fixture
def no_collector():
    """Leave nothing to the garbage collector, which may come late: nothing goes in circles."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def peak(estimator, n):
    """Return the most memory that a search of n candidates has had at once."""
    tracemalloc.start(1)
    try:
        search(estimator, n)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.collect()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("estimator", BY_BYTES.values(), ids=BY_BYTES)
def test_memory_does_not_grow_with_candidates(estimator):
    search(estimator, 2)  # what is imported and cached at first
    few, many = 32, 64  # two folds each; a job has 32 fits
    grown = (peak(estimator, many) - peak(estimator, few)) / (2 * (many - few))
    # results, warnings, calls that wait: some kB a fit; a fitted network has 200 kB
    assert grown < NETWORK / 3


def scipy_leaves_circles():
    """Tell whether ``minimize`` holds on to an objective in a circle, as SciPy 1.13 does."""

    def objective(x):
        return float(x @ x), 2 * x

    def stop(intermediate_result):
        raise StopIteration

    watched = weakref.ref(objective)
    minimize(objective, np.ones(2), method="L-BFGS-B", jac=True, callback=stop)
    del objective
    return watched() is not None


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(("name", "options"), CASES)
def test_no_more_networks_live_than_train_in_one_job(name, options, monkeypatch):
    alive, most = weakref.WeakSet(), [0]
    initialize = FitLoop.__init__

    def init(loop, training, **settings):
        initialize(loop, training, **settings)
        alive.add(training.network)
        most[0] = max(most[0], len(alive))

    if name == "L-BFGS" and scipy_leaves_circles():
        pytest.skip("this SciPy's minimize leaves what it was given to the collector")
    monkeypatch.setattr(FitLoop, "__init__", init)
    n_jobs = OPTIONS[options].get("n_jobs", 1)
    with parallel_config("threading"):  # where all the networks can be seen
        search(clone(BY_NUMBER[name]), 48, **OPTIONS[options])
    assert bool(most[0]) == (name != "steps that fail")
    assert most[0] <= n_jobs * MOST
    assert not alive


def test_estimators_that_are_asked_for_are_kept():
    found = cross_validate(network(), X, y, cv=4, return_estimator=True)
    scores = [model.score(X, y) for model in found["estimator"]]
    assert np.isfinite(scores).all()
