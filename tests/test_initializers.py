"""Initial weights: shapes and ranges of every initializer, and scikit-learn's very draws."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.activations import Logistic, ReLU, Tanh
from sklearn_backprop.initializers import INITIALIZERS, Initializer, NeuralTangent

FAN_IN, FAN_OUT = 300, 200
# the variance of a weight, and the bound where there is one, from the papers' formulas
EXPECTED = {
    "auto": (2 / (FAN_IN + FAN_OUT), np.sqrt(6 / (FAN_IN + FAN_OUT))),
    "glorot_uniform": (2 / (FAN_IN + FAN_OUT), np.sqrt(6 / (FAN_IN + FAN_OUT))),
    "he_normal": (2 / FAN_IN, None),
    "lecun_normal": (1 / FAN_IN, None),
    "neural_tangent": (1 / FAN_IN, None),
    "zeros": (0, 0),
}


def draw(name, fan_in=FAN_IN, fan_out=FAN_OUT, activation=None, seed=0):
    initializer, random = INITIALIZERS[name](), np.random.RandomState(seed)
    args = fan_in, fan_out, activation or ReLU(), random
    return initializer.weights(*args), initializer.biases(*args)


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("shape", [(3, 5), (5, 1), (1, 4)])
def test_shapes_and_repeatability(name, shape):
    weights, biases = draw(name, *shape)
    assert weights.shape == shape
    assert biases.shape == shape[1:]
    assert weights.dtype == biases.dtype == np.float64
    np.testing.assert_array_equal(weights, draw(name, *shape)[0])
    if name != "zeros":
        assert (weights != draw(name, *shape, seed=1)[0]).all()


@pytest.mark.parametrize("name", EXPECTED)
def test_variance_and_bounds(name):
    weights, _ = draw(name)
    variance, bound = EXPECTED[name]
    # 60,000 draws: the standard error of a variance is 0.6 % of it, of a mean less still
    assert weights.var() == pytest.approx(variance, rel=0.03)
    assert abs(weights.mean()) <= 4 * np.sqrt(variance / weights.size)
    if bound is not None:
        assert 0.999 * bound <= np.abs(weights).max() <= bound
    else:
        assert np.abs(weights).max() > 3.5 * np.sqrt(variance), "a normal has tails"


@pytest.mark.parametrize("name", INITIALIZERS)
def test_biases_start_at_zero_with_two_exceptions(name):
    _, biases = draw(name)
    if name == "auto":
        assert 0.95 * EXPECTED["auto"][1] < np.abs(biases).max() <= EXPECTED["auto"][1]
    elif name == "neural_tangent":
        # 200 draws: the standard error of the variance is a tenth
        assert biases.var() == pytest.approx(1, abs=0.4)
    else:
        np.testing.assert_array_equal(biases, 0)


def test_auto_draws_less_widely_below_a_sigmoid():
    relu, logistic, tanh = (draw("auto", activation=f())[0] for f in (ReLU, Logistic, Tanh))
    np.testing.assert_allclose(logistic * np.sqrt(3), relu, atol=1e-15)
    np.testing.assert_array_equal(tanh, relu)


PAIRS = [(BackpropClassifier, MLPClassifier), (BackpropRegressor, MLPRegressor)]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@pytest.mark.parametrize("activation", ["relu", "logistic", "identity"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_auto_makes_the_very_draws_of_scikit_learn(ours, theirs, activation, dtype):
    X = np.random.RandomState(0).standard_normal((30, 4)).astype(dtype)
    y = np.arange(30) % 3
    same = {
        "hidden_layer_sizes": (7, 5),
        "activation": activation,
        "solver": "sgd",
        "max_iter": 1,
        "learning_rate_init": 1e-300,  # so small a step leaves the initial weights in coefs_
        "random_state": 3,
    }
    with pytest.warns(ConvergenceWarning):
        mine = ours(standardize=False, **same).fit(X, y)
    with pytest.warns(ConvergenceWarning):
        reference = theirs(**same).fit(X, y)
    for attribute in ("coefs_", "intercepts_"):
        for actual, expected in zip(
            getattr(mine, attribute), getattr(reference, attribute), strict=True
        ):
            assert actual.dtype == dtype
            np.testing.assert_array_equal(actual, expected)


class Ones(Initializer):
    """A user's initializer: every weight 1, every bias 2."""

    def weights(self, fan_in, fan_out, activation, random_state):
        return np.ones((fan_in, fan_out))

    def biases(self, fan_in, fan_out, activation, random_state):
        return np.full(fan_out, 2.0)


def test_a_users_own_initializer_in_an_estimator():
    regressor = BackpropRegressor(
        hidden_layer_sizes=(3,), solver="sgd", learning_rate_init=1e-300, max_iter=1,
        standardize=False, initializer=Ones(),
    )  # fmt: skip
    with pytest.warns(ConvergenceWarning):
        regressor.fit(np.eye(2), [0.0, 1.0])
    # each hidden unit gives 1 + 2, and three of them with the last bias 3 · 3 + 2
    np.testing.assert_array_equal(regressor.predict(np.eye(2)), [11.0, 11.0])


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_data_driven_layers_fit_the_samples(dtype, sparse):
    random = np.random.RandomState(0)
    X = random.uniform(3, 9, (700, 6)) * [1, 10, 100, 1000, 1e4, 0]
    network = BackpropRegressor(
        initializer=NeuralTangent(data_driven=True), hidden_layer_sizes=(50, 40), activation="tanh",
        learning_rate_init=1e-12, max_iter=1, tol=1, random_state=0, dtype=dtype,
        standardize=not sparse,
    )  # fmt: skip
    with pytest.warns(ConvergenceWarning):
        network.fit(csr_matrix(X) if sparse else X, X[:, 0])
    inputs = X
    for W, b in zip(network.coefs_[:-1], network.intercepts_[:-1], strict=True):
        Z = inputs @ W + b
        np.testing.assert_allclose(Z.std(axis=0), 1, rtol=1e-3)
        # a kink is where a net input is zero: inside the samples, around their middle
        assert (Z.min(axis=0) < 0).all()
        assert (Z.max(axis=0) > 0).all()
        # the mean of five standard points with random shares has the standard deviation 0.577
        assert Z.mean(axis=0).std() == pytest.approx(0.577, abs=0.17)
        inputs = np.tanh(Z)


def test_data_driven_biases_of_a_constant_layer_are_finite():
    initializer = NeuralTangent(data_driven=True)
    W, b = np.ones((3, 4)), np.ones(4)
    initializer.adapt(np.ones((5, 3)), W, b, np.random.RandomState(0))
    np.testing.assert_array_equal(W, 1)
    np.testing.assert_allclose(b, -3)
