"""Attributions add up to the outputs, in the columns of the frame; derivatives are differences."""

from copy import copy

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.pipeline import make_pipeline

from sklearn_backprop import (
    BackpropClassifier,
    BackpropEnsembleClassifier,
    BackpropEnsembleRegressor,
    BackpropRegressor,
    TabularClassifier,
    TabularRegressor,
)
from sklearn_backprop.inspection import attributions
from sklearn_backprop.losses import Gaussian, Quantile

RANDOM = np.random.RandomState(0)
N = 300
X = pd.DataFrame(
    {
        "size": RANDOM.normal(10, 3, N),
        "color": RANDOM.choice(["red", "green", "blue"], N),
        "noise": RANDOM.normal(size=N),
        "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(RANDOM.randint(0, 300, N), "D"),
        "id": np.arange(N),
    }
)
SIGNAL = (X["size"] - 10) / 3 + 2 * (X["color"] == "red").to_numpy()
Y = SIGNAL.to_numpy()
X.loc[::7, "size"] = np.nan
QUICK = {
    "n_estimators": 2,
    "companions": None,
    "hidden_layer_sizes": (16, 16),
    "max_iter": 60,
    "ignored_features": ["id"],
    "random_state": 0,
}
THREE = np.digitize(Y, [-0.5, 1.0])
LABELS = np.column_stack([Y > 0, X["color"] == "red"]).astype(int)
MODELS = {
    "number": (TabularRegressor(**QUICK), Y),
    "numbers": (TabularRegressor(**QUICK), np.column_stack([Y, -100 * Y])),
    "quantiles": (TabularRegressor(**QUICK, loss=Quantile([0.1, 0.9])), Y),
    "gaussian": (TabularRegressor(**QUICK, loss=Gaussian()), Y),
    "poisson": (TabularRegressor(**QUICK, loss="poisson"), np.abs(Y)),
    "no bins": (TabularRegressor(**QUICK, n_bins=None), Y),
    "two": (TabularClassifier(**QUICK), np.where(Y > 0, "yes", "no")),
    "three": (TabularClassifier(**QUICK), THREE),
    "labels": (TabularClassifier(**QUICK), LABELS),
}
each_model = pytest.mark.parametrize("case", MODELS)
FITTED = {}


def fitted(case):
    """Return a model that is fitted once."""
    if case not in FITTED:
        model, y = MODELS[case]
        FITTED[case] = model.fit(X, y)
    return FITTED[case]


def answers(model):
    """Return what is explained: predictions that are inside the range, or scores."""
    if isinstance(model, TabularClassifier):
        return model.decision_function(X), np.ones(N, bool)
    predicted = model.predict(X)
    y = MODELS[next(case for case, one in FITTED.items() if one is model)][1]
    inside = (predicted > y.min(axis=0) + 0.05) & (predicted < y.max(axis=0) - 0.05)
    return predicted, inside.reshape(N, -1).all(axis=1)


@each_model
@pytest.mark.parametrize("n_steps", [1, 50])
def test_they_add_up_to_the_output(case, n_steps):
    model = fitted(case)
    found = attributions(model, X, n_steps=n_steps)
    expected, inside = answers(model)
    sums = found.base_values + found.values.sum(axis=1)
    assert sums.shape == expected.shape
    # each member is kept inside the range by itself; those that all are inside are explained
    explained = model.encoded_outputs(model.encoder_.transform(X).astype(float))
    np.testing.assert_allclose(sums, explained.reshape(expected.shape), rtol=1e-6, atol=1e-6)
    if isinstance(model, TabularClassifier):
        np.testing.assert_allclose(sums, expected, rtol=1e-6, atol=1e-6)
    else:
        spread = np.std(expected, axis=0)
        errors = np.abs(sums - expected)[inside] / spread
        assert np.median(errors) < 1e-5


@each_model
def test_more_steps_leave_less_to_share_out(case):
    few, many = (attributions(fitted(case), X[:50], n_steps=n) for n in (4, 64))
    assert many.convergence_delta < few.convergence_delta < 1
    assert many.convergence_delta < 0.02


@each_model
def test_they_name_the_columns_that_matter(case):
    importance = attributions(fitted(case), X).importance().reshape(5, -1).sum(axis=1)
    size, color, noise, day, left_out = importance
    assert min(size, color) > 2 * max(noise, day)
    assert left_out == 0


def test_of_a_linear_model_they_are_known():
    """``w_i (x_i - b_i)``, whatever the method."""
    numbers, target = load_diabetes(return_X_y=True)
    model = BackpropRegressor(hidden_layer_sizes=(), solver="lbfgs")
    model.fit(numbers, target)
    expected = (numbers - numbers[:9].mean(axis=0)) * model.coefs_[0][:, 0]
    for method in ("integrated_gradients", "gradient_x_input"):
        found = attributions(model, numbers, baseline=numbers[:9], method=method)
        np.testing.assert_allclose(found.values, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "model",
    [
        BackpropClassifier(),
        BackpropRegressor(),
        BackpropRegressor(loss="gaussian"),
        BackpropRegressor(loss=Quantile([0.1, 0.9])),
        BackpropEnsembleClassifier(BackpropClassifier(max_iter=20), n_estimators=3),
        BackpropEnsembleRegressor(BackpropRegressor(max_iter=20), n_estimators=3),
    ],
)
def test_plain_networks_and_ensembles_too(model):
    numbers, target = load_iris(return_X_y=True, as_frame=True)
    model.set_params(random_state=0)
    if not hasattr(model, "n_estimators"):
        model.set_params(max_iter=20)
    model.fit(numbers, target)
    is_classifier = hasattr(model, "predict_proba")
    expected = (model.decision_function if is_classifier else model.predict)(numbers)
    for form in (numbers, pd.DataFrame(numbers)):
        found = attributions(model, form)
        np.testing.assert_allclose(
            found.base_values + found.values.sum(axis=1), expected, rtol=1e-6, atol=1e-6
        )
        assert found.feature_names == list(numbers.columns)
    few, many = (attributions(model, numbers, n_steps=n).convergence_delta for n in (4, 64))
    assert many < max(few, 1e-6) and many < 0.02
    array = model.fit(csr_matrix(numbers.to_numpy()), target)
    assert attributions(array, csr_matrix(numbers.to_numpy())).data.shape == (150, 4)


def test_the_baseline_is_what_is_compared_with():
    model = fitted("number")
    found = attributions(model, X[:20], baseline=X[:20])
    assert np.abs(found.values.mean(axis=0)).max() < np.abs(found.values).max()
    same = attributions(model, X[5:6], baseline=X[5:6])
    np.testing.assert_allclose(same.values, 0, atol=1e-12)
    whole = attributions(model, X[:20])
    np.testing.assert_allclose(
        whole.base_values, attributions(model, X[:20], baseline=X).base_values, rtol=1e-5
    )


@each_model
@pytest.mark.parametrize(("feature", "unit"), [("size", 1.0), ("day", pd.Timedelta(1, "D"))])
def test_input_gradients_are_differences(case, feature, unit):
    model, step = fitted(case), 1e-4
    # edges of bins are values of X, and there the derivative jumps
    between = X.assign(day=X["day"] + pd.Timedelta(1, "h"), size=X["size"] + 0.01)
    gradients = model.input_gradients(between)
    assert gradients.shape[0::2] == (N, 5)
    assert not gradients[:, :, 4].any() and not gradients[:, :, 1].any()
    encoder = copy(model.encoder_)
    encoder.dtype = "float64"  # float32 does not hold so small a step
    down, up = (
        model.encoded_outputs(
            encoder.transform(between.assign(**{feature: between[feature] + sign * step * unit}))
        )
        for sign in (-1, 1)
    )
    differences = (up - down) / (2 * step)
    errors = np.abs(differences - gradients[:, :, list(X).index(feature)])
    # but where an edge of a bin, or a kink of SELU, lies between the two after all
    assert np.quantile(errors / (np.abs(differences).max() + 1e-3), 0.95) < 1e-4


@each_model
def test_the_chain_of_derivatives(case):
    """By encoded columns in float64, and of the encoding itself."""
    model = fitted(case)
    encoded = model.encoder_.transform(X).astype(float)
    direction = RANDOM.normal(size=encoded.shape[1])
    step = 1e-6
    difference = model.encoded_outputs(encoded + step * direction) - model.encoded_outputs(
        encoded - step * direction
    )
    expected = model.encoded_gradients(encoded) @ direction
    # a kink of an activation between the two is rare
    errors = np.abs(difference / (2 * step) - expected) / (1 + np.abs(expected))
    assert np.quantile(errors, 0.98) < 1e-5
    (_, _, column), *_ = model.encoder_.used_columns()
    values = X["size"].to_numpy()
    slopes = column.slopes(values, 3.0)
    clipped = model.encoder_.clipped
    difference = column.encode(values + step, clipped) - column.encode(values - step, clipped)
    errors = np.abs(difference / (2 * step) - slopes)
    errors[np.isnan(values)] = np.abs(slopes[np.isnan(values)])
    assert np.quantile(errors, 0.99) < 1e-6


def test_permutation_importance_agrees():
    model = fitted("number")
    found = permutation_importance(model, X, Y, n_repeats=3, random_state=0).importances_mean
    size, color, noise, day, left_out = found
    assert min(size, color) > 0.1 > 4 * max(abs(noise), abs(day)) and left_out == 0


def test_as_an_explanation_of_shap():
    shap = pytest.importorskip("shap")
    for case in ("number", "three"):
        found = attributions(fitted(case), X[:9])
        explanation = found.to_shap()
        assert isinstance(explanation, shap.Explanation)
        assert explanation.shape == found.values.shape
        assert explanation.feature_names == list(X.columns)
        np.testing.assert_array_equal(explanation.base_values, found.base_values)


def test_what_cannot_be_is_said():
    model = fitted("number")
    for more, message in (
        ({"method": "nonsense"}, "method='nonsense' is not known"),
        ({"n_steps": 0}, "n_steps"),
        ({"baseline": X[["size"]]}, "feature"),
    ):
        with pytest.raises(ValueError, match=message):
            attributions(model, X, **more)
    with pytest.raises(NotFittedError):
        attributions(TabularRegressor(), X)
    with pytest.raises(NotFittedError):
        TabularRegressor().input_gradients(X)
    with pytest.raises(TypeError, match="Of a pipeline, pass the last step"):
        attributions(make_pipeline(model), X)
