"""Labels that mean the same: a number or a date and its text, a number and what it rounds to."""

import re
from decimal import Decimal
from numbers import Real

import numpy as np

from . import _times as times

PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)
"""A number as it is printed. Leading zeros are those of a code, such as a zip code."""

NAMES = {"True": True, "False": False}


def find_twins(new, known, precision):
    """Find known labels that are the numbers, the dates or the texts of new ones.

    Parameters
    ----------
    new : iterable
        Labels that are not known.
    known : dict
        Positions of the known labels.
    precision : str
        Name of the dtype to which numbers are rounded before they are compared.

    Returns
    -------
    dict
        Positions of those among ``new`` for which exactly one label means the same.
    """
    meanings = {label: _meaning(label, precision) for label in new}
    wanted = set(meanings.values()) - {None}
    if not wanted:
        return {}
    same = {}
    for label in known:
        meaning = _meaning(label, precision)
        if meaning in wanted:
            same.setdefault(meaning, []).append(label)
    found = {}
    for label, meaning in meanings.items():
        others = same.get(meaning, [])
        if isinstance(label, str) and not times.is_date_type(type(meaning)):
            # text is the same number as other text only letter by letter: "1.10" is not "1.1"
            others = [other for other in others if not isinstance(other, str)]
        if len(others) == 1:
            found[label] = known[others[0]]
    return found


def _meaning(label, precision):
    """Return the number or the date that a label is, or is the text of; None if it is neither."""
    if isinstance(label, str):
        label = _of_text(label)
    if times.is_date_type(type(label)):
        return label
    if not isinstance(label, (Real, Decimal)):
        return None
    try:
        with np.errstate(over="ignore"):
            rounded = float(np.dtype(precision).type(label))
    except OverflowError:
        return None
    if not np.isfinite(rounded):
        return None
    # float64 does not hold all integers
    is_whole = precision == "float64" and label == int(label)
    return int(label) if is_whole else rounded


def _of_text(text):
    if PLAIN_NUMBER.fullmatch(text):
        return Decimal(text)
    if text in NAMES:
        return NAMES[text]
    if times.is_iso(text):
        return times.as_labels([text])[0]
    try:  # what is printed with an exponent
        return float(text) if repr(float(text)) == text else None
    except ValueError:
        return None
