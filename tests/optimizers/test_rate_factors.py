"""Learning rates that differ between layers, and the parametrization they stand for."""

import numpy as np
import pytest

from sklearn_backprop import BackpropClassifier, BackpropRegressor, fit_many
from sklearn_backprop.initializers import Initializer, LecunNormal, NeuralTangent, rate_factors
from sklearn_backprop.optimizers import OPTIMIZERS, SGD, Adam

# a few epochs are enough to compare
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

random = np.random.RandomState(0)
X = random.standard_normal((60, 5))
y = np.sin(X @ [1.0, -1.0, 0.5, 0.0, 2.0])
STOCHASTIC = [name for name, kind in OPTIMIZERS.items() if kind.stochastic]
SHORT = {"hidden_layer_sizes": (8, 6), "max_iter": 4, "batch_size": 16, "random_state": 0, "tol": 1}


class Rates(LecunNormal):
    """Weights of a layer of so many inputs, and all biases, at other rates."""

    def __init__(self, of_weights=(), of_biases=1.0):
        super().__init__()
        self.of_weights = of_weights
        self.of_biases = of_biases

    def rate_factors(self, fan_in, fan_out):
        return dict(self.of_weights).get(fan_in, 1.0), self.of_biases


def neural_tangent_network(start, rate, beta_1, beta_2, batches):
    """Train a network in the parametrization itself, written down from the formulas."""
    coefs, intercepts = start
    widths = [np.sqrt(len(W)) for W in coefs]
    P = [W * width for W, width in zip(coefs, widths, strict=True)] + [b.copy() for b in intercepts]
    M, V = [np.zeros_like(p) for p in P], [np.zeros_like(p) for p in P]
    n = len(coefs)
    rates = [rate] * n + [0.1 * rate] * n
    for t, (rows, targets) in enumerate(batches, 1):
        activations = [rows]
        for k in range(n):
            z = activations[-1] @ P[k] / widths[k] + P[n + k]
            activations.append(np.tanh(z) if k < n - 1 else z)
        delta, gradients = (activations[-1] - targets) / len(rows), [None] * (2 * n)
        for k in range(n - 1, -1, -1):
            gradients[k] = activations[k].T @ delta / widths[k]
            gradients[n + k] = delta.sum(axis=0)
            delta = delta @ P[k].T / widths[k] * (1 - activations[k] ** 2)
        for k, g in enumerate(gradients):
            M[k] += (1 - beta_1) * (g - M[k])
            V[k] += (1 - beta_2) * (g**2 - V[k])
            P[k] -= rates[k] * M[k] / (1 - beta_1**t) / np.sqrt(V[k] / (1 - beta_2**t))
    return [p / width for p, width in zip(P[:n], widths, strict=True)], P[n:]


def test_ntk_is_the_neural_tangent_parametrization_under_adam():
    network = BackpropRegressor(
        hidden_layer_sizes=(8, 6), activation="tanh", initializer=NeuralTangent(output="drawn"),
        solver=Adam(beta_2=0.95, epsilon=1e-30), learning_rate_init=0.02, alpha=0.0,
        batch_size=20, shuffle=False, standardize=False, max_iter=1, tol=1, random_state=3,
    )  # fmt: skip
    start = network.set_params(learning_rate_init=1e-300).fit(X, y)
    start = [W.copy() for W in start.coefs_], [b.copy() for b in start.intercepts_]
    trained = network.set_params(learning_rate_init=0.02, max_iter=3).fit(X, y)
    batches = [(X[k : k + 20], y[k : k + 20, None]) for k in (0, 20, 40)] * 3
    expected = neural_tangent_network(start, 0.02, 0.9, 0.95, batches)
    for ours, theirs in zip(
        trained.coefs_ + trained.intercepts_, expected[0] + expected[1], strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_ntk_begins_at_the_best_constant():
    network = BackpropRegressor(
        initializer="neural_tangent", learning_rate_init=1e-12, **SHORT
    ).fit(X, y)
    np.testing.assert_allclose(network.predict(X), y.mean(), atol=1e-9)


@pytest.mark.parametrize("solver", STOCHASTIC)
def test_a_factor_of_zero_freezes_a_layer_and_one_changes_nothing(solver):
    settings = SHORT | {"solver": solver, "alpha": 0.0, "standardize": False}
    if solver == "adamw":  # decay is not a matter of the factor
        settings["solver"] = OPTIMIZERS[solver](weight_decay=0.0)
    plain = BackpropRegressor(initializer=Rates(), **settings).fit(X, y)
    same = BackpropRegressor(initializer=LecunNormal(), **settings).fit(X, y)
    frozen = BackpropRegressor(initializer=Rates([(8, 0.0)]), **settings).fit(X, y)
    start = BackpropRegressor(initializer=LecunNormal(), **settings)
    start = start.set_params(learning_rate_init=1e-300, learning_rate="constant").fit(X, y)
    for ours, theirs in zip(plain.coefs_, same.coefs_, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    moved = [
        not np.array_equal(W, W_start)
        for W, W_start in zip(frozen.coefs_, start.coefs_, strict=True)
    ]
    assert moved == [True, False, True]


@pytest.mark.parametrize("nesterovs_momentum", [True, False])
def test_one_factor_for_all_is_another_learning_rate(nesterovs_momentum):
    settings = SHORT | {"solver": SGD(nesterovs_momentum=nesterovs_momentum)}
    halves = Rates([(5, 0.5), (8, 0.5), (6, 0.5)], of_biases=0.5)
    ours = BackpropRegressor(initializer=halves, learning_rate_init=0.02, **settings).fit(X, y)
    same = BackpropRegressor(initializer=LecunNormal(), learning_rate_init=0.01, **settings)
    np.testing.assert_allclose(ours.predict(X), same.fit(X, y).predict(X), rtol=1e-12)


def test_parts_are_joined_where_the_factor_is_the_same():
    assert rate_factors(Initializer(), (5, 8, 6, 1)) is None
    parts = rate_factors(Rates([(8, 0.5)], of_biases=0.5), (5, 8, 6, 1))
    assert parts == [(0, 40, 1.0), (40, 88, 0.5), (88, 94, 1.0), (94, 109, 0.5)]


def test_a_stack_learns_at_the_same_rates():
    labels = (y > 0).astype(int)
    models = [
        BackpropClassifier(
            **SHORT | {"random_state": seed, "dtype": dtype},
            solver=solver,
            initializer="neural_tangent",
        )
        for seed in (0, 1)
        for dtype in ("float32", "float64")
        for solver in STOCHASTIC
    ]
    # one that has the same shape and other rates must not be in their stack
    models.append(BackpropClassifier(**SHORT, initializer=LecunNormal(), dtype="float32"))
    for fitted, model in zip(fit_many(models, X, labels), models, strict=True):
        alone = model.fit(X, labels)
        for ours, theirs in zip(fitted.coefs_, alone.coefs_, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_partial_fit_goes_on_at_the_same_rates():
    network = BackpropRegressor(initializer=Rates([(8, 0.0)]), **SHORT)
    before = network.partial_fit(X, y).coefs_[1].copy()
    np.testing.assert_array_equal(network.partial_fit(X, y).coefs_[1], before)
