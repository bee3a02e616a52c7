"""Every loss of the registry: gradient, delta for each output activation, sums, extremes."""

import numpy as np
import pytest
from derivatives import (
    assert_same_gradient,
    central_differences,
    forward,
    meaningful_pairs,
)
from scipy.special import gammaln
from sklearn.metrics import log_loss, mean_poisson_deviance

from sklearn_backprop import BackpropRegressor
from sklearn_backprop.activations import OUTPUT_ACTIVATIONS
from sklearn_backprop.losses import LOSSES, BinaryLogLoss, LogLoss, Loss, Poisson, SquaredError

over_losses = pytest.mark.parametrize("loss", [kind() for kind in LOSSES.values()], ids=LOSSES)
CANONICAL = [name for name, loss in LOSSES.items() if loss.canonical]


def targets_and_outputs(shape=(6, 4), dtype=np.float64):
    """Return numbers that every loss is defined for: rows of probabilities."""
    random = np.random.RandomState(0)
    Y, A = random.uniform(0.1, 0.9, (2, *shape))
    return [(P / P.sum(axis=-1, keepdims=True)).astype(dtype) for P in (Y, A)]


@over_losses
def test_gradient_agrees_with_central_differences(loss):
    Y, A = targets_and_outputs()
    expected = central_differences(lambda points: loss.pointwise(Y, points).sum((-2, -1)), A)
    assert_same_gradient(loss.gradient(Y, A), expected)


@over_losses
def test_gradient_and_pointwise_leave_their_arguments_alone(loss):
    Y, A = targets_and_outputs()
    for function in (loss.gradient, loss.pointwise, loss.sum):
        function(Y, A)
        loss.sum(Y, A, np.full((6, 1), 2.0))
        np.testing.assert_array_equal([Y, A], targets_and_outputs())


@pytest.mark.parametrize(("loss", "activation"), meaningful_pairs())
def test_delta_is_the_derivative_by_the_net_input(loss, activation):
    loss, activation = LOSSES[loss](), OUTPUT_ACTIVATIONS[activation]()
    Y, _ = targets_and_outputs()
    Z = np.random.RandomState(1).standard_normal(Y.shape)
    A = forward(activation, Z)
    delta = np.empty_like(Z)
    loss.output_delta(Y, Z, A, activation, out=delta)

    error_times_slope = loss.gradient(Y, A)
    activation.backward(Z, A, error_times_slope)
    np.testing.assert_allclose(delta, error_times_slope, rtol=1e-10, atol=1e-14)

    expected = central_differences(
        lambda points: loss.pointwise(Y, forward(activation, points)).sum((-2, -1)), Z
    )
    assert_same_gradient(delta, expected)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", CANONICAL)
def test_canonical_delta_is_output_minus_target(name, dtype):
    loss = LOSSES[name]()
    activation = OUTPUT_ACTIVATIONS[loss.output_activation]()
    largest = 1e300 if dtype == np.float64 else 1e37
    Z = np.array([[-largest, 0.3, largest], [1e4, -1e4, 0], [-largest] * 3], dtype)
    Y = np.eye(3, dtype=dtype)
    with np.errstate(over="ignore"):
        A = forward(activation, Z)
        delta = np.empty_like(A)
        loss.output_delta(Y, Z, A, activation, out=delta)
        assert np.isfinite(delta).all()
        np.testing.assert_array_equal(delta, A - Y)


@pytest.mark.parametrize("loss", [LogLoss(), BinaryLogLoss()], ids=lambda loss: loss.name)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_certain_and_wrong_costs_a_finite_price(loss, dtype):
    # one saturated output must not turn the loss of the whole epoch into infinity
    Y, A = np.eye(2, dtype=dtype), np.eye(2, dtype=dtype)[::-1].copy()
    price = loss.pointwise(Y, A)
    assert price.dtype == dtype
    assert price.max() == pytest.approx(-np.log(np.finfo(dtype).eps), rel=1e-6)
    assert np.isfinite(loss.gradient(Y, A)).all()


def test_squared_error_is_half_the_square():
    Y, A = np.array([[1.0, 2.0]]), np.array([[3.0, -1.0]])
    np.testing.assert_array_equal(SquaredError().pointwise(Y, A), [[2.0, 4.5]])
    np.testing.assert_array_equal(SquaredError().gradient(Y, A), [[2.0, -3.0]])


def test_poisson_is_half_the_deviance_and_a_likelihood():
    Y, A = np.array([[0.0], [1.0], [4.0]]), np.array([[0.5], [2.0], [3.0]])
    loss = Poisson()
    half = mean_poisson_deviance(Y.ravel(), A.ravel()) / 2
    assert loss.sum(Y, A) / 3 == pytest.approx(half, rel=1e-12)

    def log_probability(A):
        return Y * np.log(A) - A - gammaln(Y + 1)

    # it differs from minus the log-likelihood by what does not depend on the outputs
    expected = log_probability(A + 0.25) - log_probability(A)
    actual = loss.pointwise(Y, A) - loss.pointwise(Y, A + 0.25)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_log_losses_are_those_of_scikit_learn():
    _, P = targets_and_outputs((30, 3))
    labels = np.arange(30) % 3
    expected = log_loss(labels, P, normalize=False)
    assert LogLoss().sum(np.eye(3)[labels], P) == pytest.approx(expected, rel=1e-12)
    yes = (labels > 0).astype(float)
    expected = log_loss(yes, P[:, 0], normalize=False)
    assert BinaryLogLoss().sum(yes[:, None], P[:, :1]) == pytest.approx(expected, rel=1e-12)


@over_losses
def test_sum_is_over_outputs_and_samples_times_their_weights(loss):
    Y, A = targets_and_outputs()
    weights = np.arange(6.0)
    by_hand = sum(
        weights[i] * loss_of_output for i in range(6) for loss_of_output in loss.pointwise(Y, A)[i]
    )
    assert loss.sum(Y, A, weights[:, None]) == pytest.approx(by_hand, rel=1e-12)
    assert loss.sum(Y, A) == pytest.approx(loss.pointwise(Y, A).sum(), rel=1e-12)
    # a weight of 2 is the row twice, a weight of 0 no row
    twice = np.repeat(np.arange(6), [1, 2, 0, 1, 0, 2])
    weights = np.array([[1.0], [2.0], [0.0], [1.0], [0.0], [2.0]])
    assert loss.sum(Y, A, weights) == pytest.approx(loss.sum(Y[twice], A[twice]), rel=1e-12)


@over_losses
def test_a_stack_sums_each_network_on_its_own(loss):
    Y, A = targets_and_outputs((3, 6, 4))
    weights = np.random.RandomState(1).uniform(0, 2, (3, 6, 1))
    sums = loss.sum(Y, A, weights)
    assert sums.shape == (3,)
    assert [loss.sum(Y[k], A[k], weights[k]) for k in range(3)] == list(sums)


@over_losses
def test_float32_stays_float32(loss):
    Y, A = targets_and_outputs(dtype=np.float32)
    assert loss.pointwise(Y, A).dtype == loss.gradient(Y, A).dtype == np.float32
    wide = loss.gradient(Y.astype(np.float64), A.astype(np.float64))
    np.testing.assert_allclose(loss.gradient(Y, A), wide, rtol=1e-4, atol=1e-6)


def test_poisson_refuses_negative_targets():
    X, y = np.arange(6.0).reshape(-1, 1), np.array([0, 1, 2, 1, -0.5, 1])
    with pytest.raises(ValueError, match=r"poisson.*y >= 0.*-0\.5"):
        BackpropRegressor(loss="poisson").fit(X, y)
    Poisson().check_targets(np.zeros((3, 1)))  # zero is a count


def test_one_hot_targets_get_softmax_and_independent_ones_the_sigmoid():
    assert isinstance(LogLoss().for_target("multiclass"), LogLoss)
    assert isinstance(LogLoss().for_target("binary"), BinaryLogLoss)
    assert isinstance(LogLoss().for_target("multilabel-indicator"), BinaryLogLoss)


class FourthPower(Loss):
    """A user's loss: ``¼ (a - y)⁴``."""

    def pointwise(self, Y, A):
        return (A - Y) ** 4 / 4

    def gradient(self, Y, A):
        return (A - Y) ** 3


class HalfSquare(Loss):
    """A user's squared error, which knows nothing of canonical pairs."""

    standardizes_targets = True

    def pointwise(self, Y, A):
        return (A - Y) ** 2 / 2

    def gradient(self, Y, A):
        return A - Y


def test_a_users_own_loss_trains_like_the_same_one_built_in():
    X = np.random.RandomState(0).standard_normal((30, 3))
    Y = np.column_stack([X[:, 0] ** 2, X[:, 1]])
    own, known = (
        BackpropRegressor(loss=loss, max_iter=20, tol=10.0, random_state=0).fit(X, Y)
        for loss in (HalfSquare(), "squared_error")
    )
    np.testing.assert_allclose(own.predict(X), known.predict(X), rtol=1e-10)
    np.testing.assert_allclose(own.loss_curve_, known.loss_curve_, rtol=1e-10)


def test_a_users_own_loss_reaches_its_own_optimum():
    # without features the network is one number, where the cubed errors cancel
    y = np.array([0.0, 1.0, 2.0, 10.0])
    regressor = BackpropRegressor(
        loss=FourthPower(), hidden_layer_sizes=(), solver="lbfgs", standardize=False, tol=1e-9
    ).fit(np.zeros((4, 1)), y)
    best = regressor.predict([[0.0]])[0]
    roots = np.roots([4, -3 * y.sum(), 3 * (y**2).sum(), -(y**3).sum()])
    assert best == pytest.approx(roots[np.abs(roots.imag) < 1e-9].real[0], rel=1e-4)
    assert abs(best - y.mean()) > 1  # which is where the squared error would be
