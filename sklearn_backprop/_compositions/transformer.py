"""A trained hidden layer as a step of a pipeline."""

from numbers import Integral
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from .._engine.outputs import hidden_layer_index
from .._estimators.checks import check_given
from .._estimators.classifier import BackpropClassifier
from .._estimators.fitted import OwnsEstimators
from .._estimators.regressor import BackpropRegressor
from .._sklearn import HasMethods

CLASSES = ("binary", "multiclass", "multilabel-indicator")


class BackpropTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, OwnsEstimators, BaseEstimator
):
    """Transform features into the activations of a trained hidden layer.

    A network is trained on X and y, and one of its hidden layers is what ``transform``
    returns: features that were learned for the task, for another model to use, or to
    plot where there are two.

    Parameters
    ----------
    estimator : BackpropClassifier or BackpropRegressor, default=None
        What to train; a clone of it. None takes a ``BackpropClassifier`` with its
        defaults where ``y`` are classes by `sklearn.utils.multiclass.type_of_target`
        (integers are), and a ``BackpropRegressor`` otherwise.
    layer : int, default=-1
        Which hidden layer, as an index into a list of them: 0 is the first, -1 the last.
    random_state : int, RandomState instance or None, default=None
        Set on the estimator before it is trained; None leaves it its own.

    Attributes
    ----------
    estimator_ : BackpropClassifier or BackpropRegressor
        The fitted network.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had some.

    See Also
    --------
    BackpropClassifier.hidden_activations : The same as a method.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_backprop import BackpropClassifier, BackpropTransformer
    >>> X, y = load_iris(return_X_y=True)
    >>> network = BackpropClassifier(hidden_layer_sizes=(8, 2), max_iter=20, tol=1.0)
    >>> BackpropTransformer(network).fit_transform(X, y).shape
    (150, 2)
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "hidden_activations"]), None],
        "layer": [Integral],
        "random_state": ["random_state"],
    }

    def __init__(self, estimator=None, *, layer=-1, random_state=None):
        self.estimator = estimator
        self.layer = layer
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None) -> Self:
        """Train a clone of the estimator.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets; they are needed.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, non-negative.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If the data are not usable, or if the network has no such hidden layer.
        """
        self._validate_params()
        check_given(y, self)
        estimator = self._default_estimator(y) if self.estimator is None else clone(self.estimator)
        if self.random_state is not None:
            estimator.set_params(random_state=self.random_state)
        estimator.fit(X, y, sample_weight=sample_weight)
        hidden_layer_index(self.layer, len(estimator.coefs_) - 1)
        validate_data(self, X, skip_check_array=True)
        self.estimator_ = estimator
        return self

    def _default_estimator(self, y):
        kind = type_of_target(y, input_name="y")
        return BackpropClassifier() if kind in CLASSES else BackpropRegressor()

    def transform(self, X) -> np.ndarray:
        """Return the activations of the hidden layer.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_units)
            In the dtype of X, float32 or float64, or of the weights if that is wider.
        """
        check_is_fitted(self)
        return self.estimator_.hidden_activations(X, self.layer)

    @property
    def _n_features_out(self):
        """How many names ``get_feature_names_out`` makes."""
        return self.estimator_.coefs_[:-1][self.layer].shape[1]

    def __sklearn_tags__(self):
        """Tell scikit-learn that y is needed, and that sparse X and float32 work."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
