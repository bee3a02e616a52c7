"""Bad input: a clear error that names the parameter, and an estimator left as it was."""

import pickle
import re

import numpy as np
import pandas as pd
import polars
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

from sklearn_backprop import (
    BackpropClassifier,
    BackpropEnsembleClassifier,
    BackpropEnsembleRegressor,
    BackpropRegressor,
    BackpropTransformer,
    fit_many,
)
from sklearn_backprop._engine.network import Network
from sklearn_backprop.activations import Tanh
from sklearn_backprop.losses import Poisson
from sklearn_backprop.optimizers import SGD, Adam, AdamW
from sklearn_backprop.schedules import InvScaling
from sklearn_backprop.tabular import TabularClassifier, TabularEncoder, TabularRegressor

pytestmark = [
    pytest.mark.filterwarnings("ignore:Maximum iterations"),
    pytest.mark.filterwarnings("ignore:X does not have valid feature names"),
]

X, SPECIES = load_iris(return_X_y=True)
TARGET = X @ [0.5, -1.0, 0.3, 2.0]
LABELS = np.eye(3, dtype=int)[SPECIES]
ONES = np.ones(len(X))
ESTIMATORS = [BackpropClassifier, BackpropRegressor]
FRAME = pd.DataFrame(X, columns=list("abcd"))


def make(cls, **parameters):
    return cls(**{"hidden_layer_sizes": (5,), "max_iter": 3, "random_state": 0} | parameters)


def target_of(cls):
    return SPECIES if cls is BackpropClassifier else TARGET


def same(one, other):
    """Compare two states by value: arrays, containers, and objects by their attributes."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, dict):
        keys = one.keys() - {"seconds"}  # no two fits take the same time
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in keys)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.random.RandomState):
        return same(one.get_state(legacy=False), other.get_state(legacy=False))
    if isinstance(one, np.random.Generator):
        return same(one.bit_generator.state, other.bit_generator.state)
    if isinstance(one, Network):  # scratch buffers are no state
        return same(one.__getstate__(), other.__getstate__())
    if hasattr(one, "__dict__") and not isinstance(one, type):
        return same(vars(one), vars(other))
    return one is other or one == other


def states_before(cls, **parameters):
    """Return an estimator that has not been fitted, one by fit and one by partial_fit."""
    fresh, fitted, streamed = (make(cls) for _ in range(3))
    extra = {"classes": [0, 1, 2]} if cls is BackpropClassifier else {}
    return [
        estimator.set_params(**parameters)
        for estimator in (
            fresh,
            fitted.fit(FRAME, target_of(cls)),
            streamed.partial_fit(FRAME, target_of(cls), **extra),
        )
    ]


def refuses(estimator, method, message, *args, error=ValueError, **kwargs):
    """Assert that a call raises the error, and that the estimator is as it was."""
    before = pickle.loads(pickle.dumps(vars(estimator)))
    with pytest.raises(error) as caught:
        getattr(estimator, method)(*args, **kwargs)
    assert re.search(message, str(caught.value), re.DOTALL), str(caught.value)
    assert same(vars(estimator), before)


def all_refuse(
    cls, message, *args, parameters=(), methods=("fit", "warm", "partial_fit"), **kwargs
):
    """Assert it for fit, fit with a warm start and partial_fit, in every state before."""
    for method in methods:
        warm = {"warm_start": True} if method == "warm" else {}
        for estimator in states_before(cls, **dict(parameters), **warm):
            refuses(estimator, "fit" if warm else method, message, *args, **kwargs)


def test_the_comparison_of_states_sees_a_difference():
    one, other = (make(BackpropClassifier).fit(X, SPECIES) for _ in range(2))
    assert same(vars(one), vars(other))
    other._training.network.parameters[3] += 1e-12
    assert not same(vars(one), vars(other))
    assert not same(vars(one), vars(make(BackpropClassifier).fit(FRAME, SPECIES)))


# ---------------------------------------------------------------- data

BAD_X = {
    "1d": (X[:, 0], "Expected 2D array, got 1D array"),
    "3d": (X[None], "dim 3"),
    "no samples": (X[:0], r"0 sample\(s\)"),
    "no features": (X[:, :0], r"0 feature\(s\)"),
    "nan": (np.where(X > 7, np.nan, X), "X contains NaN"),
    "infinity": (np.where(X > 7, np.inf, X), "X contains infinity"),
    "sparse nan": (scipy.sparse.csr_array(np.where(X > 7, np.nan, X)), "X contains NaN"),
    "text": (np.full(X.shape, "a"), "could not convert string"),
    "complex": (X * 1j, "Complex data not supported"),
    "too few rows": (X[:9], r"inconsistent numbers of samples: \[9, 150\]"),
}


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("case", BAD_X)
def test_bad_features(cls, case):
    data, message = BAD_X[case]
    y = target_of(cls)[: 0 if case == "no samples" else None]
    all_refuse(cls, message, data, y)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_other_features_than_before(cls):
    y = target_of(cls)
    renamed = FRAME.rename(columns={"a": "z"})
    for estimator in states_before(cls, warm_start=True)[1:]:
        for method in ("partial_fit", "fit"):
            refuses(estimator, method, "X has 2 features.* is expecting 4 features", X[:, :2], y)
            refuses(estimator, method, "feature names should match.*z", renamed, y)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_bad_features_for_predictions(cls):
    fresh, fitted, _ = states_before(cls)
    for method in {"predict", "predict_proba", "decision_function", "score"} & set(dir(cls)):
        args = (target_of(cls),) if method == "score" else ()
        refuses(fresh, method, "not fitted", X, *args, error=NotFittedError)
        for bad, message in ((X[:, :3], "3 features"), (X * np.nan, "NaN"), (X[0], "2D array")):
            refuses(fitted, method, message, bad, *args)


NETWORKS = {"hidden_layer_sizes": (5,), "max_iter": 2, "random_state": 0}
OF_ANY_TABLE = {
    "classifier": BackpropClassifier(**NETWORKS),
    "regressor": BackpropRegressor(**NETWORKS),
    "ensemble": BackpropEnsembleClassifier(BackpropClassifier(**NETWORKS), n_estimators=2),
    "ensemble of regressors": BackpropEnsembleRegressor(
        BackpropRegressor(**NETWORKS), n_estimators=2
    ),
    "transformer": BackpropTransformer(BackpropClassifier(**NETWORKS)),
    "tabular": TabularClassifier(n_estimators=1, max_iter=2),
    "tabular regressor": TabularRegressor(n_estimators=1, max_iter=2),
    "encoder": TabularEncoder(),
}


@pytest.mark.filterwarnings("ignore:.*Maximum iterations")
@pytest.mark.parametrize("name", OF_ANY_TABLE)
def test_a_lazy_frame_is_to_be_collected(name):
    estimator, frame = clone(OF_ANY_TABLE[name]), polars.DataFrame(X)
    message = r"X is a polars LazyFrame.*X\.collect\(\)"
    methods = {
        *("predict", "predict_proba", "decision_function", "transform", "score", "partial_fit"),
        *("hidden_activations", "input_gradients"),
    }
    with pytest.raises(ValueError, match=message):
        estimator.fit(frame.lazy(), SPECIES)
    estimator.fit(frame, SPECIES)
    for method in methods & set(dir(estimator)):
        arguments = [SPECIES] if method in ("score", "partial_fit") else []
        with pytest.raises(ValueError, match=message):
            getattr(estimator, method)(frame.lazy(), *arguments)
    if name != "encoder":
        with pytest.raises(ValueError, match=r"y is a polars LazyFrame.*y\.collect\(\)"):
            estimator.fit(frame, frame.lazy())


def test_a_lazy_frame_among_other_arguments():
    frame = polars.DataFrame(X)
    with pytest.raises(ValueError, match=r"X\.collect\(\)"):
        fit_many([BackpropRegressor(**NETWORKS)], frame.lazy(), TARGET)
    with pytest.raises(ValueError, match=r"validation set.*X\.collect\(\)"):
        make(BackpropRegressor, early_stopping=True).fit(
            X, TARGET, X_val=frame.lazy(), y_val=TARGET
        )


@pytest.mark.parametrize("name", OF_ANY_TABLE)
def test_no_targets(name):
    estimator = clone(OF_ANY_TABLE[name])
    if name != "encoder":
        with pytest.raises(ValueError, match=f"{type(estimator).__name__} requires y to be passed"):
            estimator.fit(X, None)


BAD_Y = {
    "none": (None, "requires y to be passed"),
    "nan": (np.where(X[:, 0] > 7, np.nan, TARGET), "y contains NaN"),
    "infinity": (np.where(X[:, 0] > 7, np.inf, TARGET), "y contains infinity"),
    "too short": (TARGET[:5], r"inconsistent numbers of samples: \[150, 5\]"),
    "3d": (np.ones((150, 2, 2)), "dim 3"),
}


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("case", BAD_Y)
def test_bad_targets(cls, case):
    all_refuse(cls, BAD_Y[case][1], X, BAD_Y[case][0])


def test_bad_labels():
    two, wrong = np.c_[SPECIES, SPECIES], LABELS + 1
    for y, message in ((TARGET, "continuous"), (two, "multiclass-multioutput"), (wrong, "y")):
        all_refuse(BackpropClassifier, message, X, y, methods=["fit"])


def test_negative_targets_for_poisson():
    for loss in ("poisson", Poisson()):
        all_refuse(BackpropRegressor, "poisson.*y >= 0.*-2.5", X, SPECIES - 2.5,
                    methods=["fit"], parameters={"loss": loss})  # fmt: skip


BAD_WEIGHTS = {
    "negative": (-ONES, "[Nn]egative.*sample_weight"),
    "all zero": (0 * ONES, "[Ss]ample.weights?.*zero"),
    "nan": (np.nan * ONES, "sample_weight contains NaN"),
    "too short": (ONES[:3], r"sample_weight.shape == \(3,\), expected \(150,\)"),
    "2d": (np.ones((150, 2)), "[Ss]ample.weights must be 1D"),
}


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("case", BAD_WEIGHTS)
def test_bad_weights(cls, case):
    weights, message = BAD_WEIGHTS[case]
    all_refuse(cls, message, X, target_of(cls), sample_weight=weights)


@pytest.mark.parametrize("scoring", ["loss", None])
def test_weights_that_leave_nothing_to_train_on_or_to_validate(scoring):
    # one row has all the weight: either the training or the validation set is left with none
    for row in range(0, 150, 6):
        regressor = make(BackpropRegressor, early_stopping=True, scoring=scoring)
        weights = np.where(np.arange(150) == row, 1.0, 0.0)
        refuses(regressor, "fit", "sample_weight", X, TARGET, weights)


# ---------------------------------------------------------------- parameters

BAD_PARAMETERS = [
    ({"activation": "nonsense"}, ["relu", "gelu", "tanh"]),
    ({"solver": "nonsense"}, ["sgd", "adam", "adamw", "lbfgs"]),
    ({"loss": "nonsense"}, []),
    ({"initializer": "nonsense"}, ["auto", "he_normal", "zeros"]),
    ({"learning_rate": "nonsense"}, ["constant", "invscaling", "adaptive"]),
    ({"dtype": "nonsense"}, ["auto", "float32", "float64"]),
    ({"scoring": "nonsense"}, ["loss", "accuracy", "r2"]),
    ({"batch_size": "nonsense"}, ["auto"]),
    ({"activation": Tanh}, ["Tanh"]),
    ({"solver": Adam}, ["Adam"]),
    ({"learning_rate": InvScaling}, ["InvScaling"]),
    ({"solver": Tanh()}, ["Tanh()"]),
    ({"activation": SGD()}, ["SGD()"]),
    ({"hidden_layer_sizes": 0}, ["0"]),
    ({"hidden_layer_sizes": (4, 0)}, ["[4, 0]"]),
    ({"hidden_layer_sizes": (4, -1)}, ["[4, -1]"]),
    ({"hidden_layer_sizes": (2.5,)}, ["[2.5]"]),
    ({"hidden_layer_sizes": "4 layers"}, ["'4 layers'"]),
    ({"alpha": -1}, ["-1"]),
    ({"batch_size": 0}, ["0"]),
    ({"max_iter": 0}, ["0"]),
    ({"tol": -0.5}, ["-0.5"]),
    ({"n_iter_no_change": 0}, ["0"]),
    ({"learning_rate": -0.5}, ["-0.5"]),
    ({"learning_rate_init": 0}, ["0"]),
    ({"learning_rate": 0.25, "learning_rate_init": 0.5}, ["0.25", "learning_rate_init", "0.5"]),
    ({"random_state": "nonsense"}, ["nonsense"]),
    ({"standardize": "nonsense"}, ["nonsense"]),
    ({"warm_start": 3.5}, ["3.5"]),
    ({"validation_fraction": 1.0, "early_stopping": True}, ["1.0"]),
    ({"validation_fraction": 0.0, "early_stopping": True}, ["0.0"]),
]


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize(("parameters", "named"), BAD_PARAMETERS, ids=lambda case: str(case)[:60])
def test_bad_parameters(cls, parameters, named):
    message = "".join(f"(?=.*{re.escape(word)})" for word in [next(iter(parameters)), *named])
    all_refuse(cls, "^" + message, X, target_of(cls), methods=["fit"], parameters=parameters)


@pytest.mark.parametrize(
    ("solver", "message"),
    [(SGD(momentum=3), "momentum.*SGD.*3"), (AdamW(weight_decay=-1), "weight_decay.*AdamW.*-1")],
)
def test_bad_parameters_of_a_solver(solver, message):
    all_refuse(BackpropRegressor, message, X, TARGET, methods=["fit", "warm"],
                parameters={"solver": solver})  # fmt: skip


def test_bad_output_activation():
    for bad, named in (("nonsense", "exp.*Got 'nonsense'"), (Tanh, "Tanh"), (SGD(), "SGD")):
        all_refuse(BackpropRegressor, f"output_activation.*{named}", X, TARGET,
                    parameters={"output_activation": bad})  # fmt: skip


def test_a_loss_of_the_other_task():
    for loss in ("squared_error", "poisson", Poisson()):
        message = f"loss.*{re.escape(repr(loss))}.*log_loss"
        all_refuse(BackpropClassifier, message, X, SPECIES, methods=["fit", "warm"],
                    parameters={"loss": loss})  # fmt: skip
    for loss in ("log_loss", "binary_log_loss"):
        # the message says which losses a regressor does know
        all_refuse(BackpropRegressor, f"loss.*'{loss}'.*squared_error.*poisson", X, TARGET,
                    methods=["fit"], parameters={"loss": loss})  # fmt: skip


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_bad_initial_values(cls):
    n_out = 3 if cls is BackpropClassifier else 1
    good = [np.ones((4, 5)), np.ones((5, n_out))]
    cases = [
        ({"coefs_init": good[:1]}, r"coefs_init.*\(4, 5\), \(5, \d\).*got \[\(4, 5\)\]"),
        ({"coefs_init": [good[0].T, good[1]]}, r"coefs_init.*got \[\(5, 4\), \(5, \d\)\]"),
        ({"coefs_init": [good[0] * np.nan, good[1]]}, "coefs_init.*NaN"),
        ({"coefs_init": 5}, "coefs_init"),
        ({"coefs_init": [["a"]]}, "coefs_init"),
        ({"intercepts_init": [np.ones(4), np.ones(n_out)]}, r"intercepts_init.*got \[\(4,\)"),
        ({"intercepts_init": [np.ones((1, 5)), np.ones(n_out)]}, r"intercepts_init.*\(1, 5\)"),
        ({"intercepts_init": [np.ones(5), np.full(n_out, np.inf)]}, "intercepts_init.*infinity"),
    ]
    for values, message in cases:
        all_refuse(cls, message, X, target_of(cls), methods=["fit", "warm"], **values)


# ---------------------------------------------------------------- going on


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_changed_layers(cls):
    for sizes in ((6,), (5, 5), ()):
        for estimator in states_before(cls, hidden_layer_sizes=sizes, warm_start=True)[1:]:
            for method in ("fit", "partial_fit"):
                refuses(estimator, method, "hidden_layer_sizes.*warm_start", X, target_of(cls))


def test_changed_number_of_targets():
    for estimator in states_before(BackpropRegressor, warm_start=True)[1:]:
        for method in ("fit", "partial_fit"):
            refuses(estimator, method, "y", X, np.c_[TARGET, TARGET])


def test_changed_classes():
    for estimator in states_before(BackpropClassifier, warm_start=True)[1:]:
        for y in (SPECIES + 1, SPECIES == 1.5, SPECIES.astype(str)):
            refuses(estimator, "fit", "same classes as in the previous", X, y)
        for y in (SPECIES + 1, LABELS, SPECIES.astype(str)):
            refuses(estimator, "partial_fit", r"y.*\[0 1 2\]", X, y)
        for classes in ([0, 1], [0, 1, 2, 3]):
            message = re.escape(f"classes={classes}")
            refuses(estimator, "partial_fit", message, X, SPECIES, classes=classes)


def test_labels_and_label_matrices_do_not_mix():
    binary = SPECIES == 1
    pairs = [(LABELS, SPECIES), (binary, LABELS), (binary, LABELS[:, :2]), (LABELS, LABELS[:, :2])]
    for first, then in pairs:
        classifier = make(BackpropClassifier, warm_start=True).fit(X, first)
        for method in ("fit", "partial_fit"):
            refuses(classifier, method, "y", X, then)


def test_classes_of_the_first_partial_fit():
    fresh = make(BackpropClassifier)
    refuses(fresh, "partial_fit", "classes must be passed on the first call", X, SPECIES)
    refuses(fresh, "partial_fit", r"classes.*\[0 1\]", X, SPECIES, classes=[0, 1])


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_partial_fit_with_early_stopping(cls):
    all_refuse(cls, "partial_fit.*early_stopping", X, target_of(cls), methods=["partial_fit"],
                parameters={"early_stopping": True})  # fmt: skip


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_changed_standardize_between_calls_of_partial_fit(cls):
    changes = {"standardize": False, "solver": "sgd", "alpha": 5.0, "learning_rate_init": 0.5}
    for estimator in states_before(cls, **changes)[1:]:
        refuses(estimator, "partial_fit", "standardize", X, target_of(cls))


def test_lbfgs_has_no_partial_fit():
    for estimator in states_before(BackpropRegressor, solver="lbfgs"):
        with pytest.raises(AttributeError, match="partial_fit"):
            estimator.partial_fit(X, TARGET)


# ---------------------------------------------------------------- the validation set


BAD_VALIDATION_SETS = {  # name: (X_val, y_val, sample_weight_val, message)
    "no y_val": (X, None, None, "y_val"),
    "no X_val": (None, TARGET > 1, None, "X_val"),
    "only weights": (None, None, ONES, "sample_weight_val.*X_val"),
    "other features": (X[:, :3], TARGET > 1, None, "X_val.*3.*4"),
    "nan": (X * np.nan, TARGET > 1, None, "X_val.*NaN"),
    "empty": (X[:0], TARGET[:0], None, r"X_val.*0 sample\(s\)"),
    "too short": (X, TARGET[:5] > 1, None, r"inconsistent numbers of samples: \[150, 5\]"),
    "more outputs": (X, LABELS, None, "y_val"),
    "negative weights": (X, TARGET > 1, -ONES, "[Nn]egative.*sample_weight_val"),
    "zero weights": (X, TARGET > 1, 0 * ONES, "sample_weight_val.*zero"),
    "too few weights": (X, TARGET > 1, ONES[:3], "sample_weight_val"),
}


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("case", BAD_VALIDATION_SETS)
def test_bad_validation_set(cls, case):
    X_val, y_val, weights, message = BAD_VALIDATION_SETS[case]
    for scoring in ("loss", None):
        all_refuse(cls, message, X, target_of(cls), methods=["fit", "warm"],
                   X_val=X_val, y_val=y_val, sample_weight_val=weights,
                   parameters={"early_stopping": True, "scoring": scoring})  # fmt: skip


BAD_VALIDATION_ROWS = {  # name: (validation_rows, message)
    "floats": ([0.5, 1.5], "validation_rows must be an array of row numbers"),
    "a mask": (ONES > 0, "validation_rows must be an array of row numbers"),
    "a number": (3, "validation_rows must be an array of row numbers"),
    "past the end": ([3, 150], "validation_rows must lie in 0 to 149"),
    "before the start": ([3, -1], "validation_rows must lie in 0 to 149"),
    "all": (range(150), "validation_rows has 150 of the 150 rows"),
    "none": (np.array([], int), "validation_rows has 0 of the 150 rows"),
}


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("case", BAD_VALIDATION_ROWS)
def test_bad_validation_rows(cls, case):
    rows, message = BAD_VALIDATION_ROWS[case]
    all_refuse(cls, message, X, target_of(cls), methods=["fit", "warm"], validation_rows=rows,
               parameters={"early_stopping": True})  # fmt: skip


def test_validation_rows_that_contradict_something():
    regressor = make(BackpropRegressor)
    refuses(regressor, "fit", "validation_rows is for early_stopping=True", X, TARGET,
            validation_rows=[1, 2])  # fmt: skip
    regressor.set_params(early_stopping=True)
    refuses(regressor, "fit", "X_val and validation_rows", X, TARGET,
            X_val=X, y_val=TARGET, validation_rows=[1, 2])  # fmt: skip


@pytest.mark.parametrize("scoring", ["loss", None])
def test_validation_labels_that_are_not_in_y(scoring):
    all_refuse(BackpropClassifier, r"y_val.*\[1 2 3\]", X, SPECIES, X_val=X, y_val=SPECIES + 1,
                methods=["fit", "warm"],
                parameters={"early_stopping": True, "scoring": scoring})  # fmt: skip


def test_fewer_targets_in_the_validation_set():
    two = np.c_[TARGET, TARGET]
    for standardize in (True, False):
        regressor = make(BackpropRegressor, early_stopping=True, standardize=standardize)
        refuses(regressor, "fit", "y_val", X, two, X_val=X, y_val=TARGET)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_validation_set_without_early_stopping(cls):
    y = target_of(cls)
    all_refuse(cls, "X_val.*early_stopping", X, y, methods=["fit", "warm"], X_val=X, y_val=y)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_too_small_a_validation_set(cls):
    all_refuse(cls, "validation_fraction", X, target_of(cls), methods=["fit"],
                parameters={"early_stopping": True, "validation_fraction": 0.001})  # fmt: skip


def test_parameters_that_were_valid_are_looked_at_again_when_they_change():
    model = BackpropRegressor().partial_fit(np.eye(3), [1.0, 2.0, 3.0])
    for name, value in (("alpha", -1.0), ("solver", "none"), ("tol", "small")):
        before = getattr(model, name)
        with pytest.raises(ValueError, match=name):
            model.set_params(**{name: value}).partial_fit(np.eye(3), [1.0, 2.0, 3.0])
        model.set_params(**{name: before}).partial_fit(np.eye(3), [1.0, 2.0, 3.0])
