"""Results that fits on the same data share."""

import warnings
from typing import TypeVar

import numpy as np


def directly(function, *args):
    """Call a function: what a single fit does in place of a ``Memo``."""
    return function(*args)


T = TypeVar("T")


def shallow_copy(value: T) -> T:
    """Return what ``copy.copy`` does for a plain object, in a sixth of the time."""
    other = object.__new__(type(value))
    other.__dict__.update(value.__dict__)
    return other


class Memo:
    """Calls each function once for the same arguments, and gives the result to all.

    Arguments are the same if they are the same object; short values such as names
    and numbers, and arrays of row numbers, if they are equal. Results are shared, so
    nobody may change them. Warnings are given each time.
    """

    def __init__(self):
        self._results = {}

    def __call__(self, function, *args):
        """Return ``function(*args)``."""
        key = (function, *map(_identity, args))
        if key not in self._results:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                result = function(*args)
            messages = [warning.message for warning in caught]
            # the arguments are kept, so that no other object can get the identity of one
            self._results[key] = result, messages, args
        result, messages, _ = self._results[key]
        for message in messages:
            warnings.warn(message, stacklevel=2)
        return result


def _identity(value):
    if value is None or isinstance(value, (str, bool, type, np.dtype)):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind == "i":
        return value.dtype.str, value.tobytes()
    return id(value)
