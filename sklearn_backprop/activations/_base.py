"""The base class of activations ``A = f(Z)``, and what their derivatives do to a delta.

``forward`` and ``backward`` work in place on whole arrays, whatever their number of axes.
"""

from math import inf

import numpy as np

from ..components import Component


class Activation(Component):
    """Base class: an element-wise function and its derivative.

    Attributes
    ----------
    needs_net_input : bool
        Whether ``backward`` reads ``Z``. Where it does not, ``Z`` is not kept, which saves up to
        a thirtieth of a step. A class that writes ``backward`` is taken to, unless it says.
    has_side_effects : bool
        Whether its methods must be called, since they do more than their formula.
    growth : tuple of two floats, or None
        A slope and an offset with ``|f(z)| ≤ slope · |z| + offset``; None if not known.
    """

    needs_net_input: bool = True
    has_side_effects: bool = False
    growth: tuple | None = None

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "backward" in cls.__dict__:
            cls.needs_net_input = cls.__dict__.get("needs_net_input", True)
        # what was said of another function does not hold for this one
        if "forward" in cls.__dict__:
            cls.growth = cls.__dict__.get("growth")
            cls.largest_output = cls.__dict__.get("largest_output", Activation.largest_output)

    def largest_output(self, size, dtype):
        """Return what ``|f(z)|`` does not exceed where ``|z|`` does not exceed ``size``.

        If the weights prove by it that no output can be infinite, nobody need look.

        Parameters
        ----------
        size : float
            A bound of the net input.
        dtype : numpy.dtype
            What ``f`` is computed in.

        Returns
        -------
        float
            Infinity if it is not known.
        """
        if self.growth is None:
            return inf
        slope, offset = self.growth
        return slope * size + offset

    def is_positive(self):
        """Tell whether all outputs are positive, at net inputs from -10 to 10."""
        Z = np.linspace(-10, 10, 401)[:, None]
        A = np.empty_like(Z)
        self.forward(Z.copy(), A)
        return bool((A > 0).all())

    def forward(self, Z, out):
        """Write ``f(Z)`` into ``out``, which may be ``Z`` itself.

        Parameters
        ----------
        Z : ndarray of shape (..., n_samples, n_units)
            Net input of the layer.
        out : ndarray of the same shape and dtype
            Receives the activation.
        """
        raise NotImplementedError

    def backward(self, Z, A, delta):
        """Multiply ``delta`` in place by the slope ``f'(Z)``.

        Parameters
        ----------
        Z : ndarray of shape (..., n_samples, n_units)
            Net input; None unless ``needs_net_input``.
        A : ndarray of the same shape
            Activation.
        delta : ndarray of the same shape
            On entry ``dL/dA``, on exit ``dL/dZ``.
        """
        raise NotImplementedError
