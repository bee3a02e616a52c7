"""Whether a network's outputs are finite: by a bound on its weights, else by looking."""

from functools import cache
from itertools import pairwise
from math import inf, prod

import numpy as np

from .training import ROWS

HEADROOM = 1e-3
"""Share of the largest number that a bound may reach: sums of products are rounded."""


def has_finite_outputs(network, samples, output_scaler=None):
    """Tell whether a trained network gives finite outputs, in the units of y, for samples.

    Looking takes a forward pass. It is only done where the largest input and weights allow
    for an overflow, or where an activation does not say how large it can be.

    Parameters
    ----------
    network : Network
        A single one.
    samples : Samples
        What it was trained on.
    output_scaler : Scaler, default=None
        Takes the outputs to the units of y.
    """
    if output_bound(network, samples.largest_input(), output_scaler) < inf:
        return True
    for part in samples.parts(ROWS):
        outputs = network.predict(part.X.astype(network.dtype, copy=False))
        if output_scaler is not None:
            outputs = output_scaler.inverse_transform(outputs).astype(network.dtype)
        if not np.isfinite(outputs).all():
            return False
    return True


def output_bound(network, largest_input, scaler=None):
    """Return what no output exceeds; infinity where nothing rules out an overflow.

    Layer by layer ``|z| ≤ fan_in · max|W| · max|a| + max|b|``.

    Parameters
    ----------
    network : Network
        A single one.
    largest_input : float
        What no ``|x|`` exceeds.
    scaler : Scaler, default=None
        Takes the outputs to the units of y.
    """
    limit, sizes, n_layers = _limit(network.dtype), network.layer_sizes, len(network.weights)
    # float64 holds what a float32 network's products may grow to
    largest = np.maximum.reduceat(np.abs(network.parameters), _starts(sizes), dtype=np.float64)
    size = largest_input
    weights, biases = largest[:n_layers], largest[n_layers:]
    layers = zip(sizes[:-1], weights, biases, network.activations, strict=True)
    for fan_in, weight, bias, activation in layers:
        size = fan_in * weight * size + bias
        if not max(size, weight, bias) <= limit:  # NaN, too
            return inf
        size = activation.largest_output(size, network.dtype)
    if scaler is not None:
        size = size * scaler.scale.max() + np.abs(scaler.center).max()
        return size if size <= limit else inf
    return size if size < inf else inf  # NaN, too


@cache
def _limit(dtype):
    """Return what no net input may exceed."""
    return HEADROOM * float(np.finfo(dtype).max)


@cache
def _starts(layer_sizes):
    """Return where in a network's parameters each layer's weights begin, and its biases."""
    lengths = [*(prod(shape) for shape in pairwise(layer_sizes)), *layer_sizes[1:]]
    return np.cumsum([0, *lengths[:-1]])
