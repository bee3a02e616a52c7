"""Estimators for raw tables that need no tuning: encoder, recipe and ensemble in one.

The recipe follows RealMLP (Holzmüller, Grinsztajn and Steinwart, "Better by default: strong
pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024); ``docs/tabular.md`` says
where it differs, and has the measurements. Nothing in it is out of a user's reach: a member
is a `BackpropClassifier` or a `BackpropRegressor` with the parameters of ``_member``, behind
a `TabularEncoder`.
"""

from numbers import Integral, Real

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_y,
    _num_samples,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from .base import store
from .calibration import fit_temperature, tempered_probabilities
from .checks import check_weights
from .classification_losses import LogLoss
from .classifier import BackpropClassifier
from .initializers import NeuralTangent
from .optimizers import AdamW
from .parameters import COUNT, POSITIVE
from .regressor import BackpropRegressor
from .stacking import fit_many
from .tabular_encoder import TabularEncoder
from .validation import balanced_folds

FEW_ROWS = 20
"""With fewer rows nothing is held out: there the last epoch is as good as any."""

BLOCK = 2**14
"""Rows that are encoded and predicted together."""


class BaseTabular(BaseEstimator):
    """Base of the two estimators: encoding, and training the members."""

    _parameter_constraints = {
        "n_estimators": [COUNT],
        "hidden_layer_sizes": ["array-like", COUNT, str],
        "learning_rate": [POSITIVE],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "n_bins": [Interval(Integral, 2, None, closed="left"), None],
        "max_iter": [COUNT],
        "batch_size": [COUNT],
        "validation_fraction": [Interval(Real, 0, 0.5, closed="right")],
        "categorical_features": [StrOptions({"auto"}), "array-like"],
        "max_categories": [Interval(Integral, 2, None, closed="left"), None],
        "max_time": [POSITIVE, None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def fit(self, X, y, sample_weight=None):
        """Encode the table and train the members.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_features)
            The table. May have missing values.
        y : array-like of shape (n_samples,)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, non-negative. The encoding does not depend on them.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are not usable. The estimator is then as it was.
        """
        self._validate_params()
        encoder = TabularEncoder(
            categorical_features=self.categorical_features,
            max_categories=self.max_categories,
            n_bins=self.n_bins,
            dtype="float32",
        )
        y = self._check_targets(y)
        encoded = encoder.fit_transform(X)
        check_consistent_length(X, y)
        sample_weight = check_weights(sample_weight, encoded)
        fitted, targets = self._encode_targets(y, sample_weight)
        seeds, held_out = self._seeds_and_rows(fitted, len(y))
        members = [
            self._member(seed, rows, len(y)) for seed, rows in zip(seeds, held_out, strict=True)
        ]
        members = fit_many(
            members, encoded, targets, sample_weight=sample_weight, validation_rows=held_out,
            n_jobs=self.n_jobs,
        )  # fmt: skip
        validate_data(self, X, skip_check_array=True)
        self.__dict__.update(fitted)
        self.encoder_, self.estimators_ = encoder, members
        self._calibrate(encoded, targets, sample_weight, held_out)
        return self

    def _seeds_and_rows(self, fitted, n_samples):
        """Return a seed and the rows to validate on (None for none) for each member.

        The members take the folds of a partition in turn, so that each row is validated
        on by some member, and then those of another partition.
        """
        # two seeds a member: more members leave the first as they are
        random_state = check_random_state(self.random_state)
        seeds = random_state.randint(2**31, size=(self.n_estimators, 2)).tolist()
        n_folds = round(1 / self.validation_fraction)
        rows = []
        for k in range(self.n_estimators):
            if n_samples < FEW_ROWS:
                rows.append(None)
                continue
            if k % n_folds == 0:
                labels = fitted.get("_labels")
                folds = balanced_folds(labels, n_samples, n_folds, seeds[k][1])
            rows.append(np.flatnonzero(folds == k % n_folds))
        return [seed for seed, _ in seeds], rows

    def _recipe(self, seed, held_out, n_samples):
        """Return the parameters that classifier and regressor have in common."""
        n_rows = n_samples - (0 if held_out is None else len(held_out))
        n_batches = max(1, round(n_rows / self.batch_size))
        max_time = self.max_time
        if max_time is not None:
            max_time /= -(-self.n_estimators // effective_n_jobs(self.n_jobs))
        return {
            "hidden_layer_sizes": self.hidden_layer_sizes,
            "solver": AdamW(beta_2=0.95, weight_decay=self.weight_decay),
            "alpha": 0.0,
            # batches of equal size: a last one of a few rows would be a step of mere noise
            "batch_size": -(-n_rows // n_batches),
            "learning_rate": "coslog4",
            "learning_rate_init": self.learning_rate,
            "max_iter": self.max_iter,
            "tol": 0.0,
            "n_iter_no_change": np.inf,
            "early_stopping": held_out is not None,
            "standardize": False,
            "dtype": "float32",
            "dropout": self.dropout,
            "max_time": max_time,
            "verbose": self.verbose,
            "random_state": seed,
        }

    def _encoded_blocks(self, X):
        """Yield the table encoded, some rows at a time."""
        check_is_fitted(self)
        validate_data(self, X, skip_check_array=True, reset=False)
        n_samples = _num_samples(X)
        if n_samples <= BLOCK:
            yield self.encoder_.transform(X)
            return
        for start in range(0, n_samples, BLOCK):
            rows = np.arange(start, min(start + BLOCK, n_samples))
            yield self.encoder_.transform(_safe_indexing(X, rows))

    @property
    def history_(self):
        """A record of each epoch of each member, in the form of a dict of lists.

        As a member's ``history_``, with a first column ``member``.
        """
        check_is_fitted(self)
        histories = [member.history_ for member in self.estimators_]
        members = [k for k, history in enumerate(histories) for _ in history["epoch"]]
        return {"member": members} | {
            name: [value for history in histories for value in history[name]]
            for name in histories[0]
        }

    def __sklearn_tags__(self):
        """Tell scikit-learn that missing values, text and categories work."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


class TabularClassifier(ClassifierMixin, BaseTabular):
    """Classifier for raw tables, good without tuning: an ensemble of neural networks.

    $parameters

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted.
    encoder_ : TabularEncoder
        Turns the table into numbers.
    estimators_ : list of BackpropClassifier
        The members, for encoded tables.
    temperature_ : float
        What the members' logits are divided by, chosen on held-out rows.
    history_ : dict of list
        A record of each epoch of each member.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X had some.

    See Also
    --------
    TabularRegressor : The same for numbers.
    BackpropClassifier : A single network, for numbers, with every choice open.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_backprop.tabular import TabularClassifier
    >>> X = np.array([["red", 1.0], ["blue", np.nan], ["red", 3.0], ["blue", 4.0]], dtype=object)
    >>> classifier = TabularClassifier(max_iter=20, random_state=0).fit(X, ["a", "b", "a", "b"])
    >>> classifier.predict(X)
    array(['a', 'b', 'a', 'b'], dtype='<U1')
    """

    _parameter_constraints = BaseTabular._parameter_constraints | {
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        *,
        n_estimators=5,
        hidden_layer_sizes=(128, 128, 128),
        learning_rate=0.04,
        dropout=0.0,
        weight_decay=0.02,
        label_smoothing=0.1,
        n_bins=None,
        max_iter=256,
        batch_size=256,
        validation_fraction=0.2,
        categorical_features="auto",
        max_categories=100,
        max_time=None,
        n_jobs=None,
        verbose=False,
        random_state=None,
    ):
        store(self, locals())

    def _check_targets(self, y):
        y = column_or_1d(y, warn=True)
        _check_y(y, estimator=self)
        check_classification_targets(y)
        return y

    def _encode_targets(self, y, sample_weight):
        classes, labels = np.unique(y, return_inverse=True)
        return {"classes_": classes, "_labels": labels}, y

    def _member(self, seed, held_out, n_samples):
        return BackpropClassifier(
            loss=LogLoss(label_smoothing=self.label_smoothing),
            activation="selu",
            initializer=NeuralTangent(data_driven=True),
            scoring="accuracy",
            **self._recipe(seed, held_out, n_samples),
        )

    def _calibrate(self, encoded, y, sample_weight, held_out):
        """Choose the temperature on what each member has not been trained on."""
        labels = self.__dict__.pop("_labels")
        logits, rows = [], []
        for member, validation in zip(self.estimators_, held_out, strict=True):
            if validation is not None:
                logits.append(self._logits(member, encoded[validation]))
                rows.append(validation)
        self.temperature_ = 1.0
        if rows:
            rows = np.concatenate(rows)
            weights = None if sample_weight is None else sample_weight[rows]
            self.temperature_ = fit_temperature(np.concatenate(logits), labels[rows], weights)

    def _logits(self, member, encoded):
        """Return a member's logits, one column a class."""
        logits = member.decision_function(encoded).astype(np.float64)
        if logits.ndim == 2:
            return logits
        if len(self.classes_) == 1:
            return logits[:, None]
        return np.column_stack([np.zeros(len(logits)), logits])

    def predict_proba(self, X):
        """Return the mean of the members' probabilities, in the order of ``classes_``.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_features)
            The table.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        blocks = []
        for encoded in self._encoded_blocks(X):
            each = [
                tempered_probabilities(self._logits(member, encoded), self.temperature_)
                for member in self.estimators_
            ]
            blocks.append(np.mean(each, axis=0))
        return np.concatenate(blocks)

    def predict_log_proba(self, X):
        """Return the logarithm of ``predict_proba``.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_features)
            The table.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        P = self.predict_proba(X)
        return np.log(P, out=P)

    def predict(self, X):
        """Return the label of the highest mean probability.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_features)
            The table.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class TabularRegressor(RegressorMixin, BaseTabular):
    """Regressor for raw tables, good without tuning: an ensemble of neural networks.

    $parameters

    Attributes
    ----------
    encoder_ : TabularEncoder
        Turns the table into numbers.
    estimators_ : list of BackpropRegressor
        The members, for encoded tables and standardized targets.
    target_mean_, target_scale_ : float
        What targets are standardized by.
    noise_ : float
        Root mean squared error of the members on the rows held out from them, in the units
        of y; 0 if there were too few rows to hold some out.
    history_ : dict of list
        A record of each epoch of each member.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
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

    def __init__(
        self,
        *,
        n_estimators=5,
        hidden_layer_sizes=(128, 128, 128),
        learning_rate=0.07,
        dropout=0.0,
        weight_decay=0.02,
        n_bins=24,
        max_iter=256,
        batch_size=256,
        validation_fraction=0.2,
        categorical_features="auto",
        max_categories=100,
        max_time=None,
        n_jobs=None,
        verbose=False,
        random_state=None,
    ):
        store(self, locals())

    def _check_targets(self, y):
        return _check_y(column_or_1d(y, warn=True), y_numeric=True, estimator=self).astype(float)

    def _encode_targets(self, y, sample_weight):
        largest = np.abs(y).max() or 1.0  # squares of what is divided by it are finite
        mean = np.average(y / largest, weights=sample_weight)
        variance = np.average(np.square(y / largest - mean), weights=sample_weight)
        scale = np.sqrt(variance) if variance > np.finfo(float).tiny else 1.0
        fitted = {
            "target_mean_": float(mean * largest),
            "target_scale_": float(scale * largest),
            "_range": (y.min(), y.max()),
        }
        return fitted, (y / largest - mean) / scale

    def _member(self, seed, held_out, n_samples):
        return BackpropRegressor(
            activation="mish",
            initializer=NeuralTangent(),
            **self._recipe(seed, held_out, n_samples),
        )

    def _calibrate(self, encoded, targets, sample_weight, held_out):
        """Learn how far off the members are on what each has not been trained on."""
        # the loss is half the mean squared error
        squares = [
            -2 * member.best_validation_score_
            for member, rows in zip(self.estimators_, held_out, strict=True)
            if rows is not None
        ]
        self.noise_ = float(np.sqrt(np.mean(squares)) * self.target_scale_) if squares else 0.0

    def predict(self, X, return_std=False):
        """Return the mean of the members' predictions, inside the range of ``fit``'s targets.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_features)
            The table.
        return_std : bool, default=False
            Whether to return standard deviations too: the root of the members' variance
            plus ``noise_`` squared.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Predictions.
        std : ndarray of shape (n_samples,)
            Only with ``return_std``.
        """
        means, stds = [], []
        for encoded in self._encoded_blocks(X):
            each = [
                np.clip(
                    member.predict(encoded).astype(np.float64) * self.target_scale_
                    + self.target_mean_,
                    *self._range,
                )
                for member in self.estimators_
            ]
            means.append(np.mean(each, axis=0))
            stds.append(np.hypot(np.std(each, axis=0), self.noise_))
        mean = np.concatenate(means)
        return (mean, np.concatenate(stds)) if return_std else mean
