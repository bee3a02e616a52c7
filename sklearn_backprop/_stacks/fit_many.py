"""Fit many estimators at once: those whose networks agree in shape train as one stack."""

import warnings
from collections import Counter
from functools import partial
from time import perf_counter

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.utils import check_random_state, indexable

from .._engine.samples import is_memory_mapped
from .._estimators.base import BaseBackprop
from .._estimators.checks import refuse_lazy
from .._sklearn import num_samples, safe_indexing
from .planning import n_columns, plan
from .tasks import Task, fit_tasks


def fit_many(
    estimators,
    X,
    y,
    *,
    rows=None,
    sample_weight=None,
    validation_rows=None,
    max_time=None,
    after_epoch=None,
    n_jobs=None,
) -> list:
    """Fit many estimators, each as its own ``fit`` would, in much less time.

    Those whose networks have the same shape and structure train as one stack. What is
    a number may differ inside it: learning rates, penalties, the optimizer's
    hyperparameters, stopping rules, seeds, weights.

    Parameters
    ----------
    estimators : list of BackpropClassifier or BackpropRegressor
        Unfitted, or to be fitted anew; they are not changed.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Features.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    rows : list of ndarray of int, default=None
        For each estimator the samples to fit it on; None means all.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of all samples.
    validation_rows : list of array-like of int, default=None
        For each estimator what to pass to its ``fit``: positions in its own rows; None
        leaves it to the estimator.
    max_time : float, default=None
        Seconds for all together. When they are over each keeps its best epoch; an epoch that
        has begun is finished. They train by turns, so all come about as far.
    after_epoch : callable, default=None
        Called with the estimator's number and the record of each of its epochs, as in
        ``history_``, from the thread that trains it; a true result ends its training. In
        other processes, and for an estimator that has callbacks, it is not called.
    n_jobs : int, default=None
        Processes to spread the stacks over, as in joblib. In a process, those with large
        products train side by side in as many threads as BLAS may use.

    Returns
    -------
    list
        The fitted estimators, copies, in the order of ``estimators``. An int
        ``random_state`` gives what ``fit`` gives; for None, or a ``RandomState`` that
        several share, each gets a stream of its own. None for those that have had no epoch
        when ``max_time`` was over; the first has one in any case.

    Raises
    ------
    TypeError
        If one is not an estimator of this package.
    ValueError
        If ``rows``, ``validation_rows`` or ``max_time`` are not usable.
    Exception
        What the first fit that failed raised; nothing else is changed by it.

    Examples
    --------
    >>> from sklearn.base import clone
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_backprop import BackpropClassifier
    >>> from sklearn_backprop import fit_many
    >>> X, y = load_iris(return_X_y=True)
    >>> models = [BackpropClassifier(alpha=a, tol=0.01) for a in (1e-4, 1e-2)]
    >>> [model.alpha for model in fit_many(models, X, y)]
    [0.0001, 0.01]
    """
    estimators = list(estimators)
    for estimator in estimators:
        if not isinstance(estimator, BaseBackprop):
            raise TypeError(
                "fit_many fits BackpropClassifier and BackpropRegressor, got "
                f"{type(estimator).__name__}. Use its own fit."
            )
    if max_time is not None and not max_time > 0:
        raise ValueError(f"max_time={max_time!r} must be a positive number of seconds, or None.")
    refuse_lazy(X)
    X, y, sample_weight = indexable(X, y, sample_weight)
    rows = checked_rows(rows, [num_samples(X)] * len(estimators))
    n_samples = [num_samples(X) if index is None else len(index) for index in rows]
    held_out = checked_rows(validation_rows, n_samples, "validation_rows")
    seeds = own_seeds(estimators)
    chunks = plan(estimators, n_columns(X), n_samples, [id(index) for index in rows], n_jobs)
    from_file = is_memory_mapped(X)
    deadline = None if max_time is None else perf_counter() + max_time
    follow = after_epoch if effective_n_jobs(n_jobs) == 1 else None
    outcomes = Parallel(n_jobs=n_jobs)(
        delayed(_fit_rows)(
            [estimators[i] for i in chunk],
            X,
            y,
            sample_weight,
            [rows[i] for i in chunk],
            [held_out[i] for i in chunk],
            [seeds[i] for i in chunk],
            from_file,
            [numbered(i, len(estimators)) for i in chunk],
            [None if follow is None else partial(follow, i) for i in chunk],
            deadline,
            estimators[0],
        )
        for chunk in chunks
    )
    done = dict(
        zip((i for chunk in chunks for i in chunk), (t for o in outcomes for t in o), strict=True)
    )
    for i in range(len(estimators)):
        for message in done[i].warnings:
            warnings.warn(message, stacklevel=2)
        if done[i].error is not None:
            raise done[i].error
    return [done[i].fitted for i in range(len(estimators))]


class RowsError(ValueError, IndexError):
    """Row numbers or a mask that do not belong to the data."""


def checked_rows(rows, n_samples, name="rows"):
    """Return the row numbers for each estimator, an array or None; raise if they are none.

    Parameters
    ----------
    rows : list of array-like or None
        For each estimator row numbers, which may count from the end, a mask, or None.
    n_samples : list of int
        Rows that there are for each.
    name : str, default="rows"
        The parameter, for the message.
    """
    rows = [None] * len(n_samples) if rows is None else list(rows)
    if len(rows) != len(n_samples):
        raise ValueError(
            f"{name} has {len(rows)} entries for {len(n_samples)} estimators; pass an index array "
            f"for each, or leave {name}=None."
        )
    known: dict = {(id(None), n): None for n in n_samples}  # who shares rows goes on to share them
    for i, key in enumerate(zip(map(id, rows), n_samples, strict=True)):
        if key not in known:
            known[key] = _row_numbers(rows[i], n_samples[i], f"{name}[{i}]")
    return [known[key] for key in zip(map(id, rows), n_samples, strict=True)]


def _row_numbers(given, n_samples, name):
    """Return an array of row numbers from row numbers or a mask, or raise."""
    index = np.asarray(given)
    index = index if index.size else index.astype(int)  # an empty list is one of floats
    if index.ndim != 1 or index.dtype.kind not in "iub":
        raise ValueError(f"{name} must be an array of row numbers or None, got {given!r}.")
    if index.dtype.kind == "b":
        if len(index) != n_samples:
            raise RowsError(f"{name} is a mask of {len(index)} rows, but there are {n_samples}.")
        return np.flatnonzero(index)
    outside = index[(index < -n_samples) | (index >= n_samples)]
    if len(outside):
        raise RowsError(
            f"{name}: row {outside[0]} is out of bounds. There are {n_samples} rows, numbered 0 to "
            f"{n_samples - 1}, or from the end by -1 to {-n_samples}."
        )
    return index


def own_seeds(estimators):
    """Return a seed for each estimator whose ``random_state`` is None or shared, else None."""
    given = [estimator.random_state for estimator in estimators]
    times = Counter(map(id, given))
    return [
        int(check_random_state(state).randint(2**31))
        if state is None or (isinstance(state, np.random.RandomState) and times[id(state)] > 1)
        else None  # its own, or not valid, which its fit will say
        for state in given
    ]


def numbered(position, n_networks):
    """Return the label of a network's lines: which one it is, where there are several."""
    return f"[{position + 1}/{n_networks}] " if n_networks > 1 else ""


def _fit_rows(
    estimators,
    X,
    y,
    sample_weight,
    rows,
    held_out,
    seeds,
    from_file,
    labels=None,
    after_epoch=None,
    deadline=None,
    first=None,
):
    """Fit estimators on rows of X; return their tasks, without the data."""
    if is_memory_mapped(X) and not from_file:
        X = np.array(X)  # joblib's way to a process; a map of the user's would be read by blocks
    parts = {}
    tasks = []
    labels = [""] * len(estimators) if labels is None else labels
    after_epoch = [None] * len(estimators) if after_epoch is None else after_epoch
    each = zip(estimators, rows, held_out, seeds, labels, after_epoch, strict=True)
    for estimator, index, validation, seed, label, follow in each:
        if id(index) not in parts:
            parts[id(index)] = [
                array if array is None or index is None else safe_indexing(array, index)
                for array in (X, y, sample_weight)
            ]
        X_part, y_part, weight = parts[id(index)]
        data = X_part, y_part, weight, validation
        tasks.append(Task(estimator, *data, seed, label, follow, begins_late=estimator is first))
    fit_tasks(tasks, deadline)
    for task in tasks:
        task.estimator = task.X = task.y = task.sample_weight = task.validation_rows = None
        task.after_epoch = None
    return tasks
