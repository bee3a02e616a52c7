"""Fits as tasks: those whose structures agree train in stacks, and large stacks in threads."""

import warnings
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from time import perf_counter
from typing import Any

import numpy as np
from scipy.sparse import issparse

from .._engine.samples import is_memory_mapped
from .._estimators.base import BaseBackprop
from .._estimators.data import FitData, ValidationSet
from .._estimators.fit import complete, prepare, run
from .._estimators.fitted import training_of
from .._estimators.prepare import set_dropout
from .._fitting.ending import Ending
from .._numerics.blas import allowed_threads, one_blas_thread
from .._numerics.memo import Memo, shallow_copy
from .._sklearn import callbacks_of
from ..optimizers import OPTIMIZERS
from .planning import evenly, number_of_stacks, of_near_lengths, pays_in_threads, structure
from .stack import Member, train_together


@dataclass
class Task:
    """One fit: what to fit, and on what; then how it went."""

    estimator: Any = None
    X: Any = None
    y: Any = None
    sample_weight: Any = None
    validation_rows: Any = None
    seed: int | None = None  # in place of a random_state that is shared or None
    label: str = ""  # before each line that it prints
    steps: Any = None  # the fitted steps of a pipeline before the estimator
    until: int | None = None  # pause after this epoch,
    planned: int | None = None  # of so many that the learning rate is planned for
    fitted: Any = None
    fit: Any = None  # while it trains, or is paused
    error: Exception | None = None
    warnings: list = field(default_factory=list)
    seconds: float = 0.0

    def data(self):
        """Return what the fit is given."""
        validation = ValidationSet(rows=self.validation_rows)
        return FitData(self.X, self.y, self.sample_weight, validation=validation)

    def recorded(self, function, *args):
        """Call a function; keep its error and its warnings instead of letting them out."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            start = perf_counter()
            try:
                return function(*args)
            except Exception as error:
                self.error = error
                return None
            finally:
                self.seconds += perf_counter() - start
                self.warnings += [warning.message for warning in caught]


def fit_tasks(tasks):
    """Fit each task's estimator, in stacks where their structures agree.

    Parameters
    ----------
    tasks : list of Task
        Their ``fitted`` or ``error`` is set; nothing is raised.
    """
    n_threads = allowed_threads()
    with one_blas_thread():
        groups, once = defaultdict(list), Memo()
        for task in tasks:
            if task.fit is None:
                _begin(task, once)
            else:
                # a pickled network has lost it
                set_dropout(task.fit.training, task.fitted.dropout)
            if task.fit is not None:
                task.fit.loop.label = task.label
                groups[structure(task.fitted, task.fit)].append(task)
        stacks = []
        for group in groups.values():
            for members in of_near_lengths(group):
                stacks += evenly(members, number_of_stacks(members, n_threads))
        _fit_stacks(stacks, n_threads)
    for task in tasks:
        if task.error is not None:
            task.fitted = None


def _begin(task, once):
    """Prepare a task's fit; one that cannot be part of a stack is done at once."""
    task.fitted = shallow_copy(task.estimator)
    if task.seed is not None:
        task.fitted.random_state = task.seed
    if _may_stack(task):
        if task.planned is not None:
            task.fitted.max_iter = task.planned
        task.fit = task.recorded(partial(prepare, task.fitted, task.data(), once=once))
    else:
        task.recorded(_fit_alone, task)
        task.until = None  # it has gone as far as its own max_iter says
    # the seed has made its stream; the parameter is the user's
    task.fitted.random_state = task.estimator.random_state


def _may_stack(task):
    """Tell whether an estimator can be part of a stack at all."""
    estimator = task.estimator
    goes_on = estimator.warm_start and training_of(estimator) is not None
    solver = estimator.solver
    kind = OPTIMIZERS.get(solver) if isinstance(solver, str) else solver
    return (
        not _has_more_in_its_fit(estimator)
        and not issparse(task.X)
        and not is_memory_mapped(task.X)
        and getattr(kind, "stochastic", True)
        and estimator.max_time is None
        and not goes_on
    )


def _has_more_in_its_fit(estimator):
    """Tell whether a fit does more than train: a subclass's own, or one with callbacks."""
    own = type(estimator).fit is not BaseBackprop.fit
    return own or bool(callbacks_of(estimator))


def _fit_alone(task):
    if not _has_more_in_its_fit(task.estimator):
        task.fit = prepare(task.fitted, task.data())
        task.fit.loop.label = task.label
        _run(task)
        return
    given = {"sample_weight": task.sample_weight, "validation_rows": task.validation_rows}
    arguments = {name: value for name, value in given.items() if value is not None}
    task.fitted.fit(task.X, task.y, **arguments)


def _fit_stacks(stacks, n_threads):
    """Train stacks, those for which it pays side by side in threads, and complete each task."""
    together, in_turn = [], []
    for stack in stacks:
        (together if pays_in_threads(stack[0], n_threads) else in_turn).append(stack)
    if len(together) > 1:
        _fit_side_by_side(together, n_threads)
    else:
        in_turn += together
    for stack in in_turn:
        if len(stack) == 1 and stack[0].until is None:
            stack[0].recorded(_run, stack[0])
        else:
            _end(stack, *_train(stack))


def _fit_side_by_side(stacks, n_threads):
    """Train stacks in threads; warnings, which threads share, are given here afterwards."""
    with ThreadPoolExecutor(n_threads) as pool:
        trainings = [pool.submit(_train, stack) for stack in stacks]
        try:
            outcomes = [training.result() for training in trainings]
        except BaseException:  # Ctrl-C, which only this thread is told of
            for training in trainings:
                training.cancel()
            for task in chain(*stacks):
                task.fit.loop.is_cancelled = True
            raise
    for stack, outcome in zip(stacks, outcomes, strict=True):
        _end(stack, *outcome)


def _train(tasks):
    """Train the prepared fits of some tasks together; return their members, and the seconds."""
    start, until = perf_counter(), tasks[0].until
    if len(tasks) == 1 and until is None:
        member = Member(tasks[0].fit, tasks[0].fitted.shuffle)
        member.train_alone()
        members = [member]
    else:
        members = train_together([task.fit for task in tasks], tasks[0].fitted.shuffle, until)
    return members, perf_counter() - start


def _end(tasks, members, seconds):
    """Complete the tasks whose training has ended."""
    for task, member in zip(tasks, members, strict=True):
        task.seconds += seconds / len(tasks)
        task.error, member.error = member.error, None  # whose traceback has the member: a circle
        if member.has_ended and task.error is None:
            task.recorded(_complete, task)
        if member.has_ended:
            task.fit = None


def snapshot(task):
    """Return a paused task's estimator as if its training had ended here."""
    model = shallow_copy(task.fitted)
    with np.errstate(all="ignore"):
        loop, went_back = task.fit.loop.snapshot(task.fit.samples)
    complete(model, replace(task.fit, loop=loop), went_back)
    return model


def _complete(task):
    with np.errstate(all="ignore"):
        went_back = task.fit.loop.finish(task.fit.samples)
    complete(task.fitted, task.fit, went_back)


def _run(task):
    fit, task.fit = task.fit, None
    run(task.fitted, fit)
    if fit.loop.ending is Ending.INTERRUPTED:
        raise KeyboardInterrupt  # ends them all
