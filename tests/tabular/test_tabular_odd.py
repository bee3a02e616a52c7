"""Tables and targets that are odd, few, many or large: TabularClassifier and TabularRegressor."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from small_tables import BOTH, QUICK, data

from sklearn_backprop.tabular import TabularClassifier, TabularRegressor
from sklearn_backprop.tabular._tables import as_table


@BOTH
def test_new_categories_and_new_gaps_are_no_error(cls):
    X, y = data(cls)
    fitted = cls(**QUICK).fit(X, y)
    later = pd.DataFrame({"color": ["pink", None], "size": [np.nan, 1.0], "paid": [None, True]})
    assert len(fitted.predict(later)) == 2


@BOTH
@pytest.mark.parametrize("n_samples", [2, 3, 5, 19, 20, 21])
def test_a_handful_of_rows(cls, n_samples):
    X, y = data(cls, n_samples)
    fitted = cls(**QUICK).fit(X, y)
    assert [member.early_stopping for member in fitted.estimators_] == [n_samples >= 20] * 2
    assert set(fitted.predict(X)) <= set(y) or cls is TabularRegressor
    assert np.isfinite(fitted.predict(X)).all() if cls is TabularRegressor else True


@pytest.mark.parametrize("n_classes", [2, 3, 50, 200])
def test_two_to_two_hundred_classes_some_with_a_single_row(n_classes):
    random = np.random.RandomState(0)
    y = np.append(np.arange(n_classes), random.randint(n_classes, size=300)).astype(str)
    X = random.normal(size=(len(y), 2))
    classifier = TabularClassifier(**QUICK).fit(X, y)
    P = classifier.predict_proba(X)
    assert_array_equal(classifier.classes_, np.unique(y))
    assert P.shape == (len(y), n_classes)
    assert_allclose(P.sum(axis=1), 1)
    assert (P > 0).all()


targets = st.floats(-1e300, 1e300, allow_subnormal=False)


@settings(max_examples=25, deadline=None)
@given(st.lists(targets, min_size=2, max_size=30))
def test_targets_of_any_size_give_predictions_within_their_range(y):
    X = np.arange(len(y) * 2.0).reshape(-1, 2)
    predictions = TabularRegressor(**QUICK | {"n_estimators": 1}).fit(X, y).predict(X)
    assert (predictions >= np.min(y)).all()
    assert (predictions <= np.max(y)).all()


columns = st.sampled_from(["constant", "nothing", "numbers", "text", "mixed", "booleans", "keys"])


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([TabularClassifier, TabularRegressor]),
    st.lists(columns, min_size=1, max_size=6),
    st.integers(2, 30),
    st.integers(0, 999),
)
def test_columns_of_any_kind_together(cls, kinds, n_samples, seed):
    random = np.random.default_rng(seed)
    make = {
        "constant": lambda: np.full(n_samples, 7),
        "nothing": lambda: np.full(n_samples, np.nan),
        "numbers": lambda: random.standard_cauchy(n_samples) * 10.0 ** random.integers(-100, 100),
        "text": lambda: random.choice(["a", "b", "", "ü"], n_samples).astype(object),
        "mixed": lambda: random.choice(np.array([1, "1", None, 2.5, True], object), n_samples),
        "booleans": lambda: random.random(n_samples) < 0.5,
        "keys": lambda: np.array([f"key {i}" for i in range(n_samples)], object),
    }
    X = pd.DataFrame({k: make[kind]() for k, kind in enumerate(kinds)})
    X.columns = [f"{kind} {k}" for k, kind in enumerate(kinds)]
    y = random.choice(["yes", "no"], n_samples) if cls is TabularClassifier else X.index.to_numpy()
    keys = [name for name in X if name.startswith("keys")]
    short = QUICK | {"max_iter": 2, "max_categories": 10}
    model = cls(**short, categorical_features=keys).fit(X, y)
    later = X.astype({X.columns[0]: object})
    later.loc[random.random(n_samples) < 0.5, X.columns[0]] = None
    predictions = model.predict(later)
    if cls is TabularClassifier:
        assert set(predictions) <= set(y)
        assert np.isfinite(model.predict_log_proba(later)).all()
    else:
        assert (y.min() <= predictions).all() and (predictions <= y.max()).all()
        assert_allclose(model.predict(later[:1]), predictions[:1], rtol=1e-3, atol=1e-3)


@BOTH
def test_ten_thousand_categories(cls):
    X = pd.DataFrame({"key": [f"key {i}" for i in range(10_000)]})
    y = np.arange(10_000) % 2
    short = QUICK | {"n_estimators": 1, "max_iter": 1}
    model = cls(**short, categorical_features=["key"]).fit(X, y)
    # 99 categories, the others, and what the targets say of each of the ten thousand
    assert model.encoder_.transform(X[:2]).shape == (2, 102)
    assert len(model.predict(X)) == 10_000


@BOTH
def test_odd_columns(cls):
    X, y = data(cls)
    random = np.random.RandomState(0)
    odd = X.assign(
        constant=1.0, nothing=np.nan, key=[f"k{i}" for i in range(60)], mixed=[1, "a", None] * 20,
        huge=random.normal(size=60) * 1e200, tiny=random.normal(size=60) * 1e-200,
        when=pd.date_range("2024-01-01", periods=60),
    )  # fmt: skip
    few = {"max_categories": 5, "categorical_features": ["key"]}
    predictions = cls(**QUICK, **few).fit(odd, y).predict(odd)
    assert len(predictions) == 60
    for value in (np.inf, -np.inf):
        with pytest.raises(ValueError, match="'constant' contains infinity"):
            cls(**QUICK, **few).fit(odd.assign(constant=value), y)


@BOTH
def test_a_weight_of_zero_leaves_a_row_out(cls):
    random = np.random.RandomState(0)
    X, weight = random.uniform(-1, 1, size=(200, 1)), (np.arange(200) % 3 == 0).astype(float)
    right = X[:, 0] > 0 if cls is TabularClassifier else X[:, 0]
    opposite = X[:, 0] <= 0 if cls is TabularClassifier else -X[:, 0]
    mixed = np.where(weight, right, opposite)
    settings = QUICK | {"max_iter": 40}
    assert cls(**settings).fit(X, mixed, weight).score(X, right) > 0.95
    assert cls(**settings).fit(X, mixed).score(X, right) < 0.5


@BOTH
def test_an_error_leaves_it_as_it_was(cls):
    X, y = data(cls)
    fitted = cls(**QUICK).fit(X, y)
    before = pickle.dumps(fitted)
    for bad_X, bad_y in ((X[:5], y), (X.assign(size=np.inf), y), (X, np.full(60, np.nan))):
        with pytest.raises(ValueError):
            fitted.fit(bad_X, bad_y)
    assert pickle.dumps(fitted) == before


@BOTH
def test_an_interrupt_at_the_very_end_leaves_it_as_it_was(cls, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    X, y = data(cls)
    for model in (cls(**QUICK), cls(**QUICK).fit(X, y)):
        before = pickle.dumps(model)
        with monkeypatch.context() as context:
            context.setattr(cls, "_calibrated", interrupted)
            with pytest.raises(KeyboardInterrupt):
                model.fit(X[["color", "size"]], y)
        assert pickle.dumps(model) == before


@pytest.mark.parametrize(("n_numbers", "n_bins"), [(1, 24), (41, 24), (100, 10), (501, None)])
def test_of_many_numbers_each_has_fewer_bins(n_numbers, n_bins):
    X = pd.DataFrame(np.arange(4.0)[:, None] * np.ones(n_numbers)).assign(label="text")
    assert TabularRegressor()._make_encoder(as_table(X)).n_bins == n_bins
    assert TabularRegressor(n_bins=None)._make_encoder(as_table(X)).n_bins is None
