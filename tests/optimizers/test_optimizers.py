"""Every stochastic solver: the first steps by plain formulas, convergence, blocks, state."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_backprop import BackpropRegressor
from sklearn_backprop.components import lookup
from sklearn_backprop.optimizers import LBFGS, OPTIMIZERS, SGD, Adam, AdamW
from sklearn_backprop.optimizers import _base as optimizers

STOCHASTIC = {name: kind for name, kind in OPTIMIZERS.items() if kind.stochastic}
over_stochastic = pytest.mark.parametrize("optimizer", [k() for k in STOCHASTIC.values()],
                                          ids=STOCHASTIC)  # fmt: skip


def run(optimizer, gradients, rate, start, n_weights=None):
    """Take one step for each gradient; return the points after each."""
    w = np.array(start)
    state, points = optimizer.init(w, n_weights), []
    for g in gradients:
        optimizer.update(w, np.array(g), state, rate)
        points.append(w.copy())
    return np.array(points)


# ---------------------------------------------------------------- the formulas


def sgd_by_hand(gradients, rate, w, momentum, nesterov):
    v, points = np.zeros_like(w), []
    for g in gradients:
        v = momentum * v - rate * g
        w = w + (momentum * v - rate * g if nesterov else v)
        points.append(w)
    return np.array(points)


def adam_by_hand(gradients, rate, w, beta_1, beta_2, epsilon, decay=0.0, n_weights=0):
    """Follow the paper: moments, their bias corrections, step; ε is divided along."""
    m, v, points = np.zeros_like(w), np.zeros_like(w), []
    decays = np.arange(w.size) < n_weights
    for t, g in enumerate(gradients, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        corrected_m, corrected_v = m / (1 - beta_1**t), v / (1 - beta_2**t)
        corrected_epsilon = epsilon / np.sqrt(1 - beta_2**t)
        w = w - rate * decay * w * decays
        w = w - rate * corrected_m / (np.sqrt(corrected_v) + corrected_epsilon)
        points.append(w)
    return np.array(points)


@pytest.fixture
def path():
    """Return five gradients, some of them zero or tiny, and a start."""
    random = np.random.RandomState(0)
    gradients = random.standard_normal((5, 6)) * np.geomspace(1e-6, 10, 6)
    gradients[2, 3] = gradients[0, 4] = 0
    return gradients, random.standard_normal(6)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.8, 1.0])
def test_sgd_takes_the_steps_of_its_formula(path, momentum, nesterov):
    gradients, start = path
    actual = run(SGD(momentum, nesterov), gradients, 0.1, start)
    expected = sgd_by_hand(gradients, 0.1, start, momentum, nesterov)
    np.testing.assert_allclose(actual, expected, rtol=1e-13)


BETAS = [(0.9, 0.999, 1e-8), (0.5, 0.9, 1e-2), (0.0, 0.0, 1e-3)]


@pytest.mark.parametrize(("beta_1", "beta_2", "epsilon"), BETAS)
def test_adam_takes_the_steps_of_its_formula(path, beta_1, beta_2, epsilon):
    gradients, start = path
    actual = run(Adam(beta_1, beta_2, epsilon), gradients, 0.1, start)
    expected = adam_by_hand(gradients, 0.1, start, beta_1, beta_2, epsilon)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


@pytest.mark.parametrize(("beta_1", "beta_2", "epsilon"), BETAS)
def test_adamw_takes_the_steps_of_its_formula(path, beta_1, beta_2, epsilon):
    gradients, start = path
    actual = run(AdamW(beta_1, beta_2, epsilon, 0.5), gradients, 0.1, start, n_weights=4)
    expected = adam_by_hand(gradients, 0.1, start, beta_1, beta_2, epsilon, 0.5, n_weights=4)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_adams_first_step_has_the_size_of_the_rate_whatever_the_gradient():
    first = run(Adam(epsilon=1e-12), [[1e-3, -5.0, 100.0]], 0.01, [0.0, 0.0, 0.0])[0]
    np.testing.assert_allclose(first, [-0.01, 0.01, -0.01], rtol=1e-6)


def test_adamw_decays_weights_alone_and_whatever_the_gradient():
    # one with a gradient of zero, one with a large one: the decay is the same factor
    start, gradients = np.ones(4), [[0.0, 1e3, 0.0, 1e3]]
    adam = run(Adam(), gradients, 0.1, start, n_weights=2)[0]
    adamw = run(AdamW(weight_decay=0.5), gradients, 0.1, start, n_weights=2)[0]
    np.testing.assert_allclose(adam - adamw, [0.05, 0.05, 0, 0], atol=1e-15)
    without = run(AdamW(weight_decay=0.0), gradients, 0.1, start, n_weights=2)[0]
    np.testing.assert_array_equal(without, adam)


def test_adams_rate_is_the_same_for_a_number_and_for_a_network_of_a_stack():
    # a power of one half rounds otherwise for a float than for an array, now and then
    random = np.random.RandomState(0)
    betas, powers, rates = random.uniform(0.5, 1, (3, 5000, 1))
    together = Adam(beta_2=betas)
    state = SimpleNamespace(beta_1_power=0.5 * powers, beta_2_power=powers)
    columns = together.rate(state, rates), together.hyperparameters()[2]
    for k in range(len(betas)):
        alone = Adam(beta_2=betas[k].item())
        power = powers[k].item()
        state = SimpleNamespace(beta_1_power=0.5 * power, beta_2_power=power)
        assert alone.rate(state, rates[k].item()) == columns[0][k]
        assert alone.hyperparameters()[2] == columns[1][k]


# ---------------------------------------------------------------- convergence

CURVATURES = np.array([1.0, 3.0, 10.0])
MINIMUM = np.array([1.0, -2.0, 0.5])


def parabola(w):
    return CURVATURES * (w - MINIMUM)


def rosenbrock(w):
    x, y = w
    return np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])


# rate and steps for each problem; a new solver starts with the default
SETTINGS = {
    "sgd": {"parabola": (0.02, 500), "rosenbrock": (5e-4, 8000)},
    "adam": {"parabola": (0.05, 2000), "rosenbrock": (0.02, 6000)},
    "adamw": {"parabola": (0.05, 2000), "rosenbrock": (0.02, 6000)},
}
DEFAULT = {"parabola": (0.01, 5000), "rosenbrock": (1e-3, 20000)}
PROBLEMS = {
    "parabola": (parabola, np.zeros(3), MINIMUM),
    "rosenbrock": (rosenbrock, np.array([-1.0, 1.5]), np.ones(2)),
}


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("name", STOCHASTIC)
def test_solver_finds_the_minimum(name, problem):
    gradient, start, minimum = PROBLEMS[problem]
    rate, n_steps = SETTINGS.get(name, DEFAULT)[problem]
    w, optimizer = start.copy(), OPTIMIZERS[name]()
    state = optimizer.init(w, n_weights=0)  # decay would move the minimum
    for _ in range(n_steps):
        optimizer.update(w, gradient(w), state, rate)
    np.testing.assert_allclose(w, minimum, atol=1e-3)


# ---------------------------------------------------------------- arrays


@over_stochastic
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("stack", [(), (3,)])
def test_blocks_do_not_show(optimizer, stack, dtype, monkeypatch):
    # a vector longer than a block: the same as in one go, also where weights end in mid-block
    shape = (*stack, 2 * optimizers.BLOCK + 77)
    random = np.random.RandomState(0)
    start = random.standard_normal(shape).astype(dtype)
    gradients = random.standard_normal((4, *shape)).astype(dtype)
    n_weights = optimizers.BLOCK + 5
    in_blocks = run(optimizer, gradients, 0.01, start, n_weights)
    monkeypatch.setattr(optimizers, "BLOCK", 10**9)
    at_once = run(optimizer, gradients, 0.01, start, n_weights)
    assert in_blocks.dtype == dtype
    np.testing.assert_array_equal(in_blocks, at_once)
    assert (in_blocks[-1] != start).mean() > 0.999  # every block moved


@over_stochastic
def test_update_works_in_place_and_leaves_the_gradient_alone(optimizer):
    w, gradient = np.ones(5), np.arange(5.0)
    state = optimizer.init(w)
    slots = {name: getattr(state, name) for name in optimizer.slots}
    for _ in range(3):
        assert optimizer.update(w, gradient, state, 0.1) is None
    np.testing.assert_array_equal(gradient, np.arange(5.0))
    for name, array in slots.items():
        assert getattr(state, name) is array
        assert array.dtype == w.dtype
        assert array[1:].all(), "a slot that stays empty remembers nothing"
    # what is remembered is in the state, so one instance serves many networks
    np.testing.assert_array_equal(run(optimizer, [gradient] * 3, 0.1, np.ones(5))[-1], w)


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(momentum=1.1), SGD(momentum=-0.1), SGD(nesterovs_momentum="yes"), Adam(beta_1=1.0),
        Adam(beta_2=-0.1), Adam(epsilon=0.0), AdamW(weight_decay=-1), AdamW(beta_1=2),
        LBFGS(max_fun=0), LBFGS(max_fun=1.5),
    ],
    ids=repr,
)  # fmt: skip
def test_parameters_out_of_range_are_refused(optimizer):
    with pytest.raises(ValueError, match=f"parameter of {type(optimizer).__name__} must be"):
        lookup("solver", optimizer, OPTIMIZERS)
    with pytest.raises(ValueError, match=f"parameter of {type(optimizer).__name__} must be"):
        BackpropRegressor(solver=optimizer).fit([[0.0], [1.0]], [0.0, 1.0])


# ---------------------------------------------------------------- in an estimator


def fit(solver, **parameters):
    """Train shortly; the tolerance ends it before the limit, without a warning."""
    X = np.random.RandomState(0).standard_normal((40, 3))
    regressor = BackpropRegressor(
        hidden_layer_sizes=(5,), solver=solver, random_state=0, tol=10.0, **parameters
    )
    return regressor.fit(X, np.sin(X[:, :2]))


def test_an_instance_brings_its_own_parameters():
    by_instance = fit(SGD(0.3, nesterovs_momentum=False), momentum=0.9)
    by_name = fit("sgd", momentum=0.3, nesterovs_momentum=False)
    for actual, expected in zip(by_instance.coefs_, by_name.coefs_, strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert not np.allclose(by_name.coefs_[0], fit("sgd", momentum=0.9).coefs_[0])


def test_nested_parameters_of_a_solver():
    regressor = fit(AdamW(weight_decay=0.02))
    changed = clone(regressor).set_params(solver__weight_decay=20.0)
    assert regressor.solver.weight_decay == 0.02, "a clone has a solver of its own"
    X = np.random.RandomState(0).standard_normal((40, 3))
    changed.fit(X, np.sin(X[:, :2]))
    assert changed.solver.weight_decay == 20.0
    norms = [sum((W**2).sum() for W in model.coefs_) for model in (regressor, changed)]
    assert norms[1] < 0.8 * norms[0]
