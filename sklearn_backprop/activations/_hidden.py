"""Activations for hidden layers."""

from numbers import Real

import numpy as np
from scipy.special import ndtr

from .._sklearn import Interval
from ._base import Activation


def _sigmoid(Z, out=None):
    """Write ``1 / (1 + exp(-Z))``; an overflowing exponential gives 0, as it should."""
    out = np.negative(Z, out=out)
    np.exp(out, out=out)
    np.add(out, 1, out=out)
    return np.reciprocal(out, out=out)


def _positive_part(Z, out=None):
    """Write ``max(Z, 0)``."""
    # NumPy compares with an array of zeros two to four times as fast as with one zero
    return np.maximum(Z, np.zeros(Z.shape, Z.dtype), out=out)


def _multiply_by_slope(delta, A, slope, step):
    """Multiply ``delta`` by ``slope``, and by ``slope + step`` where ``A`` is positive.

    With ``np.where`` the signs, which nothing predicts, would cost several times as much.
    """
    steps = np.multiply(np.greater(A, 0.0), A.dtype.type(step), dtype=A.dtype)
    np.add(steps, slope, out=steps)
    np.multiply(delta, steps, out=delta)


def _expm1_of_negative(Z):
    """Write ``exp(z) - 1`` in place, for z that are not positive, to 2 roundings.

    As ``2 t / (1 - t)`` with ``t = tanh(z / 2)``: NumPy's tanh is vectorized on every
    processor, its expm1 on few, where this costs twice as much and a third elsewhere.
    """
    np.multiply(Z, 0.5, out=Z)
    np.tanh(Z, out=Z)
    np.divide(Z, np.subtract(1, Z), out=Z)
    return np.multiply(Z, 2, out=Z)


def _log1p_of_share(E):
    """Write ``log(1 + e)`` in place, for e in [0, 1], to 4 roundings.

    ``log(u) - ((u - 1) - e) / u`` with u the rounded ``1 + e``, which makes up for what u
    has lost; NumPy's logarithm is vectorized on every processor, its log1p on few.
    """
    u = np.add(E, 1)
    lost = np.subtract(u, 1)
    np.subtract(lost, E, out=lost)
    np.divide(lost, u, out=lost)
    np.log(u, out=E)
    return np.subtract(E, lost, out=E)


def _elu(Z, alpha, out):
    """Write ``max(Z, 0) + alpha * expm1(min(Z, 0))``."""
    negative = _expm1_of_negative(np.minimum(Z, 0))
    np.multiply(negative, alpha, out=negative)
    _positive_part(Z, out)
    np.add(out, negative, out=out)


class Identity(Activation):
    """``f(z) = z``."""

    name = "identity"
    needs_net_input = False
    growth = 1, 0

    def forward(self, Z, out):
        """Leave ``Z`` as it is."""
        if out is not Z:
            np.copyto(out, Z)

    def backward(self, Z, A, delta):
        """Leave ``delta`` as it is: the slope is 1."""


class Logistic(Activation):
    """``f(z) = 1 / (1 + exp(-z))``, the sigmoid; slope ``a (1 - a)``."""

    name = "logistic"
    needs_net_input = False
    growth = 0, 1

    def forward(self, Z, out):
        """Write the sigmoid of ``Z``."""
        _sigmoid(Z, out)

    def backward(self, Z, A, delta):
        """Multiply by ``a (1 - a)``."""
        np.multiply(delta, A, out=delta)
        np.multiply(delta, 1 - A, out=delta)


class Tanh(Activation):
    """``f(z) = tanh(z)``; slope ``1 - a**2``."""

    name = "tanh"
    needs_net_input = False
    growth = 0, 1

    def forward(self, Z, out):
        """Write ``tanh(Z)``."""
        np.tanh(Z, out=out)

    def backward(self, Z, A, delta):
        """Multiply by ``1 - a**2``."""
        slope = np.square(A)
        np.subtract(1, slope, out=slope)
        np.multiply(delta, slope, out=delta)


class ReLU(Activation):
    """``f(z) = max(z, 0)``; slope 1 where ``z > 0``, else 0."""

    name = "relu"
    needs_net_input = False
    growth = 1, 0

    def forward(self, Z, out):
        """Write ``max(Z, 0)``."""
        _positive_part(Z, out)

    def backward(self, Z, A, delta):
        """Multiply by ``a > 0``."""
        np.multiply(delta, np.greater(A, 0.0), out=delta)


class LeakyReLU(Activation):
    """``f(z) = z`` where ``z > 0``, else ``negative_slope * z``.

    Parameters
    ----------
    negative_slope : float in [0, 1), default=0.01
        Slope for negative net input.

    References
    ----------
    Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic
    models", ICML 2013.
    """

    name = "leaky_relu"
    needs_net_input = False
    growth = 1, 0
    _parameter_constraints = {"negative_slope": [Interval(Real, 0, 1, closed="left")]}

    def __init__(self, negative_slope=0.01):
        self.negative_slope = negative_slope

    def forward(self, Z, out):
        """Write ``max(Z, negative_slope * Z)``, the same for a slope below 1."""
        np.maximum(Z, Z * float(self.negative_slope), out=out)

    def backward(self, Z, A, delta):
        """Multiply by 1 or ``negative_slope``."""
        slope = float(self.negative_slope)
        _multiply_by_slope(delta, A, slope, 1 - slope)


class ELU(Activation):
    """``f(z) = z`` where ``z > 0``, else ``alpha * (exp(z) - 1)``.

    The slope for negative net input is ``a + alpha``.

    Parameters
    ----------
    alpha : float, default=1.0
        Minus the limit at minus infinity. Non-negative.

    References
    ----------
    Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning
    by exponential linear units (ELUs)", ICLR 2016.
    """

    name = "elu"
    needs_net_input = False
    _parameter_constraints = {"alpha": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def forward(self, Z, out):
        """Write ``max(Z, 0) + alpha * expm1(min(Z, 0))``."""
        _elu(Z, float(self.alpha), out)

    def largest_output(self, size, dtype):
        """Return ``size``, or the limit at minus infinity."""
        return max(size, float(self.alpha))

    def backward(self, Z, A, delta):
        """Multiply by 1 or ``a + alpha``."""
        slope = np.minimum(A, np.zeros(A.shape, A.dtype))
        np.add(slope, float(self.alpha), out=slope)
        _multiply_by_slope(delta, A, slope, 1 - float(self.alpha))


class SELU(Activation):
    """``f(z) = scale * ELU(z)`` with the two constants that keep mean 0 and variance 1.

    ``scale = 1.0507…`` and ``alpha = 1.6733…`` are the fixed point of
    Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017, eq. 14.
    """

    name = "selu"
    needs_net_input = False
    scale = 1.0507009873554804934193349852946
    alpha = 1.6732632423543772848170429916717
    growth = scale, scale * alpha

    def forward(self, Z, out):
        """Write ``scale * (max(Z, 0) + alpha * expm1(min(Z, 0)))``."""
        _elu(Z, self.alpha, out)
        np.multiply(out, self.scale, out=out)

    def backward(self, Z, A, delta):
        """Multiply by ``scale`` or ``a + scale * alpha``."""
        slope = np.minimum(A, np.zeros(A.shape, A.dtype))
        np.add(slope, self.scale * self.alpha, out=slope)
        _multiply_by_slope(delta, A, slope, self.scale * (1 - self.alpha))


class GELU(Activation):
    """``f(z) = z Φ(z)``, Φ the standard normal distribution function (exact form).

    The slope is ``Φ(z) + z φ(z)``.

    References
    ----------
    Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", 2016,
    arXiv:1606.08415.
    """

    name = "gelu"
    growth = 1, 0

    def forward(self, Z, out):
        """Write ``Z * ndtr(Z)``."""
        np.multiply(Z, ndtr(Z), out=out)

    def backward(self, Z, A, delta):
        """Multiply by ``Φ(z) + z φ(z)``."""
        slope = np.square(Z)
        np.multiply(slope, -0.5, out=slope)
        np.exp(slope, out=slope)
        np.multiply(slope, Z, out=slope)
        np.multiply(slope, 0.3989422804014327, out=slope)  # 1 / sqrt(2 pi)
        np.add(slope, ndtr(Z), out=slope)
        np.multiply(delta, slope, out=delta)


class SiLU(Activation):
    """``f(z) = z σ(z)``, also called swish; slope ``σ(z) (1 + z - a)``.

    References
    ----------
    Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network
    function approximation in reinforcement learning", Neural Networks 107, 2018.
    """

    name = "silu"
    growth = 1, 0

    def forward(self, Z, out):
        """Write ``Z * sigmoid(Z)``."""
        np.multiply(Z, _sigmoid(Z), out=out)

    def backward(self, Z, A, delta):
        """Multiply by ``σ(z) (1 + z - a)``."""
        slope = _sigmoid(Z)
        rest = Z - A
        np.add(rest, 1, out=rest)
        np.multiply(slope, rest, out=slope)
        np.multiply(delta, slope, out=delta)


class Softplus(Activation):
    """``f(z) = log(1 + exp(z))``; slope ``1 - exp(-a)``, which is the sigmoid."""

    name = "softplus"
    needs_net_input = False
    growth = 1, 0.6931471805599454

    def forward(self, Z, out):
        """Write ``max(Z, 0) + log1p(exp(-|Z|))``, which cannot overflow."""
        _softplus(Z, out)

    def backward(self, Z, A, delta):
        """Multiply by ``-expm1(-a)``."""
        slope = _expm1_of_negative(np.negative(A))
        np.negative(slope, out=slope)
        np.multiply(delta, slope, out=delta)


def _softplus(Z, out=None):
    rest = np.abs(Z)
    np.negative(rest, out=rest)
    np.exp(rest, out=rest)
    _log1p_of_share(rest)
    out = _positive_part(Z, out)
    return np.add(out, rest, out=out)


class Mish(Activation):
    """``f(z) = z tanh(softplus(z))``; slope ``t + z σ(z) (1 - t**2)``.

    Here ``t = tanh(softplus(z)) = n / (n + 2)`` with ``n = e (e + 2)`` and ``e = exp(z)``;
    then ``σ(z) (1 - t**2)`` is ``4 e (1 + e) / (n + 2)**2``.

    References
    ----------
    Misra, "Mish: a self regularized non-monotonic activation function", BMVC 2020.
    """

    name = "mish"
    growth = 1, 0

    def _powers(self, Z):
        """Return z, e and n; from 20 on t is 1 in any dtype, and they need not grow."""
        z = np.minimum(Z, Z.dtype.type(20))
        e = np.exp(z)
        n = e + 2
        return z, e, np.multiply(n, e, out=n)

    def forward(self, Z, out):
        """Write ``Z * n / (n + 2)``."""
        _, _, t = self._powers(Z)
        np.divide(t, t + 2, out=t)
        np.multiply(Z, t, out=out)

    def backward(self, Z, A, delta):
        """Multiply by ``(n + 4 z e (1 + e) / (n + 2)) / (n + 2)``."""
        slope, e, n = self._powers(Z)
        np.multiply(slope, e, out=slope)
        np.multiply(slope, 4, out=slope)
        np.add(e, 1, out=e)
        np.multiply(slope, e, out=slope)
        below = np.add(n, 2, out=e)
        np.divide(slope, below, out=slope)
        np.add(slope, n, out=slope)
        np.divide(slope, below, out=slope)
        np.multiply(delta, slope, out=delta)
