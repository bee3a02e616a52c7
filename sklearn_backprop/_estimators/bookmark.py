"""Where a training stands in what it moves on in place, so that a failed call can go back."""

from numpy.random import RandomState
from sklearn.utils import check_random_state

from .fitted import training_of


class Bookmark:
    """Remembers a random stream and a history that a call is about to move on.

    All else that ``partial_fit`` changes, it changes in copies. These two it cannot copy:
    the stream may be the user's own, and the history is as long as the stream of calls.

    Parameters
    ----------
    random_state : RandomState, default=None
        The stream; None if the call draws nothing from one.
    training : Training, default=None
        What the call goes on from, if there is something: its history, and its masks.
    """

    def __init__(self, random_state=None, training=None):
        self.random_state = random_state
        self.stream = None if random_state is None else random_state.get_state(legacy=False)
        self.history = self.masks = None
        if training is not None:
            self.history = training.progress.history
            self.columns, self.n_records = self.history.names(), len(self.history)
            self.masks = training.progress.dropout_generator
        if self.masks is not None:
            self.masks_stream = self.masks.bit_generator.state

    def go_back(self):
        """Put everything back to where it stood."""
        if self.random_state is not None:
            self.random_state.set_state(self.stream)
        if self.history is not None:
            self.history.shorten(self.n_records, self.columns)
        if self.masks is not None:
            self.masks.bit_generator.state = self.masks_stream


def before_partial_fit(estimator, X):
    """Return a bookmark of what a ``partial_fit`` of an estimator may move on in place."""
    training = training_of(estimator)
    if training is None:
        given = estimator.random_state
        is_shared = given is None or isinstance(given, RandomState)
        return Bookmark(check_random_state(given) if is_shared else None)
    # looking at a Mersenne twister takes 33 µs, and a single row needs no order
    draws = estimator.shuffle and getattr(X, "shape", ())[:1] != (1,)
    return Bookmark(training.progress.random_state if draws else None, training)
