"""Columns of labels that differ in nearly every row: names, ids, free text.

A category tells something of a new row only if rows before had it. Of names and ids nearly
none do, so a column for each is noise; and of a sentence it is the words that say something.
"""

from collections import Counter

import numpy as np

from .._fitting.messages import warn
from ._encoded_columns import printed

ENOUGH = 20
"""Values from which on it means something that they differ."""

SHARE = 0.9
"""More than this share of the values stand in one row only."""

WORDS = 3
"""Free text has so many words a row, on average."""


def names_rows(column):
    """Tell whether a column of labels differs in nearly every row.

    Parameters
    ----------
    column : Column
        Of a table. The order of its rows does not matter, nor do gaps.
    """
    if column.kind != "labels" or not column.families or "booleans" in column.families:
        return False
    labels = [label for label in column.labels() if label is not None]
    try:
        counts = Counter(labels)
    except TypeError:  # no labels at all, which reading them says
        return False
    alone = sum(count == 1 for count in counts.values())
    return len(labels) >= ENOUGH and alone > SHARE * len(labels)


def warn_of_left_out(columns):
    """Warn of the columns that are left out.

    Parameters
    ----------
    columns : dict of str to Column
        By their names.
    """
    if not columns:
        return
    told = [f"{name!r} (such as {_shortened(column.there[0])})" for name, column in columns.items()]
    texts = [name for name, column in columns.items() if _is_free_text(column)]
    advice = (
        "Name them in ignored_features to be rid of this warning, or in categorical_features to "
        "keep them as categories."
    )
    if texts:
        advice += (
            f' {", ".join(map(repr, texts))} may be free text, whose words say something: "Free '
            'text" in docs/tabular.md has the two lines that read them.'
        )
    warn(
        f"Left out: {', '.join(told)}. The values differ in nearly every row, so they say nothing "
        f"about other rows. {advice}"
    )


def _shortened(value):
    text = printed(value, repr)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _is_free_text(column):
    """Tell whether a column is text of several words a row."""
    words = [len(value.split()) for value in column.there if isinstance(value, str)]
    return bool(words) and float(np.mean(words)) >= WORDS
