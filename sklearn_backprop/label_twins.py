"""Labels that mean the same: a number and its text, a double and the float it was rounded to."""

import re
from decimal import Decimal
from numbers import Real

import numpy as np

PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)
"""A number as it is printed. Leading zeros are those of a code, such as a zip code."""

NAMES = {"True": True, "False": False}


def find_twins(new, known, precision):
    """Find known labels that are the numbers or the texts of new ones.

    Parameters
    ----------
    new : iterable
        Labels that are not known.
    known : dict
        Positions of the known labels.
    precision : dtype
        To which numbers are rounded before they are compared.

    Returns
    -------
    dict
        Positions of those among ``new`` for which exactly one label has the same number.
    """
    numbers = {label: _number(label, precision) for label in new}
    wanted = set(numbers.values()) - {None}
    if not wanted:
        return {}
    same = {}
    for label in known:
        number = _number(label, precision)
        if number in wanted:
            same.setdefault(number, []).append(label)
    found = {}
    for label, number in numbers.items():
        # text is the same as other text only letter by letter: "1.10" is not "1.1"
        others = [
            other
            for other in same.get(number, ())
            if not (isinstance(label, str) and isinstance(other, str))
        ]
        if len(others) == 1:
            found[label] = known[others[0]]
    return found


def _number(label, precision):
    """Return the number that a label is, or is the text of; None if it is neither."""
    if isinstance(label, str):
        label = _of_text(label)
    if not isinstance(label, (Real, Decimal)):
        return None
    try:
        with np.errstate(over="ignore"):
            rounded = float(precision.type(label))
        if precision == np.float64 and label == int(label):
            return int(label)  # float64 does not hold all of them
    except OverflowError:
        return None
    return rounded if np.isfinite(rounded) else None


def _of_text(text):
    if PLAIN_NUMBER.fullmatch(text):
        return Decimal(text)
    if text in NAMES:
        return NAMES[text]
    try:  # what is printed with an exponent
        return float(text) if repr(float(text)) == text else None
    except ValueError:
        return None
