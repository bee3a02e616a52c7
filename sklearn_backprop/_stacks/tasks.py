"""Fits as tasks: those whose structures agree train in stacks, and large stacks in threads."""

import warnings
from collections import defaultdict
from dataclasses import dataclass, field, replace
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
from .._numerics.memo import Memo, directly, shallow_copy
from .._sklearn import callbacks_of
from ..optimizers import OPTIMIZERS
from .planning import evenly, number_of_stacks, of_near_lengths, pays_in_threads, structure
from .turns import Training, take_turns

SOON = 1e-6
"""Seconds that are left when there are none."""


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
    after_epoch: Any = None  # called with each epoch's record; a true result ends training
    begins_late: bool = False  # even when the time is over, for an epoch
    steps: Any = None  # the fitted steps of a pipeline before the estimator
    until: int | None = None  # pause after this epoch,
    planned: int | None = None  # of so many that the learning rate is planned for
    fitted: Any = None
    fit: Any = None  # while it trains, or is paused
    error: Exception | None = None
    has_not_begun: bool = False  # when the time was over
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


def fit_tasks(tasks, deadline=None):
    """Fit each task's estimator, in stacks where their structures agree.

    Parameters
    ----------
    tasks : list of Task
        Their ``fitted`` or ``error`` is set; nothing is raised.
    deadline : float, default=None
        Moment of ``time.perf_counter`` at which training ends, with the best epoch of each.
        A task that has had none by then is left with neither, unless it ``begins_late``.
    """
    n_threads = allowed_threads()
    with one_blas_thread():
        groups, once = defaultdict(list), Memo()
        for task in tasks:
            if task.fit is None:
                if deadline is None or perf_counter() < deadline or task.begins_late:
                    _begin(task, once, deadline)
            else:
                # a pickled network has lost it
                set_dropout(task.fit.training, task.fitted.dropout)
                task.fit.loop.label = task.label
            if task.fit is not None:
                groups[structure(task.fitted, task.fit)].append(task)
        stacks = []
        for group in groups.values():
            for members in of_near_lengths(group):
                stacks += evenly(members, number_of_stacks(members, n_threads))
        _fit_stacks(stacks, n_threads, deadline)
    for task in tasks:
        if task.error is not None or task.has_not_begun:
            task.fitted = task.fit = None


def _begin(task, once, deadline):
    """Prepare a task's fit; one that cannot be part of a stack is done at once."""
    task.fitted = shallow_copy(task.estimator)
    if task.seed is not None:
        task.fitted.random_state = task.seed
    if _may_stack(task):
        if task.planned is not None:
            task.fitted.max_iter = task.planned
        task.recorded(_prepare, task, once)
        if task.fit is not None and deadline is not None:
            task.fit.loop.max_time = deadline - task.fit.loop.start
    else:
        if deadline is not None:
            task.fitted.max_time = min(
                max(deadline - perf_counter(), SOON), task.estimator.max_time or np.inf
            )
        task.recorded(_fit_alone, task)
        task.until = None  # it has gone as far as its own max_iter says
        task.fitted.max_time = task.estimator.max_time
    # the seed has made its stream; the parameter is the user's
    task.fitted.random_state = task.estimator.random_state


def _prepare(task, once=directly):
    """Make a task's fit ready to run."""
    hooks = None if task.after_epoch is None else lambda fitted: [task.after_epoch]
    task.fit = prepare(task.fitted, task.data(), hooks=hooks, once=once)
    task.fit.loop.label = task.label


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
        _prepare(task)
        _run(task)
        return
    given = {"sample_weight": task.sample_weight, "validation_rows": task.validation_rows}
    arguments = {name: value for name, value in given.items() if value is not None}
    task.fitted.fit(task.X, task.y, **arguments)


def _fit_stacks(stacks, n_threads, deadline):
    """Train stacks by turns, those for which it pays in threads, and complete each task."""
    together, in_turn = [], []
    for stack in stacks:
        (together if pays_in_threads(stack[0], n_threads) else in_turn).append(Training(stack))
    take_turns(together, min(n_threads, len(together)), deadline)
    take_turns(in_turn, 1, deadline)
    for training in (*together, *in_turn):
        if training.has_begun:
            _end(training)
        else:
            for task in training.tasks:
                task.has_not_begun = True


def _end(training):
    """Complete the tasks whose training has ended."""
    for task, member in zip(training.tasks, training.members, strict=True):
        task.seconds += training.seconds / len(training.tasks)
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
