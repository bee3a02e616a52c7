"""Each of the five equations against its formula: one network, a stack, any form of batch."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from sklearn_backprop._kernels.products import SharedBatch
from sklearn_backprop._kernels.textbook import StackedTextbook, Textbook
from sklearn_backprop.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS
from sklearn_backprop.losses import LOSSES

N, FAN_IN, FAN_OUT = 7, 5, 3
KERNELS = {"single": (Textbook, ()), "stack": (StackedTextbook, (4,))}
each_set = pytest.mark.parametrize(("kind", "stack"), KERNELS.values(), ids=KERNELS)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with threadpool_limits(limits=1, user_api="blas"):
        yield


def arrays(*shapes, seed=0):
    random = np.random.RandomState(seed)
    return [random.standard_normal(shape) for shape in shapes]


def activated(f, Z):
    out = np.empty_like(Z)
    f.forward(Z.copy(), out)
    return out


def slope_times(f, Z, A, delta):
    out = delta.copy()
    f.backward(Z, A, out)
    return out


@each_set
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_forward(name, kind, stack):
    f = ACTIVATIONS[name]()
    X, W, b = arrays((*stack, N, FAN_IN), (*stack, FAN_IN, FAN_OUT), (*stack, FAN_OUT))
    b = b if kind is Textbook else b[:, None, :]
    Z, A = np.empty((2, *stack, N, FAN_OUT))
    kind().forward(X, W, b, f, Z, A)
    np.testing.assert_allclose(Z, np.einsum("...ni,...io->...no", X, W) + b, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(A, activated(f, Z))

    same = np.empty_like(A)
    kind().forward(X, W, b, f, None, same)
    np.testing.assert_array_equal(same, A, err_msg="Z need not be kept")


@each_set
@pytest.mark.parametrize("name", ["squared_error", "poisson", "log_loss"])
def test_output_delta_is_error_times_slope_times_share(name, kind, stack):
    loss = LOSSES[name]()
    f = OUTPUT_ACTIVATIONS[loss.output_activation]()
    Z, Y, share = arrays(*[(*stack, N, FAN_OUT)] * 2, (*stack, N, 1))
    Y = np.exp(Y) / np.exp(Y).sum(axis=-1, keepdims=True)
    A, delta = activated(f, Z), np.empty_like(Z)
    kind().output_delta(Y, Z, A, f, loss, share, delta)
    expected = slope_times(f, Z, A, loss.gradient(Y, A)) * share
    np.testing.assert_allclose(delta, expected, rtol=1e-9, atol=1e-14)


@each_set
def test_gradient(kind, stack):
    A_below, delta = arrays((*stack, N, FAN_IN), (*stack, N, FAN_OUT))
    kernels, dW, db = kind(), np.empty((*stack, FAN_IN, FAN_OUT)), np.empty((*stack, FAN_OUT))
    kernels.ones = np.ones(N)
    kernels.gradient(A_below, delta, dW, db)
    expected = np.einsum("...ni,...no->...io", A_below, delta)
    np.testing.assert_allclose(dW, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(db, delta.sum(axis=-2), rtol=1e-12, atol=1e-14)


@each_set
@pytest.mark.parametrize("fan_out", [1, FAN_OUT])
def test_back(fan_out, kind, stack):
    f = ACTIVATIONS["gelu"]()
    delta, W, Z = arrays((*stack, N, fan_out), (*stack, FAN_IN, fan_out), (*stack, N, FAN_IN))
    A, below = activated(f, Z), np.empty_like(Z)
    kind().back(delta, W, f, Z, A, below)
    expected = slope_times(f, Z, A, np.einsum("...no,...io->...ni", delta, W))
    np.testing.assert_allclose(below, expected, rtol=1e-12, atol=1e-14)


@each_set
def test_penalty_and_what_it_is_the_gradient_of(kind, stack):
    W, dW = arrays((*stack, 9), (*stack, 9))
    share = 0.25 if kind is Textbook else np.arange(4.0)[:, None]
    expected = dW + share * W
    kind().penalize(W, share, dW)
    np.testing.assert_array_equal(dW, expected)
    np.testing.assert_allclose(kind().half_square(W), 0.5 * (W**2).sum(axis=-1), rtol=1e-14)


def test_a_sparse_batch_is_the_dense_one():
    X, W, delta = arrays((N, FAN_IN), (FAN_IN, FAN_OUT), (N, FAN_OUT))
    X[X < 0.3] = 0
    kernels = Textbook()
    kernels.ones = np.ones(N)
    outcomes = []
    for batch in (X, csr_matrix(X)):
        Z, dW, db = np.empty((N, FAN_OUT)), np.empty_like(W), np.empty(FAN_OUT)
        kernels.forward(batch, W, 0.5, ACTIVATIONS["identity"](), None, Z)
        kernels.gradient(batch, delta, dW, db)
        outcomes.append((Z, dW, db))
    for dense, sparse in zip(*outcomes, strict=True):
        np.testing.assert_allclose(sparse, dense, rtol=1e-12, atol=1e-14)


def test_networks_that_share_a_batch_have_the_bits_of_each_alone():
    first, second, W, delta = arrays(
        (N, FAN_IN), (N, FAN_IN), (4, FAN_IN, FAN_OUT), (4, N, FAN_OUT)
    )
    shared = SharedBatch([first, second], [slice(0, 3), slice(3, 4)])
    assert shared.shape == first.shape
    stacked, alone = StackedTextbook(), Textbook()
    stacked.ones = alone.ones = np.ones(N)
    identity = ACTIVATIONS["identity"]()
    Z, dW, db = np.empty((4, N, FAN_OUT)), np.empty_like(W), np.empty((4, FAN_OUT))
    stacked.forward(shared, W, 0.5, identity, None, Z)
    stacked.gradient(shared, delta, dW, db)
    for k, X in enumerate([first, first, first, second]):
        z, dw, db_alone = np.empty((N, FAN_OUT)), np.empty((FAN_IN, FAN_OUT)), np.empty(FAN_OUT)
        alone.forward(X, W[k], 0.5, identity, None, z)
        alone.gradient(X, delta[k], dw, db_alone)
        for ours, theirs in ((Z[k], z), (dW[k], dw), (db[k], db_alone)):
            np.testing.assert_array_equal(ours, theirs)
