"""Stacks side by side in threads: the same models, each with its own errors and warnings."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning

from sklearn_backprop import BackpropClassifier, fit_many
from sklearn_backprop._kernels import choice
from sklearn_backprop._numerics.blas import one_blas_thread
from sklearn_backprop._stacks import tasks as module
from sklearn_backprop.activations import Tanh

pytestmark = [
    pytest.mark.skipif("compiled" not in choice.SETS, reason="needs the compiled kernels"),
    pytest.mark.filterwarnings("ignore:Maximum iterations"),
]
X, Y = make_classification(420, 60, n_informative=10, n_classes=3, random_state=0)
LARGE = {"hidden_layer_sizes": (100,), "batch_size": 200, "max_iter": 4, "tol": 0}  # > 2^20


@pytest.fixture
def side_by_side(monkeypatch):
    """Allow two threads; return a list of how many stacks ran in them each time."""
    counts, original = [], module.take_turns

    def counted(trainings, n_threads, deadline):
        if n_threads > 1:
            counts.append(len(trainings))
        original(trainings, n_threads, deadline)

    monkeypatch.setattr(module, "allowed_threads", lambda: 2)
    monkeypatch.setattr(module, "take_turns", counted)
    with choice.using("compiled"):
        yield counts


def networks(**more):
    """Return as many as make two stacks."""
    return [BackpropClassifier(**LARGE | more, random_state=k) for k in range(5)]


def assert_same_model(one, other):
    for a, b in zip([*one.coefs_, *one.intercepts_], [*other.coefs_, *other.intercepts_],
                    strict=True):  # fmt: skip
        np.testing.assert_array_equal(a, b)
    assert one.loss_curve_ == other.loss_curve_


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"early_stopping": True},
        {"dropout": 0.2, "dtype": "float32"},
        {"learning_rate": "cosine"},
        {"hidden_layer_sizes": (300, 300)},
    ],
    ids=["plain", "early stopping", "dropout", "rate by step", "a stack each"],
)
def test_models_are_those_of_each_alone(side_by_side, more):
    fitted = fit_many(networks(**more), X, Y)
    assert side_by_side == [5 if "hidden_layer_sizes" in more else 2]
    with one_blas_thread():
        for model, alone in zip(fitted, networks(**more), strict=True):
            assert_same_model(model, alone.fit(X, Y))


def test_small_networks_and_components_of_ones_own_stay_in_one_thread(side_by_side):
    class Own(Tanh):
        def forward(self, Z, out):
            np.tanh(Z, out=out)

    fit_many(networks(hidden_layer_sizes=(8,)), X, Y)
    fit_many([BackpropClassifier(**LARGE, activation=Own()) for _ in range(3)], X, Y)
    with choice.using("numpy"):
        fit_many(networks(), X, Y)
    assert side_by_side == []


def refuses(estimator, X, y):
    """Be a scorer that fails."""
    raise ValueError("no score")


def test_an_error_is_its_own_networks(side_by_side):
    good, bad = networks(early_stopping=True), networks(early_stopping=True, scoring=refuses)
    tasks = [module.Task(estimator, X, Y) for estimator in (*good, *bad)]
    module.fit_tasks(tasks)
    assert side_by_side
    for task, alone in zip(tasks[:5], good, strict=True):
        assert task.error is None
        assert_same_model(task.fitted, alone.fit(X, Y))
    assert [str(task.error) for task in tasks[5:]] == ["no score"] * 5


@pytest.mark.filterwarnings("default:Maximum iterations")
def test_each_network_has_its_own_warning(side_by_side):
    with pytest.warns(ConvergenceWarning) as caught:
        fit_many(networks(), X, Y)
    assert side_by_side and len(caught) == 5


def test_an_interrupt_ends_them_all(side_by_side):
    def interrupts(estimator, X, y):
        raise KeyboardInterrupt

    endless = {"early_stopping": True, "max_iter": 10**9, "n_iter_no_change": 10**9}
    tasks = [*networks(**endless), *networks(**endless | {"scoring": interrupts})]
    with pytest.raises(KeyboardInterrupt):
        fit_many(tasks[::-1], X, Y)
    assert side_by_side
