"""What a fitted network says of data, layer by layer, for any of the estimators."""

import numpy as np

from ._step import check_estimator_is_ours


def hidden_activations(estimator, X, layer=-1) -> np.ndarray:
    """Return the activation of a hidden layer: features the network has learned.

    Parameters
    ----------
    estimator : BackpropClassifier or BackpropRegressor
        Fitted.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Features.
    layer : int, default=-1
        Which hidden layer, as an index into a list of them: 0 is the first, -1 the last.

    Returns
    -------
    ndarray of shape (n_samples, n_units)
        In the wider dtype of X and the weights.

    Raises
    ------
    TypeError
        If ``estimator`` is none of this package, or ``layer`` is not an integer.
    ValueError
        If there is no such layer.

    See Also
    --------
    sklearn_backprop.BackpropTransformer : The same as a step of a pipeline.
    """
    return check_estimator_is_ours(estimator, "hidden_activations").hidden_activations(X, layer)


def input_gradients(estimator, X, **options) -> np.ndarray:
    """Return the gradient of each output with respect to each feature (saliency).

    Backpropagation that goes one layer further, to the inputs (Simonyan, Vedaldi and
    Zisserman, "Deep inside convolutional networks: visualising image classification models
    and saliency maps", ICLR 2014 workshop).

    Parameters
    ----------
    estimator : BackpropClassifier or BackpropRegressor
        Fitted.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Features.
    **options : object
        ``method`` of a classifier: see `BackpropClassifier.input_gradients`.

    Returns
    -------
    ndarray of shape (n_samples, n_outputs, n_features)
        In the units of raw X.

    Raises
    ------
    TypeError
        If ``estimator`` is none of this package.
    """
    return check_estimator_is_ours(estimator, "input_gradients").input_gradients(X, **options)
