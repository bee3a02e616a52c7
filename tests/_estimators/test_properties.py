"""Invariants of training, each over configurations that hypothesis draws."""

import pickle
from copy import deepcopy
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.base import clone

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.activations import ELU
from sklearn_backprop.optimizers import Adam, AdamW
from sklearn_backprop.schedules import InvScaling

# a few epochs are not meant to converge, nor to diverge, of which the same category warns
pytestmark = [
    pytest.mark.filterwarnings("ignore:Maximum iter:sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:L-BFGS reached:sklearn.exceptions.ConvergenceWarning"),
]


def examples(n):
    """Run the same n examples each time, however slow the machine."""
    return settings(max_examples=n, deadline=None, derandomize=True)


KINDS = ["binary", "multiclass", "multilabel", "regression", "several outputs", "poisson"]
N = 40

kinds = st.sampled_from(KINDS)
seeds = st.integers(0, 1000)
stochastic_solvers = st.sampled_from(["sgd", "adam", "adamw"])
solvers = st.sampled_from(["sgd", "adam", "adamw", "lbfgs"])
configurations = st.fixed_dictionaries(
    {
        "activation": st.sampled_from(["identity", "logistic", "tanh", "relu", "gelu"]),
        "hidden_layer_sizes": st.sampled_from([(), (5,), (6, 4)]),
        "alpha": st.sampled_from([0.0, 1e-4, 1.0]),
        "learning_rate": st.sampled_from(["constant", "adaptive"]),
        "learning_rate_init": st.sampled_from([0.001, 0.01]),
        "max_iter": st.integers(1, 6),
        "random_state": st.integers(0, 1000),
        "standardize": st.booleans(),
    }
)


def data(kind, seed, n_samples=N):
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n_samples, 4)) * [1, 2, 0.3, 1] + [0, 1, -1, 0.5]
    Y = X @ rng.standard_normal((4, 3)) / 2 + 0.3 * rng.standard_normal((n_samples, 3))
    y = {
        "binary": Y[:, 0] > np.median(Y[:, 0]),
        "multiclass": Y.argsort(axis=0).argsort(axis=0)[:, 0] % 3,  # each class a third
        "multilabel": (Y > 0).astype(int),
        "regression": 2 * Y[:, 0] + 1,
        "several outputs": Y,
        "poisson": np.floor(np.exp(np.clip(Y[:, 0], -3, 3))),
    }[kind]
    return X, y


def make(kind, **parameters):
    if kind in ("regression", "several outputs", "poisson"):
        loss = "poisson" if kind == "poisson" else "squared_error"
        return BackpropRegressor(loss=loss, **parameters)
    return BackpropClassifier(**parameters)


def first_call(kind, y):
    if kind == "multilabel":
        return {"classes": np.arange(3)}
    return {"classes": np.unique(y)} if kind in ("binary", "multiclass") else {}


def outputs(model, X):
    return getattr(model, "predict_proba", model.predict)(X)


def weights_of(model):
    return model.coefs_ + model.intercepts_


def assert_same(a, b):
    """Bit for bit: the weights, and what they predict."""
    for mine, its in zip(weights_of(a), weights_of(b), strict=True):
        np.testing.assert_array_equal(mine, its)
        assert mine.dtype == its.dtype


def assert_close(a, b, rtol=1e-8):
    """To rounding, of which the order of a sum over samples is a source.

    Adam's first steps and L-BFGS's line search divide by gradients, so that the
    rounding of a small one grows; hence not 1e-12.
    """
    for mine, its in zip(weights_of(a), weights_of(b), strict=True):
        np.testing.assert_allclose(mine, its, rtol=0, atol=rtol * max(np.abs(its).max(), 1.0))


# ---------------------------------------------------------------- weights are repetitions


@examples(60)
@given(kinds, solvers, configurations, seeds, st.booleans())
def test_weight_2_is_a_row_twice_and_weight_0_a_row_left_out(
    kind, solver, parameters, seed, is_sparse
):
    X, y = data(kind, seed)
    counts = np.random.RandomState(seed).choice([0, 1, 1, 1, 2, 3], N)
    X_repeated = np.repeat(X, counts, axis=0)
    if is_sparse:
        X, X_repeated = csr_array(X), csr_array(X_repeated)
    weighted = make(kind, solver=solver, **parameters)  # batch_size="auto" takes all rows
    repeated = clone(weighted)
    weighted.fit(X, y, sample_weight=counts.astype(float))
    repeated.fit(X_repeated, np.repeat(y, counts, axis=0))
    assert_close(weighted, repeated)
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-8)


@examples(20)
@given(kinds, stochastic_solvers, configurations, seeds)
def test_weights_are_repetitions_in_partial_fit_too(kind, solver, parameters, seed):
    X, y = data(kind, seed)
    rng = np.random.RandomState(seed)
    weighted = make(kind, solver=solver, **parameters)
    repeated = clone(weighted)
    first = first_call(kind, y)
    for rows in (slice(0, 20), slice(10, N)):
        half = rng.choice([0, 1, 2, 3], (rows.stop - rows.start) // 2)
        counts = np.append(half, 3 - half)  # each part has the mean weight of all so far
        weighted.partial_fit(X[rows], y[rows], sample_weight=counts.astype(float), **first)
        repeated.partial_fit(
            np.repeat(X[rows], counts, axis=0), np.repeat(y[rows], counts, axis=0), **first
        )
        first = {}
    assert_close(weighted, repeated)


@examples(20)
@given(kinds, solvers, configurations, seeds, st.sampled_from([7, 16, "auto"]))
def test_weights_of_1_are_no_weights(kind, solver, parameters, seed, batch_size):
    X, y = data(kind, seed)
    model = make(kind, solver=solver, batch_size=batch_size, **parameters)
    assert_close(clone(model).fit(X, y, sample_weight=np.ones(N)), clone(model).fit(X, y), 1e-12)


@examples(20)
@given(kinds, solvers, configurations, seeds, st.sampled_from([0.25, 8.0]))
def test_only_the_ratio_of_weights_counts_without_a_penalty(kind, solver, parameters, seed, factor):
    """Powers of 2 scale without rounding. The penalty counts as much less as data count more."""
    X, y = data(kind, seed)
    w = np.random.RandomState(seed).uniform(0.1, 2, N)
    model = make(kind, solver=solver, **parameters | {"alpha": 0.0})
    assert_close(clone(model).fit(X, y, w), clone(model).fit(X, y, factor * w), 1e-12)
    alpha = parameters["alpha"]
    model.set_params(alpha=alpha)
    scaled = clone(model).set_params(alpha=factor * alpha)
    assert_close(model.fit(X, y, w), scaled.fit(X, y, factor * w), 1e-12)


# ---------------------------------------------------------------- order


@examples(30)
@given(kinds, solvers, configurations, seeds, st.permutations(range(4)), st.booleans())
def test_the_order_of_columns_is_that_of_the_first_weights(
    kind, solver, parameters, seed, order, is_sparse
):
    X, y = data(kind, seed)
    container = csr_array if is_sparse else np.asarray
    model = make(kind, solver=solver, batch_size=16, **parameters)
    start = clone(model).set_params(max_iter=1).fit(X, y)
    rest = {"intercepts_init": start.intercepts_}
    plain = clone(model).fit(container(X), y, coefs_init=start.coefs_, **rest)
    permuted_start = [start.coefs_[0][order], *start.coefs_[1:]]
    permuted = clone(model).fit(container(X[:, order]), y, coefs_init=permuted_start, **rest)
    permuted.coefs_ = [permuted.coefs_[0][np.argsort(order)], *permuted.coefs_[1:]]
    assert_close(plain, permuted)


@examples(20)
@given(kinds, solvers, configurations, seeds)
def test_the_order_of_rows_does_not_matter_at_full_batch(kind, solver, parameters, seed):
    X, y = data(kind, seed)
    order = np.random.RandomState(seed).permutation(N)
    model = make(kind, solver=solver, **parameters)
    assert_close(clone(model).fit(X, y), clone(model).fit(X[order], y[order]))


@examples(15)
@given(st.sampled_from(["multiclass", "several outputs"]), seeds, st.booleans(), st.booleans())
def test_the_order_of_chunks_does_not_matter_to_the_statistics(kind, seed, is_weighted, is_sparse):
    """With steps of no length only the statistics move, and with them the folded weights."""
    X, y = data(kind, seed, 60)
    w = np.random.RandomState(seed).uniform(0, 3, 60) if is_weighted else None
    container = csr_array if is_sparse else np.asarray
    model = make(kind, random_state=0, learning_rate_init=1e-300, max_iter=1)
    whole = clone(model).fit(container(X), y, sample_weight=w)
    for order in permutations((slice(0, 7), slice(7, 50), slice(50, 60))):
        chunked = clone(model)
        for rows in order:
            part = None if w is None else w[rows]
            chunked.partial_fit(container(X[rows]), y[rows], part, **first_call(kind, y))
        assert_close(chunked, whole, 1e-12)


# ---------------------------------------------------------------- fit and partial_fit


@examples(40)
@given(
    kinds,
    stochastic_solvers,
    configurations,
    seeds,
    st.sampled_from([("auto", True), ("auto", False), (16, False), (7, False)]),
    st.sampled_from(["constant", "invscaling", "adaptive"]),
    st.booleans(),
)
def test_partial_fit_is_fit_epoch_by_epoch(
    kind, solver, parameters, seed, batches, schedule, is_weighted
):
    X, y = data(kind, seed)
    w = np.random.RandomState(seed).uniform(0, 3, N) if is_weighted else None
    batch_size, shuffle = batches
    parameters |= {"batch_size": batch_size, "shuffle": shuffle, "learning_rate": schedule}
    # patience must not end what partial_fit goes on with, but lowers the adaptive rate in both
    parameters |= {"tol": 0.05 if schedule == "adaptive" else 0.0, "n_iter_no_change": 1}
    n_epochs = parameters["max_iter"]
    whole = make(kind, solver=solver, **parameters)
    if schedule != "adaptive":
        whole.set_params(n_iter_no_change=np.inf)
    stepwise = clone(whole)
    whole.fit(X, y, sample_weight=w)
    for _ in range(n_epochs):
        stepwise.partial_fit(X, y, sample_weight=w, **first_call(kind, y))
    assert stepwise.n_iter_ == whole.n_iter_ == n_epochs
    assert stepwise.t_ == whole.t_ == n_epochs * N
    assert_close(stepwise, whole)
    np.testing.assert_allclose(stepwise.loss_curve_, whole.loss_curve_, rtol=1e-8)
    if not parameters["standardize"]:  # else the statistics are merged, not the same sums
        assert_same(stepwise, whole)


# ---------------------------------------------------------------- copies


def copies(model):
    yield deepcopy(model)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        yield pickle.loads(pickle.dumps(model, protocol=protocol))


@examples(25)
@given(kinds, solvers, configurations, seeds, st.booleans(), st.sampled_from(["auto", "float32"]))
def test_copies_predict_the_same(kind, solver, parameters, seed, early_stopping, dtype):
    X, y = data(kind, seed)
    model = make(kind, solver=solver, early_stopping=early_stopping, dtype=dtype, **parameters)
    model.fit(X, y)
    for copy in copies(model):
        assert_same(copy, model)
        np.testing.assert_array_equal(outputs(copy, X), outputs(model, X))
        np.testing.assert_array_equal(copy.predict(X), model.predict(X))
        assert copy.loss_curve_ == model.loss_curve_
        assert copy.validation_scores_ == model.validation_scores_
        assert set(vars(copy)) == set(vars(model))


@examples(25)
@given(kinds, stochastic_solvers, configurations, seeds, st.sampled_from(["auto", "float32"]))
def test_copies_go_on_to_the_same_weights_and_leave_the_original_alone(
    kind, solver, parameters, seed, dtype
):
    """Optimizer state, random stream, schedule, counters and statistics are all there."""
    X, y = data(kind, seed)
    X_more, y_more = data(kind, seed + 1)
    parameters |= {"learning_rate": "invscaling", "batch_size": 16}
    model = make(kind, solver=solver, dtype=dtype, **parameters)
    model.partial_fit(X, y, **first_call(kind, y)).partial_fit(X, y)
    copied = list(copies(model))
    before = [a.copy() for a in weights_of(model)]
    for copy in copied:
        copy.partial_fit(X_more, y_more).partial_fit(X, y)
    for a, b in zip(weights_of(model), before, strict=True):
        np.testing.assert_array_equal(a, b)
    model.partial_fit(X_more, y_more).partial_fit(X, y)
    for copy in copied:
        assert_same(copy, model)
        assert copy.t_ == model.t_ == 4 * N
        assert copy.loss_curve_ == model.loss_curve_


@examples(15)
@given(kinds, configurations, seeds, st.booleans())
def test_weights_changed_by_hand_survive_copying(kind, parameters, seed, in_place):
    X, y = data(kind, seed)
    model = make(kind, **parameters).fit(X, y)
    if in_place:
        model.coefs_[-1][...] *= 2
        model.intercepts_[0][...] += 1
    else:
        model.coefs_ = [2 * W for W in model.coefs_]
        model.intercepts_ = [b + 1 for b in model.intercepts_]
    for copy in copies(model):
        assert_same(copy, model)
        np.testing.assert_array_equal(outputs(copy, X), outputs(model, X))


# ---------------------------------------------------------------- parameters

SPECIAL = {
    "activation": ELU(0.5),
    "solver": AdamW(weight_decay=0.02),
    "learning_rate": InvScaling(0.3),
    "hidden_layer_sizes": [4, 3],
}


@examples(20)
@given(kinds, configurations, seeds, st.sets(st.sampled_from(sorted(SPECIAL))), st.booleans())
def test_fit_changes_no_parameter_and_clones_are_unfitted_equals(
    kind, parameters, seed, special, early_stopping
):
    X, y = data(kind, seed)
    parameters |= {name: SPECIAL[name] for name in special}
    model = make(kind, early_stopping=early_stopping, **parameters)
    before, text = model.get_params(deep=True), repr(model)
    X_before, y_before = X.copy(), y.copy()
    model.fit(X, y)
    if not early_stopping:
        model.partial_fit(X, y)
    after = model.get_params(deep=True)
    assert before.keys() == after.keys()
    assert all(after[name] is before[name] for name in before if name in special)
    assert after == before
    assert repr(model) == text
    np.testing.assert_array_equal(X, X_before)
    np.testing.assert_array_equal(y, y_before)

    twin = clone(model)
    assert repr(twin) == text
    assert set(vars(twin)) == set(twin.get_params(deep=False))
    assert_same(twin.fit(X, y), clone(model).fit(X, y))


@examples(10)
@given(kinds, configurations, seeds)
def test_a_solver_by_name_is_its_instance(kind, parameters, seed):
    X, y = data(kind, seed)
    flat = {"beta_1": 0.8, "epsilon": 1e-6}
    by_name = make(kind, solver="adam", **flat, **parameters).fit(X, y)
    by_instance = make(kind, solver=Adam(**flat), **parameters).fit(X, y)
    assert_same(by_name, by_instance)
