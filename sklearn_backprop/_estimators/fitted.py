"""The fitted estimator: its attributes, its pickle, its copy for serving."""

from contextlib import nullcontext
from copy import copy, deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._engine.centred import CentredNetwork, centred_network
from .._engine.outputs import predict
from .._fitting.messages import warn
from .._kernels.choice import chosen
from .._numerics.blas import allowed_threads, one_blas_thread
from .._numerics.memo import shallow_copy
from .._numerics.plain import encode, plain
from .._numerics.standardization import fold
from ..activations import Activation
from ..components import Lasting
from ..losses._base import Loss
from .checks import feature_name


@plain("served")
@dataclass
class Served:
    """What prediction needs besides weights and biases."""

    activation: Activation
    output_activation: Activation
    loss: Loss
    centred: CentredNetwork | None  # where coefs_ would cancel digits


class OwnsEstimators(Lasting):
    """Mixin of what has fitted estimators inside: its shallow copy has copies of them."""

    estimators_: list
    estimator_: Any

    def __copy__(self):
        """Return a shallow copy, and one of each fitted estimator inside."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        if hasattr(self, "estimators_"):
            twin.estimators_ = [copy(estimator) for estimator in self.estimators_]
        if hasattr(self, "estimator_"):
            twin.estimator_ = copy(self.estimator_)
        return twin


def _all_equal(arrays, others):
    return len(arrays) == len(others) and all(map(np.array_equal, arrays, others))


def training_of(estimator):
    """Return the training that an estimator can go on from; None if there is none."""
    return getattr(estimator, "_training", None)


def targets_of(classifier):
    """Return a fitted classifier's ``ClassTargets``."""
    return classifier._targets


def loss_of(estimator):
    """Return the loss of a fitted estimator, as an instance."""
    return estimator._served.loss


def activations_of(estimator):
    """Return the activations of a fitted estimator: of the hidden layers, and of the outputs."""
    return estimator._served.activation, estimator._served.output_activation


def publish(estimator, training):
    """Set the fitted attributes that a training amounts to."""
    estimator.__dict__.update(fitted_attributes(estimator, training))


# set on the copy before training, and wanted by whoever looks at it meanwhile
SET_BEFORE_TRAINING = (
    *("n_features_in_", "feature_names_in_", "classes_"),
    *("_targets", "_loss", "_dtype"),
)


def fitted_attributes(estimator, training):
    """Return the fitted attributes that a training of an estimator amounts to."""
    network, progress = training.network, training.progress
    best, curve = progress.best, progress.loss_curve
    has_scores = progress.monitored == "validation"
    given = vars(estimator)
    return {name: given[name] for name in SET_BEFORE_TRAINING if name in given} | {
        "_training": training,
        **for_prediction(training),
        "n_layers_": len(network.layer_sizes),
        "n_outputs_": network.layer_sizes[-1],
        "out_activation_": network.output_activation.name,
        "n_iter_": progress.n_iter,
        "t_": progress.samples_seen,
        "loss_curve_": curve,
        "loss_": curve[-1] if curve else -best.score,
        "history_": progress.history.columns,
        "validation_scores_": progress.validation_scores if has_scores else None,
        "best_validation_score_": best.score if has_scores else None,
        "best_loss_": None if has_scores else -best.score,
    }


def for_prediction(training):
    """Return the fitted attributes by which the network of a training predicts."""
    network, dtype = training.network, training.settings.kept_dtype
    scalers = training.statistics.feature_scaler, training.output_scaler
    trained = network.weights, network.biases, *scalers
    with np.errstate(all="ignore"):
        coefs, intercepts = fold(*trained, dtype)
        centred = centred_network(*trained, dtype)
    served = Served(network.activation, network.output_activation, training.loss, centred)
    return {"coefs_": coefs, "intercepts_": intercepts, "_served": served}


def has_folded_weights(estimator):
    """Return whether ``coefs_`` and ``intercepts_`` are as training left them."""
    made = for_prediction(training_of(estimator))
    return _all_equal(made["coefs_"], estimator.coefs_) and _all_equal(
        made["intercepts_"], estimator.intercepts_
    )


def serving(estimator):
    """Return the weights and biases that predict, and a ``CentredNetwork`` or None.

    Those of ``coefs_`` and ``intercepts_``, but for a network of centred inputs and
    outputs as long as nobody has edited the one that it stands for.
    """
    centred = estimator._served.centred
    if centred is None or not centred.is_of(estimator.coefs_, estimator.intercepts_):
        return estimator.coefs_, estimator.intercepts_, None
    return *centred.layers(estimator.coefs_, estimator.intercepts_), centred


MANY_ROWS = 1000
"""Rows from which limiting BLAS's threads costs less than it saves."""


def outputs_of(estimator, X, output_activation=None):
    """Return a fitted network's outputs for checked X.

    Parameters
    ----------
    estimator : BaseBackprop
        Fitted.
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        As ``check_features`` returns it.
    output_activation : Activation, default=None
        In place of the network's own.
    """
    activation, own = activations_of(estimator)
    # many rows are many small products; for a few, limiting threads costs more than it saves
    is_large = X.shape[0] >= MANY_ROWS
    n_threads = allowed_threads() if is_large and chosen() == "compiled" else 1
    limit = one_blas_thread() if is_large else nullcontext()
    # a sigmoid's exponential may overflow, and means 0; BLAS looks at lanes that nobody reads
    with limit, np.errstate(over="ignore", invalid="ignore"):
        weights, biases, centred = serving(estimator)
        output_activation = output_activation or own
        if activation.known_as is None or output_activation.known_as is None:
            n_threads = 1  # whoever wrote it may not have had threads in mind
        return predict(X, weights, biases, activation, output_activation, centred, n_threads)


def warn_of_saturation(estimator, training):
    """Warn where ``coefs_`` cannot hold what the trained weights amount to."""
    dtype, scaler = training.settings.kept_dtype, training.statistics.feature_scaler
    largest = float(np.finfo(dtype).max)
    coefs, intercepts = estimator.coefs_, estimator.intercepts_
    columns = []
    if scaler is not None and scaler.scale.min() < 1e12 / largest:  # else no need to look
        is_largest = (np.abs(coefs[0]) == largest).any(axis=1)
        columns = [feature_name(estimator, j) for j in np.flatnonzero(is_largest)]
    if np.abs(coefs[-1]).max() == largest or np.abs(intercepts[-1]).max() == largest:
        columns.append("y")
    if columns:
        remedy = "Scale it" if dtype == "float64" else "Pass dtype='float64', or scale it"
        warn(
            f"The weights of {', '.join(columns)} for raw data are beyond {dtype}, for "
            "its numbers are very small (or y's very large). coefs_ and intercepts_ have the "
            f"largest {dtype} in their place. {remedy}."
        )


NOT_FOR_SERVING = (
    "_training",
    "loss_curve_",
    "history_",
    "validation_scores_",
    "_skl_callbacks",  # they may hold on to data, or not be picklable
)

CHANGED_BY_TRAINING = (
    "_training",
    "coefs_",
    "intercepts_",
    "loss_curve_",
    "history_",
    "validation_scores_",
)


def slim_copy(estimator):
    """Return a copy that predicts the same and has no more than that needs."""
    slim = shallow_copy(estimator)
    for name in NOT_FOR_SERVING:
        slim.__dict__.pop(name, None)
    slim.coefs_ = [W.copy() for W in estimator.coefs_]
    slim.intercepts_ = [b.copy() for b in estimator.intercepts_]
    return slim


def copy_that_trains_by_itself(estimator):
    """Return a shallow copy of which what training changes is its own."""
    twin = shallow_copy(estimator)
    given = vars(estimator)
    own = {name: given[name] for name in CHANGED_BY_TRAINING if name in given}
    twin.__dict__.update(deepcopy(own))  # at once, for some share their lists
    return twin


def without_what_follows(estimator, state):
    """Return a pickle's state without what follows from the trained weights, unless edited."""
    if "_training" in state and has_folded_weights(estimator):
        del state["coefs_"], state["intercepts_"], state["_served"]
    elif "_served" in state and estimator._served.centred is not None:
        centred, layers = estimator._served.centred, (estimator.coefs_, estimator.intercepts_)
        centred = centred.without_layers() if centred.is_of(*layers) else None
        state["_served"] = encode(replace(estimator._served, centred=centred))
    return state


def add_what_follows(estimator):
    """Fold the weights again, in an estimator that has been unpickled."""
    if hasattr(estimator, "_training") and not hasattr(estimator, "coefs_"):
        estimator.__dict__.update(for_prediction(estimator._training))
    elif hasattr(estimator, "_served") and estimator._served.centred is not None:
        centred = estimator._served.centred.with_layers(estimator.coefs_, estimator.intercepts_)
        estimator._served = replace(estimator._served, centred=centred)
