"""What an estimator for tables trains on, and the training of its members."""

from contextlib import contextmanager
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from .._engine.samples import rows_of
from .._estimators.checks import check_given
from .._sklearn import is_called_by_a_search, num_samples
from .._stacks.fit_many import fit_many
from ._candidates import n_networks, table_of, train_candidates
from ._companions import NETWORK, fit_companions
from ._teams import Team

SOON = 1e-6
"""Seconds that are left when there are none."""

SHARE_OF_COMPANIONS = 1 / 4
"""Of ``max_time``, after which none begins."""


class Given(NamedTuple):
    """What ``fit`` was given, not yet checked."""

    X: Any
    y: Any
    sample_weight: Any
    X_val: Any
    y_val: Any
    sample_weight_val: Any
    groups: Any
    time: Any

    def check(self, estimator):
        """Raise ``ValueError`` where something is missing, or contradicts something else."""
        check_given(self.y, estimator)
        own = {"X_val": self.X_val, "groups": self.groups, "time": self.time}
        named = [name for name, value in own.items() if value is not None]
        if len(named) > 1:
            raise ValueError(
                f"{' and '.join(named)} say twice what to validate on; pass one of them."
            )
        if (self.X_val is None) != (self.y_val is None):
            missing = "X_val" if self.X_val is None else "y_val"
            raise ValueError(f"X_val and y_val go together, but {missing} was not passed.")
        if self.X_val is None and self.sample_weight_val is not None:
            raise ValueError("sample_weight_val was passed without X_val and y_val.")
        is_as_long = self.X_val is not None and num_samples(self.X_val) == num_samples(self.X)
        if is_as_long and is_called_by_a_search():
            raise ValueError(
                "X_val has as many rows as X, so this search has cut it as it cuts X: to the rows "
                "with the numbers of a fold's. Leave it out in a search; each member holds out "
                "rows of its own."
            )


class Data(NamedTuple):
    """A table that has been checked and encoded.

    Attributes
    ----------
    encoded : ndarray of shape (n_rows, n_columns)
        Of float32; rows of X_val, if it was given, come after those of X.
    targets : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        As the members take them.
    sample_weight : ndarray of shape (n_rows,) or None
        Weights.
    fitted : dict
        Attributes that are known before training.
    n_validation : int
        Rows of X_val.
    """

    encoded: np.ndarray
    targets: np.ndarray
    sample_weight: np.ndarray | None
    fitted: dict
    n_validation: int = 0

    @property
    def n_rows(self):
        """Rows of X and of X_val."""
        return len(self.encoded)

    @property
    def n_samples(self):
        """Rows of X."""
        return self.n_rows - self.n_validation

    def followed_by(self, other):
        """Return both, one below the other."""
        weights = None
        if self.sample_weight is not None or other.sample_weight is not None:
            weights = np.concatenate([self.weights_or_ones(), other.weights_or_ones()])
        return Data(
            np.concatenate([self.encoded, other.encoded]),
            np.concatenate([self.targets, other.targets]),
            weights,
            self.fitted,
            other.n_rows,
        )

    def weights_or_ones(self):
        """Return a weight for each row."""
        return np.ones(self.n_rows) if self.sample_weight is None else self.sample_weight

    def of(self, rows):
        """Return the columns, the targets and the weights of some rows, or of all for None."""
        weights = self.sample_weight
        return (
            rows_of(self.encoded, rows),
            rows_of(self.targets, rows),
            None if weights is None else rows_of(weights, rows),
        )


class Training:
    """Members, and what each trains on.

    Parameters
    ----------
    members : list of BaseBackprop
        Unfitted; then fitted.
    shares : list of Share
        Of each.
    data : Data
        Of all.
    """

    def __init__(self, members, shares, data):
        self.members = members
        self.shares = shares
        self.data = data
        self.deadline = None
        self.companions: list[dict] = [{} for _ in members]
        self.companion_columns: dict = {}
        self.candidates: list = []
        self.candidate_losses: dict = {}

    def n_epochs(self, n_candidates=1):
        """Return the epochs of all networks together, at most."""
        n_members = len(self.members)
        n_epochs = sum(member.max_iter for member in self.members)
        return n_epochs * n_networks(n_candidates, n_members) // n_members

    def fit(self, after_epoch=None, n_jobs=None, share_of_time=1.0):
        """Train all members together; drop those for which there was no time.

        Parameters
        ----------
        after_epoch : callable, default=None
            As in ``fit_many``.
        n_jobs : int, default=None
            As there.
        share_of_time : float, default=1
            Of the time that is left, for these.
        """
        left = self.time_left()
        members = self.fit_more(
            self.members,
            range(len(self.members)),
            max_time=None if left is None else left * share_of_time,
            after_epoch=after_epoch,
            n_jobs=n_jobs,
        )
        there = [k for k, member in enumerate(members) if member is not None]
        self.members = [members[k] for k in there]
        self.shares = [self.shares[k] for k in there]
        self.companions = [self.companions[k] for k in there]

    def fit_more(self, networks, numbers, columns=None, **how):
        """Train networks, each on what the member of a number trains on.

        Parameters
        ----------
        networks : list of BaseBackprop
            Unfitted.
        numbers : iterable of int
            Of each, the member's.
        columns : ndarray of int or None
            The encoded columns that they are given; None means all.
        **how : object
            ``max_time``, ``after_epoch`` and ``n_jobs`` of ``fit_many``.

        Returns
        -------
        list of BaseBackprop or None
            Fitted; None where there was no time.
        """
        encoded, targets, weights = self.data.of(None)
        shares = [self.shares[k] for k in numbers]
        if not networks:
            return []
        return fit_many(
            networks,
            encoded if columns is None else encoded[:, columns],
            targets,
            rows=[share.rows for share in shares],
            sample_weight=weights,
            validation_rows=[share.validation for share in shares],
            **how,
        )

    def fit_member(self, k, member):
        """Train one member, in its part of the time that is left."""
        left = self.time_left()
        if left is not None:
            member.set_params(max_time=left / (len(self.members) - k))
        share = self.shares[k]
        member.fit(*self.data.of(share.rows), validation_rows=share.validation)
        member.set_params(max_time=None)

    def time_left(self):
        """Return the seconds that are left, or None for no limit."""
        return None if self.deadline is None else max(self.deadline - perf_counter(), SOON)

    def fit_companions(self, companions, targets, seed, columns):
        """Fit the companions of all members, on what each is trained on.

        Parameters
        ----------
        companions : dict of str to estimator
            Unfitted; none where nothing is held out to weigh them by.
        targets : ndarray of shape (n_rows,)
            As they take them.
        seed : int
            Of what is random in them.
        columns : ndarray of int or None
            The encoded columns that they are given; None means all.
        """
        if not companions or any(share.validation is None for share in self.shares):
            return
        # with X_val all members have the same share, and need one fit
        rows_of_share = {id(share): share.trained_on(len(targets)) for share in self.shares}
        rows = [rows_of_share[id(share)] for share in self.shares]
        left = self.time_left()
        deadline = None if left is None else perf_counter() + left * SHARE_OF_COMPANIONS
        encoded = self.data.encoded if columns is None else self.data.encoded[:, columns]
        weights = self.data.sample_weight
        self.companions = fit_companions(
            companions, encoded, targets, weights, rows, seed, deadline
        )
        if columns is not None:
            self.companion_columns = dict.fromkeys(companions, columns)

    def fit_candidates(self, candidates, loss_of, after_epoch=None, n_jobs=None):
        """Train candidates; those kept become companions.

        Parameters
        ----------
        candidates : list of Candidate
            What to train.
        loss_of : callable
            Returns the loss of what networks say of the rows held out from the first members.
        after_epoch, n_jobs : object
            As in ``fit_many``.
        """
        networks, self.candidate_losses = train_candidates(
            candidates, self, loss_of, after_epoch, n_jobs
        )
        self.candidates = candidates
        for k, companions in enumerate(self.companions):
            companions.update({name: fitted[k] for name, fitted in networks.items()})
        columns = {c.name: c.columns for c in candidates if c.columns is not None}
        self.companion_columns = self.companion_columns | columns

    def table_of_candidates(self, weights):
        """Return the fitted attribute that says what was tried."""
        if not self.candidates:
            return {"candidates_": None}
        table = table_of(self.candidates, self.members[0], self.candidate_losses, weights)
        return {"candidates_": table}

    def teams(self):
        """Return each member with its companions, which do not count yet."""
        return [
            Team(member, companions, {NETWORK: 1.0}, self.companion_columns)
            for member, companions in zip(self.members, self.companions, strict=True)
        ]

    def held_out(self):
        """Yield each team that has held out rows, and their columns, targets and weights."""
        for team, share in zip(self.teams(), self.shares, strict=True):
            if share.validation is not None:
                yield team, *self.data.of(share.held_out)

    def that_count(self, weights):
        """Return the fitted attributes of the companions, without those of weight 0."""
        counts = {name for name, weight in weights.items() if weight > 0}
        companions = [
            {name: companion for name, companion in each.items() if name in counts}
            for each in self.companions
        ]
        return {"companions_": companions, "_companion_columns": self.companion_columns}


@contextmanager
def errors_of_validation_set():
    """Say of an error inside that it is one of the validation set."""
    try:
        yield
    except ValueError as error:
        raise ValueError(
            f"The validation set (X_val, y_val, sample_weight_val): {error}"
        ) from error
