"""Time and memory of TabularRegressor as rows and members grow, and the time limit.

    python examples/benchmarks/tabular_time.py            # up to 50,000 rows, about 10 minutes
    python examples/benchmarks/tabular_time.py --quick    # does it run? figures mean nothing

Linear means that the column of microseconds stays as it is. Memory is the most that a fit
had allocated at a time beside X, by tracemalloc; it does not depend on the epochs, so it
is that of a fit of one epoch, and the time is of another fit.
"""

import argparse
import time
import tracemalloc

import numpy as np

from sklearn_backprop.tabular import TabularRegressor

N_COLUMNS = 100
CATEGORIES = list(range(10))  # positions of the columns that are categories


def table(n_rows):
    """Return numbers of all sizes, ten columns of categories, gaps; and what depends on them."""
    random = np.random.default_rng(0)
    X = random.standard_normal((n_rows, N_COLUMNS))
    X[:, CATEGORIES] = random.integers(12, size=(n_rows, len(CATEGORIES)))
    y = np.sin(3 * X[:, 20]) + X[:, 21] * X[:, 22] + (X[:, 0] < 4) + 0.1 * X[:, 23]
    X[:, 50:] = np.exp(X[:, 50:] * 2)
    X[random.random(X.shape) < 0.02] = np.nan
    return X, y


def regressor(**parameters):
    """Return what is measured."""
    return TabularRegressor(categorical_features=CATEGORIES, random_state=0, **parameters)


def seconds_of(model, X, y):
    """Return the seconds that a fit takes."""
    start = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - start


def peak_of(model, X, y):
    """Return the most memory, in MB, that a fit had allocated at a time."""
    tracemalloc.start()
    model.fit(X, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def show(n_rows, n_members, n_epochs):
    """Print a row of the table."""
    X, y = table(n_rows)
    seconds = seconds_of(regressor(n_estimators=n_members, max_iter=n_epochs), X, y)
    each = 1e6 * seconds / (n_rows * n_members * n_epochs)
    peak = peak_of(regressor(n_estimators=n_members, max_iter=1), X, y)
    print(
        f"| {n_rows:6,d} × {N_COLUMNS} | {n_members} | {n_epochs} | {seconds:7.1f} | {each:6.1f} "
        f"| {X.nbytes / 1e6:4.0f} | {peak:4.0f} |",
        flush=True,
    )


def show_limit(n_rows, max_time, n_members):
    """Print how long a fit with a time limit takes, and what it comes to."""
    X, y = table(n_rows + n_rows // 4)
    model = regressor(max_time=max_time, n_estimators=n_members)
    seconds = seconds_of(model, X[:n_rows], y[:n_rows])
    epochs = [member.n_iter_ for member in model.estimators_]
    score = model.score(X[n_rows:], y[n_rows:])
    print(
        f"\nmax_time={max_time:g}, {n_rows:,} rows: {seconds:.1f} seconds; epochs of each member "
        f"{epochs}, R² on new rows {score:.3f}"
    )


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="tiny tables: does it run?")
    quick = parser.parse_args().quick
    largest, n_epochs = (400, 2) if quick else (50_000, 8)
    print("| rows × columns | members | epochs | seconds | µs a row, member, epoch", end=" ")
    print("| X, MB | MB more |\n|---|---|---|---|---|---|---|")
    for n_rows in (largest // 4, largest // 2, largest):
        show(n_rows, 1, n_epochs)
    for n_members in (2, 4):
        show(largest // 4, n_members, n_epochs)
    show(largest, 2, n_epochs)
    show_limit(largest, 0.5 if quick else 60.0, 2)


if __name__ == "__main__":
    main()
