"""Multilayer perceptrons for scikit-learn, trained by an explicit backpropagation loop."""

from ._compositions.ensemble import BackpropEnsembleClassifier, BackpropEnsembleRegressor
from ._compositions.transformer import BackpropTransformer
from ._estimators.classifier import BackpropClassifier
from ._estimators.regressor import BackpropRegressor
from ._stacks.fit_many import fit_many
from ._versions import show_versions

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
