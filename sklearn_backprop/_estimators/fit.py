"""``fit`` from its checks to its result, step by step.

``fit_on_a_copy`` is the whole. Its parts are what others who fit an estimator use: a stack
prepares many, trains them together, and completes each.
"""

from copy import deepcopy
from numbers import Real
from operator import is_not

import numpy as np
from sklearn.utils.validation import validate_data

from .._fitting.loop import FitLoop, PreparedFit
from .._numerics.blas import blas_threads_for
from .._numerics.memo import directly, shallow_copy
from .bookmark import before_partial_fit
from .checks import (
    check_features_and_targets,
    check_not_slim,
    check_validation_arguments,
    check_weights,
)
from .fitted import fitted_attributes, publish, training_of, warn_of_saturation
from .names import check_names
from .prepare import (
    adapt_to_samples,
    make_samples,
    make_training,
    set_initial_values,
    update_statistics,
)
from .validation import validation_of


def fit_on_a_copy(estimator, data, hooks=None):
    """Fit a shallow copy and take over its state: an error leaves the estimator untouched.

    Parameters
    ----------
    estimator : BaseBackprop
        What to fit.
    data : FitData
        What it was given.
    hooks : callable, default=None
        Given what returns the fitted attributes, returns what to call after each epoch.
    """
    copy = shallow_copy(estimator)
    before = before_partial_fit(estimator, data.X) if data.incremental else None
    try:
        run(copy, prepare(copy, data, hooks=hooks), data.incremental)
        estimator.__dict__ = copy.__dict__
    except BaseException:  # Ctrl-C, too
        if before is not None:
            before.go_back()
        raise
    return estimator


def prepare(estimator, data, *, hooks=None, once=directly):
    """Check everything and return what is ready to run.

    Parameters
    ----------
    estimator : BaseBackprop
        Gets what is known before training: classes, names of features.
    data : FitData
        What it was given.
    hooks : callable, default=None
        As for ``fit_on_a_copy``.
    once : callable, default=directly
        May be a ``Memo`` of fits on the same data.

    Returns
    -------
    PreparedFit
    """
    incremental = data.incremental
    valid_params = _validate_new_params(estimator)
    _check_combinations(estimator, data)
    if incremental or estimator.warm_start:
        check_not_slim(estimator, "partial_fit" if incremental else "a warm start")
    goes_on = training_of(estimator) is not None and (incremental or estimator.warm_start)
    X, y, sample_weight = checked(estimator, data, once)
    Y = estimator._encode(y, data.classes, goes_on, incremental, once)
    validate_data(estimator, data.X, skip_check_array=True, reset=not goes_on)

    training = make_training(estimator, X, Y, goes_on, incremental)
    training.settings.valid_params = valid_params
    statistics = shallow_copy(training.statistics)
    X, Y = update_statistics(estimator, training, X, Y, sample_weight, incremental, once)
    set_initial_values(training, data.coefs_init, data.intercepts_init)
    rows = validate = None
    if estimator.early_stopping:
        rows, validate = validation_of(estimator, training, data, (X, y, Y, sample_weight), once)
    training.progress.monitor("loss" if validate is None else "validation")
    weights = estimator._weighted(sample_weight, y)
    samples = make_samples(training, X, Y, weights, rows, once)
    training.weigh(samples, incremental)
    if not goes_on and not data.has_initial_values:
        adapt_to_samples(estimator, training, samples)
    # a copy, for who looks at a network in training may keep it
    hooks = hooks(lambda: fitted_attributes(estimator, deepcopy(training))) if hooks else ()
    loop = _loop(estimator, training, validate, hooks, incremental)
    batch_size = 200 if estimator.batch_size == "auto" else estimator.batch_size
    return PreparedFit(loop, samples, min(batch_size, samples.n_samples), statistics)


def checked(estimator, data, once=directly):
    """Return X, y and the weights as arrays."""
    name = type(estimator).__name__
    X, y = once(check_features_and_targets, data.X, data.y, name, estimator._y_numeric)
    return X, y, once(check_weights, data.sample_weight, X)


def _loop(estimator, training, validate, hooks, incremental):
    """Return the loop around a training's epochs, as the parameters have it."""
    return FitLoop(
        training,
        tol=estimator.tol,
        n_iter_no_change=estimator.n_iter_no_change,
        max_iter=estimator.max_iter,
        max_time=None if incremental else estimator.max_time,
        validate=validate,
        hooks=hooks,
        verbose=int(estimator.verbose),
    )


def run(estimator, fit, incremental=False):
    """Train what is prepared, and set the fitted attributes."""
    # divergence is looked for, and told, once an epoch: NumPy need not warn as well
    threads = blas_threads_for(fit.training.network.layer_sizes, fit.n_rows)
    with threads, np.errstate(all="ignore"):
        went_back = fit.loop.run(fit.samples, fit.batch_size, estimator.shuffle, incremental)
    complete(estimator, fit, went_back)


def complete(estimator, fit, went_back):
    """Set the fitted attributes after training.

    Parameters
    ----------
    estimator : BaseBackprop
        What was fitted.
    fit : PreparedFit
        Which has run.
    went_back : bool
        Whether to the weights from before, as if there had been no call.
    """
    training = fit.training
    if went_back:
        training.statistics = fit.statistics
    keeps_state = fit.loop.validate is None and training.learner.optimizer.stochastic
    training.finish(training.settings.kept_dtype, keeps_state)
    publish(estimator, training)
    warn_of_saturation(estimator, training)


def _validate_new_params(estimator):
    """Validate the parameters, unless they are the objects of the last training; return them.

    That takes a tenth of a ``partial_fit``.
    """
    values = [getattr(estimator, name) for name in estimator._get_param_names()]
    training = training_of(estimator)
    before = [] if training is None else training.settings.valid_params
    if len(before) != len(values) or any(map(is_not, values, before)):
        check_names(estimator)
        estimator._validate_params()
    return values


def _check_combinations(estimator, data):
    """Refuse parameters that contradict one another."""
    learning_rate = estimator.learning_rate
    if isinstance(learning_rate, Real) and estimator.learning_rate_init != 0.001:
        raise ValueError(
            f"learning_rate={learning_rate!r} is a constant rate, so learning_rate_init "
            f"must keep its default 0.001, got {estimator.learning_rate_init!r}. Pass the rate to "
            "one of them, or learning_rate='constant'."
        )
    if isinstance(learning_rate, type):
        raise ValueError(
            f"The 'learning_rate' parameter is the class {learning_rate.__name__}; make "
            f"an instance, {learning_rate.__name__}()."
        )
    if data.incremental and estimator.early_stopping:
        raise ValueError(
            "partial_fit does not support early_stopping=True: it makes one pass and has no "
            "validation set. Use fit, or early_stopping=False."
        )
    check_validation_arguments(
        estimator.early_stopping, estimator.validation_fraction, data.validation
    )
