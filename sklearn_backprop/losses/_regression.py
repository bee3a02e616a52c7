"""Losses for numbers. Each states its formula first; r is ``a - y``."""

from numbers import Real

import numpy as np
from scipy.special import xlogy

from .._numerics.standardization import Scaler
from .._sklearn import Interval
from ._base import Loss

POSITIVE = Interval(Real, 0, None, closed="neither")


def _weighted_mean(Y, sample_weight):
    return sample_weight @ Y / sample_weight.sum()


def _weighted_quantile(Y, sample_weight, q):
    return np.quantile(Y, q, axis=0, weights=sample_weight, method="inverted_cdf")


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

    def best_constant(self, Y, sample_weight):
        """Return the weighted mean."""
        return _weighted_mean(Y, sample_weight)


class _PositiveMean(Loss):
    """A loss of positive outputs, which the exponential gives."""

    output_activation = "exp"
    positive_only = True
    positive_outputs = True
    begins_at_best_constant = True

    def is_cut_off(self, Y, A):
        """Tell where the exponential is as small or as large as it gets."""
        limits = np.finfo(A.dtype)
        inside = np.clip(A, 10 * float(limits.tiny), 0.1 * float(limits.max))
        return (inside != A).any(axis=-1)

    def best_constant(self, Y, sample_weight):
        """Return the logarithm of the weighted mean."""
        return _log(_weighted_mean(Y, sample_weight))


def _log(values):
    """Return the logarithm, of the smallest positive number for 0."""
    return np.log(np.maximum(values, np.finfo(float).tiny))


class Poisson(_PositiveMean):
    """``y log(y / a) - y + a``, half the Poisson deviance; needs ``y ≥ 0`` and ``a > 0``."""

    name = "poisson"
    canonical = True

    def pointwise(self, Y, A):
        """Return ``y log(y / a) - y + a``; NaN where a is negative, also for y = 0."""
        return xlogy(Y, Y / A) - Y + np.where(A < 0, np.nan, A)

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


class Gamma(_PositiveMean):
    """``y / a - log(y / a) - 1``, half the gamma deviance; needs ``y > 0`` and ``a > 0``."""

    name = "gamma"

    def pointwise(self, Y, A):
        """Return ``y / a - log(y / a) - 1``."""
        quotient = Y / A
        return quotient - np.log(quotient) - 1

    def gradient(self, Y, A):
        """Return ``(1 - y / a) / a``."""
        return (1 - Y / A) / A

    def output_delta(self, Y, Z, A, output_activation, out):
        """Write ``1 - y / a`` for the exponential, whose slope ``a`` cancels."""
        if output_activation.known_as == self.output_activation:
            np.subtract(1, Y / A, out=out)
        else:
            super().output_delta(Y, Z, A, output_activation, out)

    def check_targets(self, y):
        """Refuse targets that are not positive, for which the deviance is not defined."""
        if np.min(y) <= 0:
            raise ValueError(
                f"loss='gamma' needs y > 0, but the smallest y is {np.min(y):g}. "
                "Use loss='poisson' for targets that can be 0."
            )


class AbsoluteError(Loss):
    """``|r|``; its best constant is the median, which outliers do not move."""

    name = "absolute_error"
    standardizes_targets = True

    def pointwise(self, Y, A):
        """Return ``|a - y|``."""
        return np.abs(A - Y)

    def gradient(self, Y, A):
        """Return the sign of ``a - y``."""
        return np.sign(A - Y)

    def best_constant(self, Y, sample_weight):
        """Return the weighted median."""
        return _weighted_quantile(Y, sample_weight, 0.5)


class Huber(Loss):
    """``½ r²`` where ``|r| <= delta``, else ``delta (|r| - delta / 2)``.

    Huber, "Robust estimation of a location parameter", Annals of Mathematical
    Statistics 35, 1964.

    Parameters
    ----------
    delta : float, default=1.0
        Where the parabola turns into a line; in standard deviations of y where
        targets are standardized. Positive.
    """

    name = "huber"
    standardizes_targets = True
    _parameter_constraints = {"delta": [POSITIVE]}

    def __init__(self, delta=1.0):
        self.delta = delta

    def pointwise(self, Y, A):
        """Return ``½ r²`` near zero, a line with slope ``delta`` beyond."""
        size = np.abs(A - Y)
        near = np.minimum(size, self.delta)
        return near * (size - 0.5 * near)

    def gradient(self, Y, A):
        """Return r, cut off at ``±delta``."""
        return np.clip(A - Y, -self.delta, self.delta)


class LogCosh(Loss):
    """``log cosh r``: a parabola near zero and ``|r| - log 2`` far away, smooth between."""

    name = "log_cosh"
    standardizes_targets = True

    def pointwise(self, Y, A):
        """Return ``|r| + log(1 + exp(-2|r|)) - log 2``, which cannot overflow."""
        size = np.abs(A - Y)
        return size + np.log1p(np.exp(-2 * size)) - float(np.log(2))

    def gradient(self, Y, A):
        """Return ``tanh(r)``."""
        return np.tanh(A - Y)


class Quantile(Loss):
    """``max(q (y - a), (q - 1) (y - a))``, the pinball loss: its best constant is the q-quantile.

    Koenker and Bassett, "Regression quantiles", Econometrica 46, 1978. Several
    quantiles of one target share a network, with one output each. Predictions are
    sorted, so they never cross, and are no further from the true quantiles for it
    (Chernozhukov, Fernández-Val and Galichon, "Quantile and probability curves
    without crossing", Econometrica 78, 2010).

    Parameters
    ----------
    quantile : float in (0, 1) or list of such, default=0.5
        Which quantiles to predict; several in increasing order.
    """

    name = "quantile"
    standardizes_targets = True
    _parameter_constraints = {"quantile": [Interval(Real, 0, 1, closed="neither"), "array-like"]}

    def __init__(self, quantile=0.5):
        self.quantile = quantile

    def _quantiles(self, dtype=np.float64):
        return np.atleast_1d(np.asarray(self.quantile, dtype=dtype))

    def check_targets(self, y):
        """Refuse quantiles out of range or order, and several of them for several targets."""
        q = self._quantiles()
        if q.ndim != 1 or not ((q > 0) & (q < 1)).all() or (np.diff(q) <= 0).any():
            raise ValueError(
                f"quantile={self.quantile!r} must be a number in (0, 1), or several in "
                "increasing order."
            )
        if len(q) > 1 and y.shape[1] > 1:
            raise ValueError(
                f"Several quantiles are for one target, but y has {y.shape[1]} columns. Pass one "
                "quantile, or fit an estimator for each target."
            )

    def n_outputs(self, n_targets):
        """Return one output a quantile."""
        return n_targets * len(self._quantiles())

    def prepare_targets(self, Y):
        """Repeat the target for each quantile."""
        return np.repeat(Y, len(self._quantiles()), axis=1)

    def output_scaler(self, target_scaler):
        """Repeat the scaler for each quantile."""
        n = len(self._quantiles())
        return Scaler(np.repeat(target_scaler.center, n), np.repeat(target_scaler.scale, n))

    def predictions(self, A):
        """Sort the quantiles of each sample."""
        return A if len(self._quantiles()) == 1 else np.sort(A, axis=1)

    def prediction_gradients(self, A, gradients):
        """Sort the derivatives as the quantiles."""
        if len(self._quantiles()) == 1:
            return gradients
        return np.take_along_axis(gradients, A.argsort(axis=1)[:, :, None], axis=1)

    def pointwise(self, Y, A):
        """Return the pinball loss."""
        q, error = self._quantiles(A.dtype), Y - A
        return np.maximum(q * error, (q - 1) * error)

    def gradient(self, Y, A):
        """Return ``-q`` below the target and ``1 - q`` above it."""
        q = self._quantiles(A.dtype)
        return np.where(A > Y, 1 - q, -q)

    def best_constant(self, Y, sample_weight):
        """Return the weighted quantiles."""
        columns = zip(Y.T, np.resize(self._quantiles(), Y.shape[1]), strict=True)
        return np.array([_weighted_quantile(y, sample_weight, q) for y, q in columns])


class Gaussian(Loss):
    """``½ (s + (y - m)² exp(-s))``: normal density with mean m and log-variance s, without log 2π.

    The network has two outputs a target: all means, then all log-variances
    (Nix and Weigend, "Estimating the mean and variance of the target probability
    distribution", ICNN 1994, eq. 8). ``predict(X, return_std=True)`` gives both.
    """

    name = "gaussian"
    standardizes_targets = True
    limit = 20.0
    """Log-variances are cut off here, in standardized units, so that nothing overflows."""

    def n_outputs(self, n_targets):
        """Return two outputs a target."""
        return 2 * n_targets

    def prepare_targets(self, Y):
        """Repeat the targets, so that they have the outputs' shape."""
        return np.hstack([Y, Y])

    def output_scaler(self, target_scaler):
        """Scale the means; a scale t adds ``2 log t`` to a log-variance."""
        center, scale = target_scaler.center, target_scaler.scale
        return Scaler(
            np.concatenate([center, 2 * np.log(scale)]),
            np.concatenate([scale, np.ones_like(scale)]),
        )

    def _parts(self, Y, A):
        k = A.shape[-1] // 2
        s = np.clip(A[..., k:], -self.limit, self.limit)
        return A[..., :k] - Y[..., :k], s

    def pointwise(self, Y, A):
        """Return ``½ (s + r² exp(-s))``, a column a target."""
        r, s = self._parts(Y, A)
        return 0.5 * (s + np.square(r) * np.exp(-s))

    def gradient(self, Y, A):
        """Return ``r exp(-s)`` for the means and ``½ (1 - r² exp(-s))`` for the others.

        Beyond the limit the slope is the one at the limit, which leads back from there.
        """
        r, s = self._parts(Y, A)
        precision = np.exp(-s)
        return np.concatenate([r * precision, 0.5 * (1 - np.square(r) * precision)], axis=-1)

    def is_cut_off(self, Y, A):
        """Tell where a log-variance is beyond the limit, or nearly."""
        s = A[..., A.shape[-1] // 2 :]
        return (np.abs(s) > self.limit - 0.01).any(axis=-1)

    def best_constant(self, Y, sample_weight):
        """Return the weighted means, and the logarithms of the weighted variances."""
        y = Y[:, : Y.shape[1] // 2]
        mean = _weighted_mean(y, sample_weight)
        variance = _weighted_mean(np.square(y - mean), sample_weight)
        return np.concatenate([mean, np.clip(_log(variance), -self.limit, self.limit)])

    def predictions(self, A):
        """Return the means."""
        return A[:, : A.shape[1] // 2]

    def prediction_gradients(self, A, gradients):
        """Return the derivatives of the means."""
        return gradients[:, : A.shape[1] // 2]

    def standard_deviations(self, A):
        """Return the predicted standard deviations."""
        return np.exp(0.5 * A[:, A.shape[1] // 2 :])
