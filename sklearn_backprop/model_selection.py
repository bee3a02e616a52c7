"""scikit-learn's searches and cross-validation, many times faster for these estimators.

Change one import line::

    from sklearn_backprop.model_selection import GridSearchCV

Names, signatures, attributes and results are scikit-learn's; where the estimator is a
Backprop estimator, or a ``Pipeline`` that ends in one, candidates and folds train
together in stacks. Preprocessing steps are fitted once a fold and distinct setting,
and shared. Anything else takes scikit-learn's own path. Times in ``cv_results_`` are
each candidate's share of its stack's.
"""

from functools import wraps
from inspect import cleandoc

from joblib import parallel_config
from sklearn import model_selection as _original

from .halving import SuccessiveHalvingSearchCV
from .search_tasks import StackingBackend

__all__ = [
    "GridSearchCV",
    "RandomizedSearchCV",
    "SuccessiveHalvingSearchCV",
    "cross_val_predict",
    "cross_val_score",
    "cross_validate",
    "learning_curve",
    "validation_curve",
]


def _stacked(function):
    """Return a function whose fits train in stacks."""

    @wraps(function)
    def stacked(*args, **kwargs):
        with parallel_config(backend=StackingBackend()):
            return function(*args, **kwargs)

    stacked.__module__ = __name__  # where pickle finds it
    # without the examples, which show scikit-learn's estimators under its own print options
    stacked.__doc__ = cleandoc(function.__doc__ or "").split("\n\nExamples\n")[0]
    return stacked


class GridSearchCV(_original.GridSearchCV):
    """`sklearn.model_selection.GridSearchCV`, whose candidates and folds train together."""

    fit = _stacked(_original.GridSearchCV.fit)


class RandomizedSearchCV(_original.RandomizedSearchCV):
    """`sklearn.model_selection.RandomizedSearchCV`, whose fits train together."""

    fit = _stacked(_original.RandomizedSearchCV.fit)


cross_validate = _stacked(_original.cross_validate)
cross_val_score = _stacked(_original.cross_val_score)
cross_val_predict = _stacked(_original.cross_val_predict)
learning_curve = _stacked(_original.learning_curve)
validation_curve = _stacked(_original.validation_curve)
