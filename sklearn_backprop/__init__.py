"""Multilayer perceptrons for scikit-learn, trained by an explicit backpropagation loop."""

from .classifier import BackpropClassifier
from .ensemble import BackpropEnsembleClassifier, BackpropEnsembleRegressor
from .regressor import BackpropRegressor
from .stacking import fit_many
from .transformer import BackpropTransformer

__all__ = [
    "BackpropClassifier",
    "BackpropEnsembleClassifier",
    "BackpropEnsembleRegressor",
    "BackpropRegressor",
    "BackpropTransformer",
    "fit_many",
]

__version__ = "0.1.0"
