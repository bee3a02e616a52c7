"""Multilayer perceptrons for scikit-learn, trained by an explicit backpropagation loop."""

from importlib import import_module
from typing import TYPE_CHECKING

from ._compositions.ensemble import BackpropEnsembleClassifier, BackpropEnsembleRegressor
from ._compositions.transformer import BackpropTransformer
from ._estimators.classifier import BackpropClassifier
from ._estimators.regressor import BackpropRegressor
from ._stacks.fit_many import fit_many
from ._versions import show_versions

if TYPE_CHECKING:
    from .tabular import TabularClassifier as TabularClassifier
    from .tabular import TabularRegressor as TabularRegressor

__all__ = [
    "BackpropClassifier",
    "BackpropEnsembleClassifier",
    "BackpropEnsembleRegressor",
    "BackpropRegressor",
    "BackpropTransformer",
    "fit_many",
    "show_versions",
]

__version__ = "0.1.0"

LAZY = {"TabularClassifier": ".tabular", "TabularRegressor": ".tabular"}
"""What is imported when it is first asked for, so that the package's own import stays quick."""


def __getattr__(name):
    """Import an estimator for tables."""
    if name not in LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(LAZY[name], __name__), name)


def __dir__():
    """Name them, too."""
    return sorted([*globals(), *LAZY])
