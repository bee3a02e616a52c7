"""Estimators for raw tables: categories, dates, text labels and gaps, without tuning."""

from .tabular_encoder import TabularEncoder
from .tabular_estimators import TabularClassifier, TabularRegressor

__all__ = ["TabularClassifier", "TabularEncoder", "TabularRegressor"]
