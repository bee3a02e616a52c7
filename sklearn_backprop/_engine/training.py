"""Training: epoch by epoch, batch by batch, step by step.

The objective of a batch of B samples with weights w is

    (Σ_i w_i Σ_k ℓ(y_ik, a_ik) + alpha/2 · ‖W‖²) / (B · mean weight)

where the mean is over the whole training set. So a weight means the same at every
batch size, and weights of 1 give the plain mean.
"""

from copy import copy, deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._numerics.moments import Moments
from .._numerics.outliers import Screen
from .._numerics.standardization import Scaler
from .best_epoch import BestEpoch
from .history import History
from .network import Network


@dataclass
class Training:
    """A network in training, with all that must go on from one epoch to the next."""

    network: Network
    loss: Any
    optimizer: Any
    schedule: Any
    alpha: float
    learning_rate_init: float
    random_state: np.random.RandomState
    state: dict = None  # the optimizer's
    learning_rate: float = None  # of the next step
    mean_weight: float = 1.0
    is_trained: bool = False  # by an earlier call
    max_iter: int = 200
    max_grad_norm: float = None
    rate_factors: list = None  # of parts of the parameters, where they differ from 1
    n_iter: int = 0
    kept_epoch: int = 0  # whose weights the network has
    kept_dtype: str = None  # of these; L-BFGS trains in a wider one
    valid_params: list = field(default_factory=list)  # the estimator's, as they were then
    samples_seen: int = 0
    validation_scores: list = field(default_factory=list)
    history: History = field(default_factory=History)
    best: BestEpoch = field(default_factory=BestEpoch)
    monitored: str = "loss"  # or "validation": what ``best`` is the best of
    feature_moments: Moments = None  # None where nothing is standardized
    target_moments: Moments = None
    feature_scaler: Scaler = None
    target_scaler: Scaler = None
    feature_screen: Screen = None  # of a stream
    target_screen: Screen = None
    dropout_generator: np.random.Generator = None
    total_weight: float = 0.0
    n_weighted: int = 0

    @property
    def has_penalty(self):
        """Whether the weights cost anything; in a stack, any network's."""
        # np.any takes a twentieth of the smallest step
        return self.alpha.any() if isinstance(self.alpha, np.ndarray) else self.alpha != 0

    @property
    def loss_curve(self):
        """The objective of each epoch."""
        return self.history.columns["loss"]

    def restart_optimizer(self):
        """Forget the optimizer's state and go back to the initial learning rate."""
        self.learning_rate = self.learning_rate_init
        self.state = self.optimizer.init(self.network.parameters, self.network.n_weights)
        self._prepare_optimizer()

    def _prepare_optimizer(self):
        """Tell the optimizer's state what follows from the settings."""
        if self.optimizer.stochastic:
            self.state["n_weights"] = self.network.n_weights
            self.state["rate_factors"] = self.rate_factors
            self.state["first_layer"] = self.network.weights[0].shape[-2:]
            self.optimizer.prepare(self.state, self.network.dtype)

    def shares(self, n_samples):
        """Return a sample's and the penalty's share in a batch's objective."""
        share = 1 / (n_samples * self.mean_weight)
        return share, self.alpha * share

    @property
    def output_scaler(self):
        """How the outputs are scaled; None where the targets are not."""
        if self.target_scaler is None:
            return None
        return self.loss.output_scaler(self.target_scaler)

    def continued(self):
        """Return a training that goes on from here and leaves this one as it is.

        Only the history and the random streams are shared: see ``Bookmark``. The network
        is not changed but replaced.
        """
        other = copy(self)
        other.best = copy(self.best)
        if self.state is not None:
            # the history of a stream is long, the optimizer's arrays are not
            other.state = {
                name: value if name in FOLLOWS_FROM_SETTINGS else _copied(value)
                for name, value in self.state.items()
            }
        return other

    def reconfigure(self, **settings):
        """Go on with other settings; what no longer fits them starts anew."""
        new_rate = settings["learning_rate_init"] != self.learning_rate_init
        new_kind = type(settings["optimizer"]) is not type(self.optimizer)
        for name, value in settings.items():
            setattr(self, name, value)
        if new_kind or self.state is None:
            self.restart_optimizer()
        elif new_rate:
            self.learning_rate = self.learning_rate_init
        self._prepare_optimizer()
        return self

    def set_rate(self, share_of_epoch):
        """Set the learning rate of a step that so much of this epoch comes before."""
        n_epochs = min(self.max_iter, 2**53)  # by an int beyond all floats none is divided
        fraction = min(1.0, (self.n_iter + share_of_epoch) / n_epochs)
        factor = float(self.schedule.factor(fraction))  # an np.float64 would not stay in float32
        self.learning_rate = self.learning_rate_init * factor

    def rate(self):
        """Return the rate of a step, as the optimizer takes it: with its factors, or before."""
        if not self.rate_factors or self.optimizer.applies_rate_factors:
            return self.learning_rate
        self.state["learning_rate"] = self.learning_rate
        rates = np.empty(self.network.parameters.shape[-1])
        for start, stop, factor in self.rate_factors:
            rates[start:stop] = factor
        return (self.learning_rate * rates).astype(self.network.dtype)

    def begin_fit(self):
        """Get ready for another fit from here: counters from zero, and nothing to beat yet."""
        self.n_iter = 0
        self.best = BestEpoch()
        self.restart_optimizer()

    def finish(self, dtype, keeps_state):
        """Let go of what no later training goes on from.

        The optimizer's state fits the last step's weights; where an earlier epoch's were
        restored, or L-BFGS did its own bookkeeping, it is of no use.
        """
        self.is_trained = True
        self.network = self.network.astype(dtype)
        if not (keeps_state and self.optimizer.stochastic):
            self.state = None

    def monitor(self, what):
        """Follow the training loss or a validation score; the best of another is void."""
        if self.monitored != what:
            self.best = BestEpoch()
            self.monitored = what

    def statistics(self):
        """Return what is known of the data so far, for ``restore_statistics``."""
        names = (
            *("feature_moments", "target_moments", "feature_scaler", "target_scaler"),
            *("feature_screen", "target_screen"),
            *("total_weight", "n_weighted", "mean_weight"),
        )
        return {name: getattr(self, name) for name in names}

    def restore_statistics(self, statistics):
        """Forget data that nothing was learned from: their call went back to the old weights."""
        for name, value in statistics.items():
            setattr(self, name, value)

    def update_mean_weight(self, samples, incremental):
        """Take the mean weight from these samples, or from all so far.

        From here on ``mean_weight`` and ``alpha`` are in the samples' unit of weights.
        """
        unit = samples.weight_unit
        total, n = (self.total_weight, self.n_weighted) if incremental else (0.0, 0)
        total += samples.mean_weight * samples.n_samples
        if total == 0:
            raise ValueError(
                "Every sample to train on has the weight zero (sample_weight times class_weight): "
                "there is nothing to learn from."
            )
        self.total_weight, self.n_weighted = total, n + samples.n_samples
        self.mean_weight = total / self.n_weighted / unit
        self.alpha /= unit


FOLLOWS_FROM_SETTINGS = "rate_factors", "first_layer", "rounded"
"""What ``Training._prepare_optimizer`` replaces in an optimizer's state, and never changes."""


def _copied(value):
    """Return a copy; of an array, in a quarter of the time that ``deepcopy`` takes."""
    return value.copy() if isinstance(value, np.ndarray) else deepcopy(value)


def step(training, X, Y, sample_weight):
    """Take one step on one batch: forward, delta, backward, update.

    Returns
    -------
    outputs : ndarray of shape (..., batch size, n_outputs)
        The network's outputs before the step, in a buffer.
    penalty : float or ndarray of shape (...)
        ``½ ‖W‖²`` before the step.
    """
    outputs = backpropagate(training, X, Y, sample_weight)
    return outputs, update(training, Y.shape[-2])


def backpropagate(training, X, Y, sample_weight):
    """Fill the network's gradient by a batch, without the penalty; return the outputs."""
    network = training.network
    share, _ = training.shares(Y.shape[-2])
    outputs = network.forward(X, training=True)
    delta = network.output_delta(
        Y, training.loss, share if sample_weight is None else sample_weight * share
    )
    network.backward(X, delta)
    return outputs


def update(training, n_samples):
    """Move the parameters by the gradient of so many samples; return the penalty ``½ ‖W‖²``.

    Where ``alpha`` is 0 it does not matter, and is returned as 0.
    """
    network, optimizer = training.network, training.optimizer
    half_square = 0.0
    if training.has_penalty:
        _, penalty_share = training.shares(n_samples)
        half_square = network.penalize(penalty_share)
    if training.max_grad_norm is not None:
        clip(network.gradient, training.max_grad_norm)
    optimizer.update(network.parameters, network.gradient, training.state, training.rate())
    return half_square


def clip(gradient, max_norm):
    """Shorten the gradient to ``max_norm`` if it is longer, in place.

    Over all parameters of a network together, so its direction stays (Pascanu, Mikolov
    and Bengio, "On the difficulty of training recurrent neural networks", ICML 2013).
    """
    max_norm = np.asarray(max_norm, gradient.dtype)  # of a stack an array, one for each
    norm = np.sqrt(np.vecdot(gradient, gradient))[..., None]
    factor = max_norm / np.maximum(norm, max_norm)
    np.multiply(gradient, factor, out=gradient)


def training_epochs(training, samples, batch_size, shuffle):
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
        The objective, averaged over the epoch's batches as they were before their
        step. Not finite if training diverged, at once where that shows.
    """
    n_samples = samples.n_samples
    by_step = training.schedule.by_step
    order = np.arange(n_samples)
    while True:
        if shuffle:
            order = order[training.random_state.permutation(n_samples)]
        # the order inside a single batch changes nothing but rounding
        in_order = not shuffle or batch_size == n_samples
        total = penalty = 0.0
        done = 0
        for X, Y, sample_weight in samples.blocks(batch_size, None if in_order else order):
            outputs = np.empty_like(Y)
            for start in range(0, len(Y), batch_size):
                if by_step:
                    training.set_rate(done / n_samples)
                batch = slice(start, start + batch_size)
                done += batch_size
                weights = None if sample_weight is None else sample_weight[batch]
                outputs[batch], norm = step(training, X[batch], Y[batch], weights)
                penalty += float(norm)
            # once a block of batches: the logarithms are the costly part of a small step
            total += float(training.loss.sum(Y, outputs, sample_weight))
            if not np.isfinite(total):
                break
        training.samples_seen += n_samples
        yield (total + training.alpha * penalty) / (n_samples * training.mean_weight)


def train(training, samples, *, batch_size, shuffle, max_iter, tol, end_of_epoch):
    """Train until ``end_of_epoch``, called with each epoch's objective, returns true.

    Returns
    -------
    value : float or None
        The objective at the end, if SciPy drives.
    limit : str or None
        The limit that SciPy reached first, if it drives.
    """
    if training.optimizer.stochastic:
        for loss in training_epochs(training, samples, batch_size, shuffle):
            if end_of_epoch(loss):
                break
        return None, None
    return training.optimizer.minimize(
        full_batch_objective(training, samples),
        training.network.parameters,
        max_iter=max_iter,
        tol=tol,
        end_of_iteration=end_of_epoch,
    )


def full_batch_objective(training, samples):
    """Return a function that maps a parameter vector to the objective and its gradient.

    It goes over the samples in blocks and adds up, so its memory does not grow
    with their number.
    """
    network = training.network
    share = 1 / (samples.n_samples * training.mean_weight)

    def objective(parameters):
        np.copyto(network.parameters, parameters)
        total, gradient = 0.0, np.zeros_like(parameters)
        for X, Y, sample_weight in samples.blocks(ROWS):
            for start in range(0, len(Y), ROWS):
                rows = slice(start, start + ROWS)
                weights = None if sample_weight is None else sample_weight[rows]
                outputs = network.forward(X[rows])
                total += training.loss.sum(Y[rows], outputs, weights)
                scale = share if weights is None else weights * share
                network.backward(X[rows], network.output_delta(Y[rows], training.loss, scale))
                gradient += network.gradient
        np.copyto(network.gradient, gradient)
        penalty = network.penalize(training.alpha * share)
        value = (total + training.alpha * penalty) * share
        return float(value), network.gradient.copy()

    return objective


ROWS = 512
"""Samples propagated together where there are no batches: full-batch gradients, validation."""


def mean_loss(network, loss, samples, is_right=None):
    """Return the weighted mean loss over samples, without the penalty.

    Parameters
    ----------
    network : Network
        What to evaluate.
    loss : Loss
        Measures its outputs.
    samples : Samples
        What to evaluate it on.
    is_right : callable, default=None
        Tells from targets and outputs of some samples which are right.

    Returns
    -------
    float or tuple of two floats
        The mean loss; with ``is_right`` also the weighted share that is right.
    """
    total = weight = right = 0.0
    for X, Y, sample_weight in samples.blocks(ROWS):
        for start in range(0, len(Y), ROWS):
            rows = slice(start, start + ROWS)
            weights = None if sample_weight is None else sample_weight[rows]
            outputs = network.forward(X[rows])
            total += loss.sum(Y[rows], outputs, weights)
            weight += len(Y[rows]) if weights is None else float(weights.sum())
            if is_right is not None:
                hits = is_right(Y[rows], outputs)
                right += np.count_nonzero(hits) if weights is None else float(weights[hits].sum())
    mean = float(total / weight)
    return mean if is_right is None else (mean, right / weight)
