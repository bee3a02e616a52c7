"""Dates, times and durations of NumPy, Python and pandas, read in one way.

A point in time is the days since 1970-01-01 in UTC; what has no zone counts as UTC, and a
period counts as its start. A duration, and a time of day, is days too. Each is read as a whole
number of days and the nanoseconds of the rest, so that equal times are equal whatever held
them, and no digits are lost far from 1970.
"""

import re
import sys
from datetime import date, datetime, time, timedelta

import numpy as np

DAY = np.timedelta64(1, "D")

DAY_NS = 86_400 * 10**9
"""Nanoseconds of a day."""

EPOCH = date(1970, 1, 1).toordinal()

UNEVEN = {
    "Y": 365.2425 * DAY_NS,
    "M": 365.2425 / 12 * DAY_NS,
    "ps": 1e-3,
    "fs": 1e-6,
    "as": 1e-9,
}
"""Nanoseconds of NumPy's units that are no whole number of days or nanoseconds."""

ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)"
    r"(?:[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d+))?)?"
    r"(Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?)?",
    re.ASCII,
)
"""A date, alone or with a time, alone or with a zone."""


def is_date_type(kind):
    """Tell whether values of a type are points in time, or periods, which begin at one."""
    pandas = sys.modules.get("pandas")
    return issubclass(kind, (date, np.datetime64)) or (
        pandas is not None and issubclass(kind, pandas.Period)
    )


def is_duration_type(kind):
    """Tell whether values of a type are durations or times of day."""
    return issubclass(kind, (timedelta, np.timedelta64, time))


def is_iso(text):
    """Tell whether text is a date as ISO 8601 writes it, with a time or without."""
    try:
        return _of_text(text) is not None
    except ValueError:
        return False


def split(values):
    """Return the days of times, and the nanoseconds of the rest.

    Parameters
    ----------
    values : ndarray of datetime64 or timedelta64, or list of objects
        Times, none missing. Objects may be of any type of time, or dates as text.

    Returns
    -------
    days : ndarray of int64
        Whole days, since 1970 for points in time.
    nanoseconds : ndarray of int64 or float64
        What is left; all of it for a unit that is ``UNEVEN``.

    Raises
    ------
    ValueError
        If an object is no time.
    """
    if isinstance(values, list):
        pairs = [_pair(value) for value in values]
        return tuple(np.array(part) for part in zip(*pairs, strict=True))
    unit, count = np.datetime_data(values.dtype)
    if values.dtype.kind == "M" and unit in ("Y", "M", "W"):
        values, unit, count = values.astype("M8[D]"), "D", 1
    numbers = values.view(np.int64)
    if unit in UNEVEN:
        return np.zeros(len(values), np.int64), numbers * (count * UNEVEN[unit])
    unit = "D" if unit == "generic" else unit
    days, rest = np.divmod(numbers.view(f"m8[{count}{unit}]"), DAY)
    return days, rest.astype("m8[ns]").view(np.int64)


def in_days(days, nanoseconds, origin):
    """Return times in days since a time, which is days and nanoseconds too.

    Parameters
    ----------
    days, nanoseconds : ndarray of shape (n_samples,)
        As `split` returns them.
    origin : tuple of int
        The time to count from.

    Returns
    -------
    ndarray of float64
        Rounded once, within 246 years of the origin.
    """
    days, nanoseconds = days - origin[0], nanoseconds - origin[1]
    fits = np.abs(days) < 90_000  # in 64 bits of nanoseconds
    whole = np.where(fits, days, 0) * DAY_NS + nanoseconds
    return np.where(fits, whole / DAY_NS, days + nanoseconds / DAY_NS)


def as_labels(values):
    """Return times as objects that are equal for equal times, whatever held them.

    Parameters
    ----------
    values : ndarray of datetime64 or timedelta64, or list of objects
        As in `split`.

    Returns
    -------
    list
        ``datetime`` without a zone, or ``timedelta``; what these cannot hold (nanoseconds,
        years after 9999) as NumPy's.
    """
    if isinstance(values, np.ndarray):
        is_span = [values.dtype.kind == "m"] * len(values)
    else:
        is_span = [is_duration_type(type(value)) for value in values]
    return [_label(*pair, span) for *pair, span in zip(*split(values), is_span, strict=True)]


def _label(days, nanoseconds, is_span):
    days, nanoseconds = int(days), int(nanoseconds)
    if nanoseconds % 1000:
        total, unit = days * DAY_NS + nanoseconds, "ns"
    else:
        try:
            span = timedelta(days, microseconds=nanoseconds // 1000)
            return span if is_span else datetime(1970, 1, 1) + span
        except OverflowError:
            total, unit = days * 86_400 + nanoseconds // 10**9, "s"
    return np.timedelta64(total, unit) if is_span else np.datetime64(total, unit)


def _pair(value):
    """Return an object as days and nanoseconds."""
    if isinstance(value, str):
        pair = _of_text(value)
        if pair is None:
            raise ValueError(f"{value!r} is no date in ISO format")
        return pair
    if isinstance(value, datetime):
        if not 1 <= value.year <= 9999:  # only pandas goes beyond, and has no ordinals there
            return _pair(value.to_datetime64())
        clock = _of_clock(value) + getattr(value, "nanosecond", 0)
        offset = value.utcoffset()
        return _whole(value, clock if offset is None else clock - _of_span(offset))
    if isinstance(value, date):
        return _whole(value, 0)
    if isinstance(value, time):
        return 0, _of_clock(value)
    if isinstance(value, timedelta):
        return divmod(_of_span(value), DAY_NS)
    if isinstance(value, (np.datetime64, np.timedelta64)):
        days, nanoseconds = split(np.array([value]))
        return days[0], nanoseconds[0]
    if is_date_type(type(value)):
        return _pair(value.start_time)
    raise ValueError(f"{value!r} is no time")


def _whole(day, nanoseconds):
    """Return the days of a date and of nanoseconds that may be more than a day, and the rest."""
    days, nanoseconds = divmod(nanoseconds, DAY_NS)
    return day.toordinal() - EPOCH + days, nanoseconds


def _of_clock(value):
    """Return the nanoseconds of a time of day, but for those that only pandas has."""
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    return (seconds * 10**6 + value.microsecond) * 1000


def _of_span(value):
    seconds = value.days * 86_400 + value.seconds
    return (seconds * 10**6 + value.microseconds) * 1000 + getattr(value, "nanoseconds", 0)


def _of_text(text):
    match = ISO.fullmatch(text)
    if match is None:
        return None
    day, hours, minutes, seconds, digits, zone = match.groups()
    whole = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    nanoseconds = whole * 10**9 + int((digits or "")[:9].ljust(9, "0"))
    if zone not in (None, "Z"):
        sign, hours, minutes = zone[0], zone[1:3], zone[3:].removeprefix(":")
        offset = (int(hours) * 60 + int(minutes or 0)) * 60 * 10**9
        nanoseconds += offset if sign == "-" else -offset
    return _whole(date.fromisoformat(day), nanoseconds)
