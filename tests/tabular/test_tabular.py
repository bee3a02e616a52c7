"""TabularClassifier and TabularRegressor: what they are made of, and how they are used."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.estimator_checks import check_estimator
from small_tables import BOTH, QUICK, data, table

from sklearn_backprop._compositions.calibration import fit_temperature, tempered_probabilities
from sklearn_backprop._estimators.validation import balanced_folds
from sklearn_backprop.tabular import TabularClassifier, TabularEncoder, TabularRegressor
from sklearn_backprop.tabular._held_out import folds_in_turn

# rows held out at random and mini-batches are others where rows are repeated or left out
EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": "random split and mini-batches",
}


@pytest.mark.parametrize(
    "estimator",
    [
        TabularClassifier(n_estimators=2, hidden_layer_sizes=16, max_iter=60),
        TabularRegressor(n_estimators=2, hidden_layer_sizes=16, max_iter=60),
    ],
)
def test_check_estimator(estimator):
    results = check_estimator(estimator, on_skip=None, expected_failed_checks=EXPECTED_FAILURES)
    assert {r["check_name"] for r in results if r["status"] == "xfail"} == set(EXPECTED_FAILURES)


@BOTH
def test_it_is_encoder_and_networks_that_anyone_could_fit(cls):
    X, y = data(cls)
    tabular = cls(**QUICK).fit(X, y)
    encoder = TabularEncoder(n_bins=tabular.n_bins, dtype="float32")
    encoded = encoder.fit_transform(X)
    assert_array_equal(tabular.encoder_.transform(X), encoded)
    targets = y if cls is TabularClassifier else (y - y.mean()) / y.std()
    partition = balanced_folds(
        np.unique(y, return_inverse=True)[1] if cls is TabularClassifier else None,
        60, round(1 / tabular.validation_fraction),
        seed=np.random.RandomState(0).randint(2**31, size=(2, 2))[0, 1],
    )  # fmt: skip
    for k, member in enumerate(tabular.estimators_):
        alone = clone(member).fit(encoded, targets, validation_rows=np.flatnonzero(partition == k))
        for ours, theirs in zip(member.coefs_, alone.coefs_, strict=True):
            assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)  # float32


def test_probabilities_are_the_mean_of_the_members_at_one_temperature():
    X, y, _ = table()
    classifier = TabularClassifier(**QUICK).fit(X, y)
    encoded = classifier.encoder_.transform(X)
    each = [
        np.exp(log_softmax(member.decision_function(encoded) / classifier.temperature_, axis=1))
        for member in classifier.estimators_
    ]
    assert_allclose(classifier.predict_proba(X), np.mean(each, axis=0), rtol=1e-5)
    assert_array_equal(
        classifier.predict(X), classifier.classes_[classifier.predict_proba(X).argmax(axis=1)]
    )
    assert_allclose(np.exp(classifier.predict_log_proba(X)), classifier.predict_proba(X))


def test_two_classes_are_calibrated_as_two_logits():
    X, y, _ = table()
    classifier = TabularClassifier(**QUICK).fit(X, y == "one")
    encoded = classifier.encoder_.transform(X)
    each = [
        1 / (1 + np.exp(-member.decision_function(encoded) / classifier.temperature_))
        for member in classifier.estimators_
    ]
    assert_allclose(classifier.predict_proba(X)[:, 1], np.mean(each, axis=0), rtol=1e-5)


def test_predictions_are_means_inside_the_range_with_spread_and_noise():
    X, _, y = table()
    regressor = TabularRegressor(**QUICK).fit(X, y)
    encoded = regressor.encoder_.transform(X)
    each = [member.predict(encoded) * y.std() + y.mean() for member in regressor.estimators_]
    each = np.clip(each, y.min(), y.max())
    mean, std = regressor.predict(X, return_std=True)
    assert_allclose(mean, np.mean(each, axis=0), rtol=1e-5)
    assert_allclose(std, np.sqrt(np.var(each, axis=0) + regressor.noise_**2), rtol=1e-5)
    squares = [2 * np.min(member.history_["validation_loss"]) for member in regressor.estimators_]
    assert regressor.noise_ == pytest.approx(np.sqrt(np.mean(squares)) * y.std(), rel=1e-6)
    for member, shift in zip(regressor.estimators_, (100, -100), strict=True):
        member.intercepts_[-1][...] += shift
    assert_allclose(regressor.predict(X), (y.max() + y.min()) / 2)


def test_the_temperature_undoes_a_factor():
    random = np.random.RandomState(0)
    logits = random.normal(size=(20_000, 3))
    P = np.exp(log_softmax(logits, axis=1))
    labels = (random.uniform(size=(20_000, 1)) > P.cumsum(axis=1)).sum(axis=1)
    for factor in (0.2, 1, 5):
        # the standard error of log(T) is about 0.01 here
        assert fit_temperature(logits * factor, labels) == pytest.approx(factor, rel=0.05)
    half = (np.arange(20_000) % 2).astype(float)
    logits[half == 0] *= -7  # of no weight
    assert fit_temperature(logits, labels, half) == pytest.approx(1, rel=0.05)


def test_a_few_rows_that_are_all_right_do_not_make_it_sure():
    logits = np.array([[3.0, 0.0], [0.0, 3.0]])
    assert 0.3 < fit_temperature(logits, np.array([0, 1])) < 1
    P = tempered_probabilities(np.array([[1e6, 0.0]]), 1.0)
    assert 0 < P.min() < P.max() < 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(2, 10), st.integers(0, 99))
def test_folds_share_rows_and_classes_evenly(labels, n_folds, seed):
    labels = np.array(labels)
    folds = balanced_folds(labels, len(labels), n_folds, seed)
    for rows in (np.ones(len(labels), bool), *(labels == label for label in set(labels))):
        counts = np.bincount(folds[rows], minlength=n_folds)
        assert len(counts) == n_folds
        assert np.ptp(counts) <= 1


@BOTH
def test_more_members_leave_the_first_as_they_are_and_share_out_the_rows(cls):
    X, y = data(cls)
    fifths = QUICK | {"validation_fraction": 0.2}
    few = cls(**fifths).fit(X, y)
    many = cls(**fifths | {"n_estimators": 7}).fit(X, y)
    for ours, theirs in zip(few.estimators_, many.estimators_[:2], strict=True):
        assert_array_equal(ours.coefs_[0], theirs.coefs_[0])
    held_out = [share.held_out for share in folds_in_turn(60, 0.2, list(range(7)))]
    assert_array_equal(np.sort(np.concatenate(held_out[:5])), np.arange(60))
    assert len(held_out[5]) == 12
    assert not np.array_equal(held_out[5], held_out[0])


@BOTH
def test_a_float_more_or_less_is_all_that_the_kind_of_table_changes(cls):
    X, y = data(cls)
    expected = cls(**QUICK).fit(X, y)
    other = pl.DataFrame({name: X[name].astype(object).where(X[name].notna(), None).tolist()
                          for name in X})  # fmt: skip
    objects = X.to_numpy(object)
    for again in (other, objects):
        assert_array_equal(cls(**QUICK).fit(again, y).predict(again), expected.predict(X))


@BOTH
def test_rows_are_predicted_one_by_one_as_together_and_in_blocks(cls, monkeypatch):
    X, y = data(cls)
    fitted = cls(**QUICK).fit(X, y)
    method = fitted.predict_proba if cls is TabularClassifier else fitted.predict
    together = method(X)
    alone = np.concatenate([method(X[i : i + 1]) for i in range(5)])
    assert_allclose(alone, together[:5], rtol=1e-5)
    monkeypatch.setattr("sklearn_backprop.tabular._base.BLOCK", 7)
    assert_allclose(method(X), together, rtol=1e-5)


@BOTH
def test_numbers_that_are_categories_can_be_named(cls):
    X = np.array([3, 1, 2] * 20)[:, None] * [1.0, 1.0]
    y = (X[:, 0] == 2).astype(int)
    model = cls(**QUICK | {"categorical_features": [1]}).fit(X, y)
    names = model.encoder_.get_feature_names_out().tolist()
    assert names == ["x0", "x1_1.0", "x1_2.0", "x1_3.0"]


@BOTH
def test_partial_fit_is_not_offered(cls):
    assert not hasattr(cls(), "partial_fit")


@BOTH
def test_clone_pickle_and_search(cls):
    X, y = data(cls)
    fitted = cls(**QUICK).fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(again.predict(X), fitted.predict(X))
    assert_array_equal(clone(fitted).fit(X, y).predict(X), fitted.predict(X))
    grid = {"n_estimators": [1, 2], "hidden_layer_sizes": [8, (8, 8)], "dropout": [0.0, 0.2],
            "learning_rate_init": [0.02, 0.05]}  # fmt: skip
    search = GridSearchCV(cls(**QUICK).set_params(max_iter=2), grid, cv=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 16
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()


@BOTH
def test_jobs_change_nothing(cls):
    X, y = data(cls)
    expected = cls(**QUICK).fit(X, y).predict(X)
    assert_array_equal(cls(**QUICK, n_jobs=2).fit(X, y).predict(X), expected)


@BOTH
def test_history_has_each_epoch_of_each_member(cls):
    X, y = data(cls)
    history = pd.DataFrame(cls(**QUICK).fit(X, y).history_)
    assert history.groupby("member")["epoch"].apply(list).tolist() == [list(range(1, 7))] * 2
    assert history["validation_loss"].notna().all()


@BOTH
def test_callbacks_follow_each_member_and_change_nothing(cls):
    X, y = data(cls)
    epochs = []
    followed = cls(**QUICK).set_callbacks(lambda record: epochs.append(record["epoch"])).fit(X, y)
    assert epochs == [1, 2, 3, 4, 5, 6] * 2
    assert_allclose(followed.predict(X) == cls(**QUICK).fit(X, y).predict(X), True)
    pickle.dumps(followed.estimators_)  # the function is not in them


def test_scikit_learns_progress_bar(capsys):
    callback = pytest.importorskip("sklearn.callback", exc_type=ImportError)
    pytest.importorskip("rich")
    X, _, y = table()
    TabularRegressor(**QUICK).set_callbacks(callback.ProgressBar()).fit(X, y)
    assert "member 1" in capsys.readouterr().out


@BOTH
def test_time_is_for_all_members(cls):
    X, y = data(cls)
    model = cls(**QUICK | {"max_iter": 10**6, "max_time": 1e-9}).fit(X, y)
    assert [member.n_iter_ for member in model.estimators_] == [1]  # no time for another one
    assert model.estimators_[0].max_time is None
    assert len(model.predict(X)) == len(y)


@BOTH
def test_verbose_tells_how_far_it_is_and_changes_nothing(cls, capsys):
    X, y = data(cls)
    expected = cls(**QUICK).fit(X, y).predict(X)
    assert not capsys.readouterr().out
    assert_array_equal(cls(**QUICK, verbose=3).fit(X, y).predict(X), expected)
    starts = {line.split(",")[0] for line in capsys.readouterr().out.splitlines()}
    assert starts == {f"[{k}/2] Iteration {epoch:>5}/6" for k in (1, 2) for epoch in (1, 3, 6)}


def test_it_is_right_about_tables():
    X, y = load_iris(return_X_y=True)
    classifier = TabularClassifier(n_estimators=3, hidden_layer_sizes=(32, 32), max_iter=60,
                                   random_state=0)  # fmt: skip
    assert cross_val_score(classifier, X, y).mean() > 0.93
    frame, _, numbers = table(400)
    regressor = TabularRegressor(n_estimators=3, hidden_layer_sizes=(32, 32), max_iter=60,
                                 random_state=0)  # fmt: skip
    known = frame["size"].notna()
    assert cross_val_score(regressor, frame[known], numbers[known]).mean() > 0.97
    labels = table(400)[1]
    P = classifier.fit(frame[:300], labels[:300]).predict_proba(frame[300:])
    assert log_loss(labels[300:], P) < 0.4
