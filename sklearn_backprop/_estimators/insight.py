"""What a fitted estimator tells of its network, and the forms it can be taken away in."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._engine import outputs
from .onnx import export


class Insight:
    """Mixin of the estimators: a thin shell around ``inspection`` and ``onnx_export``."""

    def hidden_activations(self, X, layer=-1):
        """Return the activation of a hidden layer: features the network has learned.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features.
        layer : int, default=-1
            Which hidden layer, as an index into a list of them: 0 is the first, -1 the
            last.

        Returns
        -------
        ndarray of shape (n_samples, n_units)

        Raises
        ------
        ValueError
            If there is no such layer.

        See Also
        --------
        BackpropTransformer : The same as a step of a pipeline.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn_backprop import BackpropClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = BackpropClassifier(hidden_layer_sizes=(8, 3), max_iter=20, tol=1.0).fit(X, y)
        >>> model.hidden_activations(X, layer=0).shape
        (150, 8)
        """
        X = self._check_X(X)
        with np.errstate(over="ignore"):  # a sigmoid's exponential may, and means 0
            weights, biases, centred = self._serving()
            return outputs.hidden_activations(
                X, weights, biases, self._served.activation, layer, centred
            )

    def _input_gradients(self, X, output_activation):
        X = self._check_X(X)
        with np.errstate(over="ignore"):
            weights, biases, centred = self._serving()
            return outputs.input_gradients(
                X, weights, biases, self._served.activation, output_activation, centred
            )

    def to_onnx(self, path=None):
        """Return the network as an ONNX model, to be served without Python.

        The model has one input ``X``, a double tensor of shape (N, n_features), and one
        output, a double tensor: ``probabilities`` like ``predict_proba``, or
        ``predictions`` like ``predict``. X is standardized in double precision; the
        layers compute in single precision, but for the last.

        Parameters
        ----------
        path : str or path-like, default=None
            File to write the model to.

        Returns
        -------
        onnx.ModelProto
            The labels are in its metadata as ``classes``, a JSON list.

        Raises
        ------
        ImportError
            If the package onnx is missing (``pip install sklearn-backprop[onnx]``).
        ValueError
            If the activation or the loss is not one of this package's.
        """
        check_is_fitted(self)
        return export(self, path)
