"""The network: gradients by differences, views, sparse X, and what it is without hidden layers."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse
from derivatives import assert_same_gradient, central_differences, meaningful_pairs
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from sklearn.preprocessing import scale

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop._engine import outputs as module
from sklearn_backprop._engine.network import Network, split
from sklearn_backprop._engine.objective import Objective
from sklearn_backprop._engine.outputs import predict
from sklearn_backprop._engine.samples import Samples
from sklearn_backprop._engine.training import ROWS, Learner, full_batch_objective
from sklearn_backprop._numerics.vectors import BLOCK
from sklearn_backprop.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS, ReLU, Softmax, Tanh
from sklearn_backprop.losses import LOSSES, LogLoss, SquaredError

N_SAMPLES, N_OUTPUTS, ALPHA = 7, 2, 0.3
HIDDEN = (4,), (4, 3, 4)


def batch(n_samples=N_SAMPLES):
    """Return features, targets that suit every loss, and weights with a zero among them."""
    random = np.random.RandomState(0)
    X = random.standard_normal((n_samples, 3))
    Y = random.uniform(0.1, 0.9, (n_samples, N_OUTPUTS))
    weights = random.uniform(0, 2, (n_samples, 1))
    weights[0] = 0
    return X, Y / Y.sum(axis=1, keepdims=True), weights


def network_of(
    hidden, activation, output_activation, seed=0, dtype=np.float64, n_outputs=N_OUTPUTS
):
    sizes = (3, *hidden, n_outputs)
    network = Network(
        sizes, ACTIVATIONS[activation](), OUTPUT_ACTIVATIONS[output_activation](), dtype
    )
    random = np.random.RandomState(0)
    network.parameters[...] = random.uniform(-1, 1, network.parameters.shape)
    for bias in network.biases:
        bias += 0.5  # keeps most of the rectified units alive
    return network


def gradient_of(network, loss, X, Y, weights=None):
    """Return the gradient of a batch's objective, as a training step computes it."""
    share = 1 / len(Y) if weights is None else 1 / weights.sum()
    network.forward(X)
    scale = share if weights is None else weights * share
    network.backward(X, network.output_delta(Y, loss, scale))
    network.penalize(ALPHA * share)
    return network.gradient.copy()


def differences_of(network, loss, X, Y, weights=None):
    """Return the same from nothing but forward passes, all in one stack of networks."""
    weights = np.ones((len(Y), 1)) if weights is None else weights
    points = Network(
        network.layer_sizes,
        network.activation,
        network.output_activation,
        n_networks=network.parameters.size,
    )

    def objective(parameters):
        points.parameters[...] = parameters
        losses = (weights * loss.pointwise(Y, points.forward(X))).sum(axis=(-2, -1))
        squares = sum((W**2).sum(axis=(-2, -1)) for W in points.weights)
        return (losses + ALPHA / 2 * squares) / weights.sum()

    return central_differences(objective, network.parameters)


# without hidden layers their activation does not matter
ARCHITECTURES = [("relu", ())] + [(name, hidden) for name in ACTIVATIONS for hidden in HIDDEN]


@pytest.mark.parametrize(("loss", "output_activation"), meaningful_pairs())
@pytest.mark.parametrize(("activation", "hidden"), ARCHITECTURES)
def test_gradient_agrees_with_central_differences(activation, hidden, loss, output_activation):
    network, loss = network_of(hidden, activation, output_activation), LOSSES[loss]()
    X, Y, weights = batch()
    for w in (None, weights):
        actual = gradient_of(network, loss, X, Y, w)
        assert_same_gradient(actual, differences_of(network, loss, X, Y, w))


@pytest.mark.parametrize("weighted", [False, True])
def test_full_batch_objective_reports_what_its_gradient_belongs_to(weighted):
    # more rows than are propagated together, so that the parts have to add up
    X, Y, weights = batch(ROWS + 5)
    network, loss = network_of((4,), "tanh", "identity"), SquaredError()
    samples = Samples(X, Y, weights.ravel() if weighted else None)
    objective = Objective(
        loss, ALPHA / samples.weight_unit, samples.mean_weight / samples.weight_unit
    )
    objective = full_batch_objective(Learner(network, objective, None, 0.1), samples)
    start = network.parameters.copy()

    value, gradient = objective(start.copy())
    w = weights if weighted else np.ones_like(weights)
    losses = (w * (network.forward(X) - Y) ** 2 / 2).sum()
    squares = (network.parameters[: network.n_weights] ** 2).sum()
    assert value == pytest.approx((losses + ALPHA / 2 * squares) / w.sum(), rel=1e-12)
    expected = central_differences(
        lambda points: np.array([objective(p)[0] for p in points]), start
    )
    assert_same_gradient(gradient, expected)
    assert not np.shares_memory(gradient, network.gradient), "SciPy keeps what it is given"


def test_penalty_counts_weights_and_not_biases():
    network = network_of((4,), "tanh", "identity")
    network.gradient[...] = 0
    half_square = network.half_square()
    network.penalize(0.5)
    squares = sum((W**2).sum() for W in network.weights)
    assert half_square == pytest.approx(squares / 2, rel=1e-14)
    for layer in network.layers:
        np.testing.assert_array_equal(layer.dW, 0.5 * layer.W)
        np.testing.assert_array_equal(layer.db, 0)


@pytest.mark.parametrize("stack", [None, 2])
def test_the_penalty_of_more_weights_than_a_block_leaves_biases_alone(stack):
    relu, identity = ACTIVATIONS["relu"](), ACTIVATIONS["identity"]()
    network = Network((200, 180, 3), relu, identity, n_networks=stack)
    assert network.n_weights > BLOCK
    network.parameters[...] = np.random.RandomState(0).standard_normal(network.parameters.shape)
    network.gradient[...] = 1
    share = 0.5 if stack is None else np.array([[0.5], [0.25]])
    network.penalize(share)
    weights = network.parameters[..., : network.n_weights]
    np.testing.assert_array_equal(network.gradient[..., : network.n_weights], 1 + share * weights)
    np.testing.assert_array_equal(network.gradient[..., network.n_weights :], 1)


def test_the_last_smaller_batch_has_its_own_buffers():
    network, loss = network_of((4,), "gelu", "identity"), SquaredError()
    X, Y, _ = batch(20)
    for n_samples in (20, 3, 20, 1, 2, 4, 5, 6, 20):  # more sizes than are remembered
        part = X[:n_samples], Y[:n_samples]
        fresh = network_of((4,), "gelu", "identity")
        expected = gradient_of(fresh, loss, *part)
        np.testing.assert_array_equal(gradient_of(network, loss, *part), expected)


# ---------------------------------------------------------------- one flat vector


@pytest.mark.parametrize("n_networks", [None, 3])
@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))]
)
def test_copies_keep_their_weights_views_of_their_own_parameters(duplicate, n_networks):
    network = Network((3, 4, 2), Tanh(), Softmax(), n_networks=n_networks)
    network.parameters[...] = np.arange(network.parameters.size).reshape(network.parameters.shape)
    X = np.ones((5, 3))
    network.forward(X)
    twin = duplicate(network)
    np.testing.assert_array_equal(twin.forward(X), network.forward(X))
    assert not np.shares_memory(twin.parameters, network.parameters)

    twin.parameters[...] = 0.25
    for view in (*twin.weights, *twin.biases):
        assert np.shares_memory(view, twin.parameters)
        np.testing.assert_array_equal(view, 0.25)
    assert not np.array_equal(twin.forward(X), network.forward(X))
    # and the gradient's parts are where the optimizer and the penalty look
    twin.backward(X, np.ones_like(twin.forward(X)))
    twin.penalize(1.0)
    np.testing.assert_array_equal(split(twin.gradient, (3, 4, 2))[1][1], 5.0)
    assert (twin.layers[0].dW != 0).any()


def test_a_pickle_is_the_parameters_and_little_else():
    network = Network((100, 50, 3), Tanh(), Softmax())
    network.forward(np.ones((1000, 100)))
    assert len(pickle.dumps(network)) < network.parameters.nbytes + 1000


def test_vector_is_all_weights_and_then_all_biases():
    weights, biases = split(np.arange(6 + 6 + 3 + 2.0), (2, 3, 2))
    np.testing.assert_array_equal(weights[0], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(weights[1], [[6, 7], [8, 9], [10, 11]])
    np.testing.assert_array_equal(biases[0], [12, 13, 14])
    np.testing.assert_array_equal(biases[1], [15, 16])


# ---------------------------------------------------------------- sparse X, prediction


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("form", [scipy.sparse.csr_matrix, scipy.sparse.csr_array])
def test_sparse_features_give_the_gradient_of_dense_ones(form, dtype):
    X, Y, weights = (array.astype(dtype) for array in batch(30))
    X[X < 0.3] = 0
    for hidden in ((), *HIDDEN):
        network = network_of(hidden, "relu", "softmax", dtype=dtype)
        dense = gradient_of(network, LogLoss(), X, Y, weights)
        sparse = gradient_of(network, LogLoss(), form(X), Y, weights)
        assert sparse.dtype == dtype
        tolerance = 20 * np.finfo(dtype).eps
        np.testing.assert_allclose(sparse, dense, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("make", [np.asarray, scipy.sparse.csr_array])
def test_predict_in_blocks_is_one_forward_pass(make, monkeypatch):
    X, _, _ = batch(23)
    network = network_of((4, 5), "silu", "softmax")
    parts = network.weights, network.biases, network.activation, network.output_activation
    expected = network.forward(X).copy()
    for block in (1, 5 * 4, 5 * 23, 10**6):
        monkeypatch.setattr(module, "PREDICT_BLOCK", block)
        np.testing.assert_allclose(predict(make(X), *parts), expected, rtol=1e-13)


def test_predict_computes_in_the_wider_dtype():
    network = network_of((4,), "relu", "identity", dtype=np.float32)
    parts = network.weights, network.biases, ReLU(), network.output_activation
    X, _, _ = batch()
    assert predict(X, *parts).dtype == np.float64
    assert predict(X.astype(np.float32), *parts).dtype == np.float32


# ---------------------------------------------------------------- without hidden layers


def linear_model(cls, **parameters):
    return cls(
        hidden_layer_sizes=(), solver="lbfgs", standardize=False, tol=1e-9, max_iter=2000,
        random_state=0, **parameters,
    )  # fmt: skip


def test_no_hidden_layer_and_squared_error_is_ridge_regression():
    random = np.random.RandomState(0)
    X = random.standard_normal((50, 4)) + 1
    Y = X @ random.standard_normal((4, 2)) + random.standard_normal((50, 2))
    alpha = 5.0
    centred = X - X.mean(axis=0)
    W = np.linalg.solve(centred.T @ centred + alpha * np.eye(4), centred.T @ Y)
    regressor = linear_model(BackpropRegressor, alpha=alpha).fit(X, Y)
    np.testing.assert_allclose(regressor.coefs_[0], W, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        regressor.intercepts_[0], Y.mean(axis=0) - X.mean(axis=0) @ W, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("n_classes", [2, 3])
def test_no_hidden_layer_and_log_loss_is_logistic_regression(n_classes):
    X, y = load_iris(return_X_y=True)
    # of one scale: SciPy ends where the objective no longer falls by 2e-9 of itself, which on
    # raw iris can be far from the optimum
    X, y = scale(X[y < n_classes]), y[y < n_classes]
    alpha = 2.0
    # the penalty is divided by n on our side and the loss multiplied by C on theirs
    theirs = LogisticRegression(C=1 / alpha, solver="newton-cg", tol=1e-9, max_iter=1000).fit(X, y)
    ours = linear_model(BackpropClassifier, alpha=alpha).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=2e-4)
    np.testing.assert_allclose(ours.coefs_[0].T, theirs.coef_, atol=2e-3)


def test_no_hidden_layer_and_poisson_loss_is_poisson_regression():
    random = np.random.RandomState(0)
    X = random.standard_normal((80, 3))
    y = random.poisson(np.exp(X @ [0.5, -0.3, 0.1] + 0.4))
    alpha = 4.0
    # their penalty is not divided by n
    theirs = PoissonRegressor(alpha=alpha / len(y), solver="newton-cholesky", tol=1e-12)
    theirs.fit(X, y)
    ours = linear_model(BackpropRegressor, loss="poisson", alpha=alpha).fit(X, y)
    np.testing.assert_allclose(ours.coefs_[0].ravel(), theirs.coef_, atol=1e-4)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-4)
