"""From a table of numbers, categories and text to the numbers a network learns well from."""

import warnings
from numbers import Integral, Real
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .._fitting.messages import warn
from .._sklearn import Interval, StrOptions, check_feature_names_in
from ..components import Lasting
from ._encoded_columns import (  # noqa: F401, Scaled for old pickles
    Categories,
    LeftOut,
    Numbers,
    Scaled,
    distinct,
    printed,
)
from ._named_features import mask_of
from ._row_labels import differs_by_row, error_of, warning_of
from ._tables import as_table, complex_message
from ._target_codes import MANY_LABELS

FEW_VALUES = 5
"""That most of so few values are new says nothing."""


class TabularEncoder(TransformerMixin, Lasting, BaseEstimator):
    """Turn a table of any kind into dense numbers of comparable size.

    - Numbers: ``(x - median) · s`` with ``s = 1 / (q75 - q25)``, or ``2 / (max - min)``
      where the quartiles agree, or 0 for a constant column. A missing value becomes the
      median, and a column that has some in ``fit`` gets an indicator beside it.
    - Dates and times, in whatever type, also as text in ISO format if all of a column is:
      numbers, the days since a moment. Zones are converted to UTC; what has none counts as
      UTC; a period counts as its start. Durations and times of day are days too. Dates get
      columns for the weekday, the month and the time of the year and of the day, where those
      in ``fit`` are enough to learn from.
    - Categories, text and booleans: a column of 0 and 1 for each category; for two
      categories one column of -1 and 1. A missing value or an unseen category is zeros.
      Where a category is unseen, a number finds its text, and the other way round, if
      there is only one such; so do a float32 and what it was rounded from. These columns
      are scaled as numbers are.
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
        ``"auto"`` takes the columns that do not hold numbers or times: text, categories,
        booleans, and objects of mixed type. A mask, positions or names say which columns
        of numbers or times are categories as well.
    ignored_features : array-like of bool, int or str, default=None
        A mask, positions or names of columns to leave out. So are, with a warning, columns of
        text or categories of which more than nine tenths of the values stand in one row only
        (names, ids, free text), unless ``categorical_features`` names them.
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
        a feature of numbers, and for one that is left out.
    left_out_features_ : list of str or int
        Names of the features that are left out, or positions where X had no names.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had some.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_backprop.tabular import TabularEncoder
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
        "ignored_features": ["array-like", None],
        "max_categories": [Interval(Integral, 2, None, closed="left"), None],
        "limit": [Interval(Real, 0, None, closed="neither"), None],
        "n_bins": [Interval(Integral, 2, None, closed="left"), None],
        "dtype": [StrOptions({"float32", "float64"})],
    }

    def __init__(
        self,
        categorical_features="auto",
        ignored_features=None,
        max_categories=100,
        limit=3.0,
        n_bins=None,
        dtype="float64",
    ):
        self.categorical_features = categorical_features
        self.ignored_features = ignored_features
        self.max_categories = max_categories
        self.limit = limit
        self.n_bins = n_bins
        self.dtype = dtype

    def fit(self, X, y=None) -> Self:
        """Learn categories, medians and scales.

        Parameters
        ----------
        X : DataFrame (pandas, polars), Table (pyarrow) or array-like
            The table, of shape (n_samples, n_features). May have missing values; what a
            mask hides is one.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted encoder.

        Raises
        ------
        ValueError
            If X has an infinite or a complex number or one that float64 cannot hold, if
            ``categorical_features`` or ``ignored_features`` names no column of it, or if all
            columns are left out. The encoder is then as it was.

        Warns
        -----
        UserWarning
            If text is read as dates, or columns are left out, with their names.
        """
        self._validate_params()
        table = as_table(X)
        fitted = object.__new__(type(self))  # an error leaves self as it was
        fitted.__dict__.update(self.__dict__)
        fitted._fit(X, table)
        self.__dict__ = fitted.__dict__
        return self

    def _fit(self, X, table):
        validate_data(self, X, skip_check_array=True)
        self.n_features_in_ = table.shape[1]
        named, ignored = self._mask("categorical_features"), self._mask("ignored_features")
        twice = [name for name, both in zip(self._names(), named & ignored, strict=True) if both]
        if twice:
            raise ValueError(
                f"{twice} are named in categorical_features and in ignored_features; take them "
                "out of one of them."
            )
        text_dates, found, self._columns = [], {}, []
        for j, name in enumerate(self._names()):
            read = None if ignored[j] else self._read(table, j)
            if read is not None and not named[j] and differs_by_row(read):
                found[name], read = read, None
            self._columns.append(self._column(read, name, named[j]))
            if read is not None and read.kind == "text dates" and not named[j]:
                text_dates.append(name)
        self._keep_names(found)
        if found:
            warn(warning_of(found))
        if text_dates:
            warn(
                f"The text of {text_dates} is read as dates, for all of it is ISO dates. If they "
                "are categories, name them in categorical_features; if not, make them a date "
                "column (pandas.to_datetime) to be rid of this warning."
            )

    def _keep_names(self, found):
        """Set the attributes that say what became of each feature; at least one must be left."""
        self.categories_ = [column.categories for column in self._columns]
        names = getattr(self, "feature_names_in_", np.arange(self.n_features_in_)).tolist()
        pairs = zip(names, self._columns, strict=True)
        self.left_out_features_ = [name for name, column in pairs if not column.is_used]
        if len(self.left_out_features_) == self.n_features_in_:
            raise ValueError(error_of(found))

    def _column(self, read, name, is_category):
        """Return how a feature is encoded; ``read`` is its ``Column``, None to leave it out."""
        if read is None:
            return LeftOut()
        if is_category or read.kind == "labels":
            column = Categories(self.max_categories)
        elif read.kind == "numbers":
            column = Numbers(self.n_bins)
        else:
            of_dates = read.kind != "durations"
            column = Numbers(self.n_bins, read.middle_time(), of_dates)
        column.fit(column.read(read, name), self.clipped)
        return column

    def transform(self, X) -> np.ndarray:
        """Encode a table.

        Parameters
        ----------
        X : DataFrame (pandas, polars), Table (pyarrow) or array-like
            The table, of shape (n_samples, n_features), with the features of ``fit``.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            Finite numbers, of ``dtype``.

        Raises
        ------
        ValueError
            If X has an infinite or a complex number or one that float64 cannot hold, other
            features than in ``fit``, or text in a column of numbers.

        Warns
        -----
        UserWarning
            If most values of a column of categories are new, with its name.
        """
        table = self._checked_table(X)
        (result,) = self.encode_blocks(table, table.shape[0])
        return result

    def encode_blocks(self, table, n_rows):
        """Yield a table encoded, some rows at a time; at last warn of new categories.

        Parameters
        ----------
        table : object
            What `sklearn_backprop.tabular._tables.as_table` returns, with the features of ``fit``.
        n_rows : int
            Of a block; the last may have fewer.

        Yields
        ------
        ndarray of shape (n_rows, n_features_out)
            As ``transform`` returns them.
        """
        n_columns, news = sum(len(column.names("")) for column in self._columns), {}
        for start in range(0, table.shape[0], n_rows):
            part = table.rows(start, min(start + n_rows, table.shape[0]))
            result = np.empty((part.shape[0], n_columns), np.dtype(self.dtype))
            self._encode(part, result, news)
            yield result
        self._warn_of_news(news)

    def many_labels(self):
        """Return position, name and encoding of each feature of so many labels that codes pay."""
        return [
            used
            for used in self.used_columns()
            if used[-1].categories is not None and len(used[-1].positions) > MANY_LABELS
        ]

    def with_target_codes(self, table, encoded, targets, folds):
        """Add columns of what the targets say to features of many labels.

        ``transform`` returns them too from then on.

        Parameters
        ----------
        table : object
            What `sklearn_backprop.tabular._tables.as_table` returns: that of ``fit``.
        encoded : ndarray of shape (n_rows, n_features_out)
            What ``transform`` has made of it.
        targets, folds : ndarray
            As ``target_codes`` takes them.

        Returns
        -------
        ndarray of shape (n_rows, n_features_out)
            With more columns, cross-fitted.
        """
        parts, start, many = [], 0, {j for j, *_ in self.many_labels()}
        for j, name, column in self.used_columns():
            stop = start + len(column.names(name))
            parts.append(encoded[:, start:stop])
            start = stop
            if j in many:
                values = column.read(self._read(table, j), name)
                codes = column.fit_codes(values, targets, folds, self.clipped)
                parts.append(codes.astype(encoded.dtype))
        return np.hstack(parts)

    def _checked_table(self, X):
        """Return X as a table with the features of ``fit``."""
        check_is_fitted(self)
        table = as_table(X)
        validate_data(self, X, skip_check_array=True, reset=False)
        if table.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {table.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        return table

    def _encode(self, table, result, news):
        """Write a table encoded; add to the new labels of each feature, and to their number."""
        start = 0
        for j, (column, name) in enumerate(zip(self._columns, self._names(), strict=True)):
            values = column.read(self._read(table, j) if column.is_used else table.column(j), name)
            encoded = column.encode(values, self.clipped)
            result[:, start : start + encoded.shape[1]] = encoded
            start += encoded.shape[1]
            if column.categories is not None:
                labels, n_labels = column.new_labels(values)
                first, n_new, n_all = news.get(j, (labels[:1], 0, 0))
                news[j] = first or labels[:1], n_new + len(labels), n_all + n_labels

    def _warn_of_news(self, news):
        """Warn of features most of whose values were not in ``fit``."""
        told = []
        for j, (labels, n_new, n_labels) in news.items():
            if n_labels > FEW_VALUES and n_new > n_labels / 2:
                known = self.categories_[j][:1].tolist()
                there = f"such as {printed(known[0], repr)}" if known else "all missing"
                now = printed(labels[0], repr)
                told.append(f"{self._names()[j]!r} (now such as {now}, in fit {there})")
        if told:
            warnings.warn(
                f"Most values of {', '.join(told)} were not in fit, so they say nothing to the "
                "model. Give them the type and the spelling that they had in fit.",
                stacklevel=5,
            )

    def clipped(self, scaled):
        """Return scaled numbers, smoothly clipped, or at least small enough for the dtype."""
        if self.limit is not None:
            return scaled / np.hypot(1.0, scaled / self.limit)
        largest = float(np.finfo(self.dtype).max)
        return np.clip(scaled, -largest, largest)

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Return the names of the columns of the result.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features; None takes those of ``fit``.

        Returns
        -------
        ndarray of str objects of shape (n_features_out,)
            No two are equal: where two would be, the second gets a number.
        """
        check_is_fitted(self)
        names = check_feature_names_in(self, input_features)
        pairs = zip(self._columns, names, strict=True)
        return np.array(distinct([n for column, base in pairs for n in column.names(base)]), object)

    def _names(self):
        """Return the features' names, for messages."""
        names = getattr(self, "feature_names_in_", None)
        return [f"x{j}" for j in range(self.n_features_in_)] if names is None else list(names)

    def used_columns(self):
        """Return position, name and encoding of each feature that is not left out."""
        each = zip(range(self.n_features_in_), self._names(), self._columns, strict=True)
        return [column for column in each if column[-1].is_used]

    def columns_without_bins(self):
        """Return the positions of the encoded columns that are no bins, or None for all."""
        is_bin = np.concatenate([column.is_bin() for _, _, column in self.used_columns()])
        return np.flatnonzero(~is_bin) if is_bin.any() else None

    def _read(self, table, j):
        """Return a column of a table, unless it has complex numbers."""
        column = table.column(j)
        if "complex" in column.families:
            raise ValueError(complex_message(self._names()[j]))
        return column

    def _mask(self, parameter):
        """Return a mask of the features that a parameter names."""
        names = getattr(self, "feature_names_in_", ())
        return mask_of(parameter, getattr(self, parameter), self.n_features_in_, names)

    def __sklearn_tags__(self):
        """Tell scikit-learn that missing values, text and categories work."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = []
        return tags
