"""Memory-mapped X: the same results, never written to, never in memory as a whole."""

import tracemalloc

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import r2_score

from sklearn_backprop import BackpropClassifier, BackpropRegressor

# a few epochs are enough to see every way of reading the data
pytestmark = [
    pytest.mark.filterwarnings("ignore:Maximum iterations"),
    pytest.mark.filterwarnings("ignore:L-BFGS reached a limit"),
]

MB = 2**20
N_FEATURES = 100
N_BYTES = 16 * MB
LIMIT = 4 * MB
STORAGE = [("float32", "C"), ("float32", "F"), ("float64", "C"), ("float64", "F")]


def target_of(X):
    return np.sin(X[:, 0].astype(float)) + X[:, 1] * X[:, 2] - 2 * X[:, 3]


def write(path, n_rows, dtype, order):
    """Write features that want standardizing, and return the read-only map and a copy."""
    random = np.random.default_rng(0)
    X = random.standard_normal((n_rows, N_FEATURES), dtype="float32").astype(dtype)
    X *= np.linspace(0.5, 2, N_FEATURES).astype(dtype)
    X += np.linspace(-1, 1, N_FEATURES).astype(dtype)
    X = np.asarray(X, order=order)
    written = np.memmap(path, dtype, "w+", shape=X.shape, order=order)
    written[...] = X
    written.flush()
    del written
    return np.memmap(path, dtype, "r", shape=X.shape, order=order), X


@pytest.fixture(scope="module", params=STORAGE, ids="-".join)
def small(request, tmp_path_factory):
    """Return a map of a few blocks, and its copy in memory."""
    return write(tmp_path_factory.mktemp("small") / "X", 801, *request.param)


@pytest.fixture(scope="module", params=STORAGE, ids="-".join)
def large(request, tmp_path_factory):
    """Return a map of 16 MB, and y."""
    dtype, order = request.param
    n_rows = N_BYTES // (N_FEATURES * np.dtype(dtype).itemsize)
    mapped, X = write(tmp_path_factory.mktemp("large") / "X", n_rows, dtype, order)
    assert mapped.nbytes > 0.99 * N_BYTES
    return mapped, target_of(X)


def make(cls, **parameters):
    defaults = {"hidden_layer_sizes": (8,), "max_iter": 2, "random_state": 0, "batch_size": 250}
    return cls(**defaults | parameters)


def peak(function, *args, **kwargs):
    """Return the most bytes that NumPy and Python held at a time while a function ran."""
    tracemalloc.start()
    try:
        function(*args, **kwargs)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def is_view_of_file(X):
    return isinstance(X, np.memmap) and not X.flags.writeable


OPTIONS = {
    "adam": {},
    "sgd, raw": {"solver": "sgd", "standardize": False},
    "in order, raw": {"shuffle": False, "standardize": False},
    "full batch": {"batch_size": 10**6, "solver": "adamw"},
    "lbfgs": {"solver": "lbfgs"},
    "lbfgs, raw": {"solver": "lbfgs", "standardize": False},
    "early stopping by loss": {"early_stopping": True, "scoring": "loss"},
    "early stopping by loss, raw": {"early_stopping": True, "standardize": False},
    "early stopping by score": {"early_stopping": True, "scoring": None},
    "early stopping, lbfgs": {"early_stopping": True, "solver": "lbfgs"},
    "other dtype": {"dtype": "other"},
    "other dtype, raw": {"dtype": "other", "standardize": False},
}


def options_for(name, X):
    options = dict(OPTIONS[name])
    if options.get("dtype") == "other":
        options["dtype"] = "float64" if X.dtype == np.float32 else "float32"
    return options


def assert_same(mapped, memory, single):
    for a, b in zip(mapped.coefs_ + mapped.intercepts_, memory.coefs_ + memory.intercepts_,
                    strict=True):  # fmt: skip
        np.testing.assert_allclose(a, b, rtol=0, atol=(2e-4 if single else 1e-10) * np.abs(b).max())
        assert a.dtype == b.dtype
    tolerance = 1e-4 if single else 1e-9
    np.testing.assert_allclose(mapped.loss_curve_, memory.loss_curve_, rtol=tolerance)
    if memory.validation_scores_ is not None:
        scores = mapped.validation_scores_, memory.validation_scores_
        np.testing.assert_allclose(*scores, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", OPTIONS)
def test_fit_is_the_same_as_in_memory(small, name):
    mapped, X = small
    options = options_for(name, X)
    single = "float32" in (X.dtype, options.get("dtype"))
    y, sample_weight = target_of(X), np.linspace(0, 2, len(X))
    for cls, targets in ((BackpropRegressor, y), (BackpropClassifier, y > 0)):
        estimator = make(cls, **options)
        for weights in (None, sample_weight):
            one, other = (clone(estimator).fit(data, targets, weights) for data in small)
            assert_same(one, other, single)
            tolerance = {"rtol": 1e-3, "atol": 1e-3} if single else {"rtol": 1e-9, "atol": 1e-12}
            method = "predict" if cls is BackpropRegressor else "predict_proba"
            mine, theirs = getattr(one, method)(mapped), getattr(other, method)(X)
            assert mine.dtype == theirs.dtype
            np.testing.assert_allclose(mine, theirs, **tolerance)
    np.testing.assert_array_equal(mapped, X)
    assert is_view_of_file(mapped)


@pytest.mark.parametrize("standardize", [True, False])
def test_partial_fit_is_the_same_as_in_memory(small, standardize):
    y = target_of(small[1])
    results = []
    for data in small:
        regressor = make(BackpropRegressor, standardize=standardize)
        for start in (0, 250, 500):  # slices of a map are maps
            regressor.partial_fit(data[start : start + 301], y[start : start + 301])
        results.append(regressor)
    assert_same(*results, single=small[1].dtype == np.float32)
    np.testing.assert_array_equal(*small)


@pytest.mark.parametrize("name", sorted(OPTIONS.keys() - {"full batch"}))
def test_fit_takes_memory_for_a_block_not_for_x(large, name):
    X, y = large
    regressor = make(BackpropRegressor, max_iter=1, **options_for(name, X))
    assert peak(regressor.fit, X, y) < LIMIT
    assert is_view_of_file(X)


@pytest.mark.parametrize("standardize", [True, False])
def test_partial_fit_takes_memory_for_a_block_not_for_x(large, standardize):
    X, y = large
    regressor = make(BackpropRegressor, standardize=standardize)
    for _ in range(2):
        assert peak(regressor.partial_fit, X, y) < LIMIT


def test_classifier_takes_memory_for_a_block_not_for_x(large):
    X, y = large
    classifier = make(BackpropClassifier, early_stopping=True, max_iter=1)
    assert peak(classifier.fit, X, np.digitize(y, [-2, 2]), np.ones(len(y))) < LIMIT
    for method in ("predict", "predict_log_proba", "decision_function"):
        assert peak(getattr(classifier, method), X) < LIMIT


def test_an_own_validation_set_may_be_memory_mapped(large):
    X, y = large
    few = slice(0, 1000)
    for scoring in ("loss", None):
        regressor = make(BackpropRegressor, early_stopping=True, scoring=scoring)
        assert peak(regressor.fit, np.array(X[few]), y[few], X_val=X, y_val=y) < LIMIT
        score = regressor.best_validation_score_
        copied = clone(regressor).fit(np.array(X[few]), y[few], X_val=np.array(X), y_val=y)
        assert score == pytest.approx(copied.best_validation_score_, rel=1e-5)


@pytest.mark.parametrize("hidden_layer_sizes", [(), (8,)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predict_takes_memory_for_a_block_not_for_x(large, hidden_layer_sizes, dtype):
    X, y = large
    few = slice(0, 500)
    regressor = make(BackpropRegressor, hidden_layer_sizes=hidden_layer_sizes)
    regressor.fit(np.array(X[few], dtype=dtype), y[few])
    assert peak(regressor.predict, X) < LIMIT
    expected = regressor.predict(X[-999:])  # blocks join up
    tolerance = 1e-3 if "float32" in (dtype, X.dtype) else 1e-9
    np.testing.assert_allclose(
        regressor.predict(X)[-999:], expected, rtol=tolerance, atol=tolerance
    )


def test_the_measure_sees_a_copy(large):
    X, _ = large
    assert peak(np.array, X) >= X.nbytes > LIMIT
    assert peak(lambda: X[::2][1:]) < MB


@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_array_that_joblib_maps(tmp_path, early_stopping):
    X = np.random.default_rng(0).standard_normal((N_BYTES // 8 // N_FEATURES, N_FEATURES))
    y = target_of(X)
    joblib.dump(X, tmp_path / "X.joblib")
    mapped = joblib.load(tmp_path / "X.joblib", mmap_mode="r")
    regressor = make(BackpropRegressor, early_stopping=early_stopping, learning_rate=0.01)
    assert peak(regressor.fit, mapped, y) < LIMIT
    assert is_view_of_file(mapped)
    assert_same(regressor, clone(regressor).fit(X, y), single=False)
    # and what was learned is worth something
    assert r2_score(y, regressor.predict(mapped)) > 0.8


def test_a_read_only_array_in_memory_is_not_written_to():
    X = np.random.default_rng(0).standard_normal((500, 4))
    y = target_of(X)
    for array in (X, y):
        array.flags.writeable = False
    before = X.copy(), y.copy()
    for standardize in (True, False):
        make(BackpropRegressor, standardize=standardize).fit(X, y)
        make(BackpropClassifier, standardize=standardize, early_stopping=True).fit(X, y > 0)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])
