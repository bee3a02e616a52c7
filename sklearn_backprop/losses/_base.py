"""The base class of losses ``L(Y, A)``: what training makes small.

A loss sums over the outputs of a sample; training averages over samples. Its
``output_delta`` is the documents' error × slope: the derivative by the net input of the
output layer, ``dL/dA · f'(Z)``. For a loss and its canonical output activation
that is simply ``A - Y``, which stays finite where the two factors would not.
"""

import numpy as np
from scipy.optimize import minimize

from ..components import Component, overridden

FORMULA = {"pointwise", "gradient"}
"""The methods that say what a loss is."""

FOLLOWING = {"canonical", "output_delta", "best_constant", "is_cut_off"}
"""What follows from the formula, so that a class with another one must say it anew."""


def _had_formula(cls, name):
    """Tell whether a class inherits one of the methods that say what a loss is."""
    return any(name in vars(kind) for kind in cls.__mro__[1:-1] if kind is not Loss)


class Loss(Component):
    """Base class of the losses.

    Attributes
    ----------
    output_activation : str
        Name of the output activation that ``output_activation="auto"`` means.
    canonical : bool
        Whether ``output_delta`` with that output activation is ``A - Y``.
    standardizes_targets : bool
        Whether targets may be shifted and scaled before training; False for a
        loss that means something else on another scale.
    positive_only : bool
        Whether targets must not be negative.
    positive_outputs : bool
        Whether the network's outputs must be positive for the loss to be defined.
    begins_at_best_constant : bool
        Whether a standardized training begins at the best constant model. For a loss whose
        targets are not standardized, and may lie far from where drawn weights begin.
    task : {"regression", "classification"}
        Which estimator takes it.
    """

    output_activation = "identity"
    canonical = False
    standardizes_targets = False
    positive_only = False
    positive_outputs = False
    begins_at_best_constant = False
    task = "regression"

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        new = overridden(cls, Loss)
        # the first to write the formula, below a base that has none, does not change it
        if any(_had_formula(cls, name) for name in new & FORMULA):
            for name in FOLLOWING - new:
                setattr(cls, name, getattr(Loss, name))

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

    def n_outputs(self, n_targets):
        """Return how many outputs a network needs for so many columns of targets."""
        return n_targets

    def prepare_targets(self, Y):
        """Return targets of the shape of the network's outputs."""
        return Y

    def output_scaler(self, target_scaler):
        """Return the scaler of the outputs that belongs to a scaler of the targets."""
        return target_scaler

    def predictions(self, A):
        """Return what ``predict`` gives for the network's outputs."""
        return A

    def prediction_gradients(self, A, gradients):
        """Return the derivatives of the predictions, given those of the outputs.

        Parameters
        ----------
        A : ndarray of shape (n_samples, n_outputs)
            The network's outputs.
        gradients : ndarray of shape (n_samples, n_outputs, n_inputs)
            Their derivatives.

        Returns
        -------
        ndarray of shape (n_samples, n_predictions, n_inputs)

        Raises
        ------
        NotImplementedError
            For a loss with ``predictions`` of its own that does not say how they move.
        """
        if type(self).predictions is not Loss.predictions:
            raise NotImplementedError(
                f"{type(self).__name__} has predictions of its own, whose derivatives are not "
                "known. Define prediction_gradients beside predictions."
            )
        return gradients

    def for_target(self, target_type):
        """Return the loss that fits a kind of target, named as `type_of_target` does."""
        return self

    def output_delta(self, Y, Z, A, output_activation, out):
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
        if self.canonical and output_activation.known_as == self.output_activation:
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

    def is_cut_off(self, Y, A):
        """Tell for each sample whether its loss is cut off, or nearly, so that it stays finite.

        There ``pointwise`` is flat, while the derivative goes on, so that training finds the
        way back. `check_gradients` leaves such samples out.

        Parameters
        ----------
        Y, A : ndarray of shape (n_samples, n_outputs)
            Targets and outputs.

        Returns
        -------
        ndarray of bool of shape (n_samples,)
        """
        return np.zeros(len(A), dtype=bool)

    def best_constant(self, Y, sample_weight):
        """Return the net input of the outputs at which a constant model is best.

        For the loss's own output activation, in closed form; None where there is none.

        Parameters
        ----------
        Y : ndarray of shape (n_samples, n_outputs)
            Prepared targets.
        sample_weight : ndarray of shape (n_samples,)
            Weights.
        """
        return None

    def best_net_input(self, Y, sample_weight, output_activation):
        """Return ``best_constant``, found numerically for another output activation.

        None where no constant that was tried has a finite loss.
        """
        if output_activation.known_as == self.output_activation:
            best = self.best_constant(Y, sample_weight)
            if best is not None:
                return best
        weights = sample_weight[:, None] / sample_weight.sum()

        def objective(z):
            Z = np.repeat(z[None], len(Y), axis=0)
            A, delta = np.empty_like(Z), np.empty_like(Z)
            output_activation.forward(Z.copy(), A)
            self.output_delta(Y, Z, A, output_activation, delta)
            value = float(self.sum(Y, A, weights))
            return value if np.isfinite(value) else np.inf, (delta * weights).sum(axis=0)

        # constants that a loss is not defined for are tried too, and are infinitely bad
        with np.errstate(all="ignore"):
            starts = np.zeros(Y.shape[1]), (Y * weights).sum(axis=0)
            start = min(starts, key=lambda z: objective(z)[0])
            if objective(start)[0] == np.inf:
                return None
            if output_activation.known_as != self.output_activation:
                # kinks and flat parts stop L-BFGS; this search needs no slope
                precise = {"xtol": 1e-8, "ftol": 1e-10}
                value = lambda z: objective(z)[0]  # noqa: E731
                start = minimize(value, start, method="Powell", options=precise).x
            return minimize(objective, start, jac=True, method="L-BFGS-B").x
