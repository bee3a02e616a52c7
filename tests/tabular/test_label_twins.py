"""Categories that meet again in another type: numbers and their texts, and what is told."""

import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from small_tables import QUICK

from sklearn_backprop.tabular import TabularRegressor
from sklearn_backprop.tabular._base import BLOCK
from sklearn_backprop.tabular._encoder import FEW_VALUES, TabularEncoder

QUIET = pytest.mark.filterwarnings("ignore:Most values of")
NEW = None


def found(known, new):
    """Return for each new label which of the known ones it is encoded as, or NEW."""

    def table(values):
        return pd.DataFrame({"c": pd.Series(list(values), dtype=object)})

    encoder = TabularEncoder(categorical_features=[0], limit=None).fit(table(known))
    rows = [tuple(row) for row in encoder.transform(table(known))]
    unknown = tuple(encoder.transform(table([None]))[0])
    encoded = [tuple(row) for row in encoder.transform(table(new))]
    return [NEW if row == unknown else known[rows.index(row)] for row in encoded]


@QUIET
@pytest.mark.parametrize(
    ("known", "new", "expected"),
    [
        (["10115", "80331", "9"], [10115, 80331.0, 7], ["10115", "80331", NEW]),
        ([10115, 80331, 9], ["10115", "80331.0", "7"], [10115, 80331, NEW]),
        # leading zeros, signs and blanks are text
        (["01067", "b", "c"], [1067, 1067.0, "01067"], [NEW, NEW, "01067"]),
        ([1067, 2, 3], ["01067", "+1067", " 1067", "1_067"], [NEW] * 4),
        # only where the match is unique
        (["1", "1.0", "2"], [1, 2], [NEW, "2"]),
        ([Decimal("1.5"), "2.5", "c"], [1.5, 2.5, "1.5"], [Decimal("1.5"), "2.5", Decimal("1.5")]),
        # the exact label comes first, and text is other text only letter by letter
        (["1", 1.5, "1.5"], ["1.5", 1.5, "1.50"], ["1.5", 1.5, 1.5]),
        (["1.1", "2", "c"], ["1.10", "2.0"], [NEW, NEW]),
        ([True, False, "c"], ["True", "False", "true"], [True, False, NEW]),
        (["True", "False", "c"], [True, False, np.False_], ["True", "False", "False"]),
        # beyond what float64 holds
        (["12345678901234567890", "12345678901234567891", "3"], [12345678901234567891], None),
        ([10**400, 10**401, "b"], [10**401, Decimal("1e400"), 10**402], [10**401, 10**400, NEW]),
        ([1e22, 1e-07, 3], ["1e+22", "1e-07", "1e22", "nan", "inf"], [1e22, 1e-07, NEW, NEW, NEW]),
        (["a", "b", "c"], [np.str_("b"), 1, np.inf], ["b", NEW, NEW]),
        ([np.float32(0.1), np.float32(0.7), "c"], [0.1, 0.7], [np.float32(0.1), np.float32(0.7)]),
        ([0.1, 0.7, "c"], [np.float32(0.1), np.float16(0.7)], [0.1, 0.7]),
        # dates are what they mean
        (
            ["2024-01-01", "b", "c"],
            [np.datetime64("2024-01-01"), "2024-01-01 00:00", "2023-12-31T19:00-05:00"],
            ["2024-01-01"] * 3,
        ),
        # two doubles that one float stands for
        ([0.1, 0.1 + 1e-12, 3.0], [np.float32(0.1)], [NEW]),
        # doubles are not rounded without need
        ([0.5, 0.25, "c"], [0.5 + 1e-12], [NEW]),
    ],
)
def test_numbers_and_their_texts(known, new, expected):
    assert found(known, new) == ([str(label) for label in new] if expected is None else expected)


numbers = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)


@QUIET
@settings(max_examples=60, deadline=None)
@given(st.lists(numbers, min_size=3, max_size=8, unique_by=float))
def test_numbers_find_their_texts_and_back_whatever_they_are(values):
    texts = [str(value) for value in values]
    assert found(texts, values) == texts
    assert found(values, texts) == values


@QUIET
@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e30, 1e30), min_size=3, max_size=8, unique_by=np.float32))
def test_doubles_and_floats_find_each_other_in_every_container(values):
    wide = np.array(values)[:, None]
    narrow = wide.astype(np.float32)
    for one, other in ((wide, narrow), (narrow, wide)):
        encoder = TabularEncoder(categorical_features=[0]).fit(one)
        expected = encoder.transform(one)
        column = other.ravel()
        for table in (
            other,
            pl.DataFrame({"x0": column}),
            pa.table({"x0": column}),
            pd.DataFrame({"x0": pd.array(column, dtype="Float32" if other is narrow else float)}),
        ):
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "X has feature names")
                warnings.filterwarnings("ignore", "X does not have valid feature names")
                assert_array_equal(encoder.transform(table), expected)


def zips(kind, n=80):
    codes = ["10115", "80331", "50667", "20095"]
    numbers = pd.Series(np.resize(codes, n).astype(int))
    return pd.DataFrame(
        {"zip": numbers.astype(str).astype(object) if kind is object else numbers.astype(kind)}
    )


def test_zip_codes_that_became_numbers_are_the_same_to_a_regressor():
    y = zips(int)["zip"].map({10115: 0.0, 80331: 5.0, 50667: -5.0, 20095: 2.0})
    model = TabularRegressor(**QUICK | {"max_iter": 40}).fit(zips(object), y)
    assert model.score(zips(object), y) > 0.9
    for kind in (int, float, "Int64", "str"):
        assert_array_equal(model.predict(zips(kind)), model.predict(zips(object)))


def test_most_values_new_is_told_once_a_call_with_the_names():
    X = pd.DataFrame({"zip": list("abcd") * 20, "x": np.arange(80.0), "hue": ["red", "blue"] * 40})
    model = TabularRegressor(**QUICK).fit(X, X["x"])
    later = pd.concat([X.assign(zip=X["zip"].str.upper(), hue="pink")] * (BLOCK // 40))
    for call in (model.predict, model.encoder_.transform):
        with pytest.warns(UserWarning, match=r"'zip' \(now such as 'A', in fit such as 'a'\)") as c:
            call(later)
        assert len(c) == 1
        assert "'hue'" in str(c[0].message)
        assert "'x'" not in str(c[0].message)


@pytest.mark.parametrize("share", [0, 0.3, 0.5])
def test_some_values_new_says_nothing(share):
    encoder = TabularEncoder().fit(zips(object))
    later = zips(object, 20)
    later.loc[: int(20 * share) - 1, "zip"] = "new"
    encoder.transform(later)


def test_missing_values_do_not_count_and_a_few_rows_say_nothing():
    encoder = TabularEncoder().fit(zips(object))
    encoder.transform(pd.DataFrame({"zip": ["new"] * FEW_VALUES}))
    encoder.transform(pd.DataFrame({"zip": ["new"] * FEW_VALUES + [None] * 40}))
    with pytest.warns(UserWarning, match="'zip'"):
        encoder.transform(pd.DataFrame({"zip": ["new"] * 10 + ["10115"] * 9 + [None] * 40}))
