"""What the classifier and the regressor share: from ``fit`` down to the training loop."""

from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from .activations import ACTIVATIONS, OUTPUT_ACTIVATIONS, Activation, Identity
from .backprop import Network, predict
from .blas import blas_threads_for
from .callbacks import EpochCallbacks, with_callbacks
from .checks import (
    check_dropout,
    check_features_and_targets,
    check_hidden_layer_sizes,
    check_initial_values,
    check_weights,
)
from .components import lookup
from .dropout import DroppedActivation, dropout_generator
from .fit_loop import FitLoop
from .initializers import INITIALIZERS
from .loss import Loss
from .optimizers import OPTIMIZERS
from .parameters import CONSTRAINTS
from .samples import Samples
from .schedules import SCHEDULES, Custom, Schedule
from .standardization import Moments, fold, unfold
from .training import ROWS, Training
from .validation import held_out_rows, make_validation


@dataclass
class Served:
    """What prediction needs besides weights and biases."""

    activation: Activation
    output_activation: Activation
    loss: Loss


def _all_equal(arrays, others):
    return len(arrays) == len(others) and all(map(np.array_equal, arrays, others))


class BaseBackprop(EpochCallbacks, BaseEstimator):
    """Base of the estimators. Use ``BackpropClassifier`` or ``BackpropRegressor``."""

    _parameter_constraints = CONSTRAINTS
    # any link makes scikit-learn's HTML representation show each parameter's description
    _doc_link_module = __package__
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
        metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
        context = self._begin_callbacks(X, y, metadata)
        self._fit_on_a_copy(
            X,
            y,
            sample_weight,
            hooks=lambda attributes: self._epoch_hooks(context, X, y, metadata, attributes),
            initial=(coefs_init, intercepts_init),
            validation_set=(X_val, y_val, sample_weight_val),
        )
        self._end_callbacks(context, X, y, metadata)
        return self

    def _shallow_copy(self):
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        return copy

    def _fit_on_a_copy(self, *args, **kwargs):
        """Fit a shallow copy and take over its state: an error leaves self untouched."""
        copy = self._shallow_copy()
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
        hooks=None,
        initial=(None, None),
        validation_set=(None, None, None),
    ):
        """Check everything, train, and set the fitted attributes."""
        self._validate_params()
        self._check_combinations(incremental, validation_set)
        if incremental or self.warm_start:
            self._check_not_slim("partial_fit" if incremental else "a warm start")
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
        samples = self._samples(training, X, Y, self._weighted(sample_weight, y), rows)
        training.update_mean_weight(samples, incremental)
        if not goes_on and initial == (None, None):
            self._begin_at_best_constant(training, samples)
        hooks = hooks(lambda: self._fitted_attributes(training)) if hooks else ()
        self._run(training, samples, validate, hooks, incremental)
        training.finish(self._dtype, keeps_state=validate is None)
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
        if not goes_on or self.dtype != "auto":
            self._dtype = dtype.name
        network = self._make_network(X, Y, optimizer, old)
        if isinstance(self.learning_rate, Real):
            schedule, rate = lookup("learning_rate", "constant", SCHEDULES), self.learning_rate
        else:
            chosen = self.learning_rate
            plain = callable(chosen) and not isinstance(chosen, Schedule)
            schedule = lookup("learning_rate", Custom(chosen) if plain else chosen, SCHEDULES, flat)
            rate = self.learning_rate_init
        settings = {
            "network": network,
            "loss": self._loss,
            "optimizer": optimizer,
            "schedule": schedule,
            "alpha": float(self.alpha),
            "learning_rate_init": float(rate),
            "max_iter": self.max_iter,
            "max_grad_norm": self.max_grad_norm,
        }
        if not goes_on:
            training = Training(**settings, random_state=check_random_state(self.random_state))
            training.restart_optimizer()
            training.dropout_generator = dropout_generator(training.random_state)
            self._initialize(training)
        else:
            training = old.reconfigure(**settings)
            if not incremental:
                training.random_state = check_random_state(self.random_state)
                training.begin_fit()
        self._set_dropout(training)
        return training

    def _set_dropout(self, training):
        """Put dropout behind the hidden activations, where there is any."""
        network = training.network
        rates = check_dropout(self.dropout, len(network.weights) - 1)
        if not any(rates):
            return
        if not training.optimizer.stochastic:
            raise ValueError(
                f"dropout={self.dropout!r} makes the loss random, which solver='lbfgs' cannot work "
                "with. Use 'adam', 'adamw' or 'sgd', or dropout=0."
            )
        generator = training.dropout_generator
        network.training_activations = [
            *(DroppedActivation(network.activation, rate, generator) for rate in rates),
            network.output_activation,
        ]

    def _make_network(self, X, Y, optimizer, old):
        """Return a network of the shape that the data and the parameters ask for."""
        hidden_sizes = check_hidden_layer_sizes(self.hidden_layer_sizes, self.n_hidden_layers)
        sizes = (X.shape[1], *hidden_sizes, self._loss.n_outputs(Y.shape[1]))
        if old is not None and sizes != old.network.layer_sizes:
            raise ValueError(
                f"The layers would have the sizes {sizes}, but those fitted before have "
                f"{old.network.layer_sizes}: hidden_layer_sizes and the shapes of X and y must "
                "stay the same under warm_start and partial_fit. Use warm_start=False to begin "
                "anew."
            )
        output = self._output_activation()
        # the line search of L-BFGS needs the last digits
        dtype = self._dtype if optimizer.stochastic else np.float64
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

    def _begin_at_best_constant(self, training, samples):
        """Make the untrained network the best constant model, if the initializer says so."""
        if lookup("initializer", self.initializer, INITIALIZERS).output != "best_constant":
            return
        network, weights = training.network, samples.sample_weight
        weights = np.ones(samples.n_samples) if weights is None else weights[:, 0]
        network.weights[-1][...] = 0
        network.biases[-1][...] = training.loss.best_net_input(
            np.asarray(samples.Y, dtype=np.float64),
            np.asarray(weights, dtype=np.float64),
            network.output_activation,
        )

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
        scalers = training.feature_scaler, training.output_scaler
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
        Y = training.loss.prepare_targets(np.asarray(Y, dtype=dtype))
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
        reader = self._shallow_copy()
        validate_data(reader, given_X, skip_check_array=True, reset=True)
        validate_data(reader, X_val, skip_check_array=True, reset=False)
        X_val, y_val = check_features_and_targets(X_val, y_val, self, self._y_numeric)
        return X_val, y_val, check_weights(sample_weight_val, X_val, "sample_weight_val")

    # ------------------------------------------------------------ training

    def _run(self, training, samples, validate, hooks, incremental):
        loop = FitLoop(
            training,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            max_iter=self.max_iter,
            max_time=self.max_time,
            validate=validate,
            hooks=hooks,
            verbose=int(self.verbose),
        )
        batch_size = 200 if self.batch_size == "auto" else self.batch_size
        batch_size = min(batch_size, samples.n_samples)
        rows = batch_size if training.optimizer.stochastic else min(ROWS, samples.n_samples)
        # divergence is looked for, and told, once an epoch: NumPy need not warn as well
        with blas_threads_for(training.network.layer_sizes, rows), np.errstate(all="ignore"):
            loop.run(samples, batch_size, self.shuffle, single_epoch=incremental)

    def _publish(self, training):
        """Set the fitted attributes."""
        self.__dict__.update(self._fitted_attributes(training))

    def _fitted_attributes(self, training):
        """Return the fitted attributes that a training amounts to."""
        network, best = training.network, training.best
        has_scores = training.monitored == "validation"
        coefs, intercepts = self._folded_weights(training)
        own = {name: value for name, value in vars(self).items() if name in self._own_fitted}
        return own | {
            "_training": training,
            "_served": Served(network.activation, network.output_activation, training.loss),
            "coefs_": coefs,
            "intercepts_": intercepts,
            "n_layers_": len(network.layer_sizes),
            "n_outputs_": network.layer_sizes[-1],
            "out_activation_": network.output_activation.name,
            "n_iter_": training.n_iter,
            "t_": training.samples_seen,
            "loss_curve_": training.loss_curve,
            "loss_": training.loss_curve[-1] if training.loss_curve else np.inf,
            "history_": training.history.columns,
            "validation_scores_": training.validation_scores if has_scores else None,
            "best_validation_score_": best.score if has_scores else None,
            "best_loss_": None if has_scores else -best.score,
        }

    # set on the copy before training, and wanted by whoever looks at it meanwhile
    _own_fitted = ("n_features_in_", "feature_names_in_", "classes_", "_targets", "_loss", "_dtype")

    def _folded_weights(self, training):
        """Return the weights and biases for raw X that the trained ones amount to."""
        folded = fold(
            training.network.weights,
            training.network.biases,
            training.feature_scaler,
            training.output_scaler,
        )
        return [[array.astype(self._dtype, copy=False) for array in part] for part in folded]

    # ------------------------------------------------------------ using it

    def _outputs(self, X, output_activation=None):
        """Return outputs for raw X; of the network's output activation, or of another."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False)
        served = self._served
        with np.errstate(over="ignore"):  # a sigmoid's exponential may, and means 0
            return predict(
                X,
                self.coefs_,
                self.intercepts_,
                served.activation,
                output_activation or served.output_activation,
            )

    def slim(self):
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
        slim = self._shallow_copy()
        for name in ("_training", "loss_curve_", "history_", "validation_scores_"):
            slim.__dict__.pop(name, None)
        slim.coefs_ = [W.copy() for W in self.coefs_]
        slim.intercepts_ = [b.copy() for b in self.intercepts_]
        return slim

    def _check_not_slim(self, what):
        if hasattr(self, "coefs_") and not hasattr(self, "_training"):
            raise ValueError(
                f"This estimator is a slim() copy, which has no training state, so {what} cannot "
                "go on from it. Use the estimator that slim() was called on, or fit anew."
            )

    def __getstate__(self):
        """Leave out folded weights: they follow from the trained ones, unless changed by hand."""
        state = dict(super().__getstate__())
        if "_training" in state:
            coefs, intercepts = self._folded_weights(self._training)
            if _all_equal(coefs, self.coefs_) and _all_equal(intercepts, self.intercepts_):
                del state["coefs_"], state["intercepts_"]
        return state

    def __setstate__(self, state):
        """Restore, and fold the weights again."""
        super().__setstate__(state)
        if hasattr(self, "_training") and not hasattr(self, "coefs_"):
            self.coefs_, self.intercepts_ = self._folded_weights(self._training)

    def __sklearn_tags__(self):
        """Tell scikit-learn that sparse X works."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
