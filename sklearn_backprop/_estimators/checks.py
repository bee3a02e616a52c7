"""Checks of what users pass to ``fit``. Nothing here changes an estimator."""

import re
import sys
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_X_y
from sklearn.utils.validation import check_non_negative, column_or_1d, validate_data

from .._sklearn import check_sample_weight
from ..losses import LOSSES


def refuse_lazy(X, name="X"):
    """Raise ``ValueError`` for a polars LazyFrame: a plan, without any data yet."""
    polars = sys.modules.get("polars")
    if polars is not None and isinstance(X, polars.LazyFrame):
        raise ValueError(
            f"{name} is a polars LazyFrame, which holds no data yet. Pass {name}.collect()."
        )


def check_hidden_layer_sizes(sizes: Any, n_hidden_layers: Any = None) -> tuple[int, ...]:
    """Return the sizes of the hidden layers as a tuple of int.

    Parameters
    ----------
    sizes : int, str or array-like of int
        ``64``, ``"64x3"`` or ``(64, 64, 64)``.
    n_hidden_layers : int, default=None
        How many layers of the one size; only with an int.
    """
    if n_hidden_layers is not None and not isinstance(sizes, Integral):
        raise ValueError(
            f"n_hidden_layers={n_hidden_layers} repeats one size, so hidden_layer_sizes must be an "
            f"int, got {sizes!r}. Leave n_hidden_layers=None, or pass one size."
        )
    given = sizes
    if isinstance(sizes, str):
        match = re.fullmatch(r"(\d+)(?:x(\d+))?", sizes)
        if match is None:
            # scikit-learn's regressor has the loss in this place since 1.7
            hint = f" A loss is passed by name: loss={given!r}." if given in LOSSES else ""
            raise ValueError(
                f"hidden_layer_sizes={given!r} is not understood; as a string it is units x "
                f"layers, such as '64x3'.{hint}"
            )
        sizes, n_hidden_layers = (int(number or 1) for number in match.groups())
    if isinstance(sizes, Integral):
        sizes = [sizes] * (1 if n_hidden_layers is None else n_hidden_layers)
    sizes = list(sizes)
    if not all(isinstance(size, Integral) and int(size) > 0 for size in sizes):
        raise ValueError(
            f"hidden_layer_sizes must be > 0, got {sizes}. Pass whole numbers of units, one a "
            "hidden layer, or () for none."
        )
    return tuple(int(size) for size in sizes)


def check_dropout(dropout: Any, n_hidden_layers: int) -> list[float]:
    """Return one dropout rate a hidden layer, as floats."""
    rates = [dropout] * n_hidden_layers if isinstance(dropout, Real) else list(dropout)
    if len(rates) != n_hidden_layers:
        raise ValueError(
            f"dropout={dropout!r} has {len(rates)} rates for {n_hidden_layers} hidden layers; "
            "pass one rate, or one a hidden layer."
        )
    if not all(isinstance(rate, Real) and 0 <= float(rate) < 1 for rate in rates):
        raise ValueError(f"dropout must lie in [0, 1), got {dropout!r}.")
    return [float(rate) for rate in rates]


def check_features_and_targets(X, y, estimator_name, y_numeric):
    """Return X as a float array or CSR matrix, and y as an array of 1 or 2 dimensions."""
    if is_plain_array(X) and is_plain_target(y, X):
        return X, y
    refuse_lazy(X)
    refuse_lazy(y, "y")
    how = {"accept_sparse": "csr", "dtype": FLOATS, "estimator": estimator_name}
    try:
        X, y = check_X_y(X, y, multi_output=True, y_numeric=y_numeric, **how)
    except ValueError as error:
        if _is_a_table(X, how):
            other = "TabularRegressor" if y_numeric else "TabularClassifier"
            raise ValueError(
                f"{error}\nText, categories and missing values are what "
                f"sklearn_backprop.{other} is for: it takes X as it is."
            ) from error
        raise
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    return summed(X), y


def _is_a_table(X, how):
    """Tell whether X is refused for its text or its gaps, and not for its shape."""
    try:
        check_array(X, **how | {"dtype": None, "ensure_all_finite": False})
    except (TypeError, ValueError):
        return False
    try:
        check_array(X, **how)
    except ValueError as error:
        return "infinity" not in str(error)
    return False


def is_plain_target(y, X):
    """Tell whether scikit-learn's checks of a target find nothing: one finite number a row."""
    return (
        type(y) is np.ndarray
        and y.shape == (len(X),)
        and (y.dtype.kind in "iub" or (y.dtype in FLOATS and bool(np.isfinite(y.sum()))))
    )


def check_given(y, estimator):
    """Raise ``ValueError`` if there is no y, or none yet."""
    refuse_lazy(y, "y")
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None."
        )


def check_features(X, estimator):
    """Return X for a fitted estimator: a float array or a CSR matrix, with its features."""
    if is_plain(X, estimator):
        return X
    refuse_lazy(X)
    dtypes = np.float64, np.float32
    return summed(validate_data(estimator, X, accept_sparse="csr", dtype=dtypes, reset=False))


def is_plain(X, estimator):
    """Tell whether scikit-learn's checks, two thirds of a prediction for one row, find nothing."""
    return (
        is_plain_array(X)
        and X.shape[1] == estimator.n_features_in_
        and not hasattr(estimator, "feature_names_in_")
    )


def is_plain_array(X):
    """Tell whether X is a table of finite floats, with which there is nothing to do."""
    if not (type(X) is np.ndarray and X.ndim == 2 and X.dtype in FLOATS and X.size):
        return False
    with np.errstate(all="ignore"):
        return bool(np.isfinite(X.sum()))  # else they look at each number


FLOATS = np.dtype(np.float64), np.dtype(np.float32)


def summed(X):
    """Return a sparse matrix whose entries are stored once and in order; never changes X."""
    if not issparse(X) or X.has_canonical_format:
        return X
    X = X.copy()
    X.sum_duplicates()
    return X


def feature_name(estimator, j):
    """Return the name of a feature of a fitted estimator, or x0, x1, …, for messages."""
    names = getattr(estimator, "feature_names_in_", None)
    return f"x{j}" if names is None else str(names[j])


def columns_of(X):
    """Return the attributes that tell a fitted estimator of the columns of X; None: no names."""
    reader = BaseEstimator()
    validate_data(reader, X, skip_check_array=True)
    return {"feature_names_in_": None} | vars(reader)


def check_weights(sample_weight, X, name="sample_weight"):
    """Return float64 weights, or None; they must not be negative nor all zero."""
    if sample_weight is None:
        return None
    sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64)
    check_non_negative(sample_weight, name)
    check_some_weight(sample_weight, name)
    return sample_weight


def check_some_weight(sample_weight, name="sample_weight"):
    """Raise ``ValueError`` if all weights are zero."""
    if sample_weight is not None and not np.any(sample_weight):
        raise ValueError(f"{name} is zero for every sample: there is nothing to learn from.")


def check_groups(groups, n_samples):
    """Return the number of each row's group, or None; raise unless there are two of them."""
    if groups is None:
        return None
    groups = column_or_1d(groups, warn=True)
    if len(groups) != n_samples:
        raise ValueError(
            f"groups has {len(groups)} entries for {n_samples} rows of X; pass one each."
        )
    if any(group is None or group != group for group in groups.tolist()):  # NaN
        raise ValueError("groups has missing values; give each row a group.")
    distinct, numbers = np.unique(groups, return_inverse=True)
    if len(distinct) < 2:
        raise ValueError(
            f"groups has only the group {distinct[0]!r}, so there is none to hold out. Pass two at "
            "least, or leave groups=None."
        )
    return numbers


def check_initial_values(values, shapes, name):
    """Return ``coefs_init`` or ``intercepts_init`` as float64 arrays of the right shapes."""
    if values is None:
        return None
    if not np.iterable(values):
        raise ValueError(f"{name} must be a list of arrays, one a layer, got {values!r}.")
    try:
        values = [np.asarray(value, dtype=np.float64) for value in values]
    except ValueError as error:
        raise ValueError(f"{name} must be a list of arrays of numbers: {error}.") from error
    given = [value.shape for value in values]
    if given != shapes:
        raise ValueError(f"{name} must have the shapes {shapes}, one a layer, got {given}.")
    if not all(np.isfinite(value).all() for value in values):
        raise ValueError(f"{name} contains NaN or infinity.")
    return values


def check_validation_arguments(early_stopping, validation_fraction, given):
    """Raise ``ValueError`` where a ``ValidationSet`` contradicts itself or the parameters."""
    if given.sample_weight is not None and given.X is None:
        raise ValueError("sample_weight_val was passed without X_val and y_val.")
    if (given.X is None) != (given.y is None):
        missing = "X_val" if given.X is None else "y_val"
        raise ValueError(f"X_val and y_val go together, but {missing} was not passed.")
    if given.X is not None and given.rows is not None:
        raise ValueError(
            "X_val and validation_rows are two validation sets; pass one of them, X_val with "
            "y_val or rows of X."
        )
    if not early_stopping:
        for name, value in (("X_val and y_val", given.X), ("validation_rows", given.rows)):
            if value is not None:
                verb = "are" if "and" in name else "is"
                raise ValueError(f"{name} {verb} for early_stopping=True, which is False.")
    elif validation_fraction == 0 and given.X is None and given.rows is None:
        raise ValueError(
            "validation_fraction=0.0 leaves nothing to validate on. Raise it, pass X_val and "
            "y_val to fit, or set early_stopping=False."
        )


def check_not_slim(estimator, what):
    """Raise ``ValueError`` if an estimator is a ``slim()`` copy, which cannot go on."""
    if hasattr(estimator, "coefs_") and not hasattr(estimator, "_training"):
        raise ValueError(
            f"This estimator is a slim() copy, which has no training state, so {what} cannot "
            "go on from it. Use the estimator that slim() was called on, or fit anew."
        )


def check_validation_rows(validation_rows, n_samples):
    """Return the rows to train on and those to validate on, from the latter."""
    held_out = np.asarray(validation_rows)
    if held_out.ndim != 1 or held_out.dtype.kind not in "iu":
        raise ValueError(
            f"validation_rows must be an array of row numbers, got {validation_rows!r}."
        )
    if len(held_out) and (held_out.min() < 0 or held_out.max() >= n_samples):
        raise ValueError(
            f"validation_rows must lie in 0 to {n_samples - 1}, the rows of X; they go from "
            f"{held_out.min()} to {held_out.max()}."
        )
    kept = np.ones(n_samples, bool)
    kept[held_out] = False
    rows = np.flatnonzero(kept)
    if not len(held_out) or not len(rows):
        raise ValueError(
            f"validation_rows has {n_samples - len(rows)} of the {n_samples} rows; some must be "
            "in it, and some must be left to train on."
        )
    return rows, held_out
