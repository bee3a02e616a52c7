"""Blocks of batches: the rows of plain indexing, from memory, sparse or a file, in any order."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse

from sklearn_backprop import BackpropRegressor
from sklearn_backprop._engine import samples
from sklearn_backprop._engine.samples import Samples, is_memory_mapped
from sklearn_backprop._numerics.standardization import Scaler

N_SAMPLES, N_FEATURES = 101, 3
FORMS = [
    "dense C", "dense F", "every second", "float64 for float32",
    "memmap C", "memmap F", "memmap part", "csr_matrix", "csr_array",
]  # fmt: skip


def numbers():
    X = np.random.RandomState(0).standard_normal((N_SAMPLES, N_FEATURES))
    X[np.abs(X) < 0.3] = 0
    return X


def mapped(path, X, order="C"):
    written = np.memmap(path, X.dtype, "w+", shape=X.shape, order=order)
    written[...] = X
    written.flush()
    return np.memmap(path, X.dtype, "r", shape=X.shape, order=order)


def make(form, path, dtype):
    """Return the numbers in one of the forms in which they come."""
    X = numbers().astype(dtype)
    if form == "dense F":
        return np.asfortranarray(X)
    if form == "every second":
        return np.repeat(X, 2, axis=0)[::2]
    if form == "float64 for float32":
        return X.astype(np.float64)
    if form.startswith("csr"):
        return getattr(scipy.sparse, form)(X)
    if form == "memmap part":
        return mapped(path / "X", np.vstack([X[:7], X, X]))[7 : 7 + N_SAMPLES]
    return mapped(path / "X", X, form[-1]) if form.startswith("memmap") else X


def dense(X):
    return X if isinstance(X, np.ndarray) else X.toarray()


def read(data, batch_size, order=None):
    """Return all blocks as one, for each of X, Y and weights, and the blocks' lengths."""
    parts, lengths = [], []
    for X, Y, weight in data._blocks(batch_size, order):
        # the buffers are filled anew for the next block
        parts.append((dense(X).copy(), Y.copy(), None if weight is None else weight.copy()))
        assert len(Y) == X.shape[0]
        lengths.append(len(Y))
    X, Y, weights = zip(*parts, strict=True)
    return np.vstack(X), np.vstack(Y), None if weights[0] is None else np.vstack(weights), lengths


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("chosen", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_blocks_are_the_rows_of_plain_indexing(
    form, chosen, ordered, scaled, dtype, tmp_path, monkeypatch
):
    monkeypatch.setattr(samples, "BLOCK", 40)  # several blocks, of some batches each
    X = make(form, tmp_path, dtype)
    random = np.random.RandomState(1)
    Y = random.standard_normal((N_SAMPLES, 2)).astype(dtype)
    weights = random.uniform(0, 2, N_SAMPLES)
    rows = random.permutation(N_SAMPLES)[:83] if chosen else None
    center = np.zeros(3) if scipy.sparse.issparse(X) else np.array([0.1, -2, 30])
    scaler = Scaler(center, np.array([0.5, 2.0, 10.0])) if scaled else None

    expected = numbers().astype(dtype).astype(np.float64)
    if scaled:
        expected = (expected - center) / scaler.scale
    index = np.arange(N_SAMPLES) if rows is None else rows
    order = random.permutation(len(index)) if ordered else None
    index = index if order is None else index[order]

    data = Samples(X, Y, weights, rows, scaler)
    tolerance = 0 if not scaled else 4 * np.finfo(dtype).eps
    for batch_size in (1, 7, 50, len(index)):
        X_read, Y_read, weights_read, lengths = read(data, batch_size, order)
        assert X_read.dtype == Y_read.dtype == weights_read.dtype == dtype
        np.testing.assert_allclose(X_read, expected[index], rtol=tolerance)
        np.testing.assert_array_equal(Y_read, Y[index])
        np.testing.assert_array_equal(weights_read, weights.astype(dtype)[index, None])
        assert all(length % batch_size == 0 for length in lengths[:-1]), "batches are not cut"
        assert len(lengths) > 1 or batch_size > 13
    np.testing.assert_array_equal(dense(X), dense(make(form, tmp_path, dtype)), "X was changed")


@pytest.mark.parametrize("form", ["dense C", "memmap C", "csr_matrix"])
def test_without_weights_there_are_none(form, tmp_path):
    data = Samples(make(form, tmp_path, np.float64), np.zeros((N_SAMPLES, 1)))
    assert data.mean_weight == 1.0
    assert read(data, 10)[2] is None


def test_mean_weight_is_that_of_the_rows_in_use():
    weights = np.arange(N_SAMPLES, dtype=float)
    data = Samples(numbers(), np.zeros((N_SAMPLES, 1)), weights, rows=np.array([1, 3, 5]))
    assert data.mean_weight == 3.0


def test_whole_data_in_memory_are_read_without_a_copy():
    X, Y = numbers(), np.zeros((N_SAMPLES, 1))
    for block, targets, _ in Samples(X, Y)._blocks(10):
        assert np.shares_memory(block, X)
        assert np.shares_memory(targets, Y)


def test_memory_maps_are_recognized_behind_views(tmp_path):
    X = mapped(tmp_path / "X", numbers())
    for view in (X, X[3:], np.asarray(X), X.T, np.asarray(X)[::2, 1:]):
        assert is_memory_mapped(view)
    for other in (numbers(), numbers()[2:], X + 0, X[[1, 2]], scipy.sparse.csr_array(numbers())):
        assert not is_memory_mapped(other)


# ---------------------------------------------------------------- memory


@pytest.fixture(scope="module", params=["C", "F"])
def large(request, tmp_path_factory):
    """Return 16 MB of numbers in a file."""
    X = np.random.RandomState(0).standard_normal((40_000, 50))
    return mapped(tmp_path_factory.mktemp("large") / "X", X, request.param)


def peak(function):
    """Return the most bytes in use at any time while a function runs."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_reading_a_memory_map_takes_a_block_of_memory(large, dtype, scaled):
    Y = np.zeros((len(large), 1), dtype)
    scaler = Scaler(np.zeros(50), np.full(50, 2.0)) if scaled else None
    rows = np.arange(len(large))[::2]
    order = np.random.RandomState(0).permutation(len(rows))

    def run():
        data = Samples(large, Y, rows=rows, scaler=scaler)
        for _ in data._blocks(32, order):
            pass

    # a few blocks of 256 KiB and the targets; a copy of X would be 16 MB
    assert peak(run) < large.nbytes / 8


def test_fitting_a_memory_map_never_copies_it(large):
    y = np.asarray(large[:, 0]) ** 2
    regressor = BackpropRegressor(
        hidden_layer_sizes=(4,), early_stopping=True, n_iter_no_change=1, tol=100.0, random_state=0
    )
    assert peak(lambda: regressor.fit(large, y)) < large.nbytes / 2
    assert peak(lambda: regressor.predict(large)) < large.nbytes / 2


def test_a_memory_map_gives_the_model_that_memory_gives(tmp_path):
    X = numbers()
    in_memory, *in_files = (
        BackpropRegressor(hidden_layer_sizes=(4,), tol=10.0, random_state=0).fit(form, X[:, 0])
        for form in (X, mapped(tmp_path / "X", X), mapped(tmp_path / "F", X, "F"))
    )
    for regressor in in_files:
        for actual, expected in zip(regressor.coefs_, in_memory.coefs_, strict=True):
            # the last digit of a mean may depend on the order in which columns are added up
            np.testing.assert_allclose(actual, expected, rtol=1e-12)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("reads", [0, 1, "part"])
def test_the_largest_input_is_that_of_all_rows_that_are_trained_on(
    form, scaled, reads, tmp_path, monkeypatch
):
    monkeypatch.setattr(samples, "BLOCK", 40)
    is_dense = not form.startswith("csr")
    rows = np.flatnonzero(np.arange(N_SAMPLES) % 3) if form != "every second" else None
    scaler = Scaler(np.array([0.0, 1.0, 5.0]) * is_dense, np.array([1.0, 2.0, 0.1]))
    scaler = scaler if scaled else None
    Y = np.zeros((N_SAMPLES, 1))
    data = Samples(make(form, tmp_path, np.float64), Y, None, rows, scaler)
    if reads == 1:
        read(data, 10, np.random.RandomState(0).permutation(data.n_samples))
    elif reads == "part":
        next(data._blocks(10))
    X = read(Samples(make(form, tmp_path, np.float64), Y, None, rows, scaler), 10)[0]
    assert data.largest_input() == np.abs(X).max()
