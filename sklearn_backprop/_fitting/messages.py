"""The record of training, what is printed of it, and warnings."""

import sys
import warnings

import numpy as np


def epoch_record(training, loss, scores, seconds):
    """Return what there is to say of the epoch that has just ended."""
    gradient = training.network.gradient
    learner = training.learner
    rate = learner.learning_rate if learner.optimizer.stochastic else np.nan
    return {
        "epoch": training.progress.n_iter,
        "loss": loss,
        **scores,
        "learning_rate": float(rate),
        "gradient_norm": float(np.sqrt(np.vecdot(gradient, gradient))),
        "seconds": seconds,
    }


def seconds_left(elapsed, n_done, n_all, max_time=None):
    """Return how long the epochs that are to come will take, as long as those before them.

    Parameters
    ----------
    elapsed : float
        Seconds so far.
    n_done, n_all : int
        Epochs so far, and in all, at most.
    max_time : float, default=None
        Seconds after which training ends.
    """
    left = elapsed * (n_all / n_done - 1)
    return left if max_time is None else max(0.0, min(left, max_time - elapsed))


def line(record, n_epochs, left):
    """Return a record as a line whose numbers stand under one another.

    Parameters
    ----------
    record : dict
        Of the epoch.
    n_epochs : int
        Epochs that there can be.
    left : float
        Seconds that those to come would take.
    """
    skipped = ("epoch", "gradient_norm", "seconds")
    width = max(5, len(str(n_epochs)))
    cells = [f"Iteration {record['epoch']:>{width}d}/{n_epochs}, "]
    for name, value in record.items():
        if name not in skipped:
            number = f"{value:.8g}, "
            cells.append(f"{name} = {number:<{WIDTH}}")
    return "".join([*cells, f"{record['seconds']:.2f} s, at most {left:.0f} s left"])


WIDTH = len("-1.2345678e-05, ")
"""Of the longest number of 8 digits that is likely, and what stands after it."""


def warn(message, category=UserWarning):
    """Warn about the line that called this package, directly or through scikit-learn."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _module(frame) in WITHIN:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


WITHIN = "sklearn_backprop", "sklearn", "joblib"
"""Packages whose lines are not the user's."""


def _module(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0]
