"""What the tests of the estimators for tables have in common: a table, and quick settings."""

import numpy as np
import pandas as pd
import pytest

from sklearn_backprop.tabular import TabularClassifier, TabularRegressor

QUICK = {
    "n_estimators": 2,
    "hidden_layer_sizes": (8, 8),
    "max_iter": 6,
    "companions": None,
    "random_state": 0,
}
BOTH = pytest.mark.parametrize("cls", [TabularClassifier, TabularRegressor])


def table(n_samples=60, seed=0):
    """Return a frame of all kinds of columns, a class and a number that depend on it."""
    random = np.random.default_rng(seed)
    color = random.choice(["red", "green", "blue"], n_samples)
    size = random.normal(10, 3, n_samples)
    signal = (color == "red").astype(int) + (size > 10)
    frame = pd.DataFrame({"color": color, "size": size, "paid": random.random(n_samples) < 0.5})
    frame.loc[random.random(n_samples) < 0.2, "size"] = np.nan
    return frame, np.array(["none", "one", "both"])[signal], signal * 100.0 + size


def data(cls, n_samples=60):
    frame, labels, numbers = table(n_samples)
    return frame, labels if cls is TabularClassifier else numbers
