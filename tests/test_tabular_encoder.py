"""TabularEncoder against known answers, scikit-learn's scalers, and odd tables."""

import datetime
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.preprocessing import OneHotEncoder, RobustScaler
from sklearn.utils.estimator_checks import check_estimator

from sklearn_backprop.tabular_encoder import TabularEncoder

PLAIN = {"limit": None}


def frame_with_everything():
    return pd.DataFrame(
        {
            "age": [22.0, 35.0, np.nan, 58.0, 41.0],
            "city": pd.Categorical(["Rome", "Oslo", "Rome", None, "Bern"]),
            "paid": [True, False, True, True, False],
            "note": ["a", "b", None, "c", "b"],
            "visits": pd.array([1, 2, None, 4, 5], dtype="Int64"),
        }
    )


@pytest.mark.parametrize("n_bins", [None, 4])
def test_check_estimator(n_bins):
    check_estimator(TabularEncoder(n_bins=n_bins), on_skip=None)


def test_numbers_are_scaled_by_their_quartiles():
    X = np.random.default_rng(0).normal(3.0, 5.0, (101, 4))
    expected = RobustScaler().fit_transform(X)
    assert_allclose(TabularEncoder(limit=None).fit_transform(X), expected, rtol=1e-12)


def test_smooth_clip_is_the_formula_and_bounds():
    X = np.array([[-1e9], [-1.0], [0.0], [1.0], [1e9]])
    plain = TabularEncoder(limit=None).fit_transform(X)
    clipped = TabularEncoder(limit=3.0).fit_transform(X)
    assert_allclose(clipped, plain / np.sqrt(1 + (plain / 3) ** 2), rtol=1e-12)
    assert np.abs(clipped).max() <= 3.0


def test_equal_quartiles_fall_back_to_the_range_and_constants_become_zero():
    X = np.zeros((100, 2))
    X[0, 0], X[1, 0] = -3.0, 5.0
    encoded = TabularEncoder(limit=None).fit_transform(X)
    assert_allclose(encoded[:2, 0], [-3.0 * 2 / 8, 5.0 * 2 / 8])
    assert_array_equal(encoded[:, 1], 0)
    later = TabularEncoder(limit=None).fit(X).transform([[0.0, 7.0]])
    assert_array_equal(later, 0)


def test_missing_numbers_become_the_median_with_an_indicator():
    X = np.array([[1.0, 1.0], [np.nan, 2.0], [3.0, 3.0], [8.0, 4.0], [4.0, 5.0]])
    encoder = TabularEncoder(limit=None).fit(X)
    assert encoder.get_feature_names_out().tolist() == ["x0", "x0_missing", "x1"]
    # the median and the quartiles are those of the values that are there
    observed = np.array([1.0, 3.0, 8.0, 4.0])
    q25, median, q75 = np.quantile(observed, (0.25, 0.5, 0.75))
    encoded = encoder.transform(X)
    assert_allclose(encoded[[0, 2, 3, 4], 0], (observed - median) / (q75 - q25))
    assert encoded[1, 0] == 0.0
    assert_array_equal(encoded[:, 1], [0, 2, 0, 0, 0])
    # what is missing only later is the median, and nothing else changes
    assert encoder.transform([[3.0, np.nan]])[0, 2] == 0.0


def test_bins_rise_over_the_quantiles_one_after_another():
    X = np.random.default_rng(0).lognormal(size=(101, 1))
    encoder = TabularEncoder(n_bins=4).fit(X)
    names = encoder.get_feature_names_out().tolist()
    assert names == ["x0", "x0_bin0", "x0_bin1", "x0_bin2", "x0_bin3"]

    def risen(table):
        return (encoder.transform(table)[:, 1:] / 0.25 + 1) / 2

    # at the quartiles so many bins are full, and the others empty; and so it stays outside
    quartiles = np.sort(X, axis=0)[[0, 25, 50, 75, 100]]
    assert_allclose(risen(quartiles), np.tri(5, 4, -1), atol=1e-12)
    assert_allclose(risen([[-1e9], [1e9]]), [[0] * 4, [1] * 4], atol=1e-12)
    # inside a bin the rise is linear in the scaled and clipped number
    first = encoder.transform(X)[:, 0]
    low, high = encoder.transform(quartiles)[1:3, 0]
    inside = (first >= low) & (first <= high)
    assert_allclose(risen(X)[inside, 1], (first[inside] - low) / (high - low), atol=1e-12)


def test_bins_are_for_numbers_with_many_values_only():
    X = pd.DataFrame({"few": np.arange(20) % 8, "many": np.arange(20.0), "c": list("ab") * 10})
    X.loc[3, "many"] = np.nan
    names = TabularEncoder(n_bins=3).fit(X).get_feature_names_out().tolist()
    assert names == ["few", "many", "many_bin0", "many_bin1", "many_bin2", "many_missing", "c_b"]
    # a number that fills a whole third leaves one bin less
    X["many"] = np.maximum(X["many"], 10.0)
    names = TabularEncoder(n_bins=3).fit(X).get_feature_names_out().tolist()
    assert names == ["few", "many", "many_bin0", "many_bin1", "many_missing", "c_b"]


def test_categories_are_one_hot_columns_scaled_like_numbers():
    values = np.array(["b", "a", "c", "b", "d", "b", "a", "b"], object)[:, None]
    encoded = TabularEncoder(limit=None).fit_transform(values)
    one_hot = OneHotEncoder(sparse_output=False).fit_transform(values)
    assert_array_equal(encoded != encoded[[2]], one_hot != one_hot[[2]])
    assert_array_equal(encoded[:, 2], one_hot[:, 2] * 2)  # one in eight: 2 / (max - min)


def test_two_categories_are_one_column_of_minus_one_and_one():
    X = np.array(["no", "yes", "yes", "no", None, "maybe"], object)[:, None]
    encoder = TabularEncoder(limit=None).fit(X[:4])
    assert_array_equal(encoder.transform(X).ravel(), [-0.5, 0.5, 0.5, -0.5, 0, 0])
    assert encoder.get_feature_names_out().tolist() == ["x0_yes"]


def test_unseen_and_missing_categories_are_zeros_before_scaling():
    X = pd.DataFrame({"c": ["a", "b", "c", "a", "b", "c"]})
    encoder = TabularEncoder(limit=None).fit(X)
    # of three columns with a third of ones each: median 0, quartiles 0 and 1
    for value in ("new", None, np.nan, 7):
        encoded = encoder.transform(pd.DataFrame({"c": [value]}, dtype=object))[0]
        assert_array_equal(encoded, 0)
    # of one with three quarters: median 1, quartiles 0.75 and 1
    X = pd.DataFrame({"c": ["a"] * 6 + ["b", "c"]})
    encoder = TabularEncoder(limit=None).fit(X)
    assert_array_equal(encoder.transform(pd.DataFrame({"c": ["new"]})), [[-1 / 0.25, 0, 0]])


def test_rare_categories_share_a_column():
    values = ["a"] * 5 + ["b"] * 4 + ["c"] * 3 + ["d"] * 2 + ["e"]
    X = np.array(values, object)[:, None]
    encoder = TabularEncoder(max_categories=3, limit=None).fit(X)
    assert encoder.get_feature_names_out().tolist() == ["x0_a", "x0_b", "x0_others"]
    encoded = encoder.transform(X)
    groups = np.unique(encoded, axis=0, return_inverse=True)[1].ravel()
    assert [len(set(groups[start:stop])) for start, stop in ((0, 5), (5, 9), (9, 15))] == [1, 1, 1]
    assert len(set(groups)) == 3
    unseen = encoder.transform(np.array([["new"]], object))
    assert not (encoded == unseen).all(axis=1).any()


def test_ten_thousand_categories_stay_within_the_cap():
    X = np.array([f"key {i}" for i in range(10_000)], object)[:, None]
    assert TabularEncoder(max_categories=50).fit(X).transform(X[:3]).shape == (3, 50)


# scikit-learn 1.6 does not find the names of the columns of polars 2
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_pandas_and_polars_and_objects_agree():
    frame = frame_with_everything()
    encoder = TabularEncoder().fit(frame)
    expected = encoder.transform(frame)
    text = {name: frame[name].astype(object).where(frame[name].notna(), None) for name in frame}
    other = pl.DataFrame({name: column.tolist() for name, column in text.items()})
    for table in (other, other.with_columns(pl.col("city").cast(pl.Categorical))):
        assert_array_equal(TabularEncoder().fit_transform(table), expected)
        assert_array_equal(encoder.transform(table), expected)
    objects = np.column_stack([column.to_numpy(object) for column in text.values()])
    assert_array_equal(TabularEncoder().fit_transform(objects), expected)


def test_names_say_what_a_column_is():
    names = TabularEncoder().fit(frame_with_everything()).get_feature_names_out().tolist()
    assert names == [
        *("age", "age_missing", "city_Bern", "city_Oslo", "city_Rome", "paid_True"),
        *("note_a", "note_b", "note_c", "visits", "visits_missing"),
    ]


def test_set_output_gives_a_frame_with_these_names():
    frame = frame_with_everything()
    for kind, table in (("pandas", pd.DataFrame), ("polars", pl.DataFrame)):
        encoder = TabularEncoder().set_output(transform=kind)
        result = encoder.fit_transform(frame)
        assert isinstance(result, table)
        assert list(result.columns) == encoder.get_feature_names_out().tolist()


@pytest.mark.parametrize("given", [[1], [False, True], ["b"], [-1]])
def test_numbers_can_be_named_as_categories(given):
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": [10, 20, 30, 20]})
    encoder = TabularEncoder(categorical_features=given).fit(X)
    assert encoder.get_feature_names_out().tolist() == ["a", "b_10", "b_20", "b_30"]
    # a missing value makes pandas turn whole numbers into floats; the categories stay
    later = pd.DataFrame({"a": [1.0, 1.0], "b": [20.0, np.nan]})
    assert_array_equal(encoder.transform(later)[0, 1:], encoder.transform(X)[1, 1:])


@pytest.mark.parametrize("given", [["c"], [2], [True], [0.5], [-3]])
def test_wrong_categorical_features_are_refused(given):
    X = pd.DataFrame({"a": [1.0, 2.0], "b": [1, 2]})
    with pytest.raises(ValueError, match="categorical_features"):
        TabularEncoder(categorical_features=given).fit(X)


def test_mixed_types_are_categories_and_numbers_as_objects_are_numbers():
    X = pd.DataFrame({"mixed": [1, "one", None, 2.5], "numbers": [1, None, 2.5, 3]}, dtype=object)
    encoder = TabularEncoder().fit(X)
    assert [column is None for column in encoder.categories_] == [False, True]
    assert set(encoder.categories_[0]) == {1, "one", 2.5}


def test_dates_count_as_days():
    days = [datetime.datetime(2024, 1, day) for day in (1, 2, 3, 5, 9)]
    expected = TabularEncoder().fit_transform([[1.0], [2.0], [3.0], [5.0], [9.0]])
    for X in (
        pd.DataFrame({"when": days}),
        pd.DataFrame({"when": pd.Series(days).dt.tz_localize("UTC")}),
        pl.DataFrame({"when": days}),
        pl.DataFrame({"when": [day.date() for day in days]}),
    ):
        assert_allclose(TabularEncoder().fit_transform(X), expected, rtol=1e-9)
    frame = pd.DataFrame({"when": [*days, pd.NaT]})
    assert TabularEncoder().fit(frame).get_feature_names_out().tolist() == ["when", "when_missing"]


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_is_refused_with_the_name_of_the_column(value):
    X = pd.DataFrame({"price": [1.0, value, 2.0]})
    with pytest.raises(ValueError, match=r"'price' contains infinity"):
        TabularEncoder().fit(X)
    with pytest.raises(ValueError, match=r"'price' contains infinity"):
        TabularEncoder().fit(X[:1]).transform(X)


def test_text_where_numbers_were_is_refused_with_the_name_of_the_column():
    encoder = TabularEncoder().fit(pd.DataFrame({"price": [1.0, 2.0]}))
    with pytest.raises(ValueError, match="'price' was a column of numbers"):
        encoder.transform(pd.DataFrame({"price": ["cheap"]}))


def test_empty_and_all_missing_columns_say_nothing_and_do_no_harm():
    X = pd.DataFrame({"none": [None] * 4, "nan": [np.nan] * 4, "x": [1.0, 2.0, 3.0, 4.0]})
    encoded = TabularEncoder().fit_transform(X)
    assert_array_equal(encoded[:, :-1], 0)
    for value in (1, "text"):
        later = pd.DataFrame({"none": [value], "nan": [5.0], "x": [1.0]})
        assert np.isfinite(TabularEncoder().fit(X).transform(later)).all()


def test_it_can_be_cloned_and_pickled():
    frame = frame_with_everything()
    encoder = TabularEncoder(max_categories=7).fit(frame)
    copy = pickle.loads(pickle.dumps(encoder))
    assert_array_equal(copy.transform(frame), encoder.transform(frame))
    assert clone(encoder).get_params() == encoder.get_params()


numbers = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=False))
labels = st.one_of(st.none(), st.text(max_size=3), st.booleans())


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(numbers, labels), min_size=1, max_size=20),
    st.lists(st.tuples(numbers, labels), min_size=1, max_size=5),
    st.sampled_from(["float32", "float64"]),
    st.sampled_from([None, 5]),
)
def test_any_table_becomes_bounded_numbers_row_by_row(rows, later, dtype, n_bins):
    X, X_later = (pd.DataFrame(r, columns=["n", "c"], dtype=object) for r in (rows, later))
    X["n"], X_later["n"] = X["n"].astype(float), X_later["n"].astype(float)
    encoder = TabularEncoder(dtype=dtype, n_bins=n_bins).fit(X)
    encoded = encoder.transform(X_later)
    assert encoded.dtype == dtype
    assert np.isfinite(encoded).all()
    assert np.abs(encoded).max(initial=0) <= 3
    alone = np.vstack([encoder.transform(X_later[i : i + 1]) for i in range(len(later))])
    assert_array_equal(alone, encoded)
    shuffled = TabularEncoder(dtype=dtype, n_bins=n_bins).fit(X[::-1])
    assert_array_equal(shuffled.transform(X_later), encoded)
