"""What of scikit-learn is private, or differs between its versions: all of it, and nowhere else.

Private names may move with any release; then this is the one file to change. The
constraints of constructor parameters, `_validate_params` and `_get_param_names` are
inherited from `BaseEstimator`, whose own way of checking parameters they are.
"""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

from sklearn import base, utils
from sklearn.model_selection import _validation
from sklearn.utils import _param_validation, metaestimators, validation

Method = TypeVar("Method", bound=Callable)

try:
    from sklearn import callback
except ImportError:  # scikit-learn before 1.9
    callback = None

HasMethods: Any = _param_validation.HasMethods
Interval: Any = _param_validation.Interval
Options: Any = _param_validation.Options
StrOptions: Any = _param_validation.StrOptions

check_feature_names_in = validation._check_feature_names_in
check_method_params = validation._check_method_params
check_sample_weight = validation._check_sample_weight
check_y = validation._check_y
clone_parametrized = base._clone_parametrized
num_samples = validation._num_samples
safe_indexing = utils._safe_indexing
safe_split = metaestimators._safe_split


class KeepsFunctions:
    """Stands in for scikit-learn's support of callbacks: keeps plain functions."""

    def set_callbacks(self, *callbacks):
        """Set the callbacks."""
        self._skl_callbacks = list(callbacks)
        return self


def with_callbacks(method: Method) -> Method:
    """Return a ``fit`` that scikit-learn's callbacks can follow, where there are some."""
    return method if callback is None else callback.with_callbacks(method)


FitCallback: Any = getattr(callback, "FitCallback", None)
CallbackSupportMixin: Any = getattr(callback, "CallbackSupportMixin", KeepsFunctions)

CALLS_THAT_FIT = {
    getattr(_validation, name)
    for name in ("_fit_and_score", "_fit_and_predict")
    if hasattr(_validation, name)
}
"""The functions whose calls fit ``estimator`` on the rows ``train`` of X and y."""


def trees_of(booster):
    """Return the trees of fitted histogram gradient boosting, and what all of them begin with.

    Parameters
    ----------
    booster : HistGradientBoostingClassifier or HistGradientBoostingRegressor
        Of columns that are all numbers.

    Returns
    -------
    trees : list of list of ndarray
        For each round and output the nodes: a structured array with the fields ``value``,
        ``feature_idx``, ``num_threshold``, ``left``, ``right`` and ``is_leaf``.
    first : ndarray of shape (n_outputs,)
        What the trees' values are added to.
    """
    trees = [[tree.nodes for tree in round_] for round_ in booster._predictors]
    return trees, booster._baseline_prediction.ravel()


def callbacks_of(estimator):
    """Return the callbacks that were set for an estimator."""
    return getattr(estimator, "_skl_callbacks", None) or []


def clone_with_callbacks(estimator):
    """Return what ``clone`` does, with the callbacks, as scikit-learn does from 1.9 on."""
    clone = clone_parametrized(estimator)
    if FitCallback is None and callbacks_of(estimator):
        clone._skl_callbacks = list(callbacks_of(estimator))
    return clone


def is_called_by_a_search():
    """Tell whether this is part of a search's or a cross-validation's fit on some rows."""
    codes, frame = {call.__code__ for call in CALLS_THAT_FIT}, sys._getframe(1)
    while frame is not None:
        if frame.f_code in codes:
            return True
        frame = frame.f_back
    return False
