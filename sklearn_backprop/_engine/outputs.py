"""Looking into a trained network: what hidden units say, what outputs depend on.

Both functions take plain weights and biases. With those for raw X their answers are in
the units of raw X.
"""

from dataclasses import replace
from numbers import Integral

import numpy as np
from sklearn.utils import check_scalar

from .network import predict, propagate

BLOCK = 2**20
"""Numbers in the largest array at work: 8 MiB of float64."""


def hidden_activations(X, weights, biases, activation, layer=-1, centred=None):
    """Return the activation of a hidden layer.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        Inputs, of any float dtype.
    weights, biases : list of ndarray
        Of shapes (fan_in, fan_out) and (fan_out,), one a layer.
    activation : Activation
        Of the hidden layers.
    layer : int, default=-1
        Which hidden layer, as an index into a list of them.
    centred : CentredNetwork, default=None
        Says what the weights and biases take if not raw X.

    Returns
    -------
    ndarray of shape (n_samples, n_units)
        In the wider dtype of X and the weights.

    Raises
    ------
    ValueError
        If there is no such layer.
    TypeError
        If ``layer`` is not an integer.
    """
    last = hidden_layer_index(layer, len(weights) - 1)
    if centred is not None:
        centred = replace(centred, after=None)  # which is for the outputs
    # a network cut off behind a hidden layer has that layer as its outputs
    return predict(X, weights[: last + 1], biases[: last + 1], activation, activation, centred)


def hidden_layer_index(layer, n_hidden_layers):
    """Return the non-negative index of a hidden layer, or raise that there is none."""
    check_scalar(layer, "layer", Integral)
    if n_hidden_layers == 0:
        raise ValueError(
            "The network has no hidden layer (hidden_layer_sizes=()), so there is no hidden "
            "activation to return."
        )
    if not -n_hidden_layers <= layer < n_hidden_layers:
        raise ValueError(
            f"layer={layer} does not exist: the network has {n_hidden_layers} hidden layer(s), so "
            f"layer must be in [{-n_hidden_layers}, {n_hidden_layers - 1}]."
        )
    return layer % n_hidden_layers


def input_gradients(X, weights, biases, activation, output_activation, centred=None):
    """Return the derivative of each output by each input, at each sample.

    Backpropagation that starts from ``da_k/da = e_k`` instead of a loss's error, and
    goes one layer further, to the inputs (Simonyan, Vedaldi and Zisserman, "Deep inside
    convolutional networks: visualising image classification models and saliency maps",
    ICLR 2014 workshop). The outputs are a leading axis, so one pass serves them all.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        Inputs, of any float dtype.
    weights, biases : list of ndarray
        Of shapes (fan_in, fan_out) and (fan_out,), one a layer.
    activation, output_activation : Activation
        Of the hidden layers, and of the output layer.
    centred : CentredNetwork, default=None
        Says what the weights and biases take and give if not raw data.

    Returns
    -------
    ndarray of shape (n_samples, n_outputs, n_features)
        In the wider dtype of X and the weights. Beside it, memory does not grow with
        the number of samples.
    """
    (n_samples, n_features), n_outputs = X.shape, weights[-1].shape[1]
    dtype = np.result_type(X.dtype, weights[0].dtype)
    weights, biases = ([a.astype(dtype, copy=False) for a in part] for part in (weights, biases))
    activations = [activation] * (len(weights) - 1) + [output_activation]
    gradients = np.empty((n_samples, n_outputs, n_features), dtype)
    widest = max(n_features, *(W.shape[1] for W in weights))
    n_rows = max(1, BLOCK // (n_outputs * widest))
    buffers = {}
    for start in range(0, n_samples, n_rows):
        rows = X[start : start + n_rows].astype(dtype, copy=False)
        if centred is not None:
            rows = centred.inputs(rows, buffers)
        by_output = _backpropagate_outputs(rows, weights, biases, activations)
        gradients[start : start + n_rows] = np.moveaxis(by_output, 0, 1)
    return gradients if centred is None else centred.gradients(gradients)


def _backpropagate_outputs(X, weights, biases, activations):
    """Return ``da_k/dx`` as an array of shape (n_outputs, n_samples, n_features)."""
    n_samples, n_outputs = X.shape[0], weights[-1].shape[1]
    Z = [np.empty((n_samples, W.shape[1]), W.dtype) for W in weights]
    A = [np.empty_like(z) if f.needs_net_input else z for z, f in zip(Z, activations, strict=True)]
    propagate(X, weights, biases, activations, Z, A)
    error = np.repeat(np.eye(n_outputs, dtype=Z[-1].dtype)[:, None], n_samples, axis=1)
    for W, f, z, a in zip(weights[::-1], activations[::-1], Z[::-1], A[::-1], strict=True):
        # an activation may count on arrays of one shape
        f.backward(np.broadcast_to(z, error.shape), np.broadcast_to(a, error.shape), error)
        error = error @ W.T
    return error
