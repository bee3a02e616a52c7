"""Sums of flat vectors in one pass over memory, with BLAS."""

import numpy as np
from scipy.linalg.blas import daxpy, saxpy

AXPY = {"d": daxpy, "f": saxpy}


def add_scaled(vector, factor, out):
    """Add ``factor · vector`` to ``out``, in place.

    NumPy would need two passes and a third array.

    Parameters
    ----------
    vector, out : ndarray of shape (n,) or (n_networks, n)
        Of the same dtype, float64 or float32; each row contiguous.
    factor : float or ndarray of shape (n_networks, 1)
        One for all, or one a network.
    """
    axpy = AXPY[out.dtype.char]
    if not out.size:
        return  # BLAS would complain
    if out.ndim == 1:
        axpy(vector, out, a=factor)
        return
    factors = np.ravel(factor).tolist()
    for row, target, a in zip(vector, out, factors * (len(out) // len(factors)), strict=True):
        axpy(row, target, a=a)
