"""Teams: a network and its companions, which were trained on the same rows; and who has some."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np

from .._estimators.fitted import loss_of, outputs_of, targets_of
from .._numerics.blas import one_openmp_thread
from ._candidates import draw, is_network
from ._companions import (
    FORMS,
    LINEAR,
    NETWORK,
    TREES,
    as_given,
    check_companions,
    check_takes_weights,
    log_probabilities,
    slopes_of_unclipped,
)
from ._logits import logits_of

THREADS_PAY = 4096
"""From so many rows on, trees share them out to threads."""


class Team(NamedTuple):
    """What predicts together.

    Attributes
    ----------
    network : BackpropClassifier or BackpropRegressor
        Fitted.
    companions : dict of str to estimator
        Fitted.
    weights : dict of str to float
        Of each, and of the network.
    columns : dict of str to ndarray of int
        The encoded columns that a companion is given; what is not in it is given all.
    """

    network: Any
    companions: dict
    weights: dict
    columns: dict

    def _each(self, encoded, of_network, of_companion):
        """Return what network and companions say, by name."""
        counts = self.weights[NETWORK] > 0
        said = {NETWORK: of_network(self.network, encoded)} if counts else {}
        with one_openmp_thread() if len(encoded) < THREADS_PAY else nullcontext():
            for name, companion in self.companions.items():
                given = self._given(name, encoded)
                if is_network(name):
                    said[name] = of_network(companion, given)
                else:
                    said[name] = of_companion(companion, as_given(name, given))
        return said

    def _given(self, name, encoded):
        """Return the columns for a companion."""
        return encoded[:, self.columns[name]] if name in self.columns else encoded

    def parts_of_logits(self, encoded) -> dict:
        """Return the logits of each, as ``logits_of`` has them."""
        n_classes = len(targets_of(self.network).classes_)
        return self._each(
            encoded, logits_of, lambda companion, X: log_probabilities(companion, X, n_classes)
        )

    def parts_of_predictions(self, encoded) -> dict:
        """Return the predictions of each, of standardized targets."""
        return self._each(
            encoded,
            predictions_of,
            lambda companion, X: companion.predict(X),
        )

    def logits(self, encoded) -> Any:
        """Return the logits of all together."""
        return pooled(self.parts_of_logits(encoded), self.weights)

    def predictions(self, encoded) -> Any:
        """Return the predictions of all together, of standardized targets."""
        return pooled(self.parts_of_predictions(encoded), self.weights)

    def gradients(self, encoded) -> Any:
        """Return the derivatives of all together, by the encoded columns.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs, n_encoded_columns)
            Of ``decision_function`` or ``predict`` of standardized targets.

        Raises
        ------
        ValueError
            If the derivative of a companion is not known.
        """
        total = self.weights[NETWORK] * _gradients_of(self.network, encoded)
        for name, companion in self.companions.items():
            columns, given = self.columns.get(name, slice(None)), self._given(name, encoded)
            if is_network(name):
                slopes = _gradients_of(companion, given)
            elif isinstance(companion, LINEAR):
                slopes = _slopes(companion, total.shape[1])
                if name in FORMS:
                    direct, unclipped = np.split(slopes, 2, axis=1)
                    slopes = direct + unclipped * slopes_of_unclipped(given)[:, None]
            elif isinstance(companion, TREES):
                continue
            else:
                raise ValueError(
                    f"The derivatives of the companion {companion!r} are not known. Fit with "
                    "companions=None, or 'auto'."
                )
            total[:, :, columns] += self.weights[name] * slopes
        return total


def predictions_of(network, encoded):
    """Return a network's predictions, of standardized targets."""
    return network.predict(encoded).astype(np.float64)


def _gradients_of(network, encoded):
    """Return the derivatives of ``decision_function``, or of ``predict``."""
    gradients = network.input_gradients(encoded)
    if hasattr(network, "classes_"):
        return gradients
    outputs = outputs_of(network, encoded)
    return loss_of(network).prediction_gradients(outputs, gradients)


def _slopes(companion, n_outputs):
    """Return the coefficients of a linear model, of shape (n_outputs, n_columns)."""
    coef = np.atleast_2d(companion.coef_)
    n_classes = len(getattr(companion, "classes_", ()))
    if n_outputs == 1 or n_classes == n_outputs == len(coef):
        return coef
    if n_classes == 2:  # of three or more, which of the others its rows do not have
        coef = np.concatenate([np.zeros_like(coef), coef])
    every = np.zeros((n_outputs, coef.shape[1]))
    every[companion.classes_] = coef
    return every


def pooled(parts, weights) -> Any:
    """Return the weighted sum of what network and companions say."""
    return sum(weights[name] * said for name, said in parts.items())


class HasTeams:
    """Mixin of the estimators for tables: which companions there are, and the teams."""

    companions: Any
    n_candidates: int
    candidates_: dict | None = None
    estimators_: list
    companions_: list | None = None  # of pickles that have none
    weights_: dict = {NETWORK: 1.0}
    _companion_columns: dict = {}
    _usual_companions: dict[str, Callable]
    _say: Callable  # what a network says of encoded rows, to be pooled
    _loss_of: Callable  # of what networks say of rows held out

    def teams(self) -> list:
        """Return each member with its companions and their weights.

        Returns
        -------
        list of Team
            Each has ``logits``, ``predictions`` and ``gradients`` for an encoded table.
        """
        companions = self.companions_ or [{}] * len(self.estimators_)
        return [
            Team(network, each, self.weights_, self._companion_columns)
            for network, each in zip(self.estimators_, companions, strict=True)
        ]

    def _fit_companions(self, training):
        """Fit the companions, if there are to be some."""
        if self.companions is None:
            return
        data = training.data
        columns = data.fitted["encoder_"].columns_without_bins()
        n_columns = data.encoded.shape[1] if columns is None else len(columns)
        named, reason = self._named_companions(data, n_columns), self._has_none_for(data)
        if named and reason is not None and self.companions != "auto":
            raise ValueError(f"companions={self.companions!r} are not for {reason}. Pass None.")
        if named and reason is None:
            if data.sample_weight is not None:
                check_takes_weights(named)
            seed = training.members[0].random_state
            training.fit_companions(named, self._companion_targets(data), seed, columns)

    def _fit_candidates(self, training, follow=None):
        """Train other configurations, if there are to be some and rows to judge them by."""
        held_out = list(training.held_out())
        if self.n_candidates == 1 or not held_out:
            return
        member = training.members[0]
        without_bins = training.data.fitted["encoder_"].columns_without_bins()
        candidates = draw(self, member.random_state, without_bins)

        def loss_of(networks, columns):
            said = [
                self._say(network, encoded if columns is None else encoded[:, columns])
                for network, (_, encoded, *_) in zip(networks, held_out, strict=False)
            ]
            return self._loss_of(said, held_out[: len(said)], member)

        training.fit_candidates(candidates, loss_of, follow, self.n_jobs)

    def _named_companions(self, data, n_columns):
        """Return the unfitted companions, by name."""
        if self.companions != "auto":
            return check_companions(self.companions, self)
        n_classes = len(data.fitted.get("classes_", ()))
        made = {
            name: make(data.n_rows, n_columns, n_classes)
            for name, make in self._usual_companions.items()
        }
        return {name: companion for name, companion in made.items() if companion is not None}

    def _has_none_for(self, data):
        """Say for what there are no companions, if that is the case."""
        return "several targets" if data.targets.ndim > 1 else None

    def _companion_targets(self, data):
        """Return the targets as companions take them."""
        return data.targets
