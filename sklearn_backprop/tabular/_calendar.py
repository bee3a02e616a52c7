"""What the calendar says of a point in time: weekday, month, time of the year and of the day."""

import numpy as np

from .._numerics.plain import plain

ROWS_EACH = 5
"""Rows that each weekday or month must have on average, to say something of it."""

FEW = 20
"""Rows that any part needs, to say something."""

LONG = 550
"""Days that must be covered before the time of the year is another thing than time itself."""

YEAR = 365.2425
"""Days of a year, on average."""


class Weekday:
    """A column of 0 and 1 for each day of the week."""

    names = "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"

    def says_something(self, days):
        """Tell whether there are several, each with some rows."""
        return _has_several(self.number(days))

    def number(self, days):
        """Return 0 for Monday to 6; 1970-01-01 was a Thursday."""
        return (np.floor(days).astype(np.int64) + 3) % 7

    def columns(self, days):
        """Return the columns."""
        return (self.number(days)[:, None] == np.arange(7)).astype(np.float64)

    def slopes(self, days):
        """Return their derivatives by a day: 0."""
        return np.zeros((len(days), 7))


class Month:
    """A column of 0 and 1 for each month."""

    names = tuple(f"month{k}" for k in range(1, 13))

    def says_something(self, days):
        """Tell whether more than a year is covered."""
        return np.ptp(days) >= LONG and _has_several(self.number(days))

    def number(self, days):
        """Return 0 for January to 11."""
        return np.floor(days).astype("M8[D]").astype("M8[M]").view(np.int64) % 12

    def columns(self, days):
        """Return the columns."""
        return (self.number(days)[:, None] == np.arange(12)).astype(np.float64)

    def slopes(self, days):
        """Return their derivatives by a day: 0."""
        return np.zeros((len(days), 12))


class Cycle:
    """Cosine and sine of the time since 1970 in units of a period.

    Parameters
    ----------
    period : float
        Days.
    """

    def __init__(self, period, name):
        self.period = period
        self.names = f"{name}_cos", f"{name}_sin"

    def says_something(self, days):
        """Tell whether several times of the period are there, and more than a single period."""
        share = days / self.period
        return (
            len(days) >= FEW
            and np.ptp(days) >= 1.5 * self.period
            and np.ptp(share - np.floor(share)) > 0
        )

    def columns(self, days):
        """Return the columns."""
        angle = 2 * np.pi * days[:, None] / self.period
        return np.hstack([np.cos(angle), np.sin(angle)])

    def slopes(self, days):
        """Return their derivatives by a day."""
        angle, speed = 2 * np.pi * days[:, None] / self.period, 2 * np.pi / self.period
        return speed * np.hstack([-np.sin(angle), np.cos(angle)])


PARTS = {
    "weekday": Weekday(),
    "month": Month(),
    "year": Cycle(YEAR, "year"),
    "day": Cycle(1.0, "day"),
}
"""What there is; a part is used where it says something of the times in ``fit``."""


@plain("calendar")
class Calendar:
    """The parts of the calendar that are used for a column of times.

    Parameters
    ----------
    days : ndarray of shape (n_samples,)
        Since 1970, none missing.
    """

    def __init__(self, days):
        self.parts = [name for name, part in PARTS.items() if part.says_something(days)]

    def columns(self, days):
        """Return the columns of all parts; 0 where a day is missing."""
        return self._of_parts("columns", days)

    def slopes(self, days):
        """Return their derivatives by a day; 0 where a day is missing."""
        return self._of_parts("slopes", days)

    def _of_parts(self, what, days):
        missing = np.isnan(days)
        there = np.where(missing, 0.0, days)
        made = [np.empty((len(days), 0))]
        made += [getattr(PARTS[name], what)(there) for name in self.parts]
        columns = np.hstack(made)
        columns[missing] = 0.0
        return columns

    def names(self, name):
        """Return the names of the columns."""
        return [f"{name}_{own}" for part in self.parts for own in PARTS[part].names]


def _has_several(numbers):
    """Tell whether there are at least two, each with some rows on average."""
    n_distinct = len(np.unique(numbers))
    return n_distinct > 1 and len(numbers) >= max(FEW, ROWS_EACH * n_distinct)
