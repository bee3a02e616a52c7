"""Bad readings in a stream: found, and clipped before anything is learned from them.

Running means and scales never forget. One reading of 1e6 in a column of numbers around 1
would make all others look alike for good. So ``partial_fit`` asks of each column how far
its readings are from a typical one. One that is a hundred times as far out as all before it,
and far beyond the spread of their logarithms (wide where the tail is long), is clipped to
the farthest so far. If such readings go on, the column has changed, and begins anew.
"""

from copy import copy

import numpy as np
from scipy.sparse import csr_matrix

from .moments import with_more
from .plain import plain

TIMES = 100.0
"""How many times as far out as all others a bad reading is, at least."""

SPREADS = 5.75
"""How many standard deviations of log distances it is beyond their mean, at least."""

ENOUGH = 32
"""Distances, zeros not counted, that must be known to tell what is far."""

FIRST = 100
"""Rows at the beginning that are kept, to be judged again when more are known."""

TOGETHER = 2**15
"""Numbers at the beginning that are judged by one another; the rest by these."""

PATIENCE = 200
"""Bad readings, less a fiftieth of the good ones between them, after which they are right."""

SAMPLE = 100
"""Rows of a chunk whose distances are counted, at most."""

FEW_NUMBERS = 2**22
"""Of a sparse matrix, zeros included, that is looked at as an array: 32 MiB."""

SETTLED = 1000, 20_000
"""Rows after which distances are known, and after which they need not be: of rare categories."""


@plain("watch")
class Watch:
    """How far the readings of each column are from a typical one.

    Attributes
    ----------
    typical : ndarray of shape (n_columns,)
        A median; NaN before there were readings.
    farthest, too_far : ndarray of shape (n_columns,)
        The largest distance of a reading that was taken as it was, and of a bad one.
    count, sum, squares : ndarray of shape (n_columns,)
        Distances that were not zero, and sums of their logarithms and of the squares of these.
    evidence : ndarray of shape (n_columns,)
        Bad readings, less a fiftieth of the good ones.
    n_rows : int
        Rows since a column last began anew.
    """

    def __init__(self, n_columns):
        self.n_rows = 0
        self.typical = np.full(n_columns, np.nan)
        self.farthest, self.too_far, self.evidence = np.zeros((3, n_columns))
        self.count, self.sum, self.squares = np.zeros((3, n_columns))

    def begin(self, X):
        """Choose what is typical of columns that are new."""
        is_new = np.isnan(self.typical)
        if is_new.any():
            self.typical = np.where(is_new, np.median(X, axis=0), self.typical)

    def forget_changed(self):
        """Let columns whose bad readings have gone on begin anew; return a mask of them.

        What was too far is too far no longer: it may come back.
        """
        changed = self.evidence >= PATIENCE
        if changed.any():
            self.n_rows = 0
        self.typical = np.where(changed, np.nan, self.typical)
        self.farthest = np.where(changed, self.too_far, self.farthest)
        for name in ("too_far", "evidence", "count", "sum", "squares"):
            setattr(self, name, np.where(changed, 0.0, getattr(self, name)))
        return changed

    def has_seen(self, X):
        """Tell whether enough is known, and none of these rows is farther out than all before."""
        if self.n_rows < SETTLED[0] or self.evidence.any():
            return False
        if self.n_rows < SETTLED[1] and (self.count < ENOUGH).any():
            return False
        return not (self._reach(X) > self.farthest).any()

    def bad(self, X):
        """Return a mask of the bad ones among further rows; None if there are none.

        Each is compared with all before it and with all rows here that are nearer.
        """
        count = np.maximum(self.count, 1)
        mean = self.sum / count
        spread = np.sqrt(np.maximum(self.squares / count - mean**2, 0))
        limit = np.maximum(TIMES * self.farthest, np.exp(mean + SPREADS * spread))
        limit[self.count < ENOUGH] = np.inf
        suspects = np.flatnonzero(self._reach(X) > limit)
        nearest = np.full(len(limit), np.inf)
        for j in suspects:
            distances = np.sort(np.abs(X[:, j] - self.typical[j]))
            before = np.maximum(np.append(0.0, distances[:-1]), self.farthest[j])
            is_bad = (distances > TIMES * before) & (distances > limit[j])
            if is_bad.any():
                nearest[j] = distances[is_bad.argmax()]
        return np.abs(X - self.typical) >= nearest if np.isfinite(nearest).any() else None

    def bad_together(self, X):
        """Return a mask of the bad ones among the first rows, judged by one another, or None."""
        distances = np.sort(np.abs(X - self.typical), axis=0)
        there = distances > 0
        count = np.cumsum(there, axis=0)
        logs = np.log(np.where(there, distances, 1.0))
        mean = np.cumsum(logs, axis=0) / np.maximum(count, 1)
        variance = np.cumsum(logs**2, axis=0) / np.maximum(count, 1) - mean**2
        limit = mean + SPREADS * np.sqrt(np.maximum(variance, 0))
        is_bad = (
            (distances[1:] > TIMES * distances[:-1])
            & (logs[1:] > limit[:-1])
            & (count[:-1] >= np.maximum(ENOUGH, 0.75 * count[-1]))
        )
        if not is_bad.any():
            return None
        nearest = distances[1:][is_bad.argmax(axis=0), range(X.shape[1])]
        return np.abs(X - self.typical) >= np.where(is_bad.any(axis=0), nearest, np.inf)

    def take(self, X, bad):
        """Learn from rows, of the bad readings only how many they are and how far out."""
        n_bad = 0.0
        self.n_rows += len(X)
        if bad is not None:
            n_bad = bad.sum(axis=0)
            self.too_far = np.maximum(self.too_far, self._reach(np.where(bad, X, self.typical)))
            X = np.where(bad, self.typical, X)
        self.evidence = np.maximum(self.evidence + n_bad - 0.02 * (len(X) - n_bad), 0)
        self.farthest = np.maximum(self.farthest, self._reach(X))
        distances = np.abs(X[:: max(1, len(X) // SAMPLE)] - self.typical)
        there = distances > 0
        logs = np.log(np.where(there, distances, 1.0))
        self.count = self.count + there.sum(axis=0)
        self.sum, self.squares = self.sum + logs.sum(axis=0), self.squares + (logs**2).sum(axis=0)

    def _reach(self, X):
        """Return the largest distance in each column, without an array as large as X."""
        return np.maximum(X.max(axis=0) - self.typical, self.typical - X.min(axis=0))

    def clipped(self, X, bad):
        """Return rows with the bad readings no farther out than the farthest good one."""
        if bad is None:
            return X
        low, high = self.typical - self.farthest, self.typical + self.farthest
        return np.where(bad, np.clip(X, low, high), X).astype(X.dtype)


@plain("screen")
class Screen:
    """The statistics of a stream's columns, and what is clipped before it counts in them.

    Parameters
    ----------
    moments : Moments or None
        Of what was learned from before; None to keep none.

    Attributes
    ----------
    moments : Moments or None
        With all rows of the stream so far.
    found : list of (int, float, float)
        Of each column with bad readings that the last rows brought to light: its number, the
        reading farthest out, and what it was taken as.
    """

    def __init__(self, moments):
        self.before = self.moments = moments
        self.watch, self.is_sparse = None, False
        self.first = None  # the first rows and their weights
        self.n_clipped = 0  # of the first rows, in each column
        self.found = []

    def admit(self, X, sample_weight=None):
        """Return the screen after more rows, and the rows to learn from.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_columns)
            The rows. Of a sparse matrix they are only looked at if they are few numbers.
        sample_weight : ndarray of shape (n_samples,), default=None
            Weights; None means 1. Rows of weight 0 are left out.

        Returns
        -------
        screen : Screen
        rows : ndarray or CSR matrix of shape (n_samples, n_columns)
            X itself if nothing is bad.
        """
        if not isinstance(X, np.ndarray):
            return self._admit_sparse(X, sample_weight)
        if sample_weight is not None and not sample_weight.all():
            kept = sample_weight > 0
            screen, rows = self.admit(X[kept], sample_weight[kept])
            if screen.found:
                X = X.copy()
                X[kept] = rows
            return screen, X
        screen = copy(self)
        is_first = self.watch is None or self.first is not None
        admit = Screen._admit_first if is_first else Screen._admit_more
        return screen, admit(screen, X, sample_weight)

    def _admit_sparse(self, X, sample_weight):
        screen = copy(self)
        screen.is_sparse = True
        if max(X.shape[0], FIRST) * X.shape[1] <= FEW_NUMBERS:
            screen, rows = screen.admit(X.toarray(), sample_weight)
            return screen, type(X)(rows) if screen.found else X
        screen.found, screen.first = [], None
        screen.moments = with_more(self.moments, X, sample_weight)
        return screen, X

    def _admit_more(self, X, sample_weight):
        """Judge rows by those before."""
        if self.watch.has_seen(X):
            self.found = []
            self._count(X, sample_weight)
            return X
        self.watch = watch = copy(self.watch)
        changed = watch.forget_changed()
        if changed.any() and self.moments is not None:
            self.moments = self.moments.without(changed)
        watch.begin(X)
        bad = watch.bad(X)
        watch.take(X, bad)
        rows = watch.clipped(X, bad)
        self._tell(X, rows, bad)
        self._count(rows, sample_weight)
        return rows

    def _admit_first(self, X, sample_weight):
        """Judge rows and all before them by one another."""
        X, sample_weight, n_before = self._with_first(X, sample_weight)
        self.watch = watch = Watch(X.shape[1])
        head = X[: max(2 * FIRST, TOGETHER // X.shape[1])]
        watch.begin(head)
        bad = watch.bad_together(head)
        watch.take(head, bad)
        if len(X) > len(head):
            bad = watch.bad(X)
            watch.take(X, bad)
        rows = watch.clipped(X, bad)
        self._tell(X, rows, bad)
        self.first = (X, sample_weight) if len(X) < FIRST else None
        if bad is None and not np.any(self.n_clipped):
            weights = None if sample_weight is None else sample_weight[n_before:]
            self._count(X[n_before:], weights)
        else:
            self.n_clipped = np.maximum(self.n_clipped, 0 if bad is None else bad.sum(axis=0))
            self.moments = self.before
            self._count(rows, sample_weight)
        if self.first is None:
            self.n_clipped = 0
        return rows[n_before:]

    def _with_first(self, X, sample_weight):
        """Return all rows so far, their weights, and how many came before these."""
        if self.first is None:
            return X, sample_weight, 0
        before, weights = self.first
        if weights is not None or sample_weight is not None:
            weights = np.ones(len(before)) if weights is None else weights
            more = np.ones(len(X)) if sample_weight is None else sample_weight
            sample_weight = np.concatenate([weights, more])
        return np.concatenate([before, X]), sample_weight, len(before)

    def _count(self, rows, sample_weight):
        if self.is_sparse:
            rows = csr_matrix(rows)  # whose moments are sums in another order
        if self.moments is not None:
            self.moments = with_more(self.moments, rows, sample_weight)

    def _tell(self, X, rows, bad):
        """Keep what is to be said of bad readings that were not known to be bad."""
        self.found = []
        if bad is None:
            return
        for j in np.flatnonzero(bad.sum(axis=0) > self.n_clipped):
            i = np.argmax(np.where(bad[:, j], np.abs(X[:, j] - self.watch.typical[j]), -1.0))
            self.found.append((int(j), float(X[i, j]), float(rows[i, j])))


def describe(found, names):
    """Return a warning's text about bad readings, or None.

    Parameters
    ----------
    found : list of (int, float, float)
        As in ``Screen``.
    names : callable
        Returns a column's name for its number.
    """
    if not found:
        return None
    each = [f"{value:.4g} in {names(j)} as {taken:.4g}" for j, value, taken in found[:5]]
    more = f" (and {len(found) - 5} more columns)" if len(found) > 5 else ""
    return (
        f"partial_fit took {', '.join(each)}{more}: so far out that it would spoil the running "
        f"mean and scale for good, more than {TIMES:g} times as far as anything before it. If it "
        f"is right, nothing need be done: once there are {PATIENCE} of its kind, they count."
    )
