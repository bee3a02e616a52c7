"""Forward and backward propagation through a fully connected network.

One layer at a time, with the names of the textbook:

=====================  ==================================================
net input              ``Z = A_below @ W + b``
activation             ``A = f(Z)``
error × slope          ``delta = dL/dA · f'(Z)``
gradient               ``dL/dW = A_below.T @ delta``, ``dL/db = Σ delta``
error of layer below   ``delta @ W.T``
=====================  ==================================================

Everything is written for the last two axes, so a leading axis makes one network a
stack of networks that train side by side.
"""

from itertools import pairwise
from math import prod

import numpy as np

from .._numerics.vectors import add_scaled


def product(A, B, out):
    """Write the matrix product ``A @ B`` into ``out``.

    ``A`` may be sparse, or a ``StreamBatch``. For a single network ``dot`` gives the bits
    that ``matmul`` gives for it in a stack, and costs half as much for small matrices.
    """
    if isinstance(A, StreamBatch):
        A.product(B, out)
    elif not isinstance(A, np.ndarray):
        np.copyto(out, A @ B)
    elif B.ndim == 2:
        A.dot(B, out=out)
    else:
        np.matmul(A, B, out=out)


class StreamBatch:
    """A batch for a stack of networks, some of which read the same rows.

    Parameters
    ----------
    arrays : list of ndarray of shape (n_samples, n_features)
        The distinct batches.
    networks : list of slice
        The networks that read each.
    """

    def __init__(self, arrays, networks):
        self.arrays = arrays
        self.networks = networks

    @property
    def shape(self):
        """Shape of each batch."""
        return self.arrays[0].shape

    @property
    def T(self):
        """The batches transposed."""
        return StreamBatch([array.T for array in self.arrays], self.networks)

    def product(self, B, out):
        """Write each batch's product with its networks' part of ``B`` into ``out``."""
        for array, networks in zip(self.arrays, self.networks, strict=True):
            np.matmul(array, B[networks], out=out[networks])


def propagate(X, weights, biases, activations, Z, A):
    """Propagate a batch from the inputs to the outputs, layer by layer.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (..., n_samples, n_features)
        The batch.
    weights, biases : list of ndarray
        Of shapes (..., fan_in, fan_out) and (..., 1, fan_out), one a layer; for a
        single network a bias may lack the axis of length 1.
    activations : list of Activation
        One a layer.
    Z, A : list of ndarray of shape (..., n_samples, fan_out)
        Receive each layer's net input and activation. They may be the same array
        where the activation does not need its net input later.

    Returns
    -------
    ndarray of shape (..., n_samples, n_outputs)
        The last layer's activation, ``A[-1]``.
    """
    below = X
    for W, b, f, z, a in zip(weights, biases, activations, Z, A, strict=True):
        product(below, W, out=z)
        np.add(z, b, out=z)
        f.forward(z, out=a)
        below = a
    return below


def split(vector, layer_sizes):
    """Return the weights and the biases that lie in a flat vector, as views.

    Parameters
    ----------
    vector : ndarray of shape (..., n_parameters)
        First the weights of all layers, then the biases of all layers.
    layer_sizes : sequence of int
        Units of each layer, from the inputs to the outputs.

    Returns
    -------
    weights : list of ndarray of shape (..., fan_in, fan_out)
    biases : list of ndarray of shape (..., fan_out)
    """
    shapes = [*pairwise(layer_sizes), *((size,) for size in layer_sizes[1:])]
    views, start = [], 0
    for shape in shapes:
        part = vector[..., start : start + prod(shape)]
        views.append(part.reshape(vector.shape[:-1] + shape))
        start += prod(shape)
    n_layers = len(layer_sizes) - 1
    return views[:n_layers], views[n_layers:]


def predict(X, weights, biases, activation, output_activation, centred=None):
    """Return the outputs of a network for any number of samples, in bounded memory.

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
    ndarray of shape (n_samples, n_outputs)
        In the wider dtype of X and the weights.
    """
    n_samples, dtype = X.shape[0], np.result_type(X.dtype, weights[0].dtype)
    weights, biases = ([a.astype(dtype, copy=False) for a in part] for part in (weights, biases))
    activations = [activation] * (len(weights) - 1) + [output_activation]
    widest = max(max(W.shape) for W in weights)
    n_rows = min(n_samples, max(1, PREDICT_BLOCK // widest))
    hidden = [np.empty((n_rows, W.shape[1]), dtype) for W in weights[:-1]]
    outputs = np.empty((n_samples, weights[-1].shape[1]), dtype)
    buffers = {}
    for start in range(0, n_samples, n_rows):
        out = outputs[start : start + n_rows]
        layers = [*(layer[: len(out)] for layer in hidden), out]
        rows = X[start : start + n_rows].astype(dtype, copy=False)
        if centred is not None:
            rows = centred.inputs(rows, buffers)
        propagate(rows, weights, biases, activations, layers, layers)
        if centred is not None:
            centred.outputs(out)
    return outputs


PREDICT_BLOCK = 2**16
"""Numbers of the widest layer, inputs included, computed together: 512 KiB of float64."""


class Network:
    """A multilayer perceptron over one flat vector of parameters.

    Parameters
    ----------
    layer_sizes : sequence of int
        Units of each layer, from the inputs to the outputs; two numbers make a
        network without a hidden layer.
    activation, output_activation : Activation
        Of the hidden layers, and of the output layer.
    dtype : numpy.dtype, default=numpy.float64
        Of the parameters and of all that is computed.
    n_networks : int, default=None
        Size of a stack of networks; None makes a single one, without that axis.

    Attributes
    ----------
    parameters, gradient : ndarray of shape (n_parameters,) or (n_networks, n_parameters)
        All weights, then all biases; and the objective's derivative by them.
    weights, biases : list of ndarray
        Views of ``parameters``, one a layer.
    activations, training_activations : list of Activation
        One a layer; the second where training does more than prediction.
    n_weights : int
        How many of the parameters are weights.
    """

    def __init__(
        self, layer_sizes, activation, output_activation, dtype=np.float64, n_networks=None
    ):
        self.layer_sizes = tuple(layer_sizes)
        self.training_activations = None  # the same as ``activations``, unless set
        self.activation = activation
        self.output_activation = output_activation
        self.n_weights = sum(prod(shape) for shape in pairwise(self.layer_sizes))
        n_parameters = self.n_weights + sum(self.layer_sizes[1:])
        stack = () if n_networks is None else (n_networks,)
        self.parameters = np.zeros((*stack, n_parameters), dtype)
        self._bind()

    def _bind(self, gradient=None):
        """Make the views and the buffers, which copying and pickling lose."""
        self.weights, self.biases = split(self.parameters, self.layer_sizes)
        self.gradient = np.empty_like(self.parameters) if gradient is None else gradient
        self.gradient_weights, self.gradient_biases = split(self.gradient, self.layer_sizes)
        hidden = [self.activation] * (len(self.weights) - 1)
        self.activations = [*hidden, self.output_activation]
        if self.training_activations is None:
            self.training_activations = self.activations
        # views that a step would otherwise make anew; making one costs as much as
        # adding up a small batch
        single = self.parameters.ndim == 1
        self._bias_rows = self.biases if single else [b[:, None, :] for b in self.biases]
        self._transposed = [W.mT for W in self.weights]
        self._all_weights = self.parameters[..., : self.n_weights]
        self._all_gradient = self.gradient[..., : self.n_weights]
        self._buffers = {}

    def bind(self, parameters, gradient):
        """Let the network live in other arrays, such as a row of a stack's."""
        self.parameters = parameters
        self._bind(gradient)

    def __getstate__(self):
        """Keep the configuration and the parameters; the rest follows from them."""
        kept = "layer_sizes", "activation", "output_activation", "n_weights", "parameters"
        state = {name: self.__dict__[name] for name in kept}
        return state | {"training_activations": None}  # a fit sets them anew

    def __setstate__(self, state):
        """Restore, and bind the views to the restored vector."""
        self.__dict__.update(state)
        self._bind()

    def astype(self, dtype):
        """Return this network if it is of a dtype, else a copy that is."""
        if self.dtype == dtype:
            return self
        copy = Network(self.layer_sizes, self.activation, self.output_activation, dtype)
        copy.parameters[...] = self.parameters
        return copy

    @property
    def dtype(self):
        """The dtype of the parameters."""
        return self.parameters.dtype

    @property
    def deltas(self):
        """Each layer's delta, from the last ``output_delta`` and ``backward``, in buffers."""
        return self._error

    def _use_buffers(self, n_samples):
        """Point to arrays Z, A and error for each layer, made once for a batch size."""
        if n_samples not in self._buffers:
            if len(self._buffers) > 3:
                self._buffers.clear()
            Z, A, error = [], [], []
            for size, f in zip(self.layer_sizes[1:], self.training_activations, strict=True):
                shape = (*self.parameters.shape[:-1], n_samples, size)
                Z.append(np.empty(shape, self.dtype))
                A.append(np.empty(shape, self.dtype) if f.needs_net_input else Z[-1])
                error.append(np.empty(shape, self.dtype))
            ones = np.ones(n_samples, self.dtype)
            self._buffers[n_samples] = Z, A, error, [a.mT for a in A], ones
        self._Z, self._A, self._error, self._A_transposed, self._ones = self._buffers[n_samples]

    def forward(self, X, training=False):
        """Propagate a batch from the inputs to the outputs.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (..., n_samples, n_features)
            The batch.
        training : bool, default=False
            Whether to use ``training_activations``, which may drop units out.

        Returns
        -------
        ndarray of shape (..., n_samples, n_outputs)
            The outputs, in a buffer that the next call overwrites.
        """
        self._use_buffers(X.shape[-2])
        activations = self.training_activations if training else self.activations
        return propagate(X, self.weights, self._bias_rows, activations, self._Z, self._A)

    def output_delta(self, Y, loss, scale):
        """Return error × slope at the outputs of the last ``forward``, times ``scale``.

        Parameters
        ----------
        Y : ndarray of shape (..., n_samples, n_outputs)
            Targets.
        loss : Loss
            What the error is measured by.
        scale : float or ndarray of shape (..., n_samples, 1)
            Share of each sample in the objective.

        Returns
        -------
        ndarray of shape (..., n_samples, n_outputs)
            In a buffer that the next call overwrites.
        """
        delta = self._error[-1]
        loss.output_delta(Y, self._Z[-1], self._A[-1], self.output_activation, out=delta)
        return np.multiply(delta, scale, out=delta)

    def backward(self, X, delta):
        """Propagate the delta back to the first layer and fill ``gradient``.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (..., n_samples, n_features)
            The batch of the last ``forward``.
        delta : ndarray of shape (..., n_samples, n_outputs)
            From ``output_delta``.
        """
        single = self.parameters.ndim == 1
        dot = np.ndarray.dot if single else np.matmul  # see product
        for layer in range(len(self.weights) - 1, 0, -1):
            Z, A, error = self._Z[layer - 1], self._A[layer - 1], self._error[layer - 1]
            dot(self._A_transposed[layer - 1], delta, out=self.gradient_weights[layer])
            dot(self._ones, delta, out=self.gradient_biases[layer])
            # BLAS is slow at a stack of outer products, which is what one output gives
            spread = np.multiply if delta.shape[-1] == 1 and not single else dot
            spread(delta, self._transposed[layer], out=error)
            self.training_activations[layer - 1].backward(Z, A, error)
            delta = error
        transposed = X.mT if isinstance(X, np.ndarray) else X.T
        product(transposed, delta, out=self.gradient_weights[0])
        dot(self._ones, delta, out=self.gradient_biases[0])

    def penalize(self, share):
        """Add ``share · W`` to the gradient; return ``½ ‖W‖²``, what ``share`` multiplies.

        Parameters
        ----------
        share : float or ndarray of shape (n_networks, 1)
            The L2 penalty's factor in the objective. Biases cost nothing.
        """
        weights = self._all_weights
        add_scaled(weights, share, out=self._all_gradient)
        # ndarray.dot has half of vecdot's overhead
        square = weights.dot(weights) if weights.ndim == 1 else np.vecdot(weights, weights)
        return 0.5 * square
