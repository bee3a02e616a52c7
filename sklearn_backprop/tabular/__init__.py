"""Estimators for raw tables: categories, dates, text labels and gaps, without tuning."""

from ._encoder import TabularEncoder
from ._estimators import TabularClassifier, TabularRegressor

__all__ = ["TabularClassifier", "TabularEncoder", "TabularRegressor"]
