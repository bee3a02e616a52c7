"""The optimizers, by name.

To add one: subclass ``Optimizer``, write ``slots`` and ``step``, and put the class
into ``OPTIMIZERS``; ``tests/optimizers/test_optimizers.py`` then covers it. From outside the
package an instance is enough: ``BackpropClassifier(solver=MyOptimizer())``.
"""

from ..components import registry
from ._base import Optimizer, State
from ._first_order import SGD, Adam, AdamW
from ._input_scales import InputScaledAdamW
from ._lbfgs import LBFGS

__all__ = ["LBFGS", "OPTIMIZERS", "SGD", "Adam", "AdamW", "InputScaledAdamW", "Optimizer", "State"]

OPTIMIZERS = registry(SGD, Adam, AdamW, LBFGS)
"""All solvers that work on any vector, by name; ``InputScaledAdamW`` needs a network."""
