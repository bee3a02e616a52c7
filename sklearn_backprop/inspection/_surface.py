"""What a network with two inputs says all over its plane, epoch by epoch."""

from base64 import b64encode

import numpy as np
from sklearn.base import is_classifier

from .._estimators.fitted import targets_of

GRID = 32
"""Points a side."""

MARGIN = 0.2
"""Beyond the outermost samples, relative to their range."""


def surface_of(record, epochs):
    """Return the decision surface of some epochs, as what JSON can hold; None unless 2 inputs.

    Levels are 0 to 255: an output between its lowest and its highest, or the number of
    the most probable class.

    Parameters
    ----------
    record : TrainingRecord
        The training.
    epochs : ndarray of int
        Which of the recorded ones.
    """
    if record.points is None:
        return None
    X, targets = record.points
    low, high = X.min(axis=0), X.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    low, high = low - MARGIN * span, high + MARGIN * span
    # rows from top to bottom, as pictures are stored
    across, up = np.linspace(low[0], high[0], GRID), np.linspace(high[1], low[1], GRID)
    grid = np.column_stack([part.ravel() for part in np.meshgrid(across, up)])
    answers = [outputs_on(record.estimator_at(epoch), grid) for epoch in epochs.tolist()]
    is_class, limits = answers[0].ndim == 2, None
    if is_class:
        levels = [answer.argmax(axis=1).astype(np.uint8) for answer in answers]
        target_levels = targets.argmax(axis=1)
    else:
        targets = targets[:, 0]
        limits = (0.0, 1.0) if is_classifier(record.estimator) else _limits(answers, targets)
        levels = [_levels(answer, *limits) for answer in answers]
        target_levels = _levels(targets, *limits)
    names = record.trace(0).feature_names
    points = np.column_stack([X, target_levels]).tolist()
    n_shown = len(record.samples)
    return {
        "kind": "class" if is_class else "value",
        "caption": _caption(record, names, is_class),
        "limits": limits,
        "n": GRID,
        "box": [low[0], high[0], low[1], high[1]],
        "levels": b64encode(np.concatenate(levels).tobytes()).decode(),
        "shown": points[:n_shown],
        "points": points[n_shown:],
    }


def outputs_on(estimator, grid):
    """Return what an estimator says: one number a point, or a column a class."""
    if not is_classifier(estimator):
        predictions = estimator.predict(grid)
        return predictions if predictions.ndim == 1 else predictions[:, 0]
    P = estimator.predict_proba(grid)
    if targets_of(estimator).kind == "multiclass":
        return P
    return P[:, -1] if targets_of(estimator).kind == "binary" else P[:, 0]


def _caption(record, names, is_class):
    plane = f"by {names[0]} (across) and {names[1]} (up)"
    if is_class:
        return f"Most probable class {plane}; dots are samples"
    output = record.trace(0).output_names[0]
    what = (
        f"Probability of {output}" if is_classifier(record.estimator) else f"Prediction of {output}"
    )
    return f"{what} {plane}; dots are samples"


def _limits(answers, targets):
    """Return the lowest and the highest of the targets and of what was said in the end."""
    ends = np.concatenate([answers[-1], targets])
    ends = ends[np.isfinite(ends)]
    return (float(ends.min()), float(ends.max())) if len(ends) else (0.0, 1.0)


def _levels(numbers, low, high):
    """Return numbers between two limits as 0 to 255."""
    share = (np.nan_to_num(numbers) - low) / ((high - low) or 1.0)
    return np.clip(np.round(255 * share), 0, 255).astype(np.uint8)
