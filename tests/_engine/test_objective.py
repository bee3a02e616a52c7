"""The objective against its formula, whole and batch by batch."""

import numpy as np
import pytest

from sklearn_backprop._engine.network import Network
from sklearn_backprop._engine.objective import Objective, Total
from sklearn_backprop._engine.samples import Samples
from sklearn_backprop.activations import Identity
from sklearn_backprop.losses import SquaredError

RANDOM = np.random.RandomState(0)
X, Y = RANDOM.standard_normal((11, 3)), RANDOM.standard_normal((11, 2))
WEIGHTS = RANDOM.uniform(0.5, 2, 11)


def linear():
    network = Network((3, 2), Identity(), Identity())
    network.parameters[...] = RANDOM.standard_normal(network.parameters.shape)
    return network


@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("batch_size", [11, 4])
def test_it_is_its_formula(alpha, weights, batch_size):
    network, samples = linear(), Samples(X, Y, weights)
    mean_weight = samples.mean_weight / samples.weight_unit
    objective = Objective(SquaredError(), alpha, mean_weight)
    w = np.ones(11) if weights is None else weights / samples.weight_unit
    half_square = 0.5 * (network.weights[0] ** 2).sum()

    total, n_batches, shares = Total(objective), 0, []
    for batch in samples.batches(objective, batch_size):
        total.weigh(network)
        total.add(batch, network.forward(batch.X))
        n_batches += 1
        shares += list(np.broadcast_to(batch.share, (len(batch.Y), 1)).ravel() * len(batch.Y))
    losses = w * (0.5 * (X @ network.weights[0] + network.biases[0] - Y) ** 2).sum(axis=1)
    expected = (losses.sum() + alpha * half_square * n_batches) / (11 * mean_weight)
    assert total.value(11) == pytest.approx(expected, rel=1e-13)
    np.testing.assert_allclose(shares, w / mean_weight, rtol=1e-13)


def test_without_weights_it_is_the_plain_mean_and_without_penalty_nobody_looks_at_weights():
    plain = Objective(SquaredError(), 0.0)
    assert plain.shares(4) == (0.25, None) and not plain.has_penalty
    assert plain.value(8.0, 0.0, 4) == 2.0
    assert Objective(SquaredError(), 0.5).shares(4) == (0.25, 0.125)
    total = Total(plain)
    total.weigh(None)
    assert total.half_square == 0.0 and total.is_finite


def test_a_loss_that_is_not_finite_shows_at_the_end_of_its_block():
    samples, objective = Samples(X, Y), Objective(SquaredError(), 0.0)
    total = Total(objective)
    (batch,) = samples.batches(objective, 11)
    outputs = Y.copy()
    outputs[3] = np.nan
    total.add(batch, outputs)
    assert not total.is_finite
