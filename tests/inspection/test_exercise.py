"""Worksheets: a learner's arithmetic, with a mistake planted in it, and who finds it."""

import re

import numpy as np
import pytest

from sklearn_backprop.inspection import exercise

PLANTED = {
    "no bias": ("Z1", "the bias is not added"),
    "transposed weights": ("Z2", "the weights are transposed"),
    "net input handed on": ("Z2", "the layer below gave its net input"),
    "no activation": ("A1", "the activation function was left out"),
    "activation before bias": ("A1", "before the bias was added"),
    "no half": ("loss", "the factor 1/2"),
    "summed loss": ("loss", "added up, not averaged"),
    "no slope in the last layer": ("delta3", "slope of the activation was forgotten"),
    "no slope in a hidden layer": ("delta2", "slope of the activation was forgotten"),
    "slope at the activation": ("delta3", "slope was taken at the activation"),
    "sign": ("delta3", "the sign is wrong"),
    "sum for mean": ("delta3", "a sum over the rows, not a mean"),
    "updated before": ("delta2", "updated before back-propagating"),
    "transposed back": ("delta1", "the weights are transposed"),
    "gradient of net input": ("gradient_W2", "its net input, not its activation"),
    "transposed gradient": ("gradient_W1", "it is transposed"),
    "mean of deltas": ("gradient_b1", "added up, not averaged again"),
    "uphill": ("W1_after", "the gradient is subtracted"),
    "no learning rate": ("W1_after", "the learning rate was forgotten"),
    "the change alone": ("W1_after", "the change alone"),
}


def logistic(Z):
    return 1 / (1 + np.exp(-Z))


def work_out(sheet, mistake=None):
    """Return the answers of a learner who computes with what is given on the sheet."""
    trace, wrong = sheet.trace, lambda name: mistake == name
    W = [layer.weights_before for layer in trace.layers]
    b = [layer.biases_before for layer in trace.layers]
    n, last, below, found = len(trace.targets), len(W), trace.inputs, {}
    inputs, net_inputs, activations = [], [], []
    for number in range(last):
        weights = W[number].T if wrong("transposed weights") and number == 1 else W[number]
        Z = below @ weights + (0 if wrong("no bias") else b[number])
        A = Z if wrong("no activation") else logistic(Z)
        if wrong("activation before bias"):
            A = logistic(below @ W[number]) + b[number]
        found |= {f"Z{number + 1}": Z, f"A{number + 1}": A}
        inputs.append(below)
        net_inputs.append(Z)
        activations.append(A)
        below = Z if wrong("net input handed on") else A
    errors = A - trace.targets
    half = 1.0 if wrong("no half") else 0.5
    of_rows = half * (errors**2).sum(axis=1)
    found["loss"] = of_rows.sum() if wrong("summed loss") else of_rows.mean()
    delta, gradients = errors * (1 if wrong("sum for mean") else 1 / n), {}
    delta = -delta if wrong("sign") else delta
    for number in reversed(range(last)):
        if number < last - 1:
            back = (
                W[number + 1] - 2.0 * gradients[number + 1]
                if wrong("updated before")
                else W[number + 1]
            )
            delta = delta @ (back if wrong("transposed back") and number == 0 else back.T)
        a = activations[number]
        if wrong("slope at the activation"):
            a = logistic(a)
        forgets = wrong("no slope in the last layer") if number == last - 1 else (
            wrong("no slope in a hidden layer")
        )  # fmt: skip
        delta = delta if forgets else delta * a * (1 - a)
        given = (
            net_inputs[number - 1] if wrong("gradient of net input") and number else inputs[number]
        )
        gradients[number] = given.T @ delta
        found[f"delta{number + 1}"] = delta
    for number in range(last):
        deltas = found[f"delta{number + 1}"]
        g = gradients[number].T if wrong("transposed gradient") else gradients[number]
        of_bias = deltas.mean(axis=0) if wrong("mean of deltas") else deltas.sum(axis=0)
        found |= {f"gradient_W{number + 1}": g, f"gradient_b{number + 1}": of_bias}
        rate = -2.0 if wrong("uphill") else 1.0 if wrong("no learning rate") else 2.0
        start = 0.0 if wrong("the change alone") else W[number]
        found[f"W{number + 1}_after"] = start - rate * gradients[number]
        found[f"b{number + 1}_after"] = b[number] - rate * of_bias
    return found


def rounded(answers):
    """Return answers to four digits, as one writes them."""
    digits = np.vectorize(lambda number: float(f"{number:.4g}"), otypes=[float])
    return {name: digits(values) for name, values in answers.items()}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("layers", [(2, 3, 1), (2, 1), (3, 2, 2, 2)])
def test_who_makes_no_mistake_is_right(seed, layers):
    sheet = exercise(seed, layers)
    ours = work_out(sheet)
    for name, value in sheet.answers().items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-9, atol=1e-12)
    feedback = sheet.check(rounded(ours))
    assert feedback.quantity is None and feedback.n_right == len(ours)
    assert str(feedback).endswith("Well done.")


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_named(mistake):
    quantity, words = PLANTED[mistake]
    for seed in range(8):
        sheet = exercise(seed, (2, 3, 3, 3) if "transposed" in mistake else (2, 3, 2, 1))
        if mistake in ("transposed weights", "transposed back", "transposed gradient"):
            sheet = exercise(seed, (2, 2, 2, 2))
        feedback = sheet.check(rounded(work_out(sheet, mistake)))
        if quantity == "W1_after":  # whose change may be too small for four digits
            assert feedback.quantity.endswith("_after"), (seed, str(feedback))
        else:
            assert feedback.quantity == quantity, (seed, str(feedback))
        assert words in feedback.mistake, (seed, str(feedback))


def test_some_answers_are_enough():
    sheet = exercise(1)
    answers = sheet.answers()
    feedback = sheet.check({name: answers[name] for name in ("Z1", "A1", "loss")})
    assert feedback.n_right == 3 and "delta2" in feedback.missing
    assert "Still to do: Z2, A2, delta2" in str(feedback)
    feedback = sheet.check({"Z1": answers["Z1"], "A1": answers["A1"] + 1.0})
    assert str(feedback) == "A1 is the first that is not right: look at its formula again."
    assert "has the shape (3,), and should have (3, 3)" in sheet.check({"Z1": [1, 2, 3]}).mistake


def test_another_seed_has_other_numbers_and_the_same_one_the_same():
    one, other = exercise(1).to_markdown(answers=True), exercise(2).to_markdown(answers=True)
    assert one != other and one == exercise(1).to_markdown(answers=True)


def test_sheets_have_blanks_and_answers_have_none():
    sheet = exercise(4)
    n_blanks = sum(value.size for value in sheet.answers().values())
    assert sheet.to_html().count("<td></td>") == n_blanks
    assert sheet.to_html(answers=True).count("<td></td>") == 0
    blank, full = sheet.to_markdown(), sheet.to_markdown(answers=True)
    numbers = re.compile(r"(?<=\| )-?[\d.e-]+(?= \|)")
    assert f"{sheet.answers()['loss']:.4g}" in full and len(full) > 0
    n_given = sum(v.size for v in (sheet.trace.inputs, sheet.trace.targets))
    n_given += sum(layer.weights_before.size + layer.biases_before.size
                   for layer in sheet.trace.layers)  # fmt: skip
    rows = [line for line in blank.splitlines() if line.startswith("|") and "---" not in line]
    assert len(numbers.findall("\n".join(rows))) == n_given
    assert "<table>" in sheet._repr_html_()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"layers": (2,)}, "layers="),
        ({"layers": (2, 0, 1)}, "layers="),
        ({"activation": "relu"}, "activation='relu' is not one of logistic, tanh"),
    ],
)
def test_bad_input(given, words):
    with pytest.raises(ValueError, match=words):
        exercise(**given)
    with pytest.raises(ValueError, match=r"\['Z9'\], which are not asked for"):
        exercise().check({"Z9": 1})


def test_tanh_too():
    sheet = exercise(3, activation="tanh")
    answers = sheet.answers()
    np.testing.assert_allclose(answers["A1"], np.tanh(answers["Z1"]))
    assert sheet.check(rounded(answers)).quantity is None
