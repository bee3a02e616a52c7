"""Activations for the output layer only."""

from math import exp

import numpy as np

from ._base import Activation


def _exponents(dtype):
    """Return the least and the largest number whose exponential is normal in a dtype."""
    limits = np.finfo(dtype)
    # a hair inside, for the rounding of the two logarithms
    return 0.999 * float(np.log(limits.tiny)), 0.999 * float(np.log(limits.max))


class Exp(Activation):
    """``f(z) = exp(z)``, for outputs such as a Poisson mean; the slope is ``a``.

    ``z`` is clipped to the range whose exponential is a normal number of the
    dtype, so the output is positive and finite for every finite input.
    """

    name = "exp"
    needs_net_input = False

    def forward(self, Z, out):
        """Write ``exp(Z)``, never 0 and never infinite."""
        np.clip(Z, *_exponents(Z.dtype), out=out)
        np.exp(out, out=out)

    def largest_output(self, size, dtype):
        """Return ``exp(size)``, or what the clipping leaves of it."""
        return exp(min(size, _exponents(dtype)[1]))

    def backward(self, Z, A, delta):
        """Multiply by ``a``."""
        np.multiply(delta, A, out=delta)


class Softmax(Activation):
    """``f(z)_k = exp(z_k) / Σ_j exp(z_j)``, over the last axis.

    Not element-wise: ``backward`` applies the Jacobian
    ``a_k (δ_kj - a_j)``, so ``dL/dz_k = a_k (d_k - Σ_j d_j a_j)``.
    """

    name = "softmax"
    needs_net_input = False
    growth = 0, 1

    def forward(self, Z, out):
        """Write the softmax of each row, shifted by its maximum against overflow."""
        # classes in rows: NumPy is slow at sums over a short last axis
        rows = Z.mT.copy()
        np.subtract(rows, np.maximum.reduce(rows, axis=-2, keepdims=True), out=rows)
        np.exp(rows, out=rows)
        np.divide(rows, np.add.reduce(rows, axis=-2, keepdims=True), out=rows)
        out[...] = rows.mT

    def backward(self, Z, A, delta):
        """Apply the Jacobian."""
        np.subtract(delta, np.vecdot(delta, A)[..., None], out=delta)
        np.multiply(delta, A, out=delta)
