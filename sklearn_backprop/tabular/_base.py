"""What the two estimators for tables share: encoding, and training the members."""

from collections.abc import Callable
from functools import partial
from numbers import Integral, Real
from time import perf_counter
from typing import Any, Self

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from .._estimators.callbacks import MemberCallbacks, given_data
from .._estimators.checks import check_groups, check_weights, columns_of
from .._estimators.fitted import OwnsEstimators
from .._estimators.names import check_names
from .._estimators.parameters import CONSTRAINTS, COUNT, POSITIVE
from .._estimators.validation import balanced_folds, group_folds
from .._sklearn import Interval, StrOptions, callbacks_of, with_callbacks
from ._encoder import TabularEncoder
from ._held_out import (
    FEW_ROWS,
    NOTHING_HELD_OUT,
    Share,
    check_time,
    folds_in_turn,
    later_blocks,
)
from ._named_features import mask_of
from ._onnx import ExportsToOnnx
from ._progress import ProgressLine, shows_progress
from ._tables import as_table
from ._target_codes import N_FOLDS, targets_to_code
from ._teams import HasTeams
from ._training import Data, Given, Training, errors_of_validation_set

BLOCK = 2**14
"""Rows that are encoded and predicted together."""

BIN_COLUMNS = 1000
"""Columns that all bins may have together: of many numbers each has fewer."""


ENOUGH = 50
"""Held-out rows: what fewer say of a cycle may be chance, and fits of few rows are quick."""

SHARE_OF_FIRST = 1 / 3
"""Of the time that is left, for the networks before their candidates."""

AUTO = StrOptions({"auto"})


class BaseTabular(HasTeams, ExportsToOnnx, MemberCallbacks, OwnsEstimators, BaseEstimator):
    """Base of the two estimators: encoding, and training the members."""

    n_estimators: Any
    n_candidates: int
    hidden_layer_sizes: Any
    learning_rate_init: Any
    dropout: Any
    weight_decay: Any
    n_bins: int | None
    max_iter: Any
    batch_size: Any
    validation_fraction: float
    early_stopping: bool
    scoring: Any
    categorical_features: Any
    ignored_features: Any
    max_categories: int | None
    max_time: float | None
    n_jobs: int | None
    verbose: Any
    random_state: Any
    _uncalibrated: dict
    _for_rows: dict[str, Callable]  # what "auto" is for a number of rows
    encoder_: TabularEncoder
    n_features_in_: int
    feature_names_in_: np.ndarray

    _parameter_constraints = {
        "n_estimators": [COUNT, AUTO],
        "n_candidates": [COUNT],
        "hidden_layer_sizes": ["array-like", COUNT, str],
        "learning_rate_init": [POSITIVE, AUTO],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "weight_decay": [Interval(Real, 0, None, closed="left"), AUTO],
        "n_bins": [Interval(Integral, 2, None, closed="left"), None],
        "max_iter": [COUNT, AUTO],
        "batch_size": [COUNT, AUTO],
        "validation_fraction": [Interval(Real, 0, 0.5, closed="right")],
        "early_stopping": ["boolean"],
        "scoring": CONSTRAINTS["scoring"],
        "companions": [AUTO, list, tuple, None],
        "categorical_features": [AUTO, "array-like"],
        "ignored_features": ["array-like", None],
        "max_categories": [Interval(Integral, 2, None, closed="left"), None],
        "max_time": [POSITIVE, None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose", AUTO],
        "random_state": ["random_state"],
    }

    # a splitter is what groups are usually for, and a search may cut X_val as it cuts X
    __metadata_request__fit = {
        "groups": False,
        "time": False,
        "X_val": UNUSED,
        "y_val": UNUSED,
        "sample_weight_val": UNUSED,
    }

    @with_callbacks
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        groups=None,
        time=None,
    ) -> Self:
        """Encode the table and train the members.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_features)
            The table. May have missing values.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, non-negative. The encoding does not depend on them.
        X_val, y_val : table and array-like, default=None
            What all members validate on, in place of rows held out from each.
        sample_weight_val : array-like of shape (n_validation_samples,), default=None
            Its weights.
        groups : array-like of shape (n_samples,), default=None
            The group of each row, such as a person or a place. What is held out from a member
            are then whole groups, so that its epoch, and the temperature or the noise, are
            chosen for groups that are new.
        time : array-like of shape (n_samples,), default=None
            Numbers, dates or times. What is held out from a member is then a block of rows
            that is later than all that it trains on, and from the last member the last block,
            of ``validation_fraction`` of the rows (less where members are many: the first one
            trains on half of the rows). Rows of equal times stay together.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are not usable, or if more than one of X_val, groups
            and time is given. The estimator is then as it was.

        Notes
        -----
        Metadata routing passes on groups and time only if asked to
        (``set_fit_request(groups=True)``), for splitters take them, too; X_val and y_val
        never, for a search may cut them as if they were columns of X.
        """
        check_names(self)
        self._validate_params()
        start = perf_counter()
        data = given_data(X, y, sample_weight)
        training = self._prepare(
            Given(X, y, sample_weight, X_val, y_val, sample_weight_val, groups, time)
        )
        if self.max_time is not None:
            training.deadline = start + self.max_time
        context = self._begin_callbacks(data, len(training.members))
        self._fit_companions(training)
        if callbacks_of(self):
            alone = partial(self._alone, training.data.fitted | columns_of(X))
            self._fit_in_turn(training.members, training.fit_member, context, data, alone)
            self._fit_candidates(training)
        else:
            self._train(training)
        attributes = self._fitted(training)
        validate_data(self, X, skip_check_array=True)
        self.__dict__.update(attributes)
        self._end_callbacks(context, data)
        return self

    def _train(self, training):
        """Train the members together, and show how far they are."""
        follow = None
        if shows_progress(self.verbose) and effective_n_jobs(self.n_jobs) == 1:
            n_epochs = training.n_epochs(self.n_candidates)
            follow = ProgressLine(type(self).__name__, n_epochs, training.time_left())
        try:
            training.fit(follow, self.n_jobs, SHARE_OF_FIRST if self.n_candidates > 1 else 1)
            self._fit_candidates(training, follow)
        finally:
            if follow is not None:
                follow.close()

    def _prepare(self, given):
        """Check and encode what ``fit`` was given; return the members with their data."""
        data = self._read(given)
        random_state = check_random_state(self.random_state)
        # two seeds a member: more members leave the first as they are
        n_members = self._chosen("n_estimators", data.n_samples)
        seeds = random_state.randint(2**31, size=(n_members, 2)).tolist()
        shares = self._shares(given, data, [seed for _, seed in seeds])
        members = [
            self._member(seed, share, data.n_rows)
            for (seed, _), share in zip(seeds, shares, strict=True)
        ]
        return Training(members, shares, data)

    def _read(self, given):
        """Return what ``fit`` was given, checked and encoded."""
        given.check(self)
        y = self._check_targets(given.y)
        table = as_table(given.X)
        encoder = self._make_encoder(table, columns_of(given.X)["feature_names_in_"])
        encoded = encoder.fit_transform(given.X)
        check_consistent_length(given.X, y)
        weights = self._weighted(check_weights(given.sample_weight, encoded), y)
        fitted, encode = self._encode_targets(y, weights)
        targets = encode(y)
        # what is later must not say anything of what is earlier
        if given.time is None and len(encoded) >= FEW_ROWS and encoder.many_labels():
            encoded = self._with_codes(encoder, table, encoded, targets, given.groups)
        fitted |= {"encoder_": encoder, "mean_row_": encoded.mean(axis=0, dtype=np.float64)}
        data = Data(encoded, targets, weights, fitted)
        if given.X_val is None:
            return data
        with errors_of_validation_set():
            more = encoder.transform(given.X_val)
            y_val = self._check_targets(given.y_val)
            check_consistent_length(given.X_val, y_val)
            targets = encode(y_val)
            weights = check_weights(given.sample_weight_val, more, "sample_weight_val")
            return data.followed_by(Data(more, targets, self._weighted(weights, y_val), fitted))

    def _with_codes(self, encoder, table, encoded, targets, groups):
        """Return the encoded table with what the targets say; groups stay together."""
        labels, groups = self._strata(targets), check_groups(groups, len(encoded))
        coded = targets_to_code(targets, labels)
        if coded is None:
            return encoded
        if groups is not None and groups.max() > 0:
            folds = group_folds(groups, min(N_FOLDS, groups.max() + 1), 0)
        else:
            folds = balanced_folds(labels, len(targets), N_FOLDS, 0)
        return encoder.with_target_codes(table, encoded, coded, folds)

    def _shares(self, given, data, seeds):
        """Return what each member trains on and validates on."""
        n_samples, fraction = data.n_samples, self.validation_fraction
        groups = check_groups(given.groups, n_samples)
        moments = check_time(given.time, n_samples)
        if data.n_rows > n_samples:
            return [Share(None, np.arange(n_samples, data.n_rows))] * len(seeds)
        if n_samples < FEW_ROWS:
            return [NOTHING_HELD_OUT] * len(seeds)
        if moments is not None:
            return later_blocks(moments, fraction, len(seeds))
        return folds_in_turn(n_samples, fraction, seeds, self._strata(data.targets), groups)

    def _strata(self, targets):
        """Return the class of each row, to be spread evenly over the folds; None for none."""
        return None

    def _fitted(self, training):
        """Return the fitted attributes after training."""
        n_iter = max(member.n_iter_ for member in training.members)
        known = {"estimators_": training.members, "n_iter_": n_iter}
        calibrated = self._calibrated(training)
        companions = training.that_count(calibrated["weights_"])
        candidates = training.table_of_candidates(calibrated["weights_"])
        return training.data.fitted | known | calibrated | companions | candidates

    def _weighted(self, sample_weight, y):
        """Return the weights to train with."""
        return sample_weight

    def _alone(self, fitted, network):
        """Return the fitted attributes of an ensemble of one network, as it is without others."""
        own = {"estimators_": [network], "n_iter_": network.n_iter_, "candidates_": None}
        return fitted | self._uncalibrated | {"companions_": None} | own

    def _make_encoder(self, table, names=None):
        """Return the encoder for a table whose features have names, or None."""
        n_bins = self.n_bins
        if n_bins is not None:
            given, names = self.ignored_features, () if names is None else names
            ignored = mask_of("ignored_features", given, table.shape[1], names)
            kinds = [table.column(j).kind for j in np.flatnonzero(~ignored).tolist()]
            n_numbers = len(kinds) - kinds.count("labels")
            n_bins = min(n_bins, BIN_COLUMNS // max(1, n_numbers))
        return TabularEncoder(
            categorical_features=self.categorical_features,
            ignored_features=self.ignored_features,
            max_categories=self.max_categories,
            n_bins=n_bins if n_bins is not None and n_bins > 1 else None,
            dtype="float32",
        )

    def _recipe(self, seed, share, n_rows):
        """Return the parameters that classifier and regressor have in common."""
        may_end = self.early_stopping and share.n_held_out >= ENOUGH
        n_rows = share.n_trained_on(n_rows)
        n_batches = max(1, round(n_rows / self._chosen("batch_size", n_rows)))
        weight_decay = self._chosen("weight_decay", n_rows)
        return {
            "hidden_layer_sizes": self._chosen("hidden_layer_sizes", n_rows),
            "solver": self._optimizer(beta_2=0.95, weight_decay=weight_decay),
            "alpha": 0.0,
            # batches of equal size: a last one of a few rows would be a step of mere noise
            "batch_size": -(-n_rows // n_batches),
            "learning_rate": "coslog4",
            "learning_rate_init": self._chosen("learning_rate_init", n_rows),
            "max_iter": self._chosen("max_iter", n_rows),
            "tol": 0.0,
            "n_iter_no_change": "cycle" if may_end else np.inf,
            "early_stopping": share.validation is not None,
            "scoring": self.scoring,
            "standardize": False,
            "dtype": "float32",
            "dropout": self.dropout,
            "verbose": 0 if self.verbose == "auto" else self.verbose,
            "random_state": seed,
        }

    def _chosen(self, name, n_rows):
        """Return a parameter's value, which for "auto" depends on the number of rows."""
        value = getattr(self, name)
        is_auto = isinstance(value, str) and value == "auto"
        return self._for_rows[name](n_rows) if is_auto else value

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
