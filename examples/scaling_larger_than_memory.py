"""Data larger than memory: from a file block by block, or in chunks; and predicted so.

X lies in a file of 32 MB. What ``fit`` needs beside it is measured by tracemalloc. The
last part needs dask: pip install "dask[distributed]".
"""

import tempfile
import tracemalloc
from pathlib import Path

import dask.array as da
import numpy as np

from sklearn_backprop import BackpropRegressor

N_SAMPLES, N_FEATURES, CHUNK = 40_000, 100, 4_000
settings = {"hidden_layer_sizes": 16, "learning_rate_init": 0.01, "random_state": 0}
starts = range(0, N_SAMPLES, CHUNK)


def peak_memory(function):
    """Return the most memory, in MB, that a function had allocated at a time."""
    tracemalloc.start()
    function()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "X.npy"
    X = np.lib.format.open_memmap(path, "w+", np.float64, (N_SAMPLES, N_FEATURES))
    generator = np.random.default_rng(0)
    for start in starts:
        X[start : start + CHUNK] = generator.normal(5, 3, size=(CHUNK, N_FEATURES))
    y = X[:, 0] + np.sin(X[:, 1])
    X.flush()
    X = np.load(path, mmap_mode="r")  # nothing is read yet

    whole = BackpropRegressor(**settings, learning_rate="cosine", max_iter=3)
    print(f"X                     {X.nbytes / 1e6:5.0f} MB")
    print(f"fit, from the file    {peak_memory(lambda: whole.fit(X, y)):5.0f} MB more", end="")
    print(f"   R² {whole.score(X[:CHUNK], y[:CHUNK]):.3f}")

    stream = BackpropRegressor(**settings)
    for _ in range(3):  # chunks may come from anywhere: files, a database, a queue
        for start in starts:
            stream.partial_fit(X[start : start + CHUNK], y[start : start + CHUNK])
    print(f"partial_fit, chunks             R² {stream.score(X[:CHUNK], y[:CHUNK]):.3f}")

    blocks = da.from_array(X, chunks=(CHUNK, N_FEATURES))
    lazy = blocks.map_blocks(whole.predict, drop_axis=1, dtype=np.float64)
    same = np.allclose(lazy.compute(), whole.predict(X), rtol=1e-12)
    print(f"predicted block by block by dask: {lazy.npartitions} blocks, the same: {same}")
