"""Stacks take turns: all come about as far, and the time that there is, is kept."""

import numpy as np
import pytest
from sklearn.datasets import make_classification

from sklearn_backprop import BackpropClassifier, fit_many
from sklearn_backprop._fitting import loop
from sklearn_backprop._stacks import fit_many as module_fit_many
from sklearn_backprop._stacks import tasks, turns
from sklearn_backprop._stacks.turns import take_turns

X, Y = make_classification(300, 20, random_state=0)
ENDLESS = {"max_iter": 10**9, "tol": 0, "n_iter_no_change": 10**9, "batch_size": 50}


class Clock:
    """Seconds that pass only when someone looks at an epoch."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Countdown:
    """Stands for a training of some turns, of a second each."""

    def __init__(self, n_turns, clock, log):
        self.n_turns, self.clock, self.log = n_turns, clock, log
        self.begins_late, self.has_begun, self.members = False, False, []

    def turn(self):
        self.has_begun = True
        self.n_turns -= 1
        self.clock.now += 1
        self.log.append(self)
        return self.n_turns > 0


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_each_gets_all_its_turns(n_threads):
    clock, log = Clock(), []
    trainings = [Countdown(n, clock, log) for n in (3, 1, 7, 2)]
    take_turns(trainings, n_threads)
    assert [log.count(training) for training in trainings] == [3, 1, 7, 2]


def test_nobody_is_more_than_a_turn_ahead():
    clock, log = Clock(), []
    trainings = [Countdown(5, clock, log) for _ in range(3)]
    take_turns(trainings, 1)
    assert log == trainings * 5


def test_after_the_deadline_none_begins_but_who_may(monkeypatch):
    clock, log = Clock(), []
    monkeypatch.setattr(turns, "perf_counter", clock)
    trainings = [Countdown(2, clock, log) for _ in range(4)]
    take_turns(trainings, 1, deadline=2.0)
    assert log == trainings[:2] * 2  # these go on until their own loops end them
    trainings[3].begins_late = True
    trainings = [Countdown(1, clock, log), trainings[3]]
    take_turns(trainings, 1, deadline=2.0)
    assert log[4:] == [trainings[1]] * 2


@pytest.fixture
def clock(monkeypatch):
    """Return what all clocks of a fit are replaced by."""
    clock = Clock()
    for module in (turns, tasks, module_fit_many):
        monkeypatch.setattr(module, "perf_counter", clock)
    monkeypatch.setattr(loop.time, "perf_counter", clock)
    return clock


def fitted(models, clock, max_time):
    """Fit where each epoch takes a hundredth of a second."""

    def after_epoch(number, record):
        clock.now += 0.01

    return fit_many(models, X, Y, max_time=max_time, after_epoch=after_epoch)


@pytest.mark.parametrize("units", [4, 300], ids=["one stack", "a stack each"])
def test_max_time_is_for_all_together(units, clock, monkeypatch):
    """What has had an epoch is kept, and what the user set is as it was."""
    monkeypatch.setattr(tasks, "allowed_threads", lambda: 1)
    models = [
        BackpropClassifier(hidden_layer_sizes=(units, units), random_state=k, **ENDLESS)
        for k in range(3)
    ]
    networks = fitted(models, clock, 0.6)
    assert [network.max_time for network in networks] == [None] * 3
    n_epochs = [network.n_iter_ for network in networks]
    assert sum(n_epochs) == pytest.approx(60, abs=3)
    assert max(n_epochs) - min(n_epochs) <= 6  # what a turn has


def test_without_time_there_is_one_network_and_it_had_one_epoch():
    models = [
        BackpropClassifier(hidden_layer_sizes=(300, 300), random_state=k, **ENDLESS)
        for k in range(3)
    ]
    first, *others = fit_many(models, X, Y, max_time=1e-9)
    assert first.n_iter_ == 1
    assert others == [None, None]


def test_a_solver_that_is_in_no_stack_keeps_to_the_time_too():
    models = [
        BackpropClassifier(hidden_layer_sizes=(4,), solver="lbfgs", max_iter=10**6, tol=0),
        BackpropClassifier(hidden_layer_sizes=(4,), **ENDLESS),
    ]
    first, other = fit_many(models, X, Y, max_time=1e-9)
    assert first.n_iter_ == 1 and first.max_time is None
    assert other is None


def test_records_are_shown_after_each_epoch_and_may_end_it():
    seen = []

    def after_epoch(number, record):
        seen.append((number, record["epoch"]))
        return record["epoch"] == 2 + number

    models = [BackpropClassifier(random_state=k, **ENDLESS) for k in range(2)]
    fitted = fit_many(models, X, Y, after_epoch=after_epoch)
    assert [model.n_iter_ for model in fitted] == [2, 3]
    assert sorted(seen) == [(0, 1), (0, 2), (1, 1), (1, 2), (1, 3)]


@pytest.mark.parametrize("given", [0, -1.0, np.nan])
def test_a_time_that_is_none_is_refused(given):
    with pytest.raises(ValueError, match=r"max_time=.* positive"):
        fit_many([BackpropClassifier()], X, Y, max_time=given)
