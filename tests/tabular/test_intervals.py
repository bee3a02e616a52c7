"""Intervals and sets have about the share of the targets that they promise, for all that is fit."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.exceptions import NotFittedError
from small_tables import table

from sklearn_backprop import TabularClassifier, TabularRegressor
from sklearn_backprop.losses import Quantile

QUICK = {"n_estimators": 5, "hidden_layer_sizes": (16, 16), "max_iter": 40, "random_state": 0}


def numbers(n, seed):
    """Return a table and targets whose noise grows with x."""
    random = np.random.RandomState(seed)
    X = pd.DataFrame({"x": random.uniform(0, 4, n), "c": random.choice(["a", "b"], n)})
    noise = random.normal(size=n) * (0.2 + X["x"])
    return X, (3 * np.sin(X["x"]) + (X["c"] == "a") + noise).to_numpy()


def classes(n, seed):
    X, y = numbers(n, seed)
    return X, np.digitize(y, [0.0, 2.0]).astype(str)


LOSSES = {
    "squared": "squared_error",
    "absolute": "absolute_error",
    "gaussian": "gaussian",
    "quantiles": Quantile([0.05, 0.95]),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("level", [0.6, 0.9])
def test_coverage(name, level):
    """Over six tables: inside of what the binomial allows, and 2 % for epochs that were chosen."""
    inside = total = 0
    for seed in range(6):
        X, y = numbers(900, seed)
        model = TabularRegressor(**QUICK, loss=LOSSES[name]).fit(X[:400], y[:400])
        low, high = model.predict_interval(X[400:], level).T
        assert (low <= high).all()
        inside += ((low <= y[400:]) & (y[400:] <= high)).sum()
        total += 500
    # the 2,400 rows that decide vary as well as those that are counted
    least, most = binom.interval(0.999, 1300, level)
    assert least / 1300 - 0.02 < inside / total < most / 1300 + 0.02


def test_they_are_as_wide_as_the_noise_where_the_loss_knows_it():
    X, y = numbers(800, 0)
    widths = {}
    for name, loss in LOSSES.items():
        model = TabularRegressor(**QUICK, loss=loss).fit(X, y)
        low, high = model.predict_interval(X).T
        widths[name] = np.corrcoef(high - low, X["x"])[0, 1]
    assert min(widths["gaussian"], widths["quantiles"]) > 0.8 > abs(widths["squared"]) + 0.3


def test_several_targets_are_each_as_alone():
    X, y = numbers(400, 0)
    model = TabularRegressor(**QUICK).fit(X, np.column_stack([y, 100 * y]))
    intervals = model.predict_interval(X)
    assert intervals.shape == (400, 2, 2)
    inside = (intervals[:, 0] <= np.column_stack([y, 100 * y])) & (
        np.column_stack([y, 100 * y]) <= intervals[:, 1]
    )
    assert (np.abs(inside.mean(axis=0) - 0.9) < 0.08).all()


@pytest.mark.parametrize("level", [0.6, 0.9])
def test_sets_of_classes(level):
    inside = total = 0
    for seed in range(6):
        X, y = classes(1300, seed)
        model = TabularClassifier(**QUICK, validation_fraction=0.2).fit(X[:400], y[:400])
        sets = model.predict_set(X[400:], level)
        assert sets.shape == (900, 3) and sets.dtype == bool
        inside += sets[np.arange(900), np.searchsorted(model.classes_, y[400:])].sum()
        total += 900
    least, most = binom.interval(0.999, 1600, level)
    assert least / 1600 - 0.02 < inside / total < most / 1600 + 0.02


def test_a_higher_level_is_wider_and_has_more():
    X, y = numbers(400, 0)
    model = TabularRegressor(**QUICK).fit(X, y)
    narrow, wide = (model.predict_interval(X, level) for level in (0.5, 0.95))
    assert (wide[:, 0] <= narrow[:, 0]).all() and (narrow[:, 1] <= wide[:, 1]).all()
    X, y = classes(400, 0)
    model = TabularClassifier(**QUICK).fit(X, y)
    few, many = (model.predict_set(X, level) for level in (0.5, 0.95))
    assert (few <= many).all() and few.sum() < many.sum()


@pytest.mark.parametrize("how", ["groups", "time", "X_val", "weights"])
def test_whatever_is_held_out(how):
    X, y = numbers(600, 0)
    more, more_y = numbers(200, 2)
    given = {
        "groups": {"groups": np.arange(600) // 6},
        "time": {"time": np.arange(600)},
        "X_val": {"X_val": more, "y_val": more_y},
        "weights": {"sample_weight": np.where(np.arange(600) % 2, 1.0, 2.0)},
    }[how]
    new, truth = numbers(1000, 1)
    model = TabularRegressor(**QUICK).fit(X, y, **given)
    low, high = pickle.loads(pickle.dumps(model)).predict_interval(new).T
    np.testing.assert_array_equal(np.array([low, high]).T, model.predict_interval(new))
    assert 0.82 < ((low <= truth) & (truth <= high)).mean() < 0.97


def test_what_cannot_be_is_said():
    X, labels, y = table(60)
    model = TabularRegressor(**QUICK).fit(X, y)
    for level in (0, 1, -0.1, 1.5, np.nan):
        with pytest.raises(ValueError, match=r"confidence_level=.* between 0 and 1"):
            model.predict_interval(X, level)
    with pytest.raises(ValueError, match=r"confidence_level=0\.99 needs 99 rows .* are 60"):
        model.predict_interval(X, 0.99)
    with pytest.raises(ValueError, match="predict_interval needs rows that were held out"):
        TabularRegressor(**QUICK).fit(X[:15], y[:15]).predict_interval(X)
    several = np.column_stack([labels == "one", y > 100]).astype(int)
    with pytest.raises(ValueError, match="multilabel"):
        TabularClassifier(**QUICK).fit(X, several).predict_set(X)
    with pytest.raises(NotFittedError):
        TabularRegressor().predict_interval(X)
    with pytest.raises(NotFittedError):
        TabularClassifier().predict_set(X)
