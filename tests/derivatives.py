"""Derivatives by differences, the oracle of every gradient test, and what to test them on."""

import numpy as np

from sklearn_backprop.activations import OUTPUT_ACTIVATIONS
from sklearn_backprop.losses import LOSSES


def central_differences(function, point, step=1e-5):
    """Return the derivative of ``function`` by each entry of ``point``.

    ``function`` maps an array with an extra leading axis, a stack of points, to one
    value a point, so all differences cost two calls.
    """
    moved = step * np.eye(point.size).reshape(-1, *point.shape)
    difference = function(point + moved) - function(point - moved)
    return (difference / (2 * step)).reshape(point.shape)


def assert_same_gradient(gradient, expected, rtol=1e-6):
    """Compare relative to the largest entry, for differences have an absolute error."""
    largest = np.abs(expected).max()
    assert largest > 0, "a gradient of zero tests nothing"
    np.testing.assert_allclose(gradient, expected, rtol=rtol, atol=rtol * largest)


def forward(activation, Z):
    """Return ``f(Z)`` in a new array."""
    A = np.empty_like(Z)
    activation.forward(Z, out=A)
    return A


def meaningful_pairs():
    """Return the pairs of names that make sense: the loss is defined on the outputs' range.

    The range is seen from outputs at a few net inputs of either sign. Log-losses need
    probabilities, losses of positive targets need positive outputs.
    """
    pairs = []
    for loss_name, loss in LOSSES.items():
        if loss_name == "gaussian":  # its outputs are of two kinds, and so always linear
            pairs.append((loss_name, "identity"))
            continue
        for name, activation in OUTPUT_ACTIVATIONS.items():
            A = forward(activation(), np.array([[-4.0, -1.0, 1.0, 4.0]]))
            is_positive, is_below_one = (A > 0).all(), (A < 1).all()
            needs_positive = loss.positive_only or loss.task == "classification"
            if (is_positive or not needs_positive) and (is_below_one or loss.task == "regression"):
                pairs.append((loss_name, name))
    return pairs
