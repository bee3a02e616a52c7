"""What the two estimators for tables share: encoding, the recipe, training the members."""

from functools import partial
from numbers import Integral, Real
from time import perf_counter
from typing import Any, Self

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from .._estimators.callbacks import MemberCallbacks, given_data
from .._estimators.checks import check_given, check_groups, check_weights, columns_of
from .._estimators.fitted import OwnsEstimators
from .._estimators.parameters import COUNT, POSITIVE
from .._estimators.validation import balanced_folds, group_folds
from .._sklearn import Interval, StrOptions, callbacks_of, with_callbacks
from .._stacks.fit_many import fit_many
from ._encoder import TabularEncoder
from ._tables import as_table

FEW_ROWS = 20
"""With fewer rows nothing is held out: there the last epoch is as good as any."""

BLOCK = 2**14
"""Rows that are encoded and predicted together."""

BIN_COLUMNS = 1000
"""Columns that all bins may have together: of many numbers each has fewer."""

LARGE = 2**26
"""Bytes of an encoded table from which each member's rows are copied only when it trains."""


class BaseTabular(MemberCallbacks, OwnsEstimators, BaseEstimator):
    """Base of the two estimators: encoding, and training the members."""

    n_estimators: int
    hidden_layer_sizes: Any
    learning_rate_init: float
    dropout: Any
    weight_decay: float
    n_bins: int | None
    max_iter: int
    batch_size: int
    validation_fraction: float
    categorical_features: Any
    max_categories: int | None
    max_time: float | None
    n_jobs: int | None
    verbose: Any
    random_state: Any
    encoder_: TabularEncoder
    n_features_in_: int
    feature_names_in_: np.ndarray

    _parameter_constraints = {
        "n_estimators": [COUNT],
        "hidden_layer_sizes": ["array-like", COUNT, str],
        "learning_rate_init": [POSITIVE],
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

    # a splitter is what groups are usually for
    __metadata_request__fit = {"groups": False}

    @with_callbacks
    def fit(self, X, y, sample_weight=None, *, groups=None) -> Self:
        """Encode the table and train the members.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_features)
            The table. May have missing values.
        y : array-like of shape (n_samples,)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, non-negative. The encoding does not depend on them.
        groups : array-like of shape (n_samples,), default=None
            The group of each row, such as a person or a place. What is held out from a member
            are then whole groups, so that its epoch, and the temperature or the noise, are
            chosen for groups that are new. Metadata routing passes them on only if asked to
            (``set_fit_request(groups=True)``), for splitters take them, too.

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
        start, given = perf_counter(), given_data(X, y, sample_weight)
        check_given(y, self)
        y = self._check_targets(y)
        encoder = self._make_encoder(as_table(X))
        encoded = encoder.fit_transform(X)
        check_consistent_length(X, y)
        sample_weight = check_weights(sample_weight, encoded)
        groups = check_groups(groups, len(y))
        sample_weight = self._weighted(sample_weight, y)
        fitted, targets, labels = self._encode_targets(y, sample_weight)
        seeds, held_out = self._seeds_and_rows(labels, len(y), groups)
        members = [
            self._member(seed, rows, len(y)).set_params(max_time=self._time_for_each(start))
            for seed, rows in zip(seeds, held_out, strict=True)
        ]
        fitted["encoder_"] = encoder
        context = self._begin_callbacks(given, len(members))
        data = encoded, targets, sample_weight
        if self._trains_in_turn(encoded):
            alone = partial(self._alone, fitted | columns_of(X))
            fit = partial(self._fit_member, held_out, data)
            self._fit_in_turn(members, fit, context, given, alone)
        else:
            members = fit_many(
                members,
                *data[:2],
                sample_weight=sample_weight,
                validation_rows=held_out,
                n_jobs=self.n_jobs,
            )
        copy = object.__new__(type(self))  # an error leaves self as it was
        copy.__dict__.update(self.__dict__)
        validate_data(copy, X, skip_check_array=True)
        n_iter = max(member.n_iter_ for member in members)
        copy.__dict__.update(fitted, estimators_=members, n_iter_=n_iter)
        copy._calibrate(encoded, targets if labels is None else labels, sample_weight, held_out)
        self.__dict__ = copy.__dict__
        self._end_callbacks(context, given)
        return self

    def _weighted(self, sample_weight, y):
        """Return the weights to train with."""
        return sample_weight

    def _fit_member(self, held_out, data, k, member):
        if self.verbose:
            print(f"Network {k + 1} of {self.n_estimators}")
        member.fit(*data, validation_rows=held_out[k])

    def _alone(self, fitted, network):
        """Return the fitted attributes of an ensemble of one network, as it is without others."""
        own = {"estimators_": [network], "n_iter_": network.n_iter_}
        return fitted | self._uncalibrated | own

    def _make_encoder(self, table):
        """Return the encoder for a table."""
        n_bins = self.n_bins
        if n_bins is not None:
            kinds = [table.column(j).kind for j in range(table.shape[1])]
            n_numbers = len(kinds) - kinds.count("labels")
            n_bins = min(n_bins, BIN_COLUMNS // max(1, n_numbers))
        return TabularEncoder(
            categorical_features=self.categorical_features,
            max_categories=self.max_categories,
            n_bins=n_bins if n_bins is not None and n_bins > 1 else None,
            dtype="float32",
        )

    def _seeds_and_rows(self, labels, n_samples, groups=None):
        """Return a seed and the rows to validate on (None for none) for each member.

        The members take the folds of a partition in turn, so that each row is validated
        on by some member, and then those of another partition.
        """
        # two seeds a member: more members leave the first as they are
        random_state = check_random_state(self.random_state)
        seeds = random_state.randint(2**31, size=(self.n_estimators, 2)).tolist()
        n_folds = round(1 / self.validation_fraction)
        if groups is not None:
            n_folds = min(n_folds, groups.max() + 1)
        rows = []
        for k in range(self.n_estimators):
            if n_samples < FEW_ROWS:
                rows.append(None)
                continue
            if k % n_folds == 0 and groups is None:
                folds = balanced_folds(labels, n_samples, n_folds, seeds[k][1])
            elif k % n_folds == 0:
                folds = group_folds(groups, n_folds, seeds[k][1])
            rows.append(np.flatnonzero(folds == k % n_folds))
        return [seed for seed, _ in seeds], rows

    def _time_for_each(self, start):
        """Return each member's part of the seconds that are left; None for no limit."""
        if self.max_time is None:
            return None
        left = max(self.max_time - (perf_counter() - start), 1e-6)
        return left / -(-self.n_estimators // effective_n_jobs(self.n_jobs))

    def _trains_in_turn(self, encoded):
        """Tell whether one member is to be trained after another, so that all can be followed."""
        if callbacks_of(self):
            return True
        return (self.verbose or encoded.nbytes > LARGE) and effective_n_jobs(self.n_jobs) == 1

    def _recipe(self, seed, held_out, n_samples):
        """Return the parameters that classifier and regressor have in common."""
        n_rows = n_samples - (0 if held_out is None else len(held_out))
        n_batches = max(1, round(n_rows / self.batch_size))
        return {
            "hidden_layer_sizes": self.hidden_layer_sizes,
            "solver": self._optimizer(beta_2=0.95, weight_decay=self.weight_decay),
            "alpha": 0.0,
            # batches of equal size: a last one of a few rows would be a step of mere noise
            "batch_size": -(-n_rows // n_batches),
            "learning_rate": "coslog4",
            "learning_rate_init": self.learning_rate_init,
            "max_iter": self.max_iter,
            "tol": 0.0,
            "n_iter_no_change": np.inf,
            "early_stopping": held_out is not None,
            "standardize": False,
            "dtype": "float32",
            "dropout": self.dropout,
            "verbose": self.verbose,
            "random_state": seed,
        }

    def _encoded_blocks(self, X):
        """Yield the table encoded, some rows at a time."""
        check_is_fitted(self)
        table = as_table(X)
        validate_data(self, X, skip_check_array=True, reset=False)
        yield from self.encoder_.encode_blocks(table, BLOCK)

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
