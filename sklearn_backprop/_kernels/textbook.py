"""The five equations in NumPy, each as its formula.

============  ==================================================
forward       ``Z = A_below @ W + b``, ``A = f(Z)``
output_delta  ``delta = dL/dA · f'(Z) · share``
gradient      ``dL/dW = A_belowᵀ @ delta``, ``dL/db = Σ delta``
back          ``delta_below = (delta @ Wᵀ) · f'(Z_below)``
update        ``dL/dW += share · W``, and the optimizer's step
============  ==================================================

Every array has the samples in the second last axis and the units in the last. ``Textbook``
is for one network. ``StackedTextbook`` has a leading axis, along which networks lie side by
side, and gives each the bits that it would have alone. The formulas of activations, losses
and optimizers are their own.
"""

from functools import lru_cache
from operator import attrgetter

import numpy as np

from .._numerics.vectors import add_scaled
from .products import product


@lru_cache(maxsize=8)
def ones(n_samples, dtype):
    """Return a vector of ones, the same at every call.

    NumPy is slow at sums over a short last axis, so a sum over samples is a product with it.
    """
    vector = np.ones(n_samples, dtype)
    vector.flags.writeable = False
    return vector


class Textbook:
    """The equations for one network."""

    # for two matrices ndarray.dot gives the bits of matmul, at half its cost if they are small
    dot = staticmethod(np.ndarray.dot)
    transpose = staticmethod(attrgetter("T"))

    def matmul(self, A, B, out):
        """Write ``A @ B`` into ``out``; ``A`` may be sparse, or shared by some networks."""
        if type(A) is np.ndarray:
            self.dot(A, B, out=out)
        else:
            product(A, B, out)

    def forward(self, A_below, W, b, f, Z, A):
        """``Z = A_below @ W + b``, ``A = f(Z)``; a Z that is None is not kept."""
        Z = A if Z is None else Z
        self.matmul(A_below, W, Z)
        np.add(Z, b, out=Z)
        self.activate(f, Z, A)

    def activate(self, f, Z, A):
        """Write ``A = f(Z)``."""
        f.forward(Z, out=A)

    def times_slope(self, f, Z, A, delta):
        """``delta · f'(Z)``, in the place of delta."""
        f.backward(Z, A, delta)

    def output_delta(self, Y, Z, A, f, loss, share, delta):
        """``delta = dL/dA · f'(Z) · share``."""
        loss.output_delta(Y, Z, A, f, out=delta)
        np.multiply(delta, share, out=delta)

    def gradient(self, A_below, delta, dW, db):
        """``dL/dW = A_belowᵀ @ delta``, ``dL/db = Σ delta``."""
        self.matmul(self.transpose(A_below), delta, dW)
        self.dot(ones(delta.shape[-2], delta.dtype), delta, out=db)

    def back(self, delta, W, f_below, Z_below, A_below, delta_below):
        """``delta_below = (delta @ Wᵀ) · f'(Z_below)``."""
        self.dot(delta, W.T, out=delta_below)
        self.times_slope(f_below, Z_below, A_below, delta_below)

    def penalize(self, W, share, dW):
        """``dL/dW += share · W``, of all weights as one vector."""
        add_scaled(W, share, out=dW)

    def update(self, optimizer, parameters, gradient, state, learning_rate, share):
        """``dL/dW += share · W``, and the optimizer's step; a share that is None is no penalty."""
        if share is not None:
            weights = ..., slice(state.n_weights)
            self.penalize(parameters[weights], share, gradient[weights])
        optimizer.update(parameters, gradient, state, learning_rate)

    def half_square(self, W):
        """Return ``½ ‖W‖²`` of all weights as one vector."""
        return 0.5 * W.dot(W)  # which has half of vecdot's overhead


class StackedTextbook(Textbook):
    """The equations for a stack of networks."""

    dot = staticmethod(np.matmul)
    transpose = staticmethod(attrgetter("mT"))

    def back(self, delta, W, f_below, Z_below, A_below, delta_below):
        """``delta_below = (delta @ Wᵀ) · f'(Z_below)``."""
        # BLAS is slow at a stack of outer products, which is what one output gives
        times = np.multiply if delta.shape[-1] == 1 else np.matmul
        times(delta, W.mT, out=delta_below)
        self.times_slope(f_below, Z_below, A_below, delta_below)

    def half_square(self, W):
        """Return ``½ ‖W‖²`` of each network's weights."""
        return 0.5 * np.vecdot(W, W)
