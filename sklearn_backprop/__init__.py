"""Multilayer perceptrons for scikit-learn, trained by an explicit backpropagation loop."""

from .classifier import BackpropClassifier
from .regressor import BackpropRegressor

__all__ = ["BackpropClassifier", "BackpropRegressor"]

__version__ = "0.1.0"
