"""When training warns, what it says, and at which line."""

import re
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.schedules import SCHEDULES, OneCycle

X, SPECIES = load_iris(return_X_y=True)
D, PROGRESSION = load_diabetes(return_X_y=True)
SETTINGS = {"hidden_layer_sizes": 6, "max_iter": 15, "random_state": 0, "learning_rate_init": 0.01}
STOCHASTIC = ["sgd", "adam", "adamw"]


def classifier(**parameters):
    return BackpropClassifier(**SETTINGS | parameters)


def caught(call, *args, **kwargs):
    """Return the warnings of a call, each of which has to point at this file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(*args, **kwargs)
    assert all(warning.filename == __file__ for warning in caught)
    return [warning.message for warning in caught]


def the_warning(call, *args, kind=ConvergenceWarning, **kwargs):
    """Return the message of the only warning of a call."""
    (message,) = caught(call, *args, **kwargs)
    assert type(message) is kind
    return str(message)


# no warning


PLANNED = [*(name for name in SCHEDULES if SCHEDULES[name].by_step), OneCycle(peak=0.1)]


@pytest.mark.parametrize(
    "schedule",
    [*PLANNED, lambda t: 1 - t],
    ids=lambda schedule: getattr(schedule, "__name__", str(schedule)),
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_planned_schedule_that_runs_out_has_converged(schedule, early_stopping):
    model = classifier(learning_rate=schedule, early_stopping=early_stopping)
    assert caught(model.fit, X, SPECIES) == []
    assert model.n_iter_ == 15


@pytest.mark.parametrize("schedule", ["constant", "invscaling", "adaptive", 0.01])
def test_a_schedule_without_an_end_has_not(schedule):
    options = {"learning_rate": schedule, "learning_rate_init": 0.001 if schedule == 0.01 else 0.01}
    assert "Maximum iterations (15)" in the_warning(classifier(**options).fit, X, SPECIES)


@pytest.mark.parametrize("solver", [*STOCHASTIC, "lbfgs"])
def test_no_warning_after_convergence_or_a_stop_on_request(solver):
    slack = {"tol": 10.0, "max_iter": 100, "solver": solver}
    assert caught(classifier(**slack).fit, X, SPECIES) == []
    in_a_hurry = classifier(solver=solver, max_time=1e-9)
    assert caught(in_a_hurry.fit, X, SPECIES) == []
    assert in_a_hurry.n_iter_ == 1
    stops = classifier(solver=solver).set_callbacks(lambda record: record["epoch"] == 15)
    assert caught(stops.fit, X, SPECIES) == []


def test_partial_fit_never_warns_of_a_limit():
    model = classifier(max_iter=2)
    for _ in range(4):
        assert caught(model.partial_fit, X, SPECIES, classes=[0, 1, 2]) == []


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("n_iter_no_change", [3, 4])
def test_no_warning_if_the_best_epoch_lies_behind(solver, n_iter_no_change):
    # the best of 10 epochs is the sixth; each later one gains on the one before it by
    # more than tol, so patience never ends training
    scores = iter([0.1, 0.2, 0.3, 0.4, 0.5, 0.9, 0.0, 0.0, 0.0, 0.0])
    model = classifier(
        solver=solver, early_stopping=True, max_iter=10, n_iter_no_change=n_iter_no_change,
        scoring=lambda estimator, X, y: next(scores),
    )  # fmt: skip
    messages = caught(model.fit, X, SPECIES)
    if n_iter_no_change == 3:  # the patience, of more than 3 epochs, has run out
        assert (messages, model.n_iter_) == ([], 10)
    else:  # 10 - 6 is not more than 4
        assert "Raise max_iter to 20" in str(messages[0])


def test_no_warning_if_the_best_lies_behind_a_plateau_of_the_adaptive_rate():
    # each plateau resets the patience, so only the place of the best epoch can tell
    scores = iter([0.9] + [0.0] * 8)
    model = classifier(
        learning_rate="adaptive", early_stopping=True, max_iter=9, n_iter_no_change=3,
        scoring=lambda estimator, X, y: next(scores),
    )  # fmt: skip
    assert caught(model.fit, X, SPECIES) == []
    assert model.n_iter_ == 9


# the warning at the limit


def numbers(message):
    """Return the fall of the loss, over how many epochs, the parameter and its new value."""
    fell = re.search(r"The loss (fell|rose) by (\S+) over the last (\d+) epochs", message)
    fall = float(fell[2]) * (1 if fell[1] == "fell" else -1)
    raised = re.search(r"Raise (\w+) to (\d+)", message)
    return fall, int(fell[3]), raised[1], int(raised[2])


@pytest.mark.parametrize("solver", [*STOCHASTIC, "lbfgs"])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize(("n_iter_no_change", "back"), [(10, 10), (4, 4), (50, 14), (np.inf, 14)])
def test_it_says_how_far_the_loss_fell_and_what_to_raise(
    solver, early_stopping, n_iter_no_change, back
):
    options = {"solver": solver, "early_stopping": early_stopping, "tol": 1e-7}
    options |= {"scoring": lambda model, X, y: model.n_iter_}  # always better, always more to gain
    model = classifier(n_iter_no_change=n_iter_no_change, **options)
    message = the_warning(model.fit, X, SPECIES)
    fall = model.loss_curve_[-1 - back] - model.loss_curve_[-1]
    assert numbers(message) == (float(f"{fall:.3g}"), back, "max_iter", 30)
    assert "tol=1e-07" in message
    # the advice helps
    model.set_params(max_iter=2000, tol=0.01, n_iter_no_change=10, scoring="loss")
    assert caught(model.fit, X, SPECIES) == []


def test_it_says_that_the_loss_rose():
    options = {"learning_rate_init": 1e-3, "n_iter_no_change": 5, "max_iter": 6, "solver": "sgd"}
    model = BackpropRegressor(**SETTINGS | options, learning_rate=Rising(5))
    message = the_warning(model.fit, D, PROGRESSION)
    fall = model.loss_curve_[0] - model.loss_curve_[-1]
    assert fall < 0 and "rose by" in message
    assert numbers(message)[0] == float(f"{fall:.3g}")


def test_after_one_epoch_there_is_no_fall_to_speak_of():
    message = the_warning(classifier(max_iter=1).fit, X, SPECIES)
    assert "over the last" not in message and "Raise max_iter to 2," in message


def test_lbfgs_names_the_limit_that_it_reached():
    few = classifier(solver="lbfgs", max_fun=9, max_iter=1000)
    message = the_warning(few.fit, X, SPECIES)
    assert message.startswith("L-BFGS reached a limit before it converged")
    assert numbers(message)[2:] == ("max_fun", 18) and "max_iter" not in message
    assert few.n_iter_ <= 9
    message = the_warning(classifier(solver="lbfgs", max_iter=4).fit, X, SPECIES)
    assert numbers(message)[2:] == ("max_iter", 8) and "max_fun" not in message


# divergence


class Rising(SCHEDULES["constant"]):
    """A rate that grows from epoch to epoch."""

    def __init__(self, factor=10):
        self.factor = factor

    def next_rate(self, initial, current, samples_seen):
        return current * self.factor


REMEDIES = ["learning_rate_init (now 0.01)", "standardize=True", "max_grad_norm=1.0"]


@pytest.mark.parametrize("early_stopping", [False, True])
def test_divergence_names_the_epochs_and_the_remedies(early_stopping):
    options = {"solver": "sgd", "learning_rate": Rising(), "max_iter": 1000, "momentum": 0.0}
    model = BackpropRegressor(**SETTINGS | options, early_stopping=early_stopping)
    message = the_warning(model.fit, D, PROGRESSION)
    assert all(remedy in message for remedy in REMEDIES)
    scores = model.validation_scores_ if early_stopping else -np.array(model.loss_curve_)
    best = int(np.nanargmax(scores)) + 1
    diverged, kept = map(int, re.findall(r"epoch (\d+)", message))
    assert (diverged, kept) == (model.n_iter_, best)
    assert best < model.n_iter_ < 1000
    with_remedy = BackpropRegressor(**SETTINGS | {"solver": "sgd", "max_grad_norm": 1.0})
    assert "diverged" not in the_warning(with_remedy.fit, D, PROGRESSION)


def test_divergence_at_once_is_an_error_that_names_the_remedies():
    model = BackpropRegressor(**SETTINGS | {"standardize": False})
    with pytest.raises(ValueError, match=r"standardize=True.*learning_rate_init.*max_grad_norm"):
        model.fit(1e200 * D, PROGRESSION)


# the line


def diverge(model, method, *data):
    model.set_params(learning_rate_init=1e300, solver="sgd", warm_start=True)
    return the_warning(getattr(model, method), *data)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_divergence_points_at_the_call(method):
    model = BackpropRegressor(**SETTINGS).partial_fit(D, PROGRESSION)
    message = diverge(model, method, D, PROGRESSION)
    assert "Training diverged at epoch" in message and "The weights from before" in message


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("with_callback", [False, True])
def test_an_interruption_points_at_the_call(solver, with_callback):
    def interrupt(estimator, X, y):
        raise KeyboardInterrupt

    model = classifier(solver=solver, early_stopping=True, scoring=interrupt)
    if with_callback:
        model.set_callbacks(lambda record: None)
    message = the_warning(model.fit, X, SPECIES, kind=UserWarning)
    assert message == "Training interrupted by user."


def test_limits_point_at_the_line_of_the_call():
    model = classifier()
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(X, SPECIES)
    line = test_limits_point_at_the_line_of_the_call.__code__.co_firstlineno + 3
    assert (caught[0].filename, caught[0].lineno) == (__file__, line)


def test_through_scikit_learn_they_point_at_the_users_line_too():
    pipeline = make_pipeline(StandardScaler(), classifier())
    the_warning(pipeline.fit, X, SPECIES)
    search = GridSearchCV(classifier(), {"alpha": [0.1, 1.0]}, cv=2)
    assert len(caught(search.fit, X, SPECIES)) == 2 * 2 + 1


@pytest.mark.parametrize("cls", [BackpropClassifier, BackpropRegressor])
def test_a_users_subclass_is_the_users_line(cls):
    class Mine(cls):
        def fit(self, X, y):
            return super().fit(X, y)

    assert "Maximum" in the_warning(Mine(**SETTINGS | {"tol": 0.0}).fit, X, SPECIES)
