"""A recorded training as one HTML page that plays it back.

All numbers come from traces; the page only shows them. How they lie in it says `_packing`;
the page's own parts are in ``templates``.
"""

import json
from base64 import b64encode
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from math import isqrt
from pathlib import Path
from string import Template

import numpy as np
from sklearn.base import is_classifier

from .._estimators.fitted import targets_of, training_of
from ._packing import MANY_CELLS, Packer, dense, shown_tables
from ._quantities import facts, sections_of
from ._surface import surface_of

SCRIPTS = (
    "numbers.js",
    "tables.js",
    "heatmaps.js",
    "explain.js",
    "colors.js",
    "network.js",
    "edges.js",
    "pictures.js",
    "moments.js",
    "playback.js",
)

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


SMALLEST_PICTURE = 64
"""Features from which on a square number of them is taken for a picture."""


@dataclass
class Numbers:
    """The numbers of all recorded epochs, and what does not change from one to the next."""

    first: object  # the trace of the first
    shown: list  # the tables of the first
    packer: Packer
    scalars: dict = field(default_factory=lambda: {name: [] for name in SCALARS})
    largest_weight: float = 0.0
    largest_activation: list = field(default_factory=list)


def write_page(record, path, title, max_bytes, image_shape):
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
    image_shape : tuple of int, "auto" or None
        Rows and columns of the pictures that the inputs are.
    """
    page, n_epochs = make_page(record, title, max_bytes, image_shape)
    Path(path).write_bytes(page)
    return n_epochs


def make_page(record, title, max_bytes, image_shape):
    """Return the page as bytes, and how many epochs it shows."""
    picture = picture_shape(image_shape, record.trace(0).feature_names)

    def page_of(n_epochs):
        epochs = evenly(record.epochs, n_epochs)
        return fill(record, epochs, gather(record, epochs), title, picture)

    n_epochs = len(record.epochs)
    if n_epochs > 4:  # a look at the size first: to trace all epochs of a large network takes long
        two, three = len(page_of(2)), len(page_of(3))
        if two > max_bytes:
            raise ValueError(_no_room(record, max_bytes, two))
        n_epochs = min(n_epochs, max(2, int(1.5 * (max_bytes - two) / max(1, three - two)) + 2))
    page = page_of(n_epochs)
    while len(page) > max_bytes:
        if n_epochs <= 2:
            raise ValueError(_no_room(record, max_bytes, len(page)))
        # the first epoch is larger than the others, so this never leaves out too few for long
        n_epochs = max(2, min(int(n_epochs * 0.98 * max_bytes / len(page)), n_epochs - 1))
        page = page_of(n_epochs)
    return page, n_epochs


def evenly(epochs, n):
    """Return n of the epochs, the first and the last among them."""
    return epochs[np.linspace(0, len(epochs) - 1, n).round().astype(int)]


def _no_room(record, max_bytes, needed):
    """Return what to do about a page that does not fit."""
    n_parameters, n_shown = record.start.network.parameters.size, len(record.samples)
    message = (
        f"max_bytes={max_bytes} has no room for this page: with two epochs it has {needed} bytes. "
        f"Give max_bytes={needed} or more"
    )
    if n_shown * 10 > n_parameters:  # what is shown of them, not the weights, takes the room
        return f"{message}, or record fewer samples (now samples={n_shown})."
    return f"{message}; most of it are the {n_parameters} weights of the network at two epochs."


def picture_shape(image_shape, feature_names):
    """Return rows and columns of the pictures that the inputs are; None if they are none.

    Parameters
    ----------
    image_shape : tuple of int, "auto" or None
        "auto" takes a square of 64 features or more for a picture, unless they have names
        other than those of pixels.
    feature_names : list of str
        Names of the features.
    """
    n_features = len(feature_names)
    if image_shape is None:
        return None
    if isinstance(image_shape, str) and image_shape == "auto":
        side = isqrt(n_features)
        are_pixels = all(
            name == f"x{i}" or name.lower().startswith("pix")
            for i, name in enumerate(feature_names)
        )
        is_square = side * side == n_features >= SMALLEST_PICTURE
        return [side, side] if is_square and are_pixels else None
    shape = np.asarray(image_shape)
    are_sizes = shape.shape == (2,) and np.issubdtype(shape.dtype, np.integer) and shape.min() > 0
    if not are_sizes or shape.prod() != n_features:
        raise ValueError(
            f"image_shape must be (rows, columns) of pictures of {n_features} features, 'auto' or "
            f"None, got {image_shape!r}."
        )
    return shape.tolist()


def gather(record, epochs):
    """Return the numbers of some epochs, from their traces."""
    numbers = None
    for epoch in epochs.tolist():
        trace = record.trace(epoch)
        shown = shown_tables(sections_of(trace))
        if numbers is None:
            numbers = Numbers(trace, shown, Packer(_penalty_share(record, trace)))
            numbers.largest_activation = [0.0] * (len(trace.layers) + 1)
        numbers.packer.add(shown)
        for name in SCALARS:
            numbers.scalars[name].append(_plain(getattr(trace, name)))
        _take_in_sizes(numbers, trace)
    return numbers


def _penalty_share(record, trace):
    return record.start.learner.objective.shares(len(trace.targets))[1] or 0.0


def _take_in_sizes(numbers, trace):
    """Remember the largest weight, and the largest activation of each layer."""
    arrays = [trace.inputs, *(layer.activation for layer in trace.layers)]
    numbers.largest_activation = [
        max(old, _largest(array))
        for old, array in zip(numbers.largest_activation, arrays, strict=True)
    ]
    for layer in trace.layers:
        numbers.largest_weight = max(numbers.largest_weight, _largest(layer.weights_before))


def _largest(array):
    return float(np.nan_to_num(np.abs(dense(array)).max()))


def fill(record, epochs, numbers, title, picture):
    """Return the page as bytes."""
    folder = files(__package__) / "templates"
    parts = {
        "title": escape(title),
        "css": (folder / "record.css").read_text(encoding="utf-8"),
        "js": "\n".join((folder / name).read_text(encoding="utf-8") for name in SCRIPTS),
        "record": as_json(contents(record, epochs, numbers, picture)),
    }
    template = Template((folder / "record.html").read_text(encoding="utf-8"))
    return template.substitute(parts).encode()


def as_json(data):
    """Return JSON that can stand in a script element; what is not finite is null there."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def contents(record, epochs, numbers, picture):
    """Return all that the page shows, as what JSON can hold."""
    trace, training = numbers.first, record.start
    return {
        "facts": [
            *facts(trace, seen="the training data"),
            _about_steps(record),
            *_about_size(record, epochs, numbers),
        ],
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
        "penalty_share": numbers.packer.penalty_share,
        "feature_scaler": _scaler(trace.feature_scaler),
        "picture": picture,
        **_layout(numbers.shown),
        "stride": sum(shown.n_cells for shown in numbers.shown),
        "numbers": b64encode(numbers.packer.bytes()).decode(),
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


def _about_size(record, epochs, numbers):
    """Return what was rounded or left out so that a large network has a page."""
    lines = []
    if len(epochs) < len(record.epochs):
        lines.append(
            f"{len(epochs)} of the {len(record.epochs)} recorded epochs are here, evenly chosen; "
            "to_html(max_bytes=...) has room for more."
        )
    if any(shown.is_drawn for shown in numbers.shown):
        lines.append(
            "Matrices too large for digits are heat maps. Their numbers are rounded to 1/65000 of "
            "the largest, those of more than "
            f"{MANY_CELLS:,} cells to 1/254, and of these the update is shown as means of blocks."
        )
    return lines


def _is_multiclass(estimator):
    return is_classifier(estimator) and targets_of(estimator).kind == "multiclass"


def _is_plain_descent(optimizer):
    """Tell whether an update is minus the learning rate times the gradient."""
    settings = optimizer.get_params()
    is_sgd = optimizer.known_as == "sgd"
    return bool(is_sgd and not settings["momentum"] and not settings["weight_decay"])


def _layout(all_shown):
    """Return the sections, and for each table what it is and where its numbers begin."""
    laid_out, offset = [], 0
    for shown in all_shown:
        table, (quantity, layer) = shown.table, shown.quantity
        laid_out.append(
            {
                "key": table.key,
                "quantity": quantity,
                "layer": layer,
                "of": "weights" if quantity in OF_WEIGHTS else "samples",
                "symbol": table.symbol,
                "name": table.name,
                "formula": table.formula,
                "rows": table.rows,
                "columns": table.columns,
                "section": shown.section,
                "offset": offset,
                "is_drawn": shown.is_drawn,
                "is_coarse": shown.is_coarse,
                "block": shown.block,
            }
        )
        offset += shown.n_cells
    titles = dict.fromkeys(shown.section for shown in all_shown)
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
    # more digits than float32 has would only make the page longer
    center, scale = ([float(f"{x:.9g}") for x in part] for part in (scaler.center, scale))
    return {"center": center, "scale": scale}


def _plain(number):
    """Return a number as JSON knows it: None where there is none, or it is not finite."""
    return None if number is None or not np.isfinite(number) else float(f"{number:.7g}")
