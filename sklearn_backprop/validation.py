"""Scoring a validation set after each epoch."""

import numpy as np
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split

from .training import mean_loss


def held_out_rows(stratify, n_samples, fraction, random_state):
    """Split row numbers into those to train on and those to validate on.

    Only numbers are split, so X is never copied for it; the draws are those of
    splitting the data itself.
    """
    rows, held_out = train_test_split(
        np.arange(n_samples), test_size=fraction, random_state=random_state, stratify=stratify
    )
    if len(held_out) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' "
            "or the size of your dataset."
        )
    return rows, held_out


def make_validation(estimator, training, X, y, sample_weight, rows=None):
    """Return a function without arguments that scores the training's network.

    Parameters
    ----------
    estimator : estimator
        Whose ``scoring`` to use; not changed.
    training : Training
        What to score, after each epoch.
    X, y, sample_weight : ndarray or None
        The checked data.
    rows : ndarray of int, default=None
        Which of them are the validation set; None means all.
    """
    if isinstance(estimator.scoring, str) and estimator.scoring == "loss":
        Y = estimator._targets_of(y)
        samples = estimator._samples(training, X, Y, sample_weight, rows)
        return lambda: -mean_loss(training.network, training.loss, samples)
    if rows is not None:
        X, y = X[rows], y[rows]
        sample_weight = None if sample_weight is None else sample_weight[rows]
    scoring = estimator._default_scoring if estimator.scoring is None else estimator.scoring
    scorer = scoring if callable(scoring) else get_scorer(scoring)
    preview = object.__new__(type(estimator))
    preview.__dict__.update(estimator.__dict__)
    preview.__dict__.pop("feature_names_in_", None)  # X has been checked and has no names now
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}

    def score():
        preview._publish(training)
        try:
            return scorer(preview, X, y, **weights)
        except ValueError:
            if np.isfinite(preview._outputs(X)).all():
                raise
            return np.nan  # metrics refuse predictions that are not finite

    return score
