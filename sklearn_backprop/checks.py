"""Checks of what users pass to ``fit``. Nothing here changes an estimator."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_X_y
from sklearn.utils.validation import _check_sample_weight, check_non_negative, column_or_1d


def check_hidden_layer_sizes(sizes):
    """Return the sizes of the hidden layers as a tuple of int; one int is one layer."""
    sizes = [sizes] if isinstance(sizes, Integral) else list(sizes)
    if not all(isinstance(size, Integral) and size > 0 for size in sizes):
        raise ValueError(
            f"hidden_layer_sizes must be > 0, got {sizes}. Pass whole numbers of units, one a "
            "hidden layer, or () for none."
        )
    return tuple(int(size) for size in sizes)


def check_features_and_targets(X, y, estimator, y_numeric):
    """Return X as a float array or CSR matrix, and y as an array of 1 or 2 dimensions."""
    X, y = check_X_y(
        X,
        y,
        accept_sparse="csr",
        dtype=(np.float64, np.float32),
        multi_output=True,
        y_numeric=y_numeric,
        estimator=estimator,
    )
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    return X, y


def check_weights(sample_weight, X, name="sample_weight"):
    """Return float64 weights, or None; they must not be negative nor all zero."""
    if sample_weight is None:
        return None
    sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
    check_non_negative(sample_weight, name)
    if not sample_weight.any():
        raise ValueError(f"{name} is zero for every sample: there is nothing to learn from.")
    return sample_weight


def check_initial_values(values, shapes, name):
    """Return ``coefs_init`` or ``intercepts_init`` as float64 arrays of the right shapes."""
    if values is None:
        return None
    values = [np.asarray(value, dtype=np.float64) for value in values]
    given = [value.shape for value in values]
    if given != shapes:
        raise ValueError(f"{name} must have the shapes {shapes}, one a layer, got {given}.")
    if not all(np.isfinite(value).all() for value in values):
        raise ValueError(f"{name} contains NaN or infinity.")
    return values
