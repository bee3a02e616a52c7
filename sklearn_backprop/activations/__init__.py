"""The activations, by name.

To add one: subclass ``Activation``, write ``forward`` and ``backward``, and put
the class into ``ACTIVATIONS``; ``tests/activations`` then covers it. From outside the
package an instance is enough: ``BackpropClassifier(activation=MyActivation())``.
"""

from ..components import registry
from ._base import Activation
from ._hidden import (
    ELU,
    GELU,
    SELU,
    Identity,
    LeakyReLU,
    Logistic,
    Mish,
    ReLU,
    SiLU,
    Softplus,
    Tanh,
)
from ._output import Exp, Softmax

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "OUTPUT_ACTIVATIONS",
    "SELU",
    "Activation",
    "Exp",
    "Identity",
    "LeakyReLU",
    "Logistic",
    "Mish",
    "ReLU",
    "SiLU",
    "Softmax",
    "Softplus",
    "Tanh",
]

ACTIVATIONS = registry(
    Identity, Logistic, Tanh, ReLU, LeakyReLU, ELU, SELU, GELU, SiLU, Mish, Softplus
)
"""Activations for hidden layers, by name."""

OUTPUT_ACTIVATIONS = ACTIVATIONS | registry(Exp, Softmax)
"""Activations for the output layer, by name."""
