"""Tables with columns of any kind, read in one way: pandas, polars, pyarrow and NumPy."""

import sys

import numpy as np
from sklearn.utils import check_array

from .._estimators.checks import refuse_lazy
from ._columns import Column, as_objects

WIDE = {"Int128", "UInt128"}
"""Types of polars that NumPy does not have."""


class ArrayTable:
    """A NumPy array, or anything that can be made one; what a mask hides is missing."""

    def __init__(self, X):
        _refuse_complex(X)
        mask = np.ma.getmask(X)
        self.mask = None if mask is np.ma.nomask else mask
        # what a mask hides need not be finite, nor a number
        self.array = check_array(
            np.ma.getdata(X) if self.mask is not None else X, dtype=None, ensure_all_finite=False
        )
        self.shape = self.array.shape

    def column(self, j):
        """Return a column."""
        return Column(self.array[:, j], None if self.mask is None else self.mask[:, j])

    def rows(self, start, stop):
        """Return some rows, as a table."""
        part = object.__new__(type(self))
        part.array = self.array[start:stop]
        part.mask = None if self.mask is None else self.mask[start:stop]
        part.shape = part.array.shape
        return part


class PandasTable:
    """A pandas DataFrame."""

    def __init__(self, X):
        self.frame, self.shape = X, X.shape

    def column(self, j):
        """Return a column."""
        pandas = sys.modules["pandas"]
        column = self.frame.iloc[:, j]
        missing, dtype = column.isna().to_numpy(), column.dtype
        if isinstance(dtype, pandas.ArrowDtype):
            return arrow_column(column.array.__arrow_array__())
        if isinstance(dtype, pandas.CategoricalDtype):
            return Column(column.astype(object).to_numpy(), missing, is_category=True)
        if isinstance(dtype, pandas.PeriodDtype):
            return Column(column.dt.start_time.to_numpy(), missing)
        if isinstance(dtype, pandas.DatetimeTZDtype):
            return Column(column.dt.tz_convert(None).to_numpy(), missing)
        if isinstance(dtype, pandas.SparseDtype):
            return Column(np.asarray(column), missing)
        if hasattr(dtype, "numpy_dtype"):  # numbers and booleans beside a mask
            return Column(column.to_numpy(dtype.numpy_dtype, na_value=0), missing)
        values = column.to_numpy() if isinstance(dtype, np.dtype) else column.astype(object)
        return Column(np.asarray(values), missing)

    def rows(self, start, stop):
        """Return some rows, as a table."""
        return PandasTable(self.frame.iloc[start:stop])


class PolarsTable:
    """A polars DataFrame."""

    def __init__(self, X):
        self.frame, self.shape = X, X.shape

    def column(self, j):
        """Return a column."""
        polars = sys.modules["polars"]
        column = self.frame.to_series(j)
        missing, dtype = column.is_null().to_numpy(), column.dtype
        if dtype == polars.Time:
            return Column(column.cast(polars.Int64).fill_null(0).to_numpy().view("m8[ns]"), missing)
        if dtype.is_temporal() or dtype.is_float():
            return Column(column.to_numpy(), missing)
        if dtype == polars.Boolean:
            return Column(column.fill_null(False).to_numpy(), missing)
        if dtype.is_integer() and str(dtype) not in WIDE:
            return Column(column.fill_null(0).to_numpy(), missing)
        is_category = dtype in (polars.Categorical, polars.Enum)
        return Column(as_objects(column.to_list()), missing, is_category)

    def rows(self, start, stop):
        """Return some rows, as a table."""
        return PolarsTable(self.frame.slice(start, stop - start))


class ArrowTable:
    """A pyarrow Table."""

    def __init__(self, X):
        self.table, self.shape = X, X.shape

    def column(self, j):
        """Return a column."""
        return arrow_column(self.table.column(j))

    def rows(self, start, stop):
        """Return some rows, as a table."""
        return ArrowTable(self.table.slice(start, stop - start))


def arrow_column(array):
    """Return a column from an array of pyarrow, chunked or not."""
    import pyarrow

    types, kind = pyarrow.types, array.type
    missing = np.asarray(array.is_null())
    if types.is_dictionary(kind):
        return Column(as_objects(array.to_pylist()), missing, is_category=True)
    if types.is_time(kind):
        counts = array.cast(pyarrow.int32() if types.is_time32(kind) else pyarrow.int64())
        counts = np.asarray(counts.fill_null(0)).astype(np.int64)
        return Column(counts.view(f"m8[{kind.unit}]"), missing)
    if types.is_boolean(kind) or types.is_integer(kind):
        array = array.fill_null(False if types.is_boolean(kind) else 0)
        return Column(np.asarray(array), missing)
    if types.is_temporal(kind) or types.is_floating(kind):
        return Column(np.asarray(array), missing)
    return Column(as_objects(array.to_pylist()), missing)


TABLES = {
    "pandas": {"DataFrame": PandasTable},
    "polars": {"DataFrame": PolarsTable},
    "pyarrow": {"Table": ArrowTable, "RecordBatch": ArrowTable},
}


def as_table(X):
    """Return a table of whatever kind ``X`` is; no library of tables is imported for it."""
    refuse_lazy(X)
    for library, kinds in TABLES.items():
        module = sys.modules.get(library)
        for name, table in kinds.items():
            if module is not None and isinstance(X, getattr(module, name)):
                if 0 in X.shape:
                    what = "sample" if X.shape[1] else "feature"
                    raise ValueError(f"Found array with 0 {what}(s) (shape={X.shape}).")
                return table(X)
    return ArrayTable(X)


def complex_message(name):
    """Return what is wrong with a column of complex numbers."""
    return (
        f"Complex data not supported: the feature {name!r} has complex numbers. Pass their real "
        "and imaginary parts as two features."
    )


def _refuse_complex(X):
    """Raise ``ValueError`` for an array of complex numbers, with the first column of them."""
    if not isinstance(X, (np.ndarray, list, tuple)) or not np.iscomplexobj(X):
        return
    array = np.atleast_2d(np.asarray(X))
    there = (array.imag != 0).any(axis=tuple(range(array.ndim - 1)))
    raise ValueError(complex_message(f"x{int(there.argmax())}"))
