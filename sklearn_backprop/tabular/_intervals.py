"""``predict_interval`` and ``predict_set``: how sure a prediction is, by rows held out."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._compositions.calibration import tempered_probabilities
from .._compositions.conformal import (
    HeldOutScores,
    check_confidence_level,
    in_prediction_sets,
    upper_limits,
)
from .._estimators.fitted import loss_of, targets_of


def check_held_out(scores, what):
    """Raise ``ValueError`` if no rows were held out."""
    if not scores:
        raise ValueError(
            f"{what} needs rows that were held out, and with fewer than 20 rows, or in an "
            "estimator of an older version, there are none. Fit on more rows, or pass X_val."
        )


class PredictsIntervals:
    """Mixin of the regressor."""

    estimators_: list
    target_scale_: Any
    target_mean_: Any
    _range: tuple
    teams: Any
    _held_out_scores: list = []  # of pickles that have none

    def predict_interval(self, X, confidence_level=0.9) -> np.ndarray:
        """Return intervals that have the target with a given probability.

        CV+ of Barber, Candès, Ramdas and Tibshirani, "Predictive inference with the
        jackknife+", Annals of Statistics 2021: of each row held out, how far off the member
        was that has not been trained on it. Of ``loss="gaussian"`` that is in units of the
        standard deviation that the member predicts, so the intervals are as wide as the noise
        is there; with several quantiles it is how far outside of the first and the last the
        target was (Romano, Patterson and Candès, NeurIPS 2019). No further fit is needed.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_features)
            The table.
        confidence_level : float, default=0.9
            For rows like those of ``fit`` (of other groups, with ``groups``; later ones, with
            ``time``, as far as what was held out is like them) about this share of the targets
            lies inside; the proof is for twice the share outside.

        Returns
        -------
        ndarray of shape (n_samples, 2) or (n_samples, 2, n_outputs)
            Lower and upper ends.

        Raises
        ------
        ValueError
            If ``confidence_level`` is not between 0 and 1, or too few rows were held out for it.
        """
        check_is_fitted(self)
        check_confidence_level(confidence_level)
        check_held_out(self._held_out_scores, "predict_interval")
        blocks = []
        for encoded in self._encoded_blocks(X):
            low, high, scale = np.moveaxis(
                [self._limits(team, encoded) for team in self.teams()], 1, 0
            )
            ends = [
                (
                    -upper_limits(scores, -low[..., k], scale[..., k], confidence_level),
                    upper_limits(scores, high[..., k], scale[..., k], confidence_level),
                )
                for k, scores in enumerate(self._held_out_scores)
            ]
            blocks.append(np.moveaxis(ends, (2, 1), (0, 1)))
        intervals = np.concatenate(blocks)
        return intervals[..., 0] if intervals.shape[2] == 1 else intervals

    def _scores_of(self, held_out, predicted, fitted):
        """Return the ``HeldOutScores`` of each target.

        Parameters
        ----------
        held_out : list of tuple
            Each team, and the columns, targets and weights that were held out from it.
        predicted : list of ndarray or None
            What each predicts there, where that is known.
        fitted : dict
            What is known of the targets.
        """
        scores, weights = [], []
        for (team, encoded, targets, sample_weight), own in zip(held_out, predicted, strict=True):
            low, high, scale = self._limits(team, encoded, fitted, own)
            y = targets * fitted["target_scale_"] + fitted["target_mean_"]
            y = y.reshape(len(y), -1)
            scores.append(np.maximum(low - y, y - high) / scale)
            weights.append(sample_weight)
        if not scores:
            return []
        return [
            HeldOutScores.of([own[:, k] for own in scores], weights)
            for k in range(scores[0].shape[1])
        ]

    def _limits(self, team, encoded, fitted=None, predicted=None):
        """Return what a team says: two ends and a scale, of shape (3, n_samples, n_outputs)."""
        known = vars(self) if fitted is None else fitted
        mean, unit = known["target_mean_"], known["target_scale_"]
        scale: Any = 1.0
        if hasattr(loss_of(team.network), "standard_deviations"):
            predicted, std = team.network.predict(encoded, return_std=True)
            smallest = np.finfo(np.float32).tiny
            scale = np.maximum(std.astype(np.float64), smallest) * unit
        elif predicted is None:
            predicted = team.predictions(encoded)
        predicted = np.clip(predicted.astype(np.float64) * unit + mean, *known["_range"])
        predicted = predicted.reshape(len(encoded), -1)
        several = known["n_outputs_"] == 1 and predicted.shape[1] > 1  # quantiles
        low, high = (predicted[:, :1], predicted[:, -1:]) if several else (predicted, predicted)
        scale = np.broadcast_to(np.reshape(scale, (len(encoded), -1) if np.ndim(scale) else ()),
                                low.shape)  # fmt: skip
        return np.array([low, high, scale])


class PredictsSets:
    """Mixin of the classifier."""

    classes_: Any
    estimators_: list
    temperature_: float
    teams: Any
    _held_out_scores: list = []  # of pickles that have none

    def predict_set(self, X, confidence_level=0.9) -> np.ndarray:
        """Return sets of classes that have the true one with a given probability.

        A class is in the set unless too many rows that were held out have a more probable true
        class than it would be here, by the member that has not been trained on them: CV+ for
        classes (Romano, Sesia and Candès, "Classification with valid and adaptive coverage",
        NeurIPS 2020) of the probabilities themselves, which makes small sets.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_features)
            The table.
        confidence_level : float, default=0.9
            For rows like those of ``fit`` about this share of the sets has the true class, over
            all rows and not for each class; the proof is for twice the share without.

        Returns
        -------
        ndarray of bool of shape (n_samples, n_classes)
            In the order of ``classes_``. A set may have several classes, or none where a row is
            strange to all members.

        Raises
        ------
        ValueError
            If ``confidence_level`` is not between 0 and 1, too few rows were held out for it,
            or for multilabel targets.
        """
        check_is_fitted(self)
        check_confidence_level(confidence_level)
        if targets_of(self.estimators_[0]).kind == "multilabel-indicator":
            raise ValueError("predict_set is for one class a row, and this is multilabel.")
        check_held_out(self._held_out_scores, "predict_set")
        (held_out,) = self._held_out_scores
        return np.concatenate(
            [
                in_prediction_sets(held_out, self._strangeness(encoded), confidence_level)
                for encoded in self._encoded_blocks(X)
            ]
        )

    def _strangeness(self, encoded):
        """Return one minus the probabilities, of shape (n_members, n_samples, n_classes)."""
        each = [team.logits(encoded) for team in self.teams()]
        return 1.0 - np.array([tempered_probabilities(Z, self.temperature_) for Z in each])


def scores_of_classes(logits, columns, weights, temperature):
    """Return the ``HeldOutScores`` of one minus the probability of the true class.

    Parameters
    ----------
    logits, columns, weights : list of ndarray
        Of each member: logits, numbers of the true classes, and weights or nothing.
    temperature : float
        Of the probabilities.
    """
    scores = [
        1.0 - tempered_probabilities(Z, temperature)[np.arange(len(true)), true]
        for Z, true in zip(logits, columns, strict=True)
    ]
    return [HeldOutScores.of(scores, weights or [None] * len(scores))]
