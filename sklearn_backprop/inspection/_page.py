"""A recorded training as one HTML page that plays it back.

All numbers come from traces; the page only shows them. They lie in it as float32, a block
of one layout for each recorded epoch. Its parts are in ``templates``.
"""

import json
import re
from base64 import b64encode
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np
from sklearn.base import is_classifier

from .._estimators.fitted import targets_of, training_of
from ._quantities import facts, sections_of
from ._surface import surface_of

SCRIPTS = ("tables.js", "explain.js", "pictures.js", "playback.js")

MAX_POINTS = 500
"""Points of the loss curve; of a longer training only so many are drawn."""

SCALARS = (
    "objective",
    "objective_after",
    "loss",
    "penalty",
    "learning_rate",
    "gradient_norm",
    "clipped_norm",
)


@dataclass
class Numbers:
    """The numbers of all recorded epochs, and what does not change from one to the next."""

    first: object  # the trace of the first
    tables: list = field(default_factory=list)
    blocks: list = field(default_factory=list)  # one ndarray an epoch
    scalars: dict = field(default_factory=lambda: {name: [] for name in SCALARS})
    largest_weight: float = 0.0
    largest_activation: list = field(default_factory=list)


def write_page(record, path, title, max_bytes):
    """Write a record's page; return how many epochs it shows.

    Parameters
    ----------
    record : TrainingRecord
        What to show.
    path : str or path-like
        File to write.
    title : str
        Heading.
    max_bytes : int
        Largest size of the file; epochs are left out, evenly, until it fits.
    """
    epochs = record.epochs
    numbers = gather(record, epochs)
    page = fill(record, epochs, numbers, title)
    while len(page) > max_bytes:
        n_epochs = min(int(len(epochs) * 0.97 * max_bytes / len(page)), len(epochs) - 1)
        if n_epochs < 2:
            raise ValueError(
                f"The page would have {len(page)} bytes for {len(epochs)} epoch(s), and "
                f"max_bytes={max_bytes} has no room for two. Record fewer samples "
                f"(now {len(record.samples)}) or a smaller network, or raise max_bytes."
            )
        epochs = epochs[np.linspace(0, len(epochs) - 1, n_epochs).round().astype(int)]
        numbers = gather(record, epochs)
        page = fill(record, epochs, numbers, title)
    Path(path).write_bytes(page)
    return len(epochs)


def gather(record, epochs):
    """Return the numbers of some epochs, from their traces."""
    numbers = None
    for epoch in epochs.tolist():
        trace = record.trace(epoch)
        tables = [(section, t) for section in sections_of(trace) for t in section.tables]
        if numbers is None:
            numbers = Numbers(trace, tables)
            numbers.largest_activation = [0.0] * (len(trace.layers) + 1)
        values = [_dense(table.values) for _, table in tables]
        block = np.concatenate([array.ravel() for array in values]).astype(np.float32)
        numbers.blocks.append(block)
        for name in SCALARS:
            numbers.scalars[name].append(_plain(getattr(trace, name)))
        _take_in_sizes(numbers, trace)
    return numbers


def _take_in_sizes(numbers, trace):
    """Remember the largest weight, and the largest activation of each layer."""
    arrays = [trace.inputs, *(layer.activation for layer in trace.layers)]
    sizes = [np.abs(_dense(array)).max() for array in arrays]
    numbers.largest_activation = [
        max(old, float(new))
        for old, new in zip(numbers.largest_activation, np.nan_to_num(sizes), strict=True)
    ]
    for layer in trace.layers:
        largest = float(np.nan_to_num(np.abs(layer.weights_before).max()))
        numbers.largest_weight = max(numbers.largest_weight, largest)


def fill(record, epochs, numbers, title):
    """Return the page as bytes."""
    folder = files(__package__) / "templates"
    parts = {
        "title": escape(title),
        "css": (folder / "record.css").read_text(encoding="utf-8"),
        "js": "\n".join((folder / name).read_text(encoding="utf-8") for name in SCRIPTS),
        "record": as_json(contents(record, epochs, numbers)),
    }
    template = Template((folder / "record.html").read_text(encoding="utf-8"))
    return template.substitute(parts).encode()


def as_json(data):
    """Return JSON that can stand in a script element; what is not finite is null there."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def contents(record, epochs, numbers):
    """Return all that the page shows, as what JSON can hold."""
    trace, training = numbers.first, record.start
    return {
        "facts": [*facts(trace, seen="the training data"), _about_steps(record)],
        "epochs": epochs.tolist(),
        "samples": [
            str(i) if i == row else f"{i} (row {row})" for i, row in enumerate(record.samples)
        ],
        "sizes": [trace.inputs.shape[1], *(len(layer.biases_before) for layer in trace.layers)],
        "layers": [{"function": layer.function} for layer in trace.layers],
        "features": trace.feature_names,
        "outputs": trace.output_names,
        "is_multiclass": _is_multiclass(record.estimator),
        "loss": trace.loss_function,
        "optimizer": trace.optimizer,
        "is_canonical": trace.is_canonical,
        "is_plain_descent": _is_plain_descent(training.learner.optimizer),
        "penalty_share": training.learner.objective.shares(len(trace.targets))[1] or 0.0,
        "feature_scaler": _scaler(trace.feature_scaler),
        **_layout(numbers.tables),
        "stride": len(numbers.blocks[0]),
        "numbers": b64encode(np.concatenate(numbers.blocks).tobytes()).decode(),
        "scalars": numbers.scalars,
        "largest_weight": numbers.largest_weight or 1.0,
        "largest_activation": [size or 1.0 for size in numbers.largest_activation],
        "curve": _curve(record.estimator),
        "surface": surface_of(record, epochs),
    }


def _about_steps(record):
    if record.is_full_batch:
        return "The step shown at an epoch is the one that training took next."
    n_shown, n_samples = len(record.samples), record.n_training_samples
    took = "batches of" if record.start.learner.optimizer.stochastic else "all of"
    return (
        f"The step shown at an epoch is one on the {n_shown} sample(s) shown, from the network as "
        f"it then was; training itself took {took} its {n_samples} samples."
    )


def _is_multiclass(estimator):
    return is_classifier(estimator) and targets_of(estimator).kind == "multiclass"


def _is_plain_descent(optimizer):
    """Tell whether an update is minus the learning rate times the gradient."""
    settings = optimizer.get_params()
    is_sgd = optimizer.known_as == "sgd"
    return bool(is_sgd and not settings["momentum"] and not settings["weight_decay"])


def _layout(tables):
    """Return the sections, and for each table what it is and where its numbers begin."""
    laid_out, offset = [], 0
    for section, table in tables:
        name, layer, after = re.fullmatch(r"(\D+)(\d*)(_after)?", table.key).groups()
        quantity = name + (after or "")
        laid_out.append(
            {
                "key": table.key,
                "quantity": quantity,
                "layer": int(layer or 0),
                "of": "weights" if quantity in OF_WEIGHTS else "samples",
                "symbol": table.symbol,
                "name": table.name,
                "formula": table.formula,
                "rows": table.rows,
                "columns": table.columns,
                "section": section.title,
                "offset": offset,
            }
        )
        offset += len(table.rows) * len(table.columns)
    titles = dict.fromkeys(section.title for section, _ in tables)
    return {"sections": [{"title": title} for title in titles], "tables": laid_out}


OF_WEIGHTS = {"W", "gradient_W", "update_W", "W_after"}
"""Quantities whose rows are units of the layer below; those of all others are samples."""


def _curve(estimator):
    """Return the loss of each epoch, or of evenly spaced ones where there are many."""
    history, kept = estimator.history_, training_of(estimator).progress.kept_epoch
    n_epochs = len(history["loss"])
    index = np.unique(np.linspace(0, n_epochs - 1, min(n_epochs, MAX_POINTS)).round().astype(int))
    validation = history.get("validation_loss")
    marked = validation is not None and kept
    return {
        "epochs": (index + 1).tolist(),
        "loss": [_plain(history["loss"][i]) for i in index],
        "validation": None if validation is None else [_plain(validation[i]) for i in index],
        "kept": kept if marked else None,
        "kept_loss": _plain(validation[kept - 1]) if marked else None,
    }


def _scaler(scaler):
    if scaler is None:
        return None
    scale = np.where(np.isfinite(scaler.scale), scaler.scale, 1.0)  # of a constant: 0 / 1
    return {"center": scaler.center.tolist(), "scale": scale.tolist()}


def _plain(number):
    """Return a number as JSON knows it: None where there is none, or it is not finite."""
    return None if number is None or not np.isfinite(number) else float(f"{number:.7g}")


def _dense(values):
    return values if isinstance(values, np.ndarray) else values.toarray()
