"""Learning-rate schedules: by formula, through an estimator, and one's own."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sklearn_backprop import BackpropRegressor
from sklearn_backprop.components import lookup
from sklearn_backprop.optimizers import OPTIMIZERS
from sklearn_backprop.schedules import SCHEDULES, Adaptive, Constant, InvScaling, Schedule

STOCHASTIC = [name for name, kind in OPTIMIZERS.items() if kind.stochastic]


def test_constant_stays_and_ends_on_a_plateau():
    assert Constant().next_rate(0.5, 0.5, 10**6) == 0.5
    assert Constant().after_plateau(0.5) is None


@pytest.mark.parametrize("power", [0.0, 0.5, 2.0])
def test_inverse_scaling_follows_its_formula(power):
    schedule = InvScaling(power)
    for samples in (0, 1, 99, 10**6):
        assert schedule.next_rate(0.3, 123.0, samples) == pytest.approx(
            0.3 * np.exp(-power * np.log1p(samples)), rel=1e-12
        )
    assert schedule.after_plateau(0.3) is None


def test_adaptive_falls_to_a_fifth_until_it_is_tiny():
    schedule, rate, rates = Adaptive(), 1e-3, []
    while rate is not None:
        assert schedule.next_rate(1e-3, rate, 500) == rate, "it changes on a plateau only"
        rates.append(rate)
        rate = schedule.after_plateau(rate)
    np.testing.assert_allclose(rates, 1e-3 / 5.0 ** np.arange(6))
    assert rates[-2] > 1e-6 >= rates[-1]


@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_are_python_floats(name):
    # an np.float64 is no weak scalar: float32 steps would be computed in float64
    schedule = SCHEDULES[name]()
    rate = schedule.next_rate(0.1, 0.05, 1000)
    assert type(rate) is float
    assert 0 < rate <= 0.1
    assert isinstance(schedule.after_plateau(0.05), float | None)


# ---------------------------------------------------------------- in an estimator

X = np.random.RandomState(0).standard_normal((20, 2))
Y = X @ [1.0, -2.0] + 0.5


def linear(learning_rate, max_iter=6, **parameters):
    regressor = BackpropRegressor(
        hidden_layer_sizes=(), solver="sgd", momentum=0.0, alpha=0.0, learning_rate=learning_rate,
        learning_rate_init=0.2, max_iter=max_iter, standardize=False, initializer="zeros",
        **parameters,
    )  # fmt: skip
    with pytest.warns(ConvergenceWarning):
        return regressor.fit(X, Y)


def descended(rates):
    """Return slope and intercept after one full-batch step of least squares a rate."""
    w, b = np.zeros(2), 0.0
    for rate in rates:
        error = X @ w + b - Y
        w, b = w - rate * X.T @ error / len(Y), b - rate * error.mean()
    return w, b


def assert_trained_at(regressor, rates):
    w, b = descended(rates)
    np.testing.assert_allclose(regressor.coefs_[0].ravel(), w, rtol=1e-12)
    np.testing.assert_allclose(regressor.intercepts_[0], b, rtol=1e-12)


class Halving(Schedule):
    """A user's schedule."""

    def next_rate(self, initial, current, samples_seen):
        return current / 2


EPOCHS = np.arange(6)
RATES = {
    "constant": ("constant", np.full(6, 0.2)),
    "invscaling": ("invscaling", 0.2 / np.sqrt(1 + 20 * EPOCHS)),
    "instance": (InvScaling(power_t=1.0), 0.2 / (1 + 20 * EPOCHS)),
    "adaptive": ("adaptive", np.full(6, 0.2)),  # while it makes progress
    "a user's": (Halving(), 0.2 / 2.0**EPOCHS),
}


@pytest.mark.parametrize(("schedule", "rates"), RATES.values(), ids=RATES)
def test_each_epoch_steps_at_the_rate_of_the_schedule(schedule, rates):
    assert_trained_at(linear(schedule, tol=0.0), rates)


def test_power_t_reaches_the_schedule_of_that_name():
    assert_trained_at(linear("invscaling", tol=0.0, power_t=2.0), 0.2 / (1 + 20 * EPOCHS) ** 2)


def test_a_plateau_lowers_the_adaptive_rate():
    # a gain of 100 is never reached, so every second epoch without it is a plateau
    regressor = linear("adaptive", tol=100.0, n_iter_no_change=1)
    assert_trained_at(regressor, [0.2, 0.2, 0.2, 0.04, 0.04, 0.008])


@pytest.mark.parametrize("solver", STOCHASTIC)
@pytest.mark.parametrize("schedule", ["invscaling", "adaptive"])
def test_schedules_work_with_every_stochastic_solver(schedule, solver):
    # scikit-learn's work with SGD alone
    def fitted(learning_rate):
        regressor = BackpropRegressor(
            hidden_layer_sizes=(), solver=solver, learning_rate=learning_rate, max_iter=8,
            n_iter_no_change=1, tol=100.0, learning_rate_init=0.1, random_state=0,
        )  # fmt: skip
        if learning_rate == "adaptive":
            with pytest.warns(ConvergenceWarning):
                return regressor.fit(X, Y)
        return regressor.fit(X, Y)

    changing, constant = fitted(schedule), fitted("constant")
    n_epochs = constant.n_iter_
    assert changing.loss_curve_[0] == constant.loss_curve_[0]
    if schedule == "adaptive":
        assert changing.n_iter_ == 8 > n_epochs
        assert changing.loss_curve_[:n_epochs] == constant.loss_curve_
    else:
        assert changing.loss_curve_[2] != constant.loss_curve_[2]


@pytest.mark.parametrize("schedule", [InvScaling(-1), InvScaling("fast")])
def test_parameters_out_of_range_are_refused(schedule):
    with pytest.raises(ValueError, match="'power_t' parameter of InvScaling must be"):
        lookup("learning_rate", schedule, SCHEDULES)
