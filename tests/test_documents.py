"""The two documents that this package grew from, reproduced figure by figure.

One walks through a single step of a 4-3-1 network with ReLU on both layers, in
tables. The other trains a 2-2-1 network of sigmoids on XOR. The expected figures
were computed from the documents' own numbers, apart from this package.
"""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sklearn_backprop import BackpropRegressor
from sklearn_backprop._engine.network import Network
from sklearn_backprop._engine.outputs import propagate
from sklearn_backprop.activations import Logistic, ReLU
from sklearn_backprop.inspection import trace_step
from sklearn_backprop.losses import SquaredError

# ---------------------------------------------------------------- XOR

XOR_X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR_Y = np.array([0.0, 1.0, 1.0, 0.0])
XOR_WEIGHTS = [
    np.array([[0.3745401188473625, 0.9507143064099162], [0.7319939418114051, 0.5986584841970366]]),
    np.array([[0.15601864044243652], [0.15599452033620265]]),
]
XOR_BIASES = [np.array([0.05808361216819946, 0.8661761457749352]), np.array([0.6011150117432088])]
XOR_TRAINED_WEIGHTS = [
    np.array([[3.699130304854009, 5.6990859972710135], [3.7057967944310346, 5.730695039263278]]),
    np.array([[-8.026635365285362], [7.4211608201554755]]),
]
XOR_TRAINED_BIASES = [
    np.array([-5.670515882705507, -2.375811630724831]),
    np.array([-3.3500097700534406]),
]
XOR_OUTPUTS = [0.06028403490133598, 0.9444784005976045, 0.9443731977856975, 0.05996464530429651]


def assert_all_close(arrays, expected, **tolerance):
    for actual, array in zip(arrays, expected, strict=True):
        np.testing.assert_allclose(actual, array, **tolerance)


def descent(activation, learning_rate, max_iter, n_samples):
    """Return plain gradient descent on the *sum* over the samples, as in the documents.

    The estimator averages over the batch, so its rate is ``n_samples`` times theirs.
    """
    return {
        "activation": activation, "output_activation": activation, "solver": "sgd",
        "momentum": 0.0, "alpha": 0.0, "learning_rate_init": n_samples * learning_rate,
        "max_iter": max_iter, "shuffle": False, "standardize": False, "tol": 0.0,
        "n_iter_no_change": np.inf,
    }  # fmt: skip


def test_xor_initial_weights_are_the_documents_draws():
    random = np.random.RandomState(42)
    draws = [random.rand(*shape) for shape in [(2, 2), (2, 1), (2,), (1,)]]
    assert_all_close(draws, [*XOR_WEIGHTS, *XOR_BIASES], rtol=1e-15)


@pytest.fixture(scope="module")
def xor():
    """Train for the document's 10,000 epochs."""
    regressor = BackpropRegressor(
        hidden_layer_sizes=(2,), **descent("logistic", 0.1, max_iter=10_000, n_samples=4)
    )
    with pytest.warns(ConvergenceWarning):  # for it stops at max_iter, which is what we ask for
        return regressor.fit(XOR_X, XOR_Y, coefs_init=XOR_WEIGHTS, intercepts_init=XOR_BIASES)


def test_xor_reaches_the_documents_weights(xor):
    assert xor.n_iter_ == 10_000
    assert_all_close(xor.coefs_, XOR_TRAINED_WEIGHTS, rtol=1e-9)
    assert_all_close(xor.intercepts_, XOR_TRAINED_BIASES, rtol=1e-9)


def test_xor_reaches_the_documents_outputs(xor):
    np.testing.assert_allclose(xor.predict(XOR_X), XOR_OUTPUTS, rtol=1e-9)
    np.testing.assert_array_equal(xor.predict(XOR_X) > 0.5, XOR_Y == 1)


def test_xor_loss_starts_at_half_the_summed_square(xor):
    assert 4 * xor.loss_curve_[0] == pytest.approx(0.57594964264285, rel=1e-13)
    assert len(xor.loss_curve_) == 10_000
    half_square = ((np.array(XOR_OUTPUTS) - XOR_Y) ** 2).sum() / 2
    assert 4 * xor.loss_ == pytest.approx(half_square, rel=1e-3)


def test_xor_needs_its_hidden_layer():
    # without it the best there is, is one half for every row
    linear = BackpropRegressor(
        hidden_layer_sizes=(), output_activation="logistic", solver="lbfgs", random_state=0
    ).fit(XOR_X, XOR_Y)
    np.testing.assert_allclose(linear.predict(XOR_X), 0.5, atol=1e-3)


# ---------------------------------------------------------------- one step by hand

X = np.array([[1.0, 0.0, 1.0, 0.0], [1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]])
Y = np.array([[1.0], [1.0], [0.0]])
# the entry -0.21 is printed as 1.45, which its own table of net inputs contradicts
HIDDEN_WEIGHTS = np.array(
    [[0.83, -0.14, 0.19], [1.73, 0.06, 0.92], [-0.21, 0.44, -1.58], [-0.57, -0.53, 1.39]]
)
HIDDEN_BIAS = np.array([-0.94, -0.17, 0.27])
OUTPUT_WEIGHTS = np.array([[-0.58], [0.83], [0.63]])
OUTPUT_BIAS = np.array([0.47])
RATE = 0.1

# what follows from these in full precision, and the table as printed
NET_INPUT = [[-0.32, 0.13, -1.12], [-0.89, -0.40, 0.27], [0.22, -0.64, 2.58]]
PRINTED_NET_INPUT = [[-0.32, 0.11, -1.11], [-0.90, -0.42, 0.27], [0.22, -0.65, 2.59]]
HIDDEN_ERROR = [  # times the rate, as all that follows
    [-0.0244818, 0.0350343, 0.0265923],
    [-0.0208742, 0.0298717, 0.0226737],
    [0.1141324, -0.1633274, -0.1239714],
]
HIDDEN_DELTA = [[0, 0.0350343, 0], [0, 0, 0.0226737], [0.1141324, 0, -0.1239714]]
PRINTED_HIDDEN_ERROR = [[-0.02, 0.03, 0.02], [-0.02, 0.02, 0.02], [0.11, -0.16, -0.12]]
PRINTED_HIDDEN_DELTA = [[0, 0.03, 0], [0, 0, 0.02], [0.11, 0, -0.12]]


@pytest.fixture
def network():
    """Return the document's network, propagated forward."""
    network = Network((4, 3, 1), ReLU(), ReLU())
    for view, array in zip(
        (*network.weights, *network.biases),
        (HIDDEN_WEIGHTS, OUTPUT_WEIGHTS, HIDDEN_BIAS, OUTPUT_BIAS),
        strict=True,
    ):
        view[...] = array
    network.forward(X)
    return network


def layers_of(network):
    """Return net input and activation of both layers, each in an array of its own."""
    Z, A = ([np.empty((3, 3)), np.empty((3, 1))] for _ in range(2))
    propagate(X, network.weights, network.biases, network.activations, Z, A)
    return Z, A


def half_squared_error(network):
    return SquaredError().sum(Y, network.forward(X))


def test_step_forward(network):
    Z, A = layers_of(network)
    np.testing.assert_allclose(Z[0], NET_INPUT, rtol=1e-13)
    np.testing.assert_allclose(Z[0], PRINTED_NET_INPUT, atol=0.0201)
    np.testing.assert_allclose(A[0], np.maximum(NET_INPUT, 0), rtol=1e-13)
    np.testing.assert_allclose(A[1].ravel(), [0.5779, 0.6401, 1.9678], rtol=1e-13)
    np.testing.assert_allclose(A[1].ravel(), [0.56, 0.64, 1.98], atol=0.02)
    np.testing.assert_array_equal(network.forward(X), A[1])


def test_step_needs_the_mended_entry(network):
    network.weights[0][2, 0] = 1.45
    Z, _ = layers_of(network)
    assert np.abs(Z[0] - PRINTED_NET_INPUT).max() > 1


def test_step_error_and_slope(network):
    _, A = layers_of(network)
    error = -SquaredError().gradient(Y, A[1])
    np.testing.assert_allclose(error.ravel(), [0.4221, 0.3599, -1.9678], rtol=1e-13)
    np.testing.assert_allclose(error.ravel(), [0.43, 0.35, -1.98], atol=0.0125)
    for activation, expected in (
        (A[0], [[0, 1, 0], [0, 0, 1], [1, 0, 1]]),
        (A[1], [[1], [1], [1]]),
    ):
        slope = np.ones_like(activation)
        ReLU().backward(activation, activation, slope)
        np.testing.assert_array_equal(slope, expected)


def test_step_deltas(network):
    delta = -RATE * network.output_delta(Y, SquaredError(), 1.0)
    np.testing.assert_allclose(delta.ravel(), [0.04221, 0.03599, -0.19678], rtol=1e-13)
    np.testing.assert_allclose(delta.ravel(), [0.04, 0.03, -0.19], atol=0.01)
    hidden = delta @ network.weights[1].T
    np.testing.assert_allclose(hidden, HIDDEN_ERROR, atol=1e-14)
    np.testing.assert_allclose(hidden, PRINTED_HIDDEN_ERROR, atol=0.01)
    _, A = layers_of(network)
    ReLU().backward(A[0], A[0], hidden)
    np.testing.assert_allclose(hidden, HIDDEN_DELTA, atol=1e-14)
    np.testing.assert_allclose(hidden, PRINTED_HIDDEN_DELTA, atol=0.01)


def backward(network):
    """Run the network's own backward pass; return its gradient, all parts at once."""
    network.forward(X)
    network.backward(X, network.output_delta(Y, SquaredError(), 1.0))
    return network.gradient


def test_step_gradient(network):
    backward(network)
    hidden_delta, delta = np.array(HIDDEN_DELTA), np.array([0.04221, 0.03599, -0.19678])
    weights = [-RATE * layer.dW for layer in network.layers]
    biases = [-RATE * layer.db for layer in network.layers]
    np.testing.assert_allclose(weights[0], X.T @ hidden_delta, atol=1e-14)
    np.testing.assert_allclose(biases[0], hidden_delta.sum(axis=0), atol=1e-14)
    np.testing.assert_allclose(weights[1].ravel(), np.maximum(NET_INPUT, 0).T @ delta, atol=1e-14)
    np.testing.assert_allclose(biases[1], delta.sum(), atol=1e-14)


STEPPED_WEIGHTS = [
    [[0.83, -0.1049657, 0.2126737], [1.8441324, 0.06, 0.7960286],
     [-0.21, 0.4750343, -1.5573263], [-0.4558676, -0.53, 1.2887023]],
    [[-0.6232916], [0.8354873], [0.1320249]],
]  # fmt: skip
STEPPED_BIASES = [[-0.8258676, -0.1349657, 0.1687023], [0.35142]]


def test_step_through_the_estimator():
    regressor = BackpropRegressor(
        hidden_layer_sizes=(3,), **descent("relu", RATE, max_iter=1, n_samples=3)
    )
    with pytest.warns(ConvergenceWarning):
        regressor.fit(
            X,
            Y.ravel(),
            coefs_init=[HIDDEN_WEIGHTS, OUTPUT_WEIGHTS],
            intercepts_init=[HIDDEN_BIAS, OUTPUT_BIAS],
        )
    assert_all_close(regressor.coefs_, STEPPED_WEIGHTS, atol=1e-13)
    assert_all_close(regressor.intercepts_, STEPPED_BIASES, atol=1e-13)
    assert 3 * regressor.loss_ == pytest.approx(2.08996663, abs=1e-14)
    half_square = ((regressor.predict(X) - Y.ravel()) ** 2).sum() / 2
    assert half_square == pytest.approx(0.34752469500616595, rel=1e-13)


# ---------------------------------------------------------------- both, traced


def traced(estimator, X, y, weights, biases):
    return trace_step(estimator, X, y, coefs_init=weights, intercepts_init=biases)


def test_trace_has_the_documents_tables():
    regressor = BackpropRegressor(
        hidden_layer_sizes=(3,), **descent("relu", RATE, max_iter=1, n_samples=3)
    )
    trace = traced(
        regressor, X, Y.ravel(), [HIDDEN_WEIGHTS, OUTPUT_WEIGHTS], [HIDDEN_BIAS, OUTPUT_BIAS]
    )
    hidden, output = trace.layers
    np.testing.assert_allclose(hidden.net_input, NET_INPUT, rtol=1e-13)
    np.testing.assert_allclose(hidden.activation, np.maximum(NET_INPUT, 0), rtol=1e-13)
    np.testing.assert_allclose(trace.outputs.ravel(), [0.5779, 0.6401, 1.9678], rtol=1e-13)
    np.testing.assert_allclose(trace.residuals.ravel(), [0.4221, 0.3599, -1.9678], rtol=1e-13)
    np.testing.assert_array_equal(hidden.slope, [[0, 1, 0], [0, 0, 1], [1, 0, 1]])
    np.testing.assert_array_equal(output.slope, [[1], [1], [1]])
    # the document's error is y - output, and it sums over the samples with the rate in it
    as_printed = -RATE * 3
    np.testing.assert_allclose(
        as_printed * output.delta.ravel(), [0.04221, 0.03599, -0.19678], rtol=1e-13
    )
    np.testing.assert_allclose(as_printed * hidden.error, HIDDEN_ERROR, atol=1e-14)
    np.testing.assert_allclose(as_printed * hidden.delta, HIDDEN_DELTA, atol=1e-14)
    for layer, W, b in zip(trace.layers, STEPPED_WEIGHTS, STEPPED_BIASES, strict=True):
        np.testing.assert_allclose(layer.weights_after, W, atol=1e-13)
        np.testing.assert_allclose(layer.biases_after, b, atol=1e-13)
    assert 3 * trace.objective == pytest.approx(2.08996663, abs=1e-14)
    assert 3 * trace.objective_after == pytest.approx(0.34752469500616595, rel=1e-13)
    for printed in ("-0.32", "0.13", "0.1141", "0.0350", "0.0227", "-0.6233", "1.844"):
        assert printed in str(trace)


def test_trace_of_xor(xor):
    untrained = BackpropRegressor(
        hidden_layer_sizes=(2,), **descent("logistic", 0.1, max_iter=1, n_samples=4)
    )
    first = traced(untrained, XOR_X, XOR_Y, XOR_WEIGHTS, XOR_BIASES)
    assert 4 * first.objective == pytest.approx(0.57594964264285, rel=1e-13)
    assert 4 * first.loss == 4 * first.objective and first.penalty == 0
    last = trace_step(xor, XOR_X, XOR_Y)
    np.testing.assert_allclose(last.outputs.ravel(), XOR_OUTPUTS, rtol=1e-9)
    assert last.objective < first.objective / 10


# ---------------------------------------------------------------- the document's two errata


@pytest.mark.parametrize(
    ("weights_sign", "biases_sign", "expected"),
    [
        (-1, -1, 1.7658067096954957),  # descent
        (+1, +1, 2.453649171067945),  # as in the code: everything climbs
        (+1, -1, 2.366536179426064),  # as in the table: the weights climb
    ],
    ids=["descent", "code", "table"],
)
def test_erratum_the_sign(network, weights_sign, biases_sign, expected):
    # its error is y - output, so the updates have to be added; it subtracts them
    start = half_squared_error(network)
    assert start == pytest.approx(2.08996663, abs=1e-14)
    gradient = backward(network)
    signs = np.where(np.arange(gradient.size) < network.n_weights, weights_sign, biases_sign)
    network.parameters += RATE**2 * signs * gradient
    after = half_squared_error(network)
    assert after == pytest.approx(expected, rel=1e-13)
    assert (after < start) == (weights_sign == -1)


def test_erratum_the_rate_counts_twice(network):
    # once in the delta and once more in the update, so its steps are those of rate 0.01
    start, gradient = network.parameters.copy(), backward(network).copy()
    delta_with_rate = RATE * network.output_delta(Y, SquaredError(), 1.0)
    network.backward(X, delta_with_rate)
    np.testing.assert_allclose(RATE * network.gradient, 0.01 * gradient, rtol=1e-13, atol=1e-16)
    reached = {}
    for rate in (RATE, RATE**2):
        network.parameters[...] = start - rate * gradient
        reached[rate] = half_squared_error(network)
    assert reached[RATE] == pytest.approx(0.34752469500616595, rel=1e-13)
    assert reached[RATE**2] == pytest.approx(1.7658067096954957, rel=1e-13)


# ---------------------------------------------------------------- both losses of the overview


def test_squared_error_and_cross_entropy_share_the_step_of_a_sigmoid_unit():
    # the one has the factor a (1 - a), which the other cancels: the documents' two losses
    from sklearn_backprop.losses import BinaryLogLoss

    Z = np.array([[-2.0], [0.5], [3.0]])
    A, deltas = np.empty_like(Z), []
    Logistic().forward(Z, A)
    for loss in (SquaredError(), BinaryLogLoss()):
        deltas.append(np.empty_like(Z))
        loss.output_delta(Y, Z, A, Logistic(), deltas[-1])
    np.testing.assert_allclose(deltas[0], deltas[1] * A * (1 - A), rtol=1e-13)
    np.testing.assert_allclose(deltas[1], A - Y)
