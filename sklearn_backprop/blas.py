"""How many threads the matrix products of training use.

A training step is a few products of a batch with a layer's weights. Most are so
small that handing them to threads costs more than it saves, and worse: the idle
threads spin and slow down everything between the products. So training runs on
one BLAS thread unless its products are large. ``docs/design.md`` has the
measurements behind ``LARGE_PRODUCT``.
"""

import threading
from contextlib import contextmanager
from functools import cache
from itertools import pairwise

from threadpoolctl import ThreadpoolController

LARGE_PRODUCT = 2**24
"""Multiplications in the largest product of a step from which threads pay."""

_lock = threading.Lock()
_users = 0
_limiter = None


@cache
def _controller():
    """Return the controller of the loaded BLAS libraries; finding them takes 4 ms."""
    return ThreadpoolController()


@contextmanager
def one_blas_thread():
    """Run a block on one BLAS thread.

    The limit belongs to the process, not to a thread. So overlapping blocks share
    it: the first sets it, the last one to leave restores what was before.
    """
    global _users, _limiter
    with _lock:
        if _users == 0:
            _limiter = _controller().limit(limits=1, user_api="blas")
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _limiter.restore_original_limits()
                _limiter = None


@contextmanager
def blas_threads_for(layer_sizes, n_samples):
    """Limit BLAS to one thread unless a batch's largest product is large.

    Parameters
    ----------
    layer_sizes : sequence of int
        Units of each layer.
    n_samples : int
        Rows of a batch.
    """
    largest = max(fan_in * fan_out for fan_in, fan_out in pairwise(layer_sizes))
    if largest * n_samples >= LARGE_PRODUCT:
        yield
    else:
        with one_blas_thread():
            yield
