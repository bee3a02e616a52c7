"""How many threads the matrix products of training use.

A training step is a few products of a batch with a layer's weights. Most are so
small that handing them to threads costs more than it saves, and worse: the idle
threads spin and slow down everything between the products. So training runs on
one BLAS thread unless its products are large (``docs/decisions`` has the measurement).
"""

import threading
from contextlib import contextmanager
from functools import cache
from itertools import pairwise

from threadpoolctl import ThreadpoolController

LARGE_PRODUCT = 2**22
"""Multiplications in the largest product of a step from which threads pay."""

PRODUCT_OF_A_THREAD = 2**19
"""Multiplications in the largest product of a step from which fits side by side in threads pay."""

_lock = threading.Lock()
_all_threads = threading.Lock()
_users = 0
_threads_before = []


@cache
def _libraries():
    """Return controllers of the loaded BLAS libraries; finding them takes 4 ms."""
    return ThreadpoolController().select(user_api="blas").lib_controllers


def _set_threads(library, number):
    """Set a library's number of threads from whichever thread this is.

    From version 3.8 on, threadpoolctl lets the thread that last set a limit, and no
    other, change it. Here the last one to leave restores what the first one changed.
    """
    release = getattr(library, "clear_controlling_thread", None)
    if release is not None:
        release(force=True)
    library.set_num_threads(number)
    if release is not None:
        release(force=True)


@cache
def _openmp_libraries():
    """Return controllers of the OpenMP libraries that are loaded by now."""
    return ThreadpoolController().select(user_api="openmp").lib_controllers


@contextmanager
def one_openmp_thread():
    """Run a block on one thread of OpenMP, which boosted trees use: the limit is this thread's.

    Sharing a little work out to threads takes longer than the work, and with other processes
    beside this one a hundred times as long.
    """
    libraries = _openmp_libraries()
    before = [library.num_threads for library in libraries]
    for library in libraries:
        _set_threads(library, 1)
    try:
        yield
    finally:
        for library, number in zip(libraries, before, strict=True):
            _set_threads(library, number)


def allowed_threads():
    """Return how many threads BLAS may use, but for the limits that training sets."""
    with _lock:
        if _users:
            return max(_threads_before, default=1)
        return max((library.num_threads for library in _libraries()), default=1)


@contextmanager
def one_blas_thread():
    """Run a block on one BLAS thread.

    The limit belongs to the process, not to a thread. So overlapping blocks share
    it: the first sets it, the last one to leave restores what was before.
    """
    global _users, _threads_before
    with _lock:
        if _users == 0:
            _threads_before = [library.num_threads for library in _libraries()]
        for library in _libraries():  # not only the first time: with OpenMP each thread has its own
            _set_threads(library, 1)
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            for library, number in zip(_libraries(), _threads_before, strict=True):
                if _users == 0 or getattr(library, "threading_layer", None) == "openmp":
                    _set_threads(library, number)


@contextmanager
def blas_threads_for(layer_sizes, n_samples):
    """Limit BLAS to one thread unless a batch's largest product is large.

    Of blocks with large products that overlap, the first has all threads for as long as
    it is alone; together they have one each.

    Parameters
    ----------
    layer_sizes : sequence of int
        Units of each layer.
    n_samples : int
        Rows of a batch.
    """
    largest = max(fan_in * fan_out for fan_in, fan_out in pairwise(layer_sizes))
    if largest * n_samples >= LARGE_PRODUCT and _all_threads.acquire(blocking=False):
        try:
            yield
        finally:
            _all_threads.release()
    else:
        with one_blas_thread():
            yield
