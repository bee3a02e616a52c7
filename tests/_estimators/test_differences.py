"""Where scikit-learn's MLP is wrong and we are right, one test each.

The known answer is worked out here wherever there is one. What scikit-learn does
stands beside it where one line can show it.
"""

import pickle

import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils import get_tags
from sklearn.utils.fixes import parse_version

from sklearn_backprop import BackpropClassifier, BackpropRegressor

# a few epochs are not meant to converge
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # scikit-learn 1.6 passes an option to SciPy that has since been deprecated
    pytest.mark.filterwarnings("ignore:scipy.optimize. The `disp`:DeprecationWarning"),
]

MLP_HAS_WEIGHTS = parse_version(sklearn.__version__) >= parse_version("1.7")
PLAIN_SGD = {
    "solver": "sgd",
    "momentum": 0.0,
    "learning_rate_init": 0.05,
    "shuffle": False,
    "random_state": 0,
}
LINEAR = {"hidden_layer_sizes": (), "alpha": 0.0, "standardize": False}


def regression_data(n_samples=60, n_outputs=1, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n_samples, 4))
    Y = X @ rng.standard_normal((4, n_outputs)) + 0.3 * rng.standard_normal((n_samples, n_outputs))
    return X, Y.squeeze()


def assert_equal_weights(a, b):
    for mine, its in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        np.testing.assert_array_equal(mine, its)


# ---------------------------------------------------------------- sample weights


def test_sample_weight_means_the_same_at_batch_size_1():
    """scikit-learn normalizes in the batch: with one sample the weight cancels out."""
    X, y = regression_data()
    w = np.random.RandomState(1).uniform(0.1, 3, len(y))
    one_by_one = PLAIN_SGD | {"max_iter": 1, "batch_size": 1}
    ours = BackpropRegressor(**LINEAR, **one_by_one)
    ours.fit(X, y, w, coefs_init=[np.zeros((4, 1))], intercepts_init=[np.zeros(1)])

    W, b = np.zeros(4), 0.0
    for x, target, share in zip(X, y, w / w.mean(), strict=True):
        error = x @ W + b - target
        W, b = W - 0.05 * share * error * x, b - 0.05 * share * error
    np.testing.assert_allclose(ours.coefs_[0][:, 0], W, rtol=1e-12)
    np.testing.assert_allclose(ours.intercepts_[0], b, rtol=1e-12)

    if MLP_HAS_WEIGHTS:
        weighted = MLPRegressor(**one_by_one, alpha=0).fit(X, y, w)
        unweighted = MLPRegressor(**one_by_one, alpha=0).fit(X, y)
        np.testing.assert_allclose(weighted.coefs_[0], unweighted.coefs_[0], rtol=1e-9)


def test_a_batch_of_zero_weights_is_harmless():
    """It takes no step. Half the mean weight makes the steps of the others twice as long."""
    X, y = regression_data(40)
    w = np.repeat([1.0, 0.0], 20)
    half_zero = BackpropRegressor(**LINEAR, **PLAIN_SGD, max_iter=4, batch_size=20)
    half_zero.fit(X, y, w)
    doubled = PLAIN_SGD | {"learning_rate_init": 0.1}
    without = BackpropRegressor(**LINEAR, **doubled, max_iter=4, batch_size=20)
    without.fit(X[:20], y[:20])
    np.testing.assert_allclose(half_zero.coefs_[0], without.coefs_[0], rtol=1e-12)
    assert np.isfinite(half_zero.loss_curve_).all()

    if MLP_HAS_WEIGHTS:
        with pytest.raises(ZeroDivisionError):
            MLPRegressor(batch_size=20, shuffle=False).fit(X, y, w)


def test_sample_weight_means_the_same_in_every_chunk_of_partial_fit():
    """Weights are relative to the mean of all so far, not to that of their chunk."""
    X, y = regression_data()
    w = np.repeat([1.0, 5.0, 0.5], 20)
    model = BackpropRegressor(**LINEAR, **PLAIN_SGD)
    model.partial_fit(X[:20], y[:20], w[:20])
    for start in (20, 40):
        rows = slice(start, start + 20)
        error = model.predict(X[rows]) - y[rows]
        share = w[rows] / (20 * w[: rows.stop].mean())
        W = model.coefs_[0][:, 0] - 0.05 * X[rows].T @ (share * error)
        model.partial_fit(X[rows], y[rows], w[rows])
        np.testing.assert_allclose(model.coefs_[0][:, 0], W, rtol=1e-12)


# ---------------------------------------------------------------- L-BFGS


def test_lbfgs_with_several_outputs_minimizes_the_reported_loss():
    """Ridge regression in closed form is where the gradient of the loss vanishes."""
    X, Y = regression_data(n_outputs=3)
    alpha = 5.0
    centred, targets = X - X.mean(axis=0), Y - Y.mean(axis=0)
    W = np.linalg.solve(centred.T @ centred + alpha * np.eye(4), centred.T @ targets)
    loss = 0.5 * (np.sum((targets - centred @ W) ** 2) + alpha * np.sum(W**2)) / len(X)

    settings = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": alpha, "tol": 1e-10}
    ours = BackpropRegressor(**settings, standardize=False, random_state=0).fit(X, Y)
    # SciPy stops when the loss falls by less than 2e-9 of itself; there is no knob for it
    np.testing.assert_allclose(ours.coefs_[0], W, atol=1e-4)
    np.testing.assert_allclose(ours.loss_, loss, rtol=1e-8)
    theirs = MLPRegressor(**settings, random_state=0).fit(X, Y)
    assert np.abs(theirs.coefs_[0] - W).max() > 0.05


def test_lbfgs_leaves_float32_data_float32():
    X, y = regression_data()
    X = X.astype(np.float32)
    ours = BackpropRegressor(solver="lbfgs", max_iter=5).fit(X, y)
    assert {a.dtype for a in ours.coefs_ + ours.intercepts_} == {np.dtype(np.float32)}
    assert ours.predict(X).dtype == np.float32
    assert MLPRegressor(solver="lbfgs", max_iter=5).fit(X, y).coefs_[0].dtype == np.float64


@pytest.mark.parametrize("cls", [BackpropClassifier, BackpropRegressor])
def test_lbfgs_has_a_loss_curve(cls):
    """One value an iteration, never rising: the line search sees to that."""
    X, y = regression_data()
    model = cls(solver="lbfgs", max_iter=12, random_state=0)
    model.fit(X, y if cls is BackpropRegressor else y > 0)
    assert len(model.loss_curve_) == model.n_iter_ == 12
    assert np.all(np.diff(model.loss_curve_) < 0)
    assert model.loss_ == model.best_loss_ == model.loss_curve_[-1]


def test_lbfgs_stops_early():
    X, y = regression_data(120)
    y = y + 2 * np.random.RandomState(0).standard_normal(120)
    model = BackpropRegressor(
        solver="lbfgs", early_stopping=True, n_iter_no_change=5, random_state=0, max_iter=500
    )
    model.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    scores = model.validation_scores_
    assert len(scores) == model.n_iter_ < 60
    # the weights are those of the best epoch, and it is not the last
    assert model.best_validation_score_ == max(scores) > scores[-1]
    once_more = BackpropRegressor(solver="lbfgs", max_iter=int(np.argmax(scores)) + 1)
    once_more.set_params(random_state=0).fit(X[:60], y[:60])
    np.testing.assert_allclose(model.coefs_[0], once_more.coefs_[0], rtol=1e-12)


def test_lbfgs_reports_the_loss_even_if_it_has_converged_at_the_start():
    X, y = regression_data()
    settings = {"solver": "lbfgs", "tol": 1e6, "random_state": 0}
    ours = BackpropRegressor(**settings, standardize=False).fit(X, y)
    theirs = MLPRegressor(**settings).fit(X, y)
    assert ours.n_iter_ == theirs.n_iter_ == 0
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=1e-12)
    assert ours.best_loss_ == ours.loss_


def test_lbfgs_has_no_partial_fit():
    assert not hasattr(BackpropRegressor(solver="lbfgs"), "partial_fit")
    assert not hasattr(BackpropClassifier(solver="lbfgs"), "partial_fit")
    assert hasattr(BackpropRegressor(solver="sgd"), "partial_fit")
    assert hasattr(MLPRegressor(solver="lbfgs"), "partial_fit")  # and it runs a whole fit


# ---------------------------------------------------------------- warm start


def test_warm_start_after_convergence_trains_on():
    """With an unreachable tol all that ends training is patience, of six epochs here."""
    X, y = regression_data()
    settings = {"warm_start": True, "tol": 1e6, "n_iter_no_change": 5, "random_state": 0}
    ours, theirs = BackpropRegressor(**settings), MLPRegressor(**settings)
    # the first epoch counts as progress: there was no loss before it
    assert ours.fit(X, y).n_iter_ == theirs.fit(X, y).n_iter_ == 7
    first_loss = ours.loss_
    assert ours.fit(X, y).n_iter_ >= 6
    assert ours.loss_ < first_loss
    assert theirs.fit(X, y).n_iter_ == 1


def test_warm_start_judges_progress_on_other_data_by_its_own_loss():
    """The loss on the data before says nothing of the loss that these data can have."""
    X, y = regression_data()
    model = BackpropRegressor(warm_start=True, standardize=False, random_state=0, max_iter=400)
    model.fit(X, y)
    harder = -3 * y + np.random.RandomState(0).standard_normal(len(y))
    before = model.score(X, harder)
    n_before = len(model.loss_curve_)
    model.fit(X, harder)
    falling = np.diff(model.loss_curve_[n_before : n_before + 10]) < -model.tol
    assert falling.all()  # progress at every epoch, so there is no cause to stop
    assert model.n_iter_ > 11
    assert model.score(X, harder) > max(before, 0.5)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_warm_start_with_early_stopping_keeps_the_best_weights(solver):
    X, y = regression_data(100)
    settings = {"warm_start": True, "early_stopping": True, "max_iter": 30}
    model = BackpropRegressor(**settings, solver=solver, standardize=False, random_state=0)
    validation = {"X_val": X[60:], "y_val": y[60:]}
    model.fit(X[:60], y[:60], **validation)
    best, predictions = model.best_validation_score_, model.predict(X)
    # from here on the targets mislead: every further epoch makes the validation score worse
    model.fit(X[:60], -y[:60], **validation)
    assert model.best_validation_score_ == pytest.approx(best, rel=1e-12)
    assert max(model.validation_scores_[-model.n_iter_ :]) < best
    np.testing.assert_array_equal(model.predict(X), predictions)


def test_warm_start_with_early_stopping_learns_from_other_data():
    """The best score of the last fit was reached on another validation set."""
    X, y = regression_data(200)
    model = BackpropRegressor(
        warm_start=True, early_stopping=True, random_state=0, max_iter=400, learning_rate_init=0.01
    )
    model.fit(X, y)
    noisy = -y + np.random.RandomState(0).standard_normal(len(y))
    model.fit(X, noisy)
    assert model.score(X, noisy) > 0.5


def test_warm_start_refuses_other_layers():
    X, y = regression_data()
    settings = {"warm_start": True, "max_iter": 2, "hidden_layer_sizes": (5,)}
    ours = BackpropRegressor(**settings).fit(X, y)
    theirs = MLPRegressor(**settings).fit(X, y)
    predictions = ours.predict(X)
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        ours.set_params(hidden_layer_sizes=(6,)).fit(X, y)
    np.testing.assert_array_equal(ours.predict(X), predictions)
    assert theirs.set_params(hidden_layer_sizes=(6,)).fit(X, y).coefs_[0].shape == (4, 5)


# ---------------------------------------------------------------- the rest


def test_invscaling_works_with_adam():
    """A rate that falls to nothing after the first epoch freezes the weights."""
    X, y = regression_data()
    settings = {"learning_rate": "invscaling", "power_t": 100.0, "random_state": 0}
    one, five = (
        BackpropRegressor(**settings, max_iter=n, standardize=False).fit(X, y) for n in (1, 5)
    )
    assert_equal_weights(one, five)
    one, five = (MLPRegressor(**settings, max_iter=n).fit(X, y) for n in (1, 5))
    assert np.abs(one.coefs_[0] - five.coefs_[0]).max() > 1e-3


@pytest.mark.parametrize("solver", ["adam", "adamw", "sgd"])
def test_adaptive_works_with_every_stochastic_solver(solver):
    """With an unreachable tol and patience 1 training stalls at epochs 3, 5, 7, 9 and 11.

    Each time the rate is divided by 5, from 1e-3 to 3.2e-7, which is below 1e-6; so
    the next stall, at 13, is the end.
    """
    X, y = regression_data()
    settings = {"tol": 1e6, "n_iter_no_change": 1, "random_state": 0, "max_iter": 50}
    adaptive = BackpropRegressor(**settings, solver=solver, learning_rate="adaptive").fit(X, y)
    constant = BackpropRegressor(**settings, solver=solver).fit(X, y)
    assert (constant.n_iter_, adaptive.n_iter_) == (3, 13)
    if solver == "adam":
        assert MLPRegressor(**settings, learning_rate="adaptive").fit(X, y).n_iter_ == 3


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer])
def test_early_stopping_costs_no_accuracy(load):
    """scikit-learn's rule, accuracy on a tenth of the data, costs 8 to 13 points here."""
    X, y = load(return_X_y=True)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    model = BackpropClassifier(random_state=0, learning_rate_init=0.005)
    full = cross_val_score(model, X, y, cv=folds).mean()
    early = cross_val_score(model.set_params(early_stopping=True), X, y, cv=folds).mean()
    assert early > full - 0.03
    assert early > 0.9


def test_training_that_diverges_ends_at_once_with_finite_weights():
    X, y = regression_data()
    model = BackpropRegressor(
        solver="sgd", learning_rate_init=2.0, hidden_layer_sizes=(20, 20), max_iter=200
    )
    with pytest.warns(ConvergenceWarning, match="diverged at epoch"):
        model.set_params(activation="identity", random_state=0).fit(X, y)
    assert model.n_iter_ < 50
    assert np.isfinite(model.predict(X)).all()
    # what is kept is the epoch of lowest loss, not the last finite one, of weights beyond 1e100
    assert np.abs(model.predict(X)).max() < 1e6


def test_several_outputs_are_declared():
    assert get_tags(BackpropRegressor()).target_tags.multi_output
    assert not get_tags(MLPRegressor()).target_tags.multi_output


def test_decision_function_is_the_logit():
    X, y = regression_data()
    model = BackpropClassifier(max_iter=5, random_state=0).fit(X, y > 0)
    p = model.predict_proba(X)[:, 1]
    assert model.decision_function(X).shape == (len(X),)
    np.testing.assert_allclose(model.decision_function(X), np.log(p / (1 - p)), rtol=1e-9)
    assert not hasattr(MLPClassifier(), "decision_function")


def test_a_pickle_holds_the_weights_once_beside_the_state_of_the_solver():
    X, y = regression_data()
    for solver, copies in (("lbfgs", 1), ("sgd", 2), ("adam", 3)):
        model = BackpropRegressor(solver=solver, hidden_layer_sizes=(200, 200), max_iter=2)
        n_bytes = sum(a.nbytes for a in model.fit(X, y).coefs_)
        assert len(pickle.dumps(model)) < (copies + 0.1) * n_bytes
