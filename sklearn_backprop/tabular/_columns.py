"""A column of a table, whatever table it is from: what kind it is, its numbers, its labels."""

import sys
from decimal import Decimal
from functools import cached_property
from numbers import Complex, Real

import numpy as np

from . import _times as times

PLAIN = {str, int, float, bool, bytes, Decimal}
"""Types of labels that are used as they are."""


class Column:
    """A column of any kind.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Of any dtype; points in time are in UTC.
    missing : ndarray of bool, default=None
        What is missing besides None, NaN, NaT and ``pandas.NA``.
    is_category : bool, default=False
        Whether the table says that the values are categories, whatever they are.
    """

    def __init__(self, values, missing=None, is_category=False):
        self.values = values
        self.is_category = is_category
        self.missing = missing_in(values)
        if missing is not None:
            self.missing = self.missing | missing

    @property
    def there(self):
        """The values that are not missing."""
        return self.values[~self.missing]

    @cached_property
    def families(self):
        """Names of the families of types that the values belong to."""
        if self.values.dtype != object:
            return {_family(self.values.dtype.type)}
        return {_family(kind) for kind in set(map(type, self.there))}

    @cached_property
    def kind(self):
        """One of "numbers", "dates", "durations", "text dates" and "labels"."""
        if self.is_category or not self.families:
            return "labels"
        if len(self.families) == 1 and self.families <= {"numbers", "dates", "durations"}:
            return next(iter(self.families))
        if self.missing.all() or not self.families <= {"text", "dates"}:
            return "labels"
        is_dates = all(times.is_iso(value) for value in self.there if isinstance(value, str))
        return "text dates" if is_dates else "labels"

    def numbers(self, origin=(0, 0), of_dates=False):
        """Return the column as float64, times as days, NaN where a value is missing.

        Parameters
        ----------
        origin : tuple of int, default=(0, 0)
            Days and nanoseconds to take off, from times before they are rounded.
        of_dates : bool, default=False
            Whether text is to be read as dates, not as numbers.

        Raises
        ------
        ValueError, TypeError, OverflowError
            If a value is no number, or too large a one.
        """
        result = np.full(len(self.values), np.nan)
        there = self.there
        if not len(there):
            return result
        known = {"dates", "durations"} | ({"text"} if of_dates else set())
        if self.families <= known:
            result[~self.missing] = times.in_days(*self._split, origin)
        else:
            there = there.tolist() if self.values.dtype.kind in "OUS" else there
            numbers = np.array(there, dtype=np.float64)
            result[~self.missing] = numbers - (origin[0] + origin[1] / times.DAY_NS)
        return result

    def middle_time(self):
        """Return days and nanoseconds of the middle one of times; zeros if all are missing."""
        if self.missing.all():
            return 0, 0
        days, nanoseconds = self._split
        middle = np.lexsort((nanoseconds, days))[len(days) // 2]
        return int(days[middle]), int(nanoseconds[middle])

    def labels(self):
        """Return the column as a list of hashable objects, None where a value is missing.

        Numbers, text and times are the same objects whatever table they are from.
        """
        if self.families & {"dates", "durations"} and len(self.families) == 1:
            there = times.as_labels(self._as_times())
        else:
            there = self.there.tolist()
            if self.values.dtype == object and not set(map(type, there)) <= PLAIN:
                there = [_as_label(value) for value in there]
        result = np.full(len(self.values), None)
        result[~self.missing] = as_objects(there)
        return result.tolist()

    @property
    def precision(self):
        """The name of the narrowest dtype of floats among the values."""
        kinds = {self.values.dtype.type}
        if self.values.dtype == object:
            kinds = set(map(type, self.there))
        return narrowest(
            np.dtype(kind).name for kind in kinds if issubclass(kind, (np.float32, np.float16))
        )

    @cached_property
    def _split(self):
        """Days and nanoseconds of the times."""
        return times.split(self._as_times())

    def _as_times(self):
        """Return what is there as an array of NumPy's times, or as a list of objects."""
        return self.there if self.values.dtype.kind in "mM" else self.there.tolist()


def missing_in(values):
    """Return a mask of what is None, NaN, NaT or ``pandas.NA``."""
    if values.dtype.kind in "mM":
        return np.isnat(values)
    if values.dtype.kind in "fc":
        return np.isnan(values)
    if values.dtype != object:
        return np.zeros(len(values), bool)
    pandas = sys.modules.get("pandas")
    nothing = [None, np.ma.masked] if pandas is None else [None, np.ma.masked, pandas.NA]
    nothing = {id(one) for one in nothing}
    differs = {kind: _may_differ_from_itself(kind) for kind in set(map(type, values))}
    return np.fromiter(
        (
            id(value) in nothing or (differs[type(value)] and _differs_from_itself(value))
            for value in values
        ),
        bool,
        len(values),
    )


def _may_differ_from_itself(kind):
    """Tell whether a type has a value such as NaN or NaT."""
    families = "numbers", "complex", "dates", "durations"
    return _family(kind) in families and not issubclass(kind, np.ma.MaskedArray)


def _differs_from_itself(value):
    # Decimal's signalling NaN refuses to be compared
    return value.is_nan() if isinstance(value, Decimal) else value != value


def _family(kind):
    """Return what values of a type are: a word for numbers, times, text or anything else."""
    if issubclass(kind, (bool, np.bool_)):
        return "booleans"
    if issubclass(kind, str):
        return "text"
    if times.is_date_type(kind):
        return "dates"
    if times.is_duration_type(kind):  # before numbers: timedelta64 is one of NumPy's integers
        return "durations"
    if issubclass(kind, (Real, Decimal)):
        return "numbers"
    return "complex" if issubclass(kind, Complex) else "others"


def _as_label(value):
    family = _family(type(value))
    if family in ("dates", "durations"):
        return times.as_labels([value])[0]
    return value.item() if isinstance(value, np.generic) else value


def narrowest(names):
    """Return the name of the narrowest of some dtypes; float64 if there are none."""
    return min(names, key=lambda name: np.dtype(name).itemsize, default="float64")


def as_objects(values):
    """Return a list as an array of objects, whatever they are."""
    result = np.empty(len(values), object)
    for i, value in enumerate(values):  # an assignment at once would take lists apart
        result[i] = value
    return result
