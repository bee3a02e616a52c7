"""The network as prediction computes it where a plain one for raw data would cancel digits.

``coefs_`` and ``intercepts_`` take raw X and give raw outputs. Of a column of 1.7e9 ± 10
most digits of ``x @ W + b`` cancel, in float32 all of them; so its center is taken off
before the product. In the same way a center of the outputs is added after the last one.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._numerics.plain import plain
from .._numerics.standardization import Scaler, fold, in_two_steps, saturated


@plain("centred_network")
@dataclass
class CentredNetwork:
    """What of a network is another for centred inputs and outputs, and what it stands for.

    Attributes
    ----------
    before, after : Scaler or None
        What standardizes inputs before the first product, and is undone behind the outputs.
    weights : ndarray of shape (n_features, fan_out) or None
        Of the first layer, for inputs that are centred; None where they need not be.
    biases : list of ndarray
        Of the first and the last layer, for such inputs and outputs.
    raw_weights, raw_biases : ndarray or None, list of ndarray
        The same for raw ones.
    """

    before: Scaler | None
    after: Scaler | None
    weights: np.ndarray | None
    biases: list
    raw_weights: Any
    raw_biases: list

    def is_of(self, coefs, intercepts):
        """Tell whether this stands for these layers, which may have been edited."""
        first, last = self.raw_biases
        if self.after is not None and not np.array_equal(intercepts[-1], last):
            return False
        return self.before is None or (
            np.array_equal(intercepts[0], first) and np.array_equal(coefs[0], self.raw_weights)
        )

    def layers(self, coefs, intercepts):
        """Return the weights and the biases of all layers."""
        weights, biases = list(coefs), list(intercepts)
        if self.after is not None:
            biases[-1] = self.biases[1]
        if self.before is not None:
            weights[0], biases[0] = self.weights, self.biases[0]
        return weights, biases

    def without_layers(self):
        """Return a copy without what it stands for, for a pickle that has that beside it."""
        is_same = self.weights is self.raw_weights
        weights = "the same" if is_same and self.weights is not None else self.weights
        return replace(self, weights=weights, raw_weights=None, raw_biases=None)

    def with_layers(self, coefs, intercepts):
        """Return a copy that stands for these layers again."""
        raw = None if self.weights is None else coefs[0].copy()
        weights = raw if isinstance(self.weights, str) else self.weights
        biases = [b.copy() for b in _ends(intercepts)]
        return replace(self, weights=weights, raw_weights=raw, raw_biases=biases)

    def inputs(self, X, buffers):
        """Return some rows of X, dense or CSR, scaled, in a buffer for the next rows."""
        if self.before is None:
            return X
        if not isinstance(X, np.ndarray):
            return self.before.transform_sparse(X)
        if "inputs" not in buffers:  # the first block is the largest
            buffers["inputs"] = np.empty(X.shape, X.dtype)
            # a center for each row, since NumPy is slow at many short rows
            buffers["centers"] = np.empty(X.shape, X.dtype)
            buffers["centers"][...] = self.before.center
        out = buffers["inputs"][: len(X)]
        np.subtract(X, buffers["centers"][: len(X)], out=out)
        if not self.before.only_moves:
            np.divide(out, self.before.scale.astype(X.dtype), out=out)
        return out

    def outputs(self, A):
        """Give some rows of outputs their center and scale back, in place, rounded once."""
        if self.after is None:
            return
        if self.after.only_moves:
            np.add(A, self.after.center.astype(A.dtype), out=A)
        else:
            A[...] = saturated(self.after.inverse_transform(A), A.dtype)

    def gradients(self, gradients):
        """Return the derivatives of raw outputs by raw inputs from those of scaled ones."""
        n_outputs, n_features = gradients.shape[-2:]
        by = np.ones(n_features) if self.before is None else self.before.scale
        of = np.ones(n_outputs) if self.after is None else self.after.scale
        return saturated(gradients / by * of[:, None], gradients.dtype)


def centred_network(weights, biases, features, targets, dtype):
    """Return the network for centred inputs and outputs, or None where it need not be another.

    Parameters are those of `standardization.fold`.
    """
    before, features_left = (None, None) if features is None else in_two_steps(features, dtype)
    after, targets_left = (None, None) if targets is None else in_two_steps(targets, dtype)
    if before is None and after is None:
        return None
    raw_W, raw_b = fold(weights, biases, features, targets, dtype)
    W, b = fold(weights, biases, features_left, targets_left, dtype)
    first = raw = None
    if before is not None:
        raw = raw_W[0]
        first = raw if np.array_equal(W[0], raw) else W[0]
    raw_ends, ends = ([array.copy() for array in _ends(part)] for part in (raw_b, b))
    return CentredNetwork(before, after, first, ends, raw, raw_ends)


def _ends(biases):
    return [biases[0], biases[-1]]
