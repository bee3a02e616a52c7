"""Pickles, copies and skops files of fitted estimators: their size, and what they can do."""

import copy
import gzip
import inspect
import io
import pickle
from copy import deepcopy

import joblib
import make_pickle
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, make_classification

from sklearn_backprop import (
    BackpropClassifier,
    BackpropEnsembleRegressor,
    BackpropRegressor,
    BackpropTransformer,
)
from sklearn_backprop.activations import LeakyReLU
from sklearn_backprop.initializers import NeuralTangent
from sklearn_backprop.losses import Focal
from sklearn_backprop.model_selection import GridSearchCV, SuccessiveHalvingSearchCV
from sklearn_backprop.optimizers import AdamW, InputScaledAdamW
from sklearn_backprop.tabular import TabularRegressor

# trained just long enough to have weights that are not as they were drawn
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X_wide, y_wide = make_classification(400, 100, n_informative=20, n_classes=4, random_state=0)
X_iris, y_iris = load_iris(return_X_y=True)
names_iris = np.array(["setosa", "versicolor", "virginica"])[y_iris]
X_diabetes, y_diabetes = load_diabetes(return_X_y=True)

TINY = {"hidden_layer_sizes": (4,), "max_iter": 4, "random_state": 0}
ESTIMATORS = [BackpropClassifier, BackpropRegressor]
ADAM = [{}, {"solver": "adamw"}, {"dropout": 0.2}, {"learning_rate": "cosine"}]
CANNOT_GO_ON = [{"solver": "lbfgs"}, {"early_stopping": True}]


def through_joblib(estimator):
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return joblib.load(file)


def through_skops(estimator):
    skops = pytest.importorskip("skops.io")
    file = skops.dumps(estimator)
    types = skops.get_untrusted_types(data=file)
    assert all(name.startswith("sklearn_backprop.") for name in types), types
    return skops.loads(file, trusted=types)


COPIES = {
    "pickle": lambda estimator: pickle.loads(pickle.dumps(estimator)),
    "joblib": through_joblib,
    "deepcopy": deepcopy,
    "skops": through_skops,
}
every_copy = pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)


def weights(estimator):
    return [*estimator.coefs_, *estimator.intercepts_]


def relative_size(estimator):
    """Return the pickle's size in units of the weights' and biases' bytes."""
    return len(pickle.dumps(estimator)) / sum(array.nbytes for array in weights(estimator))


def assert_same_weights(estimator, other):
    for a, b in zip(weights(estimator), weights(other), strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


def assert_same_answers(estimator, other, X):
    methods = ["predict"]
    if isinstance(estimator, BackpropClassifier):
        methods += ["predict_proba", "decision_function"]
    for method in methods:
        given, expected = getattr(other, method)(X), getattr(estimator, method)(X)
        np.testing.assert_array_equal(given, expected, strict=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize(
    "parameters, limit",
    [
        # parameters and what the optimizer keeps beside them: two moments, one velocity, nothing
        *((parameters, 3.1) for parameters in ADAM),
        ({"solver": "sgd"}, 2.1),
        *((parameters, 1.1) for parameters in CANNOT_GO_ON),
    ],
)
def test_size(Estimator, parameters, limit, dtype):
    model = Estimator(hidden_layer_sizes=(256, 128), max_iter=2, random_state=0, **parameters)
    model.fit(X_wide.astype(dtype), y_wide)
    assert model.coefs_[0].dtype == dtype
    assert relative_size(model) <= limit
    assert relative_size(model.slim()) <= 1.1


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_size_after_partial_fit(Estimator):
    model = Estimator(hidden_layer_sizes=(256, 128), random_state=0)
    for _ in range(2):
        first = {"classes": range(4)} if Estimator is BackpropClassifier else {}
        model.partial_fit(X_wide, y_wide, **first)
    assert relative_size(model) <= 3.1
    assert relative_size(model.slim()) <= 1.1


def test_slim_does_not_keep_callbacks():
    model = BackpropClassifier(max_iter=2).set_callbacks(lambda record: len(X_wide) < 0)
    slim = model.fit(X_iris, y_iris).slim()
    assert_same_answers(model, pickle.loads(pickle.dumps(slim)), X_iris)


@every_copy
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("parameters", [*ADAM, {"solver": "sgd"}, {"solver": AdamW()}])
def test_copies_predict_and_go_on_alike(parameters, dtype, copy):
    classifier = BackpropClassifier(max_iter=3, random_state=0, **parameters)
    regressor = BackpropRegressor(max_iter=3, random_state=0, **parameters)
    for model, X, y in [
        (classifier, X_iris, names_iris),
        (regressor, X_diabetes, y_diabetes),
    ]:
        X = X.astype(dtype)
        for fit in (model.fit, model.partial_fit):
            copied = copy(fit(X, y))
            assert_same_answers(model, copied, X)
            assert_same_weights(model, copied)
            assert_same_weights(
                deepcopy(model).partial_fit(X[::2], y[::2]), copied.partial_fit(X[::2], y[::2])
            )
            np.testing.assert_equal(copied.history_["loss"][:-1], model.history_["loss"])


@every_copy
@pytest.mark.parametrize("parameters", CANNOT_GO_ON)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_copies_of_what_cannot_go_on(Estimator, parameters, copy):
    model = Estimator(max_iter=3, random_state=0, **parameters).fit(X_wide, y_wide)
    copied = copy(model)
    assert_same_answers(model, copied, X_wide)
    assert_same_weights(model, copied)
    assert_same_weights(
        model.set_params(warm_start=True).fit(X_wide, y_wide),
        copied.set_params(warm_start=True).fit(X_wide, y_wide),
    )


@every_copy
def test_a_random_state_goes_on_in_a_copy(copy):
    model = BackpropRegressor(max_iter=2, random_state=np.random.RandomState(3), dropout=0.5)
    copied = copy(model.fit(X_diabetes, y_diabetes))
    for _ in range(2):
        model.partial_fit(X_diabetes, y_diabetes)
        copied.partial_fit(X_diabetes, y_diabetes)
    assert_same_weights(model, copied)


@every_copy
@pytest.mark.parametrize("fitting", ["fit", "partial_fit"])
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_slim(Estimator, fitting, copy):
    model = Estimator(hidden_layer_sizes=(20, 5), max_iter=3, random_state=0)
    classes = {"classes": range(4)} if Estimator is BackpropClassifier else {}
    getattr(model, fitting)(X_wide, y_wide, **(classes if fitting == "partial_fit" else {}))
    before = [array.copy() for array in weights(model)]
    slim = copy(model.slim())
    assert_same_answers(model, slim, X_wide)
    with pytest.raises(ValueError, match=r"slim\(\) copy.*partial_fit cannot go on from it"):
        slim.partial_fit(X_wide, y_wide)
    with pytest.raises(ValueError, match=r"slim\(\) copy.*a warm start cannot go on from it"):
        clone_of_slim = deepcopy(slim).set_params(warm_start=True)
        clone_of_slim.fit(X_wide, y_wide)
    slim.coefs_[0][...] = 0  # its own arrays
    for array, kept in zip(weights(model), before, strict=True):
        np.testing.assert_array_equal(array, kept)
    assert_same_weights(slim.fit(X_wide, y_wide), clone(model).fit(X_wide, y_wide))


@every_copy
def test_weights_changed_by_hand_are_kept(copy):
    model = BackpropRegressor(max_iter=2).fit(X_diabetes, y_diabetes)
    model.coefs_[0][0] = 0
    copied = copy(model)
    assert_same_weights(model, copied)
    assert_same_answers(model, copied, X_diabetes)


@pytest.mark.parametrize("loss", ["poisson", "gaussian", "huber", "quantile"])
def test_skops_with_other_losses(loss):
    model = BackpropRegressor(loss=loss, max_iter=2, random_state=0).fit(X_diabetes, y_diabetes)
    assert_same_answers(model, through_skops(model), X_diabetes)


@pytest.mark.parametrize(
    "parameters, y",
    [
        ({}, y_iris > 0),
        ({}, np.c_[y_iris > 0, y_iris > 1].astype(int)),
        ({"class_weight": {0: 1.0, 1: 2.0, 2: 3.0}}, y_iris),
        ({"early_stopping": True, "scoring": ["accuracy", "neg_log_loss"]}, y_iris),
        ({"loss": "focal", "max_grad_norm": 1.0, "learning_rate": 0.01}, y_iris),
        ({"alpha": np.float64(0.1), "dtype": "float32"}, y_iris),
    ],
)
def test_skops_with_other_options(parameters, y):
    model = BackpropClassifier(max_iter=3, random_state=0, **parameters).fit(X_iris, y)
    for fitted in (model, model.slim()):
        copied = through_skops(fitted)
        assert_same_answers(fitted, copied, X_iris)
        assert copied.get_params() == fitted.get_params()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtypes_are_kept_as_strings(dtype):
    model = BackpropRegressor(max_iter=2).fit(X_diabetes.astype(dtype), y_diabetes)

    def dtypes_in(value):
        children = vars(value).values() if hasattr(value, "__dict__") else ()
        children = value.values() if isinstance(value, dict) else children
        found = [value] if isinstance(value, np.dtype) else []
        return found + [dtype for child in children for dtype in dtypes_in(child)]

    state = model.__getstate__()
    assert state["_dtype"] == dtype
    assert not dtypes_in(state)


# pickles outlive a move of the code: public names, plain data, and a format's number


class Strict(pickle.Unpickler):
    """Finds public names of this package only."""

    def find_class(self, module, name):
        parts = f"{module}.{name}".split(".")
        if parts[0] == "sklearn_backprop":
            assert not any(part.startswith("_") for part in parts), parts
        return super().find_class(module, name)


EVERYTHING = {
    "dropout": BackpropClassifier(**TINY, dropout=0.2, loss=Focal(1.0)),
    "far from zero": BackpropRegressor(**TINY, solver=AdamW(), learning_rate="cosine"),
    "input scales": BackpropRegressor(**TINY, solver=InputScaledAdamW(), activation=LeakyReLU()),
    "initializer": BackpropRegressor(**TINY, initializer=NeuralTangent(), early_stopping=True),
    "transformer": BackpropTransformer(BackpropRegressor(**TINY)),
    "ensemble": BackpropEnsembleRegressor(BackpropRegressor(**TINY), n_estimators=2),
    "table": TabularRegressor(n_estimators=2, max_iter=2, random_state=0),
    "search": GridSearchCV(BackpropRegressor(**TINY), {"alpha": [1e-4, 1.0]}, cv=2),
    "halving": SuccessiveHalvingSearchCV(BackpropRegressor(**TINY), {"alpha": [0.1, 1.0]}, cv=2),
}


@pytest.mark.parametrize("served", [False, True], ids=["whole", "slim"])
@pytest.mark.parametrize("name", EVERYTHING)
def test_a_pickle_names_nothing_private(name, served):
    model = clone(EVERYTHING[name])
    X, y = (X_iris, names_iris) if name == "dropout" else (X_diabetes + 1e6, y_diabetes)
    model.fit(X, y)
    if served:
        if not hasattr(model, "slim"):
            return
        model = model.slim()
    twin = Strict(io.BytesIO(pickle.dumps(model))).load()
    method = "transform" if name == "transformer" else "predict"
    np.testing.assert_array_equal(getattr(twin, method)(X), getattr(model, method)(X))


def test_a_stream_that_was_pickled_names_nothing_private_and_goes_on():
    model = BackpropRegressor(random_state=0)
    for part in (slice(0, 100), slice(100, 200)):
        model.partial_fit(X_diabetes[part], y_diabetes[part])
    twin = Strict(io.BytesIO(pickle.dumps(model))).load()
    for each in (model, twin):
        each.partial_fit(X_diabetes[200:], y_diabetes[200:])
    np.testing.assert_array_equal(twin.predict(X_diabetes), model.predict(X_diabetes))
    assert twin.loss_curve_ == model.loss_curve_ and twin.history_["loss"] is twin.loss_curve_


def test_the_stored_pickle_loads_predicts_the_same_and_goes_on():
    """The file is `make_pickle.py`'s: made by an earlier version, with an older NumPy."""
    kept = pickle.loads(gzip.decompress(make_pickle.PATH.read_bytes()))
    assert set(kept) == set(make_pickle.models())
    for name, (stored, before, after) in kept.items():
        X, y = make_pickle.data_of(name)
        model = Strict(io.BytesIO(stored)).load()
        # exponentials and products round as the processor's code has it; a table's in float32
        rtol = 1e-4 if name == "table" else 1e-9
        np.testing.assert_allclose(make_pickle.outputs(model, X), before, rtol, err_msg=name)
        again = make_pickle.goes_on(model, X, y)
        assert (again is None) == (after is None)
        if after is not None:
            np.testing.assert_allclose(again, after, rtol=1e-7, err_msg=name)


def test_a_pickle_of_a_later_format_is_refused():
    model = BackpropRegressor()
    with pytest.raises(ValueError, match="format 99, from a later version"):
        model.__setstate__(model.__getstate__() | {"_format": 99})


def test_public_classes_keep_their_sources():
    """The path in a pickle costs no reader `??`: classes are where their sources are."""
    for cls in (BackpropClassifier, TabularRegressor, GridSearchCV, AdamW, Focal, LeakyReLU):
        assert f"class {cls.__name__}" in inspect.getsource(cls)
        assert "def " in inspect.getsource(cls)
    assert "def fit" in inspect.getsource(BackpropClassifier.fit)


# copy.copy: parameters are shared, what training changes is not

TRAINED = [{"solver": solver} for solver in ("sgd", "adam", "adamw")]
TRAINED += [{"dropout": 0.2}, {"standardize": False}, {"dtype": "float32"}, {"batch_size": 13}]


def everything(estimator):
    """Return all that is fitted, as one would see it later."""
    state = {n: v for n, v in vars(estimator).items() if n not in estimator.get_params()}
    return pickle.dumps(deepcopy(state))


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("parameters", TRAINED, ids=str)
@pytest.mark.parametrize("trains", ["copy", "original"])
def test_of_a_shallow_copy_and_its_original_each_goes_on_alone(Estimator, parameters, trains):
    X, y = X_iris, y_iris
    model = Estimator(hidden_layer_sizes=5, max_iter=3, random_state=0, **parameters).fit(X, y)
    model.partial_fit(X, y)
    twin, expected = copy.copy(model), deepcopy(model)
    one, other = (twin, model) if trains == "copy" else (model, twin)
    before = everything(other)
    for _ in range(2):
        one.partial_fit(X, y)
        expected.partial_fit(X, y)
    one.coefs_[0][...] = 0
    one.history_["loss"].append(0.0)
    assert everything(other) == before
    one.coefs_[0][...] = expected.coefs_[0]
    assert_same_answers(expected, one, X)
    other.partial_fit(X, y)  # it goes on from where it was
    assert other.n_iter_ == expected.n_iter_ - 1


@pytest.mark.parametrize("warm", [False, True])
def test_fitting_a_shallow_copy_leaves_the_original_alone(warm):
    solver = AdamW()
    model = BackpropRegressor(max_iter=3, warm_start=warm, random_state=0, solver=solver)
    model.fit(X_diabetes, y_diabetes)
    twin, before = copy.copy(model), everything(model)
    assert twin.solver is solver and twin.get_params() == model.get_params()
    twin.fit(X_diabetes, y_diabetes)
    assert everything(model) == before
    weights_before = model.slim().coefs_
    copy.copy(model.slim()).coefs_[0][...] = 0
    np.testing.assert_array_equal(model.slim().coefs_[0], weights_before[0])


@pytest.mark.parametrize("copied", [copy.copy, deepcopy])
@pytest.mark.parametrize(
    "whole",
    [
        BackpropEnsembleRegressor(BackpropRegressor(max_iter=2), n_estimators=2),
        TabularRegressor(n_estimators=2, max_iter=2, hidden_layer_sizes=4),
        BackpropTransformer(BackpropRegressor(max_iter=2)),
    ],
    ids=lambda whole: type(whole).__name__,
)
def test_members_of_a_copy_are_its_own(whole, copied):
    whole = clone(whole).set_params(random_state=0).fit(X_diabetes, y_diabetes)
    ask = whole.transform if hasattr(whole, "transform") else whole.predict
    twin, before = copied(whole), ask(X_diabetes)
    for member in getattr(twin, "estimators_", None) or [twin.estimator_]:
        member.set_params(early_stopping=False)
        member.partial_fit(np.zeros((5, member.n_features_in_)), np.arange(5.0))
    np.testing.assert_array_equal(ask(X_diabetes), before)


def test_weights_changed_by_hand_are_in_a_shallow_copy():
    model = BackpropRegressor(max_iter=2, random_state=0).fit(X_diabetes, y_diabetes)
    model.coefs_[-1][...] = 0
    assert np.ptp(copy.copy(model).predict(X_diabetes)) == 0
