"""What the encoder makes of one column: numbers and bins, or a column for each category."""

from collections import Counter

import numpy as np

from .._numerics.plain import plain
from ._calendar import Calendar
from ._columns import narrowest
from ._label_twins import find_twins
from ._target_codes import target_codes
from ._times import DAY_NS

LARGEST = 1e150
"""Numbers are clipped here: products of two of them are still finite."""

FEW = 8
"""A feature with no more distinct numbers gets no bins."""

BIN_SIZE = 0.25
"""A bin's column goes from minus this to this."""


@plain("numbers")
class Numbers:
    """A column of numbers, an indicator of missing ones where ``fit`` saw some, and bins.

    Parameters
    ----------
    n_bins : int or None
        Intervals.
    origin : tuple of int, default=(0, 0)
        Days and nanoseconds from which times are counted: amid them, so that no digits are
        lost.
    of_dates : bool, default=False
        Whether text is read as dates.
    """

    categories = None
    is_used = True
    calendar = None
    origin, of_dates = (0, 0), False  # of encoders that were pickled before there were these

    def __init__(self, n_bins, origin=(0, 0), of_dates=False):
        self.n_bins = n_bins
        self.origin = origin
        self.of_dates = of_dates

    def read(self, column, name):
        """Return a column as float64 without infinities."""
        try:
            values = column.numbers(self.origin, self.of_dates)
        except OverflowError as error:
            raise ValueError(
                f"The feature {name!r} has a number that float64 cannot hold ({error}). Replace it "
                "by NaN, which counts as missing, or by a smaller one."
            ) from error
        except (TypeError, ValueError) as error:
            what = "dates" if self.of_dates else "numbers"
            raise ValueError(
                f"The feature {name!r} was a column of {what} in fit, but now has other values: "
                f"{error}. Name it in categorical_features if they are categories."
            ) from error
        if np.isinf(values).any():
            raise ValueError(
                f"The feature {name!r} contains infinity. Replace it by NaN, which counts as "
                "missing, or by a large number."
            )
        return np.clip(values, -LARGEST, LARGEST)

    def fit(self, values, clipped):
        """Learn median, scale and bins; ``clipped`` is the function that clips."""
        missing = np.isnan(values)
        there = values[~missing]
        self.center, self.scale = robust_scale(there[:, None])
        if self.of_dates and there.size:
            self.calendar = Calendar(there + self.since_1970)
            self.calendar_scale = Scaled(self.calendar.columns(values + self.since_1970))
        self.indicator = Scaled(missing[:, None]) if missing.any() else None
        self.edges = None
        if self.n_bins is not None and len(np.unique(there)) > FEW:
            scaled = clipped((there - self.center) * self.scale)
            edges = np.unique(np.quantile(scaled, np.linspace(0, 1, self.n_bins + 1)))
            self.edges = edges if len(edges) > 2 else None

    def encode(self, values, clipped):
        """Return the column, with the median where it is missing, its bins and the indicator."""
        missing = np.isnan(values)
        filled = np.where(missing, self.center, values)[:, None]
        columns = [clipped((filled - self.center) * self.scale)]
        if self.edges is not None:
            low, high = self.edges[:-1], self.edges[1:]
            risen = np.clip((columns[0] - low) / (high - low), 0, 1)
            columns.append((2 * risen - 1) * BIN_SIZE)
        if self.calendar is not None:
            parts = self.calendar.columns(values + self.since_1970)
            columns.append(clipped(self.calendar_scale.scaled(parts)))
        if self.indicator is not None:
            columns.append(clipped(self.indicator.scaled(missing[:, None])))
        return np.hstack(columns)

    @property
    def since_1970(self):
        """The days from 1970 to the moment that times are counted from."""
        return self.origin[0] + self.origin[1] / DAY_NS

    def slopes(self, values, limit):
        """Return the derivative of each encoded column by the value; 0 where it is missing.

        Of ``limit · s / sqrt(limit² + s²)`` with ``s`` the scaled value; None is no limit.
        """
        missing = np.isnan(values)
        scaled = (np.where(missing, self.center, values)[:, None] - self.center) * self.scale
        clipped, slope = scaled, np.where(missing[:, None], 0.0, self.scale)
        if limit is not None:
            clipped = scaled / np.hypot(1.0, scaled / limit)
            slope = slope * np.hypot(1.0, scaled / limit) ** -3.0
        columns = [slope]
        if self.edges is not None:
            low, high = self.edges[:-1], self.edges[1:]
            inside = (low <= clipped) & (clipped < high)
            columns.append(np.where(inside, 2 * BIN_SIZE * slope / (high - low), 0.0))
        if self.calendar is not None:
            days = values + self.since_1970
            scaled = self.calendar_scale.scaled(self.calendar.columns(days))
            slope = self.calendar.slopes(days) * self.calendar_scale.scale
            if limit is not None:
                slope = slope * np.hypot(1.0, scaled / limit) ** -3.0
            columns.append(slope)
        if self.indicator is not None:
            columns.append(np.zeros((len(values), 1)))
        return np.hstack(columns)

    @property
    def n_columns_of_bins(self):
        """How many of the encoded columns are bins."""
        return 0 if self.edges is None else len(self.edges) - 1

    def is_bin(self):
        """Tell of each encoded column whether it is a bin."""
        positions = np.arange(len(self.names("")))
        return (positions > 0) & (positions <= self.n_columns_of_bins)

    def names(self, name):
        """Return the names of the encoded columns."""
        bins = [f"{name}_bin{k}" for k in range(self.n_columns_of_bins)]
        dates = [] if self.calendar is None else self.calendar.names(name)
        return [name, *bins, *dates] + [f"{name}_missing"] * (self.indicator is not None)


@plain("left_out")
class LeftOut:
    """A column that is not looked at."""

    categories = None
    is_used = False

    def read(self, column, name):
        """Return nothing but the number of rows."""
        return len(column.values)

    def encode(self, n_rows, clipped):
        """Return no columns."""
        return np.empty((n_rows, 0))

    def names(self, name):
        """Return no names."""
        return []


@plain("scaled")
class Scaled:
    """Columns of 0 and 1, or -1 and 1, scaled as numbers are."""

    def __init__(self, encoded):
        self.center, self.scale = robust_scale(encoded.astype(np.float64))

    def scaled(self, encoded):
        """Return such columns scaled."""
        return (encoded - self.center) * self.scale


@plain("categories")
class Categories:
    """A column of labels, as one-hot columns or one of -1 and 1."""

    is_used = True
    precision = "float64"  # of encoders that were pickled before there was one
    codes = None  # of the targets, if there are many labels: a row a label, the last of none

    def __init__(self, max_categories):
        self.max_categories = max_categories

    def read(self, column, name):
        """Return labels, None where they are missing, and the precision of their numbers."""
        labels = column.labels()
        try:
            Counter(labels)
        except TypeError as error:
            raise TypeError(
                f"The feature {name!r} has values that are no labels ({error}); an argument must "
                "be a string or a number in each row."
            ) from error
        return labels, column.precision

    def fit(self, values, clipped):
        """Learn the categories, and the scale of their columns."""
        labels, self.precision = values
        counts = Counter(labels)
        counts.pop(None, None)
        known = _sorted(counts)
        too_many = self.max_categories is not None and len(known) > self.max_categories
        if too_many:
            # among equals the first ones, so that the order of rows does not matter
            frequent = sorted(known, key=lambda label: -counts[label])
            known = _sorted(frequent[: self.max_categories - 1])
        # where there is nothing at all, a column of zeros
        self.has_others = too_many or not known
        self.categories = np.empty(len(known), object)
        self.categories[:] = known
        # all others share the last column; None and what is unseen have position -1
        self.positions = dict.fromkeys(counts, len(known)) | {v: k for k, v in enumerate(known)}
        self.columns = Scaled(self._one_hot(self.find(values)))

    def encode(self, values, clipped):
        """Return the columns, scaled and clipped."""
        if self.codes is not None:
            return self.rows(clipped)[self.find(values, self.keys())]
        return clipped(self.columns.scaled(self._one_hot(self.find(values))))

    def fit_codes(self, values, targets, folds, clipped):
        """Learn what the targets say of each label; return the cross-fitted columns of the rows.

        Parameters
        ----------
        values : tuple
            As ``read`` returns them.
        targets, folds : ndarray
            As ``target_codes`` takes them.
        clipped : callable
            As in ``fit``.
        """
        keys = {label: k for k, label in enumerate(self.positions)}
        labels = self.find(values, keys)
        of_labels, of_rows = target_codes(labels, len(keys), targets, folds)
        scaled = Scaled(of_rows)
        self.codes = clipped(scaled.scaled(of_labels))
        return clipped(scaled.scaled(of_rows))

    def keys(self):
        """Return the number of each label's row in ``rows``; several may share one."""
        if self.codes is None:
            return self.positions
        return {label: k for k, label in enumerate(self.positions)}

    def new_labels(self, values):
        """Return the labels that ``fit`` did not see, row by row, and how many are not missing."""
        labels, _ = values
        n_labels = len(labels) - labels.count(None)
        if self.positions.keys() >= set(labels) - {None}:
            return [], n_labels
        pairs = zip(labels, self.find(values), strict=True)
        return [label for label, k in pairs if k < 0 and label is not None], n_labels

    def rows(self, clipped):
        """Return what each of ``keys`` is encoded as, and last what no label is."""
        if self.codes is None:
            positions = np.arange(len(self.categories) + self.has_others)
        else:
            positions = np.fromiter(self.positions.values(), np.intp, len(self.positions))
        columns = clipped(self.columns.scaled(self._one_hot(np.append(positions, -1))))
        return columns if self.codes is None else np.hstack([columns, self.codes])

    def find(self, values, keys=None):
        """Return the number of each label, or of the one that it is the number or text of.

        Parameters
        ----------
        values : tuple
            As ``read`` returns them.
        keys : dict, default=None
            The number of each label; None takes its position. What is not there has -1.
        """
        labels, precision = values
        keys = self.positions if keys is None else keys
        get = keys.get
        positions = np.fromiter((get(label, -1) for label in labels), np.intp, len(labels))
        new = np.flatnonzero(positions < 0).tolist()
        strange = {labels[i] for i in new} - {None}
        if strange:
            twins = find_twins(strange, keys, narrowest([precision, self.precision]))
            positions[new] = [twins.get(labels[i], -1) for i in new]
        return positions

    def _one_hot(self, positions):
        n_columns = len(self.categories) + self.has_others
        if n_columns == 2:
            return np.array([-1.0, 1.0, 0.0])[positions][:, None]
        return (positions[:, None] == np.arange(n_columns)).astype(np.float64)

    def is_bin(self):
        """Tell of each encoded column whether it is a bin: none is."""
        return np.zeros(len(self.names("")), bool)

    def names(self, name):
        """Return the names of the encoded columns."""
        names = [f"{name}_{printed(label)}" for label in self.categories]
        names += [f"{name}_others"] * self.has_others
        names = names[1:] if len(names) == 2 else names
        if self.codes is None:
            return names
        means = [f"{name}_target{k}" for k in range(self.codes.shape[1] - 1)]
        return [*names, *(means if len(means) > 1 else [f"{name}_target"]), f"{name}_count"]


def _sorted(labels):
    """Return labels sorted, those of different types one type after another."""
    try:
        return sorted(labels)
    except TypeError:
        return sorted(labels, key=lambda label: (type(label).__name__, printed(label)))


def printed(label, form=str):
    """Return a label as text by ``str`` or ``repr``, whatever it is."""
    try:
        return form(label)
    except ValueError:  # an integer of more digits than Python prints
        return hex(label)


def distinct(names):
    """Return names of which no two are equal: what was there before gets a number after it."""
    taken, seen, distinct_names = set(names), set(), []
    for name in names:
        k = 2
        while name in seen:
            if f"{name}_{k}" not in taken:
                name = f"{name}_{k}"
                taken.add(name)
            k += 1
        seen.add(name)
        distinct_names.append(name)
    return distinct_names


def robust_scale(values):
    """Return ``median`` and ``1 / (q75 - q25)``, ``2 / (max - min)`` or 0 of each column.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_columns)
        Finite numbers, at most ``LARGEST``.

    Returns
    -------
    center, scale : ndarray of shape (n_columns,)
        Zeros if there are no samples.
    """
    if not values.size:
        return np.zeros((2, values.shape[1]))
    low, center, high = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
    spread, extent = high - low, np.ptp(values, axis=0)
    with np.errstate(divide="ignore", over="ignore"):
        scale = np.where(spread > 0, 1 / spread, np.where(extent > 0, 2 / extent, 0.0))
    return center, np.minimum(scale, LARGEST)
