"""What each feature adds to a prediction: attributions along a path from a baseline."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from .._compositions.ensemble import BackpropEnsembleClassifier, BackpropEnsembleRegressor
from .._estimators.checks import check_features
from .._estimators.fitted import loss_of, outputs_of, targets_of
from .._numerics.blas import one_blas_thread
from .._numerics.memo import shallow_copy
from ..tabular import TabularClassifier, TabularRegressor
from ..tabular._gradients import gradient_of_mean, log_odds_and_weights
from ._step import check_estimator_is_ours

NUMBERS_IN_A_BLOCK = 2**22
"""Of derivatives that are in memory at a time."""


@dataclass
class Attributions:
    """What each feature adds to the outputs, beside those at a baseline.

    Made by `attributions`. For a classifier the outputs are those of ``decision_function``, for
    a regressor those of ``predict``, of a table before they are kept inside the range of fit's
    targets.

    Attributes
    ----------
    values : ndarray of shape (n_samples, n_features) or (n_samples, n_features, n_outputs)
        The attributions; the last axis where there are several outputs.
    base_values : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The outputs at the baseline.
    data : ndarray of object of shape (n_samples, n_features)
        X.
    feature_names : list of str
        Names of the features.
    output_names : list of str
        Classes or labels, or numbers of targets.
    convergence_delta : float
        How far, at most, the sum of the integral's values was from the outputs before the rest
        was shared out, in units of the outputs' standard deviation: with more steps it is
        smaller. NaN for a method without an integral.
    """

    values: np.ndarray
    base_values: np.ndarray
    data: np.ndarray = field(repr=False)
    feature_names: list
    output_names: list
    convergence_delta: float

    def importance(self) -> np.ndarray:
        """Return the mean of the absolute values.

        Returns
        -------
        ndarray of shape (n_features,) or (n_features, n_outputs)
        """
        return np.abs(self.values).mean(axis=0)

    def to_shap(self) -> Any:
        """Return the same as ``shap.Explanation``, for the plots of that package.

        Raises
        ------
        ImportError
            If the package shap is missing.
        """
        try:
            import shap  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise ImportError("to_shap needs the package shap (pip install shap).") from error
        names = self.output_names if self.values.ndim == 3 else None
        return shap.Explanation(
            self.values,
            base_values=self.base_values,
            data=self.data,
            feature_names=self.feature_names,
            output_names=names,
        )


def attributions(
    estimator, X, *, method="integrated_gradients", baseline=None, n_steps=50
) -> Attributions:
    """Return what each feature adds to each prediction.

    ``'integrated_gradients'`` is ``(x_i - b_i) ∫ ∂f/∂x_i (b + t (x - b)) dt``, ``t`` from 0 to 1,
    with the baseline ``b`` (Sundararajan, Taly and Yan, "Axiomatic attribution for deep
    networks", ICML 2017, equation 1), by the midpoint rule in steps. What a step's sum lacks of
    the difference that it is to explain, which goes to zero with more steps, is shared out in
    proportion to its absolute values; so the values of a row add up to its output minus that at
    the baseline (their proposition 1, completeness) with any number of steps.
    ``'gradient_x_input'`` is ``(x_i - b_i) ∂f/∂x_i (x)``, in one pass, and does not add up
    (Shrikumar, Greenside, Shcherbina and Kundaje, "Not just a black box", 2016).

    Of a table's companions, trees have slopes of zero with jumps between: what they add in a step
    is part of what the step's sum lacks.

    For a table both are taken in the columns that the encoder makes, and summed over those of
    a feature, so a category, a date and a gap are features as numbers are.

    Parameters
    ----------
    estimator : TabularClassifier, TabularRegressor, BackpropClassifier, BackpropRegressor
        Fitted; or an ensemble of the last two.
    X : DataFrame or array-like of shape (n_samples, n_features)
        What to explain.
    method : {"integrated_gradients", "gradient_x_input"}, default="integrated_gradients"
        How.
    baseline : DataFrame or array-like of shape (n_rows, n_features), default=None
        Rows whose mean, of the encoded columns, a prediction is compared with. None takes those
        that a table's estimator was fitted on, and else those of X.
    n_steps : int, default=50
        Of the integral.

    Returns
    -------
    Attributions

    Raises
    ------
    TypeError
        If ``estimator`` is another one.
    ValueError
        If X or the baseline have other features than in ``fit``, ``method`` is not one of the
        two, or ``n_steps`` is not positive.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_backprop import TabularRegressor
    >>> from sklearn_backprop.inspection import attributions
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = TabularRegressor(n_estimators=2, max_iter=20, random_state=0).fit(X, y)
    >>> found = attributions(model, X)
    >>> found.values.shape
    (442, 10)
    >>> sums = found.base_values + found.values.sum(axis=1)
    >>> bool(abs(sums.clip(y.min(), y.max()) - model.predict(X)).max() < 1)
    True
    """
    check_scalar(n_steps, "n_steps", int, min_val=1)
    if method not in METHODS:
        raise ValueError(f"method={method!r} is not known. Known are {', '.join(METHODS)}.")
    model = _model_of(estimator)
    rows, base = model.rows(X), model.baseline(X, baseline)
    with one_blas_thread():  # many small products, which threads would make slower
        explained = [
            METHODS[method](model, block, base, n_steps) for block in _blocks(rows, model, base)
        ]
    by_column = np.concatenate([values for values, _ in explained])
    delta = np.max([delta for _, delta in explained])
    values = np.zeros((*by_column.shape[:2], model.n_features))
    for j, columns in model.columns():
        values[:, :, j] = by_column[:, :, columns].sum(axis=2)
    outputs, values = model.outputs(base)[0], np.moveaxis(values, 1, 2)
    bases = np.repeat(outputs[None], len(rows), axis=0)
    if len(outputs) == 1:
        values, bases = values[:, :, 0], bases[:, 0]
    names = _feature_names(estimator), _output_names(estimator, len(outputs))
    return Attributions(values, bases, _objects(X), *names, float(delta))


def _integrated_gradients(model, rows, base, n_steps):
    """Return the attributions by column, and how much the rest was that was shared out."""
    steps = (rows - base) / n_steps
    before = np.repeat(model.outputs(base), len(rows), axis=0)
    total, rest, scale = 0.0, 0.0, 0.0
    for k in range(n_steps):
        parts = model.gradients(base + (k + 0.5) * steps) * steps[:, None]
        after = model.outputs(base + (k + 1) * steps)
        lacks = after - before - parts.sum(axis=2)
        total = total + parts + lacks[:, :, None] * _shares(parts, steps)
        rest, before = rest + lacks, after
        scale = max(scale, float(np.std(after)))
    return np.asarray(total), np.abs(rest).max() / (scale or 1.0)


def _shares(parts, steps):
    """Return each column's share of what a step lacks: as its part, or if all are 0 as its way."""
    shares = np.abs(parts)
    nothing = shares.sum(axis=2, keepdims=True) == 0
    shares = np.where(nothing, np.abs(steps)[:, None], shares)
    return shares / np.maximum(shares.sum(axis=2, keepdims=True), np.finfo(float).tiny)


def _gradient_x_input(model, rows, base, n_steps):
    return model.gradients(rows) * (rows - base)[:, None], np.nan


METHODS = {
    "integrated_gradients": _integrated_gradients,
    "gradient_x_input": _gradient_x_input,
}


def _blocks(rows, model, base):
    """Yield some rows at a time."""
    n_numbers = max(1, model.outputs(base).shape[1] * rows.shape[1])
    n_rows = max(1, NUMBERS_IN_A_BLOCK // n_numbers)
    for start in range(0, len(rows), n_rows):
        yield rows[start : start + n_rows]


class _Table:
    """An estimator for tables, in the columns of its encoder."""

    def __init__(self, estimator):
        self.estimator = estimator
        self.encoder = estimator.encoder_
        self.outputs = estimator.encoded_outputs
        self.gradients = estimator.encoded_gradients
        self.n_features = estimator.n_features_in_

    def rows(self, X):
        return self.encoder.transform(X).astype(np.float64)

    def baseline(self, X, given):
        if given is None:
            return self.estimator.mean_row_[None]
        return self.rows(given).mean(axis=0, keepdims=True)

    def columns(self):
        """Yield the position of each feature, and its encoded columns."""
        start = 0
        for j, name, column in self.encoder.used_columns():
            stop = start + len(column.names(name))
            yield j, slice(start, stop)
            start = stop


class _Plain:
    """A network, in its features."""

    def __init__(self, estimator):
        self.estimator = shallow_copy(estimator)
        self.estimator.__dict__.pop("feature_names_in_", None)  # rows of it are arrays
        self.with_names = estimator
        self.n_features = estimator.n_features_in_

    def rows(self, X):
        check_features(X, self.with_names)
        X = X.toarray() if issparse(X) else np.asarray(X)
        return X.astype(np.float64)

    def baseline(self, X, given):
        return self.rows(X if given is None else given).mean(axis=0, keepdims=True)

    def outputs(self, rows):
        is_class = is_classifier(self.estimator)
        answer = self.estimator.decision_function if is_class else self.estimator.predict
        return answer(rows).reshape(len(rows), -1).astype(np.float64)

    def gradients(self, rows):
        gradients = self.estimator.input_gradients(rows)
        if is_classifier(self.estimator):
            return gradients
        outputs = outputs_of(self.estimator, rows)
        return loss_of(self.estimator).prediction_gradients(outputs, gradients)

    def columns(self):
        """Yield each feature, and itself."""
        yield from ((j, slice(j, j + 1)) for j in range(self.n_features))


class _Ensemble(_Plain):
    """An ensemble of networks, in its features: means over the members."""

    def gradients(self, rows):
        plain = [_Plain(member) for member in self.estimator.estimators_]
        if not is_classifier(self.estimator):
            return np.mean([member.gradients(rows) for member in plain], axis=0)
        members = [member.estimator for member in plain]
        each = [member.decision_function(rows).reshape(len(rows), -1) for member in members]
        kind = targets_of(members[0]).kind
        _, weights = log_odds_and_weights(np.array(each), kind)
        return gradient_of_mean([member.input_gradients(rows) for member in members], weights)


KINDS = {
    (TabularClassifier, TabularRegressor): _Table,
    (BackpropEnsembleClassifier, BackpropEnsembleRegressor): _Ensemble,
}
"""What explains an estimator; any other of this package is a plain network."""


def _model_of(estimator):
    """Return what explains an estimator."""
    kind = next((kind for classes, kind in KINDS.items() if isinstance(estimator, classes)), None)
    if kind is None:
        check_estimator_is_ours(estimator, "attributions")
    check_is_fitted(estimator)
    return (kind or _Plain)(estimator)


def _feature_names(estimator):
    names = getattr(estimator, "feature_names_in_", None)
    n_features = estimator.n_features_in_
    return [f"x{j}" for j in range(n_features)] if names is None else list(names)


def _output_names(estimator, n_outputs):
    """Return the class that an output speaks for, or the number of a target."""
    if not is_classifier(estimator):
        return list(map(str, range(n_outputs)))
    return list(map(str, estimator.classes_[-n_outputs:]))


def _objects(X):
    """Return a table as an array of objects."""
    if hasattr(X, "to_pandas"):  # polars, pyarrow
        X = X.to_pandas()
    X = X.toarray() if issparse(X) else X
    return X.to_numpy(object) if hasattr(X, "to_numpy") else np.asarray(X, object)
