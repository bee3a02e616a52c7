"""Looking into a network: what it has learned, and how a step of its training comes about.

`trace_step` shows every quantity of one step of backpropagation.
"""

from .outputs import hidden_activations, hidden_layer_index, input_gradients
from .step import trace_step
from .trace import LayerTrace, StepTrace

__all__ = [
    "LayerTrace",
    "StepTrace",
    "hidden_activations",
    "hidden_layer_index",
    "input_gradients",
    "trace_step",
]
