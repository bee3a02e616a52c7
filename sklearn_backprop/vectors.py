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
    elif np.ndim(factor) == 0 and vector.flags.c_contiguous and out.flags.c_contiguous:
        axpy(vector.reshape(-1), out.reshape(-1), a=factor)
    else:
        factors = np.ravel(factor).tolist()
        factors *= len(out) // len(factors)
        for row, target, a in zip(vector, out, factors, strict=True):
            axpy(row, target, a=a)
