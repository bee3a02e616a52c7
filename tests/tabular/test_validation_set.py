"""X_val of a table's fit: a validation set for all members."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from small_tables import BOTH, QUICK, data

from sklearn_backprop import TabularClassifier, TabularRegressor


def halves(cls):
    X, y = data(cls, 120)
    return X[:80], y[:80], X[80:], y[80:]


@BOTH
def test_members_train_on_all_rows_and_validate_on_it(cls):
    X, y, X_val, y_val = halves(cls)
    model = cls(**QUICK).fit(X, y, X_val=X_val, y_val=y_val)
    encoded, more = model.encoder_.transform(X), model.encoder_.transform(X_val)
    targets, more_targets = y, y_val
    if cls is TabularRegressor:
        assert model.target_mean_ == pytest.approx(y.mean())  # not of y_val
        targets, more_targets = ((t - y.mean()) / y.std() for t in (y, y_val))
    for member in model.estimators_:
        alone = clone(member)
        alone.fit(encoded, targets, X_val=more, y_val=more_targets)
        np.testing.assert_allclose(alone.coefs_[0], member.coefs_[0], rtol=1e-4, atol=1e-6)
        assert alone.best_validation_score_ == pytest.approx(member.best_validation_score_, 1e-4)
    if cls is TabularRegressor:
        errors = [
            np.mean(np.square(member.predict(more) - more_targets)) for member in model.estimators_
        ]
        assert model.noise_ == pytest.approx(np.sqrt(np.mean(errors)) * y.std(), rel=1e-5)


@BOTH
def test_the_encoding_is_that_of_X(cls):
    X, y, X_val, y_val = halves(cls)
    strange = X_val.assign(size=X_val["size"] * 1000, color="purple")
    with pytest.warns(UserWarning, match="Most values of 'color'"):
        model = cls(**QUICK).fit(X, y, X_val=strange, y_val=y_val)
    np.testing.assert_array_equal(
        model.encoder_.transform(X), cls(**QUICK).fit(X, y).encoder_.transform(X)
    )


@BOTH
def test_weights_of_the_validation_set(cls):
    """A row that weighs two counts as two rows."""
    X, y, X_val, y_val = halves(cls)
    counts = np.append(np.arange(39) % 3, 1)  # 40 in all: the prior of the temperature counts
    twice = np.repeat(np.arange(40), counts)
    one = cls(**QUICK).fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=counts)
    other = cls(**QUICK).fit(X, y, X_val=X_val.iloc[twice], y_val=y_val[twice])
    for a, b in zip(one.estimators_, other.estimators_, strict=True):
        assert a.best_validation_score_ == pytest.approx(b.best_validation_score_, rel=1e-4)
    np.testing.assert_allclose(
        one.predict_proba(X) if cls is TabularClassifier else one.predict(X),
        other.predict_proba(X) if cls is TabularClassifier else other.predict(X),
        rtol=1e-3,
    )


@BOTH
def test_a_search_that_would_cut_it_is_stopped(cls):
    X, y, X_val, y_val = halves(cls)
    X_val, y_val = pd.concat([X_val, X_val]), np.concatenate([y_val, y_val])  # 80 rows as X
    model = cls(**QUICK).fit(X, y, X_val=X_val, y_val=y_val)
    search = GridSearchCV(model, {"n_estimators": [1]}, cv=2, error_score="raise")
    with pytest.raises(ValueError, match="X_val has as many rows as X"):
        search.fit(X, y, X_val=X_val, y_val=y_val)
    with config_context(enable_metadata_routing=True), pytest.raises(TypeError, match="X_val"):
        search.fit(X, y, X_val=X_val, y_val=y_val)
    # what is not cut, is a validation set for each
    search.fit(X, y, X_val=X_val[:50], y_val=y_val[:50])


@pytest.mark.parametrize(
    ("cls", "change", "message"),
    [
        (TabularClassifier, {"y_val": None}, "y_val was not passed"),
        (TabularClassifier, {"X_val": None}, "X_val was not passed"),
        (
            TabularClassifier,
            {"X_val": None, "y_val": None, "sample_weight_val": [1.0]},
            "sample_weight_val was passed without",
        ),
        (TabularClassifier, {"y_val": np.full(40, "unknown")}, r"validation set .* classes not in"),
        (TabularRegressor, {"y_val": np.ones(39)}, r"validation set .* inconsistent numbers"),
        (TabularRegressor, {"y_val": np.ones((40, 2))}, r"validation set .* shape \(40, 2\)"),
        (TabularRegressor, {"X_val": np.ones((40, 2))}, r"validation set .* features"),
        (TabularRegressor, {"sample_weight_val": -np.ones(40)}, "Negative values in .*_val"),
        (TabularRegressor, {"groups": np.arange(80)}, "X_val and groups say twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_a_bad_one_is_named_and_nothing_is_changed(cls, change, message):
    X, y, X_val, y_val = halves(cls)
    model = cls(**QUICK)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, **{"X_val": X_val, "y_val": y_val} | change)
    assert set(vars(model)) == set(model.get_params())
