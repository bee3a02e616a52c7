"""Compare searches: scikit-learn's own, on the same estimator, is the oracle of all of them."""

import re
from collections import Counter

import numpy as np
import sklearn.model_selection
from same_fits import FLOAT64, outcome
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

import sklearn_backprop.model_selection


def assert_as_sklearn(case, stacks, stacked=True):
    """Run a case with both modules and compare; return the result with ours.

    Parameters
    ----------
    case : callable
        Given the module, returns a fitted search or what a function of it returns.
    stacks : list
        The fixture.
    stacked : bool
        Whether networks are to train in stacks of several.
    """
    theirs, error, warned = outcome(case, sklearn.model_selection)
    assert not stacks
    ours, our_error, we_warned = outcome(case, sklearn_backprop.model_selection)
    assert (max(stacks, default=1) > 1) == stacked, stacks
    assert Counter(category for category, _ in we_warned) == Counter(c for c, _ in warned)
    assert type(our_error) is type(error)
    if error is not None:
        assert first_line(our_error) == first_line(error)
    assert_same_result(ours, theirs)
    return ours


def first_line(error):
    """Return an error's message as far as it is sure to be the same for everyone."""
    return without_addresses(str(error).strip().partition("\n")[0])


def without_addresses(text):
    return re.sub(r"0x[0-9a-fA-F]+", "0x", text)


def assert_same_result(ours, theirs, name=""):
    """Compare whatever a search or a function returns: times exist, all else is equal."""
    if isinstance(theirs, sklearn.model_selection._search.BaseSearchCV):
        assert_same_search(ours, theirs)
    elif isinstance(theirs, BaseEstimator):
        assert_same_estimator(ours, theirs)
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs), name
        for key, value in theirs.items():
            if str(key).endswith("_time"):
                assert np.shape(ours[key]) == np.shape(value), key
                assert (np.asarray(ours[key]) >= 0).all(), key
            else:
                assert_same_result(ours[key], value, f"{name}[{key!r}]")
    elif isinstance(theirs, (list, tuple)):
        assert type(ours) is type(theirs), name
        assert len(ours) == len(theirs), name
        for k, value in enumerate(theirs):
            assert_same_result(ours[k], value, f"{name}[{k}]")
    elif isinstance(theirs, np.ndarray) and theirs.dtype.kind == "f" and not np.ma.isMA(theirs):
        np.testing.assert_allclose(
            ours, theirs, rtol=FLOAT64, atol=FLOAT64, err_msg=name, strict=True
        )
    elif isinstance(theirs, float):
        np.testing.assert_allclose(ours, theirs, rtol=FLOAT64, atol=FLOAT64, err_msg=name)
    else:
        assert type(ours) is type(theirs), name
        assert without_addresses(repr(ours)) == without_addresses(repr(theirs)), name


def assert_same_search(ours, theirs):
    """Compare every public attribute of two fitted searches."""
    assert sorted(vars(ours)) == sorted(vars(theirs))
    assert isinstance(ours, type(theirs))
    assert type(ours).__name__ == type(theirs).__name__
    for name, value in vars(theirs).items():
        if name.endswith("_") and name not in ("scorer_", "refit_time_"):
            assert_same_result(getattr(ours, name), value, name)


def assert_same_estimator(ours, theirs):
    """Compare parameters, and the fitted weights at the end."""
    assert type(ours) is type(theirs)
    assert without_addresses(repr(ours)) == without_addresses(repr(theirs))
    assert sorted(vars(ours)) == sorted(vars(theirs))
    if isinstance(theirs, Pipeline):
        for (_, our_step), (_, step) in zip(ours.steps, theirs.steps, strict=True):
            if isinstance(step, BaseEstimator):
                assert_same_estimator(our_step, step)
    for name in ("coefs_", "intercepts_", "loss_curve_", "mean_", "categories_", "best_estimator_"):
        if hasattr(theirs, name):
            assert_same_result(getattr(ours, name), getattr(theirs, name), name)
