"""Export of the whole to ONNX: from a raw table, a column an input, to the predictions.

Numbers and times come in double precision, labels as text. What the encoder makes of a label
is a row of a matrix that it fills itself, so only numbers are computed in the graph.
"""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from .._estimators.fitted import targets_of
from .._estimators.onnx import (
    DOUBLE,
    SINGLE,
    Graph,
    as_predicted,
    both_classes,
    finish,
    import_onnx,
    mean_of,
    network,
    prediction_columns,
)
from ._encoded_columns import BIN_SIZE, LARGEST, distinct, printed
from ._onnx_calendar import add_calendar
from ._onnx_companions import pooled_logits, pooled_predictions
from ._tables import as_table

TEXT = np.dtype(str)
OUTPUTS = "probabilities", "label", "predictions"
"""Names that no input has."""

FAR = 1e8
"""So many limits away the smooth clip is its limit, to the last digit of float64."""


class ExportsToOnnx:
    """Mixin of the estimators for tables: ``to_onnx``, and the inputs of what it returns."""

    encoder_: Any
    estimators_: list

    def to_onnx(self, path=None) -> Any:
        """Return the whole as an ONNX model, from a raw table to predictions.

        The model has an input of shape (N, 1) for each feature that is not left out, with the
        feature's name (``x0``, ``x1``, … if X had none): numbers as doubles, NaN where they are
        missing; dates as days since 1970-01-01 in UTC and durations as days, doubles too; labels
        as text. What is no known label is missing. ``onnx_inputs`` makes them of a table.

        Parameters
        ----------
        path : str or path-like, default=None
            File to write the model to.

        Returns
        -------
        onnx.ModelProto
            For classes its outputs are ``probabilities``, doubles of shape (N, n_classes), and
            ``label`` where classes are text or whole numbers; the classes are in its metadata
            as ``classes``, a JSON list. For numbers its output is ``predictions``, doubles of
            the shape that ``predict`` returns.

        Raises
        ------
        ImportError
            If the package onnx is missing (``pip install onnx``).
        ValueError
            If the loss is not one of this package's, a companion not one of ``"auto"``, or two
            categories of a feature are the same text, such as 1 and "1".
        """
        check_is_fitted(self)
        used = _inputs_of(self.encoder_)
        kinds = {name: DOUBLE if c.categories is None else TEXT for name, _, c in used}
        graph = Graph(import_onnx(), kinds)
        parts = [
            add_numbers(graph, name, column, self.encoder_.limit)
            if column.categories is None
            else add_labels(graph, name, column, self.encoder_.clipped)
            for name, _, column in used
        ]
        encoded = parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)
        encoded = graph.cast(encoded, SINGLE)
        inputs = {name: ["N", 1] for name in kinds}
        return finish(graph, self, inputs, self._onnx_outputs(graph, encoded), path)

    def onnx_inputs(self, X) -> dict:
        """Return what the model of ``to_onnx`` is fed for a table.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_features)
            The table.

        Returns
        -------
        dict of str to ndarray of shape (n_samples, 1)
            For ``session.run(None, …)`` of onnxruntime.

        Raises
        ------
        ValueError
            As ``predict`` does.
        """
        check_is_fitted(self)
        table = as_table(X)
        validate_data(self, X, skip_check_array=True, reset=False)
        inputs = {}
        for name, j, column in _inputs_of(self.encoder_):
            values = column.read(table.column(j), name)
            make = _numbers_of if column.categories is None else _labels_of
            inputs[name] = make(column, values)[:, None]
        return inputs


def _inputs_of(encoder):
    """Return name, position and encoding of each input; no name is that of an output."""
    positions, names, columns = zip(*encoder.used_columns(), strict=True)
    names = distinct([*OUTPUTS, *map(str, names)])[len(OUTPUTS) :]
    return list(zip(names, positions, columns, strict=True))


def _numbers_of(column, values):
    """Return numbers, and times in days since 1970, or of a duration."""
    return values + column.since_1970


def _labels_of(column, values):
    """Return labels as the text that stands for them; one that stands for none if unknown."""
    keys = column.keys()
    text_at = [""] * (1 + max(keys.values(), default=0))
    for label, position in keys.items():
        text_at[position] = printed(label)
    unknown = ""
    while unknown in text_at:
        unknown = f"<missing{unknown}>"
    return np.array([*text_at, unknown], dtype=object)[column.find(values, keys)]


def add_numbers(graph, value, column, limit):
    """Add the encoding of a column of numbers; return the name of its columns."""
    days = value
    if column.since_1970:
        value = graph.combine("Sub", value, column.since_1970)
    value = graph.clip(value, -LARGEST, LARGEST)
    missing = graph.add("IsNaN", value, dtype=np.dtype(bool))
    center = graph.constant(column.center[:, None], DOUBLE)
    filled = graph.add("Where", missing, center, value, dtype=DOUBLE)
    # onnxruntime takes a constant that is 0 in single precision for 0: a power of two, which
    # changes no digit, first makes centers as large as they are beside the spread
    unit = 2.0 ** np.floor(np.log2(column.scale)) if column.scale > 0 else np.ones(1)
    value = graph.combine("Sub", graph.combine("Mul", filled, unit), column.center * unit)
    value = _clipped(graph, graph.combine("Mul", value, column.scale / unit), limit)
    parts = [value]
    if column.edges is not None:
        low, high = column.edges[None, :-1], column.edges[None, 1:]
        risen = graph.combine("Div", graph.combine("Sub", value, low), high - low)
        risen = graph.combine("Mul", graph.clip(risen, 0, 1), 2 * BIN_SIZE)
        parts.append(graph.combine("Sub", risen, BIN_SIZE))
    if column.calendar is not None:
        dates = add_calendar(graph, days, missing, column.calendar)
        scaled = graph.combine("Sub", dates, column.calendar_scale.center[None])
        scaled = graph.combine("Mul", scaled, column.calendar_scale.scale[None])
        parts.append(_clipped(graph, scaled, limit))
    if column.indicator is not None:
        both = column.indicator.scaled(np.array([[1.0], [0.0]]))
        yes, no = (graph.constant(row[None], DOUBLE) for row in both)
        indicator = graph.add("Where", missing, yes, no, dtype=DOUBLE)
        parts.append(_clipped(graph, indicator, limit))
    return value if len(parts) == 1 else graph.add("Concat", *parts, axis=1)


def _clipped(graph, value, limit):
    """Add ``x / sqrt(1 + (x / limit)²)``, where the square of no x is infinite."""
    value = graph.clip(value, -FAR * limit, FAR * limit)
    ratio = graph.combine("Div", value, limit)
    square = graph.combine("Add", graph.add("Mul", ratio, ratio), 1.0)
    return graph.add("Div", value, graph.add("Sqrt", square))


def add_labels(graph, value, column, clipped):
    """Add the encoding of a column of labels; return the name of its columns."""
    labels = [printed(label) for label in column.positions]
    twice = sorted({label for label in labels if labels.count(label) > 1})[:3]
    if twice:
        raise ValueError(
            f"The feature {value!r} cannot be exported to ONNX: it has categories that are the "
            f"same text, {', '.join(map(repr, twice))}. Make all its values text before fit."
        )
    rows = column.rows(clipped)
    position = graph.add(
        "LabelEncoder",
        value,
        dtype=np.dtype(np.int64),
        domain="ai.onnx.ml",
        keys_strings=labels or [""],
        values_int64s=list(column.keys().values()) or [len(rows) - 1],
        default_int64=len(rows) - 1,  # what is no label
    )
    found = graph.add("Gather", graph.constant(rows, DOUBLE), position, dtype=DOUBLE, axis=0)
    return graph.add("Squeeze", found, graph.constant([1], np.int64))


def probabilities_of_members(graph, encoded, estimator):
    """Add the mean of the members' probabilities, and the label; return the outputs."""
    each = []
    for team in estimator.teams():
        kind, n_classes = targets_of(team.network).kind, len(estimator.classes_)
        logits = network(graph, team.network, encoded, as_net_inputs=True)
        logits = pooled_logits(graph, team, encoded, logits, n_classes)
        logits = graph.combine("Div", logits, estimator.temperature_)
        if kind == "multiclass":
            P = graph.add("Softmax", logits, axis=1)
        else:
            P = graph.add("Sigmoid", logits)
            P = both_classes(graph, P) if kind == "binary" and n_classes == 2 else P
        eps = np.finfo(DOUBLE).eps
        limits = (1, 1) if n_classes == 1 else (eps, 1 - eps)
        each.append(graph.clip(P, *limits))
    P = mean_of(graph, each)
    outputs = {"probabilities": (P, ["N", n_classes])}
    classes = estimator.classes_
    if kind == "multilabel-indicator":
        is_label = graph.add("Greater", P, graph.constant(0.5, DOUBLE), dtype=np.dtype(bool))
        labels = graph.cast(is_label, np.dtype(np.int64))
        outputs["label"] = labels, ["N", n_classes]
    elif classes.dtype.kind in "iubUO" and not isinstance(classes[0], float):
        dtype = np.dtype(np.int64) if classes.dtype.kind in "iub" else TEXT
        best = graph.add("ArgMax", P, axis=1, keepdims=0, dtype=np.dtype(np.int64))
        known = graph.constant(classes if dtype != TEXT else classes.astype(str), dtype)
        outputs["label"] = graph.add("Gather", known, best, dtype=dtype), ["N"]
    return outputs


def predictions_of_members(graph, encoded, estimator, low, high):
    """Add the mean of the members' predictions, each within limits, in the units of y."""
    each = []
    for team in estimator.teams():
        outputs = network(graph, team.network, encoded)
        value, n_columns = prediction_columns(graph, outputs, team.network)
        value = pooled_predictions(graph, team, encoded, value)
        value = graph.combine("Mul", value, np.atleast_1d(estimator.target_scale_))
        value = graph.combine("Add", value, np.atleast_1d(estimator.target_mean_))
        value = graph.combine("Max", value, np.atleast_1d(low))
        each.append(graph.combine("Min", value, np.atleast_1d(high)))
    return {"predictions": as_predicted(graph, mean_of(graph, each), n_columns)}
