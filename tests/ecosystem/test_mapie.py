"""MAPIE: intervals and sets of labels that keep what they promise."""

import numpy as np
import pytest
from data import CANCER, DIABETES, classifier, regressor
from sklearn.model_selection import train_test_split

pytest.importorskip("mapie")
from mapie.classification import SplitConformalClassifier
from mapie.regression import CrossConformalRegressor, SplitConformalRegressor

# it asks a fitted estimator for a prediction of zeros, to see whether it is fitted
pytestmark = pytest.mark.filterwarnings("ignore:X does not have valid feature names")


@pytest.mark.parametrize("kind", ["split", "cross"])
def test_intervals_cover_what_they_promise(kind):
    X, X_test, y, y_test = train_test_split(*DIABETES, random_state=0)
    if kind == "cross":
        model = CrossConformalRegressor(regressor(), confidence_level=0.9, cv=4)
        model.fit_conformalize(X, y)
    else:
        X, X_kept, y, y_kept = train_test_split(X, y, random_state=0)
        model = SplitConformalRegressor(regressor(), confidence_level=0.9, prefit=False)
        model.fit(X, y).conformalize(X_kept, y_kept)
    points, intervals = model.predict_interval(X_test)
    low, high = intervals[:, 0, 0], intervals[:, 1, 0]
    assert (low <= points).all() and (points <= high).all()
    assert 0.8 < np.mean((low <= y_test) & (y_test <= high)) <= 1


def test_sets_of_labels_cover_what_they_promise():
    X, X_test, y, y_test = train_test_split(*CANCER, random_state=0)
    X, X_kept, y, y_kept = train_test_split(X, y, random_state=0)
    fitted = classifier().fit(X, y)
    model = SplitConformalClassifier(fitted, confidence_level=0.95, prefit=True)
    _, sets = model.conformalize(X_kept, y_kept).predict_set(X_test)
    assert sets[np.arange(len(y_test)), y_test.to_numpy(), 0].mean() > 0.9
