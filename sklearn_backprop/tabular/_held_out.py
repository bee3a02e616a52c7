"""Which rows each member of an ensemble for tables trains on, and which it validates on."""

import sys
from typing import Any, NamedTuple

import numpy as np

from .._estimators.validation import balanced_folds, group_folds
from ._columns import Column
from ._tables import as_table

FEW_ROWS = 20
"""With fewer rows nothing is held out: there the last epoch is as good as any."""


class Share(NamedTuple):
    """What of a table a member is given.

    Attributes
    ----------
    rows : ndarray of int or None
        The rows; None means all.
    validation : ndarray of int or None
        Which of them, as positions, it validates on; None means none.
    """

    rows: Any
    validation: Any

    @property
    def held_out(self):
        """The rows of the table that it validates on, or None."""
        return self.validation if self.rows is None else self.rows[self.validation]

    @property
    def n_held_out(self):
        """How many rows it validates on."""
        return 0 if self.validation is None else len(self.validation)

    def trained_on(self, n_rows):
        """Return the rows, of so many, that are trained on."""
        rows = np.arange(n_rows) if self.rows is None else self.rows
        return rows if self.validation is None else np.delete(rows, self.validation)

    def n_trained_on(self, n_rows):
        """Return how many rows of a table of so many are left to train on."""
        return (n_rows if self.rows is None else len(self.rows)) - self.n_held_out


NOTHING_HELD_OUT = Share(None, None)


def folds_in_turn(n_samples, fraction, seeds, labels=None, groups=None):
    """Return shares of which each holds out another fold of a partition.

    When all folds have been held out, those of another partition are. So each row is
    validated on by some member before a second one validates on it.

    Parameters
    ----------
    n_samples : int
        Rows.
    fraction : float
        Of the rows, in a fold.
    seeds : list of int
        For each member one of a partition.
    labels : ndarray of int of shape (n_samples,), default=None
        Classes to spread evenly over the folds.
    groups : ndarray of int of shape (n_samples,), default=None
        What stays together.
    """
    n_folds = round(1 / fraction)
    if groups is not None:
        n_folds = min(n_folds, groups.max() + 1)
    shares = []
    for k, seed in enumerate(seeds):
        if k % n_folds == 0 and groups is None:
            folds = balanced_folds(labels, n_samples, n_folds, seed)
        elif k % n_folds == 0:
            folds = group_folds(groups, n_folds, seed)
        shares.append(Share(None, np.flatnonzero(folds == k % n_folds)))
    return shares


def later_blocks(moments, fraction, n_members):
    """Return shares whose held-out rows are later than all that is trained on.

    The last member holds out the last block, the one before it the block before, and is
    trained on what is earlier than that; the first on half of the rows at least, or what is
    nearest to it. If there are fewer moments than blocks, members share them.

    Parameters
    ----------
    moments : ndarray of int of shape (n_samples,)
        Ranks of the rows' times. Equal ones stay together.
    fraction : float
        Of the rows, in a block.
    n_members : int
        How many shares.
    """
    n_samples = len(moments)
    order = np.argsort(moments, kind="stable")
    borders = 1 + np.flatnonzero(np.diff(moments[order]))
    size = min(fraction, 0.5 / n_members)
    wanted = n_samples * (1 - size * np.arange(n_members, 0, -1))
    starts = np.unique(borders[np.abs(borders - wanted[:, None]).argmin(axis=1)])
    blocks = list(zip(starts, [*starts[1:], n_samples], strict=True))
    shares = []
    for k in range(n_members):
        start, stop = blocks[max(0, k - n_members + len(blocks))]
        rows = None if stop == n_samples else np.sort(order[:stop])
        is_late = np.zeros(n_samples, bool)
        is_late[order[start:stop]] = True
        shares.append(Share(rows, np.flatnonzero(is_late if rows is None else is_late[rows])))
    return shares


def check_time(time, n_samples):
    """Return the rank of each row's time, or None.

    Parameters
    ----------
    time : array-like of shape (n_samples,) or None
        Numbers, dates, times, or text in ISO format; from a frame or not.
    n_samples : int
        Rows of the table.

    Raises
    ------
    ValueError
        If it is none of these, has gaps, or is the same for all rows.
    """
    if time is None:
        return None
    column = _as_column(time)
    if column is None or len(column.values) != n_samples:
        shape = np.shape(time)
        raise ValueError(f"time has the shape {shape} for {n_samples} rows of X; pass one each.")
    if column.missing.any():
        raise ValueError("time has missing values; give each row a time.")
    if column.kind == "labels":
        raise ValueError(
            f"time must be numbers or dates, got {str(column.values[0])!r}. Text is read as dates "
            "if all of it is in ISO format, as 2024-05-17."
        )
    values = column.values
    if values.dtype.kind not in "iu":
        is_number = column.kind == "numbers"
        values = column.numbers() if is_number else column.numbers(column.middle_time(), True)
    distinct, moments = np.unique(values, return_inverse=True)
    if len(distinct) < 2:
        raise ValueError(
            f"time is {column.values[0]} for all rows, so none is later. Pass two times at "
            "least, or leave time=None."
        )
    return moments


def _as_column(values):
    """Return a column of a table from what may be a series, an array or a list; None if not 1d."""
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None and isinstance(values, (pyarrow.Array, pyarrow.ChunkedArray)):
        return as_table(pyarrow.table({"time": values})).column(0)
    if hasattr(values, "to_frame"):  # a series of pandas or polars
        return as_table(values.to_frame()).column(0)
    values = np.asarray(values)
    return Column(values) if values.ndim == 1 else None
