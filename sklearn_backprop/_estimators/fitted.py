"""The fitted estimator: its attributes, its pickle, its copy for serving."""

from copy import copy, deepcopy
from dataclasses import dataclass, replace

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._engine.centred import CentredNetwork, centred_network
from .._fitting.messages import warn
from .._numerics.standardization import fold
from ..activations import Activation
from ..losses._base import Loss
from .checks import feature_name


@dataclass
class Served:
    """What prediction needs besides weights and biases."""

    activation: Activation
    output_activation: Activation
    loss: Loss
    centred: CentredNetwork | None  # where coefs_ would cancel digits


class OwnsEstimators:
    """Mixin of what has fitted estimators inside: its shallow copy has copies of them."""

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


class FittedState:
    """Mixin of the estimators: what ``fit`` leaves behind, and how it is kept."""

    def _publish(self, training):
        """Set the fitted attributes."""
        self.__dict__.update(self._fitted_attributes(training))

    def _fitted_attributes(self, training):
        """Return the fitted attributes that a training amounts to."""
        network, progress = training.network, training.progress
        best, curve = progress.best, progress.loss_curve
        has_scores = progress.monitored == "validation"
        own = {name: value for name, value in vars(self).items() if name in self._own_fitted}
        return own | {
            "_training": training,
            **self._for_prediction(training),
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

    # set on the copy before training, and wanted by whoever looks at it meanwhile
    _own_fitted = ("n_features_in_", "feature_names_in_", "classes_", "_targets", "_loss", "_dtype")

    def _for_prediction(self, training):
        """Return the fitted attributes by which the network of a training predicts."""
        network = training.network
        scalers = training.statistics.feature_scaler, training.output_scaler
        trained = network.weights, network.biases, *scalers
        with np.errstate(all="ignore"):
            coefs, intercepts = fold(*trained, self._dtype)
            centred = centred_network(*trained, self._dtype)
        served = Served(network.activation, network.output_activation, training.loss, centred)
        return {"coefs_": coefs, "intercepts_": intercepts, "_served": served}

    def _warn_of_saturation(self, training):
        """Warn where ``coefs_`` cannot hold what the trained weights amount to."""
        largest = float(np.finfo(self._dtype).max)
        scaler = training.statistics.feature_scaler
        columns = []
        if scaler is not None and scaler.scale.min() < 1e12 / largest:  # else no need to look
            is_largest = (np.abs(self.coefs_[0]) == largest).any(axis=1)
            columns = [feature_name(self, j) for j in np.flatnonzero(is_largest)]
        if (
            np.abs(self.coefs_[-1]).max() == largest
            or np.abs(self.intercepts_[-1]).max() == largest
        ):
            columns.append("y")
        if columns:
            remedy = "Scale it" if self._dtype == "float64" else "Pass dtype='float64', or scale it"
            warn(
                f"The weights of {', '.join(columns)} for raw data are beyond {self._dtype}, for "
                "its numbers are very small (or y's very large). coefs_ and intercepts_ have the "
                f"largest {self._dtype} in their place. {remedy}."
            )

    def _has_folded_weights(self):
        """Return whether ``coefs_`` and ``intercepts_`` are as training left them."""
        made = self._for_prediction(self._training)
        return _all_equal(made["coefs_"], self.coefs_) and _all_equal(
            made["intercepts_"], self.intercepts_
        )

    def _serving(self):
        """Return the weights and biases that predict, and a ``CentredNetwork`` or None.

        Those of ``coefs_`` and ``intercepts_``, but for a network of centred inputs and
        outputs as long as nobody has edited the one that it stands for.
        """
        centred = self._served.centred
        if centred is None or not centred.is_of(self.coefs_, self.intercepts_):
            return self.coefs_, self.intercepts_, None
        return *centred.layers(self.coefs_, self.intercepts_), centred

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
        for name in self._not_for_serving:
            slim.__dict__.pop(name, None)
        slim.coefs_ = [W.copy() for W in self.coefs_]
        slim.intercepts_ = [b.copy() for b in self.intercepts_]
        return slim

    _not_for_serving = (
        "_training",
        "loss_curve_",
        "history_",
        "validation_scores_",
        "_skl_callbacks",  # they may hold on to data, or not be picklable
    )

    def _check_not_slim(self, what):
        if hasattr(self, "coefs_") and not hasattr(self, "_training"):
            raise ValueError(
                f"This estimator is a slim() copy, which has no training state, so {what} cannot "
                "go on from it. Use the estimator that slim() was called on, or fit anew."
            )

    def __copy__(self):
        """Return a shallow copy that trains by itself: what training changes is its own."""
        twin = self._shallow_copy()
        own = {name: vars(self)[name] for name in self._changed_by_training if name in vars(self)}
        twin.__dict__.update(deepcopy(own))  # at once, for some share their lists
        return twin

    _changed_by_training = (
        "_training",
        "coefs_",
        "intercepts_",
        "loss_curve_",
        "history_",
        "validation_scores_",
    )

    def __getstate__(self):
        """Leave out what follows from the trained weights, unless changed by hand."""
        state = dict(super().__getstate__())
        if "_training" in state and self._has_folded_weights():
            del state["coefs_"], state["intercepts_"], state["_served"]
        elif "_served" in state and self._served.centred is not None:
            centred, layers = self._served.centred, (self.coefs_, self.intercepts_)
            centred = centred.without_layers() if centred.is_of(*layers) else None
            state["_served"] = replace(self._served, centred=centred)
        return state

    def __setstate__(self, state):
        """Restore, and fold the weights again."""
        super().__setstate__(state)
        if hasattr(self, "_training") and not hasattr(self, "coefs_"):
            self.__dict__.update(self._for_prediction(self._training))
        elif hasattr(self, "_served") and self._served.centred is not None:
            centred = self._served.centred.with_layers(self.coefs_, self.intercepts_)
            self._served = replace(self._served, centred=centred)
