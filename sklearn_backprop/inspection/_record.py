"""A training, recorded as it goes: the network at some epochs, norms of each layer at all."""

from copy import deepcopy
from dataclasses import dataclass, field
from html import escape
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_scalar

from .._engine.network import split
from .._engine.samples import Part
from .._estimators.callbacks import epoch_hooks
from .._estimators.data import FitData, ValidationSet
from .._estimators.fit import prepare, run
from .._estimators.fitted import for_prediction
from .._fitting.training import Training
from .._numerics.blas import one_blas_thread
from .._numerics.memo import shallow_copy
from ..optimizers import State as OptimizerState
from ._page import make_page, write_page
from ._recording import independent_training, trace_batch
from ._step import check_estimator_is_ours

MAX_FRAMES = 200
"""Recorded epochs beyond which ``every="auto"`` takes larger strides."""

NOTEBOOK_BYTES = 1_000_000
"""Largest page that a record shows of itself in a notebook, which keeps it in its file."""


@dataclass(frozen=True, repr=False, eq=False)
class TrainingRecord:
    """A training run and the network on its way, from `record_training`.

    Attributes
    ----------
    estimator : BackpropClassifier or BackpropRegressor
        What was trained; fitted.
    epochs : ndarray of int
        The recorded epochs; the first is 0, before the first step, the last is the last.
    gradient_norms : ndarray of shape (n_epochs, n_layers)
        Norm of each layer's gradient, weights and biases, at each epoch's last batch;
        penalty and clipping included, as in ``history_["gradient_norm"]``.
    update_norms : ndarray of shape (n_epochs, n_layers)
        Norm of what each epoch has changed of a layer.
    parameter_norms : ndarray of shape (n_epochs, n_layers)
        Norm of a layer's weights and biases at the end of each epoch.
    samples : ndarray of int
        The rows of the training samples that `trace` and the page show.
    n_training_samples : int
        How many there are.
    points : tuple of ndarray or None
        Where X has two columns: raw X and the targets of the samples shown, and then of up
        to 300 of all training samples.
    """

    estimator: Any
    epochs: np.ndarray
    gradient_norms: np.ndarray
    update_norms: np.ndarray
    parameter_norms: np.ndarray
    samples: np.ndarray
    n_training_samples: int
    points: tuple | None
    _frames: dict
    _batch: Part
    start: Training | None = field(default=None)

    def __repr__(self):
        """Say what was recorded, in a line."""
        n_layers = self.gradient_norms.shape[1]
        return (
            f"TrainingRecord({self.epochs[-1]} epoch(s), {len(self.epochs)} recorded, "
            f"{n_layers} layer(s), {len(self.samples)} sample(s) shown)"
        )

    @property
    def is_full_batch(self):
        """Whether the traced steps are those that training took: on all its samples at once."""
        estimator = self.estimator
        batch_size = 200 if estimator.batch_size == "auto" else estimator.batch_size
        fits = batch_size >= self.n_training_samples
        stochastic = self.start.learner.optimizer.stochastic
        shown = np.array_equal(self.samples, np.arange(self.n_training_samples))
        return bool(shown and (fits or not stochastic))

    def trace(self, epoch):
        """Return the step on the samples shown, from the network as it was after an epoch.

        With all samples shown and in one batch it is the step that training took next.

        Parameters
        ----------
        epoch : int
            One of ``epochs``.

        Returns
        -------
        StepTrace

        Raises
        ------
        ValueError
            If that epoch was not recorded.
        """
        with one_blas_thread():
            return trace_batch(self.estimator, self._training_at(epoch), self._batch)

    def estimator_at(self, epoch):
        """Return a copy of the estimator as it was after an epoch, ready to predict.

        Parameters
        ----------
        epoch : int
            One of ``epochs``.

        Returns
        -------
        BackpropClassifier or BackpropRegressor
        """
        twin = shallow_copy(self.estimator)
        twin.__dict__.update(for_prediction(self._training_at(epoch)))
        return twin.slim()

    def _training_at(self, epoch):
        """Return a training that stands where this one did after an epoch."""
        if epoch not in self._frames:
            near = self.epochs[np.argmin(np.abs(self.epochs - epoch))]
            raise ValueError(
                f"epoch={epoch!r} was not recorded; the nearest that was is {near}. "
                "record_training(every=1) records them all."
            )
        frame, start = self._frames[epoch], self.start.continued()
        start.progress.dropout_generator = frame.dropout_generator
        training = independent_training(self.estimator, start)
        training.network.parameters[...] = frame.parameters
        training.learner.state = deepcopy(frame.state)
        training.learner.learning_rate, training.progress.n_iter = frame.learning_rate, frame.n_iter
        return training

    def to_html(self, path, *, title=None, max_bytes=3_000_000, image_shape="auto"):
        """Write a page that plays the training back: one file, without network or server.

        Parameters
        ----------
        path : str or path-like
            File to write.
        title : str, default=None
            Heading of the page; None takes the estimator's class.
        max_bytes : int, default=3_000_000
            Largest size of the file. As many of the recorded epochs as fit are shown.
        image_shape : tuple of int, "auto" or None, default="auto"
            Rows and columns of the pictures that the inputs are, such as ``(28, 28)``; the
            page then shows them, and what each unit of the first layer looks for. "auto"
            takes a square of 64 features or more for a picture unless they have names other
            than those of pixels; None shows numbers.

        Returns
        -------
        int
            How many epochs are shown.

        Raises
        ------
        ValueError
            If not even two epochs fit, or ``image_shape`` does not.
        """
        name = title or type(self.estimator).__name__
        return write_page(self, path, name, max_bytes, image_shape)

    def _repr_html_(self):
        """Return the page for a notebook, in a frame of its own; a line where it has no room."""
        try:
            page, _ = make_page(self, type(self.estimator).__name__, NOTEBOOK_BYTES, "auto")
        except Exception:  # a display that fails would hide the record itself
            return f"<pre>{escape(repr(self))}</pre>"
        return (
            f'<iframe srcdoc="{escape(page.decode())}" title="{escape(repr(self))}" '
            'style="width: 100%; height: 800px; border: 0"></iframe>'
        )


@dataclass(frozen=True)
class Frame:
    """Where a training stands: all that changes from one epoch to the next."""

    parameters: np.ndarray
    state: OptimizerState | None
    learning_rate: float
    n_iter: int
    dropout_generator: object


class Recorder:
    """Called after each epoch of a training: keeps norms, and now and then the network.

    Parameters
    ----------
    training : Training
        Before its first step.
    every : int or "auto"
        How many epochs from one recorded one to the next.
    """

    def __init__(self, training, every):
        self.training = training
        self.adapts = every == "auto"
        self.every = 1 if self.adapts else every
        self.norms = {"gradient": [], "update": [], "parameter": []}
        self.latest = self._frame()
        self.frames = {0: self.latest}

    def _frame(self):
        training = self.training
        return Frame(
            training.network.parameters.copy(),
            deepcopy(training.learner.state),
            training.learner.learning_rate,
            training.progress.n_iter,
            deepcopy(training.progress.dropout_generator),
        )

    def __call__(self, record):
        """Take in an epoch."""
        network, before = self.training.network, self.latest.parameters
        self.latest = self._frame()
        for name, vector in (
            ("gradient", network.gradient),
            ("update", network.parameters - before),
            ("parameter", network.parameters),
        ):
            self.norms[name].append(layer_norms(vector, network.layer_sizes))
        if record["epoch"] % self.every == 0:
            self.frames[record["epoch"]] = self.latest
        if self.adapts and len(self.frames) > MAX_FRAMES:
            # 1, 2, 10, 20, 100, …: each is a multiple of the last, so nothing is missed
            self.every *= 2 if str(self.every)[0] == "1" else 5
            self.frames = {e: f for e, f in self.frames.items() if e % self.every == 0}

    def finish(self):
        """Return the frames, the last epoch's among them whatever its number."""
        return self.frames | {self.latest.n_iter: self.latest}


def layer_norms(vector, layer_sizes):
    """Return the Euclidean norm of each layer's part, weights and biases, of a flat vector."""
    weights, biases = split(vector, layer_sizes)
    return [
        float(np.sqrt(np.vdot(W, W) + np.vdot(b, b))) for W, b in zip(weights, biases, strict=True)
    ]


def record_training(
    estimator,
    X,
    y,
    sample_weight=None,
    *,
    every="auto",
    samples=12,
    coefs_init=None,
    intercepts_init=None,
    X_val=None,
    y_val=None,
) -> TrainingRecord:
    """Fit a clone of an estimator, and record the network on its way.

    Parameters
    ----------
    estimator : BackpropClassifier or BackpropRegressor
        Its clone is trained; it stays as it is.
    X, y, sample_weight : array-like
        As in ``fit``.
    every : int or "auto", default="auto"
        Record every so many epochs, and the first and the last. "auto" takes 1, 2, 10,
        20, 100, …, so that there are at most 200.
    samples : int or array-like of int, default=12
        Which training samples `TrainingRecord.trace` and the page show: so many, spread
        evenly over the rows, or these rows.
    coefs_init, intercepts_init, X_val, y_val : object, default=None
        As in ``fit``.

    Returns
    -------
    TrainingRecord

    Raises
    ------
    TypeError
        If ``estimator`` is none of this package.
    ValueError
        If a parameter or the data are not usable.

    Notes
    -----
    Plain functions set by ``set_callbacks`` are called; scikit-learn's callbacks are not.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_backprop import BackpropClassifier
    >>> from sklearn_backprop.inspection import record_training
    >>> network = BackpropClassifier(hidden_layer_sizes=5, learning_rate="cosine", max_iter=30)
    >>> record = record_training(network, *load_iris(return_X_y=True), every=10)
    >>> record.epochs
    array([ 0, 10, 20, 30])
    >>> record.gradient_norms.shape
    (30, 2)
    """
    if every != "auto":
        check_scalar(every, "every", Integral, min_val=1)
    twin = clone(check_estimator_is_ours(estimator, "record_training"))
    data = FitData(
        X,
        y,
        sample_weight,
        coefs_init=coefs_init,
        intercepts_init=intercepts_init,
        validation=ValidationSet(X_val, y_val),
    )
    fit = prepare(twin, data, hooks=lambda fitted: epoch_hooks(twin, None, {}, fitted))
    index = _rows(samples, fit.samples.n_samples)
    # take() may gather into buffers, or return views: keep copies
    taken = fit.samples.take(index, {})
    batch = Part(*(None if array is None else array.copy() for array in taken))
    start, recorder = independent_training(twin, fit.training), Recorder(fit.training, every)
    fit.loop.hooks = [*fit.loop.hooks, recorder]
    run(twin, fit)
    frames = recorder.finish()
    n_layers = len(fit.training.network.weights)
    norms = {name: np.reshape(rows, (-1, n_layers)) for name, rows in recorder.norms.items()}
    return TrainingRecord(
        estimator=twin,
        epochs=np.array(list(frames)),
        gradient_norms=norms["gradient"],
        update_norms=norms["update"],
        parameter_norms=norms["parameter"],
        samples=index,
        n_training_samples=fit.samples.n_samples,
        points=_points(fit, start, index) if fit.samples.X.shape[1] == 2 else None,
        _frames=frames,
        _batch=batch,
        start=start,
    )


def _rows(samples, n_samples):
    """Return the indices of the samples to show."""
    if isinstance(samples, Integral):
        check_scalar(samples, "samples", Integral, min_val=1)
        return np.unique(np.linspace(0, n_samples - 1, min(samples, n_samples)).round().astype(int))
    index = np.asarray(samples)
    fits = index.ndim == 1 and len(index) and np.issubdtype(index.dtype, np.integer)
    if not fits or index.min() < 0 or index.max() >= n_samples:
        raise ValueError(
            f"samples must be a number of samples or a list of rows in [0, {n_samples - 1}], got "
            f"{samples!r}."
        )
    return index


def _points(fit, training, shown):
    """Return raw X and the targets of the samples shown, and of some of all."""
    index = np.concatenate([shown, _rows(300, fit.samples.n_samples)])
    X, Y, _ = fit.samples.take(index, {})
    X = X if isinstance(X, np.ndarray) else X.toarray()
    for_inputs, for_outputs = training.statistics.feature_scaler, training.output_scaler
    if for_inputs is not None:
        X = for_inputs.inverse_transform(X)
    if for_outputs is not None:
        Y = for_outputs.inverse_transform(Y)
    return X, Y
