"""What happens around the epochs: recording, validation, stopping, restoring."""

import time
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._engine.finite import has_finite_outputs
from .._engine.samples import Samples
from .._engine.training import ROWS, mean_loss
from . import ending as say
from .ending import Ending
from .epochs import train
from .messages import epoch_record, line, seconds_left, warn
from .training import Statistics, Training

SHORT_CYCLE = 10
"""Epochs: that a cycle of fewer has brought nothing says nothing, as for ``n_iter_no_change``."""


@dataclass
class PreparedFit:
    """A fit that has passed all checks and is ready to run."""

    loop: "FitLoop"
    samples: Samples
    batch_size: int
    statistics: Statistics  # of the data before this call, to go back to
    order: np.ndarray | None = None  # of the samples, if training has been paused

    @property
    def training(self) -> Training:
        """What is trained."""
        return self.loop.training

    @property
    def n_rows(self):
        """How many samples go through the network together."""
        if self.training.learner.optimizer.stochastic:
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
    n_iter_no_change : int, inf or "cycle"
        Stop after more epochs than this without progress; or after a cycle of the learning
        rate without, where the schedule has cycles.
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
        self.by_cycle = n_iter_no_change == "cycle"
        self.n_iter_no_change = np.inf if self.by_cycle else n_iter_no_change
        self.max_iter = max_iter
        self.max_time = max_time
        self.validate = validate
        self.hooks = hooks
        self.verbose = verbose
        self.label = ""  # before each line, where several networks print
        self.start = time.perf_counter()
        self.seconds_before = training.progress.history.columns.get("seconds", [0.0])[-1]
        self.ending = None
        self.is_cancelled = False  # by another thread: to end after this epoch
        self.n_epochs = 0
        parameters = training.network.parameters
        # weights that have been trained before this call are an epoch to go back to
        self._initial: Any = parameters.copy() if training.progress.is_trained else None
        self._last: Any = self._initial
        # the best and, should its last step have been fatal, the best before it
        self._best = [(training.progress.best.epoch, self._initial)] if self.has_initial else []

    @property
    def has_initial(self):
        """Whether there are weights from before this call."""
        return self._initial is not None

    @property
    def keeps_best(self):
        """Whether the best epoch is kept, and not the last."""
        return self.validate is not None or self.ending is Ending.OUT_OF_TIME

    def run(self, samples, batch_size, shuffle, single_epoch=False):
        """Train to the end, or for one epoch, and restore the weights to keep.

        Returns
        -------
        bool
            Whether these are the weights from before, as if there had been no call.
        """
        limit = None
        try:
            limit = self.train(samples, batch_size, shuffle, single_epoch)
        except KeyboardInterrupt:
            if single_epoch:  # there is no whole epoch to keep, and a stream's loop should end
                raise
            warn("Training interrupted by user.")
            self.ending = Ending.INTERRUPTED
        went_back = self.restore(samples)
        if not single_epoch:
            self._warn_at_limit(limit)
        return went_back

    def train(self, samples, batch_size, shuffle, single_epoch=False):
        """Train to the end, or for one epoch; return the limit that SciPy reached, if any.

        What remains is ``finish``.
        """
        self.begin(single_epoch)
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
            self.training.progress.best.update(-value, 0, self.tol)
        return limit

    def begin(self, single_epoch=False):
        """Get ready for the first epoch."""
        if self._last is None:
            self._start = self.training.network.parameters.copy()
        if not single_epoch and self.validate is not None and self.has_initial:
            # let inherited weights compete on this validation set, as epoch 0
            score, _ = self.validate()
            self.training.progress.best.update(float(score), 0, self.tol)

    def resume(self):
        """Go on after a pause, which is not training time."""
        self.seconds_before = self.training.progress.history.columns["seconds"][-1]
        self.start = time.perf_counter()

    def finish(self, samples):
        """Restore the weights to keep, as ``run`` does, and warn if training ended too early."""
        went_back = self.restore(samples)
        self._warn_at_limit(None)
        return went_back

    def snapshot(self, samples):
        """Return a copy that has been finished here, and what ``run`` returns.

        Nobody is told that it could have trained for longer.
        """
        loop = deepcopy(self)
        return loop, loop.restore(samples)

    def restore(self, samples):
        """Put the weights to keep into the network; return whether they are those from before."""
        training = self.training
        epoch, weights = training.progress.n_iter, None  # those of the last step
        if self.ending is Ending.INTERRUPTED:
            weights = self._start if self._last is None else self._last
        if self.keeps_best and self._best:
            epoch, weights = self._best[-1]
        if self.ending is not Ending.DIVERGED:
            if weights is not None:
                np.copyto(training.network.parameters, weights)
            # the last step comes after the last loss, and may have been the fatal one
            if not self._has_finite_outputs(samples):
                self.ending = Ending.DIVERGED
        if self.ending is Ending.DIVERGED:
            epoch, weights = self._best_after_divergence(samples)
            np.copyto(training.network.parameters, weights)
        training.progress.kept_epoch = epoch
        return weights is not None and weights is self._initial

    def _has_finite_outputs(self, samples):
        """Tell whether the weights as they stand, in the dtype to keep, give finite outputs."""
        training = self.training
        network = training.network.astype(training.settings.kept_dtype)
        return has_finite_outputs(network, samples, training.output_scaler)

    def end_of_epoch(self, loss):
        """Record an epoch and say whether training should end."""
        training, progress = self.training, self.training.progress
        is_finite = bool(np.isfinite(loss) and np.isfinite(training.network.parameters).all())
        score, scores = self._validate(-loss, is_finite)
        progress.n_iter += 1
        self.n_epochs += 1
        elapsed = time.perf_counter() - self.start
        record = epoch_record(training, loss, scores, self.seconds_before + elapsed)
        progress.history.append(record)
        self._print(record)
        if not is_finite:
            self.ending = Ending.DIVERGED
            return True
        self._last = training.network.parameters.copy()
        # on a planned curve later epochs take smaller steps: of equal ones the last is safest
        last_of_equals = training.settings.schedule.by_step
        if progress.best.update(score, progress.n_iter, self.tol, last_of_equals):
            self._best = [*self._best[-1:], (progress.n_iter, self._last)]
        rate = training.settings.schedule.next_rate(
            training.settings.learning_rate_init,
            training.learner.learning_rate,
            progress.samples_seen,
        )
        training.learner.learning_rate = float(rate)  # an np.float64 would not stay in float32
        self.ending = self._find_ending(record, elapsed)
        return self.ending is not None or self.is_cancelled

    def _validate(self, score, is_finite):
        """Return the score to monitor, and what to record of the validation set."""
        if self.validate is None:
            return score, {}
        score, scores = self.validate() if is_finite else (np.nan, {})
        self.training.progress.validation_scores.append(float(score))
        return float(score), scores

    def _find_ending(self, record, elapsed):
        """Ask everyone who may end training; all are asked in any case."""
        was_stopped = any([hook(record) for hook in self.hooks])  # noqa: C419
        out_of_time = self.max_time is not None and elapsed >= self.max_time
        if out_of_time:
            self._say(f"max_time={self.max_time:g} seconds have passed. Stopping.")
        has_converged = self._has_stalled() and not self._lowers_rate()
        # SciPy counts the iterations of L-BFGS itself, and says so when they run out
        counts = self.training.learner.optimizer.stochastic
        if out_of_time:
            return Ending.OUT_OF_TIME
        if was_stopped:
            return Ending.STOPPED
        if has_converged:
            return Ending.CONVERGED
        return Ending.AT_LIMIT if counts and self.n_epochs == self.max_iter else None

    def _has_stalled(self):
        """Tell whether there have been too many epochs without progress."""
        training = self.training
        # L-BFGS decides by the gradient, unless there is a validation score to go by
        if not (training.learner.optimizer.stochastic or self.validate):
            return False
        # a planned curve goes on to its end: its loss may rest while the rate is low
        if training.settings.schedule.by_step and not self.validate:
            return False
        if self.by_cycle:
            return self._cycle_brought_nothing()
        return training.progress.best.epochs_without_improvement > self.n_iter_no_change

    def _cycle_brought_nothing(self):
        """Tell whether a cycle of the learning rate ends here that has the best epoch before it."""
        settings, progress = self.training.settings, self.training.progress
        ends = [round(settings.max_iter * fraction) for fraction in settings.schedule.cycle_ends]
        if progress.n_iter not in ends:
            return False
        begin = max((end for end in ends if end < progress.n_iter), default=0)
        return progress.n_iter - begin >= SHORT_CYCLE and progress.best.epoch <= begin

    def _lowers_rate(self):
        """Lower the learning rate after a plateau, if the schedule does that; say which."""
        learner = self.training.learner
        rate = self.training.settings.schedule.after_plateau(learner.learning_rate)
        what = "Training loss" if self.validate is None else "Validation score"
        n_epochs = "a whole cycle of the rate" if self.by_cycle else self.n_iter_no_change
        message = say.stalled(what, self.tol, n_epochs)
        if rate is None:
            self._say(message + " Stopping.")
            return False
        self._say(message + f" Setting the learning rate to {rate:g}.")
        learner.learning_rate = float(rate)
        self.training.progress.best.epochs_without_improvement = 0
        return True

    def _warn_at_limit(self, limit):
        """Warn if the epochs ran out although more of them would have helped.

        ``limit`` is the one that SciPy reached, if it drives.
        """
        training, progress = self.training, self.training.progress
        if self.ending not in (None, Ending.AT_LIMIT):
            return
        if self.validate and progress.n_iter - progress.best.epoch > self.n_iter_no_change:
            return  # the best epoch lies behind
        recent = progress.loss_curve[-self.n_epochs :] if self.n_epochs else []
        fell = say.fell_by(recent, self.n_iter_no_change, self.tol)
        # a schedule that has run its course has converged, as planned
        if self.ending is Ending.AT_LIMIT and not training.settings.schedule.by_step:
            warn(say.reached_max_iter(self.max_iter, fell), ConvergenceWarning)
        elif limit is not None:
            now = self.max_iter if limit == "max_iter" else training.learner.optimizer.max_fun
            warn(say.reached_limit(limit, now, self.n_epochs, fell), ConvergenceWarning)

    def _best_after_divergence(self, samples):
        """Return the epoch to go back to and its weights; there may be nothing to keep."""
        training = self.training
        training.restart_optimizer()
        why = say.undefined_outputs(training.loss, training.network.output_activation)
        epoch, weights = self._best_usable(samples, why)
        best = ""
        if epoch == training.progress.best.epoch:
            best = "lowest loss" if self.validate is None else "best validation score"
        which = None if weights is self._initial else epoch
        warn(say.diverged(training, which, best, why), ConvergenceWarning)
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
            if np.isfinite(loss) and self._has_finite_outputs(samples):
                return epoch, weights
        raise ValueError(say.NON_FINITE + (why or say.LARGE_VALUES))

    def _print(self, record):
        epoch = record["epoch"]
        if self.verbose and (epoch == 1 or epoch % self.verbose == 0):
            elapsed = record["seconds"] - self.seconds_before
            left = seconds_left(elapsed, self.n_epochs, self.max_iter, self.max_time)
            self._say(line(record, epoch + self.max_iter - self.n_epochs, left))

    def _say(self, line):
        if self.verbose:
            # as one piece, for other threads print too
            print(self.label + line + "\n", end="")
