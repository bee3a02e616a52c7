"""Plots, as scikit-learn's Display objects.

Each is made by a class method, draws into ``ax`` or a figure of its own, and keeps what it
has drawn: ``ax_``, ``figure_`` and the artists. They need matplotlib, which the package
otherwise does not: ``pip install "sklearn-backprop[plot]"``.
"""

from .gradient_flow import GradientFlowDisplay
from .loss_curve import LossCurveDisplay
from .network import NetworkDisplay
from .search import SearchDisplay

__all__ = ["GradientFlowDisplay", "LossCurveDisplay", "NetworkDisplay", "SearchDisplay"]
