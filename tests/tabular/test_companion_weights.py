"""No other weights of networks and companions are better on the rows that are held out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import log_softmax

from sklearn_backprop._compositions.calibration import fit_temperature
from sklearn_backprop.tabular._weights import PRIOR_ROWS, weigh_logits, weigh_predictions


def parts_of_numbers(seed, n_rows):
    random = np.random.default_rng(seed)
    parts = {name: random.normal(size=n_rows) for name in ("network", "boosting", "linear")}
    return parts, random


def test_a_mixture_is_found_again():
    parts, random = parts_of_numbers(0, 20_000)
    y = 0.3 * parts["network"] + 0.7 * parts["linear"] + 0.1 * random.normal(size=20_000)
    weights = weigh_predictions(parts, y)
    assert_allclose(list(weights.values()), [0.3, 0.0, 0.7], atol=0.01)
    # rows of weight 0 are as if they were not there
    spoiled = {name: np.append(part, [1e3] * 9) for name, part in parts.items()}
    counts = np.append(np.full(20_000, 3.0), np.zeros(9))
    again = weigh_predictions(spoiled, np.append(y, -np.ones(9)), counts)
    assert_allclose(list(again.values()), list(weights.values()), rtol=1e-3)


def test_few_rows_say_little():
    weights = []
    for seed in range(200):
        parts, random = parts_of_numbers(seed, 4)
        weights.append(weigh_predictions(parts, random.normal(size=4))["network"])
    assert np.mean(weights) > 0.7


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(5, 200))
def test_no_other_weights_have_a_lower_loss(seed, n_rows):
    parts, random = parts_of_numbers(seed, n_rows)
    counts = random.integers(0, 3, n_rows) + 0.5
    y = random.random(3) @ list(parts.values()) + random.normal(size=n_rows)
    found = weigh_predictions(parts, y, counts)
    kept = [name for name in parts if found[name] > 0 or name == "network"]
    relative = counts / counts.mean()
    noise = min(np.mean(relative * (y - part) ** 2) for part in parts.values())

    def loss(v):
        errors = y - sum(w * parts[name] for w, name in zip(v, kept, strict=True))
        prior = np.array([name == "network" for name in kept])
        return relative @ errors**2 + PRIOR_ROWS * noise * np.sum((v - prior) ** 2)

    v = np.array([found[name] for name in kept])
    for _ in range(30):
        assert loss(v) <= loss(np.maximum(v + 0.1 * random.normal(size=len(v)), 0)) + 1e-9


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(5, 200), st.integers(2, 4))
def test_no_other_pool_has_a_lower_log_loss(seed, n_rows, n_classes):
    random = np.random.default_rng(seed)
    columns = random.integers(0, n_classes, n_rows)
    hint = np.eye(n_classes)[columns]
    parts = {
        name: log_softmax(random.random() * hint + random.normal(size=hint.shape), axis=1)
        for name in ("network", "boosting")
    }
    counts = random.integers(0, 3, n_rows) + 0.5
    weights, temperature = weigh_logits(parts, columns, counts)
    assert sum(weights.values()) == pytest.approx(1)
    alone = fit_temperature(parts["network"], columns, counts)
    kept = [name for name in parts if weights[name] > 0 or name == "network"]
    prior = np.array([name == "network" for name in kept]) / alone

    def loss(v):
        log_P = log_softmax(sum(w * parts[n] for w, n in zip(v, kept, strict=True)), axis=1)
        fit = counts / counts.mean() @ log_P[np.arange(n_rows), columns]
        return PRIOR_ROWS / 2 * np.sum((v - prior) ** 2) - fit

    if temperature > np.exp(4.99):  # the highest there is: what is said helps nothing
        return
    v = np.array([weights[name] for name in kept]) / temperature
    for _ in range(30):
        # L-BFGS stops at a relative change of 2e-9
        other = np.maximum(v + 0.1 * random.normal(size=len(v)), 0)
        assert loss(v) <= loss(other) + 1e-6 * n_rows


def test_where_nothing_helps_there_are_weights_all_the_same():
    random = np.random.default_rng(0)
    columns = np.repeat([0, 1], 200)
    wrong = 50.0 * np.eye(2)[1 - columns] + random.normal(size=(400, 2))
    weights, temperature = weigh_logits({"network": wrong, "boosting": wrong}, columns)
    assert sum(weights.values()) == 1 and temperature >= np.exp(4.9)


def test_networks_alone_have_their_own_temperature():
    random = np.random.default_rng(0)
    logits, columns = random.normal(size=(50, 3)), random.integers(0, 3, 50)
    weights, temperature = weigh_logits({"network": logits}, columns)
    assert (weights, temperature) == ({"network": 1.0}, fit_temperature(logits, columns))
