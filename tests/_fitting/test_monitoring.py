"""``history_``, ``verbose`` and ``max_time``: what is recorded, printed, and cut short."""

import warnings
from itertools import count
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import make_scorer, mean_absolute_error

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop._fitting import loop as fit_loop

X, SPECIES = load_iris(return_X_y=True)
D, PROGRESSION = load_diabetes(return_X_y=True)
CANCER = load_breast_cancer(return_X_y=True)
SOLVERS = ["sgd", "adam", "adamw", "lbfgs"]
ALWAYS = ["epoch", "loss", "learning_rate", "gradient_norm", "seconds"]
SETTINGS = {"hidden_layer_sizes": 6, "max_iter": 8, "random_state": 0, "learning_rate_init": 0.01}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def classifier(**parameters):
    return BackpropClassifier(**SETTINGS | parameters)


def regressor(**parameters):
    return BackpropRegressor(**SETTINGS | parameters)


def weights(estimator):
    return np.concatenate([a.ravel() for a in estimator.coefs_ + estimator.intercepts_])


# history_


@pytest.mark.parametrize("solver", SOLVERS)
def test_history_has_one_record_an_epoch(solver):
    fitted = classifier(solver=solver).fit(X, SPECIES)
    history = fitted.history_
    assert type(history) is dict and list(history) == ALWAYS
    assert all(type(column) is list for column in history.values())
    assert {len(column) for column in history.values()} == {fitted.n_iter_} == {8}
    assert {type(value) for column in history.values() for value in column} == {int, float}
    assert history["epoch"] == list(range(1, 9))
    assert history["loss"] == fitted.loss_curve_
    assert all(a < b for a, b in zip(history["seconds"], history["seconds"][1:], strict=False))
    frame = pd.DataFrame(history)
    assert frame.shape == (8, 5) and all(dtype.kind in "if" for dtype in frame.dtypes)


SCORINGS = {
    "loss": ("loss", []),
    "own": (None, ["score"]),
    "name": ("accuracy", ["score"]),
    "list": (["recall_macro", "accuracy"], ["recall_macro", "accuracy"]),
    "list with the loss": (["loss", "accuracy"], ["accuracy"]),
    "dict": ({"hits": "accuracy", "rand": "rand_score"}, ["hits", "rand"]),
}


@pytest.mark.parametrize(("scoring", "names"), SCORINGS.values(), ids=SCORINGS)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_history_has_every_score_and_the_first_decides(scoring, names, solver):
    fitted = classifier(solver=solver, early_stopping=True, scoring=scoring).fit(X, SPECIES)
    history = fitted.history_
    columns = [f"validation_{name}" for name in ["loss", *names]]
    assert list(history) == ["epoch", "loss", *columns, *ALWAYS[2:]]
    assert {len(column) for column in history.values()} == {8}
    by_loss = scoring == "loss" or (names and isinstance(scoring, list) and scoring[0] == "loss")
    decides = -np.array(history["validation_loss"]) if by_loss else history[columns[1]]
    np.testing.assert_array_equal(fitted.validation_scores_, decides)
    assert fitted.best_validation_score_ == max(decides)


def test_recorded_scores_are_those_of_the_network_at_that_epoch():
    Xt, yt, Xv, yv = D[:300], PROGRESSION[:300], D[300:], PROGRESSION[300:]
    scoring = {"r2": "r2", "error": make_scorer(mean_absolute_error)}
    model = regressor(early_stopping=True, scoring=scoring).fit(Xt, yt, X_val=Xv, y_val=yv)
    for epoch in range(8):
        then = regressor(max_iter=epoch + 1).fit(Xt, yt)
        error = mean_absolute_error(yv, then.predict(Xv))
        assert model.history_["validation_r2"][epoch] == pytest.approx(then.score(Xv, yv))
        assert model.history_["validation_error"][epoch] == pytest.approx(error)
        half_mean_square = np.mean((then.predict(Xv) - yv) ** 2) / 2 / np.var(yt)
        assert model.history_["validation_loss"][epoch] == pytest.approx(half_mean_square)


@pytest.mark.parametrize("scoring", [[], {}])
def test_no_score_at_all_is_an_error(scoring):
    with pytest.raises(ValueError, match="scoring is empty"):
        classifier(early_stopping=True, scoring=scoring).fit(X, SPECIES)


def test_a_scorer_cannot_take_the_name_of_the_loss():
    with pytest.raises(ValueError, match="Rename it"):
        classifier(early_stopping=True, scoring={"loss": "accuracy"}).fit(X, SPECIES)


RATES = {
    "constant": lambda samples_seen, fraction: 0.01,
    "invscaling": lambda samples_seen, fraction: 0.01 / (samples_seen + 1) ** 0.5,
    "cosine": lambda samples_seen, fraction: 0.01 * (1 + np.cos(np.pi * fraction)) / 2,
}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_learning_rate_is_that_of_the_last_step(rate, solver):
    # 150 samples in batches of 50: the last step of epoch e begins at (e + 2/3) epochs of 8;
    # the rate of invscaling changes between epochs, and begins at its initial value
    model = classifier(solver=solver, learning_rate=rate, batch_size=50).fit(X, SPECIES)
    expected = [RATES[rate](150 * e, (e + 2 / 3) / 8) for e in range(8)]
    np.testing.assert_allclose(model.history_["learning_rate"], expected, rtol=1e-12)


def test_adaptive_learning_rate_is_recorded():
    # no epoch gains 1e9: a fifth of the rate after each third epoch without progress
    options = {"learning_rate": "adaptive", "tol": 1e9, "n_iter_no_change": 2, "max_iter": 7}
    model = classifier(**options).fit(X, SPECIES)
    # the first epoch beats minus infinity
    expected = [0.01] * 4 + [0.002] * 3
    np.testing.assert_allclose(model.history_["learning_rate"], expected, rtol=1e-12)


def test_lbfgs_has_no_learning_rate():
    assert np.isnan(classifier(solver="lbfgs").fit(X, SPECIES).history_["learning_rate"]).all()


def logistic_gradient_norm(Z, y, model, alpha):
    """Return the norm of the gradient of a logistic regression's objective."""
    W, b = model.coefs_[0], model.intercepts_[0]
    error = (expit(Z @ W + b) - y[:, None]) / len(y)
    gradient = [Z.T @ error + alpha / len(y) * W, error.sum(axis=0)]
    return np.sqrt(sum((part**2).sum() for part in gradient))


@pytest.mark.parametrize("solver", SOLVERS)
def test_gradient_norm_equals_one_computed_by_hand(solver):
    Z = (CANCER[0] - CANCER[0].mean(axis=0)) / CANCER[0].std(axis=0)
    options = {"hidden_layer_sizes": (), "standardize": False, "batch_size": len(Z)}
    options |= {"solver": solver, "alpha": 3.0, "max_iter": 5}
    norms = classifier(**options).fit(Z, CANCER[1]).history_["gradient_norm"]
    for epoch in range(1, 5):
        at_epoch = classifier(**options | {"max_iter": epoch}).fit(Z, CANCER[1])
        by_hand = logistic_gradient_norm(Z, CANCER[1], at_epoch, 3.0)
        # a gradient is taken before its step, but SciPy calls back after the new point's
        recorded = norms[epoch - 1] if solver == "lbfgs" else norms[epoch]
        assert recorded == pytest.approx(by_hand, rel=1e-9)


def test_gradient_norm_is_the_clipped_one():
    norms = classifier(max_grad_norm=0.1).fit(X, SPECIES).history_["gradient_norm"]
    np.testing.assert_allclose(norms, 0.1)
    assert min(classifier().fit(X, SPECIES).history_["gradient_norm"]) > 0.1


def test_history_goes_on_through_partial_fit():
    model = classifier()
    for calls in range(1, 5):
        model.partial_fit(X, SPECIES, classes=[0, 1, 2])
        assert {len(column) for column in model.history_.values()} == {calls}
    assert model.history_["epoch"] == [1, 2, 3, 4]
    assert model.history_["loss"] == model.loss_curve_
    assert np.all(np.diff(model.history_["seconds"]) > 0)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_history_goes_on_through_warm_starts_and_begins_anew_without(solver):
    model = classifier(solver=solver, warm_start=True, max_iter=3).fit(X, SPECIES)
    first = {name: list(column) for name, column in model.history_.items()}
    model.fit(X, SPECIES)
    for name, column in first.items():
        np.testing.assert_array_equal(model.history_[name][:3], column)
    assert {len(column) for column in model.history_.values()} == {6}
    assert np.all(np.diff(model.history_["seconds"]) > 0)
    model.set_params(warm_start=False).fit(X, SPECIES)
    assert {len(column) for column in model.history_.values()} == {3}


def test_columns_that_come_and_go_are_filled_with_nan():
    model = classifier(warm_start=True, max_iter=2, early_stopping=True).fit(X, SPECIES)
    model.set_params(early_stopping=False).fit(X, SPECIES)
    model.set_params(early_stopping=True, scoring="accuracy").fit(X, SPECIES)
    frame = pd.DataFrame(model.history_)
    expected = {"validation_loss": [0, 0, 1, 1, 0, 0], "validation_score": [1, 1, 1, 1, 0, 0]}
    for name, is_missing in expected.items():
        np.testing.assert_array_equal(frame[name].isna(), is_missing)


def test_history_of_a_failed_fit_is_the_old_one():
    model = classifier(warm_start=True, max_iter=2).fit(X, SPECIES)
    before = [*model.history_["loss"]]

    def fail(record):
        raise RuntimeError("a user's function")

    model.set_callbacks(fail)
    with pytest.raises(RuntimeError):
        model.fit(X, SPECIES)
    assert model.history_["loss"] == before == model.loss_curve_


# verbose


@pytest.mark.parametrize("verbose", [1, True, 3, 5])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_verbose_prints_the_first_and_every_nth_epoch(verbose, early_stopping, capsys):
    options = {"early_stopping": early_stopping, "max_iter": 12, "n_iter_no_change": 100}
    model = classifier(verbose=verbose, scoring="accuracy", **options).fit(X, SPECIES)
    printed = [int(line.split()[1].split("/")[0]) for line in capsys.readouterr().out.splitlines()]
    assert printed == [e for e in range(1, 13) if e == 1 or e % verbose == 0]
    assert len(model.loss_curve_) == 12


@pytest.mark.parametrize("verbose", [0, False])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_not_verbose_prints_nothing(verbose, solver, capsys):
    classifier(verbose=verbose, solver=solver, max_time=1e-9).fit(X, SPECIES)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


@pytest.mark.parametrize("cls", [BackpropClassifier, BackpropRegressor])
@pytest.mark.parametrize("solver", SOLVERS)
def test_verbose_lines_are_aligned(cls, solver, capsys):
    # raw targets of 1e5 and a fast fit: losses from 1e9 down to small ones
    y = SPECIES if cls is BackpropClassifier else 1e5 * X[:, 3]
    options = {"early_stopping": True, "scoring": None, "n_iter_no_change": 100, "solver": solver}
    options |= {"max_iter": 120, "learning_rate": "cosine", "standardize": False}
    model = cls(**SETTINGS | options | {"verbose": True}).fit(X, y)
    lines = [line for line in capsys.readouterr().out.splitlines() if "Stopping" not in line]
    assert len(lines) == model.n_iter_ > 30
    names = ["loss =", "validation_loss =", "validation_score =", "learning_rate ="]
    places = {(*map(line.index, names), line.rindex(".")) for line in lines}
    assert len(places) == 1
    losses = [float(line.split("loss = ")[1].split(",")[0]) for line in lines]
    np.testing.assert_allclose(losses, model.loss_curve_, rtol=1e-7)


def test_verbose_counts_on_through_partial_fit(capsys):
    model = classifier(verbose=2)
    for _ in range(5):
        model.partial_fit(X, SPECIES, classes=[0, 1, 2])
    printed = [int(line.split()[1].split("/")[0]) for line in capsys.readouterr().out.splitlines()]
    assert printed == [1, 2, 4]


# max_time


@pytest.fixture
def clock(monkeypatch):
    """Make each look at the clock a second later than the last."""
    seconds = count()
    monkeypatch.setattr(
        fit_loop, "time", SimpleNamespace(perf_counter=lambda: float(next(seconds)))
    )


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_max_time_ends_training_at_the_end_of_an_epoch(solver, early_stopping, capsys):
    options = {"solver": solver, "early_stopping": early_stopping, "verbose": True}
    model = classifier(max_time=4.5, max_iter=100, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)  # it was asked for
        model.fit(X, SPECIES)
    assert model.n_iter_ == 5
    assert model.history_["seconds"] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert "max_time=4.5 seconds have passed" in capsys.readouterr().out


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_max_time_keeps_the_weights_of_the_lowest_loss(solver):
    options = {"solver": solver, "learning_rate": lambda t: 1.0 if t < 0.3 else 3000.0}
    options |= {"max_iter": 10, "n_iter_no_change": 100}
    model = classifier(max_time=6, **options).fit(X, SPECIES)
    best = int(np.argmin(model.loss_curve_)) + 1
    assert best < model.n_iter_ == 6  # the rate did get too high
    stop = classifier(**options).set_callbacks(lambda record: record["epoch"] == best)
    np.testing.assert_array_equal(weights(model), weights(stop.fit(X, SPECIES)))


@pytest.mark.usefixtures("clock")
def test_max_time_is_of_each_call_and_none_of_partial_fit():
    model = classifier(max_time=2, warm_start=True).fit(X, SPECIES)
    assert model.fit(X, SPECIES).n_iter_ == 2
    assert model.history_["seconds"] == [1.0, 2.0, 3.0, 4.0]
    # one pass takes what it takes, and is not undone for having taken it
    options = {"max_time": 0.5, "learning_rate_init": 30.0, "solver": "sgd"}
    timed, free = classifier(**options), classifier(**options | {"max_time": None})
    for model in (timed, free):
        for _ in range(4):
            model.partial_fit(X, SPECIES, classes=[0, 1, 2])
    assert np.argmin(timed.loss_curve_) != 3
    np.testing.assert_array_equal(weights(timed), weights(free))


def test_time_to_spare_changes_nothing():
    model = classifier()
    in_time = clone(model).set_params(max_time=1e6)
    np.testing.assert_array_equal(weights(model.fit(X, SPECIES)), weights(in_time.fit(X, SPECIES)))
