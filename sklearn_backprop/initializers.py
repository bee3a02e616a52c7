"""Initial weights and biases of a layer.

To add one: subclass ``Initializer``, write ``weights`` (and ``biases`` unless they
start at zero), and put the class into ``INITIALIZERS``.
"""

import math
from itertools import pairwise
from math import prod
from numbers import Real

import numpy as np

from ._sklearn import Interval, StrOptions
from .components import Component, registry

__all__ = [
    "INITIALIZERS",
    "GlorotUniform",
    "HeNormal",
    "Initializer",
    "LecunNormal",
    "NeuralTangent",
    "SklearnGlorot",
    "Zeros",
]


class Initializer(Component):
    """Base class: draws a layer's weights, then its biases.

    Parameters
    ----------
    output : {"drawn", "best_constant"}, default="drawn"
        ``"best_constant"`` then sets the output layer's weights to zero and its biases
        to where a constant model has the lowest loss (mean, median, log of the mean,
        log-odds …), so training starts as good as that model.
    """

    output = "drawn"  # for subclasses with a constructor of their own
    adapts = False  # whether ``adapt`` is to be called
    _parameter_constraints = {"output": [StrOptions({"drawn", "best_constant"})]}

    def __init__(self, output="drawn"):
        self.output = output

    def weights(self, fan_in, fan_out, activation, random_state):
        """Return a float64 array of shape (fan_in, fan_out).

        Parameters
        ----------
        fan_in, fan_out : int
            Units below and in the layer.
        activation : Activation
            The activation of the hidden layers.
        random_state : numpy.random.RandomState
            Source of the draws.
        """
        raise NotImplementedError

    def biases(self, fan_in, fan_out, activation, random_state):
        """Return a float64 array of shape (fan_out,): zeros, unless overridden."""
        return np.zeros(fan_out)

    def adapt(self, inputs, weights, biases, random_state):
        """Fit a hidden layer's drawn values to samples, in place; only if ``adapts``.

        Parameters
        ----------
        inputs : ndarray of shape (n_samples, fan_in)
            What reaches the layer, of some samples to train on.
        weights : ndarray of shape (fan_in, fan_out)
            Drawn by ``weights``.
        biases : ndarray of shape (fan_out,)
            Drawn by ``biases``.
        random_state : numpy.random.RandomState
            Source of further draws.
        """

    def rate_factors(self, fan_in, fan_out):
        """Return what the learning rate of the weights, and of the biases, is multiplied by.

        Parameters
        ----------
        fan_in, fan_out : int
            Units below and in the layer.

        Returns
        -------
        tuple of two floats
        """
        return 1.0, 1.0


class SklearnGlorot(Initializer):
    """Weights and biases uniform in ``±sqrt(6 / (fan_in + fan_out))``.

    With logistic hidden layers 2 stands in place of 6. This is scikit-learn's
    variant of Glorot and Bengio, "Understanding the difficulty of training deep
    feedforward neural networks", AISTATS 2010, eq. 16, where biases are zero.
    """

    name = "auto"

    def _draw(self, fan_in, fan_out, activation, random_state, shape):
        factor = 2.0 if activation.known_as == "logistic" else 6.0
        bound = math.sqrt(factor / (fan_in + fan_out))
        return random_state.uniform(-bound, bound, shape)

    def weights(self, fan_in, fan_out, activation, random_state):
        """Draw the weights."""
        return self._draw(fan_in, fan_out, activation, random_state, (fan_in, fan_out))

    def biases(self, fan_in, fan_out, activation, random_state):
        """Draw the biases from the same range."""
        return self._draw(fan_in, fan_out, activation, random_state, fan_out)


class GlorotUniform(Initializer):
    """Weights uniform in ``±sqrt(6 / (fan_in + fan_out))``, biases zero.

    Glorot and Bengio, AISTATS 2010, eq. 16: for tanh and other symmetric activations.
    """

    name = "glorot_uniform"

    def weights(self, fan_in, fan_out, activation, random_state):
        """Draw the weights."""
        bound = math.sqrt(6.0 / (fan_in + fan_out))
        return random_state.uniform(-bound, bound, (fan_in, fan_out))


class HeNormal(Initializer):
    """Weights normal with variance ``2 / fan_in``, biases zero.

    He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015, eq. 10: for ReLU.
    """

    name = "he_normal"

    def weights(self, fan_in, fan_out, activation, random_state):
        """Draw the weights."""
        return random_state.standard_normal((fan_in, fan_out)) * math.sqrt(2.0 / fan_in)


class LecunNormal(Initializer):
    """Weights normal with variance ``1 / fan_in``, biases zero.

    LeCun, Bottou, Orr and Müller, "Efficient backprop", 1998, eq. 16: for tanh, SELU.
    """

    name = "lecun_normal"

    def weights(self, fan_in, fan_out, activation, random_state):
        """Draw the weights."""
        return random_state.standard_normal((fan_in, fan_out)) * math.sqrt(1.0 / fan_in)


class Zeros(Initializer):
    """Everything zero: right without hidden layers, hopeless with them (no symmetry breaks)."""

    name = "zeros"

    def weights(self, fan_in, fan_out, activation, random_state):
        """Return zeros."""
        return np.zeros((fan_in, fan_out))


class NeuralTangent(Initializer):
    """Neural tangent parametrization: initial values, and learning rates, by layer.

    There a layer is ``x @ W / sqrt(fan_in) + b`` with W and b standard normal. For Adam,
    whose step does not depend on the gradient's scale, that is the plain layer with
    weights of variance ``1 / fan_in`` that learn at ``1 / sqrt(fan_in)`` of the rate: one
    rate then suits layers of any width. Rates are for first-order solvers.

    Jacot, Gabriel and Hongler, "Neural tangent kernel", NeurIPS 2018, section 3; the
    slow biases are from Holzmüller, Grinsztajn and Steinwart, "Better by default: strong
    pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024.

    Parameters
    ----------
    bias_scale : float, default=1.0
        Standard deviation of the initial biases.
    bias_rate : float, default=0.1
        What the learning rate of the biases is multiplied by.
    data_driven : bool, default=False
        Whether hidden layers are fitted to the samples: weights so that each net input
        has variance 1, and biases so that each unit has its kink among the samples (minus
        the net input of a random convex combination of five of them; Steinwart, "A sober
        look at neural network initializations", 2019, arXiv:1903.11482).
    output : {"drawn", "best_constant"}, default="best_constant"
        As in ``Initializer``.
    """

    name = "neural_tangent"
    _parameter_constraints = Initializer._parameter_constraints | {
        "bias_scale": [Interval(Real, 0, None, closed="left")],
        "bias_rate": [Interval(Real, 0, None, closed="left")],
        "data_driven": ["boolean"],
    }

    def __init__(self, bias_scale=1.0, bias_rate=0.1, data_driven=False, output="best_constant"):
        super().__init__(output)
        self.bias_scale = bias_scale
        self.bias_rate = bias_rate
        self.data_driven = data_driven

    @property
    def adapts(self):
        """Whether layers are fitted to the samples."""
        return self.data_driven

    def weights(self, fan_in, fan_out, activation, random_state):
        """Draw the weights."""
        return random_state.standard_normal((fan_in, fan_out)) / math.sqrt(fan_in)

    def biases(self, fan_in, fan_out, activation, random_state):
        """Draw the biases."""
        return self.bias_scale * random_state.standard_normal(fan_out)

    def adapt(self, inputs, weights, biases, random_state):
        """Scale the weights to net inputs of variance 1, and draw biases from net inputs."""
        Z = inputs @ weights
        spread = Z.std(axis=0)
        factor = 1 / np.where(spread > 1e-3, spread, 1.0)
        weights *= factor
        Z *= factor
        drawn = (5, len(biases))
        shares = random_state.standard_exponential(drawn)
        rows = random_state.randint(len(Z), size=drawn)
        points = Z[rows, np.arange(len(biases))]
        biases[...] = -(shares / shares.sum(axis=0) * points).sum(axis=0)

    def rate_factors(self, fan_in, fan_out):
        """Return ``1 / sqrt(fan_in)`` and ``bias_rate``."""
        return 1 / math.sqrt(fan_in), float(self.bias_rate)


INITIALIZERS = registry(SklearnGlorot, GlorotUniform, HeNormal, LecunNormal, NeuralTangent, Zeros)
"""All initializers, by name."""


ADAPT_ROWS = 1000
"""Samples that initial values are fitted to, at most."""


def adapt_layers(initializer, network, samples, random_state):
    """Fit the hidden layers of an untrained network to some samples, one after another.

    Parameters
    ----------
    initializer : Initializer
        Whose ``adapt`` is called.
    network : Network
        A single one; changed in place.
    samples : Samples
        What it will be trained on.
    random_state : numpy.random.RandomState
        Source of the choice of samples, and of the initializer's draws.
    """
    rows = random_state.permutation(samples.n_samples)[:ADAPT_ROWS]
    inputs = samples.take(rows, {})[0]
    for W, b in zip(network.weights[:-1], network.biases[:-1], strict=True):
        initializer.adapt(inputs, W, b, random_state)
        Z = inputs @ W + b
        inputs = np.empty_like(Z)
        network.activation.forward(Z, inputs)


def rate_factors(initializer, layer_sizes):
    """Return the parts of a network's parameters that learn at different rates.

    Parameters
    ----------
    initializer : Initializer
        Says so for each layer.
    layer_sizes : sequence of int
        Units of each layer, from the inputs to the outputs.

    Returns
    -------
    list of (int, int, float) or None
        Start, stop and factor of each part; None if all factors are 1.
    """
    layers = list(pairwise(layer_sizes))
    factors = [map(float, initializer.rate_factors(*layer)) for layer in layers]
    of_weights, of_biases = zip(*factors, strict=True)
    lengths = [*map(prod, layers), *layer_sizes[1:]]
    parts, start = [], 0
    for length, factor in zip(lengths, of_weights + of_biases, strict=True):
        if parts and parts[-1][2] == factor:
            parts[-1] = (parts[-1][0], start + length, factor)
        else:
            parts.append((start, start + length, factor))
        start += length
    return None if all(factor == 1 for _, _, factor in parts) else parts
