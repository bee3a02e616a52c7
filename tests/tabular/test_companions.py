"""Companions: fitted where the networks are, weighed by rows held out, and used where they help."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import log_softmax, softmax
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVR
from small_tables import BOTH, QUICK, data
from threadpoolctl import threadpool_limits

from sklearn_backprop import TabularClassifier, TabularRegressor
from sklearn_backprop.inspection import attributions
from sklearn_backprop.tabular._companions import (
    as_given,
    fit_companions,
    slopes_of_unclipped,
    with_unclipped,
)

QUICK = QUICK | {"companions": "auto"}


# what they are fitted on, and what is predicted


@BOTH
def test_they_are_fitted_on_what_the_member_is_trained_on(cls):
    """What is held out from a network is held out from its companions, so it can weigh both."""
    X, y = data(cls, 80)
    linear = LogisticRegression(C=0.1) if cls is TabularClassifier else RidgeCV()
    model = cls(**QUICK | {"companions": [linear]}).fit(X, y)
    encoded = model.encoder_.transform(X).astype(float)
    names = model.encoder_.get_feature_names_out()
    encoded = encoded[:, ["bin" not in name for name in names]]
    targets = np.unique(y, return_inverse=True)[1]
    if cls is TabularRegressor:
        targets = (y - y.mean()) / y.std()
    (name,) = set(model.weights_) - {"network"}
    for member, companions in zip(model.estimators_, model.companions_, strict=True):
        alone = clone(member).fit(
            *(model.encoder_.transform(X), y if cls is TabularClassifier else targets),
            validation_rows=member_rows(model, member, len(X)),
        )
        assert_allclose(alone.coefs_[0], member.coefs_[0], rtol=1e-4, atol=1e-6)  # float32
        rows = np.setdiff1d(np.arange(len(X)), member_rows(model, member, len(X)))
        again = clone(linear).fit(encoded[rows], targets[rows])
        assert_allclose(companions[name].coef_, again.coef_, rtol=1e-6, atol=1e-9)


def member_rows(model, member, n_rows):
    """Return the rows that a member has held out."""
    from sklearn_backprop.tabular._held_out import folds_in_turn

    seeds = np.random.RandomState(0).randint(2**31, size=(model.n_estimators, 2))[:, 1].tolist()
    labels = None
    if isinstance(model, TabularClassifier):
        labels = np.unique(data(TabularClassifier, n_rows)[1], return_inverse=True)[1]
    shares = folds_in_turn(n_rows, model.validation_fraction, seeds, labels)
    return shares[model.estimators_.index(member)].validation


@BOTH
def test_the_prediction_is_the_mean_of_the_weighted_parts(cls):
    X, y = data(cls, 200)
    is_class = cls is TabularClassifier
    trees = ExtraTreesClassifier if is_class else ExtraTreesRegressor
    model = cls(**QUICK | {"companions": [trees(20, min_samples_leaf=3)]}).fit(X, y)
    name = trees.__name__
    assert model.weights_[name] > 0.05
    encoded, each = model.encoder_.transform(X), []
    given = encoded[:, ["bin" not in n for n in model.encoder_.get_feature_names_out()]]
    for member, companions in zip(model.estimators_, model.companions_, strict=True):
        if is_class:
            log_P = np.log(np.maximum(companions[name].predict_proba(given), 1e-6))
            logits = model.weights_["network"] * member.decision_function(encoded)
            logits = logits + model.weights_[name] * log_softmax(log_P, axis=1)
            each.append(softmax(logits / model.temperature_, axis=1))
        else:
            z = model.weights_["network"] * member.predict(encoded)
            z = z + model.weights_[name] * companions[name].predict(given)
            each.append(np.clip(z * y.std() + y.mean(), y.min(), y.max()))
    predict = model.predict_proba if is_class else model.predict
    assert_allclose(predict(X), np.mean(each, axis=0), rtol=1e-5)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


def wide_and_linear(n_rows, n_columns, seed=0):
    """Return a spectrum: many columns that are nearly the same, and a linear target."""
    random = np.random.default_rng(seed)
    factors = random.normal(size=(n_rows, 5))
    X = factors @ random.normal(size=(5, n_columns)).cumsum(axis=1) / 5
    X += 0.01 * random.normal(size=X.shape)
    return X, factors @ np.array([1.0, -2.0, 0.5, 3.0, 0.1]) + 0.1 * random.normal(size=n_rows)


def test_a_linear_table_is_left_to_the_linear_model():
    X, y = wide_and_linear(160, 100)
    settings = {"max_iter": 64, "random_state": 0}
    model = TabularRegressor(**settings).fit(X[:120], y[:120])
    alone = TabularRegressor(**settings, companions=None).fit(X[:120], y[:120])
    ridge = RidgeCV(np.logspace(-6, 4, 21)).fit(X[:120], y[:120])

    def rmse(fitted):
        inside = np.clip(fitted.predict(X[120:]), y[:120].min(), y[:120].max())
        return np.sqrt(np.mean((inside - y[120:]) ** 2))

    assert rmse(alone) > 2 * rmse(ridge)
    assert rmse(model) < 1.1 * rmse(ridge)
    assert model.weights_["linear"] > 0.8


def test_steps_are_left_to_trees():
    random = np.random.default_rng(0)
    X = random.random((1000, 2))
    y = (np.floor(8 * X[:, 0]) % 2 == np.floor(8 * X[:, 1]) % 2).astype(int)  # a chess board
    model = TabularClassifier(max_iter=20, random_state=0).fit(X[:800], y[:800])
    alone = TabularClassifier(max_iter=20, random_state=0, companions=None).fit(X[:800], y[:800])
    assert model.weights_["boosting"] > 0.3
    assert model.score(X[800:], y[800:]) > alone.score(X[800:], y[800:]) + 0.1


def test_threads_change_no_bit():
    X, y = wide_and_linear(300, 4)
    y = y + np.floor(3 * X[:, 0])
    several = TabularRegressor(**QUICK).fit(X, y).predict(X)
    with threadpool_limits(1):
        one = TabularRegressor(**QUICK).fit(X, y).predict(X)
    assert_allclose(one, several, rtol=1e-5)  # the networks are float32
    rows = [np.arange(200), np.arange(100, 300)]
    given = TabularRegressor()._usual_companions["boosting"](300, 4, 0)
    fits = [fit_companions({"boosting": given}, X, y, None, rows, 0)]
    with threadpool_limits(1):
        fits.append(fit_companions({"boosting": given}, X, y, None, rows, 0))
    for first, second in zip(*fits, strict=True):
        assert_array_equal(first["boosting"].predict(X), second["boosting"].predict(X))


# derivatives and other runtimes


def test_slopes_are_those_of_networks_and_lines():
    X, y = wide_and_linear(120, 4)
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = TabularRegressor(**QUICK | {"companions": [RidgeCV()]}).fit(frame, y)
    assert model.weights_["RidgeCV"] > 0.3
    slopes = model.input_gradients(frame[:20])[:, 0]
    raw = model.encoder_.transform
    for j, name in enumerate(frame):
        step = 1e-3
        up, down = frame[:20].copy(), frame[:20].copy()
        up[name] += step
        down[name] -= step
        rise = model.encoded_outputs(raw(up)) - model.encoded_outputs(raw(down))
        # float32 columns, and bins' corners
        close = np.isclose(rise[:, 0] / (2 * step), slopes[:, j], rtol=0.02, atol=0.02)
        assert close.mean() > 0.8


def test_what_was_clipped_is_there_again():
    numbers = np.linspace(-50, 50, 101)[:, None]
    clipped = numbers / np.hypot(1, numbers / 3.0)
    assert_allclose(with_unclipped(clipped), np.hstack([clipped, 0.3 * numbers]), rtol=1e-9)
    assert_array_equal(as_given("boosting", clipped), clipped)
    step = 1e-6
    rise = with_unclipped(clipped + step)[:, 1:] - with_unclipped(clipped - step)[:, 1:]
    inside = np.abs(numbers) < 20
    assert_allclose(slopes_of_unclipped(clipped)[inside], (rise / (2 * step))[inside], rtol=1e-4)


def test_slopes_of_the_usual_linear_model():
    X, y = wide_and_linear(60, 3)
    model = TabularRegressor(**QUICK).fit(X, y)
    assert model.weights_["linear"] > 0.3
    encoded = model.encoder_.transform(X[:20]).astype(np.float64)
    slopes, step = model.encoded_gradients(encoded)[:, 0], 1e-5
    for j in model._companion_columns["linear"]:
        move = step * (np.arange(encoded.shape[1]) == j)
        rise = model.encoded_outputs(encoded + move) - model.encoded_outputs(encoded - move)
        assert_allclose(rise[:, 0] / (2 * step), slopes[:, j], rtol=1e-2, atol=2e-2)


@BOTH
def test_attributions_add_up(cls):
    X, y = data(cls, 300)
    model = cls(**QUICK | {"max_iter": 1}).fit(X, y)
    assert model.weights_["boosting"] > 0
    found = attributions(model, X[:20], n_steps=5)
    outputs = model.encoded_outputs(model.encoder_.transform(X[:20]).astype(float))
    total = found.base_values + found.values.sum(axis=1)
    assert_allclose(total.reshape(outputs.shape), outputs, rtol=1e-6, atol=1e-6)


def test_unknown_slopes_are_said_to_be():
    X, y = wide_and_linear(80, 3)
    model = TabularRegressor(**QUICK | {"companions": [SVR()]}).fit(X, y)
    with pytest.raises(ValueError, match=r"derivatives of the companion SVR\(\) are not known"):
        model.input_gradients(X)
    pytest.importorskip("onnx")
    with pytest.raises(ValueError, match=r"companion SVR\(\) cannot be exported"):
        model.to_onnx()


@pytest.mark.parametrize("n_classes", [0, 2, 4])
def test_onnx_has_them(n_classes):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    X, y = wide_and_linear(300, 3)
    cls = TabularRegressor
    if n_classes:
        cls, y = (
            TabularClassifier,
            np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes)),
        )
        y[0] = 9  # a class that only one row has, so one member's companions have not seen it
    model = cls(**QUICK | {"max_iter": 1, "n_estimators": 10}).fit(X, y)
    # whatever the rows say: all parts are to be there
    model.weights_ = {"network": 0.3, "boosting": 0.4, "linear": 0.3}
    data_ = model.encoder_.transform(X)
    targets = np.unique(y, return_inverse=True)[1] if n_classes else (y - y.mean()) / y.std()
    made = {n: make(300, 3, n_classes) for n, make in model._usual_companions.items()}
    rows = [np.arange(k, 300) for k in range(10)]
    columns = model.encoder_.columns_without_bins()
    model._companion_columns = {} if columns is None else dict.fromkeys(made, columns)
    given = data_ if columns is None else data_[:, columns]
    model.companions_ = fit_companions(made, given, targets, None, rows, 0)
    session = runtime.InferenceSession(
        model.to_onnx().SerializeToString(), providers=["CPUExecutionProvider"]
    )
    found = session.run(None, model.onnx_inputs(X))[0]
    expected = model.predict_proba(X) if n_classes else model.predict(X)
    assert_allclose(found, expected, atol=1e-5 * max(1, np.std(expected)))


# what is given


def test_a_list_of_ones_own():
    X, y = wide_and_linear(100, 3)
    given = [SVR(), SVR(C=10.0), ExtraTreesRegressor(3)]
    model = TabularRegressor(**QUICK | {"companions": given}).fit(X, y)
    assert list(model.weights_) == ["network", "SVR", "SVR-2", "ExtraTreesRegressor"]
    again = TabularRegressor(**QUICK | {"companions": given}).fit(X, y)
    assert_array_equal(model.predict(X), again.predict(X))  # random states are drawn from ours
    assert given[2].random_state is None
    model.set_params(companions=None).fit(X, y)
    assert model.weights_ == {"network": 1.0} and model.companions_ == [{}, {}]


@pytest.mark.parametrize("wrong", [[SVR], [LogisticRegression()], ["ridge"], [3]])
def test_what_is_no_regressor(wrong):
    model = TabularRegressor(companions=wrong)
    with pytest.raises(ValueError, match="companions of TabularRegressor must be unfitted regr"):
        model.fit(*wide_and_linear(30, 2))
    assert not hasattr(model, "encoder_")


def test_what_takes_no_weights():
    X, y = wide_and_linear(60, 2)
    labels, weights = y > 0, np.ones(60)
    model = TabularClassifier(**QUICK | {"companions": [KNeighborsClassifier()]})
    model.fit(X, labels)
    with pytest.raises(ValueError, match=r"KNeighborsClassifier\(\) takes no sample_weight"):
        model.fit(X, labels, sample_weight=weights)


@pytest.mark.parametrize(
    ("given", "word"),
    [({"loss": "absolute_error"}, "loss='absolute_error'"), ({}, "several targets")],
)
def test_what_they_are_not_for(given, word):
    X, y = wide_and_linear(60, 2)
    y = y if given else np.column_stack([y, y])
    assert TabularRegressor(**QUICK, **given).fit(X, y).weights_ == {"network": 1.0}
    with pytest.raises(ValueError, match=f"not for {word}"):
        TabularRegressor(**QUICK | {"companions": [RidgeCV()]}, **given).fit(X, y)


def test_rows_without_weight_are_as_if_not_there():
    X, y = wide_and_linear(200, 3)
    rows, counts = [np.arange(200)], np.repeat([1.0, 0.0], 100)
    made = {n: make(200, 3, 0) for n, make in TabularRegressor._usual_companions.items()}
    (weighted,) = fit_companions(made, X, np.where(counts > 0, y, 1e9), counts, rows, 0)
    (alone,) = fit_companions(made, X, y, np.ones(200), [np.arange(100)], 0)
    for name in made:
        given = as_given(name, X)
        assert_allclose(weighted[name].predict(given), alone[name].predict(given))


@BOTH
def test_without_time_there_are_none(cls):
    X, y = data(cls, 100)
    model = cls(**QUICK, max_time=1e-9).fit(X, y)
    assert model.weights_ == {"network": 1.0}
    assert np.isfinite(
        model.predict_proba(X) if cls is TabularClassifier else model.predict(X)
    ).all()


@BOTH
def test_too_few_rows_hold_none_out(cls):
    X, y = data(cls, 19)
    assert cls(**QUICK).fit(X, y).weights_ == {"network": 1.0}


def test_a_common_validation_set_needs_one_fit():
    X, y = wide_and_linear(160, 3)
    model = TabularRegressor(**QUICK).fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])
    first, second = (companions["linear"] for companions in model.companions_)
    assert first is second
