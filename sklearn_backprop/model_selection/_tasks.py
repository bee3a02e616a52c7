"""How scikit-learn's searches hand over their fits, and how those become stacks.

``GridSearchCV``, ``cross_validate`` and the rest pass joblib one call of a private
function for each candidate and fold: fit, then score or predict. ``StackingBackend``
is a joblib backend that gathers these calls, fits their estimators in stacks, and
then lets each call run as it would have, but with ``fit`` already done. So whatever
else scikit-learn does with a fit (scores, messages, errors, metadata) is its own code.
"""

from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import count

import numpy as np
from joblib import Parallel, delayed, parallel_config
from joblib.parallel import ParallelBackendBase, get_active_backend

from .._engine.samples import is_memory_mapped
from .._numerics.memo import Memo
from .._stacks.fit_many import own_seeds
from .._stacks.planning import n_columns, plan
from .._stacks.tasks import Task, fit_tasks
from ._calls import Call, fit_as_done, fit_steps, training_rows

WAVE = 128
"""Calls from which on a wave takes no further setting of the preprocessing."""

MANY = 5000
"""Jobs that joblib is told there are. It hands over twice as many calls at first, and others
when these have run, so memory is bounded however many candidates a search has. A call that
waits takes 4 kB, and shares its preprocessing with those that it waits with."""


class StackingBackend(ParallelBackendBase):
    """A joblib backend that trains what it is given in stacks.

    It gathers calls until the first result is asked for. The stacks go to the backend
    that was active before, with the number of jobs that was asked for.

    Parameters
    ----------
    rungs : Rungs, default=None
        Where training pauses, and what of it has been paused.
    """

    supports_retrieve_callback = False

    def __init__(self, rungs=None):
        super().__init__(nesting_level=0)
        self.rungs = rungs
        self.outer, self.outer_n_jobs = get_active_backend()
        self.n_jobs = None
        self.pending = []
        self.is_gathering = False

    def effective_n_jobs(self, n_jobs):
        """Return as many as it takes for joblib to hand over many calls, where it does so."""
        return MANY if self.is_gathering else self.outer.effective_n_jobs(n_jobs)

    def configure(self, n_jobs=1, parallel=None, **kwargs):
        """Remember how many jobs were asked for."""
        self.parallel, self.pending, self.is_gathering = parallel, [], True
        self.n_jobs = n_jobs if n_jobs != 1 else None
        return MANY

    def terminate(self):
        """End the gathering: what asks for the number of jobs now is a refit."""
        self.is_gathering = False

    def submit(self, func, callback=None):
        """Put a call aside."""
        job = Job(self, callback)
        self.pending.append((job, Call(func)))
        return job

    apply_async = submit  # what joblib before 1.5 calls it

    def get_nested_backend(self):
        """Nested calls in this process are not for this backend."""
        return self.outer.get_nested_backend()

    def run(self):
        """Run all calls that were put aside."""
        pending, self.pending = self.pending, []
        jobs, calls = [job for job, _ in pending], [call for _, call in pending]
        del pending  # a call is let go when it has run, and its network with it
        with parallel_config(backend=self.outer, n_jobs=self.outer_n_jobs):
            results = run_in_waves(calls, self.n_jobs, self.rungs)
        for job, result in zip(jobs, results, strict=True):
            job.result = [result]
            job.callback()


class Job:
    """What joblib asks for the result of a call that was put aside."""

    def __init__(self, backend, callback):
        self.backend, self.callback = backend, callback
        self.result = None

    def get(self, timeout=None):
        """Return the result; what is pending is run for it."""
        if self.result is None:
            self.backend.run()
        return self.result


class Rungs:
    """Trainings that pause, are scored, and go on.

    Parameters
    ----------
    resource : str
        The parameter of a search that counts epochs.
    n_epochs : int
        Of a training that is never dropped.
    """

    def __init__(self, resource, n_epochs):
        self.resource = resource
        self.n_epochs = n_epochs
        self.paused, self.paused_before = {}, {}

    def next(self, candidates):
        """Begin a rung, for which trainings of other candidates are forgotten."""
        kept = {self._candidate(parameters) for parameters in candidates}
        self.paused_before = {k: task for k, task in self.paused.items() if k[1] in kept}
        self.paused = {}

    def key(self, call):
        """Return what is the same for a candidate and fold on each rung."""
        return id(call.train), self._candidate(call.parameters)

    def _candidate(self, parameters):
        own = (item for item in parameters.items() if item[0] != self.resource)
        return tuple(sorted((name, id(value)) for name, value in own))

    def may_pause(self, call):
        """Tell whether the epochs that a search counts are those of a call's own network."""
        return call.is_known and self.resource == f"{call.prefix}max_iter"

    def begin(self, call):
        """Return the paused task of a call, or a new one that will pause."""
        # given to one call only: another candidate of the same values trains one of its own
        task = self.paused_before.pop(self.key(call), None)
        until = call.parameters[self.resource]
        if task is None:
            return Task(until=until, planned=self.n_epochs)
        return replace(task, until=until, seconds=0.0, warnings=[])


def run_in_waves(calls, n_jobs, rungs=None):
    """Run calls; return their results.

    Steps before a network are fitted once a fold and setting of their own parameters.
    What they make of X is kept while a wave of calls uses it, and a network until it has
    been scored, so memory stays bounded.

    Parameters
    ----------
    calls : list of Call
        In the end a list of None: each is let go when it runs.
    n_jobs : int or None
        As in joblib.
    rungs : Rungs, default=None
        Where training pauses.
    """
    results = [None] * len(calls)
    with Parallel(n_jobs=n_jobs) as parallel:
        for wave in waves(calls):
            tasks, keys = begun(calls, wave, rungs)
            preprocessed = preprocess([calls[i] for i in wave if tasks[i].fitted is None], parallel)
            chunks = chunked(calls, wave, n_jobs)
            parts = parallel(
                delayed(run_together)(*apart(*taken(chunk, calls, tasks, preprocessed)))
                for chunk in chunks
            )
            for chunk, part in zip(chunks, parts, strict=True):
                for i, (result, task) in zip(chunk, part, strict=True):
                    results[i] = result
                    if task is not None:
                        rungs.paused[keys[i]] = task
            for done in preprocessed.values():
                done.error = None  # its traceback has the task: a circle
    return results


def begun(calls, wave, rungs):
    """Return for each position of a wave its task, and for those that may pause their key."""
    tasks, keys = {}, {}
    for i in wave:
        tasks[i] = Task()
        if rungs is not None and rungs.may_pause(calls[i]):
            tasks[i], keys[i] = rungs.begin(calls[i]), rungs.key(calls[i])
        tasks[i].label = calls[i].label(i, len(calls))
    return tasks, keys


def taken(chunk, calls, tasks, preprocessed):
    """Take a chunk's calls and tasks out of where they are kept, with their preprocessing."""
    own = [calls[i] for i in chunk]
    for i in chunk:
        calls[i] = None
    return own, [tasks.pop(i) for i in chunk], [preprocessed.get(c.preprocessing) for c in own]


def waves(calls):
    """Return lists of positions: calls of few distinct settings of the preprocessing."""
    by_setting = defaultdict(list)
    for i, call in enumerate(calls):
        by_setting[call.preprocessing and call.preprocessing[1]].append(i)
    found = [by_setting.pop(None)] if None in by_setting else []
    for positions in by_setting.values():
        if not found or len(found[-1]) >= WAVE:
            found.append([])
        found[-1] += positions
    return found


def preprocess(calls, parallel):
    """Fit what stands before the networks; return ``{key: Task}``."""
    first, n_calls = {}, Counter(call.preprocessing for call in calls)
    for call in calls:
        if call.preprocessing is not None:
            first.setdefault(call.preprocessing, call)
    tasks = parallel(
        delayed(fit_steps)(call.with_data(0, 1), call.X, call.y) for call in first.values()
    )
    for key, task in zip(first, tasks, strict=True):
        task.seconds /= n_calls[key]
    return dict(zip(first, tasks, strict=True))


def apart(calls, tasks, preprocessed):
    """Return arguments for ``run_together``, each array in a place of its own.

    Backends that send jobs to other machines send such an argument once, however many
    jobs have it, but what is inside of another once a job.
    """
    arrays = []

    def place(array):
        for k, other in enumerate(arrays):
            if other is array:
                return k
        arrays.append(array)
        return len(arrays) - 1

    calls = [c.with_data(place(c.X), place(c.y)) if c.is_known else c for c in calls]
    preprocessed = [done and replace(done, X=place(done.X)) for done in preprocessed]
    return calls, tasks, preprocessed, *arrays


def chunked(calls, wave, n_jobs):
    """Return lists of positions of calls, those that can train together in one."""
    known = [i for i in wave if calls[i].is_known]
    chunks = [[i] for i in wave if not calls[i].is_known]
    if known:
        looks = [calls[i].looks() for i in known]
        n_features = n_columns(calls[known[0]].X)
        n_samples = [len(calls[i].train) for i in known]
        number = defaultdict(count().__next__)
        data = [number[calls[i].preprocessing or id(calls[i].train)] for i in known]
        plans = plan(looks, n_features, n_samples, data, n_jobs)
        chunks += [sorted(known[i] for i in positions) for positions in plans]
    return chunks


def run_together(calls, tasks, preprocessed, *arrays):
    """Run calls, the fits of all that are known in stacks; return results and paused tasks.

    The lists of calls and tasks are emptied: a network is let go when it has been scored.
    """
    once = Memo()
    calls[:] = [c.with_data(arrays[c.X], arrays[c.y]) if c.is_known else c for c in calls]
    preprocessed = [done and replace(done, X=arrays[done.X]) for done in preprocessed]
    for call, task, done in zip(calls, tasks, preprocessed, strict=True):
        if call.is_known and task.fitted is None:
            prepare(call, task, done, once)
    fit_new_and_paused([task for c, task in zip(calls, tasks, strict=True) if c.is_known])
    calls.reverse()
    tasks.reverse()
    return [finished(calls.pop(), tasks.pop()) for _ in range(len(calls))]


def fit_new_and_paused(tasks):
    """Fit the tasks that are prepared or paused; the others have failed or ended."""
    new = [task for task in tasks if task.fitted is None and task.error is None]
    for task, seed in zip(new, own_seeds([task.estimator for task in new]), strict=True):
        task.seed = seed
    fit_tasks([*new, *(task for task in tasks if task.fit is not None)])


def finished(call, task):
    """Run a call whose fit has been done; return its result, and its task if it is paused."""
    if not call.is_known:
        return call(), None
    call.estimator.fit = partial(fit_as_done, call.estimator, task)
    may_go_on = task.until is not None and task.error is None and task.until < task.planned
    with forgotten_frames(task.error):
        result = call()
    if isinstance(result, dict) and "fit_time" in result:
        result["fit_time"] = task.seconds
    task.estimator = task.X = task.y = task.sample_weight = None
    task.error = None  # its traceback has the task: a circle
    return result, task if may_go_on else None


@contextmanager
def forgotten_frames(error):
    """Take the frames that an error comes through here off its traceback again.

    Calls that share preprocessing share its error, and each one's frames hold its data.
    """
    traceback = None if error is None else error.__traceback__
    yield
    if error is not None:
        error.__traceback__ = traceback


def prepare(call, task, done, once):
    """Fill in the task that a call amounts to, after its preprocessing, which is shared."""
    call.set_parameters()
    task.estimator = call.network
    task.X, task.y, task.sample_weight = once(
        training_rows, call.X, call.y, call.weight, call.train
    )
    if done is not None:
        task.steps, task.X, task.error = done.steps, once(in_memory, done.X), done.error
        task.warnings, task.seconds = list(done.warnings), done.seconds


def in_memory(X):
    """Return X, read if joblib maps it into this process."""
    return np.array(X) if is_memory_mapped(X) else X
