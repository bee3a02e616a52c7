"""Looking into a network: what it has learned, and how a step of its training comes about.

`attributions` says what each feature adds to each prediction, in the columns of a table.
`trace_step` shows every quantity of one step of backpropagation; `check_gradients` compares
backpropagation with differences of the objective; `record_training` records a training, and
writes it as a page that plays it back. `exercise` makes a worksheet of a step, and checks it.
"""

from ._attributions import Attributions, attributions
from ._exercise import Exercise, Feedback, exercise
from ._gradient_check import ArrayCheck, GradientCheck, check_gradients
from ._outputs import hidden_activations, input_gradients
from ._record import TrainingRecord, record_training
from ._step import trace_step
from ._trace import LayerTrace, StepTrace

__all__ = [
    "ArrayCheck",
    "Attributions",
    "Exercise",
    "Feedback",
    "GradientCheck",
    "LayerTrace",
    "StepTrace",
    "TrainingRecord",
    "attributions",
    "check_gradients",
    "exercise",
    "hidden_activations",
    "input_gradients",
    "record_training",
    "trace_step",
]
