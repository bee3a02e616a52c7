"""Stacks that train by turns, in one thread or in several: each gets its share of the time.

A turn is a few epochs. So no thread waits for a long training at the end, and when the time
is over all have come about as far.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import numpy as np

from .stack import Member, epochs_together

TURN = 0.05
"""Seconds of a turn: long beside what it takes to come back to a stack's arrays."""


class Training:
    """The training of some tasks' fits as one stack, epoch by epoch.

    Parameters
    ----------
    tasks : list of Task
        Prepared, and of one structure.
    """

    def __init__(self, tasks):
        self.tasks = tasks
        first = tasks[0]
        self.members = [Member(task.fit, first.fitted.shuffle) for task in tasks]
        self.begins_late = any(task.begins_late for task in tasks)
        self.has_begun, self.seconds = False, 0.0
        if len(tasks) == 1 and first.until is None:
            self._epochs = self.members[0].epochs_alone()
        else:
            self._epochs = epochs_together(self.members, first.until)

    def turn(self):
        """Train for some epochs; return whether there is more to do."""
        start, goes_on = perf_counter(), True
        self.has_begun = True
        with np.errstate(all="ignore"):  # here, for it belongs to the thread
            while goes_on and perf_counter() - start < TURN:
                goes_on = next(self._epochs, self) is not self
        self.seconds += perf_counter() - start
        return goes_on


def take_turns(trainings, n_threads, deadline=None):
    """Train all to the end.

    Parameters
    ----------
    trainings : list of Training
        Warnings, which threads share, are the caller's.
    n_threads : int
        How many train at the same time.
    deadline : float, default=None
        Moment of ``time.perf_counter`` after which none begins, but one that ``begins_late``.
    """
    waiting = deque(trainings)

    def work():
        while waiting:
            try:
                training = waiting.popleft()
            except IndexError:  # another thread was quicker
                return
            is_late = deadline is not None and perf_counter() >= deadline
            if is_late and not (training.has_begun or training.begins_late):
                continue
            if training.turn():
                waiting.append(training)

    if n_threads < 2:
        work()
        return
    with ThreadPoolExecutor(n_threads) as pool:
        workers = [pool.submit(work) for _ in range(n_threads)]
        try:
            for worker in workers:
                worker.result()
        except BaseException:  # Ctrl-C, which only this thread is told of
            waiting.clear()
            for training in trainings:
                for member in training.members:
                    member.loop.is_cancelled = True
            raise
