"""Text and gaps are refused with a word on who takes them; what else is wrong is said plainly."""

import numpy as np
import pandas as pd
import pytest

from sklearn_backprop import BackpropClassifier, BackpropRegressor

TABLES = {
    "text": [[1, "a"], [2, "b"], [3, "c"]],
    "text in a frame": pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}),
    "categories": pd.DataFrame({"a": [1, 2, 3], "b": pd.Categorical(["x", "y", "z"])}),
    "gaps": [[1.0, np.nan], [1, 2], [2, 3]],
    "gaps in a frame": pd.DataFrame({"a": [1.0, None, 3.0]}),
}
OTHER = {
    "infinity": [[1.0, np.inf], [1, 2], [2, 3]],
    "one column as a vector": [1, 2, 3],
    "no rows": np.empty((0, 2)),
    "fewer rows than targets": [[1.0], [2.0]],
}
Y = [0, 1, 0]
each_estimator = pytest.mark.parametrize("kind", [BackpropClassifier, BackpropRegressor])


def message(estimator, X, y=Y):
    with pytest.raises(ValueError) as caught:
        estimator.fit(X, y)
    assert not hasattr(estimator, "n_features_in_")
    return str(caught.value)


@each_estimator
@pytest.mark.parametrize("X", TABLES.values(), ids=TABLES)
def test_who_takes_a_table_is_named(kind, X):
    tabular = kind.__name__.replace("Backprop", "Tabular")
    assert f"sklearn_backprop.{tabular} is for" in message(kind(), X)


@each_estimator
@pytest.mark.parametrize("X", OTHER.values(), ids=OTHER)
def test_what_no_table_could_mend_is_not_blamed_on_it(kind, X):
    assert "Tabular" not in message(kind(), X)


def test_nor_are_targets():
    assert "Tabular" not in message(BackpropRegressor(), [[1.0], [2], [3]], ["a", "b", "c"])
    assert "Tabular" not in message(BackpropClassifier(), [[1.0], [2], [3]], [np.nan, 1, 0])
