"""fit_many: what goes in, what comes out, and what trains in stacks."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from same_fits import (
    assert_as_alone,
    assert_same_fit,
    assert_same_values,
    fit_alone,
)
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

from sklearn_backprop import BackpropRegressor, fit_many
from sklearn_backprop.activations import Activation
from sklearn_backprop.initializers import Initializer
from sklearn_backprop.losses import Loss
from sklearn_backprop.optimizers import Optimizer
from sklearn_backprop.schedules import Schedule

SMALL = {"hidden_layer_sizes": (4,), "max_iter": 4, "learning_rate_init": 0.01}
quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RANDOM = np.random.RandomState(0)
X = RANDOM.standard_normal((40, 3))
y = X @ [1.0, 2.0, 3.0] + RANDOM.standard_normal(40)
WEIGHT = RANDOM.uniform(0, 2, 40)
FOLDS = [train for train, _ in KFold(3).split(X)]  # of 26, 27 and 27 rows
for array in (X, y, WEIGHT, *FOLDS):
    array.flags.writeable = False


def regressors(n=3, **settings):
    """Return regressors that differ in their penalties and, unless said, in their seeds."""
    return [
        BackpropRegressor(**{**SMALL, "alpha": 10.0**-k, "random_state": k, **settings})
        for k in range(n)
    ]


CONTINUED = [
    *({"solver": solver} for solver in ("sgd", "adam", "adamw")),
    *({"learning_rate": name, "batch_size": 13} for name in ("invscaling", "adaptive", "cosine")),
    {"dropout": 0.3},
    {"batch_size": 13, "max_grad_norm": 0.5, "dtype": "float32"},
    {"shuffle": False, "standardize": False},
]


@quiet
@pytest.mark.parametrize("settings", CONTINUED, ids=repr)
@pytest.mark.parametrize("how", ["partial_fit", "warm start"])
def test_training_goes_on_as_after_fit(how, settings):
    # batches of 13: the fold of 26 rows has one fewer than those of 27
    estimators = regressors(warm_start=True, tol=0.05, n_iter_no_change=1, **settings)
    estimators[0].max_iter = 2  # leaves the stack before the others
    fitted = fit_many(estimators, X, y, rows=FOLDS)
    for ours, estimator, rows in zip(fitted, estimators, FOLDS, strict=True):
        theirs = fit_alone(estimator, X, y, rows)
        for model in (ours, theirs):
            for _ in range(2):
                model.partial_fit(X, y) if how == "partial_fit" else model.fit(X, y)
        assert_same_fit(ours, theirs, X)


@quiet
@pytest.mark.parametrize("early_stopping", [False, True])
def test_results_can_be_pickled_and_cloned(early_stopping):
    estimators = regressors(early_stopping=early_stopping)
    for ours, estimator in zip(fit_many(estimators, X, y, rows=FOLDS), estimators, strict=True):
        assert_same_fit(pickle.loads(pickle.dumps(ours)), ours, X)
        assert repr(clone(ours)) == repr(estimator)
        assert not hasattr(clone(ours), "coefs_")
        assert_same_values(ours.slim().predict(X), ours.predict(X))


@quiet
def test_results_share_nothing():
    first, second = fit_many([BackpropRegressor(random_state=0, **SMALL)] * 2, X, y)
    assert first is not second
    before = second.predict(X)
    first.partial_fit(X, y)
    first.coefs_[0][...] = 0
    first.loss_curve_.append(0)
    first.history_["loss"].append(0)
    assert_same_values(second.predict(X), before)
    assert len(second.loss_curve_) == len(second.history_["loss"]) == SMALL["max_iter"]


@quiet
def test_the_estimators_are_not_changed():
    fresh, fitted = regressors(), [e.fit(X, y) for e in regressors()]
    before = [pickle.dumps(e) for e in (*fresh, *fitted)]
    refitted = fit_many([*fresh, *fitted], X, y, rows=[*FOLDS, *FOLDS])
    assert [pickle.dumps(e) for e in (*fresh, *fitted)] == before
    for one, other in zip(refitted[:3], refitted[3:], strict=True):
        assert_same_fit(one, other, X)


@quiet
def test_a_fitted_estimator_with_warm_start_goes_on():
    estimators = [e.fit(X, y) for e in regressors(warm_start=True)]
    before = [pickle.dumps(e) for e in estimators]
    for ours, bytes_ in zip(fit_many(estimators, X, y, rows=FOLDS), before, strict=True):
        theirs = pickle.loads(bytes_)
        rows = FOLDS[theirs.random_state]
        assert_same_fit(ours, theirs.fit(X[rows], y[rows]), X)
    assert [pickle.dumps(e) for e in estimators] == before


# random states


def first_weights(estimators):
    return [model.coefs_[0].tobytes() for model in fit_many(estimators, X, y)]


@quiet
@pytest.mark.parametrize("kind", ["None", "shared"])
def test_without_a_seed_of_its_own_each_gets_a_stream_of_its_own(kind):
    def estimators():
        np.random.seed(7)
        state = None if kind == "None" else np.random.RandomState(7)
        return regressors(5, random_state=state, alpha=0)

    given = estimators()
    weights = first_weights(given)
    assert len(set(weights)) == 5
    assert first_weights(given) != weights  # the stream goes on
    assert first_weights(estimators()) == weights
    state = given[0].random_state
    assert all(model.random_state is state for model in fit_many(given, X, y))


@quiet
def test_a_random_state_of_its_own_is_what_fit_would_use():
    estimators = [e.set_params(random_state=np.random.RandomState(3)) for e in regressors()]
    alone = [fit_alone(e, X, y, rows) for e, rows in zip(estimators, FOLDS, strict=True)]
    for ours, theirs in zip(fit_many(estimators, X, y, rows=FOLDS), alone, strict=True):
        assert_same_values(ours.coefs_, theirs.coefs_)


# what can be passed


def as_memory_map(X, directory):
    path = directory / "X.npy"
    np.save(path, X)
    return np.load(path, mmap_mode="r")


TABLES = {
    "DataFrame": lambda X, _: pd.DataFrame(X, columns=list("abc"), index=np.arange(40)[::-1] * 7),
    "list": lambda X, _: X.tolist(),
    "Fortran order": lambda X, _: np.asfortranarray(X),
    "integers": lambda X, _: np.round(10 * X).astype(int),
    "memory map": as_memory_map,
    "csr": lambda X, _: sparse.csr_array(X),
    "csc matrix": lambda X, _: sparse.csc_matrix(X),
}


@pytest.mark.parametrize("rows", [None, FOLDS], ids=["all rows", "folds"])
@pytest.mark.parametrize("table", TABLES)
def test_every_kind_of_table(table, rows, tmp_path):
    kind = type(X) if table != "DataFrame" else pd.Series
    targets, weight = (
        [kind(a, index=np.arange(40)[::-1]) if kind is pd.Series else a for a in (y, WEIGHT)]
        if table != "list"
        else [y.tolist(), WEIGHT.tolist()]
    )
    data = TABLES[table](X, tmp_path), targets
    fitted = assert_as_alone(regressors(), *data, rows, weight)
    assert hasattr(fitted[0], "feature_names_in_") == (table == "DataFrame")


@quiet
def test_sparse_matrices_that_have_no_rows_of_their_own():
    theirs = fit_many(regressors(), sparse.csr_matrix(X), y, rows=FOLDS)
    for kind in (sparse.coo_matrix, sparse.dia_array):
        ours = fit_many(regressors(), kind(X), y, rows=FOLDS)
        for one, other in zip(ours, theirs, strict=True):
            assert_same_fit(one, other, X)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_processes_change_nothing(n_jobs):
    estimators = [
        *regressors(6),
        *regressors(2, hidden_layer_sizes=()),
        BackpropRegressor(solver="lbfgs", random_state=0),
    ]
    estimators[0].early_stopping = True
    assert_as_alone(estimators, X, y, [*FOLDS * 2, None, None, FOLDS[0]], WEIGHT, n_jobs=n_jobs)


ROWS = {
    "lists": [rows.tolist() for rows in FOLDS],
    "masks": [np.isin(np.arange(40), rows) for rows in FOLDS],
    "from the end": [rows - 40 for rows in FOLDS],
    "repeated": [np.repeat(rows, 2) for rows in FOLDS],
    "one row": [[3], [3], [5]],
    "some None": [FOLDS[0], None, FOLDS[1]],
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_every_form_of_rows(rows):
    assert_as_alone(regressors(), X, y, rows)


@pytest.mark.parametrize("iterable", [list, tuple, iter])
@quiet
def test_any_iterable_of_estimators_will_do(iterable):
    one, other = fit_many(iterable(regressors(2)), X, y, rows=iterable(FOLDS[:2]))
    assert_same_fit(one, fit_many(regressors(2), X, y, rows=FOLDS[:2])[0], X)
    assert other.alpha == 0.1


def test_no_estimators_give_no_estimators():
    assert fit_many([], X, y) == []
    assert fit_many([], X, y, rows=[], sample_weight=WEIGHT) == []


BAD = {
    "too few rows": ({"rows": FOLDS[:2]}, ValueError, "rows has 2 entries for 3 estimators"),
    "one array": ({"rows": FOLDS[0]}, ValueError, "rows has 26 entries for 3 estimators"),
    "numbers": ({"rows": [1, 2, 3]}, ValueError, r"rows\[0\] must be an array of row numbers"),
    "floats": ({"rows": [*FOLDS[:2], [0.5]]}, ValueError, r"rows\[2\] must be .* got \[0.5\]"),
    "slices": ({"rows": [slice(3)] * 3}, ValueError, r"rows\[0\] .* got slice"),
    "beyond the end": ({"rows": [*FOLDS[:2], [40]]}, IndexError, r"rows\[2\]: row 40 is out of"),
    "before the first": ({"rows": [[-41]] * 3}, ValueError, r"rows\[0\]: row -41 is out of bounds"),
    "mask of others": (
        {"rows": [FOLDS[0], np.ones(39, bool), None]},
        ValueError,
        r"rows\[1\] is a mask of 39 rows, but there are 40",
    ),
    "beyond own rows": (
        {"rows": FOLDS, "validation_rows": [[0], [26], [27]]},
        IndexError,
        r"validation_rows\[2\]: row 27 is out of bounds",
    ),
    "mask of all rows": (
        {"rows": FOLDS, "validation_rows": [np.ones(40, bool)] * 3},
        ValueError,
        r"validation_rows\[0\] is a mask of 40 rows, but there are 26",
    ),
    "no rows": ({"rows": [*FOLDS[:2], []]}, ValueError, r"0 sample\(s\)"),
    "X": ({"X": X[:, 0]}, ValueError, "Expected 2D array, got 1D"),
    "y": ({"y": y[:30], "rows": FOLDS}, ValueError, "inconsistent numbers of samples"),
    "no y": ({"y": None}, ValueError, "requires y to be passed"),
    "weights": ({"sample_weight": np.ones(50), "rows": FOLDS}, ValueError, "inconsistent numbers"),
    "negative weights": ({"sample_weight": -WEIGHT}, ValueError, "Negative values"),
    "another estimator": ({"estimators": [Ridge()]}, TypeError, "got Ridge. Use its own fit"),
    "a class": ({"estimators": [BackpropRegressor]}, TypeError, "got type"),
    "one estimator": ({"estimators": BackpropRegressor()}, TypeError, "not iterable"),
}


@quiet
@pytest.mark.parametrize(("given", "error", "message"), BAD.values(), ids=BAD)
def test_what_cannot_be_fitted_is_refused(given, error, message):
    with pytest.raises(error, match=message):
        fit_many(**{"estimators": regressors(), "X": X, "y": y} | given)


# what others have written, and what cannot be part of a stack


# written for a single network, whose arrays have two axes, and their parameters one


class Cauchy(Loss):
    standardizes_targets = True

    def pointwise(self, Y, A):
        assert A.ndim == 2
        return np.log1p(np.square(A - Y) / 2)

    def gradient(self, Y, A):
        return (A - Y) / (1 + np.square(A - Y) / 2)


class Softsign(Activation):
    def forward(self, Z, out):
        assert Z.ndim == 2
        np.divide(Z, 1 + np.abs(Z), out=out)

    def backward(self, Z, A, delta):
        np.multiply(delta, np.square(1 - np.abs(A)), out=delta)


class SignDescent(Optimizer):
    def __init__(self, share=0.1):
        self.share = share

    def step(self, learning_rate, scratch, parameters, gradient):
        assert parameters.ndim == 1
        parameters -= learning_rate * self.share * np.sign(gradient)


class Halving(Schedule):
    def next_rate(self, initial, current, samples_seen):
        return current / 2


class Tiny(Initializer):
    def weights(self, fan_in, fan_out, activation, random_state):
        return random_state.uniform(-0.01, 0.01, (fan_in, fan_out))


OWN = {
    "loss": Cauchy(),
    "activation": Softsign(),
    "output_activation": Softsign(),
    "solver": SignDescent(0.5),
    "learning_rate": Halving(),
    "initializer": Tiny(),
}


@pytest.mark.parametrize("name", OWN)
def test_components_from_outside(name):
    assert_as_alone(regressors(**{name: OWN[name]}), X, y, FOLDS, WEIGHT)


def test_a_function_as_learning_rate():
    assert_as_alone(regressors(learning_rate=lambda t: 1 - t), X, y, FOLDS)


class Counting(BackpropRegressor):
    def fit(self, X, y, sample_weight=None):
        self.n_rows_ = len(X)
        return super().fit(X, y, sample_weight)


@quiet
def test_a_fit_of_its_own_is_used(stacks):
    fitted = fit_many([Counting(random_state=0, **SMALL)] * 3, X, y, rows=FOLDS)
    assert [model.n_rows_ for model in fitted] == [26, 27, 27]
    assert not stacks


@quiet
def test_callbacks_are_called(stacks):
    epochs = []
    estimators = [e.set_callbacks(lambda record: epochs.append(record)) for e in regressors()]
    fit_many(estimators, X, y)
    assert [record["epoch"] for record in epochs] == [1, 2, 3, 4] * 3
    assert not stacks


ALONE = ({"solver": "lbfgs"}, {"max_time": 100})


@pytest.mark.parametrize("settings", ALONE, ids=str)
def test_what_cannot_be_in_a_stack_is_not(settings, stacks):
    assert_as_alone(regressors(**settings), X, y, FOLDS)
    assert not stacks


TOGETHER = [{}, {"early_stopping": True}, {"dropout": 0.1, "max_grad_norm": 1.0}, {"tol": 0.9}]


@pytest.mark.parametrize("settings", TOGETHER, ids=str)
def test_one_shape_is_one_stack(settings, stacks):
    rows = FOLDS if "dropout" not in settings else FOLDS[1:] + FOLDS[1:2]
    assert_as_alone(regressors(**settings), X, y, rows)
    assert stacks == [3]


@quiet
def test_memory_is_bounded():
    features = np.random.RandomState(0).standard_normal((300, 50))

    def peak(n):
        rows = [np.arange(300) for _ in range(n)]  # a copy of 120 kB for each, if all were held
        settings = {"hidden_layer_sizes": (), "max_iter": 1, "shuffle": False}
        tracemalloc.start()
        fit_many(regressors(n, alpha=1, **settings), features, features[:, 0], rows=rows)
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(64) < 1.4 * peak(32)
