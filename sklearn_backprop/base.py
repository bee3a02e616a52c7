"""What the classifier and the regressor share: from ``fit`` down to the training loop."""

from copy import deepcopy
from itertools import pairwise
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from .activations import ACTIVATIONS, OUTPUT_ACTIVATIONS, Identity
from .backprop import Network, predict
from .blas import blas_threads_for
from .checks import (
    check_features_and_targets,
    check_hidden_layer_sizes,
    check_initial_values,
    check_weights,
)
from .components import lookup
from .fit_loop import FitLoop
from .initializers import INITIALIZERS
from .optimizers import OPTIMIZERS
from .parameters import CONSTRAINTS
from .samples import Samples
from .schedules import SCHEDULES
from .standardization import Moments, fold, unfold
from .training import ROWS, Training
from .validation import held_out_rows, make_validation


def _all_equal(arrays, others):
    return len(arrays) == len(others) and all(map(np.array_equal, arrays, others))


class BaseBackprop(BaseEstimator):
    """Base of the estimators. Use ``BackpropClassifier`` or ``BackpropRegressor``."""

    _parameter_constraints = CONSTRAINTS
    # any link makes scikit-learn's HTML representation show each parameter's description
    _doc_link_module = __package__
    _doc_link_template = "#{estimator_name}"

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
    ):
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
        return self._fit_on_a_copy(
            X,
            y,
            sample_weight,
            initial=(coefs_init, intercepts_init),
            validation_set=(X_val, y_val, sample_weight_val),
        )

    def _fit_on_a_copy(self, *args, **kwargs):
        """Fit a shallow copy and take over its state: an error leaves self untouched."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._fit(*args, **kwargs)
        self.__dict__ = copy.__dict__
        return self

    def _fit(
        self,
        X,
        y,
        sample_weight,
        *,
        incremental=False,
        classes=None,
        initial=(None, None),
        validation_set=(None, None, None),
    ):
        """Check everything, train, and set the fitted attributes."""
        self._validate_params()
        self._check_combinations(incremental, validation_set)
        goes_on = hasattr(self, "_training") and (incremental or self.warm_start)
        given_X = X
        X, y = check_features_and_targets(X, y, self, self._y_numeric)
        sample_weight = check_weights(sample_weight, X)
        Y = self._encode(y, classes, goes_on, incremental)
        validate_data(self, given_X, skip_check_array=True, reset=not goes_on)

        training = self._make_training(X, Y, goes_on, incremental)
        self._update_statistics(training, X, Y, sample_weight, incremental)
        self._set_initial_values(training, initial)
        rows = validate = None
        if self.early_stopping:
            rows, validate = self._validation(training, given_X, X, y, Y, sample_weight,
                                              validation_set)  # fmt: skip
        training.monitor("loss" if validate is None else "validation")
        samples = self._samples(training, X, Y, sample_weight, rows)
        training.update_mean_weight(samples, incremental)
        self._run(training, samples, validate, incremental)
        self._publish(training)
        return self

    def _check_combinations(self, incremental, validation_set):
        """Refuse parameters that contradict one another."""
        if isinstance(self.learning_rate, Real) and self.learning_rate_init != 0.001:
            raise ValueError(
                f"learning_rate={self.learning_rate!r} is a constant rate, so learning_rate_init "
                f"must keep its default 0.001, got {self.learning_rate_init!r}. Pass the rate to "
                "one of them, or learning_rate='constant'."
            )
        if incremental and self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: it makes one pass and has no "
                "validation set. Use fit, or early_stopping=False."
            )
        X_val, y_val, _ = validation_set
        if (X_val is None) != (y_val is None):
            missing = "X_val" if X_val is None else "y_val"
            raise ValueError(f"X_val and y_val go together, but {missing} was not passed.")
        if X_val is not None and not self.early_stopping:
            raise ValueError("X_val and y_val are for early_stopping=True, which is False.")

    # ------------------------------------------------------------ what is trained

    def _make_training(self, X, Y, goes_on, incremental):
        """Return a training with fresh or inherited weights, and today's parameters."""
        old = self._training if goes_on else None
        if goes_on and not incremental:
            old = deepcopy(old)  # fit leaves the estimator as it was if it fails
        flat = self.get_params(deep=False)
        optimizer = lookup("solver", self.solver, OPTIMIZERS, flat)
        dtype = np.dtype(X.dtype if self.dtype == "auto" else self.dtype)
        self._dtype = dtype if not goes_on or self.dtype != "auto" else self._dtype
        network = self._make_network(X, Y, optimizer, old)
        if isinstance(self.learning_rate, Real):
            schedule, rate = lookup("learning_rate", "constant", SCHEDULES), self.learning_rate
        else:
            schedule = lookup("learning_rate", self.learning_rate, SCHEDULES, flat)
            rate = self.learning_rate_init
        settings = {
            "network": network,
            "loss": self._loss,
            "optimizer": optimizer,
            "schedule": schedule,
            "alpha": float(self.alpha),
            "learning_rate_init": float(rate),
        }
        if not goes_on:
            training = Training(**settings, random_state=check_random_state(self.random_state))
            training.restart_optimizer()
            self._initialize(training)
            return training
        training = old.reconfigure(**settings)
        if not incremental:
            training.random_state = check_random_state(self.random_state)
            training.begin_fit()
        return training

    def _make_network(self, X, Y, optimizer, old):
        """Return a network of the shape that the data and the parameters ask for."""
        sizes = (X.shape[1], *check_hidden_layer_sizes(self.hidden_layer_sizes), Y.shape[1])
        if old is not None and sizes != old.network.layer_sizes:
            raise ValueError(
                f"The layers would have the sizes {sizes}, but those fitted before have "
                f"{old.network.layer_sizes}: hidden_layer_sizes and the shapes of X and y must "
                "stay the same under warm_start and partial_fit. Use warm_start=False to begin "
                "anew."
            )
        output = self._output_activation()
        # the line search of L-BFGS needs the last digits
        dtype = self._dtype if optimizer.stochastic else np.dtype(np.float64)
        hidden = lookup("activation", self.activation, ACTIVATIONS)
        network = Network(sizes, hidden, output, dtype)
        if old is not None:
            network.parameters[...] = old.network.parameters
        return network

    def _output_activation(self):
        chosen = getattr(self, "output_activation", "auto")
        name = (
            self._loss.output_activation if isinstance(chosen, str) and chosen == "auto" else chosen
        )
        return lookup("output_activation", name, OUTPUT_ACTIVATIONS)

    def _initialize(self, training):
        """Draw weights and biases layer by layer, in scikit-learn's order."""
        network = training.network
        initializer = lookup("initializer", self.initializer, INITIALIZERS)
        for W, b in zip(network.weights, network.biases, strict=True):
            args = (*W.shape, network.activation, training.random_state)
            W[...] = initializer.weights(*args)
            b[...] = initializer.biases(*args)

    def _set_initial_values(self, training, initial):
        """Start from ``coefs_init`` and ``intercepts_init``, given for raw X."""
        network = training.network
        shapes = list(pairwise(network.layer_sizes))
        coefs = check_initial_values(initial[0], shapes, "coefs_init")
        intercepts = check_initial_values(
            initial[1], [(size,) for size in network.layer_sizes[1:]], "intercepts_init"
        )
        if coefs is None and intercepts is None:
            return
        scalers = training.feature_scaler, training.target_scaler
        raw = fold(network.weights, network.biases, *scalers)
        values = unfold(coefs or raw[0], intercepts or raw[1], *scalers)
        for views, arrays in zip((network.weights, network.biases), values, strict=True):
            for view, array in zip(views, arrays, strict=True):
                view[...] = array

    # ------------------------------------------------------------ what it trains on

    def _update_statistics(self, training, X, Y, sample_weight, incremental):
        """Take the mean and scale of X, and of Y if they may be scaled, from this data."""
        if incremental and training.samples_seen:
            if self.standardize != (training.feature_moments is not None):
                raise ValueError(
                    "standardize cannot change between calls of partial_fit: the network has "
                    "learned in the other coordinates. Use fit to begin anew."
                )
        else:
            identity = isinstance(training.network.output_activation, Identity)
            scales_targets = training.loss.standardizes_targets and identity
            training.feature_moments = Moments(X.shape[1]) if self.standardize else None
            training.target_moments = (
                Moments(Y.shape[1]) if self.standardize and scales_targets else None
            )
        training.feature_scaler = training.target_scaler = None
        if training.feature_moments is not None:
            training.feature_moments.update(X, sample_weight)
            is_dense = isinstance(X, np.ndarray)
            training.feature_scaler = training.feature_moments.scaler(center=is_dense)
        if training.target_moments is not None:
            training.target_moments.update(Y, sample_weight)
            training.target_scaler = training.target_moments.scaler()

    def _samples(self, training, X, Y, sample_weight, rows=None):
        dtype = training.network.dtype
        if training.target_scaler is not None:
            Y = training.target_scaler.transform(Y, out=np.empty(Y.shape, dtype))
        Y = np.ascontiguousarray(Y, dtype=dtype)
        return Samples(X, Y, sample_weight, rows, training.feature_scaler)

    def _validation(self, training, given_X, X, y, Y, sample_weight, validation_set):
        """Return the rows to train on (None for all), and what scores the others or X_val."""
        if validation_set[0] is not None:
            data = self._check_validation_set(given_X, *validation_set)
            return None, make_validation(self, training, *data)
        rows, held_out = held_out_rows(
            self._stratify(Y), len(Y), self.validation_fraction, training.random_state
        )
        return rows, make_validation(self, training, X, y, sample_weight, held_out)

    def _check_validation_set(self, given_X, X_val, y_val, sample_weight_val):
        reader = object.__new__(type(self))
        reader.__dict__.update(self.__dict__)
        validate_data(reader, given_X, skip_check_array=True, reset=True)
        validate_data(reader, X_val, skip_check_array=True, reset=False)
        X_val, y_val = check_features_and_targets(X_val, y_val, self, self._y_numeric)
        return X_val, y_val, check_weights(sample_weight_val, X_val, "sample_weight_val")

    # ------------------------------------------------------------ training

    def _run(self, training, samples, validate, incremental):
        loop = FitLoop(
            training,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            max_iter=self.max_iter,
            validate=validate,
            verbose=bool(self.verbose),
        )
        batch_size = 200 if self.batch_size == "auto" else self.batch_size
        batch_size = min(batch_size, samples.n_samples)
        rows = batch_size if training.optimizer.stochastic else min(ROWS, samples.n_samples)
        # divergence is looked for, and told, once an epoch: NumPy need not warn as well
        with blas_threads_for(training.network.layer_sizes, rows), np.errstate(all="ignore"):
            loop.run(samples, batch_size, self.shuffle, single_epoch=incremental)

    def _publish(self, training):
        """Set the fitted attributes."""
        network, best = training.network, training.best
        self._training = training
        self._set_folded_weights()
        self.n_layers_ = len(network.layer_sizes)
        self.n_outputs_ = network.layer_sizes[-1]
        self.out_activation_ = network.output_activation.name
        self.n_iter_ = training.n_iter
        self.t_ = training.samples_seen
        self.loss_curve_ = training.loss_curve
        self.loss_ = training.loss_curve[-1] if training.loss_curve else np.inf
        self.validation_scores_ = self.best_validation_score_ = self.best_loss_ = None
        if training.monitored == "validation":
            self.validation_scores_ = training.validation_scores
            self.best_validation_score_ = best.score
        else:
            self.best_loss_ = -best.score

    def _set_folded_weights(self):
        coefs, intercepts = self._folded_weights()
        self.coefs_, self.intercepts_ = coefs, intercepts

    def _folded_weights(self):
        """Return the weights and biases for raw X that the trained ones amount to."""
        training = self._training
        folded = fold(
            training.network.weights,
            training.network.biases,
            training.feature_scaler,
            training.target_scaler,
        )
        return [[array.astype(self._dtype, copy=False) for array in part] for part in folded]

    # ------------------------------------------------------------ using it

    def _outputs(self, X, output_activation=None):
        """Return outputs for raw X; of the network's output activation, or of another."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False)
        network = self._training.network
        output_activation = output_activation or network.output_activation
        with np.errstate(over="ignore"):  # a sigmoid's exponential may, and means 0
            return predict(X, self.coefs_, self.intercepts_, network.activation, output_activation)

    def __getstate__(self):
        """Leave out folded weights: they follow from the trained ones, unless changed by hand."""
        state = dict(super().__getstate__())
        if "coefs_" in state:
            coefs, intercepts = self._folded_weights()
            if _all_equal(coefs, self.coefs_) and _all_equal(intercepts, self.intercepts_):
                del state["coefs_"], state["intercepts_"]
        return state

    def __setstate__(self, state):
        """Restore, and fold the weights again."""
        super().__setstate__(state)
        if hasattr(self, "_training") and not hasattr(self, "coefs_"):
            self._set_folded_weights()

    def __sklearn_tags__(self):
        """Tell scikit-learn that sparse X works."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
