"""time= of a table's fit: members hold out rows that are later than all they train on."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import TimeSeriesSplit, cross_validate

from sklearn_backprop import TabularClassifier, TabularRegressor
from sklearn_backprop.tabular._held_out import check_time, later_blocks

RANDOM = np.random.RandomState(0)
X = RANDOM.standard_normal((100, 3))
DAYS = RANDOM.permutation(100)
LABELS = np.where(X[:, 0] > 0, "a", "b")
QUICK = {"hidden_layer_sizes": 4, "max_iter": 2, "companions": None, "random_state": 0}
BOTH = pytest.mark.parametrize(
    ("kind", "y"), [(TabularClassifier, LABELS), (TabularRegressor, X[:, 0])]
)


@given(
    st.lists(st.integers(0, 30), min_size=2, max_size=60).filter(lambda days: len(set(days)) > 1),
    st.floats(0.01, 0.5),
    st.integers(1, 8),
)
@settings(max_examples=200, deadline=None)
def test_what_is_held_out_is_later_and_not_cut_through_a_moment(days, fraction, n_members):
    days = np.array(days)
    moments = check_time(days, len(days))
    shares = later_blocks(moments, fraction, n_members)
    assert len(shares) == n_members
    for share in shares:
        rows = np.arange(len(days)) if share.rows is None else share.rows
        trained_on = np.delete(rows, share.validation)
        assert len(trained_on) and len(share.held_out)
        assert days[trained_on].max() < days[share.held_out].min()
        # and nothing between is left out
        assert len(rows) == np.sum(days <= days[share.held_out].max())
    assert shares[-1].rows is None
    firsts = [days[share.held_out].min() for share in shares]
    assert firsts == sorted(firsts)


def test_blocks_of_moments_that_differ():
    moments = np.random.RandomState(0).permutation(100)
    shares = later_blocks(moments, 0.1, 3)
    blocks = [sorted(moments[share.held_out]) for share in shares]
    assert blocks == [list(range(k, k + 10)) for k in (70, 80, 90)]
    # where members are many the first trains on half of the rows
    shares = later_blocks(moments, 0.5, 5)
    assert sorted(moments[shares[0].held_out]) == list(range(50, 60))


@pytest.mark.parametrize(
    "values",
    [
        DAYS.tolist(),
        DAYS / 7,
        DAYS * 10**15,
        np.datetime64("2020-01-01") + DAYS,
        pd.Series(pd.Timestamp("2020-01-01", tz="Asia/Tokyo") + pd.to_timedelta(DAYS, "h")),
        pd.Series(pd.to_timedelta(DAYS, "ns")),
        pd.Index(DAYS),
        pl.Series([datetime.date(2020, 1, 1) + datetime.timedelta(int(day)) for day in DAYS]),
        [str(np.datetime64("2020-01-01") + day) for day in DAYS],
    ],
    ids=["ints", "floats", "large", "numpy", "zone", "nanoseconds", "index", "polars", "iso"],
)
def test_numbers_and_dates_of_any_kind_have_an_order(values):
    np.testing.assert_array_equal(check_time(values, 100), DAYS)


@BOTH
def test_members_train_on_what_is_earlier(kind, y):
    """The last member is what a single network is that was given that validation set."""
    model = kind(n_estimators=3, validation_fraction=0.1, **QUICK).fit(X, y, time=DAYS)
    assert len(model.estimators_) == 3
    encoded = model.encoder_.transform(X)
    for member, n_rows in zip(model.estimators_, (80, 90, 100), strict=True):
        known = n_rows > DAYS
        targets = y if kind is TabularClassifier else (y - y.mean()) / y.std()
        alone = clone(member)
        late = np.flatnonzero(DAYS[known] >= n_rows - 10)
        alone.fit(encoded[known], targets[known], validation_rows=late)
        np.testing.assert_allclose(
            alone.coefs_[0], member.coefs_[0], rtol=1e-4, atol=1e-6
        )  # float32


@pytest.mark.parametrize("routing", [False, True])
def test_time_is_passed_on_only_where_asked_for(routing):
    model = TabularRegressor(n_estimators=1, **QUICK)
    with config_context(enable_metadata_routing=routing):
        done = cross_validate(model, X, X[:, 0], cv=TimeSeriesSplit(2), error_score="raise")
        assert len(done["test_score"]) == 2
        if routing:
            model.set_fit_request(time=True)
            cross_validate(
                model, X, X[:, 0], cv=2, params={"time": np.r_[DAYS[:99], 7]}, error_score="raise"
            )
            with pytest.raises(ValueError, match=r"time is 1\.0 for all rows"):
                cross_validate(
                    model, X, X[:, 0], cv=2, params={"time": np.ones(100)}, error_score="raise"
                )


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"time": DAYS[1:]}, "time has the shape .* for 100 rows"),
        ({"time": DAYS[:, None]}, "time has the shape"),
        ({"time": np.zeros(100)}, "time is .* for all rows"),
        ({"time": np.where(DAYS == 3, np.nan, DAYS)}, "time has missing values"),
        ({"time": LABELS}, "time must be numbers or dates, got '[ab]'"),
        ({"time": DAYS, "groups": DAYS}, "groups and time say twice"),
    ],
)
def test_bad_times_are_named_and_nothing_is_changed(more, message):
    model = TabularRegressor(**QUICK)
    with pytest.raises(ValueError, match=message):
        model.fit(X, X[:, 0], **more)
    assert set(vars(model)) == set(model.get_params())
