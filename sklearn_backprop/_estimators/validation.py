"""What to validate on, and scoring it after each epoch."""

from functools import partial

import numpy as np
from sklearn.metrics import get_scorer
from sklearn.model_selection import GroupKFold, train_test_split
from sklearn.utils.validation import validate_data

from .._engine.samples import rows_of
from .._engine.training import mean_loss, mean_loss_and_accuracy
from .._numerics.memo import directly, shallow_copy
from .checks import (
    check_features,
    check_features_and_targets,
    check_some_weight,
    check_validation_rows,
    check_weights,
)
from .fitted import outputs_of, publish
from .prepare import make_samples


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


def balanced_folds(labels, n_samples, n_folds, seed):
    """Return the number of the fold that each row is in.

    The folds' sizes differ by one at most, and so does what each has of a class. A class
    may have a single row.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,) or None
        Classes to spread evenly; None if there are none.
    n_samples, n_folds : int
        Rows, and folds.
    seed : int
        Of the partition.
    """
    order = np.random.RandomState(seed).permutation(n_samples)
    if labels is not None:
        order = order[np.argsort(labels[order], kind="stable")]
    folds = np.empty(n_samples, int)
    folds[order] = np.arange(n_samples) % n_folds
    return folds


def group_folds(groups, n_folds, seed):
    """Return the number of the fold that each row is in, where groups stay together.

    Parameters
    ----------
    groups : ndarray of int of shape (n_samples,)
        The group of each row.
    n_folds : int
        Folds, at most as many as there are groups.
    seed : int
        Of the partition.
    """
    folds = np.empty(len(groups), int)
    splitter = GroupKFold(n_folds, shuffle=True, random_state=seed)
    for number, (_, rows) in enumerate(splitter.split(groups, groups=groups)):
        folds[rows] = number
    return folds


def validation_of(estimator, training, data, checked, once):
    """Return the rows to train on (None for all), and what scores the others or X_val.

    Parameters
    ----------
    estimator : BaseBackprop
        Whose ``early_stopping`` is on.
    training : Training
        What to score, after each epoch.
    data : FitData
        What ``fit`` was given.
    checked : tuple
        X, y, the targets as the network has them, and the sample weights.
    once : callable
        May be a ``Memo`` of fits on the same data.
    """
    X, y, Y, sample_weight = checked
    given = data.validation
    if given.X is not None:
        return None, make_validation(estimator, training, *_check_set(estimator, data, Y))
    if given.rows is not None:
        rows, held_out = check_validation_rows(given.rows, len(Y))
    else:
        rows, held_out = held_out_rows(
            estimator._stratify(Y),
            len(Y),
            estimator.validation_fraction,
            training.progress.random_state,
        )
    if sample_weight is not None:
        check_some_weight(sample_weight[rows], "sample_weight of the samples to train on")
        check_some_weight(sample_weight[held_out], "sample_weight of the validation samples")
    return rows, make_validation(estimator, training, X, y, sample_weight, held_out, once)


def _check_set(estimator, data, Y):
    """Check X_val, y_val and sample_weight_val as X, y and sample_weight are; return them."""
    reader, given = shallow_copy(estimator), data.validation
    validate_data(reader, data.X, skip_check_array=True, reset=True)
    try:
        name = type(estimator).__name__
        X, y = check_features_and_targets(given.X, given.y, name, estimator._y_numeric)
        validate_data(reader, given.X, skip_check_array=True, reset=False)
        sample_weight = check_weights(given.sample_weight, X, "sample_weight_val")
        estimator._check_more_targets(y, Y)
    except ValueError as error:
        raise ValueError(
            f"The validation set (X_val, y_val, sample_weight_val): {error}"
        ) from error
    return X, y, sample_weight


def make_validation(estimator, training, X, y, sample_weight, rows=None, once=directly):
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
    once : callable, default=directly
        May be a ``Memo`` of fits on the same data.

    Returns
    -------
    callable
        Returns the score to monitor, which is the first, and a dict for the history.
    """
    targets, weights = estimator._targets_of(y), estimator._weighted(sample_weight, y)
    samples = make_samples(training, X, targets, weights, rows, once)

    def validation_loss():
        loss = mean_loss(training.network, training.loss, samples)
        return -loss, {"validation_loss": loss}

    if isinstance(estimator.scoring, str) and estimator.scoring == "loss":
        return validation_loss
    if _is_accuracy(estimator):
        return partial(_loss_and_accuracy, training, samples)
    if rows is not None:
        X, y = once(rows_of, X, rows), y[rows]
        sample_weight = None if sample_weight is None else sample_weight[rows]
    scorers = named_scorers(estimator.scoring)
    preview = shallow_copy(estimator)
    preview.__dict__.pop("feature_names_in_", None)  # X has been checked and has no names now
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}

    def score():
        minus_loss, record = validation_loss()
        publish(preview, training)
        for name, scorer in scorers.items():
            if scorer != "loss":
                record[name] = _finite_score(scorer, preview, X, y, weights)
        first = next(iter(scorers))
        return minus_loss if scorers[first] == "loss" else record[first], record

    return score


def _is_accuracy(estimator):
    """Tell whether the score is the accuracy, and follows from what the loss is computed of."""
    scoring, targets = estimator.scoring, getattr(estimator, "_targets", None)
    return (
        (scoring is None or (isinstance(scoring, str) and scoring == "accuracy"))
        and targets is not None
        and targets.kind in ("binary", "multiclass")
        and len(targets.classes_) > 1
        and estimator.class_weight is None  # it is for the loss only
        and estimator._has_plain_accuracy()
    )


def _loss_and_accuracy(training, samples):
    """Return the accuracy, and what to record; in a fraction of the time a scorer takes."""
    loss, accuracy = mean_loss_and_accuracy(training.network, training.loss, samples, _is_right)
    finite = accuracy if np.isfinite(loss) else np.nan
    return finite, {"validation_loss": loss, "validation_score": finite}


def _is_right(Y, A):
    """Tell which samples' outputs speak for their class."""
    if Y.shape[-1] == 1:
        return ((A > 0.5) == (Y > 0.5))[:, 0]
    return A.argmax(axis=-1) == Y.argmax(axis=-1)


def own_score(estimator, X, y, **weights):
    """Score by the estimator's own ``score``."""
    return estimator.score(X, y, **weights)


def named_scorers(scoring):
    """Return ``{column of the history: scorer}`` for any form that ``scoring`` can have."""
    if scoring is None:
        scoring = own_score
    if isinstance(scoring, str) or callable(scoring):
        scoring = {"score": scoring}
    if not isinstance(scoring, dict):
        scoring = {name: name for name in scoring}
    if not scoring:
        raise ValueError("scoring is empty: there is nothing to stop by. Pass 'loss' or a score.")
    if scoring.get("loss", "loss") != "loss":
        raise ValueError(
            "scoring calls a scorer 'loss', which is the name of the validation loss. Rename it."
        )
    return {
        f"validation_{name}": scorer if callable(scorer) or scorer == "loss" else get_scorer(scorer)
        for name, scorer in scoring.items()
    }


def _finite_score(scorer, estimator, X, y, weights):
    """Return the score as a float; NaN where predictions are not finite, which metrics refuse."""
    try:
        return float(scorer(estimator, X, y, **weights))
    except ValueError:
        if np.isfinite(outputs_of(estimator, check_features(X, estimator))).all():
            raise
        return np.nan
