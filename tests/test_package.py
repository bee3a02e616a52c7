"""The package's face: what can be imported from it, and what its import leaves alone."""

import subprocess
import sys

import pytest

import sklearn_backprop
from sklearn_backprop import tabular


def test_estimators_for_tables_are_there_too():
    from sklearn_backprop import TabularClassifier, TabularRegressor

    assert TabularClassifier is tabular.TabularClassifier
    assert TabularRegressor is tabular.TabularRegressor
    assert {"TabularClassifier", "TabularRegressor", "fit_many"} <= set(dir(sklearn_backprop))


def test_what_there_is_not():
    with pytest.raises(AttributeError, match=r"'sklearn_backprop' has no attribute 'Tabular'"):
        _ = sklearn_backprop.Tabular


@pytest.mark.parametrize("lazy", ["sklearn_backprop.tabular", "matplotlib", "torch"])
def test_its_import_leaves_alone(lazy):
    code = f"import sys, sklearn_backprop; sys.exit({lazy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
