"""What happens around the epochs: recording, validation, stopping, restoring."""

import time
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._engine.finite import has_finite_outputs
from .._engine.samples import Samples
from .._engine.training import ROWS, mean_loss, train
from ..activations import is_positive
from .messages import epoch_record, line, warn

NON_FINITE = "Solver produced non-finite parameter weights. "

LARGE_VALUES = (
    "The input data may contain large values and need to be preprocessed. Try standardize=True, a "
    "smaller learning_rate_init or max_grad_norm=1.0."
)


def undefined_outputs(training):
    """Say so if the loss is not defined for outputs that the network can have, else nothing."""
    loss, f = training.loss, training.network.output_activation
    if not loss.positive_outputs or is_positive(f):
        return ""
    return (
        f"loss={loss.name!r} needs positive outputs, which output_activation={f.name!r} does not "
        f"keep: use output_activation='auto', which is {loss.output_activation!r}, or "
        "'softplus'."
    )


@dataclass
class PreparedFit:
    """A fit that has passed all checks and is ready to run."""

    loop: "FitLoop"
    samples: Samples
    batch_size: int
    statistics: dict  # of the data before this call, to go back to
    order: np.ndarray = None  # of the samples, if training has been paused

    @property
    def training(self):
        """What is trained."""
        return self.loop.training

    @property
    def n_rows(self):
        """How many samples go through the network together."""
        if self.training.optimizer.stochastic:
            return self.batch_size
        return min(ROWS, self.samples.n_samples)


class FitLoop:
    """Follows a training from epoch to epoch and leaves it with the weights to keep.

    Parameters
    ----------
    training : Training
        What is trained.
    tol : float
        Gain in the monitored score that counts as progress.
    n_iter_no_change : int or inf
        Stop after more epochs than this without progress.
    max_iter : int
        Stop after this many epochs.
    max_time : float, default=None
        Stop after the epoch in which so many seconds have passed, and keep the best.
    validate : callable, default=None
        Returns the score to monitor, higher is better, and a dict of what to record.
        Given, its best epoch is what is kept; else training monitors minus the loss
        and keeps the last epoch.
    hooks : list of callable, default=()
        Called with each epoch's record; a true result ends training.
    verbose : int
        Print a line every so many epochs; 0 prints none.
    """

    def __init__(
        self,
        training,
        *,
        tol,
        n_iter_no_change,
        max_iter,
        max_time=None,
        validate=None,
        hooks=(),
        verbose=0,
    ):
        self.training = training
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.max_iter = max_iter
        self.max_time = max_time
        self.validate = validate
        self.hooks = hooks
        self.verbose = verbose
        self.label = ""  # before each line, where several networks print
        self.start = time.perf_counter()
        self.seconds_before = training.history.columns.get("seconds", [0.0])[-1]
        self.has_diverged = self.has_converged = self.was_stopped = False
        self.was_interrupted = False
        self.keeps_best = validate is not None
        self.n_epochs = 0
        parameters = training.network.parameters
        # weights that have been trained before this call are an epoch to go back to
        self._initial = parameters.copy() if training.is_trained else None
        self._last = self._initial
        # the best and, should its last step have been fatal, the best before it
        self._best = [] if self._initial is None else [(training.best.epoch, self._initial)]

    def run(self, samples, batch_size, shuffle, single_epoch=False):
        """Train to the end, or for one epoch, and restore the weights to keep.

        Returns
        -------
        bool
            Whether these are the weights from before, as if there had been no call.
        """
        self.begin(single_epoch)
        value = limit = None
        try:
            value, limit = train(
                self.training,
                samples,
                batch_size=batch_size,
                shuffle=shuffle,
                max_iter=self.max_iter,
                tol=self.tol,
                end_of_epoch=lambda loss: self.end_of_epoch(loss) or single_epoch,
            )
            if not self.n_epochs:  # L-BFGS had converged at its start
                self.training.best.update(-value, 0, self.tol)
        except KeyboardInterrupt:
            if single_epoch:  # there is no whole epoch to keep, and a stream's loop should end
                raise
            warn("Training interrupted by user.")
            self.was_interrupted = True
        went_back = self._restore(samples)
        if not single_epoch and not self.was_interrupted:
            self._warn_at_limit(limit)
        return went_back

    def begin(self, single_epoch=False):
        """Get ready for the first epoch."""
        if self._last is None:
            self._start = self.training.network.parameters.copy()
        if not single_epoch and self.validate is not None and self._initial is not None:
            # let inherited weights compete on this validation set, as epoch 0
            score, _ = self.validate()
            self.training.best.update(float(score), 0, self.tol)

    def resume(self):
        """Go on after a pause, which is not training time."""
        self.seconds_before = self.training.history.columns["seconds"][-1]
        self.start = time.perf_counter()

    def finish(self, samples):
        """Restore the weights to keep, as ``run`` does, and warn if training ended too early."""
        went_back = self._restore(samples)
        self._warn_at_limit(None)
        return went_back

    def snapshot(self, samples):
        """Return a copy that has been finished here, and what ``run`` returns.

        Nobody is told that it could have trained for longer.
        """
        loop = deepcopy(self)
        return loop, loop._restore(samples)

    def _restore(self, samples):
        """Put the weights to keep into the network; return whether they are those from before."""
        training = self.training
        epoch, weights = training.n_iter, None  # those of the last step
        if self.was_interrupted:
            weights = self._start if self._last is None else self._last
        if self.keeps_best and self._best:
            epoch, weights = self._best[-1]
        if not self.has_diverged:
            if weights is not None:
                np.copyto(training.network.parameters, weights)
            # the last step comes after the last loss, and may have been the fatal one
            self.has_diverged = not has_finite_outputs(training, samples)
        if self.has_diverged:
            epoch, weights = self._best_after_divergence(samples)
            np.copyto(training.network.parameters, weights)
        training.kept_epoch = epoch
        return weights is not None and weights is self._initial

    def end_of_epoch(self, loss):
        """Record an epoch and say whether training should end."""
        training = self.training
        is_finite = bool(np.isfinite(loss) and np.isfinite(training.network.parameters).all())
        score, scores = self._validate(-loss, is_finite)
        training.n_iter += 1
        self.n_epochs += 1
        elapsed = time.perf_counter() - self.start
        record = epoch_record(training, loss, scores, self.seconds_before + elapsed)
        training.history.append(record)
        self._print(record)
        if not is_finite:
            self.has_diverged = True
            return True
        self._last = training.network.parameters.copy()
        # on a planned curve later epochs take smaller steps: of equal ones the last is safest
        last_of_equals = training.schedule.by_step
        if training.best.update(score, training.n_iter, self.tol, last_of_equals):
            self._best = [*self._best[-1:], (training.n_iter, self._last)]
        rate = training.schedule.next_rate(
            training.learning_rate_init, training.learning_rate, training.samples_seen
        )
        training.learning_rate = float(rate)  # an np.float64 would not stay in float32
        return self._should_end(record, elapsed)

    def _validate(self, score, is_finite):
        """Return the score to monitor, and what to record of the validation set."""
        if self.validate is None:
            return score, {}
        score, scores = self.validate() if is_finite else (np.nan, {})
        self.training.validation_scores.append(float(score))
        return float(score), scores

    def _should_end(self, record, elapsed):
        """Ask everyone who may end training; hooks are called in any case."""
        self.was_stopped = any([hook(record) for hook in self.hooks])  # noqa: C419
        if self.max_time is not None and elapsed >= self.max_time:
            self._say(f"max_time={self.max_time:g} seconds have passed. Stopping.")
            self.was_stopped = self.keeps_best = True
        # SciPy counts the iterations of L-BFGS itself, and says so when they run out
        at_limit = self.training.optimizer.stochastic and self.n_epochs == self.max_iter
        return self._has_stalled() or self.was_stopped or at_limit

    def _has_stalled(self):
        """After too many epochs without progress, lower the learning rate or give up."""
        training = self.training
        # L-BFGS decides by the gradient, unless there is a validation score to go by
        if not (training.optimizer.stochastic or self.validate):
            return False
        # a planned curve goes on to its end: its loss may rest while the rate is low
        if training.schedule.by_step and not self.validate:
            return False
        if training.best.epochs_without_improvement <= self.n_iter_no_change:
            return False
        rate = training.schedule.after_plateau(training.learning_rate)
        what = "Training loss" if self.validate is None else "Validation score"
        message = (
            f"{what} did not improve by more than tol={self.tol:g} "
            f"for {self.n_iter_no_change} epochs in a row."
        )
        self.has_converged = rate is None
        if rate is None:
            self._say(message + " Stopping.")
            return True
        self._say(message + f" Setting the learning rate to {rate:g}.")
        training.learning_rate = float(rate)
        training.best.epochs_without_improvement = 0
        return False

    def _warn_at_limit(self, limit):
        """Warn if the epochs ran out although more of them would have helped."""
        training, n = self.training, self.n_epochs
        if training.optimizer.stochastic:
            # a schedule that has run its course has converged, as planned
            if n < self.max_iter or training.schedule.by_step:
                return
            limit, now = "max_iter", self.max_iter
            message = (
                f"Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
                "converged yet."
            )
        elif limit is not None:
            now = self.max_iter if limit == "max_iter" else training.optimizer.max_fun
            message = (
                f"L-BFGS reached a limit before it converged, after {n} iterations: {limit} "
                f"(now {now})."
            )
        else:
            return
        if self.has_converged or self.has_diverged or self.was_stopped:
            return
        if self.validate and training.n_iter - training.best.epoch > self.n_iter_no_change:
            return  # the best epoch lies behind
        warn(
            f"{message}{self._progress()} Raise {limit} to {2 * now}, or raise tol if this is "
            "good enough.",
            ConvergenceWarning,
        )

    def _progress(self):
        """Say how far the loss still went down."""
        back = int(min(self.n_iter_no_change, self.n_epochs - 1))
        if back < 1:
            return ""
        before, now = self.training.loss_curve[-1 - back], self.training.loss_curve[-1]
        verb = "fell" if now <= before else "rose"
        return (
            f" The loss {verb} by {abs(before - now):.3g} over the last {back} epochs "
            f"(tol={self.tol:g})."
        )

    def _best_after_divergence(self, samples):
        """Return the epoch to go back to and its weights; there may be nothing to keep."""
        training = self.training
        training.restart_optimizer()
        why = undefined_outputs(training)
        epoch, weights = self._best_usable(samples, why)
        if weights is self._initial:
            which = "The weights from before"
        else:
            which = f"The weights of epoch {epoch}"
            if epoch == training.best.epoch:
                best = "lowest loss" if self.validate is None else "best validation score"
                which += f", with the {best},"
        remedies = "standardize=True, or a larger alpha"
        if training.optimizer.stochastic:
            remedies = (
                f"a smaller learning_rate_init (now {training.learning_rate_init:g}), "
                "standardize=True, or max_grad_norm=1.0"
            )
        warn(
            f"Training diverged at epoch {training.n_iter}: the loss, the weights or the outputs "
            f"are no longer finite. {which} are kept. {why or f'Try {remedies}.'}",
            ConvergenceWarning,
        )
        return epoch, weights

    def _best_usable(self, samples, why):
        """Return the number and the weights of the best epoch that can be kept."""
        training = self.training
        for epoch, weights in reversed(self._best):
            if weights is self._initial:
                return epoch, weights
            # an epoch's loss is measured on the way: its last step may have been the fatal one
            np.copyto(training.network.parameters, weights)
            loss = mean_loss(training.network, training.loss, samples)
            if np.isfinite(loss) and has_finite_outputs(training, samples):
                return epoch, weights
        raise ValueError(NON_FINITE + (why or LARGE_VALUES))

    def _print(self, record):
        epoch = record["epoch"]
        if self.verbose and (epoch == 1 or epoch % self.verbose == 0):
            print(self.label + line(record))

    def _say(self, line):
        if self.verbose:
            print(self.label + line)
