"""Sums and lengths of flat vectors; sums go by blocks that stay in the cache."""

import numpy as np

BLOCK = 32768
"""Numbers worked on at a time: few calls, and a block stays in the cache from call to call."""


def add_scaled(vector, factor, out):
    """Add ``factor · vector`` to ``out``, in place.

    Each number is rounded twice, wherever it stands. BLAS's ``axpy`` would take one pass
    less, but it rounds once in the body of a vector and twice at its end (with fused
    multiply-add), so a network's numbers would depend on its place in a stack.

    Parameters
    ----------
    vector, out : ndarray of shape (n,) or (n_networks, n)
        Of the same dtype.
    factor : float or ndarray of shape (n_networks, 1)
        One for all, or one a network. Rounded to the vectors' dtype.
    """
    if isinstance(factor, np.ndarray):
        factor = factor.astype(out.dtype, copy=False)
    n = out.shape[-1]
    if n <= BLOCK:
        np.add(out, np.multiply(vector, factor), out=out)
        return
    scratch = np.empty_like(out[..., :BLOCK])
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        target, product = out[..., start:stop], scratch[..., : stop - start]
        np.multiply(vector[..., start:stop], factor, out=product)
        np.add(target, product, out=target)


def clip(vector, max_norm):
    """Shorten a vector to ``max_norm`` if it is longer, in place; None leaves it.

    Over all parameters of a network together, so a gradient's direction stays (Pascanu,
    Mikolov and Bengio, "On the difficulty of training recurrent neural networks", ICML 2013).
    """
    if max_norm is None:
        return
    max_norm = np.asarray(max_norm, vector.dtype)  # of a stack an array, one for each
    norm = np.sqrt(np.vecdot(vector, vector))[..., None]
    factor = max_norm / np.maximum(norm, max_norm)
    np.multiply(vector, factor, out=vector)
