"""Multilayer perceptrons for scikit-learn, trained by an explicit backpropagation loop."""

from .classifier import BackpropClassifier
from .regressor import BackpropRegressor
from .transformer import BackpropTransformer

__all__ = ["BackpropClassifier", "BackpropRegressor", "BackpropTransformer"]

__version__ = "0.1.0"
