"""How scikit-learn's searches hand over their fits, and how those become stacks.

``GridSearchCV``, ``cross_validate`` and the rest pass joblib one call of a private
function for each candidate and fold: fit, then score or predict. ``StackingBackend``
is a joblib backend that gathers these calls, fits their estimators in stacks, and
then lets each call run as it would have, but with ``fit`` already done. So whatever
else scikit-learn does with a fit (scores, messages, errors, metadata) is its own code.

This is the only file that knows private names of scikit-learn; calls that it does
not recognize run as they are.
"""

import warnings
from functools import partial

from joblib import Parallel, delayed, parallel_config
from joblib.parallel import ParallelBackendBase, get_active_backend
from sklearn import get_config
from sklearn.base import clone
from sklearn.model_selection import _validation
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from .base import BaseBackprop
from .stacking import Task, fit_tasks, own_seeds, plan

KNOWN = {_validation._fit_and_score, _validation._fit_and_predict}
"""The functions whose calls fit ``estimator`` on the rows ``train`` of X and y."""

MANY = 10**5
"""Calls to gather at once, as joblib sees it: all there are."""


class Call:
    """One call that was handed to joblib.

    Parameters
    ----------
    batch : joblib.parallel.BatchedCalls
        With one call in it.
    """

    def __init__(self, batch):
        ((self.wrapper, self.args, kwargs),) = batch.items
        self.kwargs = dict(kwargs)
        self.is_known = getattr(self.wrapper, "function", None) in KNOWN and len(self.args) >= 3
        if self.is_known:
            names = ("estimator", "X", "y", "train", "test", "fit_params", "method")
            named = dict(zip(names, self.args, strict=False)) | self.kwargs
            self.estimator, self.X, self.y = named["estimator"], named["X"], named["y"]
            self.train = named["train"]
            self.parameters = named.get("parameters") or {}
            self.fit_params = named.get("fit_params") or {}
            self.is_known = self._may_stack()

    @property
    def network(self):
        """The estimator of this package that is fitted in the end."""
        estimator = self.estimator
        return estimator.steps[-1][1] if type(estimator) is Pipeline else estimator

    @property
    def prefix(self):
        """What stands before the parameters of the network."""
        return f"{self.estimator.steps[-1][0]}__" if type(self.estimator) is Pipeline else ""

    def _may_stack(self):
        estimator, own = self.estimator, {"sample_weight"}
        if type(estimator) is Pipeline:
            names = {name for name, _ in estimator.steps}
            if estimator.memory is not None or names & self.parameters.keys():
                return False
            own = set() if get_config()["enable_metadata_routing"] else {
                f"{self.prefix}sample_weight"
            }  # fmt: skip
            if getattr(estimator, "_skl_callbacks", None):
                return False
        context = self.kwargs.get("callback_ctx")
        has_callbacks = context is not None and getattr(context, "_callbacks", None)
        return (
            isinstance(self.network, BaseBackprop)
            and not getattr(self.network, "_skl_callbacks", None)
            and not has_callbacks
            and self.y is not None
            and set(self.fit_params) <= own
        )

    def looks(self):
        """Return the network's estimator as far as ``plan`` reads it, without a copy."""
        start = len(self.prefix)
        own = {k[start:]: v for k, v in self.parameters.items() if k.startswith(self.prefix)}
        return _Overridden(self.network, own)

    def __call__(self):
        """Run it."""
        return self.wrapper(*self.args, **self.kwargs)


class _Overridden:
    """An estimator, some of whose parameters read differently."""

    def __init__(self, estimator, parameters):
        self._estimator = estimator
        self.__dict__.update(parameters)

    def __getattr__(self, name):
        return getattr(self._estimator, name)


class StackingBackend(ParallelBackendBase):
    """A joblib backend that trains what it is given in stacks.

    It gathers calls until the first result is asked for. The stacks go to the backend
    that was active before, with the number of jobs that was asked for.
    """

    supports_retrieve_callback = False

    def __init__(self):
        super().__init__(nesting_level=0)
        self.outer, self.outer_n_jobs = get_active_backend()
        self.n_jobs = None
        self.pending = []

    def effective_n_jobs(self, n_jobs):
        """Return as many as it takes for joblib to hand over all calls."""
        return MANY

    def configure(self, n_jobs=1, parallel=None, **kwargs):
        """Remember how many jobs were asked for."""
        self.parallel, self.pending = parallel, []
        self.n_jobs = n_jobs if n_jobs != 1 else None
        return MANY

    def submit(self, func, callback=None):
        """Put a call aside."""
        job = Job(self, func, callback)
        self.pending.append(job)
        return job

    apply_async = submit  # what joblib before 1.5 calls it

    def get_nested_backend(self):
        """Nested calls in this process are not for this backend."""
        return self.outer.get_nested_backend()

    def run(self):
        """Run all calls that were put aside."""
        jobs, self.pending = self.pending, []
        calls = [Call(job.batch) for job in jobs]
        with parallel_config(backend=self.outer, n_jobs=self.outer_n_jobs):
            n_jobs = self.n_jobs
            chunks = chunked(calls, n_jobs)
            results = Parallel(n_jobs=n_jobs)(
                delayed(run_together)([calls[i] for i in chunk]) for chunk in chunks
            )
        for chunk, part in zip(chunks, results, strict=True):
            for i, result in zip(chunk, part, strict=True):
                jobs[i].result = [result]
        for job in jobs:
            job.callback()


class Job:
    """A call that was put aside, and its result."""

    def __init__(self, backend, batch, callback):
        self.backend, self.batch, self.callback = backend, batch, callback
        self.result = None

    def get(self, timeout=None):
        """Return the result; what is pending is run for it."""
        if self.result is None:
            self.backend.run()
        return self.result


def chunked(calls, n_jobs):
    """Return lists of positions of calls, those that can train together in one."""
    known = [i for i, call in enumerate(calls) if call.is_known]
    chunks = [[i] for i, call in enumerate(calls) if not call.is_known]
    if known:
        looks = [calls[i].looks() for i in known]
        X = calls[known[0]].X
        n_features = X.shape[1] if hasattr(X, "shape") else len(X[0])
        n_samples = [len(calls[i].train) for i in known]
        data = [id(calls[i].train) for i in known]
        chunks += [[known[i] for i in c] for c in plan(looks, n_features, n_samples, data, n_jobs)]
    return chunks


def run_together(calls):
    """Run calls, the fits of all that are known in stacks; return their results."""
    known = [call for call in calls if call.is_known]
    shared = {}
    tasks = [prepared(call, shared) for call in known]
    ready = [task for task in tasks if task.error is None]
    for task, seed in zip(ready, own_seeds([t.estimator for t in ready]), strict=True):
        task.seed = seed
    fit_tasks(ready)
    done = {id(call): task for call, task in zip(known, tasks, strict=True)}
    results = []
    for call in calls:
        task = done.get(id(call))
        if task is not None:
            call.estimator.fit = partial(fit_as_done, call.estimator, task)
        result = call()
        if task is not None and isinstance(result, dict) and "fit_time" in result:
            result["fit_time"] = task.seconds
        results.append(result)
    return results


def prepared(call, shared):
    """Return the task that a call amounts to, its preprocessing done; it is shared."""
    rows = _shared(shared, ("rows", id(call.train)), lambda: _rows(call))
    task = Task(None, *rows)
    call.estimator.set_params(**clone(call.parameters, safe=False))
    task.estimator, task.preprocessing = call.network, None
    if type(call.estimator) is Pipeline and len(call.estimator.steps) > 1:
        own = sorted(
            (name, id(value))
            for name, value in call.parameters.items()
            if not name.startswith(call.prefix)
        )
        task.recorded(_preprocess, call, task, shared, (id(call.train), *own))
    return task


def _shared(shared, key, make):
    if key not in shared:
        shared[key] = make()
    return shared[key]


def _rows(call):
    weight = call.fit_params.get(f"{call.prefix}sample_weight")
    return [
        array if array is None else _safe_indexing(array, call.train)
        for array in (call.X, call.y, weight)
    ]


def _preprocess(call, task, shared, key):
    """Fit the steps before the network, once for all that share them."""

    def fit():
        steps = call.estimator[:-1]
        return steps, steps.fit_transform(task.X, task.y)

    task.preprocessing, task.X = _shared(shared, ("steps", *key), fit)


def fit_as_done(estimator, task, *args, **kwargs):
    """Stand in for an estimator's ``fit``: what it would have done has been done."""
    del estimator.fit
    for message in task.warnings:
        warnings.warn(message, stacklevel=2)
    if task.error is not None:
        raise task.error
    if type(estimator) is not Pipeline:
        estimator.__dict__.update(task.fitted.__dict__)
        return estimator
    first = [] if task.preprocessing is None else task.preprocessing.steps
    estimator.steps = [*first, (estimator.steps[-1][0], task.fitted)]
    return estimator
