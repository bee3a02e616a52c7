"""What the targets say of a category: its mean target, and how often it is there.

D. Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes in
classification and prediction problems", ACM SIGKDD Explorations 2001; scikit-learn's
`TargetEncoder`. A row's own target must not be in its code, so those of the training rows are
cross-fitted: of a fold by the other folds.
"""

import numpy as np
from sklearn.preprocessing import TargetEncoder

MANY_LABELS = 10
"""A feature with no more categories gets no codes: a column for each says as much."""

MOST_TARGETS = 10
"""With more targets, or more classes than two and this, there would be too many columns."""

N_FOLDS = 5
"""For cross-fitting."""


def targets_to_code(targets, labels=None):
    """Return the columns whose means are taken, or None if they are too many.

    Parameters
    ----------
    targets : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Numbers; or 0 and 1 of several labels.
    labels : ndarray of int of shape (n_samples,), default=None
        Numbers of classes: a column of 0 and 1 for each, one for two of them.
    """
    if labels is not None and targets.ndim == 1:
        n_classes = labels.max() + 1
        first = 1 if n_classes == 2 else 0
        targets = labels[:, None] == np.arange(first, n_classes)
    columns = np.asarray(targets, np.float64).reshape(len(targets), -1)
    return columns if columns.shape[1] <= MOST_TARGETS else None


def target_codes(labels, n_labels, targets, folds):
    """Return the codes of all labels, and the cross-fitted ones of the rows.

    Parameters
    ----------
    labels : ndarray of int of shape (n_samples,)
        The number of each row's label; -1 for none.
    n_labels : int
        How many there are.
    targets : ndarray of shape (n_samples, n_targets)
        As ``targets_to_code`` returns them.
    folds : ndarray of int of shape (n_samples,)
        The number of each row's fold.

    Returns
    -------
    of_labels : ndarray of shape (n_labels + 1, n_targets + 1)
        Smoothed means, and the logarithm of one plus the number of rows; last those of no
        label, or an unknown one.
    of_rows : ndarray of shape (n_samples, n_targets + 1)
        The same for the rows.
    """
    everyone = np.append(np.arange(n_labels), -1)
    means, of_rows = _means(labels, targets, everyone), np.empty(targets.shape)
    for fold in np.unique(folds):
        inside = folds == fold
        of_rows[inside] = _means(labels[~inside], targets[~inside], labels[inside])
    counts = np.bincount(labels[labels >= 0], minlength=n_labels)
    sizes = np.log1p(np.append(counts, 0))
    return np.column_stack([means, sizes]), np.column_stack([of_rows, sizes[labels]])


def _means(labels, targets, asked):
    """Return the smoothed mean targets of the labels that are asked for."""
    there = labels >= 0
    if not there.any():
        return np.tile(targets.mean(axis=0) if len(targets) else 0.0, (len(asked), 1))
    result = np.empty((len(asked), targets.shape[1]))
    for k, own in enumerate(targets[there].T):
        encoder = TargetEncoder(target_type="continuous").fit(labels[there][:, None], own)
        result[:, k] = encoder.transform(asked[:, None])[:, 0]
    return result
