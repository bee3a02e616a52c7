"""Dates bring weekday, month, time of the year and of the day, where these say something."""

import calendar
import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_backprop.tabular import TabularClassifier, TabularEncoder, TabularRegressor
from sklearn_backprop.tabular._calendar import PARTS, Calendar

DAY_NAMES = [name.lower() for name in calendar.day_name]


def names_of(times):
    encoder = TabularEncoder().fit(pd.DataFrame({"t": times}))
    return [name.removeprefix("t_") for name in encoder.get_feature_names_out()[1:]]


@given(st.datetimes(datetime.datetime(1600, 1, 1), datetime.datetime(2400, 1, 1)))
@settings(max_examples=300, deadline=None)
def test_they_are_those_of_the_calendar(moment):
    days = np.array([(moment - datetime.datetime(1970, 1, 1)) / datetime.timedelta(1)])
    weekday, month = PARTS["weekday"], PARTS["month"]
    assert weekday.names[weekday.columns(days)[0].argmax()] == DAY_NAMES[moment.weekday()]
    assert month.columns(days)[0].argmax() == moment.month - 1
    seconds = (moment - moment.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    angle = 2 * np.pi * seconds / 86_400
    np.testing.assert_allclose(
        PARTS["day"].columns(days)[0], [np.cos(angle), np.sin(angle)], atol=1e-6
    )


def test_a_part_is_there_where_it_says_something():
    weekdays = [name.lower() for name in calendar.day_name]
    long = pd.date_range("2020-01-01", periods=1000, freq="D")
    months = [f"month{k}" for k in range(1, 13)]
    assert names_of(long) == [*weekdays, *months, "year_cos", "year_sin"]
    assert names_of(long[:300]) == weekdays  # a year that is seen once is time itself
    hours = pd.date_range("2024-01-01", periods=200, freq="h")
    assert names_of(hours) == [*weekdays, "day_cos", "day_sin"]
    assert names_of(long[:30]) == []  # too few rows for seven days
    assert names_of(long[::7][:100]) == [*months, "year_cos", "year_sin"]  # always a Wednesday
    assert names_of(pd.to_timedelta(np.arange(1000), "D")) == []  # no points in time


def test_gaps_are_zero_before_they_are_scaled():
    times = np.append(np.arange(400) + 0.25, np.nan)
    made = Calendar(times[:-1])
    assert made.parts == ["weekday"]
    assert not made.columns(times)[-1].any() and not made.slopes(times)[-1].any()


@pytest.mark.parametrize("part", PARTS)
def test_slopes_are_differences(part):
    days, step = np.random.RandomState(0).uniform(-1e4, 1e4, 200), 1e-5
    up, down = PARTS[part].columns(days + step), PARTS[part].columns(days - step)
    errors = np.abs((up - down) / (2 * step) - PARTS[part].slopes(days))
    # but for a midnight between the two; differences of angles of 6e4 hold seven digits
    assert np.quantile(errors, 0.99) < 1e-4


@pytest.mark.parametrize("cls", [TabularClassifier, TabularRegressor])
def test_a_weekday_is_learned(cls):
    days = pd.Series(pd.date_range("2023-01-01", periods=700))
    busy = days.dt.day_name().str[0] != "S"
    y = np.where(busy, "busy", "quiet") if cls is TabularClassifier else 10.0 * busy
    rows = np.random.RandomState(0).permutation(700)
    X = days.to_frame("day")
    model = cls(n_estimators=2, hidden_layer_sizes=(16, 16), max_iter=60, random_state=0)
    model.fit(X.iloc[rows[:500]], y[rows[:500]])
    assert model.score(X.iloc[rows[500:]], y[rows[500:]]) > 0.98
