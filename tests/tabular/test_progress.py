"""The line that says how far a long fit is, and what is chosen by the number of rows."""

import io

import numpy as np
import pytest
from sklearn.datasets import load_iris
from small_tables import BOTH, QUICK, data

from sklearn_backprop import TabularClassifier, TabularRegressor
from sklearn_backprop.tabular import _base as module
from sklearn_backprop.tabular import _recipe as recipe
from sklearn_backprop.tabular._progress import ProgressLine


class Terminal(io.StringIO):
    def isatty(self):
        return True


def follow(n_epochs, seconds, **more):
    """Return what is written while epochs of so many seconds pass, and the line."""
    now = [0.0]
    stream = Terminal()
    line = ProgressLine("Model", n_epochs, stream=stream, clock=lambda: now[0], **more)
    for k in range(n_epochs):
        now[0] += seconds
        line(k % 2, {})
    return stream.getvalue().split("\r")[1:], line


def test_a_short_fit_writes_nothing():
    assert follow(9, 1.0)[0] == []


def test_a_long_fit_says_how_long_it_will_take():
    written, line = follow(100, 1.0)
    assert len(written) == 100
    assert "25%" in written[24] and "1 min 15 s left" in written[24]
    assert "0 s left" in written[-1]
    line.close()
    assert line.stream.getvalue().split("\r")[-2].strip() == ""
    assert max(map(len, written)) <= 79  # what close() wipes


def test_it_is_not_written_more_often_than_anyone_reads():
    assert 400 < len(follow(10_000, 0.01)[0]) < 600


def test_it_knows_of_the_time_limit():
    written, _ = follow(100, 1.0, max_time=20.0)
    assert "15 s left" in written[4]


@BOTH
def test_a_terminal_is_told_and_nothing_else(cls, monkeypatch):
    X, y = data(cls)
    lines = []

    class Counted(ProgressLine):
        def __init__(self, *args):
            super().__init__(*args)
            lines.append(self)

    monkeypatch.setattr(module, "ProgressLine", Counted)
    cls(**QUICK).fit(X, y)
    assert lines == []  # no terminal
    monkeypatch.setattr("sys.stderr", Terminal())
    for silent in (False, 0, 3):
        cls(**QUICK, verbose=silent).fit(X, y)
    assert lines == []
    cls(**QUICK).fit(X, y)
    assert [(line.n_done, line.n_epochs) for line in lines] == [(12, 12)]
    assert lines[0].stream.getvalue() == ""


@pytest.mark.parametrize(
    "choose",
    [
        recipe.epochs_falling(0.5),
        recipe.batch_size_for,
        recipe.rising_rate(0.1),
        recipe.falling(0.1, 1),
        recipe.constant(0.1),
    ],
)
def test_what_depends_on_the_rows_begins_where_it_was_tuned_and_has_no_jump(choose):
    rows = np.unique(np.geomspace(1, 1e7, 400).astype(int))
    values = np.array([choose(n) for n in rows])
    assert len(set(values[rows <= 2048])) == 1
    assert (np.diff(values) >= 0).all() or (np.diff(values) <= 0).all()
    np.testing.assert_allclose(values[1:], values[:-1], rtol=0.09)
    assert values[-1] > 0


def test_large_tables_of_classes_get_wider_layers():
    assert recipe.layers_for(8191) == (128, 128, 128)
    assert recipe.layers_for(8192) == (256, 256, 256)
    widths = TabularClassifier._for_rows["hidden_layer_sizes"]
    assert widths(100) == TabularRegressor._for_rows["hidden_layer_sizes"](10**6)
    model = TabularClassifier(max_iter=1, n_estimators=1, hidden_layer_sizes="4x2")
    model.fit(*load_iris(return_X_y=True))
    assert [W.shape[1] for W in model.estimators_[0].coefs_] == [4, 4, 3]


@BOTH
def test_the_rows_that_count_are_those_that_are_trained_on(cls, monkeypatch):
    X, y = data(cls)
    seen = []
    monkeypatch.setitem(cls._for_rows, "weight_decay", lambda n: seen.append(n) or 0.02)
    cls(**QUICK, validation_fraction=0.25).fit(X, y)
    assert seen == [45, 45]


@BOTH
def test_members_end_with_a_cycle_that_brought_nothing(cls):
    random = np.random.RandomState(0)
    X, noise = random.standard_normal((600, 3)), random.standard_normal(600)
    y = noise > 0 if cls is TabularClassifier else noise
    long = QUICK | {"max_iter": 150}
    model, whole = (cls(**long, early_stopping=early).fit(X, y) for early in (True, False))
    assert [member.n_iter_ for member in whole.estimators_] == [150, 150]
    for member, to_the_end in zip(model.estimators_, whole.estimators_, strict=True):
        assert member.n_iter_ in (30, 70)
        n = member.n_iter_
        assert member.history_["loss"] == to_the_end.history_["loss"][:n]
    few = cls(**long).fit(X[:100], y[:100])
    assert [member.n_iter_ for member in few.estimators_] == [150, 150]
