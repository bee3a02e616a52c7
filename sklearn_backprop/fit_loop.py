"""What happens around the epochs: recording, validation, stopping, restoring."""

import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .monitoring import epoch_record, line
from .training import train

NON_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values "
    "and need to be preprocessed. Try standardize=True, a smaller learning_rate_init or "
    "max_grad_norm=1.0."
)


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
        self.start = time.perf_counter()
        self.has_diverged = self.has_converged = self.was_stopped = False
        self.keeps_best = validate is not None
        self.n_epochs = 0
        parameters = training.network.parameters
        # weights that have been trained before this call are an epoch to go back to
        self._last = self._best = parameters.copy() if training.samples_seen else None

    def run(self, samples, batch_size, shuffle, single_epoch=False):
        """Train to the end, or for one epoch, and restore the weights to keep."""
        parameters = self.training.network.parameters
        start = parameters.copy() if self._last is None else self._last
        try:
            train(
                self.training,
                samples,
                batch_size=batch_size,
                shuffle=shuffle,
                max_iter=self.max_iter,
                tol=self.tol,
                end_of_epoch=lambda loss: self.end_of_epoch(loss) or single_epoch,
            )
            if not single_epoch:
                self._warn_at_limit()
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=6)
            np.copyto(parameters, start if self._last is None else self._last)
        if self.has_diverged:
            self._restore_after_divergence()
        elif self.keeps_best and self._best is not None:
            np.copyto(parameters, self._best)

    def end_of_epoch(self, loss):
        """Record an epoch and say whether training should end."""
        training = self.training
        training.n_iter += 1
        self.n_epochs += 1
        is_finite = bool(np.isfinite(loss) and np.isfinite(training.network.parameters).all())
        score, scores = self._validate(-loss, is_finite)
        record = epoch_record(training, loss, scores, self.start)
        training.history.append(record)
        self._print(record)
        if not is_finite:
            self.has_diverged = True
            return True
        self._last = training.network.parameters.copy()
        if training.best.update(score, training.n_iter, self.tol):
            self._best = self._last
        training.learning_rate = training.schedule.next_rate(
            training.learning_rate_init, training.learning_rate, training.samples_seen
        )
        return self._should_end(record)

    def _validate(self, score, is_finite):
        """Return the score to monitor, and what to record of the validation set."""
        if self.validate is None:
            return score, {}
        score, scores = self.validate() if is_finite else (np.nan, {})
        self.training.validation_scores.append(float(score))
        return float(score), scores

    def _should_end(self, record):
        """Ask everyone who may end training; hooks are called in any case."""
        self.was_stopped = any([hook(record) for hook in self.hooks])  # noqa: C419
        if self.max_time is not None and record["seconds"] >= self.max_time:
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
        training.learning_rate = rate
        training.best.epochs_without_improvement = 0
        return False

    def _warn_at_limit(self):
        """Warn if the epochs ran out although more of them would have helped."""
        training = self.training
        n = self.n_epochs
        ran_out = training.optimizer.stochastic and n == self.max_iter
        if not ran_out or self.has_converged or self.has_diverged or self.was_stopped:
            return
        if training.schedule.by_step:
            return  # the schedule has run its course, as planned
        if self.validate and training.n_iter - training.best.epoch > self.n_iter_no_change:
            return  # the best epoch lies behind
        back = int(min(self.n_iter_no_change, n - 1))
        fell = ""
        if back:
            gain = training.loss_curve[-1 - back] - training.loss_curve[-1]
            fell = f" The loss fell by {gain:.3g} over the last {back} epochs (tol={self.tol:g})."
        warnings.warn(
            f"Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
            f"converged yet.{fell} Raise max_iter to {2 * self.max_iter}, or raise tol if "
            "this is good enough.",
            ConvergenceWarning,
            stacklevel=6,
        )

    def _restore_after_divergence(self):
        """Go back to the best epoch; without one there is nothing to keep."""
        training = self.training
        training.restart_optimizer()
        if self._best is None:
            raise ValueError(NON_FINITE)
        np.copyto(training.network.parameters, self._best)
        which = "lowest loss" if self.validate is None else "best validation score"
        warnings.warn(
            f"Training diverged at epoch {training.n_iter}: the loss or the weights are no longer "
            f"finite. The weights of epoch {training.best.epoch}, with the {which}, are kept. "
            f"Try a smaller learning_rate_init (now {training.learning_rate_init:g}), "
            "standardize=True, or max_grad_norm=1.0.",
            ConvergenceWarning,
            stacklevel=7,
        )

    def _print(self, record):
        epoch = record["epoch"]
        if self.verbose and (epoch == 1 or epoch % self.verbose == 0):
            print(line(record))

    def _say(self, line):
        if self.verbose:
            print(line)
