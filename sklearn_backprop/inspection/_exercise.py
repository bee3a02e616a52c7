"""A worksheet: one step of backpropagation with numbers of one's own, and who checks it."""

from dataclasses import dataclass, field
from html import escape
from itertools import pairwise

import numpy as np
from sklearn.utils import check_random_state

from .._estimators.regressor import BackpropRegressor
from ..activations import ACTIVATIONS
from ._mistakes import Step, likely_mistake
from ._step import trace_step
from ._trace import StepTrace, sizes_of

LEARNING_RATE = 2.0


@dataclass
class Quantity:
    """Something to work out.

    Attributes
    ----------
    name : str
        The key of an answer, such as ``delta2``.
    kind : str
        What the name is without the layer.
    layer : int
        The layer; 0 for the loss.
    formula : str
        Where it comes from.
    value : ndarray
        What it is.
    """

    name: str
    kind: str
    layer: int
    formula: str
    value: np.ndarray


@dataclass
class Feedback:
    """What `Exercise.check` found.

    Attributes
    ----------
    quantity : str or None
        The first quantity that is wrong; None if all that were given are right.
    mistake : str or None
        What was probably done; None if that is not known.
    n_right : int
        Answers before it that are right.
    missing : list of str
        Quantities for which there was no answer.
    """

    quantity: str | None
    mistake: str | None
    n_right: int
    missing: list = field(default_factory=list)

    def __str__(self):
        """Say it."""
        if self.quantity is None:
            left = f" Still to do: {', '.join(self.missing)}." if self.missing else " Well done."
            return f"All {self.n_right} answers are right.{left}"
        why = self.mistake or "look at its formula again"
        return f"{self.quantity} is the first that is not right: {why}."


class Exercise:
    """One step of gradient descent on a small network, to be worked out by hand.

    Made by `exercise`. A notebook shows the worksheet; ``to_markdown`` and ``to_html`` write it,
    and the answers too if asked.

    Attributes
    ----------
    trace : StepTrace
        The step, computed by the code that trains.
    quantities : list of Quantity
        What there is to work out, in order.
    """

    def __init__(self, trace: StepTrace, activation):
        self.trace = trace
        self.activation = activation
        self.quantities = _quantities(trace, activation)

    def answers(self) -> dict:
        """Return all answers.

        Returns
        -------
        dict of str to ndarray
        """
        return {quantity.name: quantity.value for quantity in self.quantities}

    def check(self, answers) -> Feedback:
        """Find the first answer that is not right, and what was probably done.

        Parameters
        ----------
        answers : dict of str to array-like
            Some or all of ``answers()``, rounded to four digits: a hundredth of the largest
            number is taken for rounding, of weights after the step 0.0006.

        Returns
        -------
        Feedback

        Raises
        ------
        ValueError
            If a name is none of the exercise's.
        """
        unknown = sorted(set(answers) - {quantity.name for quantity in self.quantities})
        if unknown:
            known = ", ".join(quantity.name for quantity in self.quantities)
            raise ValueError(f"answers has {unknown}, which are not asked for; these are: {known}.")
        step, n_right, missing = _step_of(self), 0, []
        for quantity in self.quantities:
            if quantity.name not in answers:
                missing.append(quantity.name)
                continue
            given, wanted = np.asarray(answers[quantity.name], float), np.asarray(quantity.value)
            if given.size == wanted.size and wanted.size == 1:
                given = given.reshape(wanted.shape)
            tolerance = 0.0006 if "after" in quantity.kind else 0.01 * np.abs(wanted).max()
            if given.shape == wanted.shape and np.abs(given - wanted).max() <= tolerance:
                n_right += 1
                continue
            mistake = likely_mistake(quantity.kind, step, quantity.layer, given, tolerance)
            if mistake is None and given.shape != wanted.shape:
                mistake = f"it has the shape {given.shape}, and should have {wanted.shape}"
            return Feedback(quantity.name, mistake, n_right, missing)
        return Feedback(None, None, n_right, missing)

    def to_markdown(self, answers=False) -> str:
        """Return the worksheet as Markdown.

        Parameters
        ----------
        answers : bool, default=False
            Whether to fill it in.

        Returns
        -------
        str
        """
        parts = ["# One step of backpropagation", _given_text(self), "## Given"]
        parts += [f"{name}\n\n{_markdown(values)}" for name, values in _given(self.trace)]
        parts.append("## To work out, to four digits")
        parts += [
            f"{q.name}: {q.formula}\n\n{_markdown(np.atleast_2d(q.value), blank=not answers)}"
            for q in self.quantities
        ]
        return "\n\n".join(parts) + "\n"

    def to_html(self, answers=False) -> str:
        """Return the worksheet as a page to print.

        Parameters
        ----------
        answers : bool, default=False
            Whether to fill it in.

        Returns
        -------
        str
        """
        head = '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Backpropagation</title>'
        return f"{head}<style>{STYLE}</style><main>{self._body(answers)}</main></html>"

    def _repr_html_(self):
        return f"<style>{STYLE}</style>{self._body(False)}"

    def __repr__(self):
        """Say which network."""
        return f"Exercise({sizes_of(self.trace)} network, {self.activation})"

    def _body(self, answers):
        parts = ["<h1>One step of backpropagation</h1>", f"<p>{escape(_given_text(self))}</p>"]
        parts.append('<h2>Given</h2><div class="sheet">')
        parts += [_figure(name, values, False) for name, values in _given(self.trace)]
        parts.append('</div><h2>To work out, to four digits</h2><div class="sheet">')
        parts += [
            _figure(f"{q.name}: {q.formula}", np.atleast_2d(q.value), not answers)
            for q in self.quantities
        ]
        return "".join([*parts, "</div>"])


STYLE = (
    ".sheet{display:flex;flex-wrap:wrap;gap:1rem 2rem}.sheet figure{margin:0}"
    ".sheet td{border:1px solid #888;min-width:4.5em;height:1.7em;padding:0 .4em;text-align:right;"
    "font-variant-numeric:tabular-nums}.sheet table{border-collapse:collapse;margin-top:.3em}"
    "main{font-family:system-ui,sans-serif;max-width:60rem;margin:auto;padding:1rem}"
)


def exercise(seed=0, layers=(2, 3, 1), *, n_samples=3, activation="logistic") -> Exercise:
    """Make a worksheet of one step of backpropagation, with numbers of one's own.

    All numbers that are given have one digit after the point. The loss is half the mean squared
    error, the step is gradient descent with the learning rate 2, and all layers have the same
    activation.

    Parameters
    ----------
    seed : int, default=0
        Another one for each learner.
    layers : sequence of int, default=(2, 3, 1)
        Features, units of each hidden layer, and outputs.
    n_samples : int, default=3
        Rows of the batch.
    activation : {"logistic", "tanh"}, default="logistic"
        Of all layers.

    Returns
    -------
    Exercise

    Raises
    ------
    ValueError
        If there are fewer than two layers, or the activation is another one.

    Examples
    --------
    >>> from sklearn_backprop.inspection import exercise
    >>> sheet = exercise(seed=7)
    >>> sheet
    Exercise(2-3-1 network, logistic)
    >>> answers = sheet.answers()
    >>> print(sheet.check(answers))
    All 15 answers are right. Well done.
    >>> answers["A2"] = sheet.trace.layers[1].net_input
    >>> print(sheet.check(answers))
    A2 is the first that is not right: the activation function was left out.
    """
    if len(layers) < 2 or min(layers) < 1:
        raise ValueError(f"layers={layers!r} must have two positive numbers at least, as (2, 1).")
    if activation not in FORMULAS:
        raise ValueError(f"activation={activation!r} is not one of {', '.join(FORMULAS)}.")
    random = check_random_state(seed)

    def draw(*shape):
        # no zeros, which hide mistakes
        return random.choice([-1, 1], shape) * random.randint(2, 13, shape) / 10

    X, y = draw(n_samples, layers[0]), random.randint(1, 10, (n_samples, layers[-1])) / 10
    pairs = list(pairwise(layers))
    network = BackpropRegressor(
        hidden_layer_sizes=tuple(layers[1:-1]),
        activation=activation,
        output_activation=activation,
        solver="sgd",
        momentum=0.0,
        nesterovs_momentum=False,
        alpha=0.0,
        learning_rate_init=LEARNING_RATE,
        batch_size=n_samples,
        standardize=False,
        random_state=0,
    )
    trace = trace_step(
        network,
        X,
        y if layers[-1] > 1 else y.ravel(),
        coefs_init=[draw(*pair) for pair in pairs],
        intercepts_init=[draw(size) for _, size in pairs],
    )
    return Exercise(trace, activation)


FORMULAS = {"logistic": "1 / (1 + exp(-z))", "tanh": "tanh(z)"}
SLOPES = {"logistic": "a (1 - a)", "tanh": "1 - a²"}


def _quantities(trace, activation):
    """Return what there is to work out, in order."""
    found, n_layers = [], len(trace.layers)
    for layer in trace.layers:
        number, below = layer.number, "X" if layer.number == 1 else f"A{layer.number - 1}"
        found.append(
            Quantity(f"Z{number}", "Z", number, f"{below} W{number} + b{number}", layer.net_input)
        )
        found.append(Quantity(f"A{number}", "A", number, f"f(Z{number})", layer.activation))
    n_rows = len(trace.targets)
    loss = np.array(trace.loss)
    found.append(
        Quantity(
            "loss", "loss", 0, f"½ (A{n_layers} - Y)², added up over outputs, mean over rows", loss
        )
    )
    for layer in reversed(trace.layers):
        number = layer.number
        error = (
            f"(A{number} - Y) / {n_rows}"
            if number == n_layers
            else f"delta{number + 1} W{number + 1}ᵀ"
        )
        found.append(
            Quantity(f"delta{number}", "delta", number, f"{error} ⊙ f'(Z{number})", layer.delta)
        )
    for layer in trace.layers:
        number, below = layer.number, "X" if layer.number == 1 else f"A{layer.number - 1}"
        gradients = layer.gradient_weights, layer.gradient_biases
        formulas = f"{below}ᵀ delta{number}", f"column sums of delta{number}"
        for kind, formula, value in zip("Wb", formulas, gradients, strict=True):
            found.append(
                Quantity(f"gradient_{kind}{number}", f"gradient_{kind}", number, formula, value)
            )
    for layer in trace.layers:
        number, after = layer.number, (layer.weights_after, layer.biases_after)
        for kind, value in zip("Wb", after, strict=True):
            formula = f"{kind}{number} - {LEARNING_RATE:g} gradient_{kind}{number}"
            found.append(Quantity(f"{kind}{number}_after", f"{kind}_after", number, formula, value))
    return found


def _given(trace):
    """Return names and numbers of what is given."""
    pairs = [("X", trace.inputs), ("Y", trace.targets)]
    for layer in trace.layers:
        pairs.append((f"W{layer.number}", layer.weights_before))
        pairs.append((f"b{layer.number}", layer.biases_before[None]))
    return pairs


def _given_text(exercise):
    name = exercise.activation
    return (
        f"Forward, backward and one step of gradient descent with the learning rate "
        f"{LEARNING_RATE:g}. All layers have f(z) = {FORMULAS[name]}, and its slope is "
        f"{SLOPES[name]} with a = f(z); ⊙ is element by element. Rows of X, Y, Z, A and delta are "
        "samples."
    )


def _step_of(exercise):
    """Return the step with the functions that mistakes are made with."""
    f = ACTIVATIONS[exercise.activation]()

    def forward(Z):
        A = np.empty_like(Z)
        f.forward(Z, out=A)
        return A

    def slope(Z):
        ones = np.ones_like(Z)
        f.backward(Z, forward(Z), ones)
        return ones

    return Step(exercise.trace, forward, slope)


def _cell(number, blank):
    return "" if blank else f"{number:.4g}"


def _markdown(values, blank=False):
    """Return numbers, or room for them, as a table."""
    width = values.shape[1]
    rows = [[_cell(number, blank) or "      " for number in row] for row in values]
    lines = [["   "] * width, ["---"] * width, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _figure(title, values, blank):
    """Return numbers, or room for them, as HTML."""
    rows = "".join(
        "<tr>" + "".join(f"<td>{_cell(number, blank)}</td>" for number in row) + "</tr>"
        for row in values
    )
    return f"<figure><figcaption>{escape(title)}</figcaption><table>{rows}</table></figure>"
