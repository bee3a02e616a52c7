"""The likely mistakes of one who works out a step of backpropagation by hand.

For each kind of quantity the mistakes that lead to another number, as functions of the step and
a layer. What a learner has is compared with what each of them would give.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Step:
    """What is needed of a step, with layers counted from 1.

    Attributes
    ----------
    trace : StepTrace
        The step.
    f, slope : callable
        The activation of all layers, and its slope by its net input.
    """

    trace: Any
    f: Any
    slope: Any

    def layer(self, number):
        """Return a layer's trace."""
        return self.trace.layers[number - 1]

    def below(self, number):
        """Return what a layer is given."""
        return self.trace.inputs if number == 1 else self.layer(number - 1).activation

    @property
    def n_rows(self):
        """Rows of the batch."""
        return len(self.trace.targets)

    @property
    def last(self):
        """The number of the output layer."""
        return len(self.trace.layers)


def _weighted(step, number):
    return step.below(number) @ step.layer(number).weights_before


def _through_transposed(step, number):
    W = step.layer(number).weights_before
    if W.shape[0] != W.shape[1]:
        return None
    return step.below(number) @ W.T + step.layer(number).biases_before


def _of_net_inputs(step, number):
    if number == 1:
        return None
    layer = step.layer(number)
    return step.layer(number - 1).net_input @ layer.weights_before + layer.biases_before


def _before_bias(step, number):
    return step.f(_weighted(step, number)) + step.layer(number).biases_before


def _back(step, number, weights):
    return step.layer(number + 1).delta @ weights.T


def _back_by_updated(step, number):
    if number == step.last:
        return None
    return _back(step, number, step.layer(number + 1).weights_after) * step.layer(number).slope


def _back_by_transposed(step, number):
    if number == step.last:
        return None
    W = step.layer(number + 1).weights_before
    if W.shape[0] != W.shape[1]:
        return None
    return _back(step, number, W.T) * step.layer(number).slope


def _gradient_of_net_inputs(step, number):
    if number == 1:
        return None
    return step.layer(number - 1).net_input.T @ step.layer(number).delta


MISTAKES = {
    "Z": {
        "the bias is not added": _weighted,
        "the weights are transposed": _through_transposed,
        "the layer below gave its net input, not its activation": _of_net_inputs,
        "the activation was taken before the bias was added": _before_bias,
    },
    "A": {
        "the activation function was left out": lambda step, number: step.layer(number).net_input,
        "the activation was taken before the bias was added": _before_bias,
        "this is the slope of the activation, not the activation": lambda step, number: (
            step.layer(number).slope
        ),
    },
    "loss": {
        "the factor 1/2 was left out": lambda step, number: 2 * step.trace.loss,
        "the losses were added up, not averaged": lambda step, number: (
            step.n_rows * step.trace.loss
        ),
        "the errors were not squared": lambda step, number: (
            np.abs(step.trace.residuals).sum(axis=1).mean() / 2
        ),
    },
    "delta": {
        "the slope of the activation was forgotten": lambda step, number: step.layer(number).error,
        "the slope was taken at the activation, not at the net input": lambda step, number: (
            step.layer(number).error * step.slope(step.layer(number).activation)
        ),
        "the sign is wrong: it is output minus target": lambda step, number: (
            -step.layer(number).delta
        ),
        "it is a sum over the rows, not a mean: divide by their number": lambda step, number: (
            step.n_rows * step.layer(number).delta
        ),
        "the weights were updated before back-propagating": _back_by_updated,
        "the weights are transposed": _back_by_transposed,
    },
    "gradient_W": {
        "the layer below gave its net input, not its activation": _gradient_of_net_inputs,
        "it is transposed: rows are what comes in": lambda step, number: (
            step.layer(number).gradient_weights.T
        ),
        "it is a sum over the rows, not a mean: divide by their number": lambda step, number: (
            step.n_rows * step.layer(number).gradient_weights
        ),
        "the sign is wrong: it is output minus target": lambda step, number: (
            -step.layer(number).gradient_weights
        ),
    },
    "gradient_b": {
        "the deltas of the rows are added up, not averaged again": lambda step, number: step.layer(
            number
        ).delta.mean(axis=0),
        "it is a sum over the rows, not a mean: divide by their number": lambda step, number: (
            step.n_rows * step.layer(number).gradient_biases
        ),
    },
    "W_after": {
        "the sign is wrong: the gradient is subtracted": lambda step, number: (
            step.layer(number).weights_before - step.layer(number).update_weights
        ),
        "the learning rate was forgotten": lambda step, number: (
            step.layer(number).weights_before - step.layer(number).gradient_weights
        ),
        "this is the change alone; add it to the weights": lambda step, number: (
            step.layer(number).update_weights
        ),
    },
    "b_after": {
        "the sign is wrong: the gradient is subtracted": lambda step, number: (
            step.layer(number).biases_before - step.layer(number).update_biases
        ),
        "the learning rate was forgotten": lambda step, number: (
            step.layer(number).biases_before - step.layer(number).gradient_biases
        ),
    },
}
"""For each kind of quantity what each mistake would give; None where it cannot be made."""


def likely_mistake(kind, step, layer, given, tolerance):
    """Return the mistake that gives what a learner has, or None.

    Parameters
    ----------
    kind : str
        Of the quantity, as in ``MISTAKES``.
    step : Step
        Of the exercise.
    layer : int
        The layer; 0 for none.
    given : ndarray
        What the learner has.
    tolerance : float
        Differences that are rounding.
    """
    best, least = None, tolerance
    for words, make in MISTAKES[kind].items():
        value = make(step, layer)
        if value is None or np.shape(value) != np.shape(given):
            continue
        distance = np.abs(np.asarray(value) - given).max()
        if distance <= least:
            best, least = words, distance
    return best
