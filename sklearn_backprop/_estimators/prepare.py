"""From an estimator's parameters and data to a training that is ready to run."""

from copy import deepcopy
from functools import partial
from itertools import pairwise
from numbers import Real

import numpy as np
from sklearn.utils import check_random_state

from .._engine.dropout import DroppedActivation, dropout_generator
from .._engine.network import Network
from .._engine.objective import Objective
from .._engine.samples import Samples
from .._engine.training import Learner
from .._fitting.messages import warn
from .._fitting.training import Progress, Settings, Training
from .._numerics.memo import directly
from .._numerics.moments import NONE_YET, feature_scaler, with_more
from .._numerics.outliers import Screen, describe
from .._numerics.standardization import fold, unfold
from ..activations import ACTIVATIONS, OUTPUT_ACTIVATIONS, Identity
from ..components import lookup
from ..initializers import INITIALIZERS, adapt_layers, rate_factors
from ..optimizers import OPTIMIZERS
from ..schedules import SCHEDULES, Custom, Schedule
from .checks import (
    check_dropout,
    check_hidden_layer_sizes,
    check_initial_values,
    feature_name,
)


class TrainingSetup:
    """Mixin of the estimators: makes what is trained, and what it is trained on."""

    def _make_training(self, X, Y, goes_on, incremental):
        """Return a training with fresh or inherited weights, and today's parameters."""
        old = self._training if goes_on else None
        if goes_on:
            # a call that fails leaves the estimator as it was
            old = old.continued() if incremental else deepcopy(old)
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
        learner = Learner(
            network,
            Objective(self._loss, float(self.alpha)),
            optimizer,
            learning_rate=float(rate),
            max_grad_norm=self.max_grad_norm,
            rate_factors=rate_factors(self._initializer(), network.layer_sizes),
        )
        settings = Settings(schedule, float(rate), self.max_iter, self._dtype)
        if not goes_on:
            random_state = check_random_state(self.random_state)
            training = Training(learner, settings, Progress(random_state))
            training.restart_optimizer()
            self._initialize(training)
        else:
            training = old
            training.reconfigure(learner, settings)
            if not incremental:
                training.progress.begin_again(check_random_state(self.random_state))
                training.restart_optimizer()
        self._set_dropout(training)
        return training

    def _set_dropout(self, training):
        """Put dropout behind the hidden activations, where there is any."""
        network = training.network
        rates = check_dropout(self.dropout, len(network.weights) - 1)
        if not any(rates):
            return
        if not training.learner.optimizer.stochastic:
            raise ValueError(
                f"dropout={self.dropout!r} makes the loss random, which solver='lbfgs' cannot work "
                "with. Use 'adam', 'adamw' or 'sgd', or dropout=0."
            )
        if training.progress.dropout_generator is None:
            training.progress.dropout_generator = dropout_generator(training.progress.random_state)
        generator = training.progress.dropout_generator
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

    def _initializer(self):
        return lookup("initializer", self.initializer, INITIALIZERS)

    def _initialize(self, training):
        """Draw weights and biases layer by layer, in scikit-learn's order."""
        network = training.network
        initializer = self._initializer()
        for W, b in zip(network.weights, network.biases, strict=True):
            args = (*W.shape, network.activation, training.progress.random_state)
            W[...] = initializer.weights(*args)
            b[...] = initializer.biases(*args)

    def _adapt_to_samples(self, training, samples):
        """Fit the initial values to the samples, if the initializer does that."""
        initializer = self._initializer()
        if initializer.adapts:
            adapt_layers(initializer, training.network, samples, training.progress.random_state)
        begins_there = self.standardize and training.loss.begins_at_best_constant
        if begins_there or initializer.output == "best_constant":
            self._begin_at_best_constant(training, samples)

    def _begin_at_best_constant(self, training, samples):
        """Make the untrained network the best constant model, if there is one."""
        network, weights = training.network, samples.sample_weight
        weights = np.ones(samples.n_samples) if weights is None else weights[:, 0]
        best = training.loss.best_net_input(
            np.asarray(samples.Y, dtype=np.float64),
            np.asarray(weights, dtype=np.float64),
            network.output_activation,
        )
        if best is not None:
            network.weights[-1][...] = 0
            network.biases[-1][...] = best

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
        scalers = training.statistics.feature_scaler, training.output_scaler
        raw = fold(network.weights, network.biases, *scalers)
        values = unfold(coefs or raw[0], intercepts or raw[1], *scalers)
        for views, arrays in zip((network.weights, network.biases), values, strict=True):
            for view, array in zip(views, arrays, strict=True):
                view[...] = array

    def _update_statistics(self, training, X, Y, sample_weight, incremental, once):
        """Take the mean and scale of X, and of Y if they may be scaled, from this data.

        Returns X and Y as they are to be learned from: in a stream bad readings are clipped.
        """
        known = training.statistics
        goes_on = incremental and training.progress.is_trained
        if goes_on and self.standardize != (known.feature_moments is not None):
            raise ValueError(
                "standardize cannot change between calls of partial_fit: the network has "
                "learned in the other coordinates. Use fit to begin anew."
            )
        if not goes_on:
            identity = training.network.output_activation.known_as == Identity.name
            scales_targets = training.loss.standardizes_targets and identity
            known.feature_moments = NONE_YET if self.standardize else None
            known.target_moments = NONE_YET if self.standardize and scales_targets else None
        if not (goes_on and incremental):
            known.feature_screen = known.target_screen = None
        known.feature_scaler = known.target_scaler = None
        if known.feature_moments is None:
            return X, Y
        is_dense = isinstance(X, np.ndarray)
        if incremental:
            X, Y = self._screened(training, X, Y, sample_weight)
        else:
            known.feature_moments = once(with_more, NONE_YET, X, sample_weight)
            if known.target_moments is not None:
                known.target_moments = with_more(NONE_YET, Y, sample_weight)
        known.feature_scaler = once(feature_scaler, known.feature_moments, is_dense)
        if known.target_moments is not None:
            known.target_scaler = known.target_moments.scaler()
        return X, Y

    def _screened(self, training, X, Y, sample_weight):
        """Return a stream's X and Y, bad readings clipped; their moments have taken them in."""
        known, found = training.statistics, []
        screen = known.feature_screen or Screen(known.feature_moments)
        screen, X = screen.admit(X, sample_weight)
        found.append(describe(screen.found, partial(feature_name, self)))
        known.feature_screen, known.feature_moments = (
            screen,
            screen.moments,
        )
        if training.loss.task == "regression":
            screen = known.target_screen or Screen(known.target_moments)
            screen, Y = screen.admit(Y, sample_weight)
            name = "y" if Y.shape[1] == 1 else "y[:, {}]"
            found.append(describe(screen.found, name.format))
            known.target_screen, known.target_moments = (
                screen,
                screen.moments,
            )
        for message in filter(None, found):
            warn(message)
        return X, Y

    def _samples(self, training, X, Y, sample_weight, rows=None, once=directly):
        dtype = training.network.dtype
        if training.statistics.target_scaler is not None:
            Y = training.statistics.target_scaler.transform(Y, out=np.empty(Y.shape, dtype))
        Y = training.loss.prepare_targets(np.asarray(Y, dtype=dtype))
        Y = np.ascontiguousarray(Y, dtype=dtype)
        return Samples(X, Y, sample_weight, rows, training.statistics.feature_scaler, once)
