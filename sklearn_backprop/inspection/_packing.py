"""The numbers of a page: every table at every recorded epoch, in few bytes.

What a page writes in digits is there as float32. What it draws as a heat map needs no more
than a table shows of its largest number, so it is rounded, and a gradient is not stored at
all where it is the product of what is.
"""

import re
from dataclasses import dataclass

import numpy as np

from ._tables import Table

MOST_COLUMNS, MOST_ROWS = 20, 40
"""A table beyond these is drawn as a heat map instead of written in digits."""

MANY_CELLS = 20_000
"""A heat map beyond these is kept in bytes: a colour has no more than 256 levels."""

MOST_BLOCKS = 64
"""Rows and columns of what a large update is drawn as, each the mean of a block of cells."""

SAME, EXACT, WORDS, BYTES, STEPS, PRODUCT, SUM = range(7)
"""How a table is stored at an epoch; numbers.js reads what is written here.

As at the epoch before; float32; int16 or int8 times a scale; int8 times a scale, added to the
epoch before; computed from inputs, delta and penalty; computed from weights and update.
"""


@dataclass(frozen=True)
class Shown:
    """A table of the page.

    Parameters
    ----------
    table : Table
        The numbers, or means of blocks of them.
    section : str
        Under which heading it stands.
    block : tuple of int or None
        Rows and columns of a block.
    """

    table: Table
    section: str
    block: tuple | None = None

    @property
    def is_drawn(self):
        """Whether it is a heat map."""
        return len(self.table.columns) > MOST_COLUMNS or len(self.table.rows) > MOST_ROWS

    @property
    def is_coarse(self):
        """Whether it has too many cells to keep more of each than a colour shows."""
        return self.is_drawn and self.n_cells > MANY_CELLS

    @property
    def n_cells(self):
        """How many numbers it has."""
        return len(self.table.rows) * len(self.table.columns)

    @property
    def quantity(self):
        """What kind of quantity, and of which layer: ``delta1`` is delta, 1."""
        name, layer, after = re.fullmatch(r"(\D+)(\d*)(_after)?", self.table.key).groups()
        return name + (after or ""), int(layer or 0)


def shown_tables(sections):
    """Return what a page shows of a step's sections, as a list of `Shown`.

    Of a large matrix the update is shown as means of blocks, and the weights after the step,
    which look like those before it, are left out.
    """
    shown = []
    for section in sections:
        for table in section.tables:
            one = Shown(table, section.title)
            quantity, _ = one.quantity
            if one.n_cells <= MANY_CELLS or quantity not in ("update_W", "W_after"):
                shown.append(one)
            elif quantity == "update_W":
                shown.append(in_blocks(one))
    return shown


def in_blocks(shown):
    """Return a large table as means of blocks of equal size; the last ones may be smaller."""
    table, values = shown.table, shown.table.values
    block = tuple(-(-n // MOST_BLOCKS) for n in values.shape)
    for axis, size in enumerate(block):
        n = values.shape[axis]
        starts = np.arange(0, n, size)
        counts = np.diff([*starts, n]).reshape((-1, 1) if axis == 0 else (1, -1))
        values = np.add.reduceat(values, starts, axis=axis) / counts
    rows, columns = (
        _names_of_blocks(names, size)
        for names, size in zip((table.rows, table.columns), block, strict=True)
    )
    averaged = Table(table.key, table.symbol, table.name, table.formula, rows, columns, values)
    return Shown(averaged, shown.section, block)


def _names_of_blocks(names, size):
    parts = [names[start : start + size] for start in range(0, len(names), size)]
    return [part[0] if len(part) == 1 else f"{part[0]} … {part[-1]}" for part in parts]


class Packer:
    """Writes the tables of one epoch after another, each in as few bytes as it may have.

    What is rounded is right to 1/65000 of the table's largest number, or to 1/254 where it
    has more than `MANY_CELLS` cells, and closer where little changes between epochs.

    Parameters
    ----------
    penalty_share : float
        What a weight is multiplied by to be its penalty's part of the gradient.
    """

    def __init__(self, penalty_share):
        self.penalty_share = penalty_share
        self.parts = []
        self.given = {}  # the numbers of the epoch before, by key
        self.read = {}  # and what a reader of the bytes has of them

    def add(self, all_shown):
        """Take in the tables of an epoch, in the order in which they are computed."""
        for shown in all_shown:
            values = np.asarray(dense(shown.table.values), dtype=np.float32)
            kind, data, read = self._smallest(shown, values)
            self.parts.append(bytes([kind]) + data)
            self.given[shown.table.key] = values
            self.read[shown.table.key] = read

    def bytes(self):
        """Return all that was written."""
        return b"".join(self.parts)

    def _smallest(self, shown, values):
        """Return how to store a table, its bytes, and what they are read as."""
        before, given = (kept.get(shown.table.key) for kept in (self.read, self.given))
        if given is not None and np.array_equal(given, values, equal_nan=True):
            return SAME, b"", before
        if not shown.is_drawn or not np.isfinite(values).all():
            return EXACT, values.astype("<f4").tobytes(), values
        tolerance = 1 / 254 if shown.is_coarse else 1 / 8000
        computed = self._computed(shown, values, tolerance)
        if computed is not None:
            return computed
        if not shown.is_coarse:
            return WORDS, *rounded(values, np.int16)
        if before is None or not np.isfinite(before).all() or _farther(values, before):
            return BYTES, *rounded(values, np.int8)
        data, difference = rounded(values.astype(float) - before, np.int8, as_float=True)
        return STEPS, data, (before + difference).astype(np.float32)

    def _computed(self, shown, values, tolerance):
        """Return a gradient or weights after a step as what they are made of, if it is right."""
        quantity, layer = shown.quantity
        if quantity == "gradient_W":
            kind, made = PRODUCT, self._gradient(layer)
        elif quantity == "W_after":
            kind, made = SUM, self.read[f"W{layer}"] + self.read[f"update_W{layer}"]
        else:
            return None
        is_right = np.isfinite(made).all() and (
            np.abs(made - values).max() <= tolerance * np.abs(values).max()
        )
        return (kind, b"", made.astype(np.float32)) if is_right else None

    def _gradient(self, layer):
        below = self.read["X" if layer == 1 else f"A{layer - 1}"].astype(float)
        delta, weights = self.read[f"delta{layer}"].astype(float), self.read[f"W{layer}"][:-1]
        gradient = below.T @ delta + self.penalty_share * weights
        return np.vstack([gradient, delta.sum(axis=0)])


def _farther(values, before):
    """Tell whether the difference to the epoch before is larger than the numbers themselves."""
    return np.abs(values - before).max() > np.abs(values).max()


def rounded(values, dtype, as_float=False):
    """Return a scale and integers as bytes, and the numbers that they are read as."""
    largest = np.abs(values).max()
    # the scale is one that float32 has, so that both sides multiply by the same
    scale = np.float32(largest / np.iinfo(dtype).max)
    levels = np.rint(values / scale.astype(float)) if scale > 0 else np.zeros(values.shape)
    levels = np.clip(levels, -np.iinfo(dtype).max, np.iinfo(dtype).max).astype(dtype)
    data = scale.astype("<f4").tobytes() + levels.astype(levels.dtype.newbyteorder("<")).tobytes()
    read = levels * scale.astype(float)
    return data, read if as_float else read.astype(np.float32)


def dense(values):
    """Return an array, whatever holds the numbers."""
    return values if isinstance(values, np.ndarray) else values.toarray()
