"""Tables with columns of any kind, read in one way: pandas, polars and NumPy.

A column is either numbers or labels. ``numbers`` gives float64 with NaN where a value is
missing; ``labels`` gives Python objects with None there.
"""

import sys
from decimal import Decimal
from numbers import Real

import numpy as np
from sklearn.utils import check_array

DAY = np.timedelta64(1, "D")


class ArrayTable:
    """A NumPy array, or anything that can be made one."""

    def __init__(self, X):
        self.array = check_array(X, dtype=None, ensure_all_finite=False)
        self.shape = self.array.shape

    def is_numeric(self, j):
        """Tell whether a column holds numbers."""
        if self.array.dtype.kind == "O":
            return _are_numbers(self.array[:, j])
        return self.array.dtype.kind in "iuf"

    def numbers(self, j):
        """Return a column as float64."""
        column = self.array[:, j]
        if column.dtype.kind == "O":
            column = [np.nan if _is_missing(value) else value for value in column]
        return np.array(column, dtype=np.float64)

    def labels(self, j):
        """Return a column as a list of objects."""
        return [None if _is_missing(value) else value for value in self.array[:, j].tolist()]


class PandasTable:
    """A pandas DataFrame."""

    def __init__(self, X):
        self.frame, self.shape = X, X.shape

    def is_numeric(self, j):
        """Tell whether a column holds numbers or dates."""
        import pandas.api.types as kinds

        column = self.frame.iloc[:, j]
        if kinds.is_bool_dtype(column.dtype) or isinstance(column.dtype, _categorical_dtype()):
            return False
        if kinds.is_object_dtype(column.dtype):
            return _are_numbers(column)
        return kinds.is_numeric_dtype(column.dtype) or column.dtype.kind in "mM"

    def numbers(self, j):
        """Return a column as float64; dates as days."""
        column = self.frame.iloc[:, j]
        if column.dtype.kind in "mM":
            if getattr(column.dtype, "tz", None) is not None:
                column = column.dt.tz_convert(None)
            return _days(column.to_numpy())
        if isinstance(column.dtype, _categorical_dtype()):
            column = column.astype(object)
        return column.to_numpy(dtype=np.float64, na_value=np.nan)

    def labels(self, j):
        """Return a column as a list of objects."""
        column = self.frame.iloc[:, j]
        missing = column.isna().to_numpy()
        values = column.astype(object).to_numpy(copy=True)
        values[missing] = None
        return values.tolist()


class PolarsTable:
    """A polars DataFrame."""

    def __init__(self, X):
        self.frame, self.shape = X, X.shape

    def is_numeric(self, j):
        """Tell whether a column holds numbers or dates."""
        import polars

        column = self.frame.to_series(j)
        if column.dtype == polars.Object:
            return _are_numbers(column.to_list())
        return column.dtype.is_numeric() or column.dtype.is_temporal()

    def numbers(self, j):
        """Return a column as float64; dates as days."""
        import polars

        column = self.frame.to_series(j)
        if column.dtype.is_temporal() and column.dtype != polars.Time:
            return _days(column.to_numpy())
        if column.dtype == polars.Object or column.dtype == polars.Categorical:
            values = [np.nan if _is_missing(v) else v for v in column.to_list()]
            return np.array(values, dtype=np.float64)
        return column.cast(polars.Float64).to_numpy().astype(np.float64)

    def labels(self, j):
        """Return a column as a list of objects."""
        return [None if _is_missing(v) else v for v in self.frame.to_series(j).to_list()]


def as_table(X):
    """Return a table of whatever kind ``X`` is; neither pandas nor polars is imported for it."""
    for library, table in (("pandas", PandasTable), ("polars", PolarsTable)):
        module = sys.modules.get(library)
        if module is not None and isinstance(X, module.DataFrame):
            if 0 in X.shape:
                what = "sample" if X.shape[1] else "feature"
                raise ValueError(f"Found array with 0 {what}(s) (shape={X.shape}).")
            return table(X)
    return ArrayTable(X)


def _categorical_dtype():
    return sys.modules["pandas"].CategoricalDtype


def _is_missing(value):
    """Tell whether a value is None, NaN, NaT or ``pandas.NA``."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (Real, Decimal)) and value != value


def _are_numbers(values):
    """Tell whether there are numbers among objects, and besides them only missing values."""
    there = [_is_number(value) for value in values if not _is_missing(value)]
    return bool(there) and all(there)


def _is_number(value):
    return isinstance(value, (Real, Decimal)) and not isinstance(value, (bool, np.bool_))


def _days(values):
    """Return dates or durations as days, NaN for NaT."""
    if values.dtype.kind == "M":
        values = values - np.datetime64("1970-01-01", np.datetime_data(values.dtype)[0])
    return values / DAY
