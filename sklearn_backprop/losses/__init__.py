"""The losses, by name, and a check for a loss of one's own.

To add one: subclass ``Loss``, write ``pointwise`` and ``gradient``, and put the
class into ``LOSSES``; ``tests/losses/test_losses.py`` then covers it. From outside the
package an instance is enough: ``BackpropRegressor(loss=MyLoss())``.
"""

from ..components import registry
from ._base import Loss
from ._check import check_loss
from ._classification import BinaryFocal, BinaryLogLoss, Focal, LogLoss
from ._regression import (
    AbsoluteError,
    Gamma,
    Gaussian,
    Huber,
    LogCosh,
    Poisson,
    Quantile,
    SquaredError,
)

__all__ = [
    "LOSSES",
    "AbsoluteError",
    "BinaryFocal",
    "BinaryLogLoss",
    "Focal",
    "Gamma",
    "Gaussian",
    "Huber",
    "LogCosh",
    "LogLoss",
    "Loss",
    "Poisson",
    "Quantile",
    "SquaredError",
    "check_loss",
]

LOSSES = registry(
    SquaredError,
    AbsoluteError,
    Huber,
    LogCosh,
    Quantile,
    Gaussian,
    Poisson,
    Gamma,
    LogLoss,
    Focal,
    BinaryLogLoss,
    BinaryFocal,
)
"""All losses, by name."""
