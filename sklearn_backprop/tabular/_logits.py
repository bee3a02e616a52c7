"""Logits of a member of a classifier for tables, and what columns of them labels speak for."""

import numpy as np

from .._estimators.fitted import targets_of


def logits_of(member, encoded):
    """Return a member's logits: a row a sample and a column a class, of float64.

    For multilabel a row for each label of each sample, and two columns.
    """
    logits = member.decision_function(encoded).astype(np.float64)
    if targets_of(member).kind == "multiclass":
        return logits
    if len(targets_of(member).classes_) == 1:
        return logits[:, None]
    return np.column_stack([np.zeros(logits.size), logits.ravel()])


def outputs_of_logits(logits, kind, n_rows):
    """Return logits in the columns of ``decision_function``: a label each if not exclusive."""
    if kind == "multiclass" or logits.shape[1] == 1:
        return logits
    return (logits[:, 1] - logits[:, 0]).reshape(n_rows, -1)


def columns_of_labels(targets, y):
    """Return the column of ``logits_of`` that each label speaks for."""
    encoded = targets.encode(y)
    return encoded.argmax(axis=1) if targets.kind == "multiclass" else encoded.ravel().astype(int)
