"""What a trained network says of data: outputs, hidden activations, input gradients.

All three take plain weights and biases, any number of samples, and bounded memory. With
weights for raw X their answers are in the units of raw X.
"""

from dataclasses import replace
from numbers import Integral

import numpy as np
from sklearn.utils import check_scalar

from .._kernels.choice import kernels_for
from .._numerics.blas import blas_threads_for
from .._numerics.threads import share_out

PREDICT_BLOCK = 2**16
"""Numbers of the widest layer, inputs included, computed together: 512 KiB of float64."""

BLOCKS_OF_A_THREAD = 8
"""Blocks for each thread from which threads pay: the first takes a tenth of a millisecond."""

GRADIENT_BLOCK = 2**20
"""Numbers in the largest array at work on input gradients: 8 MiB of float64."""


def propagate(X, weights, biases, activations, Z, A):
    """Propagate a batch from the inputs to the outputs, layer by layer.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
        The batch.
    weights, biases : list of ndarray
        Of shapes (fan_in, fan_out) and (fan_out,), one a layer.
    activations : list of Activation
        One a layer.
    Z, A : list of ndarray of shape (n_samples, fan_out)
        Receive each layer's net input and activation. They may be the same array
        where the activation does not need its net input later.

    Returns
    -------
    ndarray of shape (n_samples, n_outputs)
        The last layer's activation, ``A[-1]``.
    """
    below, kernels = X, kernels_for(False, max(W.size for W in weights))
    for W, b, f, z, a in zip(weights, biases, activations, Z, A, strict=True):
        kernels.forward(below, W, b, f, z, a)
        below = a
    return below


def _parts(X, dtype, n_rows, centred, starts=None):
    """Yield where some rows are, and the rows as the first layer takes them."""
    buffers = {}
    for start in range(0, X.shape[0], n_rows) if starts is None else starts:
        where = slice(start, min(start + n_rows, X.shape[0]))
        rows = X[where].astype(dtype, copy=False)
        yield where, rows if centred is None else centred.inputs(rows, buffers)


def _of_wider_dtype(X, weights, biases):
    """Return weights and biases in the wider dtype of X and themselves."""
    dtype = np.result_type(X.dtype, weights[0].dtype)
    return ([array.astype(dtype, copy=False) for array in part] for part in (weights, biases))


def predict(X, weights, biases, activation, output_activation, centred=None, n_threads=1):
    """Return the outputs of a network.

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
    n_threads : int, default=1
        Threads that may share the blocks of rows, where there are many; the outputs are the
        same.

    Returns
    -------
    ndarray of shape (n_samples, n_outputs)
        In the wider dtype of X and the weights.
    """
    weights, biases = _of_wider_dtype(X, weights, biases)
    activations = [activation] * (len(weights) - 1) + [output_activation]
    widest = max(max(W.shape) for W in weights)
    n_rows = max(1, min(X.shape[0], PREDICT_BLOCK // widest))
    outputs = np.empty((X.shape[0], weights[-1].shape[1]), weights[-1].dtype)

    def predict_blocks(starts):
        hidden = [np.empty((n_rows, W.shape[1]), W.dtype) for W in weights[:-1]]
        for where, rows in _parts(X, outputs.dtype, n_rows, centred, starts):
            out = outputs[where]
            layers = [*(layer[: len(out)] for layer in hidden), out]
            propagate(rows, weights, biases, activations, layers, layers)
            if centred is not None:
                centred.outputs(out)

    starts = range(0, X.shape[0], n_rows)
    if n_threads > 1 and len(starts) >= BLOCKS_OF_A_THREAD * n_threads:
        share_out(predict_blocks, starts, n_threads)
    else:
        predict_blocks(starts)
    return outputs


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
    weights, biases = _of_wider_dtype(X, weights, biases)
    activations = [activation] * (len(weights) - 1) + [output_activation]
    n_outputs = weights[-1].shape[1]
    gradients = np.empty((X.shape[0], n_outputs, X.shape[1]), weights[0].dtype)
    sizes = [X.shape[1], *(W.shape[1] for W in weights)]
    n_rows = max(1, GRADIENT_BLOCK // (n_outputs * max(sizes)))
    with blas_threads_for(sizes, min(n_rows, X.shape[0])):
        for where, rows in _parts(X, gradients.dtype, n_rows, centred):
            by_output = _backpropagate_outputs(rows, weights, biases, activations)
            gradients[where] = np.moveaxis(by_output, 0, 1)
    return gradients if centred is None else centred.gradients(gradients)


def _backpropagate_outputs(X, weights, biases, activations):
    """Return ``da_k/dx`` as an array of shape (n_outputs, n_samples, n_features)."""
    n_samples, n_outputs = X.shape[0], weights[-1].shape[1]
    Z = [np.empty((n_samples, W.shape[1]), W.dtype) for W in weights]
    A = [np.empty_like(z) for z in Z]
    propagate(X, weights, biases, activations, Z, A)
    error = np.repeat(np.eye(n_outputs, dtype=Z[-1].dtype)[:, None], n_samples, axis=1)
    for W, f, z, a in zip(weights[::-1], activations[::-1], Z[::-1], A[::-1], strict=True):
        # an activation may count on arrays of one shape
        f.backward(np.broadcast_to(z, error.shape), np.broadcast_to(a, error.shape), error)
        error = error @ W.T
    return error
