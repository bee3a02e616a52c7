"""Faults: one network of a stack diverges, raises or is interrupted; the others never notice."""

import os
import re
import signal
import warnings

import numpy as np
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError
from joblib.parallel import get_active_backend
from same_fits import assert_same_fit, assert_same_values, fit_alone, outcome
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from threadpoolctl import ThreadpoolController, threadpool_limits

from sklearn_backprop import BackpropRegressor, fit_many
from sklearn_backprop.initializers import Initializer
from sklearn_backprop.model_selection import GridSearchCV, cross_validate

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RANDOM = np.random.RandomState(0)
X = RANDOM.standard_normal((60, 3))
y = X @ [1.0, 2.0, 3.0] + RANDOM.standard_normal(60)
SETTINGS = {"hidden_layer_sizes": (4,), "max_iter": 8, "batch_size": 10, "random_state": 0}
FOLDS = [np.delete(np.arange(60), slice(start, start + 20)) for start in (0, 20, 40)]


FOLDS_CV = [(rows, np.setdiff1d(np.arange(60), rows)) for rows in FOLDS]


def regressors(*changes, **settings):
    """Return a regressor for each dict of settings, with penalties of their own."""
    return [
        BackpropRegressor(**{**SETTINGS, "alpha": 10.0**-k, **settings, **change})
        for k, change in enumerate(changes)
    ]


# divergence


def explode_after(share):
    """Return a learning-rate schedule that is of use only until a share of training is done."""
    return lambda t: 1.0 if t < share else 1e200


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("place", range(4))
def test_a_network_that_diverges_disturbs_no_neighbour(place, early_stopping, dtype, stacks):
    shared = {"early_stopping": early_stopping, "dtype": dtype, "learning_rate_init": 0.01}
    estimators = regressors({}, {"max_iter": 3}, {}, **shared)
    without = fit_many(estimators, X, y, rows=FOLDS)
    (bad,) = regressors({"learning_rate": explode_after(0.55), "random_state": 5}, **shared)
    estimators.insert(place, bad)
    rows = [*FOLDS[:place], FOLDS[0], *FOLDS[place:]]
    fitted, error, warned = outcome(fit_many, estimators, X, y, rows=rows)
    assert stacks == [3, 4]
    assert error is None
    # of 8 epochs, the fifth has the first steps that are too large
    assert sum("Training diverged at epoch 5" in text for _, text in warned) == 1
    diverged = fitted.pop(place)
    assert not np.isfinite(diverged.loss_curve_[4])
    assert diverged.n_iter_ == 5
    for theirs in without:
        assert_same_fit(fitted.pop(0), theirs, X)
    assert_same_fit(diverged, fit_alone(bad, X, y, FOLDS[0]), X)


ALONE = {  # what makes a fit raise, and what it says
    "penalty": ({"alpha": -1}, "'alpha' parameter"),
    "penalty of another type": ({"alpha": "a"}, "'alpha' parameter"),
    "seed": ({"random_state": "a"}, "'random_state' parameter"),
    "layers": ({"hidden_layer_sizes": "4x"}, "hidden_layer_sizes='4x'"),
    "batches": ({"batch_size": 0}, "'batch_size' parameter"),
    "solver": ({"solver": "newton"}, "'solver' parameter"),
    "loss": ({"loss": "log_loss"}, "is for classification"),
    "epochs": ({"max_iter": 3.5}, "'max_iter' parameter"),
    "divergence": ({"learning_rate": explode_after(0)}, "non-finite parameter weights"),
    "an infinite rate": ({"learning_rate_init": np.inf}, "non-finite|'learning_rate_init'"),
    "targets": ({"loss": "gamma"}, "needs y > 0"),
}


def failing(t):
    if t > 0.5:
        raise ArithmeticError("this schedule fails")
    return 1.0


def scored(estimator, X, y):
    raise ArithmeticError("this scorer fails")


class FailingInitializer(Initializer):
    def weights(self, fan_in, fan_out, activation, random_state):
        raise ArithmeticError("this initializer fails")


ALONE |= {
    "a schedule": ({"learning_rate": failing}, "this schedule fails"),
    "a scorer": ({"scoring": scored, "early_stopping": True}, "this scorer fails"),
    "an initializer": ({"initializer": FailingInitializer()}, "this initializer fails"),
}


@pytest.mark.parametrize(("change", "message"), ALONE.values(), ids=ALONE)
def test_a_candidate_that_raises_fails_alone(change, message):
    def search(*grids, **settings):
        estimator = BackpropRegressor(**SETTINGS | {"early_stopping": "scoring" in change})
        return GridSearchCV(estimator, list(grids), cv=FOLDS_CV, **settings)

    good = [{"alpha": [0.0, 0.1]}, {"alpha": [1.0], "max_iter": [3]}]
    bad = {name: [value] for name, value in change.items()}
    without = search(*good).fit(X, y).cv_results_
    with_it, error, warned = outcome(search(good[0], bad, good[1], error_score=-7.0).fit, X, y)
    assert error is None
    assert [category for category, _ in warned if category is FitFailedWarning] != []
    for k in range(3):
        theirs = without[f"split{k}_test_score"]
        ours = with_it.cv_results_[f"split{k}_test_score"]
        np.testing.assert_array_equal(ours, [*theirs[:2], -7.0, theirs[2]])
    error = outcome(search(good[0], bad, error_score="raise").fit, X, y)[1]
    estimator = BackpropRegressor(**SETTINGS).set_params(**change)
    alone = outcome(fit_alone, estimator, X, y, FOLDS[0])[1]
    rows = FOLDS[1], FOLDS[2], FOLDS[0]
    many = outcome(fit_many, [*regressors({}, {}), estimator], X, y, rows=rows)[1]
    assert re.search(message, str(alone))
    assert (type(error), str(error)) == (type(alone), str(alone))
    assert (type(many), str(many)) == (type(alone), str(alone))


def test_rows_that_cannot_be_fitted_fail_alone():
    # only the first fold trains on a target that the Poisson loss refuses
    targets = np.abs(y)
    targets[5] = -1
    estimator = BackpropRegressor(loss="poisson", **SETTINGS)
    given = {"return_estimator": True, "error_score": -7.0}
    folds = [(rows, np.setdiff1d(np.arange(60), rows)) for rows in reversed(FOLDS)]
    result, _, warned = outcome(cross_validate, estimator, X, targets, cv=folds, **given)
    assert FitFailedWarning in [category for category, _ in warned]
    assert (result["test_score"] == -7.0).tolist() == [True, True, False]
    assert_same_fit(result["estimator"][2], fit_alone(estimator, X, targets, FOLDS[0]), X)


def test_fit_many_raises_the_first_error_after_the_warnings_before_it():
    estimators = regressors({}, {"alpha": -1}, {"max_iter": -1}, {})
    _, error, warned = outcome(fit_many, estimators, X, y)
    assert "'alpha' parameter" in str(error)
    assert warned == outcome(fit_alone, estimators[0], X, y)[2]


def test_a_warning_that_is_an_error_is_one():
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning, match="Maximum iterations"):
            fit_many(regressors({}, {}), X, y)


# interruptions


@pytest.fixture
def two_threads():
    """Let BLAS have two threads, and check that it still has them in the end."""
    libraries = ThreadpoolController().select(user_api="blas").lib_controllers
    with threadpool_limits(limits=2, user_api="blas"):
        before = [library.num_threads for library in libraries]
        assert 1 not in before
        yield
        assert [library.num_threads for library in libraries] == before


@pytest.fixture
def ctrl_c():
    """Let SIGINT raise; a shell starts its background jobs with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Interrupt:
    """Ctrl-C at the n-th call, once; as a schedule, a scorer or an initializer."""

    def __init__(self, n):
        self.n = n

    def __deepcopy__(self, memo):
        return self  # so that clones count together

    def __call__(self, *args):
        self.n -= 1
        if self.n == 0:
            signal.raise_signal(signal.SIGINT)
        return 1.0


class InterruptedInitializer(Initializer):
    def __init__(self, interrupt):
        self.interrupt = interrupt

    def weights(self, fan_in, fan_out, activation, random_state):
        self.interrupt()
        return np.ones((fan_in, fan_out))


INTERRUPTED = {
    "in a step": lambda: {"learning_rate": Interrupt(20)},
    "after an epoch": lambda: {"scoring": Interrupt(3), "early_stopping": True},
    "after an iteration": lambda: {
        "solver": "lbfgs",
        "scoring": Interrupt(3),
        "early_stopping": True,
    },
    "before training": lambda: {"initializer": InterruptedInitializer(Interrupt(2))},
}


@pytest.mark.parametrize("n_estimators", [1, 4])
@pytest.mark.parametrize("settings", INTERRUPTED.values(), ids=INTERRUPTED)
def test_ctrl_c_ends_fit_many(settings, n_estimators, two_threads, ctrl_c):
    estimators = regressors(*[{}] * n_estimators, learning_rate_init=0.01, **settings())
    rows, errors = [FOLDS[0]] * n_estimators, np.geterr()
    before = [set(vars(e)) for e in estimators]
    with pytest.raises(KeyboardInterrupt):
        fit_many(estimators, X, y, rows=rows)
    assert [set(vars(e)) for e in estimators] == before
    assert np.geterr() == errors
    # that was the only Ctrl-C, and nothing remains of it
    for ours in fit_many(estimators, X, y, rows=rows):
        assert_same_values(ours.coefs_, fit_alone(ours, X, y, FOLDS[0]).coefs_)


@pytest.mark.parametrize("settings", INTERRUPTED.values(), ids=INTERRUPTED)
def test_ctrl_c_ends_a_search(settings, two_threads, ctrl_c):
    estimator = BackpropRegressor(**SETTINGS | {"learning_rate_init": 0.01} | settings())
    search = GridSearchCV(estimator, {"alpha": [0.0, 0.1, 1.0]}, cv=FOLDS_CV, refit=False)
    backend = type(get_active_backend()[0])
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, y)
    assert not hasattr(search, "cv_results_")
    assert type(get_active_backend()[0]) is backend
    assert not hasattr(estimator, "coefs_")
    assert np.isfinite(search.fit(X, y).cv_results_["mean_test_score"]).all()


# killed workers


def killer(parent):
    """Return a learning-rate schedule that kills its process, if it is not this one."""

    def rate(t):
        if os.getpid() != parent:
            os._exit(1)
        return 1.0

    return rate


def test_a_killed_worker_is_reported_and_leaves_the_package_working(two_threads):
    good = regressors({}, {}, {})
    grid = {"learning_rate": [killer(os.getpid()), "constant", "adaptive"]}
    search = GridSearchCV(good[0], grid, cv=FOLDS_CV, n_jobs=2)
    with pytest.raises(TerminatedWorkerError):
        search.fit(X, y)
    assert not hasattr(search, "cv_results_")
    for ours, estimator in zip(fit_many(good, X, y, n_jobs=2), good, strict=True):
        assert_same_fit(ours, fit_alone(estimator, X, y), X)
    assert search.set_params(n_jobs=None).fit(X, y).best_score_ > -10
