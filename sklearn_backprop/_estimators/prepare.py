"""From an estimator's parameters and data to a training, and the samples it trains on."""

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


def make_training(estimator, X, Y, goes_on, incremental):
    """Return a training with fresh or inherited weights, and today's parameters."""
    old = estimator._training if goes_on else None
    if goes_on:
        # a call that fails leaves the estimator as it was
        old = old.continued() if incremental else deepcopy(old)
    flat = estimator.get_params(deep=False)
    optimizer = lookup("solver", estimator.solver, OPTIMIZERS, flat)
    dtype = np.dtype(X.dtype if estimator.dtype == "auto" else estimator.dtype)
    if not goes_on or estimator.dtype != "auto":
        estimator._dtype = dtype.name
    network = _make_network(estimator, X, Y, optimizer, old)
    schedule, rate = _schedule(estimator, flat)
    learner = Learner(
        network,
        Objective(estimator._loss, float(estimator.alpha)),
        optimizer,
        learning_rate=rate,
        max_grad_norm=estimator.max_grad_norm,
        rate_factors=rate_factors(_initializer(estimator), network.layer_sizes),
    )
    settings = Settings(schedule, rate, estimator.max_iter, estimator._dtype)
    if not goes_on:
        random_state = check_random_state(estimator.random_state)
        training = Training(learner, settings, Progress(random_state))
        training.restart_optimizer()
        _initialize(estimator, training)
    else:
        training = old
        training.reconfigure(learner, settings)
        if not incremental:
            training.progress.begin_again(check_random_state(estimator.random_state))
            training.restart_optimizer()
    set_dropout(training, estimator.dropout)
    return training


def _schedule(estimator, flat_parameters):
    """Return the schedule of the learning rate, and where it begins."""
    chosen = estimator.learning_rate
    if isinstance(chosen, Real):
        return lookup("learning_rate", "constant", SCHEDULES), float(chosen)
    if callable(chosen) and not isinstance(chosen, Schedule):
        chosen = Custom(chosen)
    schedule = lookup("learning_rate", chosen, SCHEDULES, flat_parameters)
    return schedule, float(estimator.learning_rate_init)


def set_dropout(training, dropout):
    """Put dropout behind the hidden activations, where there is any."""
    network = training.network
    rates = check_dropout(dropout, len(network.weights) - 1)
    if not any(rates):
        return
    if not training.learner.optimizer.stochastic:
        raise ValueError(
            f"dropout={dropout!r} makes the loss random, which solver='lbfgs' cannot work "
            "with. Use 'adam', 'adamw' or 'sgd', or dropout=0."
        )
    if training.progress.dropout_generator is None:
        training.progress.dropout_generator = dropout_generator(training.progress.random_state)
    generator = training.progress.dropout_generator
    network.training_activations = [
        *(DroppedActivation(network.activation, rate, generator) for rate in rates),
        network.output_activation,
    ]


def _make_network(estimator, X, Y, optimizer, old):
    """Return a network of the shape that the data and the parameters ask for."""
    hidden_sizes = check_hidden_layer_sizes(estimator.hidden_layer_sizes, estimator.n_hidden_layers)
    sizes = (X.shape[1], *hidden_sizes, estimator._loss.n_outputs(Y.shape[1]))
    if old is not None and sizes != old.network.layer_sizes:
        raise ValueError(
            f"The layers would have the sizes {sizes}, but those fitted before have "
            f"{old.network.layer_sizes}: hidden_layer_sizes and the shapes of X and y must "
            "stay the same under warm_start and partial_fit. Use warm_start=False to begin "
            "anew."
        )
    output = _output_activation(estimator)
    # the line search of L-BFGS needs the last digits
    dtype = estimator._dtype if optimizer.stochastic else np.float64
    hidden = lookup("activation", estimator.activation, ACTIVATIONS)
    network = Network(sizes, hidden, output, dtype)
    if old is not None:
        network.parameters[...] = old.network.parameters
    return network


def _output_activation(estimator):
    chosen = getattr(estimator, "output_activation", "auto")
    name = (
        estimator._loss.output_activation
        if isinstance(chosen, str) and chosen == "auto"
        else chosen
    )
    return lookup("output_activation", name, OUTPUT_ACTIVATIONS)


def _initializer(estimator):
    return lookup("initializer", estimator.initializer, INITIALIZERS)


def _initialize(estimator, training):
    """Draw weights and biases layer by layer, in scikit-learn's order."""
    network = training.network
    initializer = _initializer(estimator)
    for W, b in zip(network.weights, network.biases, strict=True):
        args = (*W.shape, network.activation, training.progress.random_state)
        W[...] = initializer.weights(*args)
        b[...] = initializer.biases(*args)


def adapt_to_samples(estimator, training, samples):
    """Fit the initial values to the samples, if the initializer does that."""
    initializer = _initializer(estimator)
    if initializer.adapts:
        adapt_layers(initializer, training.network, samples, training.progress.random_state)
    begins_there = estimator.standardize and training.loss.begins_at_best_constant
    if begins_there or initializer.output == "best_constant":
        _begin_at_best_constant(training, samples)


def _begin_at_best_constant(training, samples):
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


def set_initial_values(training, coefs_init, intercepts_init):
    """Start from ``coefs_init`` and ``intercepts_init``, given for raw X."""
    network = training.network
    shapes = list(pairwise(network.layer_sizes))
    coefs = check_initial_values(coefs_init, shapes, "coefs_init")
    intercepts = check_initial_values(
        intercepts_init, [(size,) for size in network.layer_sizes[1:]], "intercepts_init"
    )
    if coefs is None and intercepts is None:
        return
    scalers = training.statistics.feature_scaler, training.output_scaler
    raw = fold(network.weights, network.biases, *scalers)
    values = unfold(coefs or raw[0], intercepts or raw[1], *scalers)
    for views, arrays in zip((network.weights, network.biases), values, strict=True):
        for view, array in zip(views, arrays, strict=True):
            view[...] = array


def update_statistics(estimator, training, X, Y, sample_weight, incremental, once):
    """Take the mean and scale of X, and of Y if they may be scaled, from this data.

    Returns X and Y as they are to be learned from: in a stream bad readings are clipped.
    """
    known = training.statistics
    goes_on = incremental and training.progress.is_trained
    if goes_on and estimator.standardize != (known.feature_moments is not None):
        raise ValueError(
            "standardize cannot change between calls of partial_fit: the network has "
            "learned in the other coordinates. Use fit to begin anew."
        )
    if not goes_on:
        identity = training.network.output_activation.known_as == Identity.name
        scales_targets = training.loss.standardizes_targets and identity
        known.feature_moments = NONE_YET if estimator.standardize else None
        known.target_moments = NONE_YET if estimator.standardize and scales_targets else None
    if not (goes_on and incremental):
        known.feature_screen = known.target_screen = None
    known.feature_scaler = known.target_scaler = None
    if known.feature_moments is None:
        return X, Y
    is_dense = isinstance(X, np.ndarray)
    if incremental:
        X, Y = _screened(estimator, training, X, Y, sample_weight)
    else:
        known.feature_moments = once(with_more, NONE_YET, X, sample_weight)
        if known.target_moments is not None:
            known.target_moments = with_more(NONE_YET, Y, sample_weight)
    known.feature_scaler = once(feature_scaler, known.feature_moments, is_dense)
    if known.target_moments is not None:
        known.target_scaler = known.target_moments.scaler()
    return X, Y


def _screened(estimator, training, X, Y, sample_weight):
    """Return a stream's X and Y, bad readings clipped; their moments have taken them in."""
    known, found = training.statistics, []
    screen = known.feature_screen or Screen(known.feature_moments)
    screen, X = screen.admit(X, sample_weight)
    found.append(describe(screen.found, partial(feature_name, estimator)))
    known.feature_screen, known.feature_moments = screen, screen.moments
    if training.loss.task == "regression":
        screen = known.target_screen or Screen(known.target_moments)
        screen, Y = screen.admit(Y, sample_weight)
        name = "y" if Y.shape[1] == 1 else "y[:, {}]"
        found.append(describe(screen.found, name.format))
        known.target_screen, known.target_moments = screen, screen.moments
    for message in filter(None, found):
        warn(message)
    return X, Y


def make_samples(training, X, Y, sample_weight, rows=None, once=directly):
    """Return checked data as a training reads it: standardized, in its dtype."""
    dtype = training.network.dtype
    if training.statistics.target_scaler is not None:
        Y = training.statistics.target_scaler.transform(Y, out=np.empty(Y.shape, dtype))
    Y = training.loss.prepare_targets(np.asarray(Y, dtype=dtype))
    Y = np.ascontiguousarray(Y, dtype=dtype)
    return Samples(X, Y, sample_weight, rows, training.statistics.feature_scaler, once)
