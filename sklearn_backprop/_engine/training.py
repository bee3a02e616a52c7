"""Training: batch by batch, step by step."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .._numerics.plain import plain
from .._numerics.vectors import clip
from ..losses import Loss
from ..optimizers import LBFGS, Optimizer
from ..optimizers import State as OptimizerState
from .network import Network
from .objective import Objective, Total
from .samples import Batch, Samples


@plain("learner")
@dataclass
class Learner:
    """All that a step needs.

    Attributes
    ----------
    network : Network
        What is trained.
    objective : Objective
        What it is trained for.
    optimizer : Optimizer or LBFGS
        How it moves.
    state : State or None
        What the optimizer remembers; None for ``LBFGS``.
    learning_rate : float or ndarray of shape (n_networks, 1)
        Of the next step.
    max_grad_norm : float, ndarray of shape (n_networks, 1) or None
        Length that a gradient is shortened to.
    rate_factors : list of tuple or None
        Parts of the parameters that learn at another rate: see ``State``.
    """

    network: Network
    objective: Objective
    optimizer: Optimizer | LBFGS
    learning_rate: float | np.ndarray
    state: OptimizerState | None = None
    max_grad_norm: float | np.ndarray | None = None
    rate_factors: list | None = None

    def restart_optimizer(self):
        """Forget the optimizer's state."""
        self.state = None
        if self.optimizer.stochastic:
            self.state = self.optimizer.init(self.network.parameters)
        self.prepare_optimizer()

    def prepare_optimizer(self):
        """Tell the optimizer's state what follows from the settings."""
        if self.state is not None:
            self.state.n_weights = self.network.n_weights
            self.state.first_layer = self.network.weights[0].shape[-2:]
            self.state.rate_factors = self.rate_factors
            self.optimizer.prepare(self.state, self.network.dtype)

    def rate(self):
        """Return the rate of a step, as the optimizer takes it: with its factors, or before."""
        if not self.rate_factors or self.optimizer.applies_rate_factors:
            return self.learning_rate
        assert self.state is not None  # an optimizer with a rate has one
        self.state.learning_rate = self.learning_rate
        rates = np.empty(self.network.parameters.shape[-1])
        for start, stop, factor in self.rate_factors:
            rates[start:stop] = factor
        return (self.learning_rate * rates).astype(self.network.dtype)


def step(learner: Learner, batch: Batch) -> np.ndarray:
    """Take one step on one batch; return the outputs before it, in a buffer."""
    outputs = backpropagate(learner, batch)
    update(learner, batch)
    return outputs


def backpropagate(learner: Learner, batch: Batch) -> np.ndarray:
    """Fill the network's gradient by a batch, without the penalty; return the outputs."""
    network, loss = learner.network, learner.objective.loss
    outputs = network.forward(batch.X)
    delta = network.output_delta(batch.Y, loss, batch.share)
    network.backward(batch.X, delta)
    return outputs


def update(learner: Learner, batch: Batch) -> None:
    """Move the parameters by the gradient of a batch."""
    network, penalty_share = learner.network, batch.penalty_share
    if learner.max_grad_norm is not None:
        network.penalize(penalty_share)
        clip(network.gradient, learner.max_grad_norm)
        penalty_share = None
    network.update(learner.optimizer, learner.state, learner.rate(), penalty_share)


def epoch(
    learner: Learner,
    samples: Samples,
    batch_size: int,
    order: np.ndarray | None = None,
    set_rate: Callable | None = None,
) -> float:
    """Pass over the samples once, a step a batch; return the mean objective.

    Parameters
    ----------
    learner : Learner
        Changed in place.
    samples : Samples
        What to train on.
    batch_size : int
        At most the number of samples.
    order : ndarray of int, default=None
        The order in which to read them; None reads them as they stand.
    set_rate : callable, default=None
        Called before each step with the share of the epoch that lies behind, where the
        learning rate depends on it.

    Returns
    -------
    float
        Each batch's as it was before its step. Not finite if training diverged, at once
        where that shows.
    """
    total, done = Total(learner.objective), 0
    for batch in samples.batches(learner.objective, batch_size, order):
        if set_rate is not None:
            set_rate(done / samples.n_samples)
        total.weigh(learner.network)
        total.add(batch, step(learner, batch))
        done += batch_size
        if not total.is_finite:
            break
    return total.value(samples.n_samples)


def full_batch_objective(learner: Learner, samples: Samples) -> Callable:
    """Return a function that maps a parameter vector to the objective and its gradient.

    It goes over the samples in parts and adds up, so its memory does not grow with their
    number.
    """
    network, objective, n_samples = learner.network, learner.objective, samples.n_samples

    def value_and_gradient(parameters):
        np.copyto(network.parameters, parameters)
        total, gradient = Total(objective), np.zeros_like(parameters)
        total.weigh(network)
        for batch in samples.batches(objective, ROWS, n_in_all=n_samples):
            total.add(batch, backpropagate(learner, batch))
            gradient += network.gradient
        np.copyto(network.gradient, gradient)
        network.penalize(objective.shares(n_samples)[1])
        return float(total.value(n_samples)), network.gradient.copy()

    return value_and_gradient


ROWS = 512
"""Samples propagated together where there are no batches: full-batch gradients, validation."""


def mean_loss(network: Network, loss: Loss, samples: Samples) -> float:
    """Return the weighted mean loss over samples, without the penalty.

    Parameters
    ----------
    network : Network
        What to evaluate.
    loss : Loss
        Measures its outputs.
    samples : Samples
        What to evaluate it on.
    """
    return _means(network, samples, _loss_of(loss))[0]


def mean_loss_and_accuracy(
    network: Network, loss: Loss, samples: Samples, is_right: Callable
) -> tuple[float, float]:
    """Return the weighted mean loss, as ``mean_loss`` does, and the weighted share that is right.

    Parameters
    ----------
    network, loss, samples : object
        As for ``mean_loss``.
    is_right : callable
        Tells from targets and outputs of some samples which are right.
    """
    right = lambda part, outputs: part.sum_of_weights(is_right(part.Y, outputs))  # noqa: E731
    mean, share = _means(network, samples, _loss_of(loss), right)
    return mean, share


def _loss_of(loss):
    """Return what sums a loss over a part of the samples."""
    return lambda part, outputs: loss.sum(part.Y, outputs, part.weight)


def _means(network, samples, *sums):
    """Return the weighted mean over samples of each of some sums over a part of them."""
    totals, weight = [0.0] * len(sums), 0.0
    for part in samples.parts(ROWS):
        outputs = network.predict(part.X)
        totals = [total + s(part, outputs) for total, s in zip(totals, sums, strict=True)]
        weight += part.sum_of_weights()
    return [float(total / weight) for total in totals]
