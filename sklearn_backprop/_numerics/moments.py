"""Running means and scales of columns, exact over any chunks."""

from copy import copy
from typing import Any

import numpy as np
from sklearn.utils.sparsefuncs import mean_variance_axis, min_max_axis

from .plain import plain
from .standardization import CHUNK, Scaler, power_of_two, rows_in

ROUNDING = 64 * float(np.finfo(np.float64).eps)
"""Range of a column, relative to its largest number, that counts as rounding."""

SQUARABLE = 1e-120, 1e120
"""Numbers whose squares can be added up without overflow or underflow."""

SQUARABLE_SINGLE = 1e-15, 1e15
"""The same in float32."""


@plain("moments")
class Moments:
    """Weighted mean and squared deviations of columns, and their range.

    Chunks are merged by the formulas of Chan, Golub and LeVeque, "Algorithms for
    computing the sample variance", The American Statistician 37, 1983, eq. 2.1, so
    their order does not matter. The unit of the weights does not matter either: what is
    constant is decided by the range.
    """

    def __init__(self):
        self.total_weight = self.mean = self.squares = 0.0
        self.low, self.high = np.inf, -np.inf
        # mean and squares are those of columns divided by 2 to this power
        self.exponent: Any = 0
        self.weight_unit = 1.0

    def update(self, X, sample_weight=None):
        """Take in more rows.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_columns)
            The rows; a memory map is read in chunks.
        sample_weight : ndarray of shape (n_samples,), default=None
            Weights; None means 1. Rows of weight 0 are left out.
        """
        if sample_weight is not None:
            if np.all(self.total_weight == 0):
                self.weight_unit = float(2.0 ** power_of_two(sample_weight.max()))
            sample_weight = sample_weight / self.weight_unit
        if not isinstance(X, np.ndarray):
            self._take_sparse(X, sample_weight)
            return
        step = rows_in(CHUNK, X)
        for start in range(0, len(X), step):
            rows = np.asarray(X[start : start + step], dtype=np.float64)
            weights = np.full(len(rows), 1 / self.weight_unit)
            if sample_weight is not None:
                rows, weights = _with_weight(rows, sample_weight[start : start + step])
            if len(rows):
                self._take_dense(rows, weights)

    def _take_dense(self, rows, weights):
        self._widen(rows.min(axis=0), rows.max(axis=0))
        if np.any(self.exponent):
            rows = np.ldexp(rows, -self.exponent)
        total = float(weights.sum())
        mean = weights @ rows / total
        self._merge(total, mean, weights @ np.square(rows - mean))

    def _take_sparse(self, X, weights):
        total = X.shape[0] / self.weight_unit
        if weights is not None:
            X, weights = _with_weight(X, weights)
            total, weights = float(weights.sum()), weights.astype(X.dtype)
        if not X.shape[0]:
            return
        self._widen(*(ends.astype(np.float64) for ends in min_max_axis(X, axis=0)))
        largest = np.maximum(-self.low, self.high)
        if X.dtype != np.float64 and np.any(power_of_two(largest, *SQUARABLE_SINGLE)):
            X = X.astype(np.float64)
        if np.any(self.exponent):
            X = X.copy()
            X.data = np.ldexp(X.data, -self.exponent[X.indices])
        mean, variance = mean_variance_axis(X, axis=0, weights=weights)
        self._merge(total, mean.astype(np.float64), variance * total)

    def _widen(self, low, high):
        """Take in the range of more rows, and choose a unit in which squares are finite."""
        if np.all(low >= self.low) and np.all(high <= self.high):
            return
        self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)
        exponent = power_of_two(np.maximum(-self.low, self.high), *SQUARABLE)
        if np.any(exponent != self.exponent):
            shift = self.exponent - exponent
            self.mean, self.squares = np.ldexp(self.mean, shift), np.ldexp(self.squares, 2 * shift)
            self.exponent = exponent

    def _merge(self, weight, mean, squares):
        total = self.total_weight + weight
        difference = mean - self.mean
        self.squares = self.squares + squares
        self.squares += difference**2 * (self.total_weight * weight / total)
        self.mean = self.mean + difference * (weight / total)
        self.total_weight = total

    def without(self, columns):
        """Return moments that know nothing of some columns.

        Parameters
        ----------
        columns : ndarray of bool of shape (n_columns,)
            Which ones.
        """
        left = copy(self)
        for name in ("total_weight", "mean", "squares", "exponent", "low", "high"):
            of_none = getattr(NONE_YET, name)
            setattr(left, name, np.where(columns, of_none, getattr(self, name)))
        return left

    @property
    def is_constant(self):
        """Which columns have had one number only, but for rounding."""
        largest = np.maximum(-self.low, self.high)
        with np.errstate(over="ignore"):
            extent = self.high - self.low
        return (extent <= ROUNDING * largest) | (self.squares <= 0)

    def scaler(self, of_constants=1.0, center=True):
        """Return the scaler these moments make.

        Parameters
        ----------
        of_constants : float, default=1.0
            Scale of a column that is constant; with infinity it is 0 whatever it holds later.
        center : bool, default=True
            Whether to centre.
        """
        variance = np.maximum(self.squares, 0) / self.total_weight  # rounding may go below
        deviation = np.ldexp(np.sqrt(variance), self.exponent)
        scale = np.where(self.is_constant, of_constants, deviation)
        mean = np.ldexp(self.mean, self.exponent)
        return Scaler(mean if center else np.zeros_like(mean), scale)


def _with_weight(X, weights):
    """Return the rows whose weight is not zero, and their weights."""
    kept = weights > 0
    return (X, weights) if kept.all() else (X[kept], weights[kept])


NONE_YET = Moments()
"""Of no rows."""


def with_more(moments, X, sample_weight=None):
    """Return the moments of more rows; those given stay as they are.

    Parameters are those of ``Moments.update``.
    """
    moments = copy(moments)
    moments.update(X, sample_weight)
    return moments


def feature_scaler(moments, is_dense):
    """Return the scaler of features.

    Of a dense column that has been constant nothing was learned, so it counts as its
    constant, whatever it holds later. Sparse columns are not centred.
    """
    return moments.scaler(np.inf) if is_dense else moments.scaler(center=False)
