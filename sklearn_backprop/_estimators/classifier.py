"""The classifier."""

from collections.abc import Callable
from typing import Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..activations import Identity
from ..components import lookup
from ..losses import LOSSES
from .base import BaseBackprop, is_stochastic
from .data import FitData
from .fit import fit_on_a_copy
from .fitted import activations_of
from .parameters import CONSTRAINTS, document_parameters
from .targets import ClassTargets

IDENTITY = Identity()


def probabilities(targets, P):
    """Return the probability of each class from a network's outputs.

    Parameters
    ----------
    targets : ClassTargets
        What the outputs speak for.
    P : ndarray of shape (n_samples, n_outputs)
        Outputs; overwritten.
    """
    if len(targets.classes_) == 1:
        return np.ones_like(P)  # nothing else to choose from
    if targets.kind == "binary":
        P = np.hstack([1 - P, P])
    eps = np.finfo(P.dtype).eps
    return np.clip(P, eps, 1 - eps, out=P)


class LogProbabilities:
    """Mixin of classifiers: ``predict_log_proba`` from ``predict_proba``."""

    predict_proba: Callable

    def predict_log_proba(self, X) -> np.ndarray:
        """Return the logarithm of ``predict_proba``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        P = self.predict_proba(X)
        return np.log(P, out=P)


@document_parameters(
    losses="{'log_loss', 'focal'}",
    loss_notes="``'log_loss'`` is the cross-entropy, an instance "
    "``LogLoss(label_smoothing=0.1)`` smooths the labels; ``'focal'`` dwells on hard samples.",
    target_notes="",
    default_score="accuracy",
)
class BackpropClassifier(LogProbabilities, ClassifierMixin, BaseBackprop):
    """Multilayer perceptron classifier, trained by backpropagation.

    A drop-in replacement of `sklearn.neural_network.MLPClassifier`: the same names,
    and much more. Binary, multiclass and multilabel targets; the log-loss.

    $parameters

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted.
    $attributes

    See Also
    --------
    BackpropRegressor : The same for numbers.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_backprop import BackpropClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = BackpropClassifier(learning_rate_init=0.01, random_state=0).fit(X, y)
    >>> classifier.predict(X[:2])
    array([0, 0])
    """

    _parameter_constraints = {**CONSTRAINTS}
    _parameter_constraints.pop("output_activation")
    _y_numeric = False

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        loss="log_loss",
        class_weight=None,
        n_hidden_layers=None,
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
        self.class_weight = class_weight
        self.hidden_layer_sizes = hidden_layer_sizes
        self.n_hidden_layers = n_hidden_layers
        self.activation = activation
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
    def partial_fit(self, X, y, sample_weight=None, classes=None) -> Self:
        """Train for one pass over these samples, and remember where training stands.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, non-negative.
        classes : array-like of shape (n_classes,), default=None
            All labels that can ever occur; needed in the first call. For several labels
            a row, the numbers of the columns of y.

        Returns
        -------
        self : object
            The estimator, trained further.

        Raises
        ------
        ValueError
            If the data are not usable, have other features than before or labels not
            in ``classes``, if ``classes`` are no labels of one kind or others than in the
            first call, or if ``early_stopping`` is on. After an error, or Ctrl-C, the
            estimator is as it was.
        """
        data = FitData(X, y, sample_weight, classes=classes, incremental=True)
        return fit_on_a_copy(self, data)

    def _encode(self, y, classes, goes_on, incremental, once):
        """Return the targets as columns of 0 and 1; set ``classes_``."""
        if incremental and isinstance(self.class_weight, str):
            raise ValueError(
                f"class_weight={self.class_weight!r} needs all labels at once, which partial_fit "
                "never has. Pass a dict {label: weight}; "
                "sklearn.utils.class_weight.compute_class_weight('balanced', classes=..., y=...) "
                "gives the weights for a sample of y."
            )
        if not goes_on:
            if incremental and classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            self._targets = once(ClassTargets, y, classes)
            self.classes_ = self._targets.classes_
        elif incremental:
            self._targets.check_classes(classes)
            self._targets.check_known(y)
        else:
            self._targets.check_same(y)
        loss = lookup("loss", self.loss, LOSSES)
        if loss.task != "classification":
            raise ValueError(
                f"loss={self.loss!r} is for regression; known here are 'log_loss' and 'focal'."
            )
        self._loss = loss.for_target(self._targets.kind)
        return once(ClassTargets.encode, self._targets, y)

    def _targets_of(self, y):
        self._targets.check_known(y)
        return self._targets.encode(y)

    def _check_more_targets(self, y, Y):
        """Raise ``ValueError`` unless validation labels are among the others."""
        self._targets.check_known(y)

    def _weighted(self, sample_weight, y):
        """Return the sample weights times the class weights."""
        if self.class_weight is None:
            return sample_weight
        weights = self._targets.sample_weight(self.class_weight, y)
        return weights if sample_weight is None else weights * sample_weight

    def _has_plain_accuracy(self):
        """Tell whether ``score`` and ``predict`` are those of this class."""
        kind = type(self)
        return kind.score is BackpropClassifier.score and kind.predict is BackpropClassifier.predict

    def _stratify(self, Y):
        return Y if Y.shape[1] == 1 else None  # scikit-learn's rule

    def decision_function(self, X) -> np.ndarray:
        """Return the net inputs of the output layer (logits).

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
        """
        logits = self._outputs(X, IDENTITY)
        return logits.ravel() if self._targets.kind == "binary" else logits

    def predict(self, X) -> np.ndarray:
        """Return the most probable label, or for multilabel those above one half.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
        """
        logits = self._outputs(X, IDENTITY)
        return self._targets.decode(logits)

    def predict_proba(self, X) -> np.ndarray:
        """Return the probability of each class, in the order of ``classes_``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Inside (0, 1). For multilabel each column stands on its own.
        """
        P = self._outputs(X)  # which says so if this is not fitted
        return probabilities(self._targets, P)

    def input_gradients(self, X, method="decision_function") -> np.ndarray:
        """Return the gradient of each output with respect to each feature (saliency).

        In the units of raw X, whatever ``standardize`` is.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features.
        method : {"decision_function", "predict_proba"}, default="decision_function"
            Which outputs: the logits, or the probabilities. Probabilities near 0 and 1
            hardly move, so their gradients vanish just where the network is sure.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs, n_features)
            In the order of ``classes_``; for two classes there is one output, which
            speaks for ``classes_[1]``.

        Raises
        ------
        ValueError
            If ``method`` is not one of the two.
        """
        check_is_fitted(self)
        known = {
            "decision_function": IDENTITY,
            "predict_proba": activations_of(self)[1],
        }
        if method not in known:
            raise ValueError(f"method={method!r} is not known. Known are {', '.join(known)}.")
        return self._input_gradients(X, known[method])

    def __sklearn_tags__(self):
        """Tell scikit-learn that multilabel targets work."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
