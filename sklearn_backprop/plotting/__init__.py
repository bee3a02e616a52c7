"""Plots, as scikit-learn's Display objects.

Each is made by a class method, draws into ``ax`` or a figure of its own, and keeps what it
has drawn: ``ax_``, ``figure_`` and the artists. They need matplotlib, which the package
otherwise does not: ``pip install matplotlib``.
"""

from ._attributions import AttributionDisplay
from ._companions import CompanionDisplay
from ._gradient_flow import GradientFlowDisplay
from ._loss_curve import LossCurveDisplay
from ._network import NetworkDisplay
from ._search import SearchDisplay

__all__ = [
    "AttributionDisplay",
    "CompanionDisplay",
    "GradientFlowDisplay",
    "LossCurveDisplay",
    "NetworkDisplay",
    "SearchDisplay",
]
