"""Numbers that do not depend on their place: of a vector, of an array, in memory.

A network in a stack gives the bits that it gives alone only if each thing that is done to
its slice gives the same bits wherever the slice begins, however long what surrounds it is,
and however it is aligned.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from sklearn_backprop._engine.network import Network
from sklearn_backprop._numerics import vectors
from sklearn_backprop._numerics.vectors import clip
from sklearn_backprop.activations import OUTPUT_ACTIVATIONS
from sklearn_backprop.losses import LOSSES
from sklearn_backprop.optimizers import OPTIMIZERS, InputScaledAdamW
from sklearn_backprop.optimizers import _base as optimizers

STOCHASTIC = [kind for kind in OPTIMIZERS.values() if kind.stochastic]
dtypes = st.sampled_from([np.float64, np.float32])
seeds = st.integers(0, 2**32 - 1)
few = settings(deadline=None, max_examples=25, derandomize=True)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with threadpool_limits(limits=1, user_api="blas"):
        yield


def placed(array, offset):
    """Return an array whose first number is so many numbers behind the start of a block."""
    space = np.empty(array.size + offset, array.dtype)[offset:].reshape(array.shape)
    space[...] = array
    return space


@st.composite
def parts(draw, longest=300):
    """Draw the length of a vector, a part of it, and where each lies in memory."""
    n = draw(st.integers(1, longest))
    start = draw(st.integers(0, n - 1))
    stop = draw(st.integers(start + 1, n))
    return n, slice(start, stop), draw(st.integers(0, 15)), draw(st.integers(0, 15))


@few
@given(parts(), dtypes, seeds, st.floats(-10, 10), st.sampled_from([7, 64, 32768]))
def test_a_scaled_sum_does_not_depend_on_the_place(place, dtype, seed, factor, block):
    n, part, offset, other = place
    vector, target = np.random.RandomState(seed).standard_normal((2, n)).astype(dtype)
    whole, alone = placed(target, offset), placed(target[part], other)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "BLOCK", block)
        vectors.add_scaled(placed(vector, other), factor, whole)
        patch.setattr(vectors, "BLOCK", 32768)
        vectors.add_scaled(placed(vector[part], offset), factor, alone)
    np.testing.assert_array_equal(whole[part], alone)
    np.testing.assert_array_equal(alone, target[part] + vector[part] * dtype(factor))


@pytest.mark.parametrize("kind", STOCHASTIC, ids=lambda kind: kind.name)
@few
@given(parts(), dtypes, seeds, st.sampled_from([7, 64, 32768]))
def test_a_step_does_not_depend_on_the_place(kind, place, dtype, seed, block):
    n, part, offset, other = place
    optimizer = kind()
    random = np.random.RandomState(seed)
    start, *gradients = random.standard_normal((4, n)).astype(dtype)
    whole, alone = placed(start, offset), placed(start[part], other)
    states = optimizer.init(whole), optimizer.init(alone)
    for gradient in gradients:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(optimizers, "BLOCK", block)
            optimizer.update(whole, placed(gradient, other), states[0], 0.01)
        optimizer.update(alone, placed(gradient[part], offset), states[1], 0.01)
    np.testing.assert_array_equal(whole[part], alone)


@pytest.mark.parametrize("name", [name for name in OUTPUT_ACTIVATIONS if name != "softmax"])
@few
@given(parts(), dtypes, seeds)
def test_an_activation_does_not_depend_on_the_place(name, place, dtype, seed):
    n, part, offset, other = place
    f = OUTPUT_ACTIVATIONS[name]()
    Z, delta = (3 * np.random.RandomState(seed).standard_normal((2, n, 1))).astype(dtype)

    def passed(Z, delta):
        A = np.empty_like(Z)
        f.forward(Z, out=A)
        f.backward(Z, A, delta)
        return A, delta

    whole = passed(placed(Z, offset), placed(delta, other))
    alone = passed(placed(Z[part], other), placed(delta[part], offset))
    for ours, theirs in zip(whole, alone, strict=True):
        np.testing.assert_array_equal(ours[part], theirs)


@st.composite
def stacks(draw):
    """Draw the shape of a stack of networks, and of a batch for it."""
    sizes = draw(st.lists(st.integers(1, 20), min_size=2, max_size=4))
    return sizes, draw(st.integers(1, 20)), draw(st.integers(2, 5))


OF_OUTPUTS = {  # a pair of a loss and an output activation, for outputs in (0, 1)
    name: (loss(), OUTPUT_ACTIVATIONS[loss.output_activation]()) for name, loss in LOSSES.items()
}


@pytest.mark.parametrize("name", OF_OUTPUTS)
@few
@given(stacks(), st.sampled_from(sorted(OUTPUT_ACTIVATIONS)), dtypes, seeds, st.integers(0, 9))
def test_a_batch_does_not_depend_on_the_place_in_a_stack(name, stack, hidden, dtype, seed, gap):
    (sizes, n_samples, n_networks), (loss, output) = stack, OF_OUTPUTS[name]
    sizes[-1] *= 2 if name == "gaussian" else 1
    f = OUTPUT_ACTIVATIONS["tanh" if hidden == "exp" else hidden]()
    random = np.random.RandomState(seed)
    together, alone = (Network(sizes, f, output, dtype, n) for n in (n_networks, None))
    together.parameters[...] = random.uniform(-0.5, 0.5, together.parameters.shape)
    X = random.standard_normal((n_networks, n_samples, sizes[0])).astype(dtype)
    # as in a block of batches, of which this is one
    Y = random.uniform(0.1, 0.9, (n_networks, n_samples + gap, sizes[-1])).astype(dtype)[:, gap:]
    weight = random.uniform(0, 1, (n_networks, n_samples, 1)).astype(dtype)

    def passed(network, X, Y, weight):
        outputs = network.forward(X).copy()
        network.backward(X, network.output_delta(Y, loss, weight))
        gradient = network.gradient.copy()
        half_square = network.half_square()
        network.penalize(0.1)
        clip(network.gradient, 0.01)
        total = loss.sum(Y, outputs, weight)
        return outputs, gradient, network.gradient.copy(), half_square, total

    ours = passed(together, X, Y, weight)
    for k in range(n_networks):
        alone.parameters[...] = together.parameters[k]
        theirs = passed(alone, X[k].copy(), Y[k].copy(), weight[k].copy())
        for what, mine, its in zip(
            ("outputs", "gradient", "clipped", "penalty", "loss"), ours, theirs, strict=True
        ):
            np.testing.assert_array_equal(mine[k], its, err_msg=what)


@few
@given(stacks(), dtypes, seeds)
def test_scaled_inputs_do_not_depend_on_the_place_in_a_stack(stack, dtype, seed):
    (n_inputs, n_units, *_), _, n_networks = stack
    optimizer, n = InputScaledAdamW(), n_inputs * n_units + 3
    random = np.random.RandomState(seed)
    start, *gradients = random.standard_normal((4, n_networks, n)).astype(dtype)

    def trained(start, gradients):
        w = start.copy()
        state = optimizer.init(w, first_layer=(n_inputs, n_units))
        for gradient in gradients:
            optimizer.update(w, gradient.copy(), state, 0.01)
        return w

    together = trained(start, gradients)
    for k in range(n_networks):
        np.testing.assert_array_equal(together[k], trained(start[k], [g[k] for g in gradients]))
