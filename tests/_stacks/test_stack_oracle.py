"""A stack of networks against the same networks trained one by one: equal to the last bit."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from sklearn_backprop._engine.network import Network
from sklearn_backprop._engine.samples import Part, as_batch
from sklearn_backprop._engine.training import Learner, step
from sklearn_backprop._stacks.stack_training import StackObjective
from sklearn_backprop.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS
from sklearn_backprop.losses import LOSSES
from sklearn_backprop.optimizers import SGD, Adam, AdamW

N_NETWORKS, BATCH_SIZE, N_STEPS = 8, 10, 50
SHAPES = {
    "20-16-3": ((20, 16, 3), "squared_error"),
    "one output": ((5, 7, 1), "binary_log_loss"),
    "two hidden layers": ((13, 24, 9, 4), "log_loss"),
    "no hidden layer": ((6, 2), "poisson"),
}
RATES = np.geomspace(1e-3, 0.03, N_NETWORKS)[:, None]
ALPHAS = np.geomspace(1e-4, 10, N_NETWORKS)[::-1, None].copy()


@pytest.fixture(autouse=True)
def one_thread():
    with threadpool_limits(limits=1, user_api="blas"):
        yield


def batches(sizes, dtype, own=True):
    """Return two batches, with rows of its own for each network or the same for all."""
    random = np.random.RandomState(0)
    shape = (2, N_NETWORKS, BATCH_SIZE) if own else (2, BATCH_SIZE)
    X = random.standard_normal((*shape, sizes[0])).astype(dtype)
    Y = random.uniform(0.1, 0.9, (*shape, sizes[-1]))
    if sizes[-1] > 1:
        Y /= Y.sum(axis=-1, keepdims=True)  # the cross-entropy is of probabilities
    Y = Y.astype(dtype)
    return list(zip(X, Y, strict=True))


def make_network(sizes, loss, dtype, n_networks=None, activation="relu"):
    output = OUTPUT_ACTIVATIONS[LOSSES[loss].output_activation]()
    return Network(sizes, ACTIVATIONS[activation](), output, dtype, n_networks)


def trained(network, start, loss, optimizer, rate, alpha, data):
    """Take 50 steps; return the parameters after them and what the last step reported."""
    network.parameters[...] = start
    objective = StackObjective(LOSSES[loss](), alpha)
    learner = Learner(network, objective, optimizer, rate)
    learner.restart_optimizer()
    for k in range(N_STEPS):
        X, Y = data[k % len(data)]
        half_square = network.half_square()
        outputs = step(learner, as_batch(Part(X, Y, None), objective))
    return network.parameters, outputs, half_square


def assert_stack_is_its_networks(
    sizes, loss, dtype, stacked, separate, rates=RATES, own=True, activation="relu"
):
    """Train the stack with one optimizer, each network alone with its own, and compare."""
    data = batches(sizes, dtype, own)
    stack = make_network(sizes, loss, dtype, N_NETWORKS, activation)
    start = np.random.RandomState(1).uniform(-0.5, 0.5, stack.parameters.shape).astype(dtype)
    together = trained(stack, start, loss, stacked, rates, ALPHAS, data)
    assert np.isfinite(together[0]).all()
    for k in range(N_NETWORKS):
        alone = trained(
            make_network(sizes, loss, dtype, activation=activation), start[k], loss, separate(k),
            rates if isinstance(rates, float) else rates[k].item(), ALPHAS[k].item(),
            [(X[k], Y[k]) for X, Y in data] if own else data,
        )  # fmt: skip
        assert not np.array_equal(alone[0], start[k])
        for what, ours, theirs in zip(
            ("parameters", "outputs", "penalty"), together, alone, strict=True
        ):
            np.testing.assert_array_equal(ours[k], theirs, err_msg=f"{what} of network {k}")


over_dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])


@over_dtypes
@pytest.mark.parametrize("optimizer", [SGD(), Adam(), AdamW()], ids=lambda o: o.name)
@pytest.mark.parametrize(("sizes", "loss"), SHAPES.values(), ids=SHAPES)
def test_stack_equals_separate_networks(sizes, loss, optimizer, dtype):
    assert_stack_is_its_networks(sizes, loss, dtype, optimizer, lambda k: optimizer)


@over_dtypes
@pytest.mark.parametrize(("sizes", "loss"), SHAPES.values(), ids=SHAPES)
def test_networks_may_share_their_batches(sizes, loss, dtype):
    assert_stack_is_its_networks(sizes, loss, dtype, Adam(), lambda k: Adam(), own=False)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_works_on_a_stack(activation):
    assert_stack_is_its_networks(
        (5, 7, 2), "squared_error", np.float64, Adam(), lambda k: Adam(), activation=activation
    )


HYPERPARAMETERS = {
    "momentum": (SGD, np.linspace(0, 0.9, N_NETWORKS)),
    "beta_1": (Adam, np.linspace(0, 0.95, N_NETWORKS)),
    "beta_2": (Adam, np.linspace(0.9, 0.999, N_NETWORKS)),
    "epsilon": (Adam, np.geomspace(1e-9, 1e-2, N_NETWORKS)),
    "weight_decay": (AdamW, np.geomspace(1e-4, 1, N_NETWORKS)),
}


@over_dtypes
@pytest.mark.parametrize("name", HYPERPARAMETERS)
def test_hyperparameters_may_differ_over_the_stack(name, dtype):
    kind, values = HYPERPARAMETERS[name]
    sizes, loss = SHAPES["20-16-3"]
    stacked = kind(**{name: values[:, None]})
    assert_stack_is_its_networks(
        sizes, loss, dtype, stacked, lambda k: kind(**{name: values[k].item()}), rates=0.01
    )


@over_dtypes
def test_sample_weights_may_differ_over_the_stack(dtype):
    sizes, loss = SHAPES["two hidden layers"]
    X, Y = batches(sizes, dtype)[0]
    weights = np.random.RandomState(2).uniform(0, 2, (N_NETWORKS, BATCH_SIZE, 1)).astype(dtype)
    stack, alone = (make_network(sizes, loss, dtype, n) for n in (N_NETWORKS, None))
    stack.parameters[...] = np.random.RandomState(1).uniform(-1, 1, stack.parameters.shape)

    def gradient(network, X, Y, weights):
        network.forward(X)
        network.backward(X, network.output_delta(Y, LOSSES[loss](), weights * 0.1))
        return network.gradient

    together = gradient(stack, X, Y, weights)
    for k in range(N_NETWORKS):
        alone.parameters[...] = stack.parameters[k]
        np.testing.assert_array_equal(together[k], gradient(alone, X[k], Y[k], weights[k]))
