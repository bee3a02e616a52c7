"""What the estimators look like from outside: parameters, attributes, outputs, containers."""

import inspect
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import sklearn
from scipy.special import expit, softmax
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.activations import OUTPUT_ACTIVATIONS, Logistic, Softplus
from sklearn_backprop.optimizers import AdamW

# most fits here are a few epochs long by intention
pytestmark = [
    pytest.mark.filterwarnings("ignore:Maximum iterations"),
    pytest.mark.filterwarnings("ignore:L-BFGS reached a limit"),
]

X, SPECIES = load_iris(return_X_y=True)
TARGET = X @ [0.5, -1.0, 0.3, 2.0] + np.sin(X[:, 0])
KINDS = {
    "binary": SPECIES == 1,
    "multiclass": SPECIES,
    "multilabel": np.c_[SPECIES > 0, X[:, 0] > 6, SPECIES == 1].astype(int),
}
SOLVERS = ["sgd", "adam", "adamw", "lbfgs"]
ESTIMATORS = [BackpropClassifier, BackpropRegressor]
TWINS = [(BackpropClassifier, MLPClassifier), (BackpropRegressor, MLPRegressor)]


def quick(cls, **parameters):
    return cls(**{"hidden_layer_sizes": (6,), "max_iter": 4, "random_state": 0} | parameters)


def target_of(cls):
    return SPECIES if is_classifier(cls()) else TARGET


def assert_same_weights(one, other, **tolerance):
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(one, name), getattr(other, name), strict=True):
            np.testing.assert_allclose(a, b, **{"rtol": 0, "atol": 0} | tolerance)


def by_hand(estimator, X, output=lambda z: z):
    """Compute a ReLU network's outputs from nothing but the fitted weights."""
    *hidden, last = zip(estimator.coefs_, estimator.intercepts_, strict=True)
    for W, b in hidden:
        X = np.maximum(X @ W + b, 0)
    return output(X @ last[0] + last[1])


# ---------------------------------------------------------------- parameters


@pytest.mark.parametrize(("ours", "theirs"), TWINS)
def test_parameters_of_mlp_exist_with_the_same_defaults(ours, theirs):
    """The first two by position, as in scikit-learn's classifier; all others by name."""
    parameters = inspect.signature(ours).parameters
    by_position = [p.name for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert by_position == ["hidden_layer_sizes", "activation"] == list(parameters)[:2]
    assert {p.kind for p in list(parameters.values())[2:]} == {inspect.Parameter.KEYWORD_ONLY}
    for name, parameter in inspect.signature(theirs).parameters.items():
        assert parameters[name].default == parameter.default, name
        assert type(parameters[name].default) is type(parameter.default), name
    own = {"initializer": "auto", "standardize": True, "dtype": "auto", "scoring": "loss"}
    own |= {"output_activation": "auto"} if ours is BackpropRegressor else {}
    assert own.items() <= ours().get_params().items()


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_layers_and_activation_by_position(cls):
    model = cls((5, 3), "tanh")
    assert model.get_params()["hidden_layer_sizes"] == (5, 3) and model.activation == "tanh"
    assert clone(model).get_params() == model.get_params()
    X, y = load_iris(return_X_y=True)
    layers = model.set_params(max_iter=2, tol=1.0).fit(X, y).coefs_
    assert [W.shape for W in layers[:2]] == [(4, 5), (5, 3)]
    # where scikit-learn's regressor has the loss since 1.7
    misplaced = cls("poisson")
    with pytest.raises(ValueError, match="A loss is passed by name: loss='poisson'"):
        misplaced.fit(X, y)
    assert set(vars(misplaced)) == set(misplaced.get_params())


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_signatures_of_fit_and_partial_fit(cls):
    fit = inspect.signature(cls.fit).parameters
    assert list(fit)[:4] == ["self", "X", "y", "sample_weight"]
    for name in ("coefs_init", "intercepts_init", "X_val", "y_val", "sample_weight_val"):
        assert fit[name].kind is inspect.Parameter.KEYWORD_ONLY
    assert list(inspect.signature(cls().partial_fit).parameters)[:2] == ["X", "y"]


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_docstring_documents_every_parameter_in_order(cls):
    section = re.search(r"Parameters\n-+\n(.*?)\nAttributes\n-+", inspect.getdoc(cls), re.DOTALL)
    entries = re.findall(r"^(\w+) : (.+), default=(.+)\n    \S", section[1], re.MULTILINE)
    defaults = [(p.name, repr(p.default)) for p in inspect.signature(cls).parameters.values()]
    assert [(name, default) for name, _, default in entries] == defaults
    assert "$" not in cls.__doc__


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_html_shows_each_parameter_and_its_description(cls):
    html = cls(alpha=0.125)._repr_html_()
    assert cls.__name__ in html
    assert "0.125" in html
    if parse_version(sklearn.__version__) < parse_version("1.9"):
        pytest.skip("the HTML has no parameter descriptions before scikit-learn 1.9")
    for name in cls._get_param_names():
        assert re.search(rf"param-doc-description.*?{name}: .*?default=.*?<br><br>\w", html, re.S)
    assert "L2 penalty" in html


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_fit_changes_no_parameter(cls):
    solver, activation = AdamW(weight_decay=0.02), Softplus()
    estimator = quick(cls, solver=solver, activation=activation, hidden_layer_sizes=[3])
    before = estimator.get_params()
    estimator.fit(X, target_of(cls))
    assert all(estimator.get_params()[name] is value for name, value in before.items())
    assert vars(solver) == vars(AdamW(weight_decay=0.02))


def test_tags_are_true_to_what_works():
    classifier, regressor = (cls().__sklearn_tags__() for cls in ESTIMATORS)
    for tags in (classifier, regressor):
        assert tags.input_tags.sparse
        assert tags.target_tags.required
        assert not tags.input_tags.allow_nan
    assert is_classifier(BackpropClassifier())
    assert is_regressor(BackpropRegressor())
    assert classifier.classifier_tags.multi_label
    assert regressor.target_tags.multi_output
    assert not regressor.target_tags.positive_only
    assert BackpropRegressor(loss="poisson").__sklearn_tags__().target_tags.positive_only


def test_an_unusable_parameter_does_not_break_tags_and_representation():
    for parameter in ("solver", "loss"):
        estimator = BackpropRegressor(**{parameter: "nonsense"})
        assert is_regressor(estimator)
        assert isinstance(hasattr(estimator, "partial_fit"), bool)
        assert "nonsense" in repr(estimator)
        assert "nonsense" in estimator._repr_html_()


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_partial_fit_exists_for_stochastic_solvers_only(cls, solver):
    assert hasattr(cls(solver=solver), "partial_fit") == (solver != "lbfgs")


# ---------------------------------------------------------------- fitted attributes


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_fitted_attributes(cls, solver):
    estimator = quick(cls, solver=solver, hidden_layer_sizes=(6, 5)).fit(X, target_of(cls))
    n_outputs = 3 if cls is BackpropClassifier else 1
    assert [W.shape for W in estimator.coefs_] == [(4, 6), (6, 5), (5, n_outputs)]
    assert [b.shape for b in estimator.intercepts_] == [(6,), (5,), (n_outputs,)]
    assert type(estimator.coefs_) is list
    assert {a.dtype for a in estimator.coefs_ + estimator.intercepts_} == {np.dtype("float64")}
    assert (estimator.n_layers_, estimator.n_outputs_, estimator.n_features_in_) == (
        4,
        n_outputs,
        4,
    )
    assert (estimator.n_iter_, len(estimator.loss_curve_)) == (4, 4)
    assert type(estimator.n_iter_) is int
    assert type(estimator.loss_curve_) is list
    assert {type(loss) for loss in estimator.loss_curve_} == {float}
    assert estimator.loss_ == estimator.loss_curve_[-1]
    assert estimator.best_loss_ == min(estimator.loss_curve_)
    assert estimator.validation_scores_ is None
    assert estimator.best_validation_score_ is None
    assert estimator.out_activation_ == ("softmax" if n_outputs == 3 else "identity")
    assert not hasattr(estimator, "feature_names_in_")
    if solver != "lbfgs":
        assert estimator.t_ == 4 * len(X)


@pytest.mark.parametrize(("ours", "theirs"), TWINS)
@pytest.mark.parametrize("parameters", [{}, {"solver": "lbfgs"}, {"early_stopping": True}])
def test_every_fitted_attribute_of_mlp_exists(ours, theirs, parameters):
    own = quick(ours, **parameters).fit(X, target_of(ours))
    with np.errstate(all="ignore"), pytest.warns(Warning):
        mlp = quick(theirs, **parameters).fit(X, target_of(ours))
    public = {name for name in vars(mlp) if name.endswith("_") and not name.startswith("_")}
    assert {"coefs_", "n_iter_"} <= public <= set(vars(own))


@pytest.mark.parametrize("kind", KINDS)
def test_classes_and_output_activation(kind):
    classifier = quick(BackpropClassifier).fit(X, KINDS[kind])
    expected = {"binary": [False, True], "multiclass": [0, 1, 2], "multilabel": [0, 1, 2]}[kind]
    np.testing.assert_array_equal(classifier.classes_, expected)
    assert classifier.out_activation_ == ("softmax" if kind == "multiclass" else "logistic")
    assert classifier.n_outputs_ == (1 if kind == "binary" else 3)


# ---------------------------------------------------------------- outputs


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_of_the_classifier(kind, standardize):
    y = KINDS[kind]
    classifier = quick(BackpropClassifier, standardize=standardize).fit(X, y)
    logits, P = classifier.decision_function(X), classifier.predict_proba(X)
    assert logits.shape == ((150,) if kind == "binary" else (150, 3))
    np.testing.assert_allclose(logits, by_hand(classifier, X).reshape(logits.shape), rtol=1e-9)
    link = softmax if kind == "multiclass" else expit
    expected = link(logits, axis=1) if kind == "multiclass" else link(logits)
    if kind == "binary":
        expected = np.c_[1 - expected, expected]
    np.testing.assert_allclose(P, expected, rtol=1e-9)
    if kind == "multilabel":
        np.testing.assert_array_equal(classifier.predict(X), P > 0.5)
    else:
        np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-12)
        np.testing.assert_array_equal(classifier.predict(X), classifier.classes_[P.argmax(axis=1)])
    assert classifier.predict(X).shape == y.shape
    np.testing.assert_array_equal(classifier.predict_log_proba(X), np.log(P))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_of_a_network_that_is_certain_stay_inside_0_and_1(kind, dtype):
    data = X.astype(dtype)
    classifier = quick(BackpropClassifier).fit(data, KINDS[kind])
    classifier.coefs_[-1] *= 1e5
    P = classifier.predict_proba(data)
    assert P.dtype == dtype
    assert P.min() > 0
    assert P.max() < 1
    assert np.isfinite(classifier.predict_log_proba(data)).all()
    if kind != "multilabel":
        np.testing.assert_allclose(P.sum(axis=1), 1, atol=8 * np.finfo(dtype).eps)


def test_one_class_only():
    classifier = quick(BackpropClassifier).fit(X, np.full(150, "only"))
    assert list(classifier.classes_) == ["only"]
    assert classifier.decision_function(X).shape == (150,)
    assert set(classifier.predict(X)) == {"only"}
    assert classifier.predict_proba(X).shape == (150, 1)
    # with nothing else to choose from, its probability is 1
    np.testing.assert_allclose(classifier.predict_proba(X).sum(axis=1), 1, atol=1e-12)


def test_outputs_of_the_regressor():
    one = quick(BackpropRegressor).fit(X, TARGET)
    assert one.predict(X).shape == (150,)
    np.testing.assert_allclose(one.predict(X), by_hand(one, X).ravel(), rtol=1e-9)
    two = quick(BackpropRegressor).fit(X, np.c_[TARGET, X[:, 0]])
    assert two.predict(X[:1]).shape == (1, 2)
    np.testing.assert_allclose(two.predict(X), by_hand(two, X), rtol=1e-9)
    with pytest.warns(sklearn.exceptions.DataConversionWarning):
        column = quick(BackpropRegressor).fit(X, TARGET[:, None])
    np.testing.assert_array_equal(column.predict(X), one.predict(X))


def test_string_labels_are_the_same_problem_as_numbers():
    names = np.array(["setosa", "versicolor", "virginica"])
    numbers = quick(BackpropClassifier).fit(X, SPECIES)
    for labels in (names[SPECIES], names[SPECIES].astype(object), list(names[SPECIES])):
        words = quick(BackpropClassifier).fit(X, labels)
        assert_same_weights(words, numbers)
        assert list(words.classes_) == list(names)
        np.testing.assert_array_equal(words.predict(X), names[numbers.predict(X)])
        assert words.score(X, labels) == numbers.score(X, SPECIES)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("standardize", [True, False])
def test_float32_stays_float32_and_agrees_with_float64(cls, solver, standardize):
    y, small = target_of(cls), X.astype(np.float32)
    estimator = quick(cls, solver=solver, standardize=standardize)
    single = clone(estimator).fit(small, y, sample_weight=np.linspace(0.5, 1.5, 150))
    double = clone(estimator).fit(X, y, sample_weight=np.linspace(0.5, 1.5, 150))
    assert {a.dtype for a in single.coefs_ + single.intercepts_} == {np.dtype("float32")}
    methods = ["predict"] if cls is BackpropRegressor else ["predict_proba", "decision_function"]
    for method in methods:
        out = getattr(single, method)(small)
        assert out.dtype == np.float32
        np.testing.assert_allclose(out, getattr(double, method)(X), rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_forces_the_computation(cls, dtype):
    integers = (10 * X).astype(int)
    reference = quick(cls).fit(integers.astype(dtype), target_of(cls))
    for given in ("float32", "float64", "int64"):
        forced = quick(cls, dtype=dtype).fit(integers.astype(given), target_of(cls))
        assert {a.dtype for a in forced.coefs_ + forced.intercepts_} == {np.dtype(dtype)}
        assert_same_weights(forced, reference, rtol=1e-12)


@pytest.mark.parametrize("name", OUTPUT_ACTIVATIONS)
def test_output_activation_by_name_and_by_instance(name):
    y = np.c_[TARGET, -TARGET] / 20 + 0.5
    named = quick(BackpropRegressor, output_activation=name, learning_rate_init=1e-4).fit(X, y)
    instance = clone(named).set_params(output_activation=OUTPUT_ACTIVATIONS[name]()).fit(X, y)
    assert named.out_activation_ == instance.out_activation_ == name
    assert_same_weights(named, instance)
    expected = by_hand(named, X)
    OUTPUT_ACTIVATIONS[name]().forward(expected.copy(), out=expected)
    np.testing.assert_allclose(named.predict(X), expected, rtol=1e-9, atol=1e-12)


def test_bounded_outputs_stay_bounded_and_auto_follows_the_loss():
    y = SPECIES == 1.0
    bounded = quick(BackpropRegressor, output_activation=Logistic(), max_iter=50).fit(X, y)
    assert 0 < bounded.predict(100 * X).min() <= bounded.predict(100 * X).max() <= 1
    for loss, link in {"squared_error": "identity", "poisson": "exp"}.items():
        assert quick(BackpropRegressor, loss=loss).fit(X, SPECIES).out_activation_ == link
    with pytest.raises(ValueError, match="output_activation"):
        BackpropClassifier().set_params(output_activation="relu")


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
def test_a_float_learning_rate_is_a_constant_rate(solver):
    number = quick(BackpropClassifier, solver=solver, learning_rate=0.02).fit(X, SPECIES)
    named = quick(BackpropClassifier, solver=solver, learning_rate_init=0.02).fit(X, SPECIES)
    assert_same_weights(number, named)
    both = quick(BackpropClassifier, learning_rate=0.02, learning_rate_init=0.01)
    with pytest.raises(ValueError, match=r"learning_rate=0.02.*learning_rate_init.*0.01"):
        both.fit(X, SPECIES)


def test_hidden_layer_sizes_in_any_form():
    reference = quick(BackpropRegressor, hidden_layer_sizes=(7,)).fit(X, TARGET)
    for sizes in (7, [7], np.array([7]), np.int64(7)):
        assert_same_weights(
            quick(BackpropRegressor, hidden_layer_sizes=sizes).fit(X, TARGET), reference
        )


@pytest.mark.filterwarnings("ignore:scipy.optimize. The `disp`:DeprecationWarning")
@pytest.mark.parametrize("standardize", [True, False])
def test_without_hidden_layers_it_is_the_generalized_linear_model(standardize):
    scaler = StandardScaler(with_mean=standardize, with_std=standardize).fit(X)
    S = scaler.transform(X)
    options = {
        "hidden_layer_sizes": (), "solver": "lbfgs", "tol": 1e-9, "max_iter": 9999,
        "standardize": standardize, "random_state": 0,
    }  # fmt: skip
    for y in (SPECIES == 1, SPECIES):
        ours = BackpropClassifier(alpha=1.0, **options).fit(X, y)
        theirs = LogisticRegression(C=1.0, tol=1e-9, max_iter=9999).fit(S, y)
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(S), atol=1e-3)
    ours = BackpropRegressor(alpha=0.0, **options).fit(X, TARGET)
    np.testing.assert_allclose(
        ours.predict(X), LinearRegression().fit(X, TARGET).predict(X), atol=1e-4
    )
    ours = BackpropRegressor(loss="poisson", alpha=150 * 0.1, **options).fit(X, SPECIES)
    theirs = PoissonRegressor(alpha=0.1, tol=1e-9, max_iter=9999).fit(S, SPECIES)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(S), atol=1e-4)


# ---------------------------------------------------------------- containers


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_dataframes_carry_feature_names(cls, frame, method):
    names, y = list("abcd"), target_of(cls)
    extra = {"classes": [0, 1, 2]} if method == "partial_fit" and cls is BackpropClassifier else {}
    data = frame(dict(zip(names, X.T, strict=True)))
    named = getattr(quick(cls), method)(data, y, **extra)
    plain = getattr(quick(cls), method)(X, y, **extra)
    assert_same_weights(named, plain, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(named.predict(data), plain.predict(X), rtol=1e-9)
    if not hasattr(StandardScaler().fit(data), "feature_names_in_"):
        pytest.skip("this scikit-learn finds no names in this version of polars")
    assert list(named.feature_names_in_) == names
    for wrong in (["b", "a", "c", "d"], ["a", "b", "c", "z"]):
        with pytest.raises(ValueError, match="feature names should match"):
            named.predict(frame(dict(zip(wrong, X.T, strict=True))))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        named.predict(X)
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        plain.predict(data)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("kind", ["array", "matrix"])
@pytest.mark.parametrize("layout", ["csr", "csc", "coo", "lil", "dok", "bsr"])
def test_sparse_is_the_same_as_dense(cls, kind, layout):
    dense = np.where(X > 2, X, 0)
    sparse = getattr(scipy.sparse, f"{layout}_{kind}")(dense)
    for solver in ("adam", "lbfgs"):
        estimator = quick(cls, solver=solver, standardize=False, batch_size=40)
        one = clone(estimator).fit(sparse, target_of(cls))
        other = clone(estimator).fit(dense, target_of(cls))
        assert_same_weights(one, other, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(one.predict(sparse), one.predict(dense), rtol=1e-9)
    assert sparse.format == layout
    np.testing.assert_array_equal(sparse.toarray(), dense)
