"""Estimators for raw tables: categories, dates, text labels and gaps, without tuning."""

from ._classifier import TabularClassifier
from ._encoder import TabularEncoder
from ._regressor import TabularRegressor

__all__ = ["TabularClassifier", "TabularEncoder", "TabularRegressor"]
