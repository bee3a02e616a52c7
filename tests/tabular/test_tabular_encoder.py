"""TabularEncoder against known answers, scikit-learn's scalers, and odd tables."""

import datetime
import pickle
from decimal import Decimal
from fractions import Fraction

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

from sklearn_backprop.tabular import TabularEncoder

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


def test_one_bin_is_none():
    # more than half of the numbers are the least one, which leaves two edges
    X = np.append(np.zeros(12), np.arange(1.0, 11.0))[:, None]
    assert TabularEncoder(n_bins=2).fit(X).get_feature_names_out().tolist() == ["x0"]
    assert len(TabularEncoder(n_bins=2).fit(X[8:]).get_feature_names_out()) == 3


@pytest.mark.parametrize("limit", [None, 3.0])
def test_numbers_whose_squares_would_not_be_finite_are_clipped(limit):
    encoder = TabularEncoder(limit=limit).fit([[-1.0], [0.0], [1.0]])
    expected = encoder.transform([[-1e150], [1e150]])
    assert_array_equal(encoder.transform([[-1e300], [np.finfo(float).max]]), expected)
    huge = np.array([[-1e308], [0.0], [1e308]])
    clipped = np.clip(huge, -1e150, 1e150)
    tiny = TabularEncoder(limit=limit).fit([[-1e-200], [0.0], [1e-200]])
    assert np.isfinite(tiny.transform([[-1e300], [1e300]])).all()
    encoder = TabularEncoder(limit=limit).fit(huge)
    assert_array_equal(encoder.transform(huge), TabularEncoder(limit=limit).fit_transform(clipped))


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


def test_the_most_frequent_categories_are_kept_and_of_equals_the_first():
    values = ["a"] + ["z"] * 5 + ["m"] * 3 + ["q"] * 3 + ["b"] * 2
    for order in (values, values[::-1]):
        encoder = TabularEncoder(max_categories=3).fit(np.array(order, object)[:, None])
        assert encoder.get_feature_names_out().tolist() == ["x0_m", "x0_z", "x0_others"]


def test_ten_thousand_categories_stay_within_the_cap():
    X = np.array([f"key {i}" for i in range(10_000)], object)[:, None]
    encoder = TabularEncoder(categorical_features=[0], max_categories=50).fit(X)
    assert encoder.transform(X[:3]).shape == (3, 50)


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


@pytest.mark.parametrize("n_bins", [None, 3])
def test_a_column_without_any_value_is_zeros_whatever_comes_later(n_bins):
    X = pd.DataFrame({"n": np.full(12, np.nan), "c": [None] * 12})
    encoder = TabularEncoder(n_bins=n_bins).fit(X)
    assert encoder.get_feature_names_out().tolist() == ["n", "n_missing", "c_others"]
    assert encoder.categories_[1].tolist() == []
    later = pd.DataFrame({"n": [7.0, np.nan, -1e9], "c": ["a", None, 3]})
    assert_array_equal(encoder.transform(later), np.zeros((3, 3)))


BAD_TABLES = {
    "infinity": pd.DataFrame({"a": [1.0, np.inf]}),
    "complex": pd.DataFrame({"a": [1j, 2.0]}),
    "a label that is a list": pd.DataFrame({"a": [[1], [2]]}),
    "too large": pd.DataFrame({"a": pd.Series([10**400, 1], dtype=object)}),
    "no column of that name": pd.DataFrame({"z": [1.0, 2.0]}),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_a_fit_that_fails_leaves_the_encoder_as_it_was(case):
    encoder = TabularEncoder(categorical_features=["k"])
    before = pickle.dumps(encoder)
    bad = BAD_TABLES[case] if case.startswith("no") else BAD_TABLES[case].assign(k=1, more=2)
    with pytest.raises((ValueError, TypeError)):
        encoder.fit(bad)
    assert pickle.dumps(encoder) == before
    encoder.fit(pd.DataFrame({"k": [1, 2, 3], "x": [1.0, 2.0, 4.0]}))
    before = pickle.dumps(encoder)
    with pytest.raises((ValueError, TypeError)):
        encoder.fit(bad)
    assert pickle.dumps(encoder) == before


COMPLEX = {
    "pandas": lambda values: pd.DataFrame({"x": [1.0] * 3, "x1": values}),
    "pandas, objects": lambda values: pd.DataFrame({"x1": pd.Series([*values, "a"], dtype=object)}),
    "categories": lambda values: pd.DataFrame({"x1": pd.Categorical(values)}),
    # scikit-learn before 1.7 does not know the names of such a frame: x1 is the second
    "polars": lambda values: pl.DataFrame(
        {"x": [1.0] * 3, "x1": pl.Series(values, dtype=pl.Object)}
    ),
    "array": lambda values: np.column_stack([np.ones(3), values]),
    "array of objects": lambda values: np.column_stack([np.ones(3), np.array(values, object)]),
    "list": lambda values: [[1.0, value] for value in values],
}


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("kind", COMPLEX)
def test_complex_numbers_are_refused_with_the_name_of_the_column(kind):
    table = COMPLEX[kind]([1.0, 2j, 3.0])
    for named in ("auto", [0]):
        with pytest.raises(ValueError, match="Complex data not supported: the feature 'x1'"):
            TabularEncoder(categorical_features=named).fit(table)
    columns = getattr(table, "columns", [])
    numbers = pd.DataFrame({name: [1.0, 2.0, 3.0] for name in columns})
    if kind not in ("array", "array of objects", "list"):
        with pytest.raises(ValueError, match="Complex data not supported: the feature 'x1'"):
            TabularEncoder().fit(numbers).transform(table)


@pytest.mark.parametrize(
    "value",
    [10**400, -(10**5000), Fraction(10**400, 3), Decimal("1e400")],
    ids=["int", "int that is not printed", "fraction", "decimal"],
)
def test_a_number_too_large_for_float64_is_refused_with_the_name_of_the_column(value):
    table = pd.DataFrame({"x": [1.0, 2.0], "big": pd.Series([value, 1], dtype=object)})
    encoder = TabularEncoder().fit(table.assign(big=[1, 2]))
    for call in (TabularEncoder().fit, encoder.transform):
        with pytest.raises(ValueError, match=r"The feature 'big'.*NaN"):
            call(table)
    # as a category it is as good as any
    encoder = TabularEncoder(categorical_features=["big"]).fit(table)
    assert encoder.transform(table).shape == (2, len(encoder.get_feature_names_out()))


def test_what_a_mask_hides_is_missing():
    values = np.array([[1.0, 5.0, 3.0], [2.0, 6.0, np.inf], [3.0, 7.0, 1.0], [9.0, 8.0, 2.0]])
    mask = np.zeros((4, 3), bool)
    mask[[1, 3], [2, 1]] = True
    expected = TabularEncoder([1], n_bins=2).fit(np.where(mask, np.nan, values))
    masked = np.ma.masked_array(values, mask)
    encoder = TabularEncoder([1], n_bins=2).fit(masked)
    names = encoder.get_feature_names_out().tolist()
    assert names == ["x0", "x1_5.0", "x1_6.0", "x1_7.0", "x2", "x2_missing"]
    result = expected.transform(np.where(mask, np.nan, values))
    assert_array_equal(encoder.transform(masked), result)
    assert_array_equal(expected.transform(masked), result)
    objects = np.ma.masked_array(values.astype(object), mask)
    assert_array_equal(encoder.transform(objects), result)
    whole = np.ma.masked_array([[1], [2], [3], [4]], [[0], [0], [0], [1]])
    names = TabularEncoder([0]).fit(whole).get_feature_names_out().tolist()
    assert names == ["x0_1", "x0_2", "x0_3"]


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
