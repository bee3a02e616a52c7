"""Schedules: their curves, and how training follows them."""

import itertools
import math
import pickle
import sys
import warnings
from numbers import Integral

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.optimizers import OPTIMIZERS, SGD
from sklearn_backprop.schedules import (
    SCHEDULES,
    Cosine,
    Coslog4,
    Custom,
    Exponential,
    FractionSchedule,
    OneCycle,
    Schedule,
    Step,
)

random = np.random.RandomState(0)
X = random.standard_normal((48, 3))
y = X @ [1.0, -2.0, 0.5]
STOCHASTIC = [name for name, kind in OPTIMIZERS.items() if kind.stochastic]
PLANNED = [name for name, kind in SCHEDULES.items() if kind.by_step]
over_planned = pytest.mark.parametrize("name", PLANNED)
over_solvers = pytest.mark.parametrize("solver", STOCHASTIC)
SHORT = {"hidden_layer_sizes": 4, "batch_size": 12, "random_state": 0, "learning_rate_init": 0.01}


class Spy(SGD):
    """Plain SGD that writes down the rate of each step."""

    rates = []

    def update(self, parameters, gradient, state, learning_rate):
        self.rates.append(learning_rate)
        super().update(parameters, gradient, state, learning_rate)


@pytest.fixture
def rates(monkeypatch):
    monkeypatch.setattr(Spy, "rates", [])
    return Spy.rates


def parameters_of(model):
    return np.concatenate([a.ravel() for a in model.coefs_ + model.intercepts_])


# curves

T = [0.0, 0.1, 0.25, 0.5, 0.9, 1.0]
CURVES = [
    (Cosine(), [0.5 + 0.5 * math.cos(math.pi * t) for t in T]),
    (Cosine(final=0.2), [0.6 + 0.4 * math.cos(math.pi * t) for t in T]),
    (Cosine(warmup=0.2), [0.0, 0.5, *(math.cos(math.pi * (t - 0.2) / 1.6) ** 2 for t in T[2:])]),
    (Exponential(), [10 ** (-2 * t) for t in T]),
    (Exponential(final=0.5), [2**-t for t in T]),
    (Step(), [1, 1, 0.1, 0.01, 0.001, 0.001]),
    (Step(n_steps=1, gamma=0.5), [1, 1, 1, 0.5, 0.5, 0.5]),
    (Coslog4(), [math.sin(math.pi * math.log2(1 + 15 * t)) ** 2 for t in T]),
    (
        OneCycle(peak=0.5, start=0.1, final=0.0),
        [*(1 - 0.9 * math.cos(math.pi * t) ** 2 for t in T[:3]),
         *(math.cos(math.pi * (t - 0.5)) ** 2 for t in T[3:])],
    ),
    (Custom(lambda t: 1 - t), [1 - t for t in T]),
]  # fmt: skip


@pytest.mark.parametrize(("schedule", "expected"), CURVES, ids=lambda each: repr(each)[:40])
def test_the_curve_is_its_formula(schedule, expected):
    found = [schedule.factor(t) for t in T]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert all(isinstance(factor, float) for factor in map(float, found))


@over_planned
def test_every_curve_stays_between_0_and_1(name):
    factors = np.array([SCHEDULES[name]().factor(t) for t in np.linspace(0, 1, 201)])
    assert ((factors >= 0) & (factors <= 1 + 1e-12)).all()
    assert factors.max() == pytest.approx(1, abs=1e-3)


def test_every_planned_curve_is_checked_above():
    assert {schedule.name for schedule, _ in CURVES} >= set(PLANNED)


def test_cosine_is_highest_where_its_warm_up_ends():
    schedule = Cosine(warmup=0.25)
    assert schedule.factor(0.25) == 1
    warming = [schedule.factor(t) for t in np.linspace(0, 0.25, 6)]
    np.testing.assert_allclose(warming, np.linspace(0, 1, 6), atol=1e-12)
    assert schedule.factor(1.0) == pytest.approx(0, abs=1e-12)


def test_one_cycle_is_highest_at_its_peak():
    schedule = OneCycle()
    grid = np.linspace(0, 1, 1001)
    assert grid[np.argmax([schedule.factor(t) for t in grid])] == pytest.approx(0.3)
    ends = schedule.factor(0.0), schedule.factor(0.3), schedule.factor(1.0)
    assert ends == pytest.approx((0.04, 1.0, 4e-6), rel=1e-9)


def test_coslog4_has_four_cycles_each_twice_as_long():
    schedule = Coslog4()
    zeros = [0, 1 / 15, 3 / 15, 7 / 15, 1]
    peaks = [(2 ** (k + 0.5) - 1) / 15 for k in range(4)]
    np.testing.assert_allclose([schedule.factor(t) for t in zeros], 0, atol=1e-12)
    np.testing.assert_allclose([schedule.factor(t) for t in peaks], 1)
    np.testing.assert_allclose(np.diff(zeros)[1:] / np.diff(zeros)[:-1], 2)


def test_step_goes_down_as_often_as_it_says_evenly():
    factors = [Step(n_steps=4, gamma=0.5).factor(t) for t in np.linspace(0, 1, 1000)]
    values, counts = np.unique(factors, return_counts=True)
    np.testing.assert_array_equal(values, 0.5 ** np.arange(4, -1, -1))
    np.testing.assert_allclose(counts, 200, atol=1)


@pytest.mark.parametrize(
    ("bad", "name"),
    [(Cosine(warmup=1.0), "warmup"), (Cosine(final=2), "final"), (OneCycle(peak=0.0), "peak"),
     (Step(n_steps=0), "n_steps"), (Step(gamma=0.0), "gamma"), (Exponential(final=0), "final")],
)  # fmt: skip
def test_parameters_out_of_range_are_refused(bad, name):
    with pytest.raises(ValueError, match=f"'{name}' parameter of {type(bad).__name__}"):
        BackpropRegressor(learning_rate=bad).fit(X, y)


# training along a curve


@over_planned
def test_the_rate_changes_with_each_step(name, rates):
    """Four steps an epoch, three epochs: step k comes at the fraction k / 12."""
    BackpropRegressor(learning_rate=name, solver=Spy(), max_iter=3, **SHORT).fit(X, y)
    schedule = SCHEDULES[name]()
    expected = [0.01 * schedule.factor(k / 12) for k in range(12)]
    np.testing.assert_allclose(rates, expected, rtol=1e-12, atol=1e-18)


def test_the_last_batch_may_be_smaller(rates):
    settings = SHORT | {"batch_size": 20}
    seen = []
    BackpropRegressor(
        learning_rate=lambda t: seen.append(t) or 1.0, solver=Spy(), max_iter=2, **settings
    ).fit(X, y)
    np.testing.assert_allclose(seen, np.array([0, 20, 40, 48, 68, 88]) / 96)
    assert rates == [0.01] * 6


def test_a_function_of_the_fraction_will_do(rates):
    BackpropRegressor(learning_rate=lambda t: 1 - t, solver=Spy(), max_iter=2, **SHORT).fit(X, y)
    np.testing.assert_allclose(rates, 0.01 * (1 - np.arange(8) / 8))


class Halves(Schedule):
    """A user's own schedule, epoch by epoch."""

    def next_rate(self, initial, current, samples_seen):
        return current / 2


class Square(FractionSchedule):
    """A user's own curve."""

    def factor(self, fraction):
        return (1 - fraction) ** 2


@pytest.mark.filterwarnings("ignore:Maximum iterations")
def test_schedules_of_ones_own(rates):
    BackpropRegressor(learning_rate=Halves(), solver=Spy(), max_iter=3, **SHORT).fit(X, y)
    np.testing.assert_allclose(rates, np.repeat([0.01, 0.005, 0.0025], 4))
    del rates[:]
    BackpropRegressor(learning_rate=Square(), solver=Spy(), max_iter=2, **SHORT).fit(X, y)
    np.testing.assert_allclose(rates, 0.01 * (1 - np.arange(8) / 8) ** 2)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.filterwarnings("ignore:Maximum iterations")
def test_history_has_the_rate_of_each_epochs_last_step(schedule, rates):
    model = BackpropRegressor(learning_rate=schedule, solver=Spy(), max_iter=5, **SHORT).fit(X, y)
    np.testing.assert_allclose(model.history_["learning_rate"], rates[3::4], rtol=1e-12)


@over_solvers
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.filterwarnings("ignore:Maximum iterations")
def test_every_schedule_works_with_every_solver(schedule, solver):
    settings = {"learning_rate": schedule, "solver": solver, "max_iter": 20, "power_t": 0.1}
    model = BackpropRegressor(**SHORT | settings | {"learning_rate_init": 0.05}).fit(X, y)
    assert model.loss_curve_[-1] < 0.7 * model.loss_curve_[0]
    changes = len(set(model.history_["learning_rate"])) > 1
    assert changes == (schedule not in ("constant", "adaptive"))


@over_solvers
def test_inverse_scaling_follows_its_formula_for_every_solver(solver):
    settings = {"learning_rate": "invscaling", "solver": solver, "max_iter": 4, "power_t": 0.3}
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model = BackpropRegressor(**SHORT | settings).fit(X, y)
    expected = [0.01, *(0.01 / (48 * epoch + 1) ** 0.3 for epoch in (1, 2, 3))]
    np.testing.assert_allclose(model.history_["learning_rate"], expected)


@over_solvers
def test_adaptive_divides_by_five_when_training_stalls_for_every_solver(solver):
    """Nothing counts as progress, so every two epochs without it the rate falls, to the end."""
    model = BackpropRegressor(
        learning_rate="adaptive", solver=solver, tol=1e9, n_iter_no_change=1, max_iter=500, **SHORT
    ).fit(X, y)
    levels = list(dict.fromkeys(model.history_["learning_rate"]))
    np.testing.assert_allclose(levels, 0.01 / 5.0 ** np.arange(len(levels)))
    assert levels[-1] <= 1e-6 < levels[-2]
    assert model.n_iter_ < 500  # stopped, without a warning


@over_planned
def test_a_planned_curve_runs_to_its_end_without_a_warning(name):
    """Although nothing counts as progress; warnings are errors here."""
    settings = {"learning_rate": name, "tol": 1e9, "n_iter_no_change": 1, "max_iter": 13}
    assert BackpropRegressor(**SHORT | settings).fit(X, y).n_iter_ == 13
    assert BackpropRegressor(**SHORT | settings | {"tol": 0.0}).fit(X, y).n_iter_ == 13


def test_early_stopping_may_end_a_planned_curve():
    settings = {"learning_rate": "cosine", "tol": 1e9, "n_iter_no_change": 1, "max_iter": 13}
    model = BackpropRegressor(early_stopping=True, **SHORT | settings).fit(X, y)
    assert model.n_iter_ < 13


@over_planned
def test_partial_fit_goes_on_along_the_curve_also_after_pickling(name):
    settings = SHORT | {"learning_rate": name, "max_iter": 4, "shuffle": False}
    whole = BackpropRegressor(**settings).fit(X, y)
    model = BackpropRegressor(**settings)
    for _ in range(4):
        model = pickle.loads(pickle.dumps(model.partial_fit(X, y)))
    np.testing.assert_allclose(model.history_["learning_rate"], whole.history_["learning_rate"])
    np.testing.assert_allclose(parameters_of(model), parameters_of(whole), rtol=1e-9, atol=1e-12)
    model.partial_fit(X, y)  # beyond the end it stays there
    assert model.history_["learning_rate"][-1] == pytest.approx(
        0.01 * SCHEDULES[name]().factor(1.0), abs=1e-15
    )


@over_planned
def test_another_fit_begins_at_the_start_of_the_curve(name, rates):
    model = BackpropRegressor(
        learning_rate=name, solver=Spy(), max_iter=2, warm_start=True, **SHORT
    ).fit(X, y)
    first = list(rates)
    del rates[:]
    model.fit(X, y)
    assert rates == first


def test_schedules_are_cloned_and_set_by_name():
    model = clone(BackpropRegressor(learning_rate=Cosine(warmup=0.1)))
    model.set_params(learning_rate__warmup=0.3)
    assert model.learning_rate.warmup == 0.3
    for kind in SCHEDULES.values():
        assert pickle.loads(pickle.dumps(kind())).get_params() == kind().get_params()


@pytest.mark.parametrize(
    "schedule", ["cosine", "one_cycle", "coslog4", Cosine(warmup=0.1)], ids=str
)
def test_planned_curves_learn_digits_in_ten_epochs(schedule):
    data, target = load_digits(return_X_y=True)
    model = BackpropClassifier(
        learning_rate=schedule, learning_rate_init=0.02, max_iter=10, random_state=0
    ).fit(data[:1200], target[:1200])
    assert model.score(data[1200:], target[1200:]) > 0.9


# at the ends of what their parameters may be


def ends_of(interval):
    """Return the first and the last numbers of an interval of a parameter's constraints."""
    if interval.type is Integral:
        return [interval.left, 10**400]
    low = interval.left if interval.closed in ("left", "both") else math.nextafter(interval.left, 1)
    if interval.right is None:
        return [low, 1e300, sys.float_info.max]
    inside = interval.closed in ("right", "both")
    return [low, interval.right if inside else math.nextafter(interval.right, interval.left)]


EXTREMES = [
    kind(**dict(zip(kind._parameter_constraints, values, strict=True)))
    for kind in SCHEDULES.values()
    for values in itertools.product(*(ends_of(c[0]) for c in kind._parameter_constraints.values()))
]


@pytest.mark.parametrize("schedule", EXTREMES, ids=repr)
@pytest.mark.parametrize("rate", [math.nextafter(0, 1), 1.0, 1e300])
def test_rates_are_numbers_at_all_ends(schedule, rate):
    for seen in (1, 48, 10**12):
        assert 0 <= schedule.next_rate(rate, rate, seen) <= rate
    assert schedule.after_plateau(rate) is None or schedule.after_plateau(rate) < rate
    if schedule.by_step:
        for fraction in (0.0, math.nextafter(0, 1), 0.3, math.nextafter(1, 0), 1.0):
            assert 0 <= schedule.factor(fraction) <= 1 + 1e-12


@pytest.mark.parametrize("schedule", EXTREMES, ids=repr)
def test_training_goes_through_at_all_ends(schedule):
    model = BackpropRegressor(learning_rate=schedule, max_iter=3, **SHORT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
        assert np.isfinite(model.predict(X)).all()


@over_planned
def test_a_plan_over_more_epochs_than_there_are_floats(name):
    model = BackpropRegressor(learning_rate=name, max_iter=10**400, **SHORT)
    model.set_callbacks(lambda record: record["epoch"] == 2).fit(X, y)
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.filterwarnings("ignore:Maximum iterations")
@pytest.mark.parametrize("power_t", [1e300, np.float64(1e300), np.float32(1e30)])
def test_a_power_beyond_all_floats_is_a_rate_of_zero(power_t):
    model = BackpropRegressor(learning_rate="invscaling", power_t=power_t, max_iter=3, **SHORT)
    rates = model.fit(X, y).history_["learning_rate"]
    assert rates == [0.01, 0.0, 0.0]
