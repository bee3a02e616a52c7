"""Write the pickles that every later version has to read: python tests/_estimators/make_pickle.py

Run it with the oldest supported NumPy and scikit-learn, whose pickles newer ones read. The
file is renewed while the format may still change, and then kept.
"""

import gzip
import pickle
from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes, load_iris

from sklearn_backprop import BackpropClassifier, BackpropEnsembleRegressor, BackpropRegressor
from sklearn_backprop.losses import Huber
from sklearn_backprop.optimizers import SGD
from sklearn_backprop.tabular import TabularClassifier

PATH = Path(__file__).parent / "data" / "format_1.pkl.gz"
ROWS, MORE = slice(0, None, 5), slice(2, None, 5)


def data_of(name):
    """Return X and y for a model; text for a table's."""
    if name in ("regressor", "ensemble"):
        return load_diabetes(return_X_y=True)
    X, y = load_iris(return_X_y=True)
    if name == "table":
        return np.column_stack([X[:, 2].astype(object), np.array(list("abc"))[y]]), y
    return X, y


def models():
    """Return the models, unfitted, by name."""
    small = {"hidden_layer_sizes": (3,), "random_state": 0}
    table = {"n_estimators": 2, "hidden_layer_sizes": (4,), "max_iter": 4, "random_state": 0}
    return {
        "classifier": BackpropClassifier(**small, activation="tanh", dropout=0.2, max_iter=3),
        "regressor": BackpropRegressor(**small, loss=Huber(1.5), solver=SGD(0.8), max_iter=3),
        "ensemble": BackpropEnsembleRegressor(
            BackpropRegressor(**small, max_iter=3), n_estimators=2, random_state=0
        ),
        "table": TabularClassifier(**table),
    }


def outputs(model, X):
    """Return what a model says of some rows of X, as numbers."""
    X = X[::20]
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def goes_on(model, X, y):
    """Return what a model says of X after ``partial_fit``; None where there is no such thing."""
    if not hasattr(model, "partial_fit"):
        return None
    return outputs(model.partial_fit(X[MORE], y[MORE]), X)


def main():
    """Fit, and write pickles beside what each says before and after going on."""
    kept = {}
    for name, model in models().items():
        X, y = data_of(name)
        model.fit(X[ROWS], y[ROWS])
        if hasattr(model, "estimators_"):  # the file should stay small
            model.estimators_ = [member.slim() for member in model.estimators_]
        stored = pickle.dumps(model, protocol=4)
        kept[name] = stored, outputs(model, X), goes_on(pickle.loads(stored), X, y)
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_bytes(gzip.compress(pickle.dumps(kept, protocol=4), mtime=0))
    print(f"{PATH.name}: {PATH.stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    main()
