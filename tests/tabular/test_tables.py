"""Columns that are no times: the same values are the same column in every kind of table."""

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_backprop.tabular import TabularEncoder
from sklearn_backprop.tabular._tables import as_table

pytestmark = pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")


def objects(values):
    return np.array([*values, None], object)[:-1, None]


def masked(values):
    there = np.array([0 if value is None else value for value in values])
    return np.ma.masked_array(there[:, None], [[value is None] for value in values])


def pandas_of(kind):
    return lambda values: pd.DataFrame({"x0": pd.Series(values, dtype=kind)})


def polars_of(kind):
    return lambda values: pl.DataFrame({"x0": pl.Series(values, dtype=kind)})


def arrow_of(kind):
    return lambda values: pa.table({"x0": pa.array(values, kind)})


INTEGERS = {
    "objects": objects,
    "list": lambda values: [[value] for value in values],
    "a mask": masked,
    "Int16": pandas_of("Int16"),
    "pandas, objects": pandas_of(object),
    "pandas, pyarrow": pandas_of("int32[pyarrow]"),
    "pandas, decimals": pandas_of(pd.ArrowDtype(pa.decimal128(9, 2))),
    "pandas, sparse": lambda values: pd.DataFrame(
        {"x0": pd.arrays.SparseArray(np.array(values, float))}
    ),
    "polars": polars_of(pl.Int16),
    "polars, 128 bits": polars_of(pl.Int128),
    "polars, decimals": polars_of(pl.Decimal(10, 2)),
    "polars, NaN": lambda values: pl.DataFrame(
        {"x0": [float("nan") if value is None else float(value) for value in values]}
    ),
    "pyarrow": arrow_of(pa.int64()),
    "pyarrow, chunks": lambda values: pa.concat_tables(
        [arrow_of(pa.int8())(values[:3]), arrow_of(pa.int8())(values[3:])]
    ),
}

TEXT = {
    "objects": objects,
    "pandas": pandas_of("str"),
    "string": pandas_of("string"),
    "category": pandas_of("category"),
    "pandas, pyarrow": pandas_of(pd.ArrowDtype(pa.string())),
    "pandas, dictionary": pandas_of(pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string()))),
    "polars": polars_of(pl.String),
    "polars, categories": polars_of(pl.Categorical),
    "polars, enum": lambda values: polars_of(pl.Enum(sorted({*values} - {None})))(values),
    "pyarrow": arrow_of(pa.large_string()),
    "pyarrow, dictionary": arrow_of(pa.dictionary(pa.int32(), pa.string())),
}

BOOLEANS = {
    "objects": objects,
    "boolean": pandas_of("boolean"),
    "pandas, pyarrow": pandas_of("bool[pyarrow]"),
    "polars": polars_of(pl.Boolean),
    "pyarrow": arrow_of(pa.bool_()),
}

CASES = {
    "integers": (INTEGERS, "auto", [4, None, 1, 7, 1, 9, 2]),
    "integers as categories": (INTEGERS, [0], [4, None, 1, 7, 1, 9, 4]),
    "text": (TEXT, "auto", ["b", None, "a", "", "b", "ü", "1"]),
    "booleans": (BOOLEANS, "auto", [True, None, False, True, True, False, True]),
}


@pytest.mark.parametrize("case", CASES)
def test_every_table_is_the_same_in_fit_and_in_predict(case):
    containers, named, values = CASES[case]
    reference = TabularEncoder(named).fit(objects(values))
    expected = reference.transform(objects(values))
    for name, make in containers.items():
        encoder = TabularEncoder(named).fit(make(values))
        assert_array_equal(encoder.transform(make(values)), expected, err_msg=name)
        assert_array_equal(reference.transform(make(values)), expected, err_msg=name)
        blocks = encoder.encode_blocks(as_table(make(values)), 3)
        assert_array_equal(np.vstack(list(blocks)), expected, err_msg=name)


@pytest.mark.parametrize(
    "make",
    [
        pandas_of("category"),
        polars_of(pl.Categorical),
        arrow_of(pa.dictionary(pa.int8(), pa.string())),
    ],
)
def test_what_the_table_calls_categories_are_no_dates(make):
    values = ["2024-01-01", "2024-01-02", "2024-01-04"]
    assert TabularEncoder().fit(make(values)).categories_[0].tolist() == values


@pytest.mark.parametrize(
    "make", [pandas_of("category"), arrow_of(pa.dictionary(pa.int8(), pa.int8()))]
)
def test_what_the_table_calls_categories_are_no_numbers(make):
    assert TabularEncoder().fit(make([3, 1, 2])).categories_[0].tolist() == [1, 2, 3]


@pytest.mark.parametrize("make", [pandas_of(float), polars_of(pl.Float64), arrow_of(pa.float64())])
def test_no_rows_are_told(make):
    with pytest.raises(ValueError, match="0 sample"):
        TabularEncoder().fit(make([]))


NOTHING = [
    *(np.nan, np.float32("nan"), pd.NA, pd.NaT, np.ma.masked, np.datetime64("NaT", "D")),
    *(Decimal("NaN"), Decimal("sNaN")),
]


@pytest.mark.parametrize("values", [[3, 1, 2, 8], ["c", "a", "b", "d"], [True, False, True, True]])
def test_whatever_says_that_nothing_is_there(values):
    expected = TabularEncoder().fit_transform(objects([*values, None]))
    for nothing in NOTHING:
        table = objects([*values, None])
        table[-1, 0] = nothing  # NumPy would take some of them for arrays
        assert_array_equal(TabularEncoder().fit_transform(table), expected, err_msg=repr(nothing))


@pytest.mark.parametrize("kind", [np.float32, np.int16, np.bool_, np.str_])
def test_scalars_of_numpy_among_objects_are_the_labels_of_their_column(kind):
    array = np.array([[1], [0], [1]]).astype(kind)
    labels = TabularEncoder([0]).fit(objects(list(array.ravel()))).categories_[0].tolist()
    expected = TabularEncoder([0]).fit(array).categories_[0].tolist()
    assert labels == expected
    assert [type(label) for label in labels] == [type(label) for label in expected]


def test_times_of_day_of_pyarrow_may_have_nanoseconds():
    table = pa.table({"x0": pa.array([1, 2, 5, 9], pa.time64("ns"))})
    expected = TabularEncoder().fit_transform([[1.0], [2.0], [5.0], [9.0]])
    assert_allclose(TabularEncoder().fit_transform(table), expected)


def test_a_second_fit_forgets_the_names_of_the_first():
    encoder = TabularEncoder().fit(pd.DataFrame({"a": [1.0, 2.0]})).fit([[1.0], [2.0]])
    assert encoder.get_feature_names_out().tolist() == ["x0"]
