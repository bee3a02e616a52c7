"""Inputs whose scales learn: the formulas written down, stacks, and what it is good for."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_backprop import BackpropClassifier, BackpropRegressor, fit_many
from sklearn_backprop.optimizers import AdamW, InputScaledAdamW

# a few epochs are enough to compare
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

random = np.random.RandomState(0)
X = random.standard_normal((90, 6))
y = np.sin(2 * X[:, 0]) + X[:, 1]
SHORT = {"hidden_layer_sizes": (8, 5), "max_iter": 4, "batch_size": 20, "random_state": 0, "tol": 0}


def arrays(network):
    return [*network.coefs_, *network.intercepts_]


def assert_same(one, other, **tolerance):
    for ours, theirs in zip(arrays(one), arrays(other), strict=True):
        np.testing.assert_allclose(ours, theirs, **{"rtol": 0, "atol": 0} | tolerance)


def scaled_linear_model(w, b, rate, input_rate, decay, n_steps):
    """Train ``y = x · (s v) + b`` by Adam on s, v and b, written down from the formulas."""
    s, v = np.ones(6), w.copy()
    b = np.array([b])
    parts, rates = [s, v, b], [rate * input_rate, rate, rate]
    M, V = [0 * p for p in parts], [0 * p for p in parts]
    for t in range(1, n_steps + 1):
        delta = (X @ (s * v) + b - y) / len(X)
        gradients = [v * (X.T @ delta), s * (X.T @ delta), delta.sum(keepdims=True)]
        v *= 1 - rate * decay
        for k, g in enumerate(gradients):
            M[k] += 0.1 * (g - M[k])
            V[k] += 0.05 * (g**2 - V[k])
            parts[k] -= rates[k] * M[k] / (1 - 0.9**t) / np.sqrt(V[k] / (1 - 0.95**t))
    return s * v, b


def test_it_is_adamw_on_scales_and_weights():
    optimizer = InputScaledAdamW(beta_2=0.95, epsilon=1e-30, weight_decay=0.3, input_rate=3.0)
    model = BackpropRegressor(
        hidden_layer_sizes=(), solver=optimizer, alpha=0.0, standardize=False, batch_size=90,
        max_iter=1, learning_rate_init=1e-300, random_state=0, tol=0,
    ).fit(X, y)  # fmt: skip
    start = model.coefs_[0][:, 0].copy(), model.intercepts_[0][0]
    model.set_params(max_iter=7, learning_rate_init=0.05).fit(X, y)
    w, b = scaled_linear_model(*start, 0.05, 3.0, 0.3, 7)
    np.testing.assert_allclose(model.coefs_[0][:, 0], w, rtol=1e-9)
    np.testing.assert_allclose(model.intercepts_[0], b, rtol=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("max_grad_norm", [None, 0.1])
def test_with_a_rate_of_zero_it_is_adamw(alpha, max_grad_norm):
    settings = SHORT | {"alpha": alpha, "max_grad_norm": max_grad_norm}
    plain = BackpropRegressor(solver=AdamW(weight_decay=0.1), **settings).fit(X, y)
    optimizer = InputScaledAdamW(weight_decay=0.1, input_rate=0.0)
    scaled = BackpropRegressor(solver=optimizer, **settings).fit(X, y)
    assert_same(scaled, plain)
    assert scaled.history_["gradient_norm"] == plain.history_["gradient_norm"]


def test_stacked_it_is_the_same():
    labels = (y > 0).astype(int)
    models = [
        BackpropClassifier(
            solver=InputScaledAdamW(input_rate=rate), **SHORT | {"random_state": seed}
        )
        for rate, seed in ((1.0, 0), (6.0, 1), (6.0, 2))
    ]
    # rows whose numbers differ by one: the last batch of one network is empty
    rows = [np.arange(80), np.arange(81), np.arange(5, 86)]
    for model, stacked, index in zip(models, fit_many(models, X, labels, rows=rows), rows,
                                     strict=True):  # fmt: skip
        assert_same(stacked, clone(model).fit(X[index], labels[index]), rtol=1e-9, atol=1e-12)


def steps(optimizer, start, gradients, state=None):
    w, state = start.copy(), state or optimizer.init(start)
    state.first_layer = (3, 2)
    for gradient in gradients:
        before = gradient.copy()
        optimizer.update(w, gradient, state, 0.1)
        np.testing.assert_array_equal(gradient, before)
    return w


def test_a_network_that_joins_a_stack_later_begins_at_its_own_weights():
    random = np.random.RandomState(1)
    optimizer, start = InputScaledAdamW(), random.standard_normal((2, 8))
    gradients = random.standard_normal((3, 2, 8))
    state = optimizer.init(start)
    state.beta_1_power = state.beta_2_power = np.ones((2, 1))
    first = start.copy()
    steps(optimizer, first, gradients[:1], state)
    for value in vars(state).values():  # the second has no rows in the first step
        if isinstance(value, np.ndarray) and len(value) == 2:
            value[1] = 1 if value.shape == (2, 1) else 0
    first[0] = steps(optimizer, start[0], gradients[:1, 0])
    together = steps(optimizer, first, gradients[1:], state)
    np.testing.assert_allclose(together[0], steps(optimizer, start[0], gradients[:, 0]))
    np.testing.assert_allclose(together[1], steps(optimizer, start[1], gradients[1:, 1]))


def test_partial_fit_goes_on_where_a_pickle_was():
    model = BackpropRegressor(solver=InputScaledAdamW(), **SHORT)
    for _ in range(3):
        model.partial_fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert_same(again.partial_fit(X, y), model.partial_fit(X, y))


def test_inputs_that_say_nothing_are_turned_down():
    noisy = np.hstack([X[:, :2], np.random.RandomState(1).standard_normal((90, 30))])
    share = {}
    for optimizer in (AdamW(), InputScaledAdamW()):
        model = BackpropRegressor(
            hidden_layer_sizes=16, solver=optimizer, learning_rate="cosine", max_iter=60,
            learning_rate_init=0.01, batch_size=30, random_state=0, standardize=False,
        ).fit(noisy, y)  # fmt: skip
        norms = np.linalg.norm(model.coefs_[0], axis=1)
        share[type(optimizer)] = norms[2:].mean() / norms[:2].mean()
    assert share[InputScaledAdamW] < 0.9 * share[AdamW]


def test_a_negative_rate_is_refused():
    with pytest.raises(ValueError, match="'input_rate' parameter of InputScaledAdamW"):
        BackpropRegressor(solver=InputScaledAdamW(input_rate=-1.0)).fit(X, y)
