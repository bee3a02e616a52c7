"""Matrix products of a batch that is no plain array."""

import numpy as np


class SharedBatch:
    """A batch for a stack of networks, some of which read the same rows.

    Parameters
    ----------
    arrays : list of ndarray of shape (n_samples, n_features)
        The distinct batches.
    networks : list of slice
        The networks that read each.
    """

    def __init__(self, arrays, networks):
        self.arrays = arrays
        self.networks = networks

    @property
    def shape(self):
        """Shape of each batch."""
        return self.arrays[0].shape

    @property
    def mT(self):
        """The batches transposed."""
        return SharedBatch([array.T for array in self.arrays], self.networks)

    def product(self, B, out):
        """Write each batch's product with its networks' part of ``B`` into ``out``."""
        for array, networks in zip(self.arrays, self.networks, strict=True):
            np.matmul(array, B[networks], out=out[networks])


def product(A, B, out):
    """Write the matrix product ``A @ B`` into ``out``; ``A`` is sparse, or a ``SharedBatch``."""
    if isinstance(A, SharedBatch):
        A.product(B, out)
    else:
        np.copyto(out, A @ B)
