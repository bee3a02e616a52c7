"""Several targets, several labels, and scores that decide about the epoch."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.metrics import accuracy_score, r2_score
from small_tables import QUICK, table

from sklearn_backprop import TabularClassifier, TabularRegressor
from sklearn_backprop.losses import Gaussian

X, LABELS, NUMBERS = table(120)
BOTH_NUMBERS = np.column_stack([NUMBERS, 1e-3 * X["size"].fillna(10) - 7])
SEVERAL = np.column_stack([X["color"] == "red", X["paid"], LABELS == "none"]).astype(int)
LONGER = QUICK | {"max_iter": 80, "hidden_layer_sizes": (32, 32)}


# numbers


def test_several_numbers_are_each_in_their_own_unit():
    model = TabularRegressor(**LONGER).fit(X, BOTH_NUMBERS)
    mean, std = model.predict(X, return_std=True)
    assert mean.shape == std.shape == BOTH_NUMBERS.shape
    assert r2_score(BOTH_NUMBERS, mean, multioutput="raw_values").min() > 0.8
    np.testing.assert_allclose(model.target_mean_, BOTH_NUMBERS.mean(axis=0))
    assert model.noise_.shape == (2,) and (model.noise_ < 3 * std.mean(axis=0)).all()
    unit = np.array([2.0**10, 2.0**-20])
    other = TabularRegressor(**LONGER).fit(X, BOTH_NUMBERS * unit)
    np.testing.assert_allclose(other.predict(X), mean * unit, rtol=1e-5)
    np.testing.assert_allclose(other.noise_, model.noise_ * unit, rtol=1e-5)


def test_a_column_is_one_target():
    one = TabularRegressor(**QUICK).fit(X, NUMBERS)
    with pytest.warns(UserWarning, match="column-vector"):
        other = TabularRegressor(**QUICK).fit(X, NUMBERS[:, None])
    np.testing.assert_array_equal(one.predict(X), other.predict(X))
    assert isinstance(one.noise_, float) and isinstance(one.target_mean_, float)


def test_several_numbers_with_standard_deviations_of_their_own():
    model = TabularRegressor(loss=Gaussian(), **LONGER).fit(X, BOTH_NUMBERS)
    mean, std = model.predict(X, return_std=True)
    assert mean.shape == std.shape == BOTH_NUMBERS.shape
    assert (np.abs(mean - BOTH_NUMBERS) < 3 * std).mean() > 0.9


# labels


@pytest.mark.parametrize("form", [np.asarray, csr_matrix], ids=["dense", "sparse"])
def test_several_labels(form):
    model = TabularClassifier(**LONGER).fit(X, form(SEVERAL))
    P = model.predict_proba(X)
    assert P.shape == SEVERAL.shape
    assert ((P > 0.5) == SEVERAL).mean() > 0.9
    np.testing.assert_array_equal(model.predict(X), P > 0.5)
    np.testing.assert_array_equal(model.classes_, [0, 1, 2])
    np.testing.assert_allclose(expit(model.decision_function(X)), P, rtol=1e-5)
    encoded = model.encoder_.transform(X)
    each = [
        expit(member.decision_function(encoded) / model.temperature_)
        for member in model.estimators_
    ]
    np.testing.assert_allclose(P, np.mean(each, axis=0), rtol=1e-5)
    assert model.score(X, SEVERAL) == accuracy_score(SEVERAL, model.predict(X))


def test_label_by_label_the_temperature_is_that_of_two_classes():
    """One label alone, as a column of two equal ones, has the temperature of two classes."""
    twice = np.column_stack([SEVERAL[:, 2]] * 2)
    weights = np.linspace(0.5, 1.5, 120)
    model = TabularClassifier(**LONGER).fit(X, twice, weights)
    member = model.estimators_[0]
    logits = member.decision_function(model.encoder_.transform(X))

    def loss(temperature):
        signed = np.where(twice == 1, logits, -logits) / temperature
        return np.average(np.logaddexp(0, -signed).mean(axis=1), weights=weights)

    assert 0.2 < model.temperature_ < 3
    assert loss(model.temperature_) < loss(10.0)


def test_outputs_of_several_classes_each_are_refused():
    model = TabularClassifier(**QUICK)
    with pytest.raises(ValueError, match="several outputs of more than two classes"):
        model.fit(X, np.column_stack([SEVERAL[:, 0], SEVERAL[:, 0] + SEVERAL[:, 1]]))
    assert set(vars(model)) == set(model.get_params())


# scoring


@pytest.mark.parametrize(
    ("model", "y", "scoring"),
    [
        (TabularClassifier(**QUICK), LABELS, "accuracy"),
        (TabularRegressor(**QUICK), NUMBERS, "r2"),
    ],
)
def test_the_epoch_of_the_best_score_is_kept(model, y, scoring):
    model.set_params(scoring=scoring, max_iter=30).fit(X, y)
    for member in model.estimators_:
        scores = member.history_["validation_score"]
        assert member.best_validation_score_ == max(scores)
    by_loss = model.set_params(scoring="loss").fit(X, y)
    for member in by_loss.estimators_:
        assert -member.best_validation_score_ == min(member.history_["validation_loss"])


def test_the_noise_does_not_depend_on_what_decides_about_the_epoch():
    model = TabularRegressor(**LONGER, scoring="neg_mean_squared_error").fit(X, NUMBERS)
    same = TabularRegressor(**LONGER).fit(X, NUMBERS)
    assert model.noise_ == pytest.approx(same.noise_, rel=1e-4)
