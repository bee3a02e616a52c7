"""What training makes small.

The objective of a batch of B samples with weights w is

    (Σ_i w_i Σ_k ℓ(y_ik, a_ik) + alpha/2 · ‖W‖²) / (B · w̄)

where w̄ is the mean weight of the whole training set. So a weight means the same at every
batch size, and weights of 1 give the plain mean.
"""

from dataclasses import dataclass
from math import isfinite

import numpy as np

from .._numerics.plain import plain
from ..losses import Loss


@plain("objective")
@dataclass
class Objective:
    """The loss, the L2 penalty, and what both are divided by.

    Attributes
    ----------
    loss : Loss
        The ℓ.
    alpha : float or ndarray of shape (n_networks, 1)
        The penalty's factor.
    mean_weight : float or ndarray of shape (n_networks, 1)
        The w̄.
    """

    loss: Loss
    alpha: float | np.ndarray
    mean_weight: float | np.ndarray = 1.0

    @property
    def has_penalty(self):
        """Whether the weights cost anything; in a stack, any network's."""
        # np.any takes a twentieth of the smallest step
        return self.alpha.any() if isinstance(self.alpha, np.ndarray) else self.alpha != 0

    def shares(self, n_samples):
        """Return the share of a sample of weight 1, and of the penalty; None if there is none."""
        share = 1 / (n_samples * self.mean_weight)
        return share, self.alpha * share if self.has_penalty else None

    def value(self, loss, half_square, n_samples):
        """Return the objective of some samples out of its two sums.

        Parameters
        ----------
        loss : float
            Σ_i w_i Σ_k ℓ(y_ik, a_ik).
        half_square : float
            ½ ‖W‖², summed over the batches.
        n_samples : int
            In all batches together.
        """
        return (loss + self.alpha * half_square) / (n_samples * self.mean_weight)


class Total:
    """The objective of some batches, each as it was before its step.

    Parameters
    ----------
    objective : Objective
        What to add up.
    """

    def __init__(self, objective):
        self.objective = objective
        self.has_penalty = objective.has_penalty
        self.loss = self.half_square = 0.0

    def weigh(self, network):
        """Take in the penalty of the weights that a step begins with."""
        if self.has_penalty:
            self.half_square += float(network.half_square())

    def add(self, batch, outputs):
        """Take in the outputs for a batch, in a buffer; the loss follows a block at a time.

        For the logarithms of a loss are the costly part of a small step.
        """
        batch.outputs[...] = outputs
        if batch.completes is not None:
            Y, outputs, weight = batch.completes
            self.loss += float(self.objective.loss.sum(Y, outputs, weight))

    @property
    def is_finite(self):
        """Whether the loss of all blocks so far is."""
        return isfinite(self.loss)

    def value(self, n_samples):
        """Return the mean over so many samples."""
        return self.objective.value(self.loss, self.half_square, n_samples)
