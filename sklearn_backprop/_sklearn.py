"""What of scikit-learn is private, or differs between its versions: all of it, and nowhere else.

Private names may move with any release; then this is the one file to change. The
constraints of constructor parameters, `_validate_params` and `_get_param_names` are
inherited from `BaseEstimator`, whose own way of checking parameters they are.
"""

from sklearn.base import _clone_parametrized as clone_parametrized
from sklearn.model_selection import _validation
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions
from sklearn.utils.metaestimators import _safe_split as safe_split
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _check_y as check_y
from sklearn.utils.validation import _num_samples as num_samples

try:
    from sklearn.callback import CallbackSupportMixin, FitCallback, with_callbacks
except ImportError:  # scikit-learn before 1.9
    FitCallback = None

    class CallbackSupportMixin:
        """Stands in for scikit-learn's: keeps plain functions."""

        def set_callbacks(self, *callbacks):
            """Set the callbacks."""
            self._skl_callbacks = list(callbacks)
            return self

    def with_callbacks(method):
        """Return the method itself."""
        return method


CALLS_THAT_FIT = {
    getattr(_validation, name)
    for name in ("_fit_and_score", "_fit_and_predict")
    if hasattr(_validation, name)
}
"""The functions whose calls fit ``estimator`` on the rows ``train`` of X and y."""


def callbacks_of(estimator):
    """Return the callbacks that were set for an estimator."""
    return getattr(estimator, "_skl_callbacks", None) or []


def clone_with_callbacks(estimator):
    """Return what ``clone`` does, with the callbacks, as scikit-learn does from 1.9 on."""
    clone = clone_parametrized(estimator)
    if FitCallback is None and callbacks_of(estimator):
        clone._skl_callbacks = list(callbacks_of(estimator))
    return clone
