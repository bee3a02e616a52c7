"""A positive constant factor of all sample weights changes no model, in whatever unit they are.

The objective divides by the sum of weights, the penalty included, so ``alpha`` times the same
factor goes with it.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from sklearn_backprop import (
    BackpropClassifier,
    BackpropEnsembleClassifier,
    BackpropEnsembleRegressor,
    BackpropRegressor,
    fit_many,
)
from sklearn_backprop.tabular import TabularClassifier, TabularRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 60
rng = np.random.RandomState(0)
# a constant column, one far from zero, and two plain ones
X = rng.standard_normal((N, 4)) * [0, 500, 1, 1] + [0.86, 101_325, 0, 0]
y = X[:, 2] + np.sin(X[:, 3])
WEIGHTS = rng.uniform(0.5, 2, N) * (np.arange(N) % 7 > 0)
NET = {"hidden_layer_sizes": (6,), "max_iter": 3, "random_state": 0, "batch_size": 20}


def fit(model, X, y, w):
    return model.fit(X, y, w)


def in_chunks(model, X, y, w):
    first = {"classes": np.unique(y)} if hasattr(model, "class_weight") else {}
    for rows in np.array_split(np.arange(N), 3):
        model.partial_fit(X[rows], y[rows], w[rows], **first)
        first = {}
    return model


def in_a_stack(model, X, y, w):
    other = type(model)(**model.get_params() | {"random_state": 1})
    return fit_many([other, model], X, y, sample_weight=w)[1]


WAYS = {"fit": fit, "partial_fit": in_chunks, "fit_many": in_a_stack}


def outputs(model, X):
    return getattr(model, "predict_proba", model.predict)(X)


factors = st.floats(-30, 30).map(lambda e: 10.0**e)


EPS = {("float64", "lbfgs"): 1e-6, ("float32", "lbfgs"): 1e-3, "float64": 1e-9, "float32": 1e-3}
"""What becomes in a few epochs of weights that differ by rounding: L-BFGS divides small
differences, and Adam takes a gradient of mere rounding for a gradient."""


def assert_close(ours, theirs, dtype, solver="adam", times=1.0):
    eps = times * EPS.get((dtype, solver), EPS[dtype])
    scale = np.abs(theirs - theirs.mean()).max() or 1.0
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=eps * scale)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    factor=factors,
    way=st.sampled_from(sorted(WAYS)),
    solver=st.sampled_from(["adam", "sgd", "adamw", "lbfgs"]),
    classes=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
    is_sparse=st.booleans(),
    early_stopping=st.booleans(),
    alpha=st.sampled_from([0.0, 1e-2]),
)
def test_a_factor_of_the_weights_changes_nothing(
    factor, way, solver, classes, dtype, is_sparse, early_stopping, alpha
):
    if way == "partial_fit":
        early_stopping = False
        solver = "adam" if solver == "lbfgs" else solver
    cls, target = (BackpropClassifier, y > 0) if classes else (BackpropRegressor, y)
    data = X.astype(dtype)
    if is_sparse:  # not centred, an offset would make rounding grow
        data = csr_array(data - np.array([0, 101_325, 0, 0], dtype))
    models = [
        cls(**NET, solver=solver, alpha=alpha * c, early_stopping=early_stopping)
        for c in (1.0, factor)
    ]
    fitted = [
        WAYS[way](m, data, target, WEIGHTS * c) for m, c in zip(models, (1.0, factor), strict=True)
    ]
    assert_close(outputs(fitted[1], data), outputs(fitted[0], data), dtype, solver)
    # the losses are means
    np.testing.assert_allclose(fitted[1].loss_curve_, fitted[0].loss_curve_, rtol=1e-3)


@pytest.mark.parametrize("factor", [1e-30, 1e-12, 1e11, 1e30])
@pytest.mark.parametrize(
    "make",
    [
        lambda: BackpropEnsembleRegressor(BackpropRegressor(**NET, alpha=0.0), n_estimators=2),
        lambda: BackpropEnsembleClassifier(BackpropClassifier(**NET, alpha=0.0), n_estimators=2),
        lambda: TabularRegressor(n_estimators=1, max_iter=3, hidden_layer_sizes=8),
        lambda: TabularClassifier(n_estimators=1, max_iter=3, hidden_layer_sizes=8),
    ],
    ids=["ensemble of regressors", "ensemble of classifiers", "table, numbers", "table, classes"],
)
def test_ensembles_and_tables(make, factor):
    model = make().set_params(random_state=0)
    target = y > 0 if hasattr(model, "predict_proba") else y
    expected = outputs(model.fit(X, target, WEIGHTS), X)
    # tables compute in float32, at rates forty times as high
    is_table = hasattr(model, "max_categories")
    ours = outputs(model.fit(X, target, WEIGHTS * factor), X)
    assert_close(ours, expected, *(("float32", "adam", 40) if is_table else ("float64",)))


@pytest.mark.parametrize("weight", [1e-46, 1e-300, 1e38, 1e300])
@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_weights_that_float32_does_not_hold(weight, container):
    data = container(X.astype(np.float32))
    models = [BackpropRegressor(**NET, alpha=0.0) for _ in range(2)]
    ones, tiny = (m.fit(data, y, np.full(N, w)) for m, w in zip(models, (1.0, weight), strict=True))
    assert_close(tiny.predict(data), ones.predict(data), "float32")


def test_a_constant_column_that_changes_a_little_later_does_no_harm():
    """0.86 in every row is constant whatever the sum of the weights."""
    model = BackpropRegressor(**NET).fit(X, y, WEIGHTS / WEIGHTS.sum())
    later = X + np.array([0.01, 0, 0, 0])
    np.testing.assert_array_equal(model.predict(later), model.predict(X))
