"""Epoch after epoch: by steps over batches, or by SciPy over all samples."""

from .._engine.samples import Order
from .._engine.training import epoch, full_batch_objective


def epochs(training, samples, batch_size, shuffle):
    """Pass over the samples once a ``next()``, a step a batch; yield the mean objective.

    Parameters
    ----------
    training : Training
        Changed in place.
    samples : Samples
        What to train on.
    batch_size : int
        At most the number of samples.
    shuffle : bool
        Whether each epoch has a new order.

    Yields
    ------
    float
        As ``epoch`` returns it.
    """
    order = Order(samples.n_samples, batch_size, shuffle, training.progress.random_state)
    set_rate = training.set_rate if training.settings.schedule.by_step else None
    while True:
        value = epoch(training.learner, samples, batch_size, order.next(), set_rate)
        training.progress.samples_seen += samples.n_samples
        yield value


def train(training, samples, *, batch_size, shuffle, max_iter, tol, end_of_epoch):
    """Train until ``end_of_epoch``, called with each epoch's objective, returns true.

    Returns
    -------
    value : float or None
        The objective at the end, if SciPy drives.
    limit : str or None
        The limit that SciPy reached first, if it drives.
    """
    optimizer = training.learner.optimizer
    if optimizer.stochastic:
        for value in epochs(training, samples, batch_size, shuffle):
            if end_of_epoch(value):
                break
        return None, None
    return optimizer.minimize(
        full_batch_objective(training.learner, samples),
        training.network.parameters,
        max_iter=max_iter,
        tol=tol,
        end_of_iteration=end_of_epoch,
    )
