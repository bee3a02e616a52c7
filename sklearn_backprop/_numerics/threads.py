"""Work shared out to threads."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import pairwise


def share_out(function, items, n_threads):
    """Call a function with neighbouring parts of a sequence, each in a thread of its own.

    Parameters
    ----------
    function : callable
        Takes a part of ``items``. NumPy's error state is that of the caller.
    items : sequence
        What to share out, in as many parts as there are threads.
    n_threads : int
        How many.
    """
    bounds = [len(items) * k // n_threads for k in range(n_threads + 1)]
    with ThreadPoolExecutor(n_threads) as pool:
        calls = [
            # a context for each, which a thread would not inherit
            pool.submit(copy_context().run, function, items[start:stop])
            for start, stop in pairwise(bounds)
        ]
        for call in calls:
            call.result()
