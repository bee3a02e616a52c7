"""Time and memory of the estimators for tables with their defaults, by the size of the table.

    python examples/benchmarks/tabular_time.py            # up to 50,000 rows, about 5 minutes
    python examples/benchmarks/tabular_time.py --large    # 500,000 rows as well: 15 minutes more
    python examples/benchmarks/tabular_time.py --quick    # does it run? figures mean nothing

A tenth of the columns are categories, and one number in fifty is missing. Memory is the most
that a fit had allocated at a time beside X, by tracemalloc, in units of the encoded table; it
does not depend on the epochs, so it is that of a fit of one epoch, and the time is of another.
"""

import argparse
import time
import tracemalloc

import numpy as np

from sklearn_backprop import TabularClassifier, TabularRegressor

SIZES = [(2_000, 20), (20_000, 20), (50_000, 100)]
LARGE = [(500_000, 30)]


def table(n_rows, n_columns):
    """Return numbers of all sizes, categories and gaps, and what depends on them."""
    random = np.random.default_rng(0)
    X = random.standard_normal((n_rows, n_columns))
    n_categories = n_columns // 10
    X[:, :n_categories] = random.integers(12, size=(n_rows, n_categories))
    y = np.sin(3 * X[:, 10]) + X[:, 11] * X[:, 12] + (X[:, 0] < 4) + 0.1 * X[:, 13]
    X[:, 14:] = np.exp(X[:, 14:] * 2)
    X[random.random(X.shape) < 0.02] = np.nan
    return X, y, list(range(n_categories))


def seconds_of(model, X, y):
    """Return the seconds that a fit takes."""
    start = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - start


def peak_of(model, X, y):
    """Return the most memory, in bytes, that a fit had allocated at a time."""
    tracemalloc.start()
    model.fit(X, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def show(kind, n_rows, n_columns):
    """Print a row of the table."""
    X, y, categories = table(n_rows + n_rows // 4, n_columns)
    y = y > np.median(y) if kind is TabularClassifier else y
    settings = {"categorical_features": categories, "random_state": 0, "verbose": 0}
    model = kind(**settings)
    seconds = seconds_of(model, X[:n_rows], y[:n_rows])
    score = model.score(X[n_rows:], y[n_rows:])
    encoded = model.encoder_.transform(X[:1]).nbytes * n_rows
    peak = peak_of(kind(**settings, max_iter=1), X[:n_rows], y[:n_rows])
    epochs = [member.n_iter_ for member in model.estimators_]
    what = "classes" if kind is TabularClassifier else "numbers"
    print(
        f"| {n_rows:7,d} × {n_columns} | {what} | {len(epochs)} × {max(epochs)} | {seconds:6.1f} "
        f"| {score:.3f} | {encoded / 2**20:6.0f} | {peak / encoded:4.1f} |",
        flush=True,
    )


def show_limit(n_rows, n_columns, max_time):
    """Print how long a fit with a time limit takes, and what it comes to."""
    X, y, categories = table(n_rows + n_rows // 4, n_columns)
    model = TabularRegressor(
        categorical_features=categories, max_time=max_time, random_state=0, verbose=0
    )
    seconds = seconds_of(model, X[:n_rows], y[:n_rows])
    epochs = [member.n_iter_ for member in model.estimators_]
    score = model.score(X[n_rows:], y[n_rows:])
    print(
        f"\nmax_time={max_time:g}, {n_rows:,} × {n_columns}, numbers: {seconds:.1f} seconds; epochs"
        f" of each member {epochs}, R² on new rows {score:.3f}"
    )


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="tiny tables: does it run?")
    parser.add_argument("--large", action="store_true", help="500,000 rows as well")
    given = parser.parse_args()
    sizes = [(100, 20)] if given.quick else SIZES + LARGE * given.large
    print("| rows × columns | | members × epochs | seconds | score | encoded, MiB | peak / that |")
    print("|---|---|---|---|---|---|---|")
    for size in sizes:
        for kind in (TabularClassifier, TabularRegressor):
            show(kind, *size)
    show_limit(*sizes[-1], 0.01 if given.quick else 20.0)


if __name__ == "__main__":
    main()
