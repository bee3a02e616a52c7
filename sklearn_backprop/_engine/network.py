"""A network is a list of layers over one flat vector of parameters.

One layer at a time, with the names of the textbook:

=====================  ==================================================
net input              ``Z = A_below @ W + b``
activation             ``A = f(Z)``
error × slope          ``delta = dL/dA · f'(Z)``
gradient               ``dL/dW = A_belowᵀ @ delta``, ``dL/db = Σ delta``
delta of layer below   ``(delta @ Wᵀ) · f'(Z_below)``
=====================  ==================================================

Everything is written for the last two axes, so a leading axis makes one network a
stack of networks that train side by side.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from .._kernels.choice import kernels_for
from .._numerics.plain import plain
from ..losses import Loss


class Layer:
    """What a layer learns, and what passes through it.

    Attributes
    ----------
    W, b : ndarray of shape (..., fan_in, fan_out) and (..., fan_out)
        Weights and biases, views of the network's parameters. In a stack b has an axis of
        length 1 before its last, for the samples.
    dW, db : ndarray of shape (..., fan_in, fan_out) and (..., fan_out)
        The objective's derivative by them, views of the network's gradient.
    f : Activation
        What makes A of Z.
    Z, A, delta : ndarray of shape (..., n_samples, fan_out)
        Net input, activation and error × slope of the last batch, in buffers. Z is None where
        f's slope follows from A, so that nobody needs it.
    kernels : Textbook or Compiled
        The equations.
    """

    def __init__(self, W, b, dW, db, f, kernels):
        self.W, self.b = W, b if W.ndim == 2 else b[..., None, :]
        self.dW, self.db = dW, db
        self.f = f
        self.kernels = kernels
        self.Z = self.A = self.delta = np.empty(0)

    def buffers(self, n_samples):
        """Return new arrays Z, A and delta for so many samples; None for a Z that is not kept."""
        shape = (*self.W.shape[:-2], n_samples, self.W.shape[-1])
        Z, A, delta = (np.empty(shape, self.W.dtype) for _ in range(3))
        return Z if self.f.needs_net_input else None, A, delta

    def forward(self, A_below: Any) -> np.ndarray:
        """Return the activation for what comes from below."""
        self.kernels.forward(A_below, self.W, self.b, self.f, self.Z, self.A)
        return self.A

    def output_delta(self, Y: np.ndarray, loss: Loss, share: Any) -> np.ndarray:
        """Return error × slope at the outputs, times each sample's share in the objective."""
        self.kernels.output_delta(Y, self.Z, self.A, self.f, loss, share, self.delta)
        return self.delta

    def gradient(self, A_below: Any, delta: np.ndarray) -> None:
        """Fill ``dW`` and ``db``."""
        self.kernels.gradient(A_below, delta, self.dW, self.db)

    def back(self, delta: np.ndarray, below: "Layer") -> np.ndarray:
        """Return the delta of the layer below."""
        self.kernels.back(delta, self.W, below.f, below.Z, below.A, below.delta)
        return below.delta


def split(vector: np.ndarray, layer_sizes: Sequence) -> tuple[list, list]:
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


@plain("network")
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
    layers : list of Layer
        From the first hidden one to the outputs.
    parameters, gradient : ndarray of shape (n_parameters,) or (n_networks, n_parameters)
        All weights, then all biases; and the objective's derivative by them.
    weights, biases : list of ndarray
        Views of ``parameters``, one a layer.
    n_weights : int
        How many of the parameters are weights.
    """

    def __init__(
        self, layer_sizes, activation, output_activation, dtype=np.float64, n_networks=None
    ):
        self.layer_sizes = tuple(layer_sizes)
        self.activation = activation
        self.output_activation = output_activation
        self.n_weights = sum(prod(shape) for shape in pairwise(self.layer_sizes))
        n_parameters = self.n_weights + sum(self.layer_sizes[1:])
        stack = () if n_networks is None else (n_networks,)
        self.parameters = np.zeros((*stack, n_parameters), dtype)
        self.layers: list[Layer] = []
        self.bind(self.parameters, np.empty_like(self.parameters))

    def bind(self, parameters, gradient):
        """Let the network live in these arrays, such as a row of a stack's.

        Makes the views, which copying and pickling lose.
        """
        training = [layer.f for layer in self.layers] or self.activations
        self.parameters, self.gradient = parameters, gradient
        self.weights, self.biases = split(parameters, self.layer_sizes)
        dW, db = split(gradient, self.layer_sizes)
        largest_layer = max(W.shape[-2] * W.shape[-1] for W in self.weights)
        self.kernels = kernels_for(parameters.ndim > 1, largest_layer)
        parts = zip(self.weights, self.biases, dW, db, training, strict=True)
        self.layers = [Layer(*part, self.kernels) for part in parts]
        self.downwards = list(pairwise(self.layers[::-1]))
        self._all_weights = parameters[..., : self.n_weights]
        self._all_dW = gradient[..., : self.n_weights]
        self._forget_buffers()

    @property
    def activations(self):
        """The layers' activations in prediction."""
        return [self.activation] * (len(self.layer_sizes) - 2) + [self.output_activation]

    @property
    def training_activations(self):
        """Those in training: the same, unless some do more than in prediction, such as dropout."""
        return [layer.f for layer in self.layers]

    @training_activations.setter
    def training_activations(self, activations):
        for layer, f in zip(self.layers, activations, strict=True):
            layer.f = f
        self._forget_buffers()  # an activation says whether it needs Z beside A

    def __getstate__(self):
        """Keep the configuration and the parameters; the rest follows from them."""
        kept = "layer_sizes", "activation", "output_activation", "n_weights", "parameters"
        return {name: self.__dict__[name] for name in kept}

    def __setstate__(self, state):
        """Restore, and bind the views to the restored vector."""
        self.__dict__.update(state)
        self.layers = []
        self.bind(self.parameters, np.empty_like(self.parameters))

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

    def _forget_buffers(self):
        self._buffers, self._n_samples = {}, -1

    def _use_buffers(self, n_samples):
        """Give each layer arrays for so many samples, made once for a batch size."""
        if n_samples not in self._buffers:
            if len(self._buffers) > 3:
                self._buffers.clear()
            self._buffers[n_samples] = [layer.buffers(n_samples) for layer in self.layers]
        arrays = self._buffers[n_samples]
        for layer, (Z, A, delta) in zip(self.layers, arrays, strict=True):
            layer.Z, layer.A, layer.delta = Z, A, delta
        self._n_samples = n_samples

    def forward(self, X: Any) -> np.ndarray:
        """Propagate a batch from the inputs to the outputs, as in training.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (..., n_samples, n_features)
            The batch.

        Returns
        -------
        ndarray of shape (..., n_samples, n_outputs)
            The outputs, in a buffer that the next call overwrites.
        """
        if X.shape[-2] != self._n_samples:
            self._use_buffers(X.shape[-2])
        A = X
        for layer in self.layers:
            A = layer.forward(A)
        return A

    def output_delta(self, Y: np.ndarray, loss: Loss, share: Any) -> np.ndarray:
        """Return error × slope at the outputs of the last ``forward``, times ``share``.

        Parameters
        ----------
        Y : ndarray of shape (..., n_samples, n_outputs)
            Targets.
        loss : Loss
            What the error is measured by.
        share : float or ndarray of shape (..., n_samples, 1)
            Of each sample in the objective.

        Returns
        -------
        ndarray of shape (..., n_samples, n_outputs)
            In a buffer that the next call overwrites.
        """
        return self.layers[-1].output_delta(Y, loss, share)

    def backward(self, X: Any, delta: np.ndarray) -> None:
        """Propagate the delta back to the first layer and fill ``gradient``.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (..., n_samples, n_features)
            The batch of the last ``forward``.
        delta : ndarray of shape (..., n_samples, n_outputs)
            From ``output_delta``.
        """
        for layer, below in self.downwards:
            layer.gradient(below.A, delta)
            delta = layer.back(delta, below)
        self.layers[0].gradient(X, delta)

    def penalize(self, share: Any) -> None:
        """Add ``share · W`` to the gradient: the L2 penalty's. Biases cost nothing.

        Parameters
        ----------
        share : float, ndarray of shape (n_networks, 1) or None
            Of the penalty in the objective; None if there is none.
        """
        if share is not None:
            self.kernels.penalize(self._all_weights, share, self._all_dW)

    def update(self, optimizer: Any, state: Any, learning_rate: Any, penalty_share: Any) -> None:
        """Add the penalty to the gradient, as ``penalize`` does, and take the optimizer's step."""
        self.kernels.update(
            optimizer, self.parameters, self.gradient, state, learning_rate, penalty_share
        )

    def half_square(self):
        """Return ``½ ‖W‖²``, what the penalty's share multiplies."""
        return self.kernels.half_square(self._all_weights)

    def predict(self, X: Any) -> np.ndarray:
        """Return the outputs for a batch, as in prediction, in a buffer as ``forward`` does."""
        if self._n_samples != X.shape[-2]:
            self._use_buffers(X.shape[-2])
        A = X
        for layer, f in zip(self.layers, self.activations, strict=True):
            self.kernels.forward(A, layer.W, layer.b, f, layer.Z, layer.A)
            A = layer.A
        return A
