"""The regressor."""

from collections.abc import Callable
from typing import Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..components import lookup
from ..losses import LOSSES
from .base import BaseBackprop, is_stochastic
from .data import FitData
from .fit import fit_on_a_copy
from .fitted import activations_of, loss_of
from .parameters import CONSTRAINTS, document_parameters, losses_for, names


def without_axis_of_one(predictions):
    """Return predictions of shape (n_samples, n_outputs) as a vector if they are of one output."""
    return predictions.ravel() if predictions.shape[1] == 1 else predictions


def score_predictions(loss, y, predictions, sample_weight=None):
    """Return R², or for several quantiles the mean D² of their pinball losses."""
    quantiles = np.atleast_1d(getattr(loss, "quantile", ()))
    if len(quantiles) < 2:
        return r2_score(y, predictions, sample_weight=sample_weight)
    scores = [
        d2_pinball_score(y, column, alpha=q, sample_weight=sample_weight)
        for column, q in zip(predictions.T, quantiles, strict=True)
    ]
    return float(np.mean(scores))


class ScoredByLoss:
    """Mixin of regressors: ``score`` by what their loss predicts."""

    predict: Callable
    _loss_for_score: Callable

    def score(self, X, y, sample_weight=None) -> float:
        """Return R², or for several quantiles the mean D² of their pinball losses.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.

        Returns
        -------
        float
        """
        predictions = self.predict(X)  # which says so if this is not fitted
        return score_predictions(self._loss_for_score(), y, predictions, sample_weight)


@document_parameters(
    losses=f"{names(losses_for('regression'))}",
    loss_notes="``'squared_error'`` is half the squared error; ``'poisson'`` (y >= 0) and "
    "``'gamma'`` (y > 0) are half the deviance, with the exponential as output activation; "
    "``Quantile([0.05, 0.5, 0.95])`` predicts several quantiles, ``'gaussian'`` a mean and a "
    "standard deviation.",
    target_notes=", and on such targets where the output activation is the identity",
    default_score="R²",
)
class BackpropRegressor(ScoredByLoss, RegressorMixin, BaseBackprop):
    """Multilayer perceptron regressor, trained by backpropagation.

    A drop-in replacement of `sklearn.neural_network.MLPRegressor`: the same names,
    and much more. One or several targets; squared error or Poisson deviance.

    $parameters

    Attributes
    ----------
    $attributes

    See Also
    --------
    BackpropClassifier : The same for classes.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_backprop import BackpropRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> regressor = BackpropRegressor(max_iter=50, tol=0.01, random_state=0).fit(X, y)
    >>> regressor.predict(X[:2]).shape
    (2,)
    """

    _parameter_constraints = {**CONSTRAINTS}
    _parameter_constraints.pop("class_weight")
    _y_numeric = True

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        loss="squared_error",
        n_hidden_layers=None,
        output_activation="auto",
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        initializer="auto",
        standardize=True,
        dtype="auto",
        scoring="loss",
        dropout=0.0,
        max_grad_norm=None,
        max_time=None,
    ):
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.n_hidden_layers = n_hidden_layers
        self.activation = activation
        self.output_activation = output_activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.initializer = initializer
        self.standardize = standardize
        self.dtype = dtype
        self.scoring = scoring
        self.dropout = dropout
        self.max_grad_norm = max_grad_norm
        self.max_time = max_time

    @available_if(is_stochastic)
    def partial_fit(self, X, y, sample_weight=None) -> Self:
        """Train for one pass over these samples, and remember where training stands.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, non-negative.

        Returns
        -------
        self : object
            The estimator, trained further.

        Raises
        ------
        ValueError
            If the data are not usable or have other features than before, or if
            ``early_stopping`` is on. After an error, or Ctrl-C, the estimator is as it was.
        """
        data = FitData(X, y, sample_weight, incremental=True)
        return fit_on_a_copy(self, data)

    def _encode(self, y, classes, goes_on, incremental, once):
        """Return the targets as columns of float64."""
        loss = lookup("loss", self.loss, LOSSES)
        if loss.task != "regression":
            raise ValueError(
                f"loss={self.loss!r} is for classification; known here are "
                f"{names(losses_for('regression'))}."
            )
        self._loss = loss
        return self._targets_of(y)

    def _targets_of(self, y):
        Y = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        self._loss.check_targets(Y)
        return Y

    def _check_more_targets(self, y, Y):
        """Raise ``ValueError`` unless validation targets have the columns of the others."""
        if self._targets_of(y).shape[1] != Y.shape[1]:
            raise ValueError(f"y_val must have {Y.shape[1]} columns, as y has; got {y.shape}.")

    def _weighted(self, sample_weight, y):
        return sample_weight

    def _stratify(self, Y):
        return None

    def predict(self, X, return_std=False):
        """Return the predicted targets.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features.
        return_std : bool, default=False
            Whether to return predicted standard deviations too, for ``loss="gaussian"``.

        Returns
        -------
        y : ndarray of shape (n_samples,), (n_samples, n_targets) or (n_samples, n_quantiles)
            Predictions.
        std : ndarray of the shape of y
            Only with ``return_std``.
        """
        outputs = self._outputs(X)
        loss = loss_of(self)
        parts = [loss.predictions(outputs)]
        if return_std:
            if not hasattr(loss, "standard_deviations"):
                raise ValueError(
                    f"return_std=True needs loss='gaussian', which learns a variance; this "
                    f"regressor was fitted with loss={loss.name!r}."
                )
            parts.append(loss.standard_deviations(outputs))
        parts = [without_axis_of_one(part) for part in parts]
        return tuple(parts) if return_std else parts[0]

    def _loss_for_score(self):
        return loss_of(self)

    def input_gradients(self, X) -> np.ndarray:
        """Return the gradient of each output with respect to each feature (saliency).

        In the units of raw X and y, whatever ``standardize`` is.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs, n_features)
            Of the network's outputs: what ``predict`` returns, but several quantiles as
            they are before they are sorted, and for ``loss="gaussian"`` the means and
            then the log-variances.
        """
        check_is_fitted(self)
        return self._input_gradients(X, activations_of(self)[1])

    def __sklearn_tags__(self):
        """Tell scikit-learn that several targets work, and whether they must be positive."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        # a loss that is not known is refused by fit, which says so; tags only tell
        loss = LOSSES.get(self.loss) if isinstance(self.loss, str) else self.loss
        tags.target_tags.positive_only = getattr(loss, "positive_only", False)
        return tags
