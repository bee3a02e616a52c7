"""Successive halving: each rung is what a search to its epoch finds, and nothing trains twice."""

import gc
import pickle
import weakref

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, ShuffleSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_backprop import BackpropClassifier, BackpropEnsembleClassifier, BackpropRegressor
from sklearn_backprop._fitting.loop import FitLoop
from sklearn_backprop.model_selection import SuccessiveHalvingSearchCV
from sklearn_backprop.model_selection._halving import rungs
from sklearn_backprop.model_selection._tasks import Rungs
from sklearn_backprop.tabular import TabularClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, y = load_breast_cancer(return_X_y=True)
X, y = X[::3], y[::3]
GRID = {"alpha": [1e-4, 1.0, 10.0], "learning_rate_init": [1e-4, 1e-3, 1e-2]}


def network(**more):
    options = {"hidden_layer_sizes": (8,), "batch_size": 32, "max_iter": 9, "random_state": 0}
    return BackpropClassifier(**options | more)


def search(estimator, grid=GRID, **more):
    return SuccessiveHalvingSearchCV(estimator, grid, cv=3, **more)


def rows_of(found, n_epochs, prefix=""):
    """Yield each candidate of a rung without its epochs, and its row of the results."""
    for row in np.flatnonzero(found.cv_results_["n_resources"] == n_epochs):
        params = dict(found.cv_results_["params"][row])
        assert params.pop(f"{prefix}max_iter") == n_epochs
        yield params, row


OPTIONS = {
    "plain": {},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 2},
    "dropout": {"dropout": 0.3},
    "sgd": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 1},
    "converges": {"tol": 1.0, "n_iter_no_change": 1},
    "L-BFGS": {"solver": "lbfgs"},
}


@pytest.mark.parametrize(
    ("name", "n_jobs"), [*((name, 1) for name in OPTIONS), ("plain", 2), ("dropout", 2)]
)
def test_each_rung_has_the_scores_of_a_search_to_its_epoch(name, n_jobs):
    estimator = network(**OPTIONS[name])
    found = search(estimator, n_jobs=n_jobs, return_train_score=True).fit(X, y)
    assert found.n_resources_ == [1, 3, 9]
    assert found.n_candidates_ == [9, 3, 1]
    for n_epochs in found.n_resources_:
        by_grid = GridSearchCV(clone(estimator).set_params(max_iter=n_epochs), GRID, cv=3,
                               return_train_score=True).fit(X, y).cv_results_  # fmt: skip
        for params, row in rows_of(found, n_epochs):
            same = by_grid["params"].index(params)
            for key in by_grid:
                if key.endswith("score") and not key.startswith("rank"):
                    np.testing.assert_equal(found.cv_results_[key][row], by_grid[key][same])


def test_a_planned_learning_rate_is_planned_for_the_last_epoch():
    found = search(network(learning_rate="cosine")).fit(X, y)
    full = GridSearchCV(network(learning_rate="cosine"), GRID, cv=3).fit(X, y).cv_results_
    for params, row in rows_of(found, 9):
        same = full["params"].index(params)
        assert found.cv_results_["mean_test_score"][row] == full["mean_test_score"][same]


@pytest.mark.parametrize("seed", [0, None])
def test_no_epoch_is_trained_twice(seed, monkeypatch):
    epochs = []
    original = FitLoop.end_of_epoch
    monkeypatch.setattr(
        FitLoop,
        "end_of_epoch",
        lambda loop, loss: epochs.append(id(loop)) or original(loop, loss),
    )
    search(network(tol=0, random_state=seed), refit=False).fit(X, y)
    # 3 folds: 9 candidates to epoch 1, three of them to 3, one to 9
    assert len(epochs) == 3 * (9 * 1 + 3 * 2 + 1 * 6)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_pipeline_and_its_own_parameters(n_jobs):
    pipeline = make_pipeline(StandardScaler(), network(standardize=False))
    grid = {"standardscaler__with_mean": [True, False],
            "backpropclassifier__alpha": [1e-4, 1.0]}  # fmt: skip
    found = search(pipeline, grid, factor=2, n_jobs=n_jobs).fit(X, y)
    assert found.n_candidates_ == [4, 2, 1]
    full = GridSearchCV(pipeline, grid, cv=3).fit(X, y).cv_results_
    for params, row in rows_of(found, 9, "backpropclassifier__"):
        same = full["params"].index(params)
        assert found.cv_results_["mean_test_score"][row] == full["mean_test_score"][same]


def test_the_best_is_one_of_the_last_rung_and_is_fitted_on_all_rows():
    found = search(network()).fit(X, y)
    assert found.cv_results_["iter"][found.best_index_] == 2
    again = network(**found.best_params_).fit(X, y)
    np.testing.assert_array_equal(found.predict_proba(X), again.predict_proba(X))
    assert found.best_estimator_.n_iter_ == 9


def test_worse_candidates_are_dropped():
    results = search(network()).fit(X, y).cv_results_
    for rung in (0, 1):
        scores = results["mean_test_score"][results["iter"] == rung]
        params = [p for p, i in zip(results["params"], results["iter"], strict=True) if i == rung]
        later = [p for p, i in zip(results["params"], results["iter"], strict=True) if i > rung]
        kept = [any(p == q | {"max_iter": p["max_iter"]} for q in later) for p in params]
        assert scores[kept].min() >= scores[np.logical_not(kept)].max()


def test_random_candidates_and_splits_that_would_differ_each_time():
    found = SuccessiveHalvingSearchCV(
        network(),
        {"alpha": loguniform(1e-5, 10)},
        n_candidates=6,
        cv=ShuffleSplit(2, test_size=0.3),
        factor=2,
        random_state=0,
    ).fit(X, y)
    assert found.n_candidates_ == [6, 3, 2, 1]
    by_alpha = {}
    for params, row in zip(found.cv_results_["params"], range(12), strict=True):
        by_alpha.setdefault(params["alpha"], []).append(found.cv_results_["iter"][row])
    assert sorted(map(len, by_alpha.values())) == [1, 1, 1, 2, 3, 4]


@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_a_candidate_that_fails_is_dropped():
    with pytest.warns(FitFailedWarning):
        found = search(network(), {"alpha": [1e-4, -1.0, 1.0]}, refit=False).fit(X, y)
    alone = search(network(), {"alpha": [1e-4, 1.0]}, refit=False, min_epochs=3).fit(X, y)
    assert np.isnan(found.cv_results_["mean_test_score"][1])
    assert found.cv_results_["mean_test_score"][-1] == alone.cv_results_["mean_test_score"][-1]


def test_regression_with_several_scores():
    X, y = load_diabetes(return_X_y=True)
    network = BackpropRegressor(hidden_layer_sizes=(4,), max_iter=4, random_state=0)
    scoring = ["r2", "neg_mean_absolute_error"]
    found = SuccessiveHalvingSearchCV(
        network, {"alpha": [1e-4, 10.0, 1e3, 1e4]}, factor=2, cv=KFold(3), scoring=scoring,
        refit="neg_mean_absolute_error",
    ).fit(X[:100], y[:100])  # fmt: skip
    last = found.cv_results_["iter"] == 2
    assert found.best_score_ == found.cv_results_["mean_test_neg_mean_absolute_error"][last].max()
    with pytest.raises(ValueError, match="refit must name the one"):
        SuccessiveHalvingSearchCV(network, {"alpha": [1, 2]}, scoring=scoring,
                                  refit=False).fit(X, y)  # fmt: skip


def test_sample_weights_and_pickle():
    weights = np.arange(len(X)) % 3
    found = search(network()).fit(X, y, sample_weight=weights)
    other = search(network()).fit(X, y)
    assert not np.array_equal(found.predict_proba(X), other.predict_proba(X))
    copy = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(copy.predict(X), found.predict(X))


def test_only_the_last_rung_warns_that_training_was_cut_short(recwarn):
    search(network(tol=0), refit=False).fit(X, y)
    messages = [w.message for w in recwarn if issubclass(w.category, ConvergenceWarning)]
    assert len(messages) == 3


SEEDS = {"None": lambda: None, "RandomState": lambda: np.random.RandomState(5)}
PAUSING = {name: options for name, options in OPTIONS.items() if name != "L-BFGS"}


@pytest.mark.parametrize("seed", SEEDS.values(), ids=SEEDS)
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_without_a_seed_the_stream_goes_on_and_stays_the_users(options, seed):
    def found():
        np.random.seed(2)
        return search(network(**options, random_state=seed()), factor=2).fit(X, y)

    one, other = found(), found()
    np.testing.assert_array_equal(*(f.cv_results_["mean_test_score"] for f in (one, other)))
    assert one.n_candidates_ == [9, 5, 3, 2]
    assert (one.best_estimator_.random_state is None) == (seed() is None)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_without_a_seed_a_pipeline(n_jobs):
    pipeline = make_pipeline(StandardScaler(), network(random_state=None))
    grid = {"backpropclassifier__alpha": [1e-4, 1.0]}
    found = search(pipeline, grid, factor=2, n_jobs=n_jobs).fit(X, y)
    assert found.best_estimator_[-1].random_state is None


@pytest.mark.parametrize("options", PAUSING.values(), ids=PAUSING)
def test_only_paused_networks_are_kept(options, monkeypatch):
    alive, left = weakref.WeakSet(), []
    begin, following = FitLoop.begin, Rungs.next

    def begun(loop, *args):
        alive.add(loop)
        begin(loop, *args)

    def next_rung(rungs, candidates):
        following(rungs, candidates)
        left.append(len(alive))

    monkeypatch.setattr(FitLoop, "begin", begun)
    monkeypatch.setattr(Rungs, "next", next_rung)
    gc.disable()  # nothing goes in circles, either
    try:
        search(network(**options), refit=False).fit(X, y)
    finally:
        gc.enable()
    # of 9 candidates in 3 folds; one that has ended by itself needs its loop no more
    assert all(n <= most for n, most in zip(left, [0, 9, 3], strict=True))
    assert not alive


def test_equal_candidates_train_apart():
    alpha = 0.5
    found = search(network(), [{"alpha": [alpha]}, {"alpha": [alpha]}], factor=1.5).fit(X, y)
    assert found.n_candidates_ == [2, 2, 2]
    results = found.cv_results_
    for n_epochs in found.n_resources_:
        full = GridSearchCV(network(max_iter=n_epochs), {"alpha": [alpha]}, cv=3).fit(X, y)
        scores = results["mean_test_score"][results["n_resources"] == n_epochs]
        np.testing.assert_array_equal(scores, full.cv_results_["mean_test_score"][0])


def test_the_names_of_scikit_learns_coming_release():
    found = search(network()).fit(X, y)
    every, all_rows = found.cv_results_, found.all_cv_results_
    assert every.keys() - all_rows.keys() == {"rank_test_score"}
    assert all(all_rows[name] is every[name] for name in all_rows)


# what it can search

EPOCHS = {
    "max_iter": network(),
    "backpropclassifier__max_iter": make_pipeline(StandardScaler(), network()),
    "pipeline__net__max_iter": make_pipeline(Pipeline([("net", network())])),
    "estimator__max_iter": BackpropEnsembleClassifier(network(), n_estimators=2, random_state=0),
    "estimator__backpropclassifier__max_iter": BaggingClassifier(
        make_pipeline(StandardScaler(), network()), n_estimators=2, random_state=0
    ),
    # whose own max_iter counts something else
    "selftrainingclassifier__estimator__max_iter": make_pipeline(
        StandardScaler(), SelfTrainingClassifier(network(), max_iter=2)
    ),
}


@pytest.mark.filterwarnings("ignore:y contains no unlabeled samples")
@pytest.mark.parametrize(("name", "estimator"), EPOCHS.items(), ids=EPOCHS)
def test_the_epochs_of_a_network_inside_are_found(name, estimator):
    grid = {name.replace("max_iter", "alpha"): [1e-4, 10.0]}
    found = search(estimator, grid, factor=2, max_epochs=4).fit(X, y)
    assert found.resource_ == name
    assert [params[name] for params in found.cv_results_["params"]] == [2, 2, 4]
    named = search(estimator, grid, factor=2, max_epochs=4, resource=name).fit(X, y)
    for column in ("mean_test_score", "n_resources"):
        np.testing.assert_array_equal(named.cv_results_[column], found.cv_results_[column])
    by_grid = GridSearchCV(clone(estimator).set_params(**{name: 2}), grid, cv=3).fit(X, y)
    np.testing.assert_array_equal(
        found.cv_results_["mean_test_score"][:2], by_grid.cv_results_["mean_test_score"]
    )


def test_the_network_of_transformed_targets():
    X, y = load_diabetes(return_X_y=True)
    inner = make_pipeline(StandardScaler(), BackpropRegressor(hidden_layer_sizes=(4,)))
    found = SuccessiveHalvingSearchCV(
        TransformedTargetRegressor(inner, transformer=StandardScaler()),
        {"regressor__backpropregressor__alpha": [0.1, 1.0]}, factor=2, max_epochs=4, cv=2,
    ).fit(X[:60], y[:60])  # fmt: skip
    assert found.resource_ == "regressor__backpropregressor__max_iter"
    assert found.n_resources_ == [2, 4]


def test_the_estimators_for_tables():
    tables = TabularClassifier(n_estimators=1, hidden_layer_sizes=4, random_state=0)
    found = search(tables, {"dropout": [0.0, 0.5]}, factor=2, max_epochs=4).fit(X, y)
    assert found.resource_ == "max_iter"
    assert found.best_estimator_.max_iter == 4


def test_of_other_estimators_the_user_says_what_counts():
    logistic = LogisticRegression(solver="liblinear")
    assert search(logistic, {"C": [1, 2]}, factor=2, max_epochs=4).fit(X, y).resource_ == "max_iter"
    forest = RandomForestClassifier(random_state=0)
    options = {"factor": 2, "max_epochs": 4, "resource": "n_estimators"}
    found = search(forest, {"max_depth": [1, 3]}, **options).fit(X, y)
    assert found.best_estimator_.n_estimators == 4
    # a parameter that is no epoch: nothing pauses
    found = search(network(), {"alpha": [0.1, 1.0]}, **options | {"resource": "n_iter_no_change"})
    assert found.fit(X, y).best_estimator_.n_iter_no_change == 4


TWO = VotingClassifier([("a", network()), ("b", network())])
REFUSED = [
    (RandomForestClassifier(), {}, "RandomForestClassifier.* It can search BackpropClassifier"),
    (BackpropEnsembleClassifier(), {}, r"BackpropEnsembleClassifier\(BackpropClassifier\(\)\)"),
    (TWO, {}, "resource='a__max_iter' or resource='b__max_iter'"),
    (TWO, {"resource": "max_iter"}, "resource='max_iter'.*a__max_iter, b__max_iter"),
    (network(), {"grid": {"max_iter": [2, 3]}}, "max_iter counts the epochs"),
    (network(), {"resource": "max_time"}, "max_epochs must be an int"),
]


@pytest.mark.parametrize(("estimator", "given", "message"), REFUSED)
def test_what_it_cannot_search_is_named(estimator, given, message):
    halving = search(estimator, **{"grid": {"alpha": [1, 2]}} | given)
    with pytest.raises(ValueError, match=message):
        halving.fit(X, y)
    assert set(vars(halving)) == set(vars(clone(halving)))


@pytest.mark.parametrize(
    ("n_candidates", "factor", "min_epochs", "max_epochs", "expected"),
    [
        (9, 3, None, 90, [10, 30, 90]),
        (10, 3, None, 90, [3, 10, 30, 90]),
        (1, 3, None, 90, [90]),
        (100, 3, 10, 90, [10, 30, 90]),
        (100, 2, None, 4, [1, 2, 4]),
        (5, 4, None, 100, [6, 25, 100]),
    ],
)
def test_rungs(n_candidates, factor, min_epochs, max_epochs, expected):
    assert rungs(n_candidates, factor, min_epochs, max_epochs) == expected


@pytest.mark.parametrize("wrong", [{"factor": 1}, {"min_epochs": 10}, {"max_epochs": 0}])
def test_wrong_rungs(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        search(network(), **wrong).fit(X, y)
