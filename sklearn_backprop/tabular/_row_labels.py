"""Columns of labels that differ in nearly every row: names, ids, free text.

A category tells something of a row only if other rows had it too. Of names and ids nearly none
have, so a column for each is noise; and of free text it is the words that say something.
"""

import reprlib
from collections import Counter

import numpy as np

from ._encoded_columns import printed

FEW_LABELS = 20
"""That fewer labels all differ says nothing: they may be drawn from a few dozen."""

MOST = 0.9
"""The share of new rows with unseen labels above which the labels say nothing."""

SEVERAL_WORDS = 3
"""On average a row, as free text has them."""

MANY_DIGITS = 0.5
"""The share of the characters of text from which on it may be numbers or dates."""

ENOUGH = 1000
"""Values to look at for what text may be."""


def differs_by_row(column):
    """Tell whether nearly every row of a column has a label of its own.

    A row that is yet to come has a label that was not seen with a probability of about n1 / n,
    where n1 of n labels were seen once: the estimate of Turing, in I. J. Good, "The population
    frequencies of species and the estimation of population parameters", Biometrika 40 (1953).
    It does not depend on the order of rows, and in a part of the rows, such as the training
    rows of a fold, it is on average no less than in all.

    Parameters
    ----------
    column : Column
        A column of a table; what is missing does not count.

    Returns
    -------
    bool
        True for text, categories and objects of at least ``FEW_LABELS`` values, if that
        probability exceeds ``MOST``.
    """
    n_labels = len(column.values) - np.count_nonzero(column.missing)
    if column.kind != "labels" or n_labels < FEW_LABELS:
        return False
    try:
        counts = Counter(column.labels())
    except TypeError:  # lists, say: reading them as categories says what is wrong
        return False
    del counts[None]
    return sum(count == 1 for count in counts.values()) > MOST * n_labels


def warning_of(found):
    """Return what to tell of columns that are left out.

    Parameters
    ----------
    found : dict of str to Column
        The columns, by their names.
    """
    return f"{_reason(found)} Drop them or name them in ignored_features, {_advice(found)}"


def error_of(found):
    """Return what to tell if no feature is left, for ``ignored_features`` names the others."""
    nothing = "No feature of X is left to learn from."
    if not found:
        return f"{nothing} ignored_features names all of them: take some out."
    return f"{nothing} {_reason(found)} Add other features, {_advice(found)}"


def _reason(found):
    told = [f"{name!r} (such as {_example(column)})" for name, column in found.items()]
    return (
        "Left out, because their values differ in nearly every row and so say nothing of other "
        f"rows: {', '.join(told)}."
    )


def _advice(found):
    advice = ["or name those that you want as categories in categorical_features."]
    for applies, text in HINTS:
        names = [name for name, column in found.items() if applies(column)]
        if names:
            advice.append(text.format(names=", ".join(map(repr, names))))
    return " ".join(advice)


def _example(column):
    return printed(column.there[0], reprlib.repr)


def _texts(column):
    """Return the first values of a column if all of it is text."""
    return column.there[:ENOUGH].tolist() if column.families == {"text"} else []


def _is_text_of_words(column):
    """Tell whether a column is text of several words a row."""
    texts = _texts(column)
    n_words = sum(len(text.split()) for text in texts)
    return bool(texts) and n_words >= SEVERAL_WORDS * len(texts)


def _is_text_of_digits(column):
    """Tell whether a column is text with many digits, as numbers and dates have them."""
    text = "".join(_texts(column))
    return bool(text) and sum(map(str.isdigit, text)) >= MANY_DIGITS * len(text)


HINTS = [
    (
        _is_text_of_words,
        "{names} may be free text, whose words say something: put make_pipeline("
        'TfidfVectorizer(), TruncatedSVD(50)) before, as "Free text" in docs/tabular.md shows.',
    ),
    (
        _is_text_of_digits,
        "If the text of {names} is numbers or dates, make it a column of these "
        "(pandas.to_numeric, pandas.to_datetime).",
    ),
]
"""What else to say: of which columns, and what."""
