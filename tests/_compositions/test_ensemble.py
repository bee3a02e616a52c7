"""Ensembles: their members are ordinary fits, their predictions are plain statistics of them."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import d2_pinball_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from sklearn_backprop import (
    BackpropClassifier,
    BackpropEnsembleClassifier,
    BackpropEnsembleRegressor,
    BackpropRegressor,
)
from sklearn_backprop._engine.samples import bootstrap_rows
from sklearn_backprop._stacks import fit_many as stacking
from sklearn_backprop.losses import Quantile
from sklearn_backprop.model_selection import GridSearchCV

X_iris, y_iris = load_iris(return_X_y=True)
X_diabetes, y_diabetes = load_diabetes(return_X_y=True)
X_labels, Y_labels = make_multilabel_classification(80, 6, n_classes=3, random_state=0)

# a planned schedule: that the epochs run out is no warning
SHORT = {"hidden_layer_sizes": 6, "learning_rate": "cosine", "learning_rate_init": 0.02}
NETWORK = SHORT | {"max_iter": 5, "batch_size": 32}
CLASSIFIER, REGRESSOR = BackpropClassifier(**NETWORK), BackpropRegressor(**NETWORK)

CASES = {
    "binary": (BackpropEnsembleClassifier(CLASSIFIER), X_iris, y_iris == 1),
    "multiclass": (
        BackpropEnsembleClassifier(CLASSIFIER),
        X_iris,
        np.array(["a", "b", "c"])[y_iris],
    ),
    "multilabel": (BackpropEnsembleClassifier(CLASSIFIER), X_labels, Y_labels),
    "lbfgs": (
        BackpropEnsembleClassifier(
            BackpropClassifier(hidden_layer_sizes=4, solver="lbfgs", tol=0.1)
        ),
        X_iris,
        y_iris,
    ),
    "early_stopping": (
        BackpropEnsembleClassifier(BackpropClassifier(**NETWORK, early_stopping=True)),
        X_iris,
        y_iris,
    ),
    "regression": (BackpropEnsembleRegressor(REGRESSOR), X_diabetes, y_diabetes),
    "two_targets": (
        BackpropEnsembleRegressor(REGRESSOR),
        X_diabetes,
        np.c_[y_diabetes, X_diabetes[:, 0]],
    ),
    "gaussian": (
        BackpropEnsembleRegressor(BackpropRegressor(**NETWORK, loss="gaussian")),
        X_diabetes,
        y_diabetes,
    ),
}
each_case = pytest.mark.parametrize("ensemble, X, y", CASES.values(), ids=CASES)


def fitted(ensemble, X, y, **parameters):
    return clone(ensemble).set_params(n_estimators=3, random_state=0, **parameters).fit(X, y)


def seeds_of(ensemble):
    """Return for each member the seeds of its network and of its bootstrap."""
    random_state = np.random.RandomState(ensemble.random_state)
    return random_state.randint(2**31, size=(ensemble.n_estimators, 2)).tolist()


def assert_same_networks(members, expected):
    assert len(members) == len(expected)
    for member, network in zip(members, expected, strict=True):
        for given, wanted in zip(
            member.coefs_ + member.intercepts_, network.coefs_ + network.intercepts_, strict=True
        ):
            np.testing.assert_array_equal(given, wanted)
        assert member.loss_curve_ == network.loss_curve_
        assert member.get_params() == network.get_params()


# members


@each_case
def test_members_are_what_each_would_be_alone(ensemble, X, y):
    ensemble = fitted(ensemble, X, y)
    alone = [
        clone(ensemble.estimator).set_params(random_state=seed).fit(X, y)
        for seed, _ in seeds_of(ensemble)
    ]
    assert_same_networks(ensemble.estimators_, alone)


@each_case
def test_bootstrap_members_are_fits_on_the_rows_drawn(ensemble, X, y):
    ensemble = fitted(ensemble, X, y, bootstrap=True)
    alone = []
    for seed, bootstrap_seed in seeds_of(ensemble):
        draw = np.random.RandomState(bootstrap_seed)
        labels = y if y.ndim == 1 and is_classifier(ensemble) else np.zeros(len(y))
        rows = []
        for label in np.unique(labels):
            own = [i for i in range(len(y)) if labels[i] == label]
            rows += [own[k] for k in draw.randint(len(own), size=len(own))]
        rows = sorted(rows)
        alone.append(clone(ensemble.estimator).set_params(random_state=seed).fit(X[rows], y[rows]))
    assert_same_networks(ensemble.estimators_, alone)


def test_weights_go_with_the_rows():
    weights = np.linspace(1, 3, len(y_diabetes))
    plain = fitted(BackpropEnsembleRegressor(REGRESSOR), X_diabetes, y_diabetes)
    ensemble = clone(plain).fit(X_diabetes, y_diabetes, sample_weight=weights)
    for bootstrap in (False, True):
        ensemble.set_params(bootstrap=bootstrap).fit(X_diabetes, y_diabetes, weights)
        alone = []
        for seed, bootstrap_seed in seeds_of(ensemble):
            n_samples = len(y_diabetes)
            rows = np.arange(n_samples)
            if bootstrap:
                rows = np.sort(np.random.RandomState(bootstrap_seed).randint(0, n_samples, 442))
            network = clone(REGRESSOR).set_params(random_state=seed)
            alone.append(network.fit(X_diabetes[rows], y_diabetes[rows], weights[rows]))
        assert_same_networks(ensemble.estimators_, alone)


def test_more_members_leave_the_first_as_they_are():
    few, more = (
        BackpropEnsembleRegressor(REGRESSOR, n_estimators=n, bootstrap=True, random_state=3)
        for n in (2, 4)
    )
    more.fit(X_diabetes, y_diabetes)
    assert_same_networks(few.fit(X_diabetes, y_diabetes).estimators_, more.estimators_[:2])


def test_processes_change_nothing():
    alone, spread = (
        fitted(BackpropEnsembleRegressor(REGRESSOR), X_diabetes, y_diabetes, n_jobs=n_jobs)
        for n_jobs in (None, 2)
    )
    assert_same_networks(spread.estimators_, alone.estimators_)


def test_what_joblib_maps_into_a_process_trains_as_a_stack(tmp_path, stacks):
    np.save(tmp_path / "X.npy", X_diabetes)
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    none = [None, None]
    stacking._fit_rows([REGRESSOR] * 2, X, y_diabetes, None, none, none, [0, 1], from_file=False)
    assert stacks == [2]


def test_members_differ():
    ensemble = fitted(BackpropEnsembleRegressor(REGRESSOR), X_diabetes, y_diabetes)
    first = [member.coefs_[0][0, 0] for member in ensemble.estimators_]
    assert len(set(first)) == len(first)


# bootstrap


def test_bootstrap_keeps_the_size_of_each_stratum_and_the_order():
    strata = np.array([3, 0, 0, 7, 0, 7, 7, 7, 0])
    seen = set()
    for seed in range(50):
        rows = bootstrap_rows(strata, np.random.RandomState(seed))
        assert (np.diff(rows) >= 0).all()
        assert sorted(strata[rows]) == sorted(strata)
        seen |= set(rows)
    assert seen == set(range(9))


def test_no_bootstrap_lacks_a_class():
    y = np.where(np.arange(150) == 60, "rare", np.array(["a", "b", "c"])[y_iris])
    for weight in (None, (y != "rare").astype(float)):
        ensemble = BackpropEnsembleClassifier(
            CLASSIFIER, n_estimators=5, bootstrap=True, random_state=0
        ).fit(X_iris, y, weight)
        assert list(ensemble.classes_) == ["a", "b", "c", "rare"]
        assert ensemble.predict_proba(X_iris).shape == (150, 4)
        for member in ensemble.estimators_:
            assert list(member.classes_) == ["a", "b", "c", "rare"]


def test_a_bootstrap_always_has_weight():
    weights = np.zeros(150)
    weights[::50] = 1.0  # of all rows three, which a plain bootstrap misses once in twenty
    ensemble = BackpropEnsembleClassifier(
        BackpropClassifier(**SHORT, max_iter=1), n_estimators=60, bootstrap=True, random_state=0
    )
    ensemble.fit(X_iris, y_iris, weights)


# predictions


@each_case
def test_predictions_are_means(ensemble, X, y):
    ensemble = fitted(ensemble, X, y)
    if is_regressor(ensemble):
        each = [member.predict(X) for member in ensemble.estimators_]
        np.testing.assert_allclose(ensemble.predict(X), np.mean(each, axis=0), rtol=1e-12)
        return
    each = [member.predict_proba(X) for member in ensemble.estimators_]
    P = ensemble.predict_proba(X)
    np.testing.assert_allclose(P, np.mean(each, axis=0), rtol=1e-12)
    np.testing.assert_array_equal(ensemble.predict_log_proba(X), np.log(P))
    if y.ndim == 2:
        np.testing.assert_array_equal(ensemble.predict(X), (P > 0.5).astype(int))
    else:
        np.testing.assert_array_equal(ensemble.predict(X), ensemble.classes_[P.argmax(axis=1)])


def linear_ensemble(outputs, loss="squared_error", n_targets=1):
    """Return a fitted ensemble whose members' outputs are these, at every X."""
    network = BackpropRegressor(
        hidden_layer_sizes=(), learning_rate="cosine", max_iter=1, loss=loss
    )
    y = np.tile(y_diabetes[:, None], n_targets)
    ensemble = BackpropEnsembleRegressor(network, n_estimators=len(outputs), random_state=0)
    ensemble.fit(X_diabetes, y[:, 0] if n_targets == 1 else y)
    for member, output in zip(ensemble.estimators_, outputs, strict=True):
        member.coefs_ = [np.zeros_like(member.coefs_[0])]
        member.intercepts_ = [np.array(output, dtype=float)]
    return ensemble


@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_std_of_three_numbers(offset):
    ensemble = linear_ensemble([[offset + 1], [offset + 2], [offset + 6]])
    mean, std = ensemble.predict(X_diabetes[:4], return_std=True)
    np.testing.assert_allclose(mean, [offset + 3] * 4, rtol=1e-15)
    # the offset leaves eight digits of what the members differ by
    np.testing.assert_allclose(std, [np.sqrt(14 / 3)] * 4, rtol=1e-7 if offset else 1e-15)


def test_std_of_two_targets():
    ensemble = linear_ensemble([[0, 5], [4, 5]], n_targets=2)
    mean, std = ensemble.predict(X_diabetes[:3], return_std=True)
    np.testing.assert_array_equal(mean, [[2, 5]] * 3)
    np.testing.assert_array_equal(std, [[2, 0]] * 3)


def test_std_of_normal_distributions_is_that_of_their_mixture():
    # means 0 and 2, standard deviations 1 and 3: (1 + 9) / 2 within, 1 between
    ensemble = linear_ensemble([[0, 2 * np.log(1)], [2, 2 * np.log(3)]], loss="gaussian")
    mean, std = ensemble.predict(X_diabetes[:3], return_std=True)
    np.testing.assert_array_equal(mean, [1.0] * 3)
    np.testing.assert_allclose(std, [np.sqrt(6)] * 3, rtol=1e-15)


def test_std_of_normal_distributions_agrees_with_samples_of_the_mixture():
    ensemble = fitted(CASES["gaussian"][0], X_diabetes, y_diabetes)
    _, std = ensemble.predict(X_diabetes[:5], return_std=True)
    parts = [member.predict(X_diabetes[:5], return_std=True) for member in ensemble.estimators_]
    rng = np.random.default_rng(0)
    samples = np.concatenate([rng.normal(m, s, size=(40000, 5)) for m, s in parts])
    # 120,000 samples: a standard deviation is off by a relative 0.2 %, seldom by 1 %
    np.testing.assert_allclose(samples.std(axis=0), std, rtol=0.01)


@pytest.mark.parametrize("case", ["multiclass", "regression", "gaussian"])
def test_an_ensemble_of_one(case):
    ensemble, X, y = CASES[case]
    ensemble = clone(ensemble).set_params(n_estimators=1, random_state=0).fit(X, y)
    (member,) = ensemble.estimators_
    np.testing.assert_array_equal(ensemble.predict(X), member.predict(X))
    if case == "regression":
        assert not ensemble.predict(X, return_std=True)[1].any()
    if case == "gaussian":
        expected = member.predict(X, return_std=True)[1]
        np.testing.assert_allclose(ensemble.predict(X, return_std=True)[1], expected, rtol=1e-14)


def test_one_class():
    ensemble = fitted(BackpropEnsembleClassifier(CLASSIFIER), X_iris, np.full(150, "a"))
    assert set(ensemble.predict(X_iris)) == {"a"}
    assert (ensemble.predict_proba(X_iris) == 1).all()


def test_sparse_labels_come_back_sparse():
    ensemble = BackpropEnsembleClassifier(CLASSIFIER)
    dense = fitted(ensemble, X_labels, Y_labels).predict(X_labels)
    for bootstrap in (False, True):
        predicted = fitted(ensemble, X_labels, csr_matrix(Y_labels), bootstrap=bootstrap)
        predicted = predicted.predict(X_labels)
        assert isinstance(predicted, csr_matrix)
        if not bootstrap:
            np.testing.assert_array_equal(predicted.toarray(), dense)


def test_quantiles_are_scored_by_their_pinball_losses():
    network = BackpropRegressor(**NETWORK, loss=Quantile([0.1, 0.9]))
    ensemble = fitted(BackpropEnsembleRegressor(network), X_diabetes, y_diabetes)
    low, high = ensemble.predict(X_diabetes).T
    assert (low <= high).all()
    expected = (
        d2_pinball_score(y_diabetes, low, alpha=0.1) + d2_pinball_score(y_diabetes, high, alpha=0.9)
    ) / 2
    assert ensemble.score(X_diabetes, y_diabetes) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("case", ["multiclass", "regression"])
def test_float32_stays(case):
    ensemble, X, y = CASES[case]
    X = X.astype(np.float32)
    ensemble = fitted(ensemble, X, y)
    assert ensemble.estimators_[0].coefs_[0].dtype == np.float32
    method = "predict_proba" if is_classifier(ensemble) else "predict"
    assert getattr(ensemble, method)(X).dtype == np.float32


@pytest.mark.parametrize("case", ["multiclass", "regression"])
def test_sparse_features(case):
    ensemble, X, y = CASES[case]
    ensemble = fitted(ensemble, csr_matrix(X), y)
    method = ensemble.predict_proba if is_classifier(ensemble) else ensemble.predict
    np.testing.assert_allclose(method(csr_matrix(X[:9])), method(X[:9]), rtol=1e-10)


# scikit-learn's conventions

WEIGHTS = dict.fromkeys(
    (
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    ),
    "other numbers of rows have other bootstraps",
)
CHECKED = {"hidden_layer_sizes": 8, "learning_rate_init": 0.1, "max_iter": 25}
TINY = {"n_estimators": 2}


@pytest.mark.parametrize(
    "ensemble, expected",
    [
        (BackpropEnsembleClassifier(BackpropClassifier(**CHECKED), **TINY), {}),
        (BackpropEnsembleRegressor(BackpropRegressor(**CHECKED), **TINY), {}),
        (BackpropEnsembleClassifier(BackpropClassifier(**CHECKED), bootstrap=True), WEIGHTS),
        (BackpropEnsembleRegressor(BackpropRegressor(**CHECKED), bootstrap=True), WEIGHTS),
    ],
    ids=["classifier", "regressor", "classifier_bootstrap", "regressor_bootstrap"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # on a few rows
def test_only_the_checks_fail_that_must(ensemble, expected):
    results = check_estimator(
        ensemble.set_params(**TINY), expected_failed_checks=expected, on_fail=None, on_skip=None
    )
    names = {
        status: {r["check_name"] for r in results if r["status"] == status}
        for status in ("failed", "xfail", "skipped")
    }
    assert not names["failed"], [r["exception"] for r in results if r["status"] == "failed"]
    assert names["xfail"] == set(expected)
    assert names["skipped"] <= {
        "check_array_api_input",  # runs only where an environment variable asks for it
        "check_classifiers_multilabel_output_format_decision_function",  # there is no such method
    }


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # as they may
def test_defaults_are_the_plain_estimators():
    for cls, kind, y in (
        (BackpropEnsembleClassifier, BackpropClassifier, y_iris),
        (BackpropEnsembleRegressor, BackpropRegressor, X_iris[:, 3]),
    ):
        ensemble = cls(n_estimators=1, random_state=0).fit(X_iris[:, :3], y)
        (seed, _), *_ = seeds_of(ensemble)
        (member,) = ensemble.estimators_
        assert type(member) is kind
        assert member.get_params() == kind(random_state=seed).get_params()
        assert ensemble.score(X_iris[:, :3], y) > 0.8


def test_nested_parameters_clone_and_search():
    ensemble = BackpropEnsembleRegressor(clone(REGRESSOR), n_estimators=2, random_state=0)
    assert ensemble.get_params()["estimator__alpha"] == REGRESSOR.alpha
    ensemble.set_params(estimator__alpha=3.0)
    assert clone(ensemble).estimator.alpha == 3.0
    search = GridSearchCV(ensemble, {"estimator__alpha": [1.0, 1e6]}, cv=2)
    search.fit(X_diabetes, y_diabetes)
    assert search.best_params_ == {"estimator__alpha": 1.0}
    assert [member.alpha for member in search.best_estimator_.estimators_] == [1.0, 1.0]
    assert not hasattr(ensemble, "estimators_")
    assert not hasattr(ensemble.estimator, "coefs_")


@each_case
def test_pickle(ensemble, X, y):
    ensemble = fitted(ensemble, X, y)
    loaded = pickle.loads(pickle.dumps(ensemble))
    np.testing.assert_array_equal(loaded.predict(X), ensemble.predict(X))
    assert_same_networks(loaded.estimators_, ensemble.estimators_)


def test_data_frames():
    X = pd.DataFrame(X_diabetes, columns=list("abcdefghij"))
    ensemble = fitted(BackpropEnsembleRegressor(REGRESSOR), X, pd.Series(y_diabetes))
    assert list(ensemble.feature_names_in_) == list(X.columns)
    assert ensemble.n_features_in_ == 10
    plain = fitted(BackpropEnsembleRegressor(REGRESSOR), X_diabetes, y_diabetes)
    # the frame's columns lie in another order in memory, which sums round differently in
    np.testing.assert_allclose(ensemble.predict(X), plain.predict(X_diabetes), rtol=1e-12)
    for member in ensemble.estimators_:  # without a warning that names are missing
        member.predict(X)
    with pytest.raises(ValueError, match="feature names"):
        ensemble.predict(X[list("bacdefghij")])
    assert not hasattr(plain, "feature_names_in_")
    refitted = ensemble.fit(X_diabetes, y_diabetes)
    assert not hasattr(refitted, "feature_names_in_")


def test_weights_are_routed():
    weights = np.r_[np.ones(50), np.zeros(50), np.ones(50)]
    with config_context(enable_metadata_routing=True):
        ensemble = BackpropEnsembleClassifier(CLASSIFIER, n_estimators=2, random_state=0)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, ensemble.set_fit_request(sample_weight=True))
        pipeline.fit(X_iris, y_iris, sample_weight=weights)
        direct = clone(ensemble).fit(StandardScaler().fit_transform(X_iris), y_iris, weights)
    np.testing.assert_array_equal(
        pipeline.predict_proba(X_iris), direct.predict_proba(pipeline[0].transform(X_iris))
    )


# warnings and errors


def test_one_warning_for_all_members():
    network = BackpropRegressor(hidden_layer_sizes=2, max_iter=2)
    with pytest.warns(ConvergenceWarning, match="^3 of 3 networks. The first: ") as caught:
        fitted(BackpropEnsembleRegressor(network), X_diabetes, y_diabetes)
    assert len(caught) == 1


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"estimator": make_pipeline(CLASSIFIER)}, "'estimator'.*BackpropClassifier.*Got Pipeline"),
        ({"estimator": REGRESSOR}, "'estimator'.*BackpropClassifier.*Got BackpropRegressor"),
        ({"n_estimators": 0}, "'n_estimators'.*Got 0"),
        ({"bootstrap": "yes"}, "'bootstrap'.*Got 'yes'"),
        ({"n_jobs": "all"}, "'n_jobs'.*Got 'all'"),
        ({"estimator__alpha": -1}, "'alpha'.*Got -1"),
    ],
)
def test_unusable_parameters_leave_it_as_it_was(parameters, message):
    ensemble = fitted(BackpropEnsembleClassifier(CLASSIFIER), X_iris, y_iris)
    before = ensemble.estimators_
    if "estimator__alpha" in parameters:
        ensemble.estimator = clone(CLASSIFIER)  # the module's must stay usable
    with pytest.raises(ValueError, match=message):
        ensemble.set_params(**parameters).fit(X_iris[:, :2], y_iris)
    assert ensemble.estimators_ is before
    assert ensemble.n_features_in_ == 4


def test_unusable_data():
    ensemble = BackpropEnsembleClassifier(CLASSIFIER, n_estimators=2)
    with pytest.raises(NotFittedError):
        ensemble.predict(X_iris)
    with pytest.raises(ValueError, match="NaN"):
        ensemble.fit(np.full_like(X_iris, np.nan), y_iris)
    # scikit-learn's words, before 1.9 this package's
    with pytest.raises(ValueError, match=r"non-zero|sample_weight is zero for every sample"):
        ensemble.fit(X_iris, y_iris, np.zeros(150))
    ensemble.fit(X_iris, y_iris)
    with pytest.raises(ValueError, match="X has 2 features, but BackpropEnsembleClassifier"):
        ensemble.predict(X_iris[:, :2])


# ONNX


@pytest.mark.parametrize(
    "ensemble",
    [
        (BackpropEnsembleClassifier(), np.arange(150) % 2),
        (BackpropEnsembleClassifier(), y_iris),
        (BackpropEnsembleClassifier(), np.c_[y_iris > 0, y_iris > 1]),
        (BackpropEnsembleRegressor(), y_iris),
        (BackpropEnsembleRegressor(), np.c_[y_iris, -1e6 * y_iris]),
        (BackpropEnsembleRegressor(BackpropRegressor(loss="gaussian")), y_iris),
    ],
    ids=["two", "three", "labels", "number", "numbers", "gaussian"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_onnx_model_answers_as_the_ensemble(ensemble):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    model, y = ensemble
    network = model.estimator or model._template()
    network.set_params(hidden_layer_sizes=8, max_iter=5)
    model.set_params(estimator=network, n_estimators=3, random_state=0).fit(X_iris, y)
    session = onnxruntime.InferenceSession(model.to_onnx().SerializeToString())
    (answer,) = session.run(None, {"X": X_iris})
    classes = isinstance(model, BackpropEnsembleClassifier)
    expected = model.predict_proba(X_iris) if classes else model.predict(X_iris)
    assert answer.shape == expected.shape
    np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-6)
