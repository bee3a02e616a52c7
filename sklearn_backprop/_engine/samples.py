"""The rows that a network trains on, read a block of batches at a time.

Gathering shuffled rows costs a call or two a batch; done for several batches at
once it is nearly free, and a block still fits into the cache. Memory-mapped data
is never copied as a whole: a block is all that is ever in memory.
"""

import mmap
from typing import Any, NamedTuple

import numpy as np

from .._numerics.memo import directly
from .._numerics.standardization import power_of_two, rows_in

BLOCK = 2**15
"""Numbers of X in a block: 256 KiB of float64."""


def is_memory_mapped(X):
    """Tell whether an array's numbers lie in a file."""
    while X is not None and not isinstance(X, mmap.mmap):
        X = getattr(X, "base", None)
    return X is not None


def rows_of(X, rows):
    """Return some rows, or all for None."""
    return X if rows is None else X[rows]


def in_memory(X, rows, scaler, dtype):
    """Return rows of X, standardized, in the dtype and order of the computation."""
    X = rows_of(X, rows)
    if not isinstance(X, np.ndarray):
        X = X.astype(dtype, copy=False)
        return X if scaler is None else scaler.transform_sparse(X)
    if scaler is None:
        return np.ascontiguousarray(X, dtype=dtype)
    return scaler.transform(X, out=np.empty(X.shape, dtype))


class Part(NamedTuple):
    """Some samples: features, targets, and weights of shape (n, 1), None if all are 1."""

    X: Any
    Y: np.ndarray
    weight: np.ndarray | None

    def sum_of_weights(self, which=slice(None)):
        """Return the sum of the weights, of all samples or of some by a mask."""
        if self.weight is not None:
            return float(self.weight[which].sum())
        return len(self.Y) if isinstance(which, slice) else np.count_nonzero(which)


class Block(NamedTuple):
    """Some batches together, with room for their outputs."""

    Y: np.ndarray
    outputs: np.ndarray
    weight: np.ndarray | None


class Batch(NamedTuple):
    """What a step is taken on.

    Attributes
    ----------
    X : ndarray, CSR matrix or SharedBatch of shape (..., n_samples, n_features)
        Features.
    Y : ndarray of shape (..., n_samples, n_outputs)
        Targets.
    share : float or ndarray of shape (..., n_samples, 1)
        Of each sample in the objective.
    penalty_share : float, ndarray of shape (n_networks, 1) or None
        Of the penalty; None if there is none.
    outputs : ndarray of the shape of Y
        Room for the outputs.
    completes : Block or None
        The batches, up to this one, whose outputs are all there after it.
    """

    X: Any
    Y: np.ndarray
    share: float | np.ndarray
    penalty_share: float | np.ndarray | None
    outputs: np.ndarray
    completes: Block | None

    @classmethod
    def of(cls, X, Y, weight, shares, outputs, completes=None):
        """Return a batch of samples with weights, or None; ``shares`` are the objective's."""
        share, penalty_share = shares
        share = share if weight is None else weight * share
        return cls(X, Y, share, penalty_share, outputs, completes)


def as_batch(part, objective):
    """Return a ``Part`` as one ``Batch``."""
    outputs, shares = np.empty_like(part.Y), objective.shares(part.Y.shape[-2])
    completes = Block(part.Y, outputs, part.weight)
    return Batch.of(part.X, part.Y, part.weight, shares, outputs, completes)


class Order:
    """The order in which epochs read the samples: each shuffles the one before.

    Parameters
    ----------
    n_samples, batch_size : int
        Numbers of samples.
    shuffle : bool
        Whether each epoch has a new order.
    random_state : RandomState
        Drawn from once an epoch.
    rows : ndarray of int, default=None
        The order of the epoch before; None is as they stand.
    """

    def __init__(self, n_samples, batch_size, shuffle, random_state, rows=None):
        self.random_state = random_state
        self.shuffle = shuffle
        self.rows = np.arange(n_samples) if rows is None else rows
        # the order inside a single batch changes nothing but rounding
        self.matters = shuffle and batch_size < n_samples

    def next(self):
        """Draw an epoch's order, and return it; None is as they stand."""
        if self.shuffle:
            self.rows = self.rows[self.random_state.permutation(len(self.rows))]
        return self.rows if self.matters else None


class Samples:
    """Features, targets and weights in the form in which training reads them.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        Features; never written to.
    Y : ndarray of shape (n_samples, n_outputs)
        Targets, in the dtype of the computation.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights; None means 1.
    rows : ndarray of int, default=None
        Use these rows only.
    scaler : Scaler, default=None
        Standardizes X: at once if it is in memory, a block at a time if not. Where X is
        read as it is, rows of it are gathered a block at a time, too.
    once : callable, default=directly
        May be a ``Memo`` of fits on the same data.

    Attributes
    ----------
    sample_weight : ndarray of shape (n_samples, 1) or None
        Weights in units of ``weight_unit``.
    """

    def __init__(self, X, Y, sample_weight=None, rows=None, scaler=None, once=directly):
        self.dtype = Y.dtype
        self.Y = Y if rows is None else Y[rows]
        self.sample_weight, self.weight_unit = None, 1.0
        if sample_weight is not None:
            weights = sample_weight if rows is None else sample_weight[rows]
            # a power of two changes no digit, and the largest fits into any dtype
            self.weight_unit = float(2.0 ** power_of_two(weights.max()))
            self.sample_weight = (weights / self.weight_unit).astype(self.dtype)[:, None]
        self.n_samples = len(self.Y)
        self.rows = self.scaler = None
        self._largest_read: float | None = None
        self._buffers, self._last_block = {}, None  # of the last block read
        self.from_file = is_memory_mapped(X)
        if self.from_file:
            self.X, self.rows, self.scaler = X, rows, scaler
        elif scaler is None and _is_ready(X, self.dtype):
            self.X, self.rows = X, rows  # no copy of its own for each who reads other rows
        else:
            self.X = once(in_memory, X, rows, scaler, self.dtype)

    def __getstate__(self):
        """Leave out what was only read."""
        return self.__dict__ | {"_buffers": {}, "_last_block": None}

    @property
    def mean_weight(self):
        """Mean weight of a sample."""
        if self.sample_weight is None:
            return 1.0
        return float(self.sample_weight.mean()) * self.weight_unit

    def largest_input(self):
        """Return the largest ``|x|``."""
        if not self.from_file and self.rows is None:
            return float(_largest(self.X if isinstance(self.X, np.ndarray) else self.X.data))
        if self._largest_read is None:
            for _ in self._blocks(1):
                pass
        return float(self._largest_read or 0.0)

    def batches(self, objective, batch_size, order=None, n_in_all=None):
        """Yield each ``Batch`` of an epoch.

        Parameters
        ----------
        objective : Objective
            What a sample has a share in.
        batch_size : int
            The last batch may be smaller.
        order : ndarray of int, default=None
            The order in which to read the samples; None reads them as they stand.
        n_in_all : int, default=None
            How many samples the objective is of; None means those of the batch.
        """
        whole_batch = objective.shares(n_in_all or batch_size)
        for block in self._blocks(batch_size, order):
            settings = batch_size, whole_batch, n_in_all
            last = self._last_block
            # gathered into the arrays of the last one, it has the batches of that
            if last is None or block.weight is not None or last[:2] != (settings, _ids(block)):
                last = settings, _ids(block), block, list(_split(block, objective, *settings))
                self._last_block = last
            yield from last[3]

    def parts(self, n_rows):
        """Yield all samples as they stand, in a ``Part`` of at most so many after another."""
        for X, Y, weight in self._blocks(n_rows):
            for start in range(0, len(Y), n_rows):
                rows = slice(start, start + n_rows)
                yield Part(X[rows], Y[rows], None if weight is None else weight[rows])

    def _blocks(self, batch_size, order=None):
        """Yield some whole batches at a time, as a ``Part``."""
        per_block = rows_per_block(self.X, batch_size)
        # the first pass over a file, or over some rows of an array, saves another one
        reads_rows = self.from_file or self.rows is not None
        looks, largest = reads_rows and self._largest_read is None, 0.0
        for start in range(0, self.n_samples, per_block):
            index = slice(start, min(start + per_block, self.n_samples))
            if order is not None:
                index = order[index]
            block = self.take(index, self._buffers)
            if looks:
                largest = np.maximum(largest, _largest(block[0]))  # max() would lose a NaN
            yield block
        if looks:
            self._largest_read = largest

    def take(self, index, buffers):
        """Return some samples, as a ``Part``.

        Parameters
        ----------
        index : slice or ndarray of int
            Which ones.
        buffers : dict
            Keeps the arrays that they are gathered into for the next call, which
            overwrites them.
        """
        weight = self.sample_weight
        return Part(
            self._features(index, buffers),
            _take(self.Y, index, buffers, "Y"),
            None if weight is None else _take(weight, index, buffers, "weight"),
        )

    def equals(self, other):
        """Tell whether other samples are the same numbers."""
        mine = self.Y, self.sample_weight, self.rows, self.X
        its = other.Y, other.sample_weight, other.rows, other.X
        return self.scaler is other.scaler and all(map(_same, mine, its))

    def _features(self, index, buffers):
        if self.rows is not None:
            index = self.rows[index]
        X = _take(self.X, index, buffers, "X")
        if not isinstance(X, np.ndarray) or (self.scaler is None and X.dtype == self.dtype):
            return X
        out = _buffer(buffers, "converted", X.shape, self.dtype)
        if self.scaler is None:
            np.copyto(out, X, casting="same_kind")
            return out
        return self.scaler.transform(X, out)


def _is_ready(X, dtype):
    """Tell whether an array is in the dtype and the order of the computation."""
    return isinstance(X, np.ndarray) and X.dtype == dtype and X.flags.c_contiguous


def _largest(array):
    """Return the largest absolute value, without an array of them; 0 of an empty one."""
    # np.max and np.min take twice as long for a single row
    largest = np.maximum.reduce(array, axis=None, initial=0)
    return max(largest, -np.minimum.reduce(array, axis=None, initial=0))


def rows_per_block(X, batch_size):
    """Return how many rows to read at a time: whole batches that fit into the cache."""
    return batch_size * max(1, rows_in(BLOCK, X) // batch_size)


def _ids(block):
    """Return what tells whether a block lies in the arrays of another, which is kept."""
    return id(block.X), id(block.Y)


def _split(block, objective, batch_size, whole_batch, n_in_all):
    """Yield each ``Batch`` of a block; ``whole_batch`` has the shares of one that is not cut."""
    X, Y, weight = block
    n_rows, outputs = len(Y), np.empty_like(Y)
    for start in range(0, n_rows, batch_size):
        stop = start + batch_size
        shares, completes = whole_batch, None
        if stop >= n_rows:
            shares = objective.shares(n_in_all or n_rows - start)
            completes = Block(Y, outputs, weight)
        rows = slice(start, stop)
        own = None if weight is None else weight[rows]
        yield Batch.of(X[rows], Y[rows], own, shares, outputs[rows], completes)


def _same(one, other):
    """Tell whether two arrays, or None, are the same."""
    if one is other:
        return True
    return one is not None and other is not None and np.array_equal(one, other)


def _buffer(buffers, name, shape, dtype):
    """Return the first rows of a buffer that is kept for the next block: the same object."""
    key = name, shape[0]
    if key not in buffers:
        if name not in buffers or len(buffers[name]) < shape[0]:
            buffers[name] = np.empty(shape, dtype)
        buffers[key] = buffers[name][: shape[0]]
    return buffers[key]


def _take(array, index, buffers, name):
    """Return rows by a slice, as a view, or by an index array, in a buffer."""
    if isinstance(index, slice) or not isinstance(array, np.ndarray):
        return array[index]
    if not (array.flags.c_contiguous and array.flags.aligned):
        return array[index]  # take() would copy the whole array first
    out = _buffer(buffers, name, (len(index), *array.shape[1:]), array.dtype)
    return np.take(array, index, axis=0, out=out, mode="clip")


def bootstrap_rows(strata, random_state):
    """Draw as many rows of each stratum as it has, with replacement.

    Parameters
    ----------
    strata : ndarray of int of shape (n_samples,)
        The stratum of each row.
    random_state : RandomState
        Drawn from stratum by stratum, in the order of their numbers.

    Returns
    -------
    ndarray of int of shape (n_samples,)
        The rows, sorted.
    """
    drawn = []
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        drawn.append(rows[random_state.randint(len(rows), size=len(rows))])
    return np.sort(np.concatenate(drawn))
