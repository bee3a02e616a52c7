"""The estimators inside scikit-learn's tools, on real data."""

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.ensemble import BaggingClassifier, StackingRegressor, VotingClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import SelectKBest
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import Ridge
from sklearn.metrics import log_loss, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    train_test_split,
)
from sklearn.multioutput import ClassifierChain, MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.optimizers import SGD, AdamW

pytestmark = [
    pytest.mark.filterwarnings("ignore:Maximum iterations"),
    pytest.mark.filterwarnings("ignore:L-BFGS reached a limit"),
    pytest.mark.filterwarnings("ignore:Stochastic Optimizer"),
]

IRIS = load_iris(return_X_y=True)
WINE = load_wine(return_X_y=True)
CANCER = load_breast_cancer(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True, scaled=False)  # in its raw units


def make(cls=BackpropClassifier, **parameters):
    defaults = {"hidden_layer_sizes": (8,), "max_iter": 30, "random_state": 0}
    return cls(**defaults | {"learning_rate_init": 0.02} | parameters)


def folds(n_splits=3):
    return StratifiedKFold(n_splits, shuffle=True, random_state=0)


def score_by_hand(estimator, X, y, cv):
    """Return each fold's score from a plain loop of fit and score."""
    return np.array(
        [
            clone(estimator).fit(X[train], y[train]).score(X[test], y[test])
            for train, test in cv.split(X, y)
        ]
    )


# ---------------------------------------------------------------- searching


def test_grid_search_finds_the_best_by_hand():
    X, y = WINE
    grid = {"alpha": [1e-4, 1000.0], "learning_rate_init": [1e-5, 0.02]}
    search = GridSearchCV(make(), grid, cv=folds()).fit(X, y)
    by_hand = [
        score_by_hand(make(**params), X, y, folds()).mean()
        for params in search.cv_results_["params"]
    ]
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], by_hand, rtol=1e-12)
    assert search.best_params_ == {"alpha": 1e-4, "learning_rate_init": 0.02}
    assert search.best_score_ > 0.95
    np.testing.assert_array_equal(search.predict(X), make(alpha=1e-4).fit(X, y).predict(X))


def test_grid_search_over_a_component_and_its_parameters():
    X, y = WINE
    solver = AdamW()
    grid = [{"solver__weight_decay": [0.0, 0.01, 45.0]}, {"solver": [SGD(), "adam"]}]
    search = GridSearchCV(make(solver=solver), grid, cv=folds()).fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    by_hand = score_by_hand(make(solver=AdamW(weight_decay=45.0)), X, y, folds()).mean()
    assert scores[2] == pytest.approx(by_hand, rel=1e-12)
    assert min(scores[[0, 1, 4]]) > 0.94  # all but the decay that leaves nothing
    assert scores[2] < 0.8
    assert solver.get_params() == AdamW().get_params()  # the search worked on clones


def test_randomized_search():
    X, y = CANCER
    pipeline = make_pipeline(MinMaxScaler(), make(max_iter=10))
    space = {
        "backpropclassifier__hidden_layer_sizes": [(), (4,), (8, 4)],
        "backpropclassifier__activation": ["relu", "tanh", "gelu"],
        "backpropclassifier__dtype": ["float32", "float64"],
    }
    search = RandomizedSearchCV(pipeline, space, n_iter=5, cv=folds(), random_state=0).fit(X, y)
    assert len(search.cv_results_["params"]) == 5
    assert search.best_score_ == max(search.cv_results_["mean_test_score"]) > 0.95
    by_hand = score_by_hand(clone(pipeline).set_params(**search.best_params_), X, y, folds())
    assert search.best_score_ == pytest.approx(by_hand.mean(), rel=1e-12)


def test_halving_grid_search():
    X, y = CANCER
    grid = {"learning_rate_init": [1e-6, 1e-5, 0.02], "activation": ["relu", "tanh", "logistic"]}
    search = HalvingGridSearchCV(
        make(max_iter=10), grid, factor=3, cv=folds(), random_state=0, min_resources=60
    ).fit(X, y)
    assert search.n_candidates_ == [9, 3, 1]
    assert search.best_params_["learning_rate_init"] == 0.02
    assert search.best_score_ > 0.93


# ---------------------------------------------------------------- cross-validation


def test_cross_validate_regression_on_raw_data():
    X, y = DIABETES
    cv = KFold(5, shuffle=True, random_state=0)
    result = cross_validate(
        BackpropRegressor(random_state=0), X, y, cv=cv, scoring=("r2", "neg_mean_squared_error"),
        return_estimator=True,
    )  # fmt: skip
    by_hand = [
        r2_score(y[test], fitted.predict(X[test]))
        for fitted, (_, test) in zip(result["estimator"], cv.split(X), strict=True)
    ]
    np.testing.assert_allclose(result["test_r2"], by_hand, rtol=1e-12)
    assert np.mean(by_hand) >= 0.42
    mlp = cross_val_score(MLPRegressor(random_state=0, max_iter=50), X, y, cv=cv)
    assert np.mean(by_hand) > mlp.mean() + 0.2


def test_cross_val_predict_gives_probabilities_of_rows_not_seen():
    X, y = IRIS
    P = cross_val_predict(make(max_iter=60), X, y, cv=folds(), method="predict_proba")
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-12)
    assert log_loss(y, P) < 0.25
    for train, test in folds().split(X, y):
        expected = make(max_iter=60).fit(X[train], y[train]).predict_proba(X[test])
        np.testing.assert_array_equal(P[test], expected)


def test_learning_curve_rises():
    X, y = load_digits(return_X_y=True)
    sizes, train, test = learning_curve(
        make(max_iter=15), X[:900], y[:900], train_sizes=[30, 600], cv=folds(),
        shuffle=True, random_state=0,
    )  # fmt: skip
    assert list(sizes) == [30, 600]
    assert test[1].mean() > 0.85 > test[0].mean() + 0.15
    assert train[1].mean() > test[1].mean()


def test_learning_curve_by_partial_fit_is_partial_fit_by_hand():
    X, y = WINE
    cv = [(np.arange(0, 178, 2), np.arange(1, 178, 2))]
    X_train, y_train = X[::2], y[::2]
    estimator = make(batch_size=10)
    *_, test = learning_curve(
        estimator, X, y, train_sizes=[30, 60, 89], cv=cv, exploit_incremental_learning=True
    )
    by_hand, classifier = [], clone(estimator)
    for start, stop in ((0, 30), (30, 60), (60, 89)):
        part = slice(start, stop)
        classifier.partial_fit(X_train[part], y_train[part], classes=[0, 1, 2])
        by_hand.append([classifier.score(X[1::2], y[1::2])])
    np.testing.assert_array_equal(test, by_hand)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_two_jobs_give_what_one_gives(backend):
    X, y = WINE
    with joblib.parallel_backend(backend):
        two = cross_validate(make(), X, y, cv=folds(4), n_jobs=2, return_estimator=True)
    one = cross_validate(make(), X, y, cv=folds(4), return_estimator=True)
    np.testing.assert_array_equal(one["test_score"], two["test_score"])
    for a, b in zip(one["estimator"], two["estimator"], strict=True):
        for W, V in zip(a.coefs_, b.coefs_, strict=True):
            np.testing.assert_allclose(W, V, rtol=1e-9, atol=1e-12)


# ---------------------------------------------------------------- composition


def test_pipeline_is_its_steps_one_by_one():
    X, y = CANCER
    train, test = train_test_split(np.arange(len(y)), random_state=0, stratify=y)
    pipeline = Pipeline([("select", SelectKBest(k=12)), ("net", make(early_stopping=True))])
    pipeline.fit(X[train], y[train])
    selected = SelectKBest(k=12).fit(X[train], y[train])
    alone = make(early_stopping=True).fit(selected.transform(X[train]), y[train])
    expected = alone.predict_proba(selected.transform(X[test]))
    np.testing.assert_array_equal(pipeline.predict_proba(X[test]), expected)
    assert pipeline.score(X[test], y[test]) > 0.93
    assert pipeline[-1].n_features_in_ == 12


def test_column_transformer_with_names_and_sparse_output():
    data = load_diabetes(as_frame=True, scaled=False)
    X = data.data.assign(sex=data.data["sex"].map({1.0: "f", 2.0: "m"}))
    numeric = X.columns.drop("sex").tolist()
    scores, linear = {}, {"hidden_layer_sizes": (), "solver": "lbfgs", "standardize": False}
    for sparse in (True, False):
        encode = OneHotEncoder(sparse_output=sparse)
        columns = ColumnTransformer(
            [("number", StandardScaler(), numeric), ("category", encode, ["sex"])],
            sparse_threshold=float(sparse),
        )
        pipeline = make_pipeline(columns, make(BackpropRegressor, **linear))
        if not sparse:
            pipeline.set_output(transform="pandas")
        pipeline.fit(X, data.target)
        scores[sparse] = pipeline.score(X, data.target)
    names = pipeline[-1].feature_names_in_
    assert list(names) == [f"number__{name}" for name in numeric] + [
        "category__sex_f",
        "category__sex_m",
    ]
    assert scores[True] == pytest.approx(scores[False], rel=1e-4)
    assert scores[True] == pytest.approx(0.518, abs=0.002)  # least squares


def test_transformed_target_is_what_standardize_does():
    X, y = DIABETES
    inner = make_pipeline(StandardScaler(), make(BackpropRegressor, standardize=False))
    outer = TransformedTargetRegressor(inner, transformer=StandardScaler()).fit(X, y)
    ours = make(BackpropRegressor).fit(X, y)
    np.testing.assert_allclose(ours.predict(X), outer.predict(X), rtol=1e-9)


def test_voting_averages_probabilities():
    X, y = WINE
    members = [("net", make()), ("deep", make(hidden_layer_sizes=(8, 8))), ("bayes", GaussianNB())]
    voting = VotingClassifier(members, voting="soft").fit(X[::2], y[::2])
    each = [clone(member).fit(X[::2], y[::2]).predict_proba(X[1::2]) for _, member in members]
    np.testing.assert_allclose(voting.predict_proba(X[1::2]), np.mean(each, axis=0), rtol=1e-12)
    assert voting.score(X[1::2], y[1::2]) > 0.94


def test_bagging_averages_probabilities():
    X, y = CANCER
    bagging = BaggingClassifier(make(max_iter=8), n_estimators=4, max_features=0.5, random_state=0)
    bagging.fit(X[::2], y[::2])
    columns = zip(bagging.estimators_, bagging.estimators_features_, strict=True)
    each = [member.predict_proba(X[1::2][:, chosen]) for member, chosen in columns]
    np.testing.assert_allclose(bagging.predict_proba(X[1::2]), np.mean(each, axis=0), rtol=1e-12)
    assert bagging.score(X[1::2], y[1::2]) > 0.93
    assert len({member.coefs_[0][0, 0] for member in bagging.estimators_}) == 4


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration_mends_an_overconfident_network(method):
    X, y = CANCER
    X, y = X[:, :4], y  # few features, so that there is something to be wrong about
    train, test = train_test_split(np.arange(len(y)), random_state=1, stratify=y)
    network = make(solver="lbfgs", hidden_layer_sizes=(50,), alpha=0.0, max_iter=200)
    alone = clone(network).fit(X[train], y[train]).predict_proba(X[test])
    calibrated = CalibratedClassifierCV(network, method=method, cv=folds()).fit(X[train], y[train])
    P = calibrated.predict_proba(X[test])
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-9)
    assert log_loss(y[test], P) < 0.9 * log_loss(y[test], alone)


def test_stacking_and_multioutput():
    X, y = DIABETES
    net, ridge = make(BackpropRegressor, max_iter=15), make_pipeline(StandardScaler(), Ridge())
    stack = StackingRegressor([("net", net), ("ridge", ridge)], cv=KFold(3)).fit(X[::2], y[::2])
    assert stack.score(X[1::2], y[1::2]) > 0.4
    Y = np.c_[y, X[:, 2]]
    both = MultiOutputRegressor(net).fit(X, Y)
    np.testing.assert_array_equal(both.predict(X)[:, 0], clone(net).fit(X, y).predict(X))
    labels = np.c_[y > 100, y > 150].astype(int)
    chain = ClassifierChain(make(max_iter=15)).fit(X, labels)
    assert chain.score(X, labels) > np.mean(np.all(labels == [1, 1], axis=1)) + 0.1


# ---------------------------------------------------------------- inspection


def test_permutation_importance_finds_the_feature_that_matters():
    X, y = IRIS
    noise = np.random.RandomState(0).normal(size=(150, 1))
    X = np.hstack([X, 100 * noise])
    network = make(max_iter=60).fit(X, y)
    result = permutation_importance(network, X, y, n_repeats=5, random_state=0)
    assert set(np.argsort(result.importances_mean)[-2:]) == {2, 3}  # length and width of petals
    assert abs(result.importances_mean[4]) < 0.1 < result.importances_mean[3]


def test_partial_dependence_is_the_mean_prediction():
    X, y = DIABETES
    network = make(BackpropRegressor).fit(X, y)
    result = partial_dependence(network, X, features=[2], grid_resolution=5, kind="average")
    by_hand = []
    for value in result["grid_values"][0]:
        at_value = X.copy()
        at_value[:, 2] = value
        by_hand.append(network.predict(at_value).mean())
    np.testing.assert_allclose(result["average"][0], by_hand, rtol=1e-9)
    assert by_hand[-1] > by_hand[0] + 20  # the disease goes on faster with the body mass index


# ---------------------------------------------------------------- metadata routing


def test_sample_weight_is_routed_through_a_pipeline():
    X, y = WINE
    weights = np.where(y == 0, 5.0, 0.5)
    with sklearn.config_context(enable_metadata_routing=True):
        net = make().set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        routed = make_pipeline(scaler, net).fit(X, y, sample_weight=weights)
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            make_pipeline(scaler, make()).fit(X, y, sample_weight=weights)
    scaled = StandardScaler().fit_transform(X)
    weighted, plain = make().fit(scaled, y, weights), make().fit(scaled, y)
    np.testing.assert_array_equal(routed.predict_proba(X), weighted.predict_proba(scaled))
    assert np.abs(weighted.predict_proba(scaled) - plain.predict_proba(scaled)).max() > 1e-3


def test_sample_weight_is_routed_through_a_grid_search():
    X, y = WINE
    weights = np.random.RandomState(0).uniform(0.1, 3, size=len(y))
    grid = {"alpha": [0.01, 100.0]}
    with sklearn.config_context(enable_metadata_routing=True):
        net = make().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search = GridSearchCV(net, grid, cv=folds()).fit(X, y, sample_weight=weights)
    for alpha, mean in zip(grid["alpha"], search.cv_results_["mean_test_score"], strict=True):
        scores = []
        for train, test in folds().split(X, y):
            fitted = make(alpha=alpha).fit(X[train], y[train], weights[train])
            scores.append(fitted.score(X[test], y[test], weights[test]))
        assert mean == pytest.approx(np.mean(scores), rel=1e-12)
    same = make(**search.best_params_).fit(X, y, weights)
    np.testing.assert_array_equal(search.predict_proba(X), same.predict_proba(X))
