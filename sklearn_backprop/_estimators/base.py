"""What the classifier and the regressor share: their public methods, over functions."""

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._engine import outputs
from .._sklearn import with_callbacks
from ..components import KnownParameters
from ..optimizers import OPTIMIZERS
from .callbacks import EpochCallbacks, epoch_hooks, given_data
from .checks import check_features
from .data import FitData, ValidationSet
from .fit import fit_on_a_copy
from .fitted import (
    activations_of,
    add_what_follows,
    copy_that_trains_by_itself,
    outputs_of,
    serving,
    slim_copy,
    without_what_follows,
)
from .onnx import export
from .parameters import CONSTRAINTS


def is_stochastic(estimator):
    """Return True, or raise what makes ``partial_fit`` not exist."""
    solver = estimator.solver
    kind = OPTIMIZERS.get(solver) if isinstance(solver, str) else solver
    if getattr(kind, "stochastic", True):  # what is no solver at all is refused by the call
        return True
    raise AttributeError(
        "partial_fit is only available for stochastic solvers; "
        f"solver={solver!r} is not one. Use 'sgd', 'adam' or 'adamw'."
    )


class BaseBackprop(EpochCallbacks, KnownParameters):
    """Base of the estimators. Use ``BackpropClassifier`` or ``BackpropRegressor``."""

    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]
    n_iter_: int
    t_: int
    loss_: float
    best_loss_: float | None
    loss_curve_: list[float]
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    history_: dict[str, list[float]]
    n_layers_: int
    n_outputs_: int
    out_activation_: str
    n_features_in_: int
    feature_names_in_: np.ndarray

    _parameter_constraints = CONSTRAINTS
    # any link makes scikit-learn's HTML representation show each parameter's description
    _doc_link_module = "sklearn_backprop"
    _doc_link_template = "#{estimator_name}"

    @with_callbacks
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        coefs_init=None,
        intercepts_init=None,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        validation_rows=None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features. float32 and float64 are used as they are; a memory-mapped array
            of them is read batch by batch.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, non-negative. A weight of 2 counts as the row twice.
        coefs_init, intercepts_init : list of array-like, default=None
            Initial weights and biases, of the shapes of ``coefs_`` and ``intercepts_``
            and, like them, for raw X. None draws them by ``initializer``.
        X_val, y_val : array-like, default=None
            A validation set for ``early_stopping``, in place of a split of X and y.
        sample_weight_val : array-like of shape (n_validation_samples,), default=None
            Its weights.
        validation_rows : array-like of int, default=None
            The rows of X and y to validate on, in place of a share drawn at random.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are not usable, or if training diverged before
            there was an epoch to keep. The estimator is then as it was.

        Warns
        -----
        ConvergenceWarning
            If training reached ``max_iter`` before it converged, or diverged and was
            taken back to its best epoch.
        """
        data = FitData(
            X,
            y,
            sample_weight,
            coefs_init=coefs_init,
            intercepts_init=intercepts_init,
            validation=ValidationSet(X_val, y_val, sample_weight_val, validation_rows),
        )
        given = given_data(X, y, sample_weight)
        context = self._begin_callbacks(given, self.max_iter)
        fit_on_a_copy(self, data, lambda fitted: epoch_hooks(self, context, given, fitted))
        self._end_callbacks(context, given)
        return self

    def _check_X(self, X):
        """Return checked features for a fitted network."""
        if not hasattr(self, "coefs_"):  # which is not what check_is_fitted takes 7 µs for
            check_is_fitted(self)
        return check_features(X, self)

    def _outputs(self, X, output_activation=None):
        """Return outputs for raw X; of the network's output activation, or of another."""
        return outputs_of(self, self._check_X(X), output_activation)

    def hidden_activations(self, X, layer=-1) -> np.ndarray:
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
        activation, _ = activations_of(self)
        with np.errstate(
            over="ignore", invalid="ignore"
        ):  # a sigmoid's exponential may, and means 0
            weights, biases, centred = serving(self)
            return outputs.hidden_activations(X, weights, biases, activation, layer, centred)

    def _input_gradients(self, X, output_activation):
        """Return ``da_k/dx`` for raw X, of the network's output activation or of another."""
        X = self._check_X(X)
        activation, _ = activations_of(self)
        with np.errstate(over="ignore", invalid="ignore"):
            weights, biases, centred = serving(self)
            return outputs.input_gradients(
                X, weights, biases, activation, output_activation, centred
            )

    def to_onnx(self, path=None) -> Any:
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
            If the package onnx is missing (``pip install onnx``).
        ValueError
            If the activation or the loss is not one of this package's.
        """
        check_is_fitted(self)
        return export(self, path)

    def slim(self) -> Self:
        """Return a copy for serving: it predicts the same and has no more than that needs.

        Returns
        -------
        object
            An estimator of this class, about as large as its weights. It refuses
            ``partial_fit`` and a warm start; ``fit`` begins anew.

        Examples
        --------
        >>> import pickle
        >>> from sklearn.datasets import load_iris
        >>> from sklearn_backprop import BackpropClassifier
        >>> model = BackpropClassifier(max_iter=20, tol=1.0).fit(*load_iris(return_X_y=True))
        >>> len(pickle.dumps(model.slim())) < len(pickle.dumps(model)) / 2
        True
        """
        check_is_fitted(self)
        return slim_copy(self)

    def __copy__(self):
        """Return a shallow copy that trains by itself: what training changes is its own."""
        return copy_that_trains_by_itself(self)

    def __getstate__(self):
        """Leave out what follows from the trained weights, unless changed by hand."""
        return without_what_follows(self, super().__getstate__())

    def __setstate__(self, state):
        """Restore, and fold the weights again."""
        super().__setstate__(state)
        add_what_follows(self)

    def __sklearn_tags__(self):
        """Tell scikit-learn that sparse X works."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
