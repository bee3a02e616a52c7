"""One call that scikit-learn's searches hand to joblib: fit, then score or predict.

A call that is not recognized runs as it is.
"""

import warnings
from copy import copy
from functools import cache, cached_property
from inspect import signature

from sklearn import get_config
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from .._estimators.base import BaseBackprop
from .._numerics.memo import shallow_copy
from .._sklearn import CALLS_THAT_FIT, callbacks_of, check_method_params, safe_indexing, safe_split
from .._stacks.fit_many import numbered
from .._stacks.tasks import Task, snapshot

UNDERSTOOD = frozenset(
    {
        *("estimator", "X", "y", "train", "test", "parameters", "fit_params"),
        # these have no part in a fit
        *("scorer", "score_params", "method", "error_score", "verbose", "caller"),
        *("return_train_score", "return_parameters", "return_n_test_samples"),
        *("return_times", "return_estimator", "split_progress", "candidate_progress"),
        # looked at before a call is known
        "callback_ctx",
    }
)
"""Their parameters, in all versions up to now. Who knows what a new one means?"""


class Call:
    """One call that was handed to joblib.

    Parameters
    ----------
    batch : joblib.parallel.BatchedCalls
        With one call in it.
    """

    def __init__(self, batch):
        ((self.wrapper, self.args, self.kwargs),) = batch.items
        named = understood(getattr(self.wrapper, "function", None), self.args, self.kwargs)
        self.is_known = named is not None
        self.progress = None, None
        if self.is_known:
            self.estimator, self.X, self.y = named["estimator"], named["X"], named["y"]
            self.train = named["train"]
            self.parameters = named.get("parameters") or {}
            self.fit_params = named.get("fit_params") or {}
            self.progress = named.get("split_progress"), named.get("candidate_progress")
            self.is_known = self._may_stack()

    def label(self, position, n_calls):
        """Return what stands before the lines that a network prints, as scikit-learn has it."""
        fold, candidate = self.progress
        if fold is None:
            return numbered(position, n_calls)
        which = f"; {candidate[0] + 1}/{candidate[1]}" if candidate else ""
        return f"[CV {fold[0] + 1}/{fold[1]}{which}] "

    @property
    def weight(self):
        """The sample weights that the network's fit gets."""
        return self.fit_params.get(f"{self.prefix}sample_weight")

    @cached_property
    def preprocessing(self):
        """What the steps before the network depend on; None if there are none."""
        if not self.is_known or type(self.estimator) is not Pipeline:
            return None
        if len(self.estimator.steps) == 1:
            return None
        own = (item for item in self.parameters.items() if not item[0].startswith(self.prefix))
        return id(self.train), tuple(sorted((name, id(value)) for name, value in own))

    def set_parameters(self):
        """Give the estimator the candidate's parameters, as scikit-learn does before a fit."""
        self.estimator.set_params(**clone(self.parameters, safe=False))

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
            if estimator.memory is not None or estimator.verbose:
                return False
            if self.parameters.keys() & {"memory", "verbose", "steps", estimator.steps[-1][0]}:
                return False
            own = (
                set()
                if get_config()["enable_metadata_routing"]
                else {f"{self.prefix}sample_weight"}
            )
            if callbacks_of(estimator):
                return False
        context = self.kwargs.get("callback_ctx")
        has_callbacks = context is not None and getattr(context, "_callbacks", None)
        return (
            isinstance(self.network, BaseBackprop)
            and not callbacks_of(self.network)
            and not has_callbacks
            and self.y is not None
            and set(self.fit_params) <= own
        )

    def looks(self):
        """Return the network's estimator as far as ``plan`` reads it, without a copy."""
        start = len(self.prefix)
        own = {k[start:]: v for k, v in self.parameters.items() if k.startswith(self.prefix)}
        return _Overridden(self.network, own)

    def with_data(self, X, y):
        """Return a copy that has other data, or what stands for them."""
        other = copy(self)
        other.X, other.y = X, y
        other.args = (self.args[0], X, y, *self.args[3:])
        return other

    def __call__(self):
        """Run it."""
        return self.wrapper(*self.args, **self.kwargs)


def understood(function, args, kwargs):
    """Return a call's arguments by name; None unless it is known, with all that it is given."""
    if function not in CALLS_THAT_FIT:
        return None
    try:
        named = _signature(function).bind(*args, **kwargs).arguments
    except TypeError:
        return None  # running it will say what is wrong
    is_as_ever = list(named)[:3] == ["estimator", "X", "y"] and len(args) >= 3 and "train" in named
    return named if is_as_ever and named.keys() <= UNDERSTOOD else None


@cache
def _signature(function):
    return signature(function, follow_wrapped=False)


class _Overridden:
    """An estimator, some of whose parameters read differently."""

    def __init__(self, estimator, parameters):
        self._estimator = estimator
        self.__dict__.update(parameters)

    def __getattr__(self, name):
        return getattr(self._estimator, name)


def fit_steps(call, X, y):
    """Return a task with the fitted steps before a call's network, and what they make of X."""
    call.set_parameters()
    task = Task(steps=call.estimator[:-1])
    X, y = safe_split(call.estimator, X, y, call.train)  # of a kernel's columns, too

    def fit_transform():
        call.estimator._validate_steps()
        return task.steps.fit_transform(X, y)

    task.X = task.recorded(fit_transform)
    return task


def training_rows(X, y, sample_weight, train):
    """Return the rows of each to train on; of weights as scikit-learn takes them."""
    weights = check_method_params(X, {"sample_weight": sample_weight}, train)
    return [safe_indexing(X, train), safe_indexing(y, train), weights["sample_weight"]]


def fit_as_done(estimator, task, *args, **kwargs):
    """Stand in for an estimator's ``fit``: what it would have done has been done."""
    del estimator.fit
    for message in task.warnings:
        warnings.warn(message, stacklevel=2)
    if task.error is not None:
        raise task.error
    model = task.fitted if task.fit is None else snapshot(task)
    if task.until is not None:
        model = shallow_copy(model)
        model.max_iter = task.until
    if type(estimator) is not Pipeline:
        estimator.__dict__.update(model.__dict__)
        return estimator
    first = [] if task.steps is None else task.steps.steps
    estimator.steps = [*first, (estimator.steps[-1][0], model)]
    return estimator
