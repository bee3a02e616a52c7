"""Compare fits: what an estimator's own ``fit`` leaves behind is the oracle of all stacks."""

import re
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from sklearn_backprop import fit_many


def outcome(function, *args, **kwargs):
    """Call a function; return its result, its error, and its warnings as (category, message)."""
    result = error = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args, **kwargs)
        except Exception as exception:
            error = exception
    return result, error, [(warning.category, str(warning.message)) for warning in caught]


def fit_alone(estimator, X, y, rows=None, sample_weight=None):
    """Return what ``clone(estimator).fit`` gives on some rows."""
    if rows is not None:
        X, y = _safe_indexing(X, rows), _safe_indexing(y, rows)
        sample_weight = None if sample_weight is None else _safe_indexing(sample_weight, rows)
    return clone(estimator).fit(X, y, sample_weight)


def fitted_attributes(estimator):
    """Return what a fit has set; the record of training without its seconds."""
    attributes = {
        name: value
        for name, value in vars(estimator).items()
        if name.endswith("_") and not name.startswith("_")
    }
    attributes["history_"] = {k: v for k, v in estimator.history_.items() if k != "seconds"}
    return attributes


def assert_same_values(ours, theirs, rtol=0.0, name=""):
    """Compare numbers, arrays, and lists and dicts of them; NaN equals NaN."""
    assert type(ours) is type(theirs), name
    if isinstance(theirs, dict):
        assert sorted(ours) == sorted(theirs), name
        for key, value in theirs.items():
            assert_same_values(ours[key], value, rtol, f"{name}[{key!r}]")
    elif isinstance(theirs, list) and any(isinstance(v, (np.ndarray, list)) for v in theirs):
        assert len(ours) == len(theirs), name
        for k, value in enumerate(theirs):
            assert_same_values(ours[k], value, rtol, f"{name}[{k}]")
    elif theirs is None or np.asarray(theirs).dtype.kind not in "f":
        np.testing.assert_array_equal(ours, theirs, err_msg=name, strict=True)
    else:
        ours, theirs = np.asarray(ours), np.asarray(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol, err_msg=name, strict=True)


def assert_same_fit(ours, theirs, X=None, rtol=0.0):
    """Compare parameters, fitted attributes and, given X, predictions."""
    assert type(ours) is type(theirs)
    assert repr(ours) == repr(theirs)
    assert_same_values(fitted_attributes(ours), fitted_attributes(theirs), rtol, repr(ours))
    for method in ("predict", "predict_proba"):
        if X is not None and hasattr(theirs, method):
            assert_same_values(
                getattr(ours, method)(X), getattr(theirs, method)(X), rtol, f"{method} {ours!r}"
            )


FLOAT64 = 1e-10
"""For searches, whose predictions BLAS may share out to threads in one of two ways compared:
sums are then cut into other parts. Fits are compared to the last bit."""


def told(warned, rtol):
    """Return categories and messages; how far the loss fell only where it must be exact."""
    if rtol == 0:
        return warned
    return [(category, re.sub(r"(fell|rose) by \S+", "", text)) for category, text in warned]


def assert_as_alone(estimators, X, y, rows=None, sample_weight=None, alone=None, rtol=0.0, **given):
    """Compare with the outcomes of fits one by one, which raise nothing; return the fitted.

    To the last bit, unless ``rtol`` says otherwise.
    """
    if alone is None:
        each = [None] * len(estimators) if rows is None else rows
        pairs = zip(estimators, each, strict=True)
        alone = [outcome(fit_alone, e, X, y, r, sample_weight) for e, r in pairs]
    assert all(error is None for _, error, _ in alone)
    fitted, error, warned = outcome(
        fit_many, estimators, X, y, rows=rows, sample_weight=sample_weight, **given
    )
    assert error is None
    assert told(warned, rtol) == told([w for _, _, warnings in alone for w in warnings], rtol)
    for ours, (theirs, _, _) in zip(fitted, alone, strict=True):
        assert_same_fit(ours, theirs, X, rtol)
    return fitted
