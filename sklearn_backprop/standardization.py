"""Running means and scales of features and targets, and folding them into a network.

Training sees ``(x - center) / scale``. Afterwards both go into the first layer (and
the targets' into the last), so the fitted network takes raw ``X``.
"""

from copy import copy
from dataclasses import dataclass

import numpy as np
from sklearn.utils.sparsefuncs import mean_variance_axis

CHUNK = 2**16
"""Numbers looked at together: few enough to stay in the cache."""


@dataclass
class Scaler:
    """``(x - center) / scale``, a column each."""

    center: np.ndarray
    scale: np.ndarray

    def transform(self, X, out):
        """Write the standardized dense ``X`` into ``out``, which may be ``X``.

        The subtraction is done in float64 even if ``out`` is float32.
        """
        for start in range(0, len(X), rows_in(CHUNK, X)):
            rows = slice(start, start + rows_in(CHUNK, X))
            np.subtract(X[rows], self.center, out=out[rows], casting="same_kind")
            np.divide(out[rows], self.scale, out=out[rows], casting="same_kind")
        return out

    def transform_sparse(self, X):
        """Return a CSR copy with scaled columns; centring would make it dense."""
        X = X.copy()
        X.data /= self.scale.astype(X.dtype)[X.indices]
        return X


def rows_in(size, X):
    """Return how many rows of ``X`` hold about ``size`` numbers, at least one."""
    return max(1, size // max(1, X.shape[1]))


class Moments:
    """Weighted mean and squared deviations of columns, exact over any chunks.

    Chunks are merged by the formulas of Chan, Golub and LeVeque, "Algorithms for
    computing the sample variance", The American Statistician 37, 1983, eq. 2.1, so
    their order does not matter.
    """

    def __init__(self):
        self.total_weight = self.mean = self.squares = 0.0

    def update(self, X, sample_weight=None):
        """Take in more rows.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_columns)
            The rows; a memory map is read in chunks.
        sample_weight : ndarray of shape (n_samples,), default=None
            Weights; None means 1.
        """
        if not isinstance(X, np.ndarray):
            weights = None if sample_weight is None else sample_weight.astype(X.dtype)
            total = float(X.shape[0] if weights is None else weights.sum(dtype=np.float64))
            if total > 0:
                mean, variance = mean_variance_axis(X, axis=0, weights=weights)
                self._merge(total, mean.astype(np.float64), variance * total)
            return
        step = rows_in(CHUNK, X)
        for start in range(0, len(X), step):
            rows = np.asarray(X[start : start + step], dtype=np.float64)
            if sample_weight is None:
                weights = np.ones(len(rows))
            else:
                weights = np.asarray(sample_weight[start : start + step], dtype=np.float64)
            total = float(weights.sum())
            if total > 0:
                mean = weights @ rows / total
                self._merge(total, mean, weights @ np.square(rows - mean))

    def _merge(self, weight, mean, squares):
        total = self.total_weight + weight
        difference = mean - self.mean
        self.squares = self.squares + squares
        if self.total_weight > 0:
            self.squares += difference**2 * (self.total_weight * weight / total)
        self.mean = self.mean + difference * (weight / total)
        self.total_weight = total

    def scaler(self, center=True):
        """Return the scaler these moments make.

        A column whose variance is no larger than rounding makes it is constant
        (``StandardScaler``'s rule) and keeps scale 1.
        """
        variance = self.squares / max(self.total_weight, np.finfo(float).tiny)
        eps, n = np.finfo(float).eps, self.total_weight
        constant = variance <= n * eps * variance + (n * self.mean * eps) ** 2
        scale = np.where(constant, 1.0, np.sqrt(variance))
        return Scaler(self.mean if center else np.zeros_like(self.mean), scale)


NONE_YET = Moments()
"""Of no rows."""


def with_more(moments, X, sample_weight=None):
    """Return the moments of more rows; those given stay as they are.

    Parameters are those of ``Moments.update``.
    """
    moments = copy(moments)
    moments.update(X, sample_weight)
    return moments


def fold(weights, biases, features=None, targets=None):
    """Return weights and biases that take raw X and give raw outputs.

    With ``u = (x - c) / s`` the net input ``u @ W + b`` is
    ``x @ (W / s) + (b - (c / s) @ W)``; an output standardized with mean m and
    scale t is ``t a + m``.

    Parameters
    ----------
    weights, biases : list of ndarray
        Of the network in standardized coordinates.
    features, targets : Scaler, default=None
        What was standardized.

    Returns
    -------
    weights, biases : list of ndarray
        New arrays where something changes.
    """
    weights, biases = list(weights), list(biases)
    dtype = weights[0].dtype
    if features is not None:
        W = weights[0] / features.scale[:, None]
        biases[0] = (biases[0] - features.center @ W).astype(dtype)
        weights[0] = W.astype(dtype)
    if targets is not None:
        weights[-1] = (weights[-1] * targets.scale).astype(dtype)
        biases[-1] = (biases[-1] * targets.scale + targets.center).astype(dtype)
    return weights, biases


def unfold(weights, biases, features=None, targets=None):
    """Undo ``fold``: from raw X and raw outputs to standardized coordinates."""
    weights, biases = list(weights), list(biases)
    if targets is not None:
        weights[-1] = weights[-1] / targets.scale
        biases[-1] = (biases[-1] - targets.center) / targets.scale
    if features is not None:
        biases[0] = biases[0] + features.center @ weights[0]
        weights[0] = weights[0] * features.scale[:, None]
    return weights, biases
