"""Hidden activations and input gradients of fitted networks."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_backprop import BackpropClassifier, BackpropRegressor, inspection
from sklearn_backprop._engine import outputs
from sklearn_backprop.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS, Activation

# trained just long enough to have weights that are not as they were drawn
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SHORT = {"max_iter": 15, "learning_rate_init": 0.01, "random_state": 0}

X_iris, y_iris = load_iris(return_X_y=True)
X_iris = X_iris * [1, 100, 0.01, 1] + [0, 0, 0, 50]  # raw units differ
X_diabetes, y_diabetes = load_diabetes(return_X_y=True)
Y_diabetes = np.c_[y_diabetes, y_diabetes**2 / 100]


def central_differences(function, X):
    """Return the derivative of each column of a function's result by each feature."""
    columns = []
    for j, step in enumerate(1e-5 * X.std(axis=0)):
        h = np.zeros(X.shape[1])
        h[j] = step
        difference = function(X + h) - function(X - h)
        columns.append(difference.reshape(len(X), -1) / (2 * step))
    return np.stack(columns, axis=-1)


def assert_same_gradients(given, expected):
    """Compare in units of each feature's largest gradient."""
    assert given.shape == expected.shape
    size = np.abs(expected).max(axis=(0, 1))
    np.testing.assert_allclose(given / size, expected / size, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_input_gradients_equal_central_differences(activation, standardize):
    sizes = {"hidden_layer_sizes": (7, 5), "activation": activation, "standardize": standardize}
    X = X_iris if standardize else (X_iris - X_iris.mean(axis=0)) / X_iris.std(axis=0)
    classifier = BackpropClassifier(**sizes, **SHORT).fit(X, y_iris)
    rows = X[::10]
    for method in ("decision_function", "predict_proba"):
        expected = central_differences(getattr(classifier, method), rows)
        assert_same_gradients(classifier.input_gradients(rows, method=method), expected)
    assert_same_gradients(
        classifier.input_gradients(rows), central_differences(classifier.decision_function, rows)
    )
    regressor = BackpropRegressor(**sizes, **SHORT).fit(X_diabetes, Y_diabetes)
    rows = X_diabetes[::20]
    assert_same_gradients(
        regressor.input_gradients(rows), central_differences(regressor.predict, rows)
    )


@pytest.mark.parametrize("output_activation", OUTPUT_ACTIVATIONS)
def test_input_gradients_for_every_output_activation(output_activation):
    model = BackpropRegressor(hidden_layer_sizes=6, output_activation=output_activation, **SHORT)
    model.fit(X_diabetes, Y_diabetes / Y_diabetes.max(axis=0))
    rows = X_diabetes[::20]
    assert_same_gradients(model.input_gradients(rows), central_differences(model.predict, rows))


def test_input_gradients_of_a_linear_network_are_its_weights():
    model = BackpropRegressor(hidden_layer_sizes=(), **SHORT).fit(X_diabetes, Y_diabetes)
    gradients = model.input_gradients(X_diabetes)
    assert gradients.shape == (442, 2, 10)
    np.testing.assert_array_equal(gradients, np.tile(model.coefs_[0].T, (442, 1, 1)))


def test_input_gradients_of_logistic_regression():
    model = BackpropClassifier(hidden_layer_sizes=(), **SHORT).fit(X_iris, y_iris == 1)
    p = model.predict_proba(X_iris)[:, 1]
    expected = (p * (1 - p))[:, None] * model.coefs_[0][:, 0]
    gradients = model.input_gradients(X_iris, method="predict_proba")
    np.testing.assert_allclose(gradients[:, 0], expected, rtol=1e-12)


def test_input_gradients_of_probabilities_sum_to_zero():
    model = BackpropClassifier(**SHORT).fit(X_iris, y_iris)
    gradients = model.input_gradients(X_iris, method="predict_proba")
    np.testing.assert_allclose(gradients.sum(axis=1), 0, atol=1e-12 * np.abs(gradients).max())


def test_gaussian_has_gradients_of_means_and_log_variances():
    model = BackpropRegressor(loss="gaussian", **SHORT).fit(X_diabetes, y_diabetes)

    def means_and_log_variances(X):
        mean, std = model.predict(X, return_std=True)
        return np.c_[mean, 2 * np.log(std)]

    rows = X_diabetes[::20]
    expected = central_differences(means_and_log_variances, rows)
    assert_same_gradients(model.input_gradients(rows), expected)


def test_chunks_do_not_change_input_gradients(monkeypatch):
    model = BackpropClassifier(activation="gelu", **SHORT).fit(X_iris, y_iris)
    whole = model.input_gradients(X_iris)
    monkeypatch.setattr(outputs, "GRADIENT_BLOCK", 3 * 100 * 7)  # 7 rows at a time
    np.testing.assert_allclose(model.input_gradients(X_iris), whole, rtol=1e-12)


def test_sparse_equals_dense():
    X = np.where(X_diabetes > 0, X_diabetes, 0)
    model = BackpropRegressor(hidden_layer_sizes=(9, 4), **SHORT).fit(csr_matrix(X), y_diabetes)
    for method in (model.input_gradients, model.hidden_activations):
        np.testing.assert_allclose(method(csr_matrix(X)), method(X), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_that_of_predictions(dtype):
    X = X_diabetes.astype(dtype)
    model = BackpropRegressor(**SHORT).fit(X, y_diabetes)
    assert model.input_gradients(X).dtype == model.hidden_activations(X).dtype == dtype


class Shrink(Activation):
    """Counts on arrays of one shape, as the contract of ``backward`` allows."""

    name = "shrink"

    def forward(self, Z, out):
        np.copyto(out, np.where(np.abs(Z) > 0.1, Z, 0))

    def backward(self, Z, A, delta):
        delta[np.abs(Z) <= 0.1] = 0


def test_activation_of_ones_own():
    model = BackpropClassifier(activation=Shrink(), **SHORT).fit(X_iris, y_iris)
    rows = X_iris[::10]
    expected = central_differences(model.decision_function, rows)
    assert_same_gradients(model.input_gradients(rows), expected)


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_hidden_activations_lead_to_the_outputs(activation, standardize):
    sizes = {"hidden_layer_sizes": (7, 5), "activation": activation, "standardize": standardize}
    model = BackpropClassifier(**sizes, **SHORT).fit(X_iris, y_iris)
    first, second = (model.hidden_activations(X_iris, layer=i) for i in (0, 1))
    assert first.shape == (150, 7)
    logits = second @ model.coefs_[2] + model.intercepts_[2]
    np.testing.assert_allclose(logits, model.decision_function(X_iris), rtol=1e-10)
    Z = first @ model.coefs_[1] + model.intercepts_[1]
    ACTIVATIONS[activation]().forward(Z, Z)
    np.testing.assert_allclose(second, Z, rtol=1e-10, atol=1e-10)


def test_layer_is_an_index_into_a_list():
    model = BackpropClassifier(hidden_layer_sizes=(4, 3, 2), **SHORT).fit(X_iris, y_iris)
    assert model.hidden_activations(X_iris).shape == (150, 2)
    for layer in range(3):
        np.testing.assert_array_equal(
            model.hidden_activations(X_iris, layer), model.hidden_activations(X_iris, layer - 3)
        )
    for layer in (3, -4):
        with pytest.raises(ValueError, match=r"has 3 hidden layer\(s\).*\[-3, 2\]"):
            model.hidden_activations(X_iris, layer)
    with pytest.raises(TypeError, match="layer must be an instance of int"):
        model.hidden_activations(X_iris, 1.0)


def test_no_hidden_layer():
    model = BackpropClassifier(hidden_layer_sizes=(), **SHORT).fit(X_iris, y_iris)
    with pytest.raises(ValueError, match=r"no hidden layer \(hidden_layer_sizes=\(\)\)"):
        model.hidden_activations(X_iris)


def test_slim_copies_tell_the_same():
    model = BackpropClassifier(**SHORT).fit(X_iris, y_iris)
    for method in ("hidden_activations", "input_gradients"):
        slim = getattr(model.slim(), method)(X_iris)
        np.testing.assert_array_equal(slim, getattr(model, method)(X_iris))


def test_errors():
    for method in ("hidden_activations", "input_gradients"):
        for model in (BackpropClassifier(), BackpropRegressor()):
            with pytest.raises(NotFittedError):
                getattr(model, method)(X_iris)
    model = BackpropClassifier(**SHORT).fit(X_iris, y_iris)
    with pytest.raises(ValueError, match="method='predict' is not known"):
        model.input_gradients(X_iris, method="predict")
    with pytest.raises(ValueError, match="expecting 4 features"):
        model.input_gradients(X_iris[:, :2])


# the functions of the module


def test_functions_take_any_of_the_estimators_and_say_so_of_others():
    model = BackpropRegressor(hidden_layer_sizes=(4, 3), max_iter=2, tol=1.0).fit(
        X_diabetes, y_diabetes
    )
    X = X_diabetes[:5]
    for ours, theirs in (
        (inspection.hidden_activations(model, X, layer=0), model.hidden_activations(X, 0)),
        (inspection.input_gradients(model, X), model.input_gradients(X)),
    ):
        np.testing.assert_array_equal(ours, theirs)
    pipeline = make_pipeline(StandardScaler(), model)
    for function in (inspection.hidden_activations, inspection.input_gradients):
        with pytest.raises(TypeError, match=r"Of a pipeline, pass the last step"):
            function(pipeline, X)
