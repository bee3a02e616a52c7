"""Which fits go together: jobs for the processes, and stacks within them."""

from collections import defaultdict
from itertools import pairwise
from numbers import Real

import numpy as np
from joblib import effective_n_jobs

from .._engine.dropout import DroppedActivation
from .._estimators.checks import check_hidden_layer_sizes
from .._kernels.choice import chosen
from .._numerics.blas import PRODUCT_OF_A_THREAD

STACK_BYTES = 3 * 2**20
"""Memory that a stack's step works on; ``docs/decisions`` has the measurement."""

MOST = 32
"""Networks in a stack, and fits in a job, at most."""


def plan(estimators, n_features, n_samples, data, n_jobs):
    """Return lists of positions of estimators, each list the work of one job.

    Estimators that look as if their networks had the same shape come together, as many
    as make a good stack; and there are jobs enough for all processes.

    Parameters
    ----------
    estimators : list of estimator
        What is to be fitted.
    n_features : int
        Columns of X.
    n_samples : list of int
        Rows that each is fitted on.
    data : list of int
        Equal where two estimators are fitted on the same rows.
    n_jobs : int or None
        As in joblib.
    """
    groups = defaultdict(list)
    for i, estimator in enumerate(estimators):
        groups[_looks(estimator)].append(i)
    n_workers = effective_n_jobs(n_jobs)
    chunks = []
    for group in groups.values():
        # those that read the same rows together: they share their batches
        group.sort(key=lambda i: (n_samples[i], data[i]))
        n_chunks = max(-(-len(group) // MOST), -(-n_workers // len(groups)))
        chunks += evenly(group, min(n_chunks, len(group)))
    # the longest first, so that no process begins one when the others are done
    return sorted(chunks, key=lambda c: -len(c) * _weight(estimators[c[0]], n_features))


def _looks(estimator):
    """Return what of an estimator's parameters decides about the shape of its stack."""
    names = (
        "hidden_layer_sizes",
        "n_hidden_layers",
        "activation",
        "solver",
        "batch_size",
        "dtype",
        "shuffle",
        "loss",
        "output_activation",
        "early_stopping",
    )
    return type(estimator), *(repr(getattr(estimator, name, None)) for name in names)


def _weight(estimator, n_features):
    """Return a rough measure of the work that an estimator's fit is."""
    try:
        hidden = check_hidden_layer_sizes(estimator.hidden_layer_sizes, estimator.n_hidden_layers)
    except (TypeError, ValueError):
        return 0  # its fit will say what is wrong
    return estimator.max_iter * (1000 + sum(a * b for a, b in pairwise([n_features, *hidden, 1])))


def structure(estimator, fit):
    """Return what networks must have in common to train as one stack, hashable."""
    learner, network = fit.training.learner, fit.training.network
    dropped = isinstance(network.training_activations[0], DroppedActivation)
    components = network.activation, network.output_activation, fit.training.loss
    optimizer = learner.optimizer
    work_on_stacks = all(each.works_on_stacks for each in (*components, optimizer))
    flags = {
        name: value
        for name, value in optimizer.get_params(deep=False).items()
        if isinstance(value, bool) or not isinstance(value, Real)
    }
    full_batch = fit.batch_size == fit.samples.n_samples
    return (
        network.layer_sizes,
        network.dtype.name,
        *((type(c), repr(sorted(c.get_params().items()))) for c in components),
        type(optimizer),
        repr(flags),
        None if full_batch else fit.batch_size,
        bool(estimator.shuffle),
        learner.max_grad_norm is None,
        repr(learner.rate_factors),
        dropped,
        None if work_on_stacks else id(fit),
    )


def of_near_lengths(tasks):
    """Return groups of tasks whose numbers of samples differ by one at most."""
    groups = []
    # those with the same X side by side, so that stacks share their batches
    key = lambda task: (task.fit.samples.n_samples, id(task.fit.samples.X))  # noqa: E731
    for task in sorted(tasks, key=key):
        n_samples = task.fit.samples.n_samples
        if not groups or n_samples > groups[-1][0].fit.samples.n_samples + 1:
            groups.append([])
        groups[-1].append(task)
    return groups


def stack_size(fit):
    """Return how many networks like that of a prepared fit train best as one stack.

    A step reads and writes parameters, gradient, two moments and a scratch array, and net
    inputs, activations and errors of the batch; all of it should stay in the cache.
    """
    network = fit.training.network
    per_network = 5 * len(network.parameters) + 3 * fit.batch_size * sum(network.layer_sizes[1:])
    return int(np.clip(STACK_BYTES // (per_network * network.dtype.itemsize), 1, MOST))


def pays_in_threads(task, n_threads):
    """Tell whether stacks like a task's are faster side by side in threads.

    They are where most of the time is spent outside of the interpreter, which threads share.
    """
    learner = task.fit.training.learner
    network = learner.network
    components = network.activation, network.output_activation, learner.objective.loss
    largest = max(fan_in * fan_out for fan_in, fan_out in pairwise(network.layer_sizes))
    return (
        n_threads > 1
        and largest * task.fit.batch_size >= PRODUCT_OF_A_THREAD
        and chosen() == "compiled"
        and all(each.known_as is not None for each in (*components, learner.optimizer))
    )


def number_of_stacks(tasks, n_threads):
    """Return how many stacks tasks of one structure make, in how many threads there may be."""
    n_stacks = max(1, round(len(tasks) / stack_size(tasks[0].fit)))
    if pays_in_threads(tasks[0], n_threads):  # as many for each thread
        n_stacks = -(-n_stacks // n_threads) * n_threads
    return min(n_stacks, len(tasks))


def evenly(items, n_parts):
    """Return slices of a list, as equal as can be."""
    bounds = np.linspace(0, len(items), n_parts + 1).round().astype(int)
    return [items[start:stop] for start, stop in pairwise(bounds)]


def n_columns(X):
    """Return how many columns X has, which only helps to plan; 1 if it is of another kind."""
    try:
        return X.shape[1] if hasattr(X, "shape") else len(X[0])
    except (IndexError, KeyError, TypeError):
        return 1
