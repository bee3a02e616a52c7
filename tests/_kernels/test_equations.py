"""Each of the five equations against its formula, in NumPy and compiled: any form of batch."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from sklearn_backprop._kernels.choice import SETS
from sklearn_backprop._kernels.products import SharedBatch
from sklearn_backprop.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS, Activation
from sklearn_backprop.losses import LOSSES, SquaredError

N, FAN_IN, FAN_OUT = 7, 5, 3
KERNELS = {
    f"{name}-{kind}": (kernels, stack)
    for name, both in SETS.items()
    for kernels, kind, stack in zip(both, ("single", "stack"), ((), (4,)), strict=True)
}
EVERY_ACTIVATION = dict(sorted((ACTIVATIONS | OUTPUT_ACTIVATIONS).items()))

each_set = pytest.mark.parametrize(("kernels", "stack"), KERNELS.values(), ids=KERNELS)
each_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])
each_activation = pytest.mark.parametrize("name", EVERY_ACTIVATION)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with threadpool_limits(limits=1, user_api="blas"):
        yield


def arrays(*shapes, seed=0, dtype=np.float64):
    random = np.random.RandomState(seed)
    return [random.standard_normal(shape).astype(dtype) for shape in shapes]


def activated(f, Z):
    out = np.empty_like(Z)
    f.forward(Z.copy(), out)
    return out


def slope_times(f, Z, A, delta):
    out = delta.copy()
    f.backward(Z, A, out)
    return out


def assert_product(actual, A, B, others=0.0, ulps=1):
    """Assert ``A @ B + others`` within n · eps · Σ|a||b|, which any order of summation keeps."""
    exact = A.astype(np.float64) @ B.astype(np.float64) + others
    sizes = np.abs(A.astype(np.float64)) @ np.abs(B.astype(np.float64)) + np.abs(others)
    allowed = ulps * (A.shape[-1] + 1) * np.finfo(actual.dtype).eps * sizes
    assert (np.abs(actual - exact) <= allowed).all()


# ---------------------------------------------------------------- forward


@each_set
@each_dtype
@each_activation
def test_forward(name, dtype, kernels, stack):
    f = EVERY_ACTIVATION[name]()
    shapes = (*stack, N, FAN_IN), (*stack, FAN_IN, FAN_OUT), (*stack, FAN_OUT)
    X, W, b = arrays(*shapes, dtype=dtype)
    b = b[:, None, :] if stack else b
    Z, A = np.empty((2, *stack, N, FAN_OUT), dtype)
    kernels.forward(X, W, b, f, Z, A)
    assert_product(Z, X, W, others=b)
    alone = np.empty_like(A)
    kernels.activate(f, Z, alone)
    np.testing.assert_array_equal(A, alone)

    same = np.empty_like(A)
    kernels.forward(X, W, b, f, None, same)
    np.testing.assert_array_equal(same, A, err_msg="Z need not be kept")


@each_set
def test_forward_of_more_rows_than_are_worked_on_at_a_time(kernels, stack):
    X, W, b = arrays((*stack, 700, 2), (*stack, 2, 5), (5,))
    A = np.empty((*stack, 700, 5))
    kernels.forward(X, W, b, ACTIVATIONS["relu"](), None, A)
    np.testing.assert_allclose(A, np.maximum(X @ W + b, 0), rtol=1e-13, atol=1e-14)


# ---------------------------------------------------------------- element by element

EXTREMES = [0.0, -0.0, 1e-300, -1e-300, 1e-30, -1e-30, 20.0, -20.0, 80.0, -80.0]
NET_INPUTS = np.concatenate(
    [np.random.RandomState(0).standard_normal(4000) * size for size in (1e-6, 0.1, 1, 5, 20)]
    + [np.linspace(-3, 3, 1993), EXTREMES]
).clip(-80, 80)  # what is beyond is not normal in float32 for some
NET_INPUTS = np.append(NET_INPUTS, np.zeros(-len(NET_INPUTS) % 11)).reshape(-1, 11)


def ulps(actual, expected, at_least=0.0):
    """Return by how many units in the last place of what is expected each number is off."""
    size = np.maximum(np.abs(expected), at_least).astype(actual.dtype)
    size = np.maximum(size, np.finfo(actual.dtype).tiny)
    return np.abs(actual.astype(np.float64) - expected) / np.spacing(size)


@pytest.mark.parametrize("kernels", [both[0] for both in SETS.values()], ids=SETS)
@each_activation
def test_activations_in_float32_are_right_to_4_ulp(name, kernels):
    f, Z = EVERY_ACTIVATION[name](), NET_INPUTS.astype(np.float32)
    A = np.empty_like(Z)
    kernels.activate(f, Z, A)
    expected = activated(f, Z.astype(np.float64))
    # the exponential of a difference that float32 has rounded; a difference of a Φ near 0.5 and 1;
    # an exponential's rounding five times over
    loose = {"softmax": 80.0, "gelu": 8.0, "mish": 6.0}
    assert ulps(A, expected).max() <= loose.get(name, 4.0)


@pytest.mark.parametrize("kernels", [both[0] for both in SETS.values()], ids=SETS)
@each_activation
def test_slopes_in_float32_are_right_to_4_ulp_of_their_terms(name, kernels):
    f, Z = EVERY_ACTIVATION[name](), NET_INPUTS.astype(np.float32)
    A = activated(f, Z)
    delta = np.ones_like(Z)
    kernels.times_slope(f, Z, A, delta)
    expected = slope_times(f, *(x.astype(np.float64) for x in (Z, A, np.ones_like(Z))))
    # 1 - a², and sums for gelu, silu and mish, are differences of numbers near 1; the
    # exponential's own slope and a softmax's errors are as large as they are
    assert ulps(delta, expected, at_least=1.0).max() <= 4.0


@pytest.mark.skipif("compiled" not in SETS, reason="needs the compiled kernels")
@each_activation
def test_activations_of_both_sets_agree_in_float64(name):
    f, Z = EVERY_ACTIVATION[name](), NET_INPUTS
    numpy, compiled = SETS["numpy"][0], SETS["compiled"][0]
    A, same = np.empty((2, *Z.shape))
    numpy.activate(f, Z, A)
    compiled.activate(f, Z, same)
    # each to 4 ulp of what is right; a small Φ has lost digits to 1 - Φ in SciPy
    assert ulps(same, A, at_least=1.0 if name == "gelu" else 0.0).max() <= 8.0
    delta, other = np.random.RandomState(1).standard_normal(Z.shape), None
    other = delta.copy()
    numpy.times_slope(f, Z, A, delta)
    compiled.times_slope(f, Z, A, other)
    assert ulps(other, delta, at_least=1.0).max() <= 8.0


@pytest.mark.parametrize("kernels", [both[0] for both in SETS.values()], ids=SETS)
@each_dtype
@each_activation
def test_what_is_not_finite_is_not_hidden(name, dtype, kernels):
    f, Z = EVERY_ACTIVATION[name](), np.array([[np.nan, 1.0], [0.5, np.nan]], dtype)
    A, delta = np.empty_like(Z), np.array([[np.nan, 1.0], [0.5, np.nan]], dtype)
    kernels.activate(f, Z, A)
    assert (np.isnan(A) == (np.isnan(Z) if name != "softmax" else True)).all()
    kernels.times_slope(f, np.zeros_like(Z), np.full_like(Z, 0.5), delta)
    assert np.isnan(delta[0, 0]) and np.isnan(delta[1, 1])


@pytest.mark.parametrize("kernels", [both[0] for both in SETS.values()], ids=SETS)
@each_dtype
def test_where_an_exponential_overflows_or_vanishes(dtype, kernels):
    limits = np.finfo(dtype)
    largest = float(np.log(limits.max))
    Z = np.array([[-1e4, -largest, largest, 1e4, -np.inf, np.inf]], dtype).T
    finite = Z[:4]
    with np.errstate(all="ignore"):
        for name in ("logistic", "tanh", "elu", "selu", "softplus"):
            A = np.empty_like(Z)
            kernels.activate(EVERY_ACTIVATION[name](), Z, A)
            # in the wider long double, of which nothing here overflows
            exact = activated(EVERY_ACTIVATION[name](), finite.astype(np.longdouble))
            np.testing.assert_allclose(A[:4], exact.astype(dtype), rtol=1e-6, atol=limits.tiny)
            assert not np.isnan(A).any()
        A = np.empty_like(Z)
        kernels.activate(OUTPUT_ACTIVATIONS["exp"](), Z, A)
        assert (limits.tiny <= A).all() and np.isfinite(A).all()


# ---------------------------------------------------------------- output delta


@each_set
@each_dtype
@pytest.mark.parametrize("name", ["squared_error", "poisson", "log_loss", "binary_log_loss"])
@pytest.mark.parametrize("shared", [False, True])
def test_output_delta_is_error_times_slope_times_share(name, shared, dtype, kernels, stack):
    loss = LOSSES[name]()
    f = OUTPUT_ACTIVATIONS[loss.output_activation]()
    Z, Y, share = arrays(*[(*stack, N, FAN_OUT)] * 2, (*stack, N, 1), dtype=dtype)
    Y = np.exp(Y) / np.exp(Y).sum(axis=-1, keepdims=True)
    share = 0.125 if shared else share
    A, delta = activated(f, Z), np.empty_like(Z)
    kernels.output_delta(Y, Z, A, f, loss, share, delta)
    wide = [array.astype(np.float64) for array in (Y, Z, A)]
    expected = slope_times(f, *wide[1:], loss.gradient(wide[0], wide[2])) * share
    precision = 1e-9 if dtype == np.float64 else 2e-5  # 1 / a times a (1 - a) on the right
    np.testing.assert_allclose(delta, expected, rtol=precision, atol=precision)


@each_set
def test_output_delta_of_a_pair_that_is_not_canonical(kernels, stack):
    loss, f = SquaredError(), OUTPUT_ACTIVATIONS["logistic"]()
    Z, Y, share = arrays(*[(*stack, N, FAN_OUT)] * 2, (*stack, N, 1))
    A, delta = activated(f, Z), np.empty_like(Z)
    kernels.output_delta(Y, Z, A, f, loss, share, delta)
    np.testing.assert_allclose(delta, (A - Y) * A * (1 - A) * share, rtol=1e-12, atol=1e-15)


def test_targets_of_some_networks_lie_apart():
    """A stack's batch is some rows of a block, whose networks lie further apart."""
    block, Z = arrays((4, 20, FAN_OUT), (4, N, FAN_OUT))
    Y, f, loss = block[:, 5 : 5 + N], OUTPUT_ACTIVATIONS["identity"](), SquaredError()
    for _, kernels in SETS.values():
        delta = np.empty_like(Z)
        kernels.output_delta(Y, None, Z, f, loss, 0.5, delta)
        np.testing.assert_array_equal(delta, (Z - Y) * 0.5)
        share = np.arange(4.0)[:, None, None]  # one a network
        kernels.output_delta(Y, None, Z, f, loss, share, delta)
        np.testing.assert_array_equal(delta, (Z - Y) * share)


# ---------------------------------------------------------------- gradient, back


@each_set
@each_dtype
def test_gradient(dtype, kernels, stack):
    A_below, delta = arrays((*stack, N, FAN_IN), (*stack, N, FAN_OUT), dtype=dtype)
    dW = np.full((*stack, FAN_IN, FAN_OUT), np.nan, dtype)
    db = np.full((*stack, FAN_OUT), np.nan, dtype)
    kernels.gradient(A_below, delta, dW, db)
    assert_product(dW, A_below.mT, delta)
    assert_product(db[..., None, :], np.ones((1, N), dtype), delta)


@each_set
@each_dtype
@pytest.mark.parametrize("name", ["gelu", "tanh"])  # with and without Z
@pytest.mark.parametrize("fan_out", [1, FAN_OUT])
def test_back(fan_out, name, dtype, kernels, stack):
    f = ACTIVATIONS[name]()
    shapes = (*stack, N, fan_out), (*stack, FAN_IN, fan_out), (*stack, N, FAN_IN)
    delta, W, Z = arrays(*shapes, dtype=dtype)
    A, below, product = activated(f, Z), np.empty_like(Z), np.empty_like(Z)
    kernels.back(delta, W, f, Z if f.needs_net_input else None, A, below)
    kernels.back(delta, W, ACTIVATIONS["identity"](), None, A, product)
    assert_product(product, delta, W.mT)
    kernels.times_slope(f, Z, A, product)
    np.testing.assert_array_equal(below, product)


# ---------------------------------------------------------------- penalty


@each_set
def test_penalty_and_what_it_is_the_gradient_of(kernels, stack):
    W, dW = arrays((*stack, 9), (*stack, 9))
    share = np.arange(4.0)[:, None] if stack else 0.25
    expected = dW + share * W
    kernels.penalize(W, share, dW)
    np.testing.assert_array_equal(dW, expected)
    half = kernels.half_square(W)
    np.testing.assert_allclose(half, 0.5 * (W**2).sum(axis=-1), rtol=1e-14)
    assert np.shape(half) == stack


# ---------------------------------------------------------------- forms of a batch


def test_a_sparse_batch_is_the_dense_one():
    X, W, delta, b = arrays((N, FAN_IN), (FAN_IN, FAN_OUT), (N, FAN_OUT), (FAN_OUT,))
    X[X < 0.3] = 0
    for kernels, _ in SETS.values():
        outcomes = []
        for batch in (X, csr_matrix(X)):
            Z, dW, db = np.empty((N, FAN_OUT)), np.empty_like(W), np.empty(FAN_OUT)
            kernels.forward(batch, W, b, ACTIVATIONS["tanh"](), None, Z)
            kernels.gradient(batch, delta, dW, db)
            outcomes.append((Z, dW, db))
        for dense, sparse in zip(*outcomes, strict=True):
            np.testing.assert_allclose(sparse, dense, rtol=1e-12, atol=1e-14)


LAYOUTS = {
    "as it is": lambda X: X,
    "columns first": np.asfortranarray,
    "rows of a wider array": lambda X: np.hstack([X, X])[:, : X.shape[1]],
    "rows of a longer array, columns first": lambda X: np.asfortranarray(
        np.vstack([X, X])[: len(X)]
    ),
    "every second row": lambda X: np.repeat(X, 2, axis=0)[::2],
    "every second column": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "backwards": lambda X: X[::-1].copy()[::-1],
    "one row over and over": lambda X: np.broadcast_to(X[:1], X.shape),
    "not aligned": lambda X: np.frombuffer(b"\0" + X.tobytes(), X.dtype, offset=1).reshape(X.shape),
    "read-only": lambda X: np.frombuffer(X.tobytes(), X.dtype).reshape(X.shape),
    "other byte order": lambda X: X.astype(X.dtype.newbyteorder()),
    "memory map": lambda X: X.view(np.memmap),
}


@given(
    layout=st.sampled_from(sorted(LAYOUTS)),
    layout_of_W=st.sampled_from(["as it is", "columns first", "every second column"]),
    n=st.integers(0, 11),
    fan_in=st.integers(1, 60),
    fan_out=st.integers(1, 10),
    dtype=st.sampled_from([np.float64, np.float32]),
    kernels=st.sampled_from([both[0] for both in SETS.values()]),
)
@settings(deadline=None, max_examples=300)
def test_any_layout_and_size(layout, layout_of_W, n, fan_in, fan_out, dtype, kernels):
    X, W, b, delta = arrays((n, fan_in), (fan_in, fan_out), (fan_out,), (n, fan_out), dtype=dtype)
    if n == 0 and layout in ("one row over and over", "not aligned", "read-only"):
        return  # there is no such array without rows
    given_X, given_W = LAYOUTS[layout](X), LAYOUTS[layout_of_W](W)
    X = np.array(given_X, dtype)
    A, dW, db = np.empty((n, fan_out), dtype), np.empty_like(W), np.empty_like(b)
    kernels.forward(given_X, given_W, b, ACTIVATIONS["identity"](), None, A)
    assert_product(A, X, W, others=b)
    kernels.gradient(given_X, delta, dW, db)
    assert_product(dW, X.T, delta)
    assert_product(db[None], np.ones((1, n), dtype), delta)
    below = np.empty((n, fan_in), dtype)
    kernels.back(delta, given_W, ACTIVATIONS["identity"](), None, X, below)
    assert_product(below, delta, W.T)


@pytest.mark.parametrize("both", SETS.values(), ids=SETS)
@pytest.mark.parametrize("fan_in", [FAN_IN, 50])
@pytest.mark.parametrize("fan_out", [1, FAN_OUT, 9])
@each_dtype
def test_a_network_has_the_same_bits_alone_and_in_a_stack(dtype, fan_in, fan_out, both):
    """And networks that share a batch those of networks that have one of their own."""
    alone, stacked = both
    shapes = (N, fan_in), (N, fan_in), (4, fan_in, fan_out), (4, fan_out), (4, N, fan_out)
    first, second, W, b, delta = arrays(*shapes, dtype=dtype)
    own = [first, first, first, second]
    f = ACTIVATIONS["selu"]()
    for batch in (SharedBatch([first, second], [slice(0, 3), slice(3, 4)]), np.stack(own)):
        A, dW, db = np.empty_like(delta), np.empty_like(W), np.empty_like(b)
        below = np.empty((4, N, fan_in), dtype)
        stacked.forward(batch, W, b[:, None, :], f, None, A)
        stacked.gradient(batch, delta, dW, db)
        stacked.back(delta, W, f, None, np.stack(own), below)
        squares = stacked.half_square(W.reshape(4, -1))
        for k, X in enumerate(own):
            a, dw, db_k, below_k = (np.empty_like(part[k]) for part in (A, dW, db, below))
            alone.forward(X, W[k], b[k], f, None, a)
            alone.gradient(X, delta[k], dw, db_k)
            alone.back(delta[k], W[k], f, None, X, below_k)
            ours = A[k], dW[k], db[k], below[k]
            for one, other in zip(ours, (a, dw, db_k, below_k), strict=True):
                np.testing.assert_array_equal(one, other)
            assert squares[k] == alone.half_square(W[k].ravel())


def test_the_shape_of_a_shared_batch_is_that_of_each():
    first, second = arrays((N, FAN_IN), (N, FAN_IN))
    assert SharedBatch([first, second], [slice(0, 3), slice(3, 4)]).shape == first.shape


# ---------------------------------------------------------------- what is not known


class Cube(Activation):
    """``f(z) = z³``."""

    def forward(self, Z, out):
        """Write ``z³``."""
        np.power(Z, 3, out=out)

    def backward(self, Z, A, delta):
        """Multiply by ``3 z²``."""
        delta *= 3 * Z**2


@each_set
def test_an_activation_of_ones_own(kernels, stack):
    shapes = (*stack, N, FAN_IN), (*stack, FAN_IN, FAN_OUT), (FAN_OUT,), (*stack, N, FAN_OUT)
    X, W, b, delta = arrays(*shapes)
    Z, A, below = np.empty_like(delta), np.empty_like(delta), np.empty_like(X)
    kernels.forward(X, W, b, Cube(), Z, A)
    np.testing.assert_allclose(A, (X @ W + b) ** 3, rtol=1e-10, atol=1e-14)
    kernels.back(delta, W, Cube(), X, X**3, below)
    np.testing.assert_allclose(below, (delta @ W.mT) * 3 * X**2, rtol=1e-10, atol=1e-14)


class Louder(ACTIVATIONS["relu"]):
    """Twice the ReLU: it may not be taken for one."""

    def forward(self, Z, out):
        """Write twice the positive part."""
        super().forward(Z, out)
        out *= 2


def test_a_subclass_that_computes_something_else_is_called():
    Z = np.array([[1.0, -1.0]])
    for kernels, _ in SETS.values():
        A = np.empty_like(Z)
        kernels.activate(Louder(), Z, A)
        np.testing.assert_array_equal(A, [[2.0, 0.0]])


def test_shapes_that_do_not_fit_are_refused():
    X, W, b = arrays((N, FAN_IN + 1), (FAN_IN, FAN_OUT), (FAN_OUT,))
    identity = ACTIVATIONS["identity"]()
    for kernels, _ in SETS.values():
        A = np.empty((N, FAN_OUT))
        refused = partial(pytest.raises, ValueError)
        with refused():
            kernels.forward(X, W, b, identity, None, A)
        with refused():
            kernels.forward(X[:, 1:], W, b[1:], identity, None, A)
        with refused():
            kernels.gradient(X, A, np.empty_like(W), np.empty_like(b))
        with refused():
            kernels.gradient(X[:, 1:], A, np.empty_like(W), np.empty(FAN_OUT + 1))
        with refused():
            kernels.back(A, W, identity, None, X, np.empty_like(X))
