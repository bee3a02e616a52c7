"""Backpropagation against central differences: whether a gradient is its objective's slope."""

from dataclasses import dataclass

import numpy as np

from .._engine.network import split
from .._engine.objective import Total
from .._engine.samples import Part, as_batch
from .._engine.training import backpropagate
from .._numerics.blas import one_blas_thread
from ._step import check_estimator_is_ours, prepare_batch

STEPS = (1e-5, 1e-6, 1e-7)
"""Tried in turn: a smaller step looks closer at a kink, and suffers more from rounding."""


@dataclass(frozen=True)
class ArrayCheck:
    """How the gradient of one layer's weights, or of its biases, compares.

    Attributes
    ----------
    layer : int
        1 for the first layer above the inputs.
    kind : {"weights", "biases"}
        Which of the two.
    difference : float
        The largest difference, relative to the largest entry of the array.
    index : tuple of int
        Where that is.
    backpropagated, numeric : float
        The two derivatives there.
    n_checked, n_kinks : int
        How many entries were compared, and how many could not be: the objective has a
        kink there, and the gradient lies between the slopes of its two sides.
    """

    layer: int
    kind: str
    difference: float
    index: tuple
    backpropagated: float
    numeric: float
    n_checked: int
    n_kinks: int


@dataclass(frozen=True, repr=False)
class GradientCheck:
    """What `check_gradients` found; ``print`` shows it as a table.

    Attributes
    ----------
    arrays : list of ArrayCheck
        One for the weights and one for the biases of each layer, from the first up.
    rtol : float
        Largest relative difference that passes.
    functions : list of str
        Names of the layers' activation functions.
    loss_function : str
        Name of the loss.
    n_cut_off : int
        Samples that were left out, for their loss is cut off so that it stays finite
        (`Loss.is_cut_off`): there it is flat, and the gradient leads back on purpose.
    """

    arrays: list
    rtol: float
    functions: list
    loss_function: str
    n_cut_off: int = 0

    @property
    def worst(self):
        """The `ArrayCheck` with the largest relative difference."""
        return max(self.arrays, key=lambda check: np.nan_to_num(check.difference, nan=np.inf))

    @property
    def max_difference(self):
        """The largest relative difference of all."""
        return self.worst.difference

    @property
    def layer(self):
        """The layer that has it, counted from 1."""
        return self.worst.layer

    @property
    def index(self):
        """Where in the layer's weights or biases it is."""
        return self.worst.index

    @property
    def passed(self):
        """Whether all differences are within ``rtol``."""
        return bool(self.max_difference <= self.rtol)

    def __repr__(self):
        """Say how it ended, in a line."""
        outcome = "passed" if self.passed else "failed"
        return f"GradientCheck({outcome}, largest relative difference {self.max_difference:.2g})"

    def __str__(self):
        """Return a table, a line an array, and where to look if one fails."""
        head = (
            f"{'layer':<6}{'array':<9}{'difference':>11}  {'where':<12}"
            f"{'backpropagation':>16}{'differences':>15}{'checked':>9}{'kinks':>7}"
        )
        lines = [head]
        for check in self.arrays:
            where = "[" + ", ".join(map(str, check.index)) + "]"
            failed = "" if check.difference <= self.rtol else "  <-"
            lines.append(
                f"{check.layer:<6}{check.kind:<9}{check.difference:>11.1e}  {where:<12}"
                f"{check.backpropagated:>16.6g}{check.numeric:>15.6g}{check.n_checked:>9}"
                f"{check.n_kinks:>7}{failed}"
            )
        if self.n_cut_off:
            lines.append(f"{self.n_cut_off} sample(s) left out: their loss is cut off.")
        return "\n".join([*lines, self.diagnosis()])

    def diagnosis(self):
        """Say whether it passed, or which derivative is most likely wrong."""
        if self.passed:
            return f"All gradients agree within {self.rtol:g}."
        wrong = max(check.layer for check in self.arrays if not check.difference <= self.rtol)
        n_layers = len(self.functions)
        if wrong == n_layers:
            return (
                f"The output layer's gradient is wrong: look at the derivative of the loss "
                f"({self.loss_function}: gradient, output_delta) and of the output activation "
                f"({self.functions[-1]}: backward)."
            )
        return (
            f"The gradient is right above layer {wrong} and wrong in it: look at the derivative "
            f"of its activation ({self.functions[wrong - 1]}: backward)."
        )


def check_gradients(
    estimator,
    X,
    y,
    sample_weight=None,
    *,
    classes=None,
    coefs_init=None,
    intercepts_init=None,
    rtol=1e-5,
    max_entries=500,
    random_state=0,
) -> GradientCheck:
    """Compare backpropagation with central differences of the objective, layer by layer.

    For an activation or a loss of your own: a wrong derivative shows, and where it shows
    says which one it is. Computed in float64, without dropout. The estimator stays as it is.

    Parameters
    ----------
    estimator : BackpropClassifier or BackpropRegressor
        Fitted, or not.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Any number of rows; a few are enough.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights, non-negative.
    classes, coefs_init, intercepts_init : object, default=None
        As in `trace_step`.
    rtol : float, default=1e-5
        Largest difference that passes, relative to the array's largest entry.
    max_entries : int, default=500
        Largest number of entries to compare of an array; of larger ones so many are drawn.
        None compares all. Each costs two forward passes.
    random_state : int, default=0
        Seed of that draw.

    Returns
    -------
    GradientCheck

    Raises
    ------
    TypeError
        If ``estimator`` is none of this package.
    ValueError
        If the data are not usable.

    Notes
    -----
    A difference is ``(f(w + h) - f(w - h)) / 2h`` with h = 1e-5. Where it disagrees, smaller
    steps are tried, for h may have stepped over a kink, such as that of ReLU. An entry whose
    gradient lies between the slopes of its two sides stands on a kink; it is counted and not
    compared. Rounding makes an error of about ``4 ε |f| / h`` in a difference (``|f| + 1`` with
    logarithms of probabilities); a difference is taken relative to at least so much that this
    alone comes out as ``rtol``. Samples whose loss is cut off are left out (`Loss.is_cut_off`).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_backprop import BackpropClassifier
    >>> from sklearn_backprop.activations import Activation
    >>> from sklearn_backprop.inspection import check_gradients
    >>> X, y = load_iris(return_X_y=True)
    >>> check_gradients(BackpropClassifier(hidden_layer_sizes=4), X[::15], y[::15]).passed
    True
    >>> class Cubic(Activation):
    ...     def forward(self, Z, out):
    ...         out[...] = Z**3
    ...
    ...     def backward(self, Z, A, delta):  # forgets the square
    ...         delta *= 3 * Z
    >>> wrong = BackpropClassifier(hidden_layer_sizes=4, activation=Cubic())
    >>> print(check_gradients(wrong, X[::15], y[::15]).diagnosis())
    The gradient is right above layer 1 and wrong in it: look at the derivative of its \
activation (Cubic: backward).
    """
    estimator = check_estimator_is_ours(estimator, "check_gradients")
    _, fit = prepare_batch(
        estimator,
        X,
        y,
        sample_weight,
        classes,
        (coefs_init, intercepts_init),
        dtype="float64",
        dropout=0.0,
    )
    training, random = fit.training, np.random.RandomState(random_state)
    network = training.network
    checks = []
    with one_blas_thread(), np.errstate(all="ignore"):
        if not training.progress.is_trained and coefs_init is None:
            _leave_the_best_constant(network, random_state)
        part, n_cut_off = _without_cut_off(training, fit.samples.take(slice(None), {}))
        objective, gradient = _objective(training.learner, part)
        # the logarithm of a probability near 1 is off by ε, however small the loss is
        size = abs(objective()) + (training.loss.task == "classification")
        parts = split(np.arange(gradient.size), network.layer_sizes)
        for layer, arrays in enumerate(zip(*parts, strict=True), start=1):
            for kind, positions in zip(("weights", "biases"), arrays, strict=True):
                chosen = positions.ravel()
                if max_entries is not None and len(chosen) > max_entries:
                    chosen = np.sort(random.choice(chosen, max_entries, replace=False))
                entries = _compare(objective, size, gradient, network.parameters, chosen, rtol)
                checks.append(_array_check(layer, kind, positions, entries))
    functions = [f.name for f in network.activations]
    return GradientCheck(checks, rtol, functions, training.loss.name, n_cut_off)


def _leave_the_best_constant(network, random_state):
    """Draw output weights if all are 0, for then no gradient arrives below them."""
    W = network.weights[-1]
    if len(network.weights) > 1 and not W.any():
        W[...] = np.random.RandomState(random_state).normal(0, len(W) ** -0.5, W.shape)


def _without_cut_off(training, part):
    """Return some samples, with weight 0 where their loss is cut off, and how many are."""
    left_out = training.loss.is_cut_off(part.Y, training.network.forward(part.X))
    if not left_out.any():
        return part, 0
    weights = np.ones((len(part.Y), 1)) if part.weight is None else part.weight.copy()
    weights[left_out] = 0
    return Part(part.X, part.Y, weights), int(left_out.sum())


def _objective(learner, part):
    """Return the objective as a function of no arguments, and the gradient of it."""
    network, n_samples = learner.network, len(part.Y)
    batch = as_batch(part, learner.objective)
    backpropagate(learner, batch)
    network.penalize(batch.penalty_share)
    gradient = network.gradient.copy()

    def objective():
        total = Total(learner.objective)
        total.weigh(network)
        total.add(batch, network.forward(part.X))
        return total.value(n_samples)

    return objective, gradient


@dataclass
class _Entry:
    """A derivative by one parameter, by both ways."""

    position: int  # in the flat vector
    backpropagated: float
    numeric: float
    difference: float = 0.0  # relative
    is_kink: bool = False


def _compare(objective, size, gradient, parameters, positions, rtol):
    """Compare the derivatives by some parameters; return an `_Entry` of each.

    ``size`` is that of the numbers whose rounding makes the objective inexact.
    """
    entries = [
        _Entry(
            int(position),
            float(gradient[position]),
            _difference(objective, parameters, position, STEPS[0]),
        )
        for position in positions
    ]
    noise = _noise(size, STEPS[0])
    sizes = [max(abs(entry.backpropagated), abs(entry.numeric)) for entry in entries]
    scale = max(noise / rtol, np.finfo(float).tiny, *sizes)
    for entry in entries:
        entry.difference = abs(entry.backpropagated - entry.numeric) / scale
        if not entry.difference <= rtol:
            _look_closer(objective, size, parameters, scale, rtol, entry)
    return entries


def _look_closer(objective, size, parameters, scale, rtol, entry):
    """Try smaller steps; then see whether the entry stands on a kink."""
    for step in STEPS[1:]:
        numeric = _difference(objective, parameters, entry.position, step)
        difference = abs(entry.backpropagated - numeric) / scale
        if difference < entry.difference:
            entry.difference, entry.numeric = difference, numeric
        if difference <= rtol:
            return
    # of a smooth function both sides have one slope, and a wrong gradient lies outside
    for step in STEPS[1:]:
        sides = [
            _difference(objective, parameters, entry.position, sign * step, back=0)
            for sign in (1, -1)
        ]
        margin = rtol * scale + _noise(size, step)
        if min(sides) - margin <= entry.backpropagated <= max(sides) + margin:
            entry.is_kink = True


def _noise(size, step):
    """Return the error that rounding an objective of this size makes in a difference."""
    return 4 * np.finfo(float).eps * size / step


def _difference(objective, parameters, position, step, back=1):
    """Return ``(f(w + h) - f(w - back h)) / ((1 + back) h)`` for one parameter."""
    kept = parameters[position]
    parameters[position] = kept + step
    above = objective()
    parameters[position] = kept - back * step
    below = objective()
    parameters[position] = kept
    return (above - below) / ((1 + back) * step)


def _array_check(layer, kind, positions, entries):
    """Return what the entries of an array, which has these positions, amount to."""
    compared = [entry for entry in entries if not entry.is_kink]
    # a difference that is not a number is the worst
    worst = max(compared or entries, key=lambda e: np.nan_to_num(e.difference, nan=np.inf))
    where = np.unravel_index(worst.position - positions.flat[0], positions.shape)
    return ArrayCheck(
        layer=layer,
        kind=kind,
        difference=float(worst.difference) if compared else 0.0,
        index=tuple(map(int, where)),
        backpropagated=worst.backpropagated,
        numeric=worst.numeric,
        n_checked=len(compared),
        n_kinks=len(entries) - len(compared),
    )
