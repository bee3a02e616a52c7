"""The optimizers, by name.

To add one: subclass ``Optimizer``, write ``slots`` and ``step``, and put the class
into ``OPTIMIZERS``; ``tests/test_optimizers.py`` then covers it. From outside the
package an instance is enough: ``BackpropClassifier(solver=MyOptimizer())``.
"""

from .components import registry
from .first_order import SGD, Adam, AdamW
from .input_scales import InputScaledAdamW
from .lbfgs import LBFGS
from .optimizer import Optimizer

__all__ = ["LBFGS", "OPTIMIZERS", "SGD", "Adam", "AdamW", "InputScaledAdamW", "Optimizer"]

OPTIMIZERS = registry(SGD, Adam, AdamW, LBFGS)
"""All solvers, by name."""
