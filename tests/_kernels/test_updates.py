"""The step of every optimizer: the same bits in NumPy and compiled, alone and in a stack."""

import numpy as np
import pytest

from sklearn_backprop._kernels.choice import SETS
from sklearn_backprop.optimizers import OPTIMIZERS, InputScaledAdamW, Optimizer

STOCHASTIC = {kind.name: kind for kind in (*OPTIMIZERS.values(), InputScaledAdamW)}
STOCHASTIC = {name: kind for name, kind in STOCHASTIC.items() if kind.stochastic}
VARIANTS = {name: kind() for name, kind in STOCHASTIC.items()} | {
    "sgd without look-ahead": OPTIMIZERS["sgd"](nesterovs_momentum=False),
    "sgd that decays": OPTIMIZERS["sgd"](weight_decay=0.3),
    "adamw that decays": OPTIMIZERS["adamw"](weight_decay=0.3),
}
FIRST_LAYER = 30, 40
each_optimizer = pytest.mark.parametrize("optimizer", VARIANTS.values(), ids=VARIANTS)
each_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])
each_set = pytest.mark.parametrize("both", SETS.values(), ids=SETS)
compiled_only = pytest.mark.skipif("compiled" not in SETS, reason="needs the compiled kernels")


def moved(kernels, optimizer, start, share=None, rate=0.01, rate_factors=None, n_steps=20, seed=0):
    """Return the parameters and the gradient after some steps; gradients are as they come."""
    w, random = start.copy(), np.random.RandomState(seed)
    n_weights = w.shape[-1] * 9 // 10
    state = optimizer.init(w, n_weights, FIRST_LAYER, rate_factors)
    for _ in range(n_steps):
        size = 10.0 ** random.randint(-6, 3, size=w.shape)
        gradient = (random.standard_normal(w.shape) * size).astype(w.dtype)
        kernels.update(optimizer, w, gradient, state, rate, share)
    return w, gradient, *(getattr(state, slot) for slot in optimizer.slots)


def start_of(n, dtype, stack=()):
    return np.random.RandomState(1).standard_normal((*stack, n)).astype(dtype)


def assert_same_bits(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@compiled_only
def test_every_optimizer_is_compiled():
    from sklearn_backprop._kernels.compiled import known_optimizers

    assert set(STOCHASTIC) <= set(known_optimizers())


@compiled_only
@each_optimizer
def test_no_step_of_a_known_optimizer_is_numpys(optimizer, monkeypatch):
    def refuse(*args):
        raise AssertionError("NumPy's step was taken")

    monkeypatch.setattr(Optimizer, "update", refuse)
    start = start_of(2000, np.float64)
    assert (moved(SETS["compiled"][0], optimizer, start, 0.1)[0] != start).all()


@compiled_only
@pytest.mark.parametrize("share", [None, 0.02])
@each_dtype
@each_optimizer
def test_both_sets_have_the_same_bits(optimizer, dtype, share):
    """Over 20 steps of 100,000 parameters, the penalty included."""
    numpy, compiled = SETS["numpy"][0], SETS["compiled"][0]
    start = start_of(100_000, dtype)
    assert_same_bits(
        moved(numpy, optimizer, start, share), moved(compiled, optimizer, start, share)
    )


@compiled_only
@each_dtype
@each_optimizer
def test_parts_that_learn_at_rates_of_their_own(optimizer, dtype):
    numpy, compiled = SETS["numpy"][0], SETS["compiled"][0]
    start, parts = start_of(6001, dtype), [(0, 1200, 1.0), (1200, 5500, 0.5), (5500, 6001, 3.0)]
    one, other = (
        moved(kernels, optimizer, start, 0.02, rate_factors=parts) for kernels in (numpy, compiled)
    )
    assert_same_bits(one, other)
    plain = moved(compiled, optimizer, start, 0.02)
    np.testing.assert_array_equal(plain[0][:1200], one[0][:1200])
    assert (plain[0][1200:] != one[0][1200:]).mean() > 0.99


@each_set
@each_dtype
@each_optimizer
def test_networks_of_a_stack_have_rates_and_penalties_of_their_own(optimizer, dtype, both):
    alone, stacked = both
    start = start_of(1501, dtype, stack=(3,))
    rates, shares = [0.1, 0.01, 0.001], [0.0, 0.1, 3.0]
    together = moved(
        stacked, optimizer, start, np.array(shares)[:, None], np.array(rates)[:, None], n_steps=3
    )
    random = np.random.RandomState(0)  # the same gradients for each network alone
    state = [optimizer.init(row, 1350, FIRST_LAYER) for row in start]
    rows = start.copy()
    for _ in range(3):
        size = 10.0 ** random.randint(-6, 3, size=start.shape)
        gradients = (random.standard_normal(start.shape) * size).astype(dtype)
        for k in range(3):
            alone.update(optimizer, rows[k], gradients[k], state[k], rates[k], shares[k])
    np.testing.assert_array_equal(together[0], rows)
    np.testing.assert_array_equal(together[1], gradients)


@each_set
@each_dtype
def test_hyperparameters_of_a_stack_may_differ(dtype, both):
    alone, stacked = both
    start = start_of(1300, dtype, stack=(2,))
    columns = np.array([[0.9], [0.5]]), np.array([[0.999], [0.9]]), np.array([[1e-8], [1e-3]])
    decays = np.array([[0.0], [0.4]])
    optimizer = OPTIMIZERS["adamw"](*columns, decays)
    w, gradient = start.copy(), start[::-1].copy()
    stacked.update(optimizer, w, gradient, optimizer.init(w, 1000), 0.01, None)
    for k in range(2):
        own = OPTIMIZERS["adamw"](*(float(values[k, 0]) for values in (*columns, decays)))
        row = start[k].copy()
        alone.update(own, row, start[1 - k].copy(), own.init(row, 1000), 0.01, None)
        np.testing.assert_array_equal(w[k], row)


@each_set
def test_biases_neither_decay_nor_cost_anything(both):
    optimizer = OPTIMIZERS["adamw"](weight_decay=0.5)
    w = np.ones(10)
    both[0].update(optimizer, w, np.zeros(10), optimizer.init(w, 7), 0.1, 0.25)
    assert (w[:7] < 0.95).all()
    np.testing.assert_array_equal(w[7:], 1)


class Half(OPTIMIZERS["adam"]):
    """Adam with half the step: it may not be taken for Adam."""

    def step(self, constants, scratch, parameters, gradient, m, v):
        """Take half of Adam's step."""
        *moments, rate = constants
        super().step((*moments, rate / 2), scratch, parameters, gradient, m, v)


@each_set
def test_a_subclass_with_a_step_of_its_own_is_called(both):
    start = start_of(20, np.float64)
    whole, half = (
        moved(both[0], optimizer, start, rate=0.1, n_steps=1)[0] - start
        for optimizer in (OPTIMIZERS["adam"](), Half())
    )
    np.testing.assert_allclose(half, whole / 2, rtol=1e-12)


@each_set
def test_a_rate_for_each_parameter(both):
    start, rates = start_of(50, np.float64), np.linspace(0.001, 0.1, 50)
    optimizer = OPTIMIZERS["adam"]()
    w = moved(both[0], optimizer, start, rate=rates, n_steps=1)[0]
    for k in (0, 20, 49):
        one = moved(both[0], optimizer, start, rate=float(rates[k]), n_steps=1)[0]
        assert w[k] == one[k]
