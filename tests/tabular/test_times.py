"""Dates, times and durations: one reading for every container of pandas, polars, pyarrow, NumPy."""

import datetime as dt
import warnings
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_backprop.tabular import TabularEncoder, TabularRegressor
from sklearn_backprop.tabular._times import is_iso

pytestmark = [
    pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names"),
    pytest.mark.filterwarnings("ignore:The text of"),
    pytest.mark.filterwarnings("ignore:Most values of"),
]

TOKYO = ZoneInfo("Asia/Tokyo")
OFFSETS = [dt.timezone(dt.timedelta(hours=hours)) for hours in (0, -3, 5.5)]


def frame(values, dtype=None):
    return pd.DataFrame({"x0": pd.Series(list(values), dtype=dtype)})


def objects(values):
    return np.array([*values, None], object)[:-1, None]


def in_zones(values):
    """Return the same moments, in one zone after another."""
    utc = [value.replace(tzinfo=dt.UTC) for value in values]
    return [value.astimezone(OFFSETS[i % 3]) for i, value in enumerate(utc)]


def in_tokyo(values):
    return pd.Series(values).dt.tz_localize("UTC").dt.tz_convert(TOKYO)


def as_periods(values):
    return pd.PeriodIndex(np.array(values, "M8[us]"), freq="us")


def of_numpy(unit):
    return lambda values: np.array(values, f"M8[{unit}]")


# what holds moments in UTC, given as datetimes without a zone
MOMENTS = {
    "array": lambda values: of_numpy("us")(values)[:, None],
    "array of datetime": objects,
    "array of datetime64": lambda values: objects(list(of_numpy("us")(values))),
    "list": lambda values: [[value] for value in values],
    "pandas": lambda values: frame(of_numpy("us")(values)),
    "pandas with a zone": lambda values: in_tokyo(of_numpy("us")(values)).to_frame("x0"),
    "pandas, Timestamps": lambda values: frame(map(pd.Timestamp, values), object),
    "pandas, datetime": lambda values: frame(values, object),
    "pandas, many zones": lambda values: frame(in_zones(values), object),
    "pandas, periods": lambda values: frame(as_periods(values)),
    "pandas, periods as objects": lambda values: frame(as_periods(values), object),
    "pandas over pyarrow": lambda values: frame(values, pd.ArrowDtype(pa.timestamp("us"))),
    "pandas over pyarrow with a zone": lambda values: frame(
        in_zones(values), pd.ArrowDtype(pa.timestamp("us", "Asia/Tokyo"))
    ),
    "polars": lambda values: pl.DataFrame({"x0": values}),
    "polars with a zone": lambda values: pl.DataFrame({"x0": values}).with_columns(
        pl.col("x0").dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo")
    ),
    "polars, objects": lambda values: pl.DataFrame({"x0": pl.Series(values, dtype=pl.Object)}),
    "pyarrow": lambda values: pa.table({"x0": pa.array(values, pa.timestamp("us"))}),
    "pyarrow with a zone": lambda values: pa.table(
        {"x0": pa.array(in_zones(values), pa.timestamp("us", "Asia/Tokyo"))}
    ),
    "text": lambda values: frame([value.isoformat(" ") for value in values]),
    "text with zones": lambda values: frame([value.isoformat() for value in in_zones(values)]),
    "text of an array": lambda values: np.array([[value.isoformat() + "Z"] for value in values]),
}

# what holds days
DAYS = {
    "array": lambda values: of_numpy("D")(values)[:, None],
    "array, seconds": lambda values: of_numpy("s")(values)[:, None],
    "array of date": objects,
    "pandas, date": lambda values: frame(values, object),
    "pandas, seconds": lambda values: frame(of_numpy("s")(values)),
    "pandas, date and datetime": lambda values: frame(
        [dt.datetime(*day.timetuple()[:3]) if i % 2 else day for i, day in enumerate(values)],
        object,
    ),
    "pandas, periods": lambda values: frame(pd.PeriodIndex(of_numpy("s")(values), freq="D")),
    "pandas, date32": lambda values: frame(values, pd.ArrowDtype(pa.date32())),
    "pandas, date64": lambda values: frame(values, pd.ArrowDtype(pa.date64())),
    "polars": lambda values: pl.DataFrame({"x0": values}),
    "polars, objects": lambda values: pl.DataFrame({"x0": pl.Series(values, dtype=pl.Object)}),
    "pyarrow, date32": lambda values: pa.table({"x0": pa.array(values, pa.date32())}),
    "pyarrow, date64": lambda values: pa.record_batch({"x0": pa.array(values, pa.date64())}),
    "text": lambda values: frame(map(str, values)),
    "text of polars": lambda values: pl.DataFrame({"x0": list(map(str, values))}),
}

DURATIONS = {
    "array": lambda values: np.array(values, "m8[us]")[:, None],
    "array, nanoseconds": lambda values: np.array(values, "m8[ns]")[:, None],
    "array of timedelta": objects,
    "array of timedelta64": lambda values: objects([np.timedelta64(value) for value in values]),
    "pandas": lambda values: frame(np.array(values, "m8[us]")),
    "pandas, Timedeltas": lambda values: frame(map(pd.Timedelta, values), object),
    "pandas over pyarrow": lambda values: frame(values, pd.ArrowDtype(pa.duration("us"))),
    "polars": lambda values: pl.DataFrame({"x0": values}),
    "pyarrow": lambda values: pa.table({"x0": pa.array(values, pa.duration("us"))}),
}

CLOCK = {
    "array of time": objects,
    "pandas": lambda values: frame(values, object),
    "pandas over pyarrow": lambda values: frame(values, pd.ArrowDtype(pa.time64("us"))),
    "polars": lambda values: pl.DataFrame({"x0": values}),
    "pyarrow": lambda values: pa.table({"x0": pa.array(values, pa.time64("ns"))}),
}

moments = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30))
days = st.dates()
durations = st.timedeltas(dt.timedelta(-90_000), dt.timedelta(90_000))
KINDS = {
    "moments": (MOMENTS, moments),
    "days": (DAYS, days),
    "durations": (DURATIONS, durations),
    "clock": (CLOCK, st.times()),
}


@pytest.mark.parametrize("named", ["auto", [0]])
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_every_container_is_the_same_in_fit_and_in_predict(kind, named, data):
    containers, strategy = KINDS[kind]
    values = data.draw(st.lists(strategy, min_size=1, max_size=6))
    # text that is named is no date in fit: categories have its spelling and its order
    reference, *_ = encoders = [
        TabularEncoder(named).fit(make(values))
        for name, make in containers.items()
        if named == "auto" or not name.startswith("text")
    ]
    expected = reference.transform(next(iter(containers.values()))(values))
    other = data.draw(st.sampled_from(encoders))
    for name, make in containers.items():
        assert_array_equal(reference.transform(make(values)), expected, err_msg=name)
        assert_array_equal(other.transform(make(values[::-1]))[::-1], expected, err_msg=name)
    one = data.draw(st.sampled_from(list(containers.values())))(values)
    for encoder in encoders:
        assert_array_equal(encoder.transform(one), expected)


@settings(max_examples=100, deadline=None)
@given(st.lists(moments, min_size=2, max_size=9, unique=True), st.sampled_from(sorted(MOMENTS)))
def test_moments_are_days_on_a_line(values, container):
    encoded = TabularEncoder(limit=None).fit_transform(MOMENTS[container](values)).ravel()
    numbers = np.array([(value - values[0]) / dt.timedelta(1) for value in values])
    expected = TabularEncoder(limit=None).fit_transform(numbers[:, None]).ravel()
    assert_allclose(encoded, expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(durations, min_size=1, max_size=6), st.sampled_from(sorted(DURATIONS)))
def test_durations_are_numbers_of_days(values, container):
    numbers = np.array([[value / dt.timedelta(1)] for value in values])
    table = DURATIONS[container](values)
    expected = TabularEncoder().fit_transform(numbers)
    assert_allclose(TabularEncoder().fit_transform(table), expected, rtol=1e-9, atol=1e-9)
    later = TabularEncoder().fit(numbers).transform(table)
    assert_allclose(later, expected, rtol=1e-9, atol=1e-9)


def test_dates_and_numbers_of_days_since_1970_are_the_same():
    values = np.array(["1969-12-31", "2024-01-01", "2024-01-05"], "M8[D]")[:, None]
    numbers = values.astype(float)
    expected = TabularEncoder().fit_transform(values)
    assert_allclose(TabularEncoder().fit(values).transform(numbers), expected, rtol=1e-12)
    assert_allclose(TabularEncoder().fit(numbers).transform(values), expected, rtol=1e-12)


def test_nanoseconds_are_kept_far_from_1970():
    steps = np.arange(9) ** 2
    values = np.datetime64("2024-05-17T13:00:00.000000000") + steps
    expected = TabularEncoder().fit_transform(steps[:, None].astype(float))
    for table in (
        values[:, None],
        objects(list(values)),
        frame(values),
        frame(map(pd.Timestamp, values), object),
        frame(map(pd.Timedelta, values - np.datetime64("2024-05-17", "ns")), object),
        pl.DataFrame({"x0": values}),
        pa.table({"x0": values}),
        frame(np.datetime_as_string(values)),
    ):
        assert_allclose(TabularEncoder().fit_transform(table), expected, atol=1e-12)
        assert TabularEncoder([0]).fit_transform(table).shape == (9, 9)


def test_a_first_date_that_stands_for_nothing_costs_no_digits():
    steps = np.datetime64("2024-05-17T13:00:00.000000000") + np.arange(9)
    values = objects([dt.date(1, 1, 1), *steps])
    encoder = TabularEncoder().fit(values)
    encoded = encoder.transform(values)
    assert len(np.unique(encoded)) == 10
    assert_array_equal(TabularEncoder().fit(values[::-1]).transform(values), encoded)


def test_years_that_python_does_not_have():
    values = np.array(["-0005-01-01", "2024-01-01", "2024-01-02", "20000-01-01"], "M8[s]")
    for named in ("auto", [0]):
        expected = TabularEncoder(named).fit_transform(values[:, None])
        encoder = TabularEncoder(named).fit(frame(values, object))
        assert_array_equal(encoder.transform(frame(values)), expected)
        assert_array_equal(encoder.transform(frame(values, object)), expected)


def test_periods_are_their_starts():
    for freq, expected in (("M", "2024-05-01"), ("Y", "2024-01-01"), ("Q", "2024-04-01")):
        periods = pd.period_range("2024-05", periods=3, freq=freq)
        encoder = TabularEncoder().fit(frame(periods))
        first = encoder.transform(frame(periods))[:1]
        assert_array_equal(encoder.transform(np.array([[expected]], "M8[D]")), first)
        assert_array_equal(encoder.transform(frame(periods[:1], object)), first)


@pytest.mark.parametrize("unit", ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs"])
def test_all_units_of_numpy(unit):
    values = np.array([0, 1, 5, -3, 2, 7])
    expected = TabularEncoder().fit_transform(values[:, None].astype(float))
    durations = values[:, None].astype(f"m8[{unit}]")
    assert_allclose(TabularEncoder().fit_transform(durations), expected, atol=1e-12)
    moments = values[:, None].astype(f"M8[{unit}]")
    as_days = (moments - np.datetime64("1970-01-01", unit)).astype(f"m8[{unit}]")
    if unit in ("Y", "M"):  # of unequal length
        as_days = moments.astype("M8[D]") - np.datetime64("1970-01-01", "D")
    assert_allclose(
        TabularEncoder().fit_transform(moments), TabularEncoder().fit_transform(as_days), atol=1e-12
    )


DAYS_OF_UNITS = {
    "Y": 365.2425, "M": 30.436875, "3M": 91.310625, "W": 7, "2W": 14, "D": 1, "12h": 0.5,
    "25s": 25 / 86_400, "10ns": 1e-8 / 86_400, "7ps": 7e-12 / 86_400,
}  # fmt: skip


@pytest.mark.parametrize(("unit", "n_days"), DAYS_OF_UNITS.items())
def test_a_duration_of_numpy_is_so_many_days(unit, n_days):
    values = np.array([[3], [-5], [40]])
    encoder = TabularEncoder(limit=None).fit([[-n_days], [0.0], [n_days]])
    durations = encoder.transform(values.astype(f"m8[{unit}]"))
    assert_allclose(durations, encoder.transform(values * n_days), rtol=1e-9)


NOTHING = [None, np.nan, pd.NaT, pd.NA, np.datetime64("NaT", "D")]


def test_missing_times_of_every_kind():
    day = dt.date(2024, 1, 1)
    for table in (
        frame([day, *NOTHING, dt.date(2024, 1, 5)], object),
        objects([day, *NOTHING, dt.date(2024, 1, 5)]),
        pl.DataFrame({"x0": [day, None, dt.date(2024, 1, 5)]}),
        pa.table({"x0": pa.array([day, None, dt.date(2024, 1, 5)], pa.date32())}),
        frame(pd.PeriodIndex(["2024-01-01", None, "2024-01-05"], freq="D")),
        frame(["2024-01-01", None, "2024-01-05"]),
        np.array([["2024-01-01"], ["NaT"], ["2024-01-05"]], "M8[D]"),
    ):
        encoder = TabularEncoder().fit(table)
        assert encoder.get_feature_names_out().tolist() == ["x0", "x0_missing"]
        # nothing is the median, whatever says so
        assert_array_equal(encoder.transform(objects(NOTHING))[:, 0], 0)
    nothing = TabularEncoder(n_bins=3).fit(np.full((4, 1), "NaT", "M8[ns]"))
    assert_array_equal(nothing.transform(np.array([["2024-01-01"], ["NaT"]], "M8[D]")), 0)


def test_text_that_is_all_dates_is_read_as_dates_and_told_once():
    table = frame(["2024-01-01", "2024-01-02", None, "2024-01-09"])
    with pytest.warns(UserWarning, match=r"text of \['x0'\] is read as dates") as told:
        encoder = TabularEncoder().fit(table)
    assert len(told) == 1
    assert encoder.get_feature_names_out().tolist() == ["x0", "x0_missing"]
    with pytest.raises(ValueError, match=r"'x0' was a column of dates in fit.*'soon'"):
        encoder.transform(frame(["soon"]))


def test_text_dates_that_are_named_are_categories_and_nothing_is_told():
    table = frame(["2024-01-01", "2024-01-02", "2024-01-09"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names = TabularEncoder(["x0"]).fit(table).get_feature_names_out().tolist()
    assert names == ["x0_2024-01-01", "x0_2024-01-02", "x0_2024-01-09"]
    # one value that is no date is enough
    assert TabularEncoder().fit(frame(["2024-01-01", "soon"])).categories_[0] is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-29", True),
        ("2023-02-29", False),
        ("2024-01-01 23:59:59.123456789", True),
        ("2024-01-01T23:59Z", True),
        ("2024-01-01 10:00+05:30", True),
        ("2024-01-01 10:00:00-0330", True),
        ("2024-01-01 24:00", False),
        ("2024-01-01T", False),
        ("20240101", False),
        ("2024-13-01", False),
        ("01/02/2024", False),
        ("0000-01-01", False),
        ("２０２４-01-01", False),
        ("", False),
    ],
)
def test_what_a_date_is(text, expected):
    assert is_iso(text) is expected


@settings(max_examples=200, deadline=None)
@given(st.datetimes(timezones=st.timezones() | st.none()))
def test_what_python_writes_is_a_date(value):
    offset = value.utcoffset()
    whole_minutes = offset is None or not offset % dt.timedelta(minutes=1)
    assert is_iso(value.isoformat()) is whole_minutes


def test_a_mixture_of_times_and_numbers_is_categories():
    for values in ([dt.date(2024, 1, 1), 3], [dt.date(2024, 1, 1), dt.timedelta(1)]):
        assert TabularEncoder().fit(frame(values, object)).categories_[0] is not None


def test_a_trend_is_learned_from_dates_in_any_container():
    dates = np.datetime64("2024-01-01") + (np.arange(80) * 7) % 101
    y = (dates - dates[0]).astype(float)
    settings = {"n_estimators": 1, "max_iter": 64, "companions": None, "random_state": 0}
    reference = TabularRegressor(**settings).fit(frame(dates[::2].astype("M8[s]")), y[::2])
    assert reference.score(frame(dates[1::2].astype("M8[s]")), y[1::2]) > 0.9
    expected = reference.predict(frame(dates[1::2].astype("M8[s]")))
    for make in (DAYS["pandas, date"], DAYS["text"], DAYS["pyarrow, date32"], DAYS["polars"]):
        model = TabularRegressor(**settings).fit(make(dates[::2].tolist()), y[::2])
        assert_array_equal(model.predict(make(dates[1::2].tolist())), expected)
