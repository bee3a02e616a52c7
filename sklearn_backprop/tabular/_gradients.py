"""How the outputs for a table move with it: derivatives by encoded columns, and by features."""

from typing import Any

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.utils.validation import check_is_fitted, validate_data

from .._compositions.calibration import log_of_mean
from .._estimators.fitted import targets_of
from ._logits import outputs_of_logits
from ._tables import as_table


class HasGradients:
    """Mixin of the estimators for tables: outputs and derivatives by encoded columns."""

    encoder_: Any
    estimators_: list

    def input_gradients(self, X) -> np.ndarray:
        """Return the derivative of each output by each feature of numbers or times.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_features)
            The table.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs, n_features)
            Of ``decision_function``, or of ``predict`` before it is kept inside the range of
            fit's targets, by a unit of the feature; of a time, by a day. Of companions those
            of trees are zero. Zero for categories,
            for what is missing, and for features that are left out. With ``n_bins`` the
            derivative jumps from one bin to the next.
        """
        check_is_fitted(self)
        table = as_table(X)
        validate_data(self, X, skip_check_array=True, reset=False)
        (encoded,) = self.encoder_.encode_blocks(table, table.shape[0])
        by_column = self.encoded_gradients(encoded.astype(np.float64))
        result, start = np.zeros((*by_column.shape[:2], table.shape[1])), 0
        for j, name, column in self.encoder_.used_columns():
            columns = slice(start, start + len(column.names(name)))
            start = columns.stop
            if column.categories is None:
                slopes = column.slopes(column.read(table.column(j), name), self.encoder_.limit)
                result[:, :, j] = np.einsum("nkc,nc->nk", by_column[:, :, columns], slopes)
        return result


def log_odds_and_weights(logits, kind):
    """Return the outputs of a mean of classifiers, and what each logit's derivative counts.

    The mean of probabilities P has, for classes that exclude one another, the output
    ``log P`` with the derivative ``Σ_m w_m ∂ log p_m``, where ``w_m = p_m / Σ p_m``; else
    ``log (P / (1 - P))`` with ``Σ_m (p_m (1 - p_m) / Σ p_m + p_m (1 - p_m) / Σ (1 - p_m)) ∂z_m``.

    Parameters
    ----------
    logits : ndarray of shape (n_members, n_samples, n_outputs)
        Divided by the temperature.
    kind : str
        As of ``ClassTargets``.

    Returns
    -------
    outputs : ndarray of shape (n_samples, n_outputs)
        As ``decision_function`` returns them.
    weights : ndarray
        For exclusive classes of shape (n_members, n_samples, n_outputs, n_outputs): of the
        last axis' logit in the output before it; else of the shape of ``logits``.
    """
    exclusive = kind == "multiclass"
    outputs = log_of_mean(iter(logits), exclusive)
    if exclusive:
        of_each = softmax(log_softmax(logits, axis=2), axis=0)  # p_m / Σ p_m
        P = softmax(logits, axis=2)
        return outputs, of_each[..., None] * (np.eye(P.shape[2]) - P[:, :, None])
    yes, no = softmax(log_expit(logits), axis=0), softmax(log_expit(-logits), axis=0)
    return outputs, yes * expit(-logits) + no * expit(logits)


def gradient_of_mean(gradients, weights):
    """Return the derivatives of the outputs of a mean of classifiers.

    Parameters
    ----------
    gradients : iterable of ndarray of shape (n_samples, n_outputs, n_inputs)
        Of each member's logits.
    weights : ndarray
        As ``log_odds_and_weights`` returns them.
    """
    total = 0.0
    for own, weight in zip(gradients, weights, strict=True):
        exclusive = weight.ndim == 3
        total = total + (weight @ own if exclusive else weight[:, :, None] * own)
    return np.asarray(total)


class ClassifierGradients(HasGradients):
    """The outputs are those of ``decision_function``."""

    temperature_: float
    teams: Any

    def encoded_outputs(self, encoded) -> np.ndarray:
        """Return the outputs, of shape (n_samples, n_outputs), for an encoded table."""
        return log_odds_and_weights(*self._outputs_of_each(encoded))[0]

    def encoded_gradients(self, encoded) -> np.ndarray:
        """Return their derivatives, of shape (n_samples, n_outputs, n_encoded_columns)."""
        logits, kind = self._outputs_of_each(encoded)
        _, weights = log_odds_and_weights(logits, kind)
        each = (team.gradients(encoded) for team in self.teams())
        return gradient_of_mean(each, weights) / self.temperature_

    def _outputs_of_each(self, encoded):
        """Return the teams' outputs at the temperature, and the kind of targets."""
        kind = targets_of(self.estimators_[0]).kind
        each = [
            outputs_of_logits(team.logits(encoded), kind, len(encoded)) for team in self.teams()
        ]
        return np.array(each) / self.temperature_, kind


class RegressorGradients(HasGradients):
    """The outputs are those of ``predict``, before they are kept inside a range."""

    target_scale_: Any
    target_mean_: Any
    teams: Any

    def encoded_outputs(self, encoded) -> np.ndarray:
        """Return the outputs, of shape (n_samples, n_outputs), for an encoded table."""
        each = [team.predictions(encoded).reshape(len(encoded), -1) for team in self.teams()]
        return np.mean(each, axis=0) * self.target_scale_ + self.target_mean_

    def encoded_gradients(self, encoded) -> np.ndarray:
        """Return their derivatives, of shape (n_samples, n_outputs, n_encoded_columns)."""
        each = [team.gradients(encoded) for team in self.teams()]
        return np.mean(each, axis=0) * np.reshape(self.target_scale_, (-1, 1))
