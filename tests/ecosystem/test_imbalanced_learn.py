"""imbalanced-learn: resampling in a pipeline, and a balanced ensemble."""

import numpy as np
import pytest
from data import CANCER, classifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import cross_val_predict

pytest.importorskip("imblearn")
from imblearn.ensemble import BalancedBaggingClassifier
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline

X, y = CANCER
RARE = np.flatnonzero((y == 1) | (np.cumsum(y == 0) % 10 == 0))  # a tenth of the one class


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(SMOTE(random_state=0, k_neighbors=3), classifier()),
        BalancedBaggingClassifier(classifier(), n_estimators=3, random_state=0),
    ],
    ids=["SMOTE", "balanced bagging"],
)
def test_the_rare_class_is_found(model):
    features, labels = X.iloc[RARE], y.iloc[RARE]
    predicted = cross_val_predict(model, features, labels, cv=3)
    assert balanced_accuracy_score(labels, predicted) > 0.85
