"""scikit-learn's searches and cross-validation under the stacking backend."""

from functools import wraps
from inspect import cleandoc

from joblib import parallel_config
from sklearn import model_selection as _original

from ..components import Lasting
from ._tasks import StackingBackend


def _documented_as(original):
    """Return a decorator that gives a function an original's signature and docstring."""

    def decorate(function):
        wraps(original, assigned=())(function)
        # without the examples, which show scikit-learn's estimators under its own print options
        function.__doc__ = cleandoc(original.__doc__ or "").split("\n\nExamples\n")[0]
        return function

    return decorate


class GridSearchCV(Lasting, _original.GridSearchCV):
    """`sklearn.model_selection.GridSearchCV`, whose candidates and folds train together."""

    # scikit-learn's fit is looked up at each call: tools such as mlflow.autolog replace it
    @_documented_as(_original.GridSearchCV.fit)
    def fit(self, X, y=None, **params):
        with parallel_config(backend=StackingBackend()):
            return super().fit(X, y, **params)


class RandomizedSearchCV(Lasting, _original.RandomizedSearchCV):
    """`sklearn.model_selection.RandomizedSearchCV`, whose fits train together."""

    @_documented_as(_original.RandomizedSearchCV.fit)
    def fit(self, X, y=None, **params):
        with parallel_config(backend=StackingBackend()):
            return super().fit(X, y, **params)


def _stacked(original):
    """Return scikit-learn's function of that name, as it is at each call, in stacks."""
    name = original.__name__

    @_documented_as(original)
    def stacked(*args, **kwargs):
        function = getattr(_original, name)
        if function is stacked:  # someone has put it in the place of scikit-learn's
            function = original
        with parallel_config(backend=StackingBackend()):
            return function(*args, **kwargs)

    stacked.__name__ = stacked.__qualname__ = name  # where pickle finds it
    return stacked


cross_validate = _stacked(_original.cross_validate)
cross_val_score = _stacked(_original.cross_val_score)
cross_val_predict = _stacked(_original.cross_val_predict)
learning_curve = _stacked(_original.learning_curve)
validation_curve = _stacked(_original.validation_curve)
