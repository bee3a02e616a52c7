"""L-BFGS: limits, precision, and an objective that its gradient belongs to."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.optimizers import LBFGS


def rosenbrock(w):
    """Return value and gradient of the banana valley, with its minimum 0 at (1, 1)."""
    x, y = w
    value = (1 - x) ** 2 + 100 * (y - x**2) ** 2
    return value, np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])


class Counted:
    """An objective that knows how often it was asked."""

    def __init__(self):
        self.n_calls = 0

    def __call__(self, w):
        self.n_calls += 1
        return rosenbrock(w)


def minimize(solver, objective, max_iter=1000, end_of_iteration=lambda value: False):
    """Return the point, its value, and the limit that was reached."""
    w = np.array([-1.0, 1.5])
    options = {"max_iter": max_iter, "tol": 1e-8, "end_of_iteration": end_of_iteration}
    return w, *solver.minimize(objective, w, **options)


def test_lbfgs_finds_the_minimum_and_calls_back_at_each_point():
    values, objective = [], Counted()
    w, value, limit = minimize(LBFGS(), objective, end_of_iteration=values.append)
    np.testing.assert_allclose(w, 1, atol=1e-5)
    assert value == values[-1]
    assert limit is None
    assert values == sorted(values, reverse=True)
    assert len(values) <= objective.n_calls


def test_lbfgs_respects_max_fun():
    unlimited = Counted()
    minimize(LBFGS(), unlimited)
    objective = Counted()
    *_, limit = minimize(LBFGS(max_fun=7), objective)
    assert limit == "max_fun"
    # the line search that is under way is finished
    assert 7 <= objective.n_calls < 7 + 20 < unlimited.n_calls


def test_lbfgs_respects_max_iter_and_a_request_to_stop():
    values = []
    *_, limit = minimize(LBFGS(), rosenbrock, max_iter=4, end_of_iteration=values.append)
    assert limit == "max_iter"
    assert len(values) == 4

    seen = []
    w, *_ = minimize(
        LBFGS(),
        rosenbrock,
        end_of_iteration=lambda value: seen.append(value) or len(seen) == 3,
    )
    assert seen == values[:3]
    assert rosenbrock(w)[0] == seen[-1], "the point of the last call is kept"


# ---------------------------------------------------------------- in an estimator


def data(dtype=np.float64, n_outputs=2):
    random = np.random.RandomState(0)
    X = random.standard_normal((40, 3)).astype(dtype)
    return X, np.column_stack([np.sin(X @ random.standard_normal(3)) for _ in range(n_outputs)])


def fit(X, y, **parameters):
    regressor = BackpropRegressor(
        hidden_layer_sizes=(5,), activation="tanh", solver="lbfgs", random_state=0, **parameters
    )
    return regressor.fit(X, y)


def test_lbfgs_max_fun_from_the_estimator():
    X, y = data()
    with pytest.warns(ConvergenceWarning, match="max_fun"):
        few = fit(X, y, max_fun=3, max_iter=500, tol=1e-6)
    assert few.n_iter_ < 5


def test_lbfgs_computes_in_float64_whatever_the_data():
    X, y = data(np.float32)
    single, double = (fit(X.astype(dtype), y, max_iter=500, tol=1e-2) for dtype in ("f4", "f8"))
    assert single.n_iter_ == double.n_iter_
    assert single.loss_curve_ == double.loss_curve_
    for actual, expected in zip(single.coefs_, double.coefs_, strict=True):
        assert actual.dtype == np.float32
        # the float64 result is rounded to float32 first, and the scaling folded in after
        np.testing.assert_allclose(actual, expected, rtol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_lbfgs_reports_the_objective_of_all_outputs(weighted):
    # scikit-learn's gradient is n_outputs times that of the loss it reports
    X, y = data(n_outputs=3)
    w = np.random.RandomState(1).uniform(0.5, 2, len(X)) if weighted else np.ones(len(X))
    regressor = BackpropRegressor(
        hidden_layer_sizes=(4,), activation="tanh", solver="lbfgs", alpha=0.5, standardize=False,
        random_state=0, max_iter=3000, tol=1e-6,
    ).fit(X, y, sample_weight=w if weighted else None)  # fmt: skip

    def objective():
        losses = w[:, None] * (regressor.predict(X) - y) ** 2 / 2
        squares = sum((W**2).sum() for W in regressor.coefs_)
        return (losses.sum() + 0.25 * squares) / w.sum()

    least = objective()
    assert regressor.loss_ == pytest.approx(least, rel=1e-12)
    # and it is a minimum of just that: a step aside from any weight raises it
    for W in (*regressor.coefs_, *regressor.intercepts_):
        for index in np.ndindex(W.shape):
            kept = W[index]
            for aside in (-0.05, 0.05):
                W[index] = kept + aside
                assert objective() > least
            W[index] = kept


def test_lbfgs_classifies_several_labels():
    X, y = data()
    classifier = BackpropClassifier(solver="lbfgs", random_state=0, max_iter=500)
    assert classifier.fit(X, (y > 0).astype(int)).score(X, (y > 0).astype(int)) == 1.0
