"""Every activation of the registries: values, derivatives, dtypes, extremes, in place."""

import numpy as np
import pytest
from derivatives import assert_same_gradient, central_differences, forward
from scipy.integrate import quad
from scipy.special import erf

from sklearn_backprop import BackpropRegressor
from sklearn_backprop.activations import (
    ACTIVATIONS,
    ELU,
    OUTPUT_ACTIVATIONS,
    SELU,
    Activation,
    LeakyReLU,
    Tanh,
)
from sklearn_backprop.components import lookup

# textbook formulas, written the naive way on purpose: another route to the same value
FORMULAS = {
    "identity": lambda z: z,
    "logistic": lambda z: (1 + np.tanh(z / 2)) / 2,
    "tanh": lambda z: (np.exp(2 * z) - 1) / (np.exp(2 * z) + 1),
    "relu": lambda z: np.where(z > 0, z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.exp(z) - 1),
    "selu": lambda z: np.where(z > 0, 1.05070098736 * z, 1.75809934085 * (np.exp(z) - 1)),
    "gelu": lambda z: z * (1 + erf(z / np.sqrt(2))) / 2,
    "silu": lambda z: z / (1 + np.exp(-z)),
    "mish": lambda z: z * ((1 + np.exp(z)) ** 2 - 1) / ((1 + np.exp(z)) ** 2 + 1),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "exp": np.exp,
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True),
}

VARIANTS = {"LeakyReLU(0.3)": LeakyReLU(0.3), "ELU(0.5)": ELU(0.5), "ELU(0)": ELU(0.0)}
INSTANCES = {name: kind() for name, kind in OUTPUT_ACTIVATIONS.items()} | VARIANTS
over_instances = pytest.mark.parametrize("activation", INSTANCES.values(), ids=INSTANCES)


def net_input(shape=(6, 5), dtype=np.float64):
    return (2 * np.random.RandomState(0).standard_normal(shape)).astype(dtype)


def backward(activation, Z, delta):
    """Return ``dL/dZ`` as a network asks for it: without ``Z`` unless it is needed."""
    A, delta = forward(activation, Z), delta.copy()
    activation.backward(Z if activation.needs_net_input else None, A, delta)
    return delta


def test_hidden_activations_are_output_activations_too():
    assert ACTIVATIONS.items() <= OUTPUT_ACTIVATIONS.items()


@pytest.mark.parametrize("name", [name for name in OUTPUT_ACTIVATIONS if name in FORMULAS])
def test_value_is_that_of_the_textbook_formula(name):
    Z = net_input()
    expected = FORMULAS[name](Z)
    np.testing.assert_allclose(forward(INSTANCES[name], Z), expected, rtol=1e-10, atol=1e-12)


@over_instances
def test_derivative_agrees_with_central_differences(activation):
    Z = net_input()
    delta = np.random.RandomState(1).standard_normal(Z.shape)
    expected = central_differences(
        lambda points: (delta * forward(activation, points)).sum(axis=(-2, -1)), Z
    )
    assert_same_gradient(backward(activation, Z, delta), expected)


def test_parameters_change_the_negative_side():
    Z = np.array([[-2.0, 3.0]])
    np.testing.assert_allclose(forward(LeakyReLU(0.3), Z), [[-0.6, 3.0]])
    np.testing.assert_allclose(forward(ELU(0.5), Z), [[0.5 * (np.exp(-2) - 1), 3.0]])


@pytest.mark.parametrize(("power", "moment"), [(1, 0), (2, 1)])
def test_selu_keeps_mean_0_and_variance_1(power, moment):
    # what defines its two constants: the standard normal is a fixed point
    def integrand(z):
        density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        return forward(SELU(), np.array([[z]]))[0, 0] ** power * density

    total = quad(integrand, -30, 0, epsabs=1e-12)[0] + quad(integrand, 0, 30, epsabs=1e-12)[0]
    assert total == pytest.approx(moment, abs=1e-9)


@over_instances
def test_in_place_equals_out_of_place(activation):
    Z = net_input()
    expected = forward(activation, Z)
    np.testing.assert_array_equal(Z, net_input(), err_msg="out of place, Z must survive")
    activation.forward(Z, out=Z)
    np.testing.assert_array_equal(Z, expected)


@over_instances
def test_backward_changes_nothing_but_delta(activation):
    # the gradient of the layer above is made of A, and A may be a view of a buffer
    Z = net_input()
    A = forward(activation, Z)
    kept = A.copy()
    activation.backward(Z, A, np.ones_like(Z))
    np.testing.assert_array_equal(Z, net_input())
    np.testing.assert_array_equal(A, kept)


@over_instances
def test_a_stack_is_its_slices(activation):
    Z = net_input((3, 6, 5))
    delta = np.random.RandomState(1).standard_normal(Z.shape)
    A, slopes = forward(activation, Z), backward(activation, Z, delta)
    for k in range(3):
        np.testing.assert_array_equal(A[k], forward(activation, Z[k]))
        np.testing.assert_array_equal(slopes[k], backward(activation, Z[k], delta[k]))


@over_instances
def test_float32_is_the_rounded_float64(activation):
    Z = net_input(dtype=np.float32)
    ones = np.ones_like(Z)
    wide = Z.astype(np.float64)
    A, slope = forward(activation, Z), backward(activation, Z, ones)
    assert A.dtype == slope.dtype == np.float32
    np.testing.assert_allclose(A, forward(activation, wide), rtol=1e-5, atol=1e-6)
    expected = backward(activation, wide, ones.astype(np.float64))
    np.testing.assert_allclose(slope, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", [LeakyReLU, ELU])
def test_a_numpy_scalar_parameter_does_not_widen_float32(kind):
    # unlike a Python float, np.float64 would make NumPy compute in float64 and round
    Z = net_input((40, 5), np.float32)
    for function in (forward, lambda f, Z: backward(f, Z, Z)):
        expected = function(kind(0.1), Z)
        np.testing.assert_array_equal(function(kind(np.float64(0.1)), Z), expected)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [(np.float64, 1e4), (np.float64, 1e300), (np.float32, 1e4), (np.float32, 1e37)],
)
@over_instances
def test_huge_net_inputs_stay_finite(activation, dtype, size):
    Z = np.array([[-size, -1, 0, 1, size], [-size, -size, -size, -size, -size]], dtype)
    with np.errstate(over="ignore"):  # as in training: an overflow on the way to 0 is right
        A, slope = forward(activation, Z), backward(activation, Z, np.full_like(Z, 0.5))
    assert np.isfinite(A).all()
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_exponential_is_never_zero(dtype):
    # a Poisson mean of 0 would make the loss of any positive target infinite
    A = forward(INSTANCES["exp"], np.array([[-1e30, 1e30]], dtype))
    assert A.min() >= np.finfo(dtype).tiny


def test_softmax_rows_sum_to_one_and_ignore_a_shift():
    Z = net_input()
    A = forward(INSTANCES["softmax"], Z)
    np.testing.assert_allclose(A.sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_allclose(forward(INSTANCES["softmax"], Z + 700), A, rtol=1e-10)


class Sigmoid(Activation):
    """What a user would write: the logistic function, from its net input."""

    def forward(self, Z, out):
        np.divide(1, 1 + np.exp(-Z), out=out)

    def backward(self, Z, A, delta):
        delta *= A * (1 - A)


def fitted(**parameters):
    X = np.random.RandomState(0).standard_normal((30, 3))
    regressor = BackpropRegressor(
        hidden_layer_sizes=(6, 4), max_iter=20, tol=10.0, random_state=0,
        initializer="glorot_uniform", **parameters,
    )  # fmt: skip
    return regressor.fit(X, np.sin(X[:, 0]) / 4 + 0.5), X


@pytest.mark.parametrize("parameter", ["activation", "output_activation"])
def test_a_users_own_activation_trains_like_the_same_one_built_in(parameter):
    own, X = fitted(**{parameter: Sigmoid()})
    known, _ = fitted(**{parameter: "logistic"})
    np.testing.assert_allclose(own.predict(X), known.predict(X), rtol=1e-10)
    assert own.predict(X).std() > 0


@pytest.mark.parametrize(
    "activation", [LeakyReLU(1.0), LeakyReLU(-0.1), ELU(-1), LeakyReLU("a"), ELU(np.nan)]
)
def test_parameters_out_of_range_are_refused(activation):
    with pytest.raises(ValueError, match="parameter of"):
        lookup("activation", activation, ACTIVATIONS)
    with pytest.raises(ValueError, match="parameter of"):
        fitted(activation=activation)


@over_instances
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_output_is_larger_than_it_says(activation, dtype):
    for size in (0.0, 1e-3, 0.5, 1.0, 2.0, 30.0, 1e3, 1e30):
        Z = np.linspace(-size, size, 1001).reshape(-1, 7).astype(dtype)
        with np.errstate(over="ignore"):
            largest = np.abs(forward(activation, Z)).max()
        bound = activation.largest_output(size, np.dtype(dtype))
        assert np.isfinite(bound)
        # exp makes of the rounding of 89 one that is 89 times as large
        assert largest <= bound * (1 + 100 * np.finfo(dtype).eps)
        assert bound <= max(1.1 * size + 2, np.exp(min(size, 709.7)))  # and it says something


def test_nothing_is_known_of_an_activation_of_ones_own():
    class Cubed(LeakyReLU):
        def forward(self, Z, out):
            np.power(Z, 3, out=out)

    class OnlyAnotherSlope(LeakyReLU):
        def backward(self, Z, A, delta):
            delta *= 0.5

    for unknown in (Sigmoid(), Cubed()):
        assert unknown.largest_output(1.0, np.dtype(float)) == np.inf
    assert OnlyAnotherSlope().largest_output(2.0, np.dtype(float)) == 2.0


def test_a_class_that_writes_its_slope_anew_gets_the_net_input():
    class Own(Tanh):
        def backward(self, Z, A, delta):
            delta *= 1 - np.tanh(Z) ** 2

    class Same(Tanh):
        pass

    assert Own.needs_net_input and not Same.needs_net_input and not Tanh.needs_net_input
