"""Names of features: where they were in ``fit`` and are missing now, one warning says so."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_multilabel_classification

from sklearn_backprop import (
    BackpropClassifier,
    BackpropEnsembleClassifier,
    BackpropEnsembleRegressor,
    BackpropRegressor,
    BackpropTransformer,
)
from sklearn_backprop.inspection import check_gradients, record_training, trace_step
from sklearn_backprop.model_selection import GridSearchCV, SuccessiveHalvingSearchCV
from sklearn_backprop.tabular import TabularClassifier, TabularEncoder, TabularRegressor

random = np.random.RandomState(0)
FRAME = pd.DataFrame(random.normal(size=(60, 3)), columns=["a", "b", "c"])
X, CLASSES = FRAME.to_numpy(), random.randint(0, 2, 60)
NUMBERS = random.normal(size=60)
LABELS = make_multilabel_classification(60, 3, n_classes=2, random_state=0)[1]
SHORT = {"hidden_layer_sizes": 4, "learning_rate": "cosine", "max_iter": 3, "random_state": 0}
TABLE = {"n_estimators": 2, "max_iter": 2, "hidden_layer_sizes": 4, "random_state": 0}
CLASSIFIER, REGRESSOR = BackpropClassifier(**SHORT), BackpropRegressor(**SHORT)

FITTED = {
    "classifier": (CLASSIFIER, CLASSES),
    "multilabel": (BackpropClassifier(**SHORT), LABELS),
    "early stopping": (BackpropClassifier(**SHORT, early_stopping=True, scoring=None), CLASSES),
    "regressor": (REGRESSOR, NUMBERS),
    "gaussian": (BackpropRegressor(**SHORT, loss="gaussian"), NUMBERS),
    "ensemble of classifiers": (BackpropEnsembleClassifier(CLASSIFIER, n_estimators=2), CLASSES),
    "ensemble of regressors": (BackpropEnsembleRegressor(REGRESSOR, n_estimators=2), NUMBERS),
    "transformer": (BackpropTransformer(CLASSIFIER), CLASSES),
    "tabular classifier": (TabularClassifier(**TABLE), CLASSES),
    "tabular regressor": (TabularRegressor(**TABLE), NUMBERS),
    "encoder": (TabularEncoder(), None),
    "search": (GridSearchCV(CLASSIFIER, {"alpha": [1.0, 2.0]}, cv=2), CLASSES),
    "halving": (
        SuccessiveHalvingSearchCV(REGRESSOR, {"alpha": [1.0, 2.0]}, max_epochs=2, cv=2), NUMBERS
    ),
}  # fmt: skip
TAKE_X = ["predict", "predict_proba", "predict_log_proba", "decision_function", "transform",
          "hidden_activations", "input_gradients"]  # fmt: skip


def names_missed(function, *args, **kwargs):
    """Return the warnings about names that a call gives; others go their way."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(*args, **kwargs)
    return [str(w.message) for w in caught if "feature names" in str(w.message)]


@pytest.mark.parametrize("estimator, y", FITTED.values(), ids=FITTED)
@pytest.mark.parametrize("n_samples", [1, 60, 2**14 + 1])
def test_an_array_after_a_frame_is_told_once(estimator, y, n_samples):
    estimator.fit(FRAME, y)
    more = np.resize(X, (n_samples, 3))
    calls = {name: ((more,), {}) for name in TAKE_X if hasattr(estimator, name)}
    if y is not None and hasattr(estimator, "score"):
        calls["score"] = (more, np.resize(y, (n_samples, *y.shape[1:]))), {}
    assert calls
    for name, (args, kwargs) in calls.items():
        if n_samples == 1 and name == "score":
            continue
        (message,) = names_missed(getattr(estimator, name), *args, **kwargs)
        searched = hasattr(estimator, "best_estimator_") or hasattr(estimator, "estimator_")
        assert searched or f"{type(estimator).__name__} was fitted" in message, name
        assert not names_missed(getattr(estimator, name), pd.DataFrame(args[0], columns=[*"abc"]),
                                *args[1:], **kwargs)  # fmt: skip


@pytest.mark.parametrize("kind", ["gaussian", "ensemble of regressors", "tabular regressor"])
def test_with_a_standard_deviation_too(kind):
    estimator, y = FITTED[kind]
    assert len(names_missed(estimator.fit(FRAME, y).predict, X, return_std=True)) == 1


@pytest.mark.parametrize("estimator, y", [(CLASSIFIER, CLASSES), (REGRESSOR, NUMBERS)])
def test_training_and_looking_inside_too(estimator, y):
    estimator.fit(FRAME, y)
    assert len(names_missed(estimator.partial_fit, X, y)) == 1
    for look in (trace_step, check_gradients):
        assert len(names_missed(look, estimator, X, y)) == 1
    assert not names_missed(record_training, estimator, FRAME, y)
    watched = type(estimator)(**SHORT, early_stopping=True, scoring=None)
    assert len(names_missed(watched.fit, FRAME, y, X_val=X, y_val=y)) == 1
    assert not names_missed(watched.fit, FRAME, y, X_val=FRAME, y_val=y)
    assert not names_missed(watched.fit, X, y)  # others than before, but a fit begins anew
