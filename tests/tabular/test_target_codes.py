"""Mean targets of the labels of a feature: cross-fitted, found again, and worth their columns."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import TargetEncoder
from small_tables import BOTH, QUICK

from sklearn_backprop import TabularClassifier, TabularRegressor
from sklearn_backprop.tabular._target_codes import target_codes, targets_to_code

RANDOM = np.random.default_rng(0)
EFFECTS = RANDOM.normal(size=200)
NUMBERS = RANDOM.integers(0, 200, 1200)
X = pd.DataFrame({"film": [f"film {k}" for k in NUMBERS], "x": RANDOM.normal(size=1200)})
Y = EFFECTS[NUMBERS] + 0.5 * RANDOM.normal(size=1200)


def targets_of(cls):
    return np.digitize(Y, [-0.5, 0.5]).astype(str) if cls is TabularClassifier else Y


def test_those_of_labels_are_scikit_learns():
    labels, targets = NUMBERS[:300] % 20, Y[:300, None]
    of_labels, _ = target_codes(labels, 20, targets, np.arange(300) % 5)
    expected = TargetEncoder(target_type="continuous").fit(labels[:, None], Y[:300])
    assert_allclose(of_labels[:20, 0], expected.encodings_[0])
    assert of_labels[20, 0] == pytest.approx(Y[:300].mean())  # an unknown label
    assert_allclose(of_labels[:, 1], np.log1p([*np.bincount(labels), 0]))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(10, 60), st.integers(1, 30))
def test_no_row_knows_its_own_target(seed, n_rows, n_labels):
    random = np.random.default_rng(seed)
    labels = random.integers(-1, n_labels, n_rows)
    targets, folds = random.normal(size=(n_rows, 2)), random.integers(0, 5, n_rows)
    _, before = target_codes(labels, n_labels, targets, folds)
    row = random.integers(n_rows)
    same_fold = folds == folds[row]
    targets[same_fold] += 100 * random.normal(size=(same_fold.sum(), 2))
    _, after = target_codes(labels, n_labels, targets, folds)
    assert_array_equal(before[row], after[row])
    assert np.isfinite(after).all()


@BOTH
def test_many_labels_are_worth_their_codes(cls, monkeypatch):
    y, settings = targets_of(cls), QUICK | {"max_iter": 60, "max_categories": 10}
    model = cls(**settings).fit(X[:900], y[:900])
    names = model.encoder_.get_feature_names_out().tolist()
    assert [name for name in names if "target" in name or "count" in name] == (
        ["film_target0", "film_target1", "film_target2", "film_count"]
        if cls is TabularClassifier
        else ["film_target", "film_count"]
    )
    with_codes = model.score(X[900:], y[900:])
    monkeypatch.setattr("sklearn_backprop.tabular._encoder.MANY_LABELS", 10**9)
    without = cls(**settings).fit(X[:900], y[:900]).score(X[900:], y[900:])
    assert with_codes > without + 0.15


@BOTH
def test_few_labels_many_classes_and_time_have_none(cls):
    few, y = X.assign(film=X["film"].str[-1]), targets_of(cls)

    def names(X, y, **given):
        return str(cls(**QUICK).fit(X, y, **given).encoder_.get_feature_names_out().tolist())

    assert "target" not in names(few, y) and "target" in names(X, y)
    assert "target" not in names(X, y, time=np.arange(1200))
    if cls is TabularClassifier:
        assert "target" not in names(X[:300], np.arange(300) % 11)
    else:
        assert "film_target1" in names(X, np.column_stack([y, y]))
        assert "target" not in names(X, np.column_stack([y] * 11))


@pytest.mark.parametrize("n_classes", [2, 10])
def test_targets_of_classes(n_classes):
    labels = np.arange(40) % n_classes
    columns = targets_to_code(labels.astype(str), labels)
    expected = labels[:, None] == np.arange(n_classes)
    assert_array_equal(columns, expected[:, 1:] if n_classes == 2 else expected)


def test_a_group_is_not_known_by_its_own_targets():
    """With groups, a label that only one group has says nothing in training, as for a new one."""
    groups = NUMBERS  # each film is a group
    model = TabularRegressor(**QUICK)
    encoded = model._prepare(model_given(X, Y, groups)).data.encoded
    names = model._prepare(model_given(X, Y, groups)).data.fitted["encoder_"]
    column = names.get_feature_names_out().tolist().index("film_target")
    assert abs(np.corrcoef(encoded[:, column], Y)[0, 1]) < 0.2
    alone = model._prepare(model_given(X, Y, None)).data.encoded
    assert np.corrcoef(alone[:, column], Y)[0, 1] > 0.6


def model_given(X, y, groups):
    from sklearn_backprop.tabular._training import Given

    return Given(X, y, None, None, None, None, groups, None)


@BOTH
def test_onnx_and_blocks_have_them(cls):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    y = targets_of(cls)
    later = X.copy()
    later.loc[::7, "film"] = "unknown"
    later.loc[::11, "film"] = None
    model = cls(**QUICK, max_categories=10).fit(X, y)
    predict = model.predict_proba if cls is TabularClassifier else model.predict
    session = runtime.InferenceSession(
        model.to_onnx().SerializeToString(), providers=["CPUExecutionProvider"]
    )
    found = session.run(None, model.onnx_inputs(later))[0]
    assert_allclose(found, predict(later), atol=1e-5)
    assert_allclose(predict(later[:50]), predict(later)[:50], rtol=1e-5)
    # the code of a label is in no way that of the others, which share a column
    names = model.encoder_.get_feature_names_out().tolist()
    column = next(k for k, name in enumerate(names) if "film_target" in name)
    assert len(np.unique(model.encoder_.transform(X)[:, column])) > 25


def test_a_number_finds_the_code_of_its_text():
    frame = pd.DataFrame({"zip": [str(1000 + k) for k in NUMBERS]})
    model = TabularRegressor(**QUICK).fit(frame, Y)
    as_numbers = frame.astype(int).astype(object)
    assert_array_equal(model.predict(as_numbers), model.predict(frame))
