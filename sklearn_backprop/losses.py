"""Losses ``L(Y, A)``: what training makes small.

A loss sums over the outputs of a sample; training averages over samples. Its
``delta`` is the documents' error × slope: the derivative by the net input of the
output layer, ``dL/dA · f'(Z)``. For a loss and its canonical output activation
that is simply ``A - Y``, which stays finite where the two factors would not.

To add one: subclass ``Loss``, write ``pointwise`` and ``gradient``, and put the
class into ``LOSSES``; ``tests/test_losses.py`` then covers it.
"""

import numpy as np
from scipy.special import xlogy

from .components import Component, registry


class Loss(Component):
    """Base class of the losses.

    Attributes
    ----------
    output_activation : str
        Name of the output activation that ``output_activation="auto"`` means.
    canonical : bool
        Whether ``delta`` with that output activation is ``A - Y``.
    standardizes_targets : bool
        Whether targets may be shifted and scaled before training; False for a
        loss that means something else on another scale.
    positive_only : bool
        Whether targets must not be negative.
    task : {"regression", "classification"}
        Which estimator takes it.
    """

    output_activation = "identity"
    canonical = False
    standardizes_targets = False
    positive_only = False
    task = "regression"

    def pointwise(self, Y, A):
        """Return the loss of each output of each sample.

        Parameters
        ----------
        Y : ndarray of shape (..., n_samples, n_outputs)
            Targets.
        A : ndarray of the same shape
            Outputs of the network.

        Returns
        -------
        ndarray of the same shape
        """
        raise NotImplementedError

    def gradient(self, Y, A):
        """Return ``dL/dA``, of the shape of ``A``, as a new array."""
        raise NotImplementedError

    def check_targets(self, y):
        """Raise ``ValueError`` if the loss is not defined for these targets."""

    def for_target(self, target_type):
        """Return the loss that fits a kind of target, named as `type_of_target` does."""
        return self

    def delta(self, Y, Z, A, output_activation, out):
        """Write error × slope, ``dL/dZ``, into ``out``.

        Parameters
        ----------
        Y : ndarray of shape (..., n_samples, n_outputs)
            Targets.
        Z, A : ndarray of the same shape
            Net input and activation of the output layer.
        output_activation : Activation
            What made ``A`` of ``Z``.
        out : ndarray of the same shape
            Receives the delta.
        """
        if self.canonical and output_activation.name == self.output_activation:
            np.subtract(A, Y, out=out)
        else:
            np.copyto(out, self.gradient(Y, A))
            output_activation.backward(Z, A, out)

    def sum(self, Y, A, sample_weight=None):
        """Return the loss summed over outputs and samples, each times its weight.

        Parameters
        ----------
        Y, A : ndarray of shape (..., n_samples, n_outputs)
            Targets and outputs.
        sample_weight : ndarray of shape (..., n_samples, 1), default=None
            Weights; None means 1.

        Returns
        -------
        ndarray of shape (...) or float
        """
        losses = self.pointwise(Y, A)
        if sample_weight is not None:
            np.multiply(losses, sample_weight, out=losses)
        return np.add.reduce(losses, axis=(-2, -1))


class SquaredError(Loss):
    """``½ (y - a)²``, half the squared error."""

    name = "squared_error"
    canonical = True
    standardizes_targets = True

    def pointwise(self, Y, A):
        """Return ``½ (y - a)²``."""
        losses = np.subtract(Y, A)
        np.square(losses, out=losses)
        return np.multiply(losses, 0.5, out=losses)

    def gradient(self, Y, A):
        """Return ``a - y``, minus the documents' error."""
        return A - Y


class Poisson(Loss):
    """``y log(y / a) - y + a``, half the Poisson deviance; needs ``y ≥ 0`` and ``a > 0``."""

    name = "poisson"
    output_activation = "exp"
    canonical = True
    positive_only = True

    def pointwise(self, Y, A):
        """Return ``y log(y / a) - y + a``."""
        return xlogy(Y, Y / A) - Y + A

    def gradient(self, Y, A):
        """Return ``1 - y / a``."""
        return 1 - Y / A

    def check_targets(self, y):
        """Refuse negative targets, for which the deviance is not defined."""
        if np.min(y) < 0:
            raise ValueError(
                f"loss='poisson' needs y >= 0, but the smallest y is {np.min(y):g}. "
                "Use loss='squared_error' for targets that can be negative."
            )


def _clipped(A):
    """Keep probabilities inside (0, 1), so that their logarithms are finite."""
    eps = float(np.finfo(A.dtype).eps)
    return np.clip(A, eps, 1 - eps)


class LogLoss(Loss):
    """``-Σ_k y_k log a_k``: cross-entropy of one-hot targets and softmax outputs."""

    name = "log_loss"
    output_activation = "softmax"
    canonical = True
    task = "classification"

    def for_target(self, target_type):
        """Return the two-sided form for targets that are each 0 or 1 on their own."""
        return self if target_type == "multiclass" else BinaryLogLoss()

    def pointwise(self, Y, A):
        """Return ``-y log a``."""
        losses = _clipped(A)
        np.log(losses, out=losses)
        np.multiply(losses, Y, out=losses)
        return np.negative(losses, out=losses)

    def gradient(self, Y, A):
        """Return ``-y / a``."""
        return -Y / _clipped(A)


class BinaryLogLoss(Loss):
    """``-y log a - (1 - y) log(1 - a)``: one yes or no for each output."""

    name = "binary_log_loss"
    output_activation = "logistic"
    canonical = True
    task = "classification"

    def pointwise(self, Y, A):
        """Return ``-y log a - (1 - y) log(1 - a)``."""
        A = _clipped(A)
        return -(Y * np.log(A) + (1 - Y) * np.log(1 - A))

    def gradient(self, Y, A):
        """Return ``(a - y) / (a (1 - a))``."""
        A = _clipped(A)
        return (A - Y) / (A * (1 - A))


LOSSES = registry(SquaredError, Poisson, LogLoss, BinaryLogLoss)
"""All losses, by name."""
