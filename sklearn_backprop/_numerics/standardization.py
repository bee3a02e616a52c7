"""Scales of features and targets, and folding them into a network.

Training sees ``(x - center) / scale``. Afterwards both go into the first layer (and
the targets' into the last), so the fitted network takes raw ``X``. Where a center is
large beside its scale that would cancel digits, so prediction takes it off first.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .plain import plain

CHUNK = 2**16
"""Numbers looked at together: few enough to stay in the cache."""


@plain("scaler")
@dataclass
class Scaler:
    """``(x - center) / scale``, a column each; 0 where the scale is infinite."""

    center: np.ndarray
    scale: np.ndarray

    @cached_property
    def only_moves(self):
        """Whether all scales are 1."""
        return bool((self.scale == 1).all())

    def transform(self, X, out):
        """Write the standardized dense ``X`` into ``out``, which may be ``X``.

        It is computed in float64 even if ``out`` is float32.
        """
        for start in range(0, len(X), rows_in(CHUNK, X)):
            rows = slice(start, start + rows_in(CHUNK, X))
            with np.errstate(over="ignore"):  # an infinity is found in training
                centred = np.subtract(X[rows], self.center)
                np.divide(centred, self.scale, out=out[rows], casting="same_kind")
        return out

    def inverse_transform(self, X):
        """Return the raw columns of standardized ones."""
        return X * np.where(np.isfinite(self.scale), self.scale, 0.0) + self.center

    def transform_sparse(self, X):
        """Return a CSR copy with scaled columns; centring would make it dense."""
        X = X.copy()
        X.data /= self.scale.astype(X.dtype)[X.indices]
        return X


def rows_in(size, X):
    """Return how many rows of ``X`` hold about ``size`` numbers, at least one."""
    return max(1, size // max(1, X.shape[1]))


def fold(weights, biases, features=None, targets=None, dtype=None):
    """Return weights and biases that take raw X and give raw outputs.

    With ``u = (x - c) / s`` the net input ``u @ W + b`` is
    ``x @ (W / s) + (b - (c / s) @ W)``; an output standardized with mean m and
    scale t is ``t a + m``. It is computed in float64 and rounded once; what the dtype
    cannot hold becomes its largest number.

    Parameters
    ----------
    weights, biases : list of ndarray
        Of the network in standardized coordinates.
    features, targets : Scaler, default=None
        What was standardized.
    dtype : numpy.dtype, default=None
        Of the result; None means that of the weights.

    Returns
    -------
    weights, biases : list of ndarray
        New arrays where something changes.
    """
    weights, biases = list(weights), list(biases)
    dtype = weights[0].dtype if dtype is None else dtype
    if features is not None:
        W = saturated(weights[0] / features.scale[:, None], np.float64)
        biases[0] = biases[0] - features.center @ W
        weights[0] = W
    if targets is not None:
        weights[-1] = weights[-1] * targets.scale
        biases[-1] = biases[-1] * targets.scale + targets.center
    return [[saturated(array, dtype) for array in part] for part in (weights, biases)]


def saturated(values, dtype):
    """Return values in a dtype, those that it cannot hold as the largest that it can."""
    largest = float(np.finfo(dtype).max)
    if values.dtype == dtype and np.isfinite(values).all():
        return values
    return np.clip(values, -largest, largest).astype(dtype)


def unfold(weights, biases, features=None, targets=None):
    """Undo ``fold``: from raw X and raw outputs to standardized coordinates.

    The part of a constant column goes into the biases.
    """
    weights, biases = list(weights), list(biases)
    if targets is not None:
        weights[-1] = weights[-1] / targets.scale
        biases[-1] = (biases[-1] - targets.center) / targets.scale
    if features is not None:
        biases[0] = biases[0] + features.center @ weights[0]
        scale = np.where(np.isfinite(features.scale), features.scale, 0.0)
        weights[0] = weights[0] * scale[:, None]
    return weights, biases


def in_two_steps(scaler, dtype):
    """Return two scalers, the second after the first, that do what a scaler does.

    The first is for inputs, and does what would cancel or overflow in weights: it takes
    a center off that is far from zero beside its scale, rounded to the dtype, so that
    nothing is lost where the numbers have that dtype; and it divides columns of extreme
    scale by a power of two. The second can be folded.

    Parameters
    ----------
    scaler : Scaler
        What to do in all.
    dtype : numpy.dtype
        Of the weights that it is folded into.

    Returns
    -------
    first : Scaler or None
        None where no column needs it.
    second : Scaler
    """
    limits, center, scale = np.finfo(dtype), scaler.center, scaler.scale
    varies = np.isfinite(scale)
    is_far = varies & (np.abs(center) > FAR * scale) & (np.abs(center) <= float(limits.max))
    exponents = np.frexp(scale)[1]
    is_extreme = varies & (np.abs(exponents) > 0.75 * limits.maxexp)
    if not (is_far.any() or is_extreme.any()):
        return None, scaler
    taken = np.where(is_far, center, 0.0).astype(dtype).astype(np.float64)
    power = np.where(is_extreme, np.ldexp(1.0, np.where(is_extreme, exponents, 0)), 1.0)
    return Scaler(taken, power), Scaler((center - taken) / power, scale / power)


FAR = 16
"""Scales from zero beyond which a center is not folded; nearer, four bits are lost at most."""


def power_of_two(magnitude, low=1.0, high=1.0):
    """Return the exponent of the power of two next to a magnitude out of a range, else 0.

    Parameters
    ----------
    magnitude : float or ndarray
        Non-negative; zero counts as inside.
    low, high : float, default=1.0
        The range.
    """
    is_outside = (magnitude > high) | ((magnitude < low) & (magnitude > 0))
    return np.where(is_outside, np.frexp(magnitude)[1] - 1, 0)
