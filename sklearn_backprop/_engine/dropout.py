"""Dropout: silence hidden units at random while training.

Inverted: the units that stay are scaled up by 1 / (1 - rate), so prediction uses the
network as it is (Srivastava et al., "Dropout: a simple way to prevent neural networks
from overfitting", JMLR 15, 2014).
"""

from copy import deepcopy

import numpy as np

from .._kernels.choice import kernels_for
from ..activations import Activation


class DroppedActivation(Activation):
    """An activation whose output is multiplied by a fresh random mask.

    To the loop it is one more activation: ``forward`` draws the mask, ``backward``
    applies it again.

    Parameters
    ----------
    activation : Activation
        What comes before the mask.
    rate : float in [0, 1)
        Share of units to silence.
    generator : numpy.random.Generator
        Source of the masks, apart from all other draws.
    """

    def __init__(self, activation, rate, generator):
        self.activation = activation
        self.rate = rate
        self.generator = generator
        self.kernels = kernels_for(stacked=False)

    @property
    def needs_net_input(self):
        """Whether the inner activation's ``backward`` does."""
        return self.activation.needs_net_input

    def forward(self, Z, out):
        """Write the masked activation into ``out``."""
        self.kernels.activate(self.activation, Z, out)
        self.activation_of_Z = out.copy()
        self.mask = self.draw(Z.shape, Z.dtype)
        np.multiply(out, self.mask, out=out)

    def draw(self, shape, dtype):
        """Return a fresh mask: 0, or for the units that stay 1 / (1 - rate)."""
        keep = 1 - self.rate
        mask = (self.generator.random(shape, dtype=dtype) < keep).astype(dtype)
        return np.multiply(mask, 1 / keep, out=mask)

    def backward(self, Z, A, delta):
        """Multiply by the mask, then by the inner activation's slope."""
        np.multiply(delta, self.mask, out=delta)
        self.kernels.times_slope(self.activation, Z, self.activation_of_Z, delta)


class StackedDroppedActivation(DroppedActivation):
    """Dropout behind a layer of a stack: each network's own rate and generator.

    Parameters
    ----------
    dropped : list of DroppedActivation
        Each network's own.
    """

    def __init__(self, dropped):
        super().__init__(dropped[0].activation, None, None)
        self.dropped = dropped

    def draw(self, shape, dtype):
        """Return a fresh mask of each network's own."""
        return np.stack([own.draw(shape[1:], dtype) for own in self.dropped])


def stacked_dropout(activations):
    """Return the activations of a stack out of its networks' own."""
    return [
        StackedDroppedActivation(layer) if isinstance(layer[0], DroppedActivation) else layer[0]
        for layer in map(list, zip(*activations, strict=True))
    ]


def dropout_generator(random_state):
    """Return a generator of its own stream, without a draw from ``random_state``.

    So a network with dropout has the initial weights and the batches of its twin
    without.
    """
    seeds = deepcopy(random_state).randint(2**32, size=4, dtype=np.uint32)
    return np.random.default_rng(seeds)
