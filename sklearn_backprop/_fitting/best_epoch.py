"""When to stop, and which epoch to keep."""

import numpy as np

from .._numerics.plain import plain


@plain("best_epoch")
class BestEpoch:
    """The best score so far, and how long ago training last improved.

    A score is better when higher: minus the training loss, or a validation score.
    An epoch counts as an improvement when it beats the best by ``tol``; the best
    itself is raised by any gain (scikit-learn's rule).

    Attributes
    ----------
    score : float
        The best score; minus infinity before the first epoch.
    epoch : int
        When it was reached; 0 before.
    epochs_without_improvement : int
        Since the last improvement.
    """

    def __init__(self):
        self.score = -np.inf
        self.epoch = 0
        self.epochs_without_improvement = 0

    def update(self, score, epoch, tol, last_of_equals=False):
        """Take in an epoch's score; return whether it is the best.

        Parameters
        ----------
        score : float
            NaN is never the best, nor an improvement.
        epoch : int
            The epoch's number.
        tol : float
            Gain that counts as an improvement.
        last_of_equals : bool, default=False
            Whether a score that equals the best takes its place.
        """
        if score >= self.score + tol:
            self.epochs_without_improvement = 0
        else:
            self.epochs_without_improvement += 1
        is_best = score > self.score or (last_of_equals and score == self.score)
        if is_best:
            self.score, self.epoch = score, epoch
        return is_best
