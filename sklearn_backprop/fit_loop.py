"""What happens around the epochs: recording, validation, stopping, restoring."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .training import train

NON_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values "
    "and need to be preprocessed. Try standardize=True or a smaller learning_rate_init."
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
    validate : callable, default=None
        Returns a validation score, higher is better. Given, its best epoch is what
        is kept; else training monitors minus the loss and keeps the last epoch.
    verbose : bool
        Whether to print a line an epoch.
    """

    def __init__(self, training, *, tol, n_iter_no_change, max_iter, validate=None, verbose=False):
        self.training = training
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.max_iter = max_iter
        self.validate = validate
        self.verbose = verbose
        self.has_diverged = False
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
        elif self.validate is not None and self._best is not None:
            np.copyto(parameters, self._best)

    def end_of_epoch(self, loss):
        """Record an epoch and say whether training should end."""
        training = self.training
        training.n_iter += 1
        self.n_epochs += 1
        training.loss_curve.append(loss)
        is_finite = np.isfinite(loss) and np.isfinite(training.network.parameters).all()
        score = -loss
        if self.validate is not None:
            score = float(self.validate()) if is_finite else np.nan
            training.validation_scores.append(score)
        self._print(loss, score)
        if not is_finite:
            self.has_diverged = True
            return True
        self._last = training.network.parameters.copy()
        if training.best.update(score, training.n_iter, self.tol):
            self._best = self._last
        training.learning_rate = training.schedule.next_rate(
            training.learning_rate_init, training.learning_rate, training.samples_seen
        )
        # SciPy counts the iterations of L-BFGS itself, and says so when they run out
        at_limit = training.optimizer.stochastic and self.n_epochs == self.max_iter
        return self._has_stalled() or at_limit

    def _has_stalled(self):
        """After too many epochs without progress, lower the learning rate or give up."""
        training = self.training
        # L-BFGS decides by the gradient, unless there is a validation score to go by
        if not (training.optimizer.stochastic or self.validate):
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

    has_converged = False

    def _warn_at_limit(self):
        stochastic = self.training.optimizer.stochastic
        at_limit = self.n_epochs == self.max_iter and not self.has_converged
        if stochastic and at_limit and not self.has_diverged:
            warnings.warn(
                f"Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
                "converged yet. Raise max_iter, or learning_rate_init, or tol.",
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
            "standardize=True, or clipping extreme values of X and y.",
            ConvergenceWarning,
            stacklevel=7,
        )

    def _print(self, loss, score):
        line = f"Iteration {self.training.n_iter}, loss = {loss:.8f}"
        if self.validate is not None:
            line += f", validation score = {score:.6f}"
        self._say(line)

    def _say(self, line):
        if self.verbose:
            print(line)
