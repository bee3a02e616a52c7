"""A line on a terminal that says how far a long fit is, and how long it will take."""

import sys
from threading import Lock
from time import perf_counter

from .._fitting.messages import seconds_left

WORTH_A_LINE = 10.0
"""Seconds that a fit must be expected to take."""

EVERY = 0.2
"""Seconds between two changes of the line."""

WIDTH = 24
"""Characters of the bar."""


class ProgressLine:
    """Counts epochs, and writes a line if there are many left.

    Parameters
    ----------
    name : str
        Of what is fitted.
    n_epochs : int
        Epochs of all members together.
    max_time : float or None
        Seconds after which they end, counted from now.
    stream : file, default=None
        Where to write; None is ``sys.stderr``.
    clock : callable, default=time.perf_counter
        Returns seconds.
    """

    def __init__(self, name, n_epochs, max_time=None, stream=None, clock=perf_counter):
        self.name = name
        self.n_epochs = n_epochs
        self.max_time = max_time
        self.stream = sys.stderr if stream is None else stream
        self.clock = clock
        self.start = self.last = clock()
        self.n_done = 0
        self.is_shown = False
        self._lock = Lock()

    def __call__(self, number, record):
        """Count an epoch of a member; ``record`` is not looked at."""
        with self._lock:
            self.n_done += 1
            now = self.clock()
            elapsed = now - self.start
            left = seconds_left(elapsed, self.n_done, self.n_epochs, self.max_time)
            if now - self.last >= EVERY and (self.is_shown or elapsed + left > WORTH_A_LINE):
                self.last, self.is_shown = now, True
                self._write(elapsed, left)

    def _write(self, elapsed, left):
        done = elapsed / (elapsed + left)
        bar = ("━" * round(WIDTH * done)).ljust(WIDTH, "╌")
        # some members may end before their last epoch
        text = f"{self.name} {bar} {done:4.0%}, at most {_in_words(left)} left"
        self.stream.write(f"\r{text}   ")
        self.stream.flush()

    def close(self):
        """Take the line away."""
        if self.is_shown:
            self.stream.write("\r" + " " * 79 + "\r")
            self.stream.flush()


def _in_words(seconds):
    """Return seconds as people say them."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    return (
        f"{minutes} min {seconds:02d} s"
        if minutes < 60
        else f"{minutes // 60} h {minutes % 60} min"
    )


def shows_progress(verbose, stream=None):
    """Tell whether ``verbose`` asks for a line, on a terminal."""
    stream = sys.stderr if stream is None else stream
    return verbose == "auto" and stream is not None and stream.isatty()
