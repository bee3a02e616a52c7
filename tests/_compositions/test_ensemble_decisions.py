"""``decision_function`` of ensembles and of the classifier for tables: what probabilities say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, log_softmax, logit, softmax
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.metrics import roc_auc_score

from sklearn_backprop import BackpropClassifier, BackpropEnsembleClassifier
from sklearn_backprop._compositions.calibration import log_of_mean
from sklearn_backprop.tabular import TabularClassifier

X, SPECIES = load_iris(return_X_y=True)
NAMES = np.array(["a", "b", "c"])[SPECIES]
X_LABELS, LABELS = make_multilabel_classification(80, 4, n_classes=3, random_state=0)
SHORT = {"hidden_layer_sizes": 6, "learning_rate": "cosine", "learning_rate_init": 0.05}
ENSEMBLE = BackpropEnsembleClassifier(
    BackpropClassifier(**SHORT, max_iter=15), n_estimators=3, random_state=0
)
TABLE = TabularClassifier(n_estimators=3, hidden_layer_sizes=8, max_iter=12, random_state=0)
BOTH = pytest.mark.parametrize("model", [ENSEMBLE, TABLE], ids=["ensemble", "table"])
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])


def far_and_near(X):
    return np.concatenate([X, 1e3 * X, -1e6 * X, X[:1]]).astype(X.dtype)


@BOTH
@DTYPES
def test_of_two_classes_it_is_the_log_odds_of_the_second(model, dtype):
    features, y = X.astype(dtype), np.where(SPECIES == 1, "yes", "no")
    fitted = clone(model).fit(features, y)
    more = far_and_near(features)
    decision, P = fitted.decision_function(more), fitted.predict_proba(more)
    assert decision.shape == (len(more),) and np.isfinite(decision).all()
    np.testing.assert_array_equal(fitted.classes_[(decision > 0).astype(int)], fitted.predict(more))
    np.testing.assert_allclose(expit(decision), P[:, 1], rtol=1e-5, atol=1e-6)
    inside = (P[:, 1] > 1e-4) & (P[:, 1] < 1 - 1e-4)
    np.testing.assert_allclose(decision[inside], logit(P[inside, 1]), rtol=1e-3, atol=1e-3)
    assert roc_auc_score(y, decision[:150]) == roc_auc_score(y, P[:150, 1])


@BOTH
@DTYPES
def test_of_more_classes_it_is_the_log_of_the_probabilities(model, dtype):
    features = X.astype(dtype)
    fitted = clone(model).fit(features, NAMES)
    more = far_and_near(features)
    decision, P = fitted.decision_function(more), fitted.predict_proba(more)
    assert decision.shape == P.shape and np.isfinite(decision).all()
    np.testing.assert_array_equal(fitted.classes_[decision.argmax(axis=1)], fitted.predict(more))
    np.testing.assert_allclose(softmax(decision, axis=1), P, rtol=1e-4, atol=1e-6)


@DTYPES
def test_of_labels_each_has_its_log_odds(dtype):
    features = X_LABELS.astype(dtype)
    fitted = clone(ENSEMBLE).fit(features, LABELS)
    more = far_and_near(features)
    decision, P = fitted.decision_function(more), fitted.predict_proba(more)
    assert decision.shape == P.shape == (len(more), 3)
    np.testing.assert_array_equal((decision > 0).astype(int), fitted.predict(more))
    np.testing.assert_allclose(expit(decision), P, rtol=1e-5, atol=1e-6)


@BOTH
def test_a_single_class_is_never_decided_against(model):
    fitted = clone(model).fit(X[:50], NAMES[:50])
    decision = fitted.decision_function(X)
    assert decision.shape == (150,) and (decision <= 0).all()
    assert set(fitted.predict(X)) == {"a"} and (fitted.predict_proba(X) == 1).all()


@BOTH
def test_what_is_certain_is_still_ranked(model):
    fitted = clone(model).fit(X, SPECIES == 1)
    far = np.outer(np.geomspace(1, 1e4, 20), X[75] - X.mean(axis=0)) + X.mean(axis=0)
    if model is ENSEMBLE:
        assert len(np.unique(fitted.predict_proba(far)[:, 1])) < 20  # they are cut off
        assert len(np.unique(fitted.decision_function(far))) == 20
    order = np.argsort(fitted.decision_function(far), kind="stable")
    assert (np.diff(fitted.predict_proba(far)[order, 1]) >= -1e-12).all()


def test_of_one_member_it_is_the_members():
    one = clone(ENSEMBLE).set_params(n_estimators=1)
    (member,) = one.fit(X, SPECIES == 1).estimators_
    np.testing.assert_allclose(one.decision_function(X), member.decision_function(X), rtol=1e-12)
    (member,) = one.fit(X, SPECIES).estimators_
    expected = log_softmax(member.decision_function(X), axis=1)
    np.testing.assert_allclose(one.decision_function(X), expected, rtol=1e-12)
    (member,) = one.fit(X_LABELS, LABELS).estimators_
    expected = member.decision_function(X_LABELS)
    np.testing.assert_allclose(one.decision_function(X_LABELS), expected, rtol=1e-12, atol=1e-12)


@BOTH
def test_calibration_takes_it(model):
    calibrated = CalibratedClassifierCV(clone(model), cv=2).fit(X, NAMES)
    assert calibrated.score(X, NAMES) > 0.8


def test_many_rows_are_the_same_in_blocks():
    fitted = clone(TABLE).fit(X, SPECIES == 1)
    many = np.tile(X, (130, 1))
    expected = np.tile(fitted.decision_function(X), 130)
    # other products for other numbers of rows, in float32
    np.testing.assert_allclose(fitted.decision_function(many), expected, rtol=1e-4, atol=1e-4)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    seed=st.integers(0, 2**31), n_networks=st.integers(1, 5), n_outputs=st.integers(1, 4),
    scale=st.sampled_from([0.1, 1.0, 10.0, 700.0, 1e5]), exclusive=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
)  # fmt: skip
def test_log_of_mean_is_what_it_says(seed, n_networks, n_outputs, scale, exclusive, dtype):
    random = np.random.RandomState(seed)
    logits = (scale * random.normal(size=(n_networks, 6, n_outputs))).astype(dtype)
    scores = log_of_mean(iter(logits), exclusive)
    assert scores.dtype == dtype and np.isfinite(scores).all()
    Z = logits.astype(np.longdouble)
    with np.errstate(all="ignore"):
        if exclusive:
            P = np.exp(Z - np.logaddexp.reduce(Z, axis=2, keepdims=True))
            expected = np.log(P.mean(axis=0))
        else:
            yes, no = (1 / (1 + np.exp(sign * Z)) for sign in (-1, 1))
            expected = np.log(yes.mean(axis=0)) - np.log(no.mean(axis=0))
    there = np.isfinite(expected)  # even these numbers end somewhere
    rtol = 50 * np.finfo(dtype).eps
    np.testing.assert_allclose(scores[there], expected[there].astype(dtype), rtol=rtol, atol=rtol)
