"""One bad reading in a stream does not spoil it, and what only looks like one is left alone.

The oracle of a stream that has none is the exact statistics of its chunks, bit for bit.
"""

import pickle
import warnings
from functools import cache

import numpy as np
import pytest
from scipy.sparse import csr_array

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop._numerics.moments import NONE_YET, with_more
from sklearn_backprop._numerics.outliers import FIRST, PATIENCE, Screen

N = 2000
rng = np.random.RandomState(0)
Z = rng.normal(size=(N, 3))
SIGNAL = Z[:, 0] - 2 * Z[:, 1] + 5


def stream(X, y, chunk, solver="adam", cls=BackpropRegressor):
    """Return a network that has learned a stream, and what it said."""
    model = cls(hidden_layer_sizes=(16,), learning_rate_init=0.01, solver=solver, random_state=0)
    first = {} if cls is BackpropRegressor else {"classes": np.unique(y)}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for i in range(0, X.shape[0], chunk):
            model.partial_fit(X[i : i + chunk], y[i : i + chunk], **first)
            first = {}
    return model, [str(w.message) for w in caught]


# ---------------------------------------------------------------- bad readings


@pytest.mark.parametrize("size", [1e6, -1e4, 1e300])
@pytest.mark.parametrize("chunk, at", [(40, 10), (40, 1000), (500, 499), (N, N - 3)])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("where", ["x", "y"])
def test_one_bad_reading_is_clipped_and_told(where, solver, chunk, at, size):
    X, y = Z.copy(), SIGNAL.copy()
    if where == "x":
        X[at, 1] = size
    else:
        y[at] = size
    model, told = stream(X, y, chunk, solver)
    assert len(told) == 1
    assert ("x1" if where == "x" else " y ") in told[0]
    assert model.score(Z, SIGNAL) > score_without(chunk, solver) - 0.01


@cache
def score_without(chunk, solver):
    model, told = stream(Z, SIGNAL, chunk, solver)
    assert not told
    return model.score(Z, SIGNAL)


@pytest.mark.parametrize("chunk", [1, 3, 20])
@pytest.mark.parametrize("bad", [[1e6], [1e6, -1e5, 1e9]])
@pytest.mark.parametrize("where", ["x", "y"])
def test_a_stream_may_begin_with_bad_readings(where, bad, chunk):
    """Nothing is known then: they are judged again when more has come."""
    X, y = Z[:800].copy(), SIGNAL[:800].copy()
    if where == "x":
        X[: len(bad), 0] = bad
    else:
        y[: len(bad)] = bad
    model, told = stream(X, y, chunk)
    assert told
    assert model.score(Z, SIGNAL) > 0.9


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("chunk, at", [(50, 10), (50, 1000), (500, 499)])
def test_sparse_chunks_are_looked_at_too(chunk, at, solver):
    X = Z * (np.random.RandomState(1).rand(N, 3) < 0.7)
    y = X[:, 0] - 2 * X[:, 1]
    spoilt = X.copy()
    spoilt[at, 1] = 1e6
    model, told = stream(csr_array(spoilt), y, chunk, solver)
    assert len(told) == 1 and "x1" in told[0]
    plain, nothing = stream(csr_array(X), y, chunk, solver)
    assert not nothing
    assert model.score(csr_array(X), y) > plain.score(csr_array(X), y) - 0.01
    # and those of one that has none are its exact ones
    exact = NONE_YET
    for i in range(0, N, chunk):
        exact = with_more(exact, csr_array(X)[i : i + chunk])
    np.testing.assert_array_equal(plain._training.statistics.feature_moments.squares, exact.squares)


def test_classifiers_clip_features():
    X = Z.copy()
    X[10, 0] = 1e6
    model, told = stream(X, SIGNAL > 5, 20, cls=BackpropClassifier)
    assert len(told) == 1
    assert model.score(Z, SIGNAL > 5) > 0.95


def test_names_of_a_frame_and_of_targets_are_told():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(Z, columns=["speed", "height", "width"])
    frame.loc[700, "height"] = 1e7
    Y = np.column_stack([SIGNAL, -SIGNAL])
    Y[701, 1] = -1e8
    model = BackpropRegressor(random_state=0).partial_fit(frame[:500], Y[:500])
    with pytest.warns(UserWarning) as caught:
        model.partial_fit(frame[500:1000], Y[500:1000])
    texts = [str(w.message) for w in caught]
    assert "1e+07 in height as" in texts[0]
    assert "-1e+08 in y[:, 1] as" in texts[1]


def test_what_is_passed_stays_as_it_is():
    X, y = Z[:200].copy(), SIGNAL[:200].copy()
    X[100, 0] = y[150] = 1e6
    before = X.copy(), y.copy()
    stream(X, y, 50)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


def test_rows_of_no_weight_are_not_looked_at():
    X, w = Z.copy(), np.ones(N)
    X[100, 0], w[100] = 1e6, 0
    ours = BackpropRegressor(hidden_layer_sizes=(4,), random_state=0)
    for i in range(0, N, 200):
        rows = slice(i, i + 200)
        ours.partial_fit(X[rows], SIGNAL[rows], w[rows])  # a warning would be an error
    screen = ours._training.statistics.feature_screen
    assert screen.moments.high[0] == X[w > 0, 0].max()


def test_a_pickle_goes_on_as_the_original():
    X, y = Z.copy(), SIGNAL.copy()
    X[5, 0] = X[900, 1] = 1e6  # one among the first rows, which are still in question
    model, _ = stream(X[:10], y[:10], 5)
    other = pickle.loads(pickle.dumps(model))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(10, N, 90):
            for each in (model, other):
                each.partial_fit(X[i : i + 90], y[i : i + 90])
    np.testing.assert_array_equal(other.predict(Z), model.predict(Z))


def test_fit_begins_anew_and_partial_fit_goes_on_from_it():
    X, y = Z.copy(), SIGNAL.copy()
    X[1500, 0] = 1e6
    model = BackpropRegressor(hidden_layer_sizes=(16,), max_iter=30, tol=0.01, random_state=0)
    model.fit(X[:1000], y[:1000])
    assert model._training.statistics.feature_screen is None
    with pytest.warns(UserWarning, match="x0"):
        model.partial_fit(X[1000:], y[1000:])
    # the rows of fit count in the statistics
    expected = with_more(NONE_YET, Z[:1500]).mean
    np.testing.assert_allclose(model._training.statistics.feature_moments.mean, expected, atol=0.03)
    model.fit(X[:1000], y[:1000])
    np.testing.assert_array_equal(
        model._training.statistics.feature_moments.mean, with_more(NONE_YET, X[:1000]).mean
    )


def test_without_standardize_nothing_is_clipped():
    """There are no statistics to spoil, and scikit-learn's twin clips nothing."""
    y = SIGNAL.copy()
    y[1000] = 1e6
    model = BackpropRegressor(standardize=False, random_state=0)
    for i in range(0, N, 100):
        model.partial_fit(Z[i : i + 100], y[i : i + 100])  # a warning would be an error


# ---------------------------------------------------------------- what is none


STREAMS = {
    "normal": lambda r, n: r.normal(size=(n, 3)),
    "far from zero": lambda r, n: 1e6 + r.normal(size=(n, 3)),
    "lognormal": lambda r, n: r.lognormal(size=(n, 3)),
    "a long tail": lambda r, n: r.standard_t(3, size=(n, 3)),
    "one-hot": lambda r, n: np.eye(3)[r.choice(3, n, p=[0.9, 0.099, 0.001])],
    "zero-inflated": lambda r, n: (r.rand(n, 3) < [0.001, 0.02, 0.3]) * r.lognormal(size=(n, 3)),
    "counts": lambda r, n: r.poisson([0.01, 0.3, 30], size=(n, 3)).astype(float),
    "a walk": lambda r, n: np.cumsum(r.normal(size=(n, 3)), axis=0),
    "time": lambda r, n: 1.7e9 + np.arange(n)[:, None] * [1e-3, 1.0, 3600.0],
    "growth": lambda r, n: np.exp(np.arange(n) / 100)[:, None] * r.normal(size=(n, 3)),
    "a level that changes": lambda r, n: (
        r.normal(size=(n, 3)) + 30 * (np.arange(n) > n / 2)[:, None]
    ),
    "constant, then not": lambda r, n: np.where(np.arange(n) > n / 2, r.normal(size=(3, n)), 7.0).T,
}


@pytest.mark.parametrize("chunk", [1, 7, 100, N])
@pytest.mark.parametrize("name", STREAMS)
def test_streams_without_bad_readings_keep_their_exact_statistics(name, chunk):
    n = N if chunk > 1 else 600
    X = STREAMS[name](np.random.RandomState(1), n)
    screen, exact = Screen(NONE_YET), NONE_YET
    for i in range(0, n, chunk):
        rows = X[i : i + chunk]
        screen, admitted = screen.admit(rows)
        exact = with_more(exact, rows)
        assert admitted is rows or np.shares_memory(admitted, rows) or (admitted == rows).all()
        assert not screen.found
    for name in ("mean", "squares", "low", "high", "total_weight"):
        np.testing.assert_array_equal(getattr(screen.moments, name), getattr(exact, name))


# ---------------------------------------------------------------- what goes on is right


@pytest.mark.parametrize("shift", [1e3, 1e6])
@pytest.mark.parametrize("chunk", [1, 20, 100])
@pytest.mark.parametrize("where", ["x", "y"])
def test_a_new_level_is_followed(where, chunk, shift):
    X, y = Z.copy(), SIGNAL.copy()
    half = N // 2
    if where == "x":
        X[half:, 0] += shift
    else:
        y[half:] += shift
    # a thousand rows on the new level, and then those once more
    X, y = np.vstack([X, X[half:]]), np.append(y, y[half:])
    model, told = stream(X, y, chunk)
    assert told
    assert model.score(X[half:N], y[half:N]) > 0.9


def test_bad_readings_that_are_few_stay_bad_and_many_are_right():
    r = np.random.RandomState(0)
    for share, is_right in ((0.01, False), (0.3, True)):
        X = r.normal(size=(4000, 1))
        screen, _ = Screen(NONE_YET).admit(X[:1000])
        X[1000:][r.rand(3000) < share] = 1e5
        for i in range(1000, 4000, 50):
            screen, _ = screen.admit(X[i : i + 50])
        assert (screen.moments.high[0] == 1e5) == is_right


def test_what_has_been_seen_costs_no_second_look():
    """Rows within the range of those before leave the watch as it is, but not the statistics."""
    screen, _ = Screen(NONE_YET).admit(Z)
    other, rows = screen.admit(Z[:50] / 2)
    assert other.watch is screen.watch and rows.shape == (50, 3)
    np.testing.assert_array_equal(other.moments.mean, with_more(screen.moments, Z[:50] / 2).mean)
    bad = Z[:50].copy()
    bad[0, 0] = 1e6
    assert screen.admit(bad)[0].found


def test_only_the_first_rows_are_kept():
    """What is kept for a second look does not grow with the stream."""
    screen = Screen(NONE_YET)
    for i in range(0, FIRST, 10):
        assert i == 0 or len(screen.first[0]) == i
        screen, _ = screen.admit(Z[i : i + 10])
    assert screen.first is None
    assert PATIENCE < N
