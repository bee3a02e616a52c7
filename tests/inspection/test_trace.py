"""A traced step is the step that training takes, and its quantities fit together.

What `trace_step` shows is compared with what `partial_fit` then does, bit for bit; with
the definitions of the quantities; and with central differences of the objective.
"""

import pickle

import numpy as np
import pytest
from scipy.sparse import csr_array, csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_iris, make_regression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.inspection import trace_step
from sklearn_backprop.losses import Huber, Quantile
from sklearn_backprop.optimizers import SGD, AdamW

RNG = np.random.RandomState(0)
IRIS_X, IRIS_Y = load_iris(return_X_y=True)
X = IRIS_X[::8]
CLASSES = IRIS_Y[::8]
NUMBERS = X @ RNG.standard_normal((4, 2)) + 5
LABELS = (NUMBERS - NUMBERS.mean(axis=0) > 0).astype(int)
WEIGHTS = RNG.uniform(0, 3, size=len(X))

CASES = {
    "sgd": (BackpropRegressor(solver="sgd", momentum=0.0), NUMBERS[:, 0]),
    "momentum": (BackpropRegressor(solver="sgd", nesterovs_momentum=False), NUMBERS[:, 0]),
    "nesterov": (BackpropClassifier(solver="sgd"), CLASSES),
    "sgd with decay": (BackpropClassifier(solver=SGD(weight_decay=0.1)), CLASSES == 1),
    "adam": (BackpropRegressor(), NUMBERS),
    "adamw": (BackpropClassifier(solver=AdamW(weight_decay=0.1)), CLASSES),
    "no hidden layer": (BackpropRegressor(hidden_layer_sizes=()), NUMBERS),
    "three hidden layers": (BackpropClassifier(hidden_layer_sizes=(5, 4, 3)), CLASSES),
    "tanh": (BackpropRegressor(activation="tanh", standardize=False), NUMBERS),
    "gelu": (BackpropRegressor(activation="gelu", hidden_layer_sizes=(4, 3)), NUMBERS),
    "huber": (BackpropRegressor(loss=Huber(0.5)), NUMBERS),
    "poisson": (BackpropRegressor(loss="poisson"), NUMBERS - NUMBERS.min()),
    "quantiles": (BackpropRegressor(loss=Quantile([0.1, 0.9])), NUMBERS[:, 0]),
    "gaussian": (BackpropRegressor(loss="gaussian"), NUMBERS),
    "logistic output": (BackpropRegressor(output_activation="logistic"), LABELS),
    "focal": (BackpropClassifier(loss="focal"), CLASSES),
    "multilabel": (BackpropClassifier(), LABELS),
    "large penalty": (BackpropClassifier(alpha=30.0), CLASSES),
    "clipped": (BackpropRegressor(max_grad_norm=0.01, alpha=3.0), NUMBERS),
    "dropout": (BackpropClassifier(dropout=(0.5, 0.2), hidden_layer_sizes=(5, 4)), CLASSES),
    "dropout, gelu": (BackpropClassifier(dropout=0.5, activation="gelu"), CLASSES),
    "float32": (BackpropClassifier(dtype="float32"), CLASSES),
    "class weights": (BackpropClassifier(class_weight={0: 2.0, 1: 0.5}), CLASSES),
    "schedule": (BackpropClassifier(learning_rate="one_cycle"), CLASSES),
}


def case(name):
    """Return an unfitted estimator, small where the case does not say how large."""
    estimator, y = CASES[name]
    estimator = clone(estimator).set_params(random_state=3)
    if estimator.hidden_layer_sizes == (100,):
        estimator.set_params(hidden_layer_sizes=(5,))
    return estimator, y


def classes_of(estimator, y):
    return {"classes": np.unique(y)} if isinstance(estimator, BackpropClassifier) else {}


each_case = pytest.mark.parametrize("name", CASES)


def assert_same_step(trace, estimator):
    """Compare a trace with the estimator that has meanwhile taken the step."""
    network = estimator._training.network
    for layer, W, b in zip(trace.layers, network.weights, network.biases, strict=True):
        np.testing.assert_array_equal(layer.weights_after, W)
        np.testing.assert_array_equal(layer.biases_after, b)
        assert not np.array_equal(layer.weights_before, W)
    assert trace.objective == estimator.loss_curve_[-1]


@each_case
@pytest.mark.parametrize("sample_weight", [None, WEIGHTS], ids=["unweighted", "weighted"])
def test_it_is_the_step_that_partial_fit_takes(name, sample_weight):
    estimator, y = case(name)
    classes = classes_of(estimator, y)
    for part in (slice(0, 12), slice(12, None)):  # the first step, and one that goes on
        batch = X[part], y[part], None if sample_weight is None else sample_weight[part]
        trace = trace_step(estimator, *batch, **classes)
        estimator.partial_fit(*batch, **classes)
        assert_same_step(trace, estimator)
        assert trace.learning_rate == estimator.history_["learning_rate"][-1]
        assert trace.clipped_norm == pytest.approx(estimator.history_["gradient_norm"][-1])


def test_without_standardization_its_weights_are_those_for_raw_X():
    estimator, y = case("tanh")
    estimator.partial_fit(X, y)
    trace = trace_step(estimator, X, y)
    for layer, W, b in zip(trace.layers, estimator.coefs_, estimator.intercepts_, strict=True):
        np.testing.assert_array_equal(layer.weights_before, W)
        np.testing.assert_array_equal(layer.biases_before, b)
    np.testing.assert_array_equal(trace.inputs, X)
    np.testing.assert_allclose(trace.outputs, estimator.predict(X), rtol=1e-14)


def test_given_weights_are_where_it_starts():
    estimator, y = case("tanh")
    coefs, intercepts = [np.full((4, 5), 0.1), np.full((5, 2), 0.2)], [np.ones(5), np.zeros(2)]
    trace = trace_step(estimator, X, y, coefs_init=coefs, intercepts_init=intercepts)
    np.testing.assert_array_equal(trace.layers[1].weights_before, coefs[1])
    np.testing.assert_allclose(trace.layers[0].net_input, X @ coefs[0] + 1, rtol=1e-14)
    # given for raw X, they mean the same in the coordinates of training
    estimator.set_params(standardize=True)
    standardized = trace_step(estimator, X, y, coefs_init=coefs, intercepts_init=intercepts)
    np.testing.assert_allclose(standardized.layers[0].net_input, X @ coefs[0] + 1, rtol=1e-12)
    scaler = standardized.output_scaler
    raw = standardized.outputs * scaler.scale + scaler.center
    np.testing.assert_allclose(raw, trace.outputs, rtol=1e-12)


def test_standardized_coordinates_are_those_after_this_batch():
    estimator, y = case("adam")
    estimator.partial_fit(X[:10], y[:10])
    trace = trace_step(estimator, X[10:], y[10:])
    inputs = StandardScaler().fit(X).transform(X[10:])
    np.testing.assert_allclose(trace.inputs, inputs, atol=1e-12)
    np.testing.assert_allclose(trace.targets, StandardScaler().fit(y).transform(y[10:]), atol=1e-12)
    assert "standardize=True: inputs and targets are" in str(trace).replace("\n", " ")


def test_sparse_input():
    estimator, y = case("adamw")
    estimator.partial_fit(csr_matrix(X), y, classes=[0, 1, 2])
    trace = trace_step(estimator, csr_array(X), y)
    assert "inputs" in str(trace)
    estimator.partial_fit(csr_array(X), y)
    assert_same_step(trace, estimator)


# ---------------------------------------------------------------- nothing changes


@each_case
def test_the_estimator_stays_as_it_is(name):
    estimator, y = case(name)
    for _ in range(2):
        before = pickle.dumps(estimator)
        trace_step(estimator, X, y)
        assert pickle.dumps(estimator) == before
        estimator.partial_fit(X, y, **classes_of(estimator, y))


def test_random_states_are_not_advanced():
    for random_state in (None, np.random.RandomState(0)):
        estimator = BackpropRegressor(hidden_layer_sizes=5, random_state=random_state)
        source = np.random.mtrand._rand if random_state is None else random_state
        before = pickle.dumps(source)
        trace = trace_step(estimator, X, NUMBERS)
        assert pickle.dumps(source) == before
        assert_same_step(trace, estimator.partial_fit(X, NUMBERS))


def test_a_trace_keeps_its_numbers():
    estimator, y = case("adam")
    estimator.partial_fit(X, y)
    trace = trace_step(estimator, X, y)
    kept = pickle.dumps(trace)
    estimator.partial_fit(X, y)
    trace_step(estimator, X[:5], y[:5])
    assert pickle.dumps(trace) == kept


# ---------------------------------------------------------------- definitions


@each_case
def test_quantities_follow_from_one_another(name):
    estimator, y = case(name)
    trace = trace_step(estimator, X, y, sample_weight=WEIGHTS)
    tolerance = {"rtol": 2e-5, "atol": 1e-6} if name == "float32" else {"rtol": 1e-9, "atol": 1e-12}

    def close(actual, expected):
        np.testing.assert_allclose(actual, expected, **tolerance)

    below = trace.inputs
    for number, layer in enumerate(trace.layers, start=1):
        assert layer.number == number
        close(layer.net_input, below @ layer.weights_before + layer.biases_before)
        if layer.slope is not None:
            close(layer.delta, layer.error * layer.slope)
        close(layer.gradient_weights, below.T @ layer.delta + layer.penalty_weights)
        close(layer.gradient_biases, layer.delta.sum(axis=0))
        close(layer.weights_after, layer.weights_before + layer.update_weights)
        close(layer.biases_after, layer.biases_before + layer.update_biases)
        below = layer.activation
    for layer, above in zip(trace.layers, trace.layers[1:], strict=False):
        close(layer.error, above.delta @ above.weights_before.T)
    close(trace.outputs, trace.layers[-1].activation)
    close(trace.residuals, trace.targets - trace.outputs)
    close(trace.loss, trace.share[:, 0] @ trace.losses.sum(axis=1))
    close(trace.objective, trace.loss + trace.penalty)


def test_share_and_penalty():
    estimator, y = case("large penalty")
    trace = trace_step(estimator, X, y, sample_weight=WEIGHTS)
    in_all = len(X) * WEIGHTS.mean()
    np.testing.assert_allclose(trace.share[:, 0], WEIGHTS / in_all)
    squares = sum((layer.weights_before**2).sum() for layer in trace.layers)
    assert trace.penalty == pytest.approx(30 / 2 * squares / in_all)
    for layer in trace.layers:
        np.testing.assert_allclose(layer.penalty_weights, 30 * layer.weights_before / in_all)


def test_sgd_goes_against_the_gradient():
    estimator = BackpropRegressor(solver="sgd", momentum=0, learning_rate_init=0.3, alpha=2.0)
    trace = trace_step(estimator.set_params(hidden_layer_sizes=4), X, NUMBERS)
    for layer in trace.layers:
        np.testing.assert_allclose(layer.update_weights, -0.3 * layer.gradient_weights, atol=1e-15)
        np.testing.assert_allclose(layer.update_biases, -0.3 * layer.gradient_biases, atol=1e-15)
    assert trace.objective_after < trace.objective


def test_clipping_shortens_the_whole_gradient():
    estimator = BackpropRegressor(solver="sgd", momentum=0, max_grad_norm=0.01, random_state=0)
    trace = trace_step(estimator.set_params(hidden_layer_sizes=4), X, NUMBERS)
    parts = [layer.gradient_weights for layer in trace.layers]
    parts += [layer.gradient_biases for layer in trace.layers]
    norm = np.sqrt(sum(np.square(part).sum() for part in parts))
    assert trace.gradient_norm == pytest.approx(norm) and norm > 0.01
    assert trace.clipped_norm == pytest.approx(0.01)
    update = trace.layers[0].update_weights
    expected = -0.001 * trace.layers[0].gradient_weights * 0.01 / norm
    np.testing.assert_allclose(update, expected, atol=1e-16)
    assert "shortened to 0.01 by max_grad_norm" in str(trace)


def test_objective_after_is_where_the_next_step_starts():
    estimator, y = case("tanh")  # not standardized: the coordinates do not move
    trace = trace_step(estimator, X, y, sample_weight=WEIGHTS)
    estimator.partial_fit(X, y, sample_weight=WEIGHTS)
    again = trace_step(estimator, X, y, sample_weight=WEIGHTS)
    assert trace.objective_after == pytest.approx(again.objective, rel=1e-13)


@pytest.mark.parametrize("name", ["tanh", "gelu", "focal", "multilabel", "poisson", "gaussian"])
def test_gradients_agree_with_central_differences_of_the_objective(name):
    estimator, y = case(name)
    estimator.set_params(standardize=False, alpha=3.0)
    trace = trace_step(estimator, X[:8], y[:8], sample_weight=WEIGHTS[:8])
    coefs = [layer.weights_before for layer in trace.layers]
    intercepts = [layer.biases_before for layer in trace.layers]
    arrays = [*coefs, *intercepts]
    gradients = [layer.gradient_weights for layer in trace.layers]
    gradients += [layer.gradient_biases for layer in trace.layers]

    def objective(number, index, step):
        moved = [array.copy() for array in arrays]
        moved[number][index] += step
        initial = {"coefs_init": moved[: len(coefs)], "intercepts_init": moved[len(coefs) :]}
        return trace_step(estimator, X[:8], y[:8], WEIGHTS[:8], **initial).objective

    h, largest = 1e-5, max(np.abs(gradient).max() for gradient in gradients)
    for number, array in enumerate(arrays):
        for index in list(np.ndindex(array.shape))[::3]:
            slope = (objective(number, index, h) - objective(number, index, -h)) / (2 * h)
            assert gradients[number][index] == pytest.approx(slope, rel=1e-6, abs=1e-7 * largest)


@pytest.mark.parametrize("name", ["three hidden layers", "gelu", "multilabel"])
def test_deltas_and_errors_agree_with_central_differences(name):
    estimator, y = case(name)
    estimator.partial_fit(X, y, **classes_of(estimator, y))
    trace = trace_step(estimator, X[:12:2], y[:12:2])
    loss, network = estimator._loss, estimator._training.network

    def from_layer(start, A):
        """Return the loss of a batch that comes out of a layer as A."""
        for layer, f in list(zip(trace.layers, network.activations, strict=True))[start:]:
            Z = A @ layer.weights_before + layer.biases_before
            A = np.empty_like(Z)
            f.forward(Z.copy(), A)
        return loss.sum(trace.targets, A, trace.share)

    h = 1e-6
    for i, (layer, f) in enumerate(zip(trace.layers, network.activations, strict=True)):
        for array, quantity, is_net_input in (
            (layer.net_input, layer.delta, True),
            (layer.activation, layer.error, False),
        ):
            slope = np.empty_like(array)
            for index in np.ndindex(array.shape):
                ends = []
                for sign in (1, -1):
                    moved = array.copy()
                    moved[index] += sign * h
                    A = np.empty_like(moved)
                    f.forward(moved, A) if is_net_input else np.copyto(A, moved)
                    ends.append(from_layer(i + 1, A))
                slope[index] = (ends[0] - ends[1]) / (2 * h)
            np.testing.assert_allclose(quantity, slope, rtol=1e-5, atol=1e-8)


def test_softmax_has_no_slope_and_says_how_its_delta_comes_about():
    trace = (
        trace_step(*case("focal"), y=None) if False else trace_step(case("focal")[0], X, CLASSES)
    )
    assert trace.layers[-1].slope is None and trace.layers[0].slope is not None
    assert "error through the Jacobian of softmax" in str(trace)
    trace = trace_step(case("nesterov")[0], X, CLASSES)
    np.testing.assert_allclose(trace.layers[-1].delta, -trace.residuals * trace.share, atol=1e-15)
    assert "(A2 - Y) × share" in str(trace)


def test_dropout_masks_are_in_activation_and_slope():
    trace = trace_step(case("dropout")[0], X, CLASSES)
    first = trace.layers[0]
    assert set(np.unique(first.mask)) == {0.0, 2.0}
    np.testing.assert_array_equal(first.activation, np.maximum(first.net_input, 0) * first.mask)
    np.testing.assert_array_equal(first.slope, (first.net_input > 0) * first.mask)
    assert trace.objective_after is None
    assert trace.layers[-1].mask is None


# ---------------------------------------------------------------- L-BFGS, early stopping, errors


def test_lbfgs_ends_at_the_gradient_of_all_samples():
    X_, y_ = make_regression(n_samples=300, n_features=4, random_state=0)
    estimator = BackpropRegressor(solver="lbfgs", hidden_layer_sizes=5, alpha=2.0, random_state=0)
    trace = trace_step(estimator, X_, y_)
    assert len(trace.inputs) == 300  # more than a batch
    assert trace.learning_rate is None and trace.objective_after is None
    for layer in trace.layers:
        assert layer.update_weights is None and layer.weights_after is None
    adam = trace_step(clone(estimator).set_params(solver="adam", batch_size=300), X_, y_)
    for layer, same in zip(trace.layers, adam.layers, strict=True):
        np.testing.assert_array_equal(layer.gradient_weights, same.gradient_weights)
    assert "takes no single step" in str(trace)
    assert "W1_after" not in trace.to_frames()
    estimator.fit(X_, y_)
    assert trace_step(estimator, X_, y_).gradient_norm < 0.05 * trace.gradient_norm


def test_early_stopping_and_its_best_weights():
    estimator = BackpropClassifier(early_stopping=True, max_iter=30, tol=1, random_state=0)
    estimator.fit(IRIS_X, IRIS_Y)
    trace = trace_step(estimator, X, CLASSES)
    np.testing.assert_array_equal(
        trace.layers[0].weights_before, estimator._training.network.weights[0]
    )


def test_more_rows_than_a_batch():
    estimator = BackpropRegressor(batch_size=10)
    with pytest.raises(ValueError, match=r"X has 19 rows.*batch_size=10.*X\[:10\]"):
        trace_step(estimator, X, NUMBERS)
    trace_step(estimator, X[:10], NUMBERS[:10])
    with pytest.raises(ValueError, match="batch_size=200"):
        trace_step(BackpropRegressor(), np.ones((201, 2)), np.ones(201))


def test_what_it_cannot_trace():
    pipeline = make_pipeline(StandardScaler(), BackpropRegressor())
    with pytest.raises(TypeError, match=r"pipeline\[-1\]"):
        trace_step(pipeline, X, NUMBERS)
    with pytest.raises(TypeError, match="BackpropClassifier"):
        trace_step(StandardScaler(), X, NUMBERS)
    balanced = BackpropClassifier(class_weight="balanced")
    with pytest.raises(ValueError, match="dict"):
        trace_step(balanced, X, CLASSES)
    slim = (
        BackpropRegressor(hidden_layer_sizes=2, max_iter=5, learning_rate="cosine")
        .fit(X, NUMBERS)
        .slim()
    )
    with pytest.raises(ValueError, match="a trace"):
        trace_step(slim, X, NUMBERS)
    fitted = BackpropRegressor(hidden_layer_sizes=2, max_iter=5, learning_rate="cosine").fit(
        X, NUMBERS
    )
    with pytest.raises(ValueError, match="4 features"):
        trace_step(fitted, X[:, :3], NUMBERS)
    with pytest.raises(ValueError, match="coefs_init"):
        trace_step(fitted, X, NUMBERS, coefs_init=[np.ones((4, 3))])
