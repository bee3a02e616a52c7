"""Estimators for raw tables that need no tuning: encoder, recipe and ensemble in one.

The recipe follows RealMLP (Holzmüller, Grinsztajn and Steinwart, "Better by default: strong
pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024); ``docs/tabular.md`` says
where it differs, and has the measurements. Nothing in it is out of a user's reach: a member
is a `BackpropClassifier` or a `BackpropRegressor` with the parameters of ``_member``, behind
a `TabularEncoder`.
"""

from numbers import Real

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted, column_or_1d

from .._estimators.fitted import loss_of
from .._estimators.parameters import document_parameters, losses_for
from .._estimators.regressor import BackpropRegressor, ScoredByLoss
from .._sklearn import Interval, StrOptions, check_y
from ..components import lookup
from ..initializers import NeuralTangent
from ..losses import LOSSES, Loss, Quantile, SquaredError
from ..optimizers import AdamW
from ._base import BaseTabular
from ._companions import NETWORK, REGRESSORS
from ._descriptions import DESCRIPTIONS
from ._gradients import RegressorGradients
from ._intervals import PredictsIntervals
from ._onnx import predictions_of_members
from ._recipe import batch_size_for, constant, epochs_falling, falling, members_for, rising_rate
from ._teams import pooled, predictions_of
from ._weights import joined, select_predictions, weigh_predictions


@document_parameters(DESCRIPTIONS)
class TabularRegressor(
    PredictsIntervals, RegressorGradients, ScoredByLoss, RegressorMixin, BaseTabular
):
    """Regressor for raw tables, good without tuning: an ensemble of neural networks.

    $parameters

    Attributes
    ----------
    encoder_ : TabularEncoder
        Turns the table into numbers.
    estimators_ : list of BackpropRegressor
        The members, for encoded tables and standardized targets.
    companions_ : list of dict of str to estimator
        What predicts beside each member, by name; for the same.
    candidates_ : dict of list, or None
        With ``n_candidates`` a row for each configuration, as ``cv_results_`` has them: its name,
        what it is, its loss on what was held out from the first members, its weight.
    weights_ : dict of str to float
        What the networks (``"network"``) and their companions count, chosen on held-out rows.
    target_mean_, target_scale_ : float or ndarray of shape (n_outputs,)
        What targets are standardized by.
    n_outputs_ : int
        Columns of y.
    noise_ : float or ndarray of shape (n_outputs,)
        Root mean squared error of the members on the rows held out from them, in the units
        of y, for ``loss="squared_error"``; 0 for another, and if there were too few rows to
        hold some out.
    history_ : dict of list
        A record of each epoch of each member.
    mean_row_ : ndarray of shape (n_encoded_columns,)
        The mean of the encoded table, which attributions compare a row with.
    n_iter_ : int
        Epochs of the member that had most.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had some.

    See Also
    --------
    TabularClassifier : The same for classes.
    BackpropRegressor : A single network, for numbers, with every choice open.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_backprop.tabular import TabularRegressor
    >>> X, y = load_diabetes(return_X_y=True, as_frame=False)
    >>> regressor = TabularRegressor(n_estimators=2, max_iter=20, random_state=0).fit(X, y)
    >>> mean, std = regressor.predict(X, return_std=True)
    >>> mean.shape, std.shape
    ((442,), (442,))
    """

    _parameter_constraints = BaseTabular._parameter_constraints | {
        "loss": [StrOptions(set(losses_for("regression"))), Loss],
        "quantile": [Interval(Real, 0, 1, closed="neither"), None],
    }

    def __init__(
        self,
        *,
        loss="squared_error",
        quantile=None,
        n_estimators="auto",
        n_candidates=1,
        hidden_layer_sizes="auto",
        learning_rate_init="auto",
        dropout=0.0,
        weight_decay="auto",
        n_bins=24,
        max_iter="auto",
        batch_size="auto",
        validation_fraction=0.2,
        early_stopping=True,
        scoring="loss",
        companions="auto",
        categorical_features="auto",
        ignored_features=None,
        max_categories=100,
        max_time=None,
        n_jobs=None,
        verbose="auto",
        random_state=None,
    ):
        self.loss = loss
        self.quantile = quantile
        self.n_estimators = n_estimators
        self.n_candidates = n_candidates
        self.hidden_layer_sizes = hidden_layer_sizes
        self.learning_rate_init = learning_rate_init
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.n_bins = n_bins
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.scoring = scoring
        self.companions = companions
        self.categorical_features = categorical_features
        self.ignored_features = ignored_features
        self.max_categories = max_categories
        self.max_time = max_time
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    _for_rows = {
        "n_estimators": members_for,
        "hidden_layer_sizes": constant((128, 128, 128)),
        "learning_rate_init": rising_rate(0.07),
        "weight_decay": falling(0.02, 1),
        "max_iter": epochs_falling(1 / 2),
        "batch_size": batch_size_for,
    }
    _optimizer = AdamW
    _usual_companions = REGRESSORS
    _say = staticmethod(predictions_of)
    _uncalibrated = {"noise_": 0.0, "weights_": {NETWORK: 1.0}, "_held_out_scores": []}

    def _chosen_loss(self):
        """Return the loss as an instance."""
        if self.quantile is not None and self.loss != Quantile.name:
            raise ValueError(
                f"quantile={self.quantile!r} is for loss='quantile', but loss={self.loss!r}."
            )
        given = {} if self.quantile is None else {"quantile": self.quantile}
        loss = lookup("loss", self.loss, LOSSES, given)
        if loss.task != "regression":
            raise ValueError(
                f"loss={self.loss!r} is for classification; known here are "
                f"{', '.join(map(repr, losses_for('regression')))}."
            )
        if self.n_candidates > 1 and loss.known_as != SquaredError.name:
            raise ValueError(
                f"n_candidates={self.n_candidates} needs loss='squared_error', by which candidates "
                f"are weighed; got loss={loss.name!r}. Pass n_candidates=1."
            )
        return loss

    def _check_targets(self, y):
        y = check_y(y, y_numeric=True, multi_output=True, estimator=self)
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        y = y.astype(float)
        self._chosen_loss().check_targets(y.reshape(len(y), -1))
        return y

    def _encode_targets(self, y, sample_weight):
        """Return what targets become mean 0 and variance 1 by; where a loss has a zero, mean 1."""
        loss = self._chosen_loss()
        largest = np.abs(y).max(axis=0)  # squares of what is divided by it are finite
        largest = np.where(largest > 0, largest, 1.0)
        mean, scale = np.average(y / largest, axis=0, weights=sample_weight), 1.0 / largest
        if loss.standardizes_targets:
            squares = np.square(y / largest - mean)
            variance = np.average(squares, axis=0, weights=sample_weight)
            scale = np.where(variance > np.finfo(float).tiny, np.sqrt(variance), 1.0)
        else:
            if loss.positive_only:
                scale = np.where(mean > 0, mean, scale)
            mean = np.zeros_like(mean)
        fitted = {
            "target_mean_": _plain(mean * largest),
            "target_scale_": _plain(scale * largest),
            "_range": (y.min(axis=0), y.max(axis=0)),
            "n_outputs_": 1 if y.ndim == 1 else y.shape[1],
        }

        def encode(y):
            if y.shape[1:] != np.shape(mean):
                raise ValueError(f"y has the shape {y.shape}, which is not that of fit's targets.")
            return (y / largest - mean) / scale

        return fitted, encode

    def _member(self, seed, share, n_rows):
        return BackpropRegressor(
            loss=self._chosen_loss(),
            activation="mish",
            initializer=NeuralTangent(),
            **self._recipe(seed, share, n_rows),
        )

    def _calibrated(self, training):
        """Return weights, and how far off teams are on what each has not been trained on."""
        held_out, fitted = list(training.held_out()), training.data.fitted
        known = dict(self._uncalibrated)
        predicted = [None] * len(held_out)
        if held_out and _is_squared_error(training.members[0]):
            parts = [team.parts_of_predictions(encoded) for team, encoded, *_ in held_out]
            weigh = weigh_predictions if self.n_candidates == 1 else select_predictions
            weights = known["weights_"] = weigh(joined(parts), *_targets_and_counts(held_out))
            predicted = [pooled(each, weights) for each in parts]
            means = [
                np.average(np.square(own - targets), axis=0, weights=sample_weight)
                for own, (_, _, targets, sample_weight) in zip(predicted, held_out, strict=True)
            ]
            known["noise_"] = _plain(np.sqrt(np.mean(means, axis=0)) * fitted["target_scale_"])
        known["_held_out_scores"] = self._scores_of(held_out, predicted, fitted)
        return known

    def _loss_of(self, said, held_out, member):
        """Return the mean squared error of predictions."""
        targets, counts = _targets_and_counts(held_out)
        squares = np.square(np.concatenate(said) - targets).reshape(len(targets), -1)
        return np.average(squares.mean(axis=1), weights=counts)

    def _has_none_for(self, data):
        loss = self._chosen_loss()
        is_squared_error = loss.known_as == SquaredError.name
        return super()._has_none_for(data) if is_squared_error else f"loss={loss.name!r}"

    def predict(self, X, return_std=False):
        """Return the mean of the members' predictions, inside the range of ``fit``'s targets.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_features)
            The table.
        return_std : bool, default=False
            Whether to return standard deviations too: the root of the members' variance
            plus ``noise_`` squared, or for ``loss="gaussian"`` plus the mean of the variances
            that they have learned.

        Returns
        -------
        y : ndarray of shape (n_samples,), (n_samples, n_outputs) or (n_samples, n_quantiles)
            Predictions.
        std : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Only with ``return_std``.

        Raises
        ------
        ValueError
            For ``return_std`` with a loss other than these two.
        """
        check_is_fitted(self)
        learns_noise = hasattr(loss_of(self.estimators_[0]), "standard_deviations")
        if return_std and not (learns_noise or _is_squared_error(self.estimators_[0])):
            raise ValueError(
                "return_std=True needs loss='squared_error' or 'gaussian'; this regressor was "
                f"fitted with loss={loss_of(self.estimators_[0]).name!r}."
            )
        means, stds = [], []
        for encoded in self._encoded_blocks(X):
            each, noise = [], [self.noise_]
            for team in self.teams():
                mean = team.predictions(encoded)
                if return_std and learns_noise:
                    mean, std = team.network.predict(encoded, return_std=True)
                    noise.append(std.astype(np.float64) * self.target_scale_)
                mean = mean.astype(np.float64) * self.target_scale_ + self.target_mean_
                each.append(np.clip(mean, *self._range))
            means.append(np.mean(each, axis=0))
            if return_std:
                stds.append(np.hypot(np.std(each, axis=0), _root_mean_square(noise)))
        mean = np.concatenate(means)
        return (mean, np.concatenate(stds)) if return_std else mean

    def _loss_for_score(self):
        return loss_of(self.estimators_[0])

    def _onnx_outputs(self, graph, encoded):
        return predictions_of_members(graph, encoded, self, *self._range)

    def __sklearn_tags__(self):
        """Tell scikit-learn that several targets work, and whether they must be positive."""
        tags = super().__sklearn_tags__()
        loss = LOSSES.get(self.loss) if isinstance(self.loss, str) else self.loss
        tags.target_tags.multi_output = True
        tags.target_tags.positive_only = getattr(loss, "positive_only", False)
        return tags


def _targets_and_counts(held_out):
    """Return the targets held out, and their weights or None."""
    counts = [weights for *_, weights in held_out if weights is not None]
    targets = np.concatenate([y for _, _, y, _ in held_out])
    return targets, np.concatenate(counts) if counts else None


def _is_squared_error(member):
    """Tell whether a member was fitted with the loss that ``noise_`` is of."""
    return loss_of(member).known_as == SquaredError.name


def _plain(values):
    """Return an array, or the float that it is if it has no axes."""
    return values if np.ndim(values) else float(values)


def _root_mean_square(noise):
    """Return the members' own noise, or the one that all have."""
    own = noise[1:] or noise
    return np.sqrt(np.mean(np.square(own), axis=0))
