"""Initial weights and biases of a layer.

To add one: subclass ``Initializer``, write ``weights`` (and ``biases`` unless they
start at zero), and put the class into ``INITIALIZERS``.
"""

import math

import numpy as np
from sklearn.utils._param_validation import StrOptions

from .components import Component, registry


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


class SklearnGlorot(Initializer):
    """Weights and biases uniform in ``±sqrt(6 / (fan_in + fan_out))``.

    With logistic hidden layers 2 stands in place of 6. This is scikit-learn's
    variant of Glorot and Bengio, "Understanding the difficulty of training deep
    feedforward neural networks", AISTATS 2010, eq. 16, where biases are zero.
    """

    name = "auto"

    def _draw(self, fan_in, fan_out, activation, random_state, shape):
        factor = 2.0 if activation.name == "logistic" else 6.0
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


INITIALIZERS = registry(SklearnGlorot, GlorotUniform, HeNormal, LecunNormal, Zeros)
"""All initializers, by name."""
