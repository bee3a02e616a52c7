"""When training ends, and which epoch's weights an estimator keeps."""

import re
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, f1_score, log_loss, make_scorer, r2_score
from sklearn.model_selection import train_test_split

from sklearn_backprop import BackpropClassifier, BackpropRegressor, fit_many
from sklearn_backprop.activations import ReLU
from sklearn_backprop.losses import LogLoss
from sklearn_backprop.schedules import Schedule

X, SPECIES = load_iris(return_X_y=True)
NOISE = np.random.RandomState(1)
TARGET = X @ [0.5, -1.0, 0.3, 2.0] + 2 * NOISE.normal(size=150)
NOISY = np.where(NOISE.uniform(size=150) < 0.3, NOISE.randint(3, size=150), SPECIES)
TRAIN, VAL = np.arange(150) % 2 == 0, np.arange(150) % 2 == 1
ESTIMATORS = [BackpropClassifier, BackpropRegressor]
SOLVERS = ["sgd", "adam", "adamw", "lbfgs"]
RATES = {"sgd": 0.1, "adam": 0.05, "adamw": 0.05, "lbfgs": 0.001}


def make(cls, solver="adam", **parameters):
    defaults = {"hidden_layer_sizes": (20,), "random_state": 0, "alpha": 0.0, "tol": 0.0}
    defaults |= {"learning_rate_init": RATES[solver], "n_iter_no_change": np.inf}
    return cls(solver=solver, **defaults | parameters)


def data(cls):
    """Return X, y of a noisy problem, which networks overfit, and a validation set."""
    y = NOISY if cls is BackpropClassifier else TARGET
    return X[TRAIN], y[TRAIN], X[VAL], y[VAL]


def fit_to_limit(estimator, *args, **kwargs):
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations|L-BFGS reached a limit"):
        return estimator.fit(*args, **kwargs)


def weights(estimator):
    return [array.copy() for array in (*estimator.coefs_, *estimator.intercepts_)]


def assert_same_weights(one, other, **tolerance):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, **{"rtol": 0, "atol": 0} | tolerance)


def epochs_by_the_rule(scores, n_iter_no_change, tol):
    """Return after which epoch the documented rule stops; None if it does not."""
    best, stalled = -np.inf, 0
    for epoch, score in enumerate(scores, start=1):
        stalled = 0 if score >= best + tol else stalled + 1
        best = max(best, score)
        if stalled > n_iter_no_change:
            return epoch
    return None


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("standardize", [True, False])
def test_early_stopping_keeps_the_best_epoch(cls, solver, standardize):
    Xt, yt, Xv, yv = data(cls)
    rate = RATES[solver] if standardize else min(0.01, RATES[solver])
    estimator = make(cls, solver, standardize=standardize, max_iter=60, learning_rate_init=rate)
    stopped = clone(estimator).set_params(early_stopping=True)
    fit_to_limit(stopped, Xt, yt, X_val=Xv, y_val=yv)
    scores = stopped.validation_scores_
    assert len(scores) == stopped.n_iter_ == len(stopped.loss_curve_) == 60
    assert stopped.best_validation_score_ == max(scores)
    assert stopped.best_loss_ is None
    best = int(np.argmax(scores)) + 1
    assert best < 60 or not standardize  # the problem is one that overfits
    # the validation set takes no part in training: without one, the same epochs pass
    plain = fit_to_limit(clone(estimator).set_params(max_iter=best), Xt, yt)
    assert_same_weights(weights(stopped), weights(plain))
    np.testing.assert_array_equal(stopped.loss_curve_[:best], plain.loss_curve_)
    assert plain.best_loss_ == min(plain.loss_curve_)


def largest_error(estimator, X, y):
    return -np.abs(y - estimator.predict(X)).max()


SCORES = [  # estimator, scoring, what it means
    (BackpropClassifier, "loss", lambda c, X, y: -log_loss(y, c.predict_proba(X))),
    (BackpropClassifier, None, lambda c, X, y: accuracy_score(y, c.predict(X))),
    (BackpropClassifier, "f1_macro", lambda c, X, y: f1_score(y, c.predict(X), average="macro")),
    (BackpropClassifier, largest_error, largest_error),
    # the loss is that of standardized targets
    (BackpropRegressor, "loss", lambda r, X, y: -0.5 * np.mean((y - r.predict(X)) ** 2) / VARIANCE),
    (BackpropRegressor, None, lambda r, X, y: r2_score(y, r.predict(X))),
]
VARIANCE = TARGET[TRAIN].var()


@pytest.mark.parametrize(("cls", "scoring", "by_hand"), SCORES)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_scoring(cls, scoring, by_hand, solver):
    Xt, yt, Xv, yv = data(cls)
    estimator = make(cls, solver, max_iter=9, early_stopping=True, scoring=scoring)
    fit_to_limit(estimator, Xt, yt, X_val=Xv, y_val=yv)
    assert estimator.best_validation_score_ == pytest.approx(by_hand(estimator, Xv, yv), rel=1e-9)


@pytest.mark.parametrize("y", [SPECIES, SPECIES == 1, np.array(["one"] * 150)])
@pytest.mark.parametrize("scoring", ["accuracy", None])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_accuracy_is_that_of_the_scorer(y, scoring, weighted, class_weight):
    weight = np.random.RandomState(0).uniform(0.5, 2, size=150) if weighted else None
    smooth = LogLoss(label_smoothing=0.1)
    estimator = make(BackpropClassifier, max_iter=12, early_stopping=True, loss=smooth,
                     class_weight=class_weight)  # fmt: skip
    quick = fit_to_limit(clone(estimator).set_params(scoring=scoring), X, y, weight)
    by_scorer = estimator.set_params(scoring=make_scorer(accuracy_score))
    by_scorer = fit_to_limit(by_scorer, X, y, weight)
    assert quick.validation_scores_ == pytest.approx(by_scorer.validation_scores_, rel=1e-12)
    for column in ("validation_loss", "validation_score"):
        assert quick.history_[column] == pytest.approx(by_scorer.history_[column], rel=1e-12)
    assert_same_weights(weights(quick), weights(by_scorer))


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("scoring", ["loss", None])
def test_a_validation_weight_of_2_is_the_row_twice_and_0_the_row_left_out(cls, scoring):
    Xt, yt, Xv, yv = data(cls)
    counts = np.arange(len(yv)) % 3
    estimator = make(cls, max_iter=20, early_stopping=True, scoring=scoring)
    given = {"X_val": Xv, "y_val": yv, "sample_weight_val": counts / 2}
    weighted = fit_to_limit(clone(estimator), Xt, yt, **given)
    given = {"X_val": np.repeat(Xv, counts, axis=0), "y_val": np.repeat(yv, counts)}
    repeated = fit_to_limit(clone(estimator), Xt, yt, **given)
    np.testing.assert_allclose(weighted.validation_scores_, repeated.validation_scores_, rtol=1e-9)
    assert_same_weights(weights(weighted), weights(repeated))


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("scoring", ["loss", None])
def test_held_out_rows_are_not_trained_on(cls, scoring):
    y = SPECIES == 1 if cls is BackpropClassifier else TARGET
    sample_weight = NOISE.uniform(0.5, 2, size=150)
    # zeros leave the random stream alone, so that the split is its first draw
    estimator = make(cls, hidden_layer_sizes=(), initializer="zeros", shuffle=False, max_iter=8,
                     standardize=False, early_stopping=True, scoring=scoring)  # fmt: skip
    split = fit_to_limit(clone(estimator), X, y, sample_weight)
    options = {"random_state": np.random.RandomState(0), "stratify": y if y.dtype == bool else None}
    train, val = train_test_split(np.arange(150), test_size=0.1, **options)
    own = {"X_val": X[val], "y_val": y[val], "sample_weight_val": sample_weight[val]}
    given = fit_to_limit(estimator, X[train], y[train], sample_weight[train], **own)
    assert_same_weights(weights(split), weights(given), rtol=1e-9)
    np.testing.assert_allclose(split.validation_scores_, given.validation_scores_, rtol=1e-9)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("max_time", [None, 1000])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_validation_rows_are_a_validation_set_of_ones_own(cls, max_time):
    y = SPECIES == 1 if cls is BackpropClassifier else TARGET
    sample_weight = NOISE.uniform(0.5, 2, size=150)
    estimator = make(cls, max_iter=8, standardize=False, early_stopping=True, max_time=max_time)
    halves = [np.arange(0, 150, 2), np.arange(149, 100, -3)]
    many = fit_many([estimator] * 2, X, y, sample_weight=sample_weight, validation_rows=halves)
    for val, stacked in zip(halves, many, strict=True):
        train = np.setdiff1d(np.arange(150), val)
        own = {"X_val": X[val], "y_val": y[val], "sample_weight_val": sample_weight[val]}
        given = fit_to_limit(clone(estimator), X[train], y[train], sample_weight[train], **own)
        rows = fit_to_limit(clone(estimator), X, y, sample_weight, validation_rows=val.tolist())
        for ours in (rows, stacked):
            assert_same_weights(weights(ours), weights(given), rtol=1e-9)
            assert ours.validation_scores_ == pytest.approx(given.validation_scores_, rel=1e-9)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_warm_start_with_early_stopping_keeps_the_best_of_all_fits(cls, solver):
    Xt, yt, Xv, yv = data(cls)
    estimator = make(cls, solver, max_iter=4, early_stopping=True, warm_start=True)
    for call in range(1, 6):
        fit_to_limit(estimator, Xt, yt, X_val=Xv, y_val=yv)
        scores = estimator.validation_scores_
        assert len(scores) == len(estimator.loss_curve_) == 4 * call
        assert estimator.n_iter_ == 4
        assert estimator.best_validation_score_ == max(scores)
    best, kept = estimator.best_validation_score_, weights(estimator)
    if solver != "lbfgs":  # a rate that can only do harm leaves the kept weights alone
        fit_to_limit(estimator.set_params(learning_rate_init=30.0), Xt, yt, X_val=Xv, y_val=yv)
        assert max(estimator.validation_scores_) == estimator.best_validation_score_ == best
        assert_same_weights(weights(estimator), kept)


@pytest.mark.parametrize(
    "case", ["sgd", "adam", "sgd validated", "adam validated", "lbfgs validated"]
)
def test_training_stops_by_the_rule(case):
    solver, early_stopping = case.split()[0], "validated" in case
    Xt, yt, Xv, yv = data(BackpropRegressor)
    given = {"X_val": Xv, "y_val": yv} if early_stopping else {}
    regressor = make(BackpropRegressor, solver, max_iter=90, early_stopping=early_stopping)
    long = fit_to_limit(clone(regressor), Xt, yt, **given)
    scores = long.validation_scores_ if early_stopping else -np.array(long.loss_curve_)
    stops = set()
    for tol in (0.0,) if solver == "lbfgs" else (1e-4, 3e-3, 1e-2):
        for patience in (1, 2, 5, 11):
            stop = epochs_by_the_rule(scores, patience, tol)
            if stop is not None:
                # reaching the rule's end is convergence: no warning
                short = clone(regressor).set_params(n_iter_no_change=patience, tol=tol)
                assert short.fit(Xt, yt, **given).n_iter_ == stop
                np.testing.assert_array_equal(short.loss_curve_, long.loss_curve_[:stop])
                stops.add(stop)
    assert len(stops) >= 3  # the cases do differ


@pytest.mark.parametrize(("schedule", "kept"), [("constant", 2), ("cosine", 5), ("one_cycle", 5)])
def test_of_equally_good_epochs_a_planned_schedule_keeps_the_last(schedule, kept):
    values = iter([0.1, 0.7, 0.3, 0.7, 0.7, 0.6])
    shown = []

    def score(model, X, y):
        shown.append(weights(model))
        return next(values)

    Xt, yt, Xv, yv = data(BackpropClassifier)
    model = make(BackpropClassifier, scoring=score, early_stopping=True, learning_rate=schedule,
                 max_iter=6)  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(Xt, yt, X_val=Xv, y_val=yv)
    assert_same_weights(weights(model), shown[kept - 1])


def test_stopping_in_the_last_epoch_is_convergence():
    Xt, yt, *_ = data(BackpropRegressor)
    regressor = make(BackpropRegressor, tol=1e9, n_iter_no_change=5, max_iter=7)
    assert regressor.fit(Xt, yt).n_iter_ == 7
    fit_to_limit(regressor.set_params(max_iter=6), Xt, yt)


@pytest.mark.parametrize(("solver", "limit"), [("adam", "max_iter"), ("lbfgs", "max_iter")])
def test_the_warning_at_the_limit_names_it_and_points_to_the_call_of_fit(solver, limit):
    with pytest.warns(ConvergenceWarning, match=f"7.*{limit}") as caught:
        make(BackpropClassifier, solver, max_iter=7).fit(X, SPECIES)
    assert [warning.filename for warning in caught] == [__file__]


def test_lbfgs_stops_at_max_fun_and_at_tol():
    classifier = make(BackpropClassifier, "lbfgs", hidden_layer_sizes=(), alpha=1.0)
    few = fit_to_limit(clone(classifier).set_params(max_fun=6), X, NOISY)
    loose, tight = (clone(classifier).set_params(tol=tol).fit(X, NOISY) for tol in (0.05, 1e-3))
    assert few.n_iter_ <= 6 < tight.n_iter_ > loose.n_iter_
    assert loose.loss_ > tight.loss_


def test_the_adaptive_rate_is_divided_by_5_at_each_plateau(capsys):
    # no epoch gains 1e9, so each third epoch without progress ends a plateau
    options = {"learning_rate": "adaptive", "learning_rate_init": 1e-3, "momentum": 0.0, "tol": 1e9}
    options |= {"n_iter_no_change": 2, "standardize": False, "hidden_layer_sizes": ()}
    regressor = make(BackpropRegressor, "sgd", **options)
    steps, before = [], weights(fit_to_limit(clone(regressor).set_params(max_iter=1), X, TARGET))
    for epochs in range(2, 12):
        after = clone(regressor).set_params(max_iter=epochs)
        fit_to_limit(after, X, TARGET)
        W, b = before
        gradient = X.T @ (X @ W + b - TARGET[:, None]) / 150
        steps.append(np.mean((W - after.coefs_[0]) / gradient))
        before = weights(after)
    expected = [1e-3] * 3 + [2e-4] * 3 + [4e-5] * 3 + [8e-6]
    np.testing.assert_allclose(steps, expected, rtol=1e-6)
    # 1e-3, 2e-4, 4e-5, 8e-6, 1.6e-6, and 3.2e-7, which is the end
    regressor.set_params(verbose=True).fit(X, TARGET)
    assert regressor.n_iter_ == 1 + 6 * 3
    assert capsys.readouterr().out.count("Setting the learning rate to") == 5


class Runaway(Schedule):
    """A rate that grows from epoch to epoch until training diverges."""

    def next_rate(self, initial, current, samples_seen):
        return current * 3


def fit_and_diverge(estimator, method, *args, **kwargs):
    with pytest.warns(ConvergenceWarning, match="diverged") as caught:
        getattr(estimator, method)(*args, **kwargs)
    (message,) = (str(warning.message) for warning in caught)
    assert re.search(r"learning_rate_init \(now .*standardize=True", message)
    assert all(np.isfinite(array).all() for array in weights(estimator))
    return [int(number) for number in re.findall(r"epoch (\d+)", message)]


DIVERGING = [
    ("sgd", {"learning_rate_init": 0.5, "activation": "identity"}),
    ("sgd", {"learning_rate_init": 1e-3, "learning_rate": Runaway()}),
    ("adam", {"learning_rate_init": 1e-3, "learning_rate": Runaway()}),
]


@pytest.mark.parametrize(("solver", "options"), DIVERGING)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_divergence_goes_back_to_the_best_epoch(solver, options, dtype, early_stopping):
    Xt, yt, Xv, yv = data(BackpropRegressor)
    regressor = make(BackpropRegressor, solver, standardize=False, dtype=dtype, max_iter=1000)
    regressor.set_params(**options)
    given = {"X_val": Xv, "y_val": yv} if early_stopping else {}
    diverged = clone(regressor).set_params(early_stopping=early_stopping)
    epoch, best = fit_and_diverge(diverged, "fit", Xt, yt, **given)
    assert epoch == diverged.n_iter_ == len(diverged.loss_curve_) < 1000
    scores = diverged.validation_scores_ if early_stopping else -np.array(diverged.loss_curve_)
    assert best == np.nanargmax(scores[:-1]) + 1
    assert best > 1 or "learning_rate" not in options  # a runaway begins well
    if early_stopping:
        assert np.isnan(scores[-1])
        assert diverged.best_validation_score_ == scores[best - 1]
    same = fit_to_limit(regressor.set_params(max_iter=best), Xt, yt)
    assert_same_weights(weights(diverged), weights(same))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("rate", [3.0, 1e3, 1e10, 1e100, 1e300])
def test_weights_are_finite_whatever_the_rate(cls, solver, rate):
    for standardize in (True, False):
        estimator = make(cls, solver, learning_rate_init=rate, standardize=standardize, max_iter=30)
        try:
            estimator.fit(X, NOISY)
        except ValueError as error:
            assert "Solver produced non-finite parameter weights" in str(error)
            assert not hasattr(estimator, "coefs_")
        else:
            assert all(np.isfinite(array).all() for array in weights(estimator))
            assert np.isfinite(estimator.predict(X)).all()


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_without_a_usable_epoch_nothing_changes(solver, early_stopping):
    regressor = make(BackpropRegressor, solver, standardize=False, early_stopping=early_stopping)
    before = vars(regressor).copy()
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        regressor.fit(1e200 * X, TARGET)
    assert vars(regressor) == before
    fit_to_limit(regressor.set_params(max_iter=3), X, TARGET)
    kept, curve = weights(regressor), list(regressor.loss_curve_)
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        regressor.fit(1e200 * X[:, :2], TARGET)
    assert_same_weights(weights(regressor), kept)
    assert (regressor.n_features_in_, regressor.loss_curve_) == (4, curve)


DIVERGING_CALLS = [("fit", False), ("partial_fit", False), ("partial_fit", True)]


@pytest.mark.parametrize(("method", "standardize"), DIVERGING_CALLS)
def test_divergence_of_a_trained_network_keeps_it(method, standardize):
    options = {"standardize": standardize, "batch_size": 10, "warm_start": True}
    regressor = make(BackpropRegressor, "sgd", learning_rate_init=0.001, **options)
    for part in np.array_split(np.arange(90), 3):
        regressor.partial_fit(X[part], TARGET[part])
    kept = weights(regressor)
    regressor.set_params(learning_rate_init=1e300)
    named = fit_and_diverge(regressor, method, X[60:], TARGET[60:])
    assert_same_weights(weights(regressor), kept, rtol=1e-9)
    assert named[1:] in ([], [3])  # if the message names an epoch, then the one that is kept
    regressor.set_params(learning_rate_init=0.001)  # and it can go on to learn
    for _ in range(60):
        regressor.partial_fit(X, TARGET)
    assert regressor.score(X, TARGET) > 0.4


class InterruptedReLU(ReLU):
    """Raises what Ctrl-C raises, in the middle of a forward pass."""

    calls_left = 0

    def forward(self, Z, out):
        InterruptedReLU.calls_left -= 1
        if InterruptedReLU.calls_left == 0:
            raise KeyboardInterrupt
        super().forward(Z, out)


def interrupted(estimator, call, method, *args, **kwargs):
    InterruptedReLU.calls_left = call
    with pytest.warns(UserWarning, match="interrupted by user"):
        return getattr(estimator, method)(*args, **kwargs)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize(("solver", "calls"), [("sgd", 8), ("adam", 9), ("lbfgs", 12)])
def test_interrupted_training_keeps_the_last_finished_epoch(cls, solver, calls):
    estimator = make(cls, solver, batch_size=50, activation=InterruptedReLU())
    stopped = interrupted(clone(estimator), calls, "fit", X, NOISY)
    epochs = len(stopped.loss_curve_)
    assert epochs == (calls - 1) // 3 or (solver == "lbfgs" and 3 < epochs < calls)
    same = fit_to_limit(estimator.set_params(max_iter=stopped.n_iter_), X, NOISY)
    assert_same_weights(weights(stopped), weights(same))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("call", [1, 2, 3])
def test_interrupted_in_the_first_epoch(solver, call):
    start = [np.full((4, 20), 0.1), np.full((20, 1), 0.2)]
    regressor = make(BackpropRegressor, solver, batch_size=50, activation=InterruptedReLU())
    # far targets make L-BFGS try three points of a line before its first iteration ends
    y = 1e4 * TARGET
    interrupted(regressor.set_params(standardize=False), call, "fit", X, y, coefs_init=start)
    assert_same_weights(regressor.coefs_, start)
    assert (regressor.n_iter_, regressor.loss_curve_) == (0, [])


@pytest.mark.parametrize("standardize", [True, False])
def test_an_interruption_of_partial_fit_goes_up_and_keeps_the_weights_from_before(standardize):
    regressor = make(BackpropRegressor, batch_size=10, activation=InterruptedReLU())
    regressor.set_params(standardize=standardize).partial_fit(X[:50], TARGET[:50])
    before = weights(regressor)
    InterruptedReLU.calls_left = 3
    with pytest.raises(KeyboardInterrupt):
        regressor.partial_fit(X[50:], TARGET[50:])
    assert_same_weights(weights(regressor), before)
    assert regressor.n_iter_ == len(regressor.loss_curve_) == 1


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_interrupted_validation_keeps_the_best_finished_epoch(cls, solver):
    scores = [0.2, 0.4, 0.5, 0.3, 0.1]

    def scorer(estimator, X, y):
        if not scores:
            raise KeyboardInterrupt
        return scores.pop()

    stopped = make(cls, solver, early_stopping=True, scoring=scorer)
    interrupted(stopped, 0, "fit", X, NOISY, X_val=X, y_val=NOISY)
    assert stopped.validation_scores_ == [0.1, 0.3, 0.5, 0.4, 0.2]
    best = fit_to_limit(make(cls, solver, max_iter=3), X, NOISY)
    assert_same_weights(weights(stopped), weights(best))
    assert stopped.n_iter_ == len(stopped.loss_curve_) == 5  # the unfinished one is not counted


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_verbose_prints_a_line_an_epoch(solver, early_stopping, capsys):
    classifier = make(BackpropClassifier, solver, early_stopping=early_stopping, max_iter=5)
    fit_to_limit(classifier, X, NOISY)
    assert capsys.readouterr().out == ""
    fit_to_limit(classifier.set_params(verbose=True), X, NOISY)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(classifier.loss_curve_)
    for number, (line, loss) in enumerate(zip(lines, classifier.loss_curve_, strict=True), 1):
        words = line.replace(",", "").split()
        assert words[:2] == ["Iteration", f"{number}/5"]
        assert float(words[words.index("loss") + 2]) == pytest.approx(loss, rel=1e-6)
        assert ("validation_loss" in words) == early_stopping
