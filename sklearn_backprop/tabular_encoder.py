"""From a table of numbers, categories and text to the numbers a network learns well from."""

from collections import Counter
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

from .tables import as_table

LARGEST = 1e150
"""Numbers are clipped here: products of two of them are still finite."""

FEW = 8
"""A feature with no more distinct numbers gets no bins."""

BIN_SIZE = 0.25
"""A bin's column goes from minus this to this."""


class TabularEncoder(TransformerMixin, BaseEstimator):
    """Turn a table of any kind into dense numbers of comparable size.

    - Numbers: ``(x - median) · s`` with ``s = 1 / (q75 - q25)``, or ``2 / (max - min)``
      where the quartiles agree, or 0 for a constant column. A missing value becomes the
      median, and a column that has some in ``fit`` gets an indicator beside it. Dates
      count as days.
    - Categories, text and booleans: a column of 0 and 1 for each category; for two
      categories one column of -1 and 1. A missing value or an unseen category is zeros.
      These columns are scaled as numbers are.
    - At last the smooth clip ``x / sqrt(1 + (x / limit)²)``, so nothing exceeds ``limit``.
    - With ``n_bins``, numbers get more columns: one for each interval between two
      quantiles, which rises over that interval and is constant elsewhere. So a network
      need not learn each bend of a function of one feature from a straight line.

    The scaling is that of Holzmüller, Grinsztajn and Steinwart, "Better by default: strong
    pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024, section 3; the intervals
    are the piecewise linear encoding of Gorishniy, Rubachev and Babenko, "On embeddings for
    numerical features in tabular deep learning", NeurIPS 2022, section 3.2.

    Parameters
    ----------
    categorical_features : "auto" or array-like of bool, int or str, default="auto"
        ``"auto"`` takes the columns that do not hold numbers: text, categories, booleans,
        and objects of mixed type. A mask, positions or names say which columns of numbers
        are categories as well.
    max_categories : int or None, default=100
        Columns that a feature may become. If it has more categories, the most frequent
        ones have a column each and all others share the last. None means no limit, which
        for text or keys can need much memory.
    limit : float or None, default=3.0
        Of the smooth clip; None leaves it out.
    n_bins : int or None, default=None
        Intervals for each feature of numbers that has more than 8 distinct ones; as many
        values in each as far as possible. None leaves them out.
    dtype : {"float64", "float32"}, default="float64"
        Of the result.

    Attributes
    ----------
    categories_ : list of ndarray of object, or None
        For each feature the categories that have a column, or two that share one; None for
        a feature of numbers.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had some.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_backprop.tabular_encoder import TabularEncoder
    >>> X = np.array([[1.0, "red"], [2.0, "blue"], [np.nan, "red"]], dtype=object)
    >>> encoder = TabularEncoder(limit=None).fit(X)
    >>> encoder.get_feature_names_out().tolist()
    ['x0', 'x0_missing', 'x1_red']
    >>> encoder.transform(X)
    array([[-1.,  0.,  0.],
           [ 1.,  0., -2.],
           [ 0.,  2.,  0.]])
    """

    _parameter_constraints = {
        "categorical_features": [StrOptions({"auto"}), "array-like"],
        "max_categories": [Interval(Integral, 2, None, closed="left"), None],
        "limit": [Interval(Real, 0, None, closed="neither"), None],
        "n_bins": [Interval(Integral, 2, None, closed="left"), None],
        "dtype": [StrOptions({"float32", "float64"})],
    }

    def __init__(
        self,
        categorical_features="auto",
        max_categories=100,
        limit=3.0,
        n_bins=None,
        dtype="float64",
    ):
        self.categorical_features = categorical_features
        self.max_categories = max_categories
        self.limit = limit
        self.n_bins = n_bins
        self.dtype = dtype

    def fit(self, X, y=None):
        """Learn categories, medians and scales.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_features)
            The table. May have missing values.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted encoder.

        Raises
        ------
        ValueError
            If X has an infinite number, or ``categorical_features`` names no column of it.
        """
        self._validate_params()
        table = as_table(X)
        validate_data(self, X, skip_check_array=True)
        self.n_features_in_ = table.shape[1]
        named = self._named_categories()
        self._columns = []
        for j in range(table.shape[1]):
            if named[j] or not table.is_numeric(j):
                column = Categories(self.max_categories)
            else:
                column = Numbers(self.n_bins)
            column.fit(column.read(table, j, self._name(j)), self._clipped)
            self._columns.append(column)
        self.categories_ = [column.categories for column in self._columns]
        return self

    def transform(self, X):
        """Encode a table.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_features)
            The table, with the features of ``fit``.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            Finite numbers, of ``dtype``.

        Raises
        ------
        ValueError
            If X has an infinite number, other features than in ``fit``, or text in a
            column of numbers.
        """
        check_is_fitted(self)
        table = as_table(X)
        validate_data(self, X, skip_check_array=True, reset=False)
        return self.encode(table)

    def encode(self, table):
        """Encode a table whose names of features have been checked, as ``transform`` does.

        Parameters
        ----------
        table : Table
            From ``as_table``.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
        """
        if table.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {table.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        n_columns = len(self.get_feature_names_out())
        result = np.empty((table.shape[0], n_columns), np.dtype(self.dtype))
        start = 0
        for j, column in enumerate(self._columns):
            encoded = column.encode(column.read(table, j, self._name(j)), self._clipped)
            result[:, start : start + encoded.shape[1]] = encoded
            start += encoded.shape[1]
        return result

    def _clipped(self, scaled):
        """Return scaled numbers, smoothly clipped, or at least small enough for the dtype."""
        if self.limit is not None:
            return scaled / np.hypot(1.0, scaled / self.limit)
        largest = float(np.finfo(self.dtype).max)
        return np.clip(scaled, -largest, largest)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns of the result.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features; None takes those of ``fit``.

        Returns
        -------
        ndarray of str objects of shape (n_features_out,)
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        pairs = zip(self._columns, names, strict=True)
        return np.array([name for column, base in pairs for name in column.names(base)], object)

    def _name(self, j):
        """Return a feature's name, for error messages."""
        names = getattr(self, "feature_names_in_", None)
        return f"x{j}" if names is None else names[j]

    def _named_categories(self):
        """Return a mask of the features that ``categorical_features`` names."""
        n, given = self.n_features_in_, self.categorical_features
        mask = np.zeros(n, bool)
        if isinstance(given, str):
            return mask
        given = np.asarray(given)
        if given.dtype.kind == "b" and given.shape == (n,):
            return given
        if given.dtype.kind in "OU" and given.size:
            known = list(getattr(self, "feature_names_in_", ()))
            missing = [name for name in given if name not in known]
            if missing:
                raise ValueError(
                    f"categorical_features names {missing}, which X does not have; its columns "
                    f"are {known}."
                )
            given = np.array([known.index(name) for name in given])
        if given.size and (given.dtype.kind not in "iu" or np.any((given < -n) | (given >= n))):
            raise ValueError(
                f"categorical_features={self.categorical_features!r} must be 'auto', a mask of "
                f"{n} bools, positions below {n}, or names of columns."
            )
        mask[given.astype(int)] = True
        return mask

    def __sklearn_tags__(self):
        """Tell scikit-learn that missing values, text and categories work."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = []
        return tags


class Numbers:
    """A column of numbers, an indicator of missing ones where ``fit`` saw some, and bins."""

    categories = None

    def __init__(self, n_bins):
        self.n_bins = n_bins

    def read(self, table, j, name):
        """Return a column as float64 without infinities."""
        try:
            values = table.numbers(j)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"The feature {name!r} was a column of numbers in fit, but now has other values: "
                f"{error}. Name it in categorical_features if they are categories."
            ) from error
        if np.isinf(values).any():
            raise ValueError(
                f"The feature {name!r} contains infinity. Replace it by NaN, which counts as "
                "missing, or by a large number."
            )
        return np.clip(values, -LARGEST, LARGEST)

    def fit(self, values, clipped):
        """Learn median, scale and bins; ``clipped`` is the function that clips."""
        missing = np.isnan(values)
        there = values[~missing]
        self.center, self.scale = robust_scale(there[:, None])
        self.indicator = Scaled(missing[:, None]) if missing.any() else None
        self.edges = None
        if self.n_bins is not None and len(np.unique(there)) > FEW:
            scaled = clipped((there - self.center) * self.scale)
            edges = np.unique(np.quantile(scaled, np.linspace(0, 1, self.n_bins + 1)))
            self.edges = edges if len(edges) > 2 else None

    def encode(self, values, clipped):
        """Return the column, with the median where it is missing, its bins and the indicator."""
        missing = np.isnan(values)
        filled = np.where(missing, self.center, values)[:, None]
        columns = [clipped((filled - self.center) * self.scale)]
        if self.edges is not None:
            low, high = self.edges[:-1], self.edges[1:]
            risen = np.clip((columns[0] - low) / (high - low), 0, 1)
            columns.append((2 * risen - 1) * BIN_SIZE)
        if self.indicator is not None:
            columns.append(clipped(self.indicator.scaled(missing[:, None])))
        return np.hstack(columns)

    def names(self, name):
        """Return the names of the encoded columns."""
        n_bins = 0 if self.edges is None else len(self.edges) - 1
        bins = [f"{name}_bin{k}" for k in range(n_bins)]
        return [name, *bins] + [f"{name}_missing"] * (self.indicator is not None)


class Scaled:
    """Columns of 0 and 1, or -1 and 1, scaled as numbers are."""

    def __init__(self, encoded):
        self.center, self.scale = robust_scale(encoded.astype(np.float64))

    def scaled(self, encoded):
        """Return such columns scaled."""
        return (encoded - self.center) * self.scale


class Categories:
    """A column of labels, as one-hot columns or one of -1 and 1."""

    def __init__(self, max_categories):
        self.max_categories = max_categories

    def read(self, table, j, name):
        """Return a column as a list of objects, None where they are missing."""
        values = table.labels(j)
        try:
            Counter(values)
        except TypeError as error:
            raise TypeError(
                f"The feature {name!r} has values that are no labels ({error}); an argument must "
                "be a string or a number in each row."
            ) from error
        return values

    def fit(self, values, clipped):
        """Learn the categories, and the scale of their columns."""
        counts = Counter(values)
        counts.pop(None, None)
        known = _sorted(counts)
        too_many = self.max_categories is not None and len(known) > self.max_categories
        if too_many:
            # among equals the first ones, so that the order of rows does not matter
            frequent = sorted(known, key=lambda label: -counts[label])
            known = _sorted(frequent[: self.max_categories - 1])
        # where there is nothing at all, a column of zeros
        self.has_others = too_many or not known
        self.categories = np.empty(len(known), object)
        self.categories[:] = known
        # all others share the last column; None and what is unseen have position -1
        self.positions = dict.fromkeys(counts, len(known)) | {v: k for k, v in enumerate(known)}
        self.columns = Scaled(self._one_hot(values))

    def encode(self, values, clipped):
        """Return the columns, scaled and clipped."""
        return clipped(self.columns.scaled(self._one_hot(values)))

    def _one_hot(self, values):
        get = self.positions.get
        positions = np.fromiter((get(value, -1) for value in values), np.intp, len(values))
        n_columns = len(self.categories) + self.has_others
        if n_columns == 2:
            return np.array([-1.0, 1.0, 0.0])[positions][:, None]
        return (positions[:, None] == np.arange(n_columns)).astype(np.float64)

    def names(self, name):
        """Return the names of the encoded columns."""
        names = [f"{name}_{label}" for label in self.categories] + [f"{name}_others"] * (
            self.has_others
        )
        return names[1:] if len(names) == 2 else names


def _sorted(labels):
    """Return labels sorted, those of different types one type after another."""
    try:
        return sorted(labels)
    except TypeError:
        return sorted(labels, key=lambda label: (type(label).__name__, str(label)))


def robust_scale(values):
    """Return ``median`` and ``1 / (q75 - q25)``, ``2 / (max - min)`` or 0 of each column.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_columns)
        Finite numbers, at most ``LARGEST``.

    Returns
    -------
    center, scale : ndarray of shape (n_columns,)
        Zeros if there are no samples.
    """
    if not values.size:
        return np.zeros((2, values.shape[1]))
    low, center, high = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
    spread, extent = high - low, np.ptp(values, axis=0)
    with np.errstate(divide="ignore", over="ignore"):
        scale = np.where(spread > 0, 1 / spread, np.where(extent > 0, 2 / extent, 0.0))
    return center, np.minimum(scale, LARGEST)
