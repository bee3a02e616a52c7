"""model_selection: all that is neither a score nor a candidate, as in scikit-learn."""

import inspect
import pickle
import re

import joblib
import numpy as np
import pytest
import sklearn.model_selection
from same_fits import assert_same_fit, outcome
from same_searches import assert_as_sklearn, assert_same_result
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_backprop.model_selection
from sklearn_backprop import BackpropClassifier

MODULES = sklearn_backprop.model_selection, sklearn.model_selection
NAMES = (
    *("GridSearchCV", "RandomizedSearchCV", "cross_val_predict", "cross_val_score"),
    *("cross_validate", "learning_curve", "validation_curve"),
)
X, y = load_iris(return_X_y=True)
RANDOM = np.random.RandomState(0)
WEIGHT, GROUPS = RANDOM.uniform(0, 2, 150), RANDOM.randint(5, size=150)
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 5, "learning_rate_init": 0.02, "random_state": 0}
ALPHAS = {"alpha": [0.1, 1.0]}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def network(**more):
    return BackpropClassifier(**SMALL | more)


def scaled(first=None, **more):
    return Pipeline([("scale", first or StandardScaler()), ("net", network())], **more)


# names


@pytest.mark.parametrize("name", NAMES)
def test_only_the_import_changes(name):
    ours, theirs = (getattr(module, name) for module in MODULES)
    assert name in sklearn_backprop.model_selection.__all__
    assert str(inspect.signature(ours)) == str(inspect.signature(theirs))
    assert ours.__name__ == theirs.__name__
    assert ours.__doc__
    assert pickle.loads(pickle.dumps(ours)) is ours
    if inspect.isclass(theirs):
        assert issubclass(ours, theirs)
        assert str(inspect.signature(ours.fit)) == str(inspect.signature(theirs.fit))
        arguments = network(), ALPHAS
        assert repr(ours(*arguments, n_jobs=2)) == repr(theirs(*arguments, n_jobs=2))


def test_a_fitted_search_can_be_pickled_cloned_and_used():
    ours, theirs = (m.GridSearchCV(scaled(), {"net__alpha": [0.1, 1.0]}).fit(X, y) for m in MODULES)
    copy = pickle.loads(pickle.dumps(ours))
    assert_same_result(copy, ours)
    for method in ("predict", "predict_proba", "decision_function", "score_samples", "transform"):
        assert hasattr(copy, method) == hasattr(theirs, method)
    np.testing.assert_array_equal(copy.predict_proba(X), theirs.predict_proba(X))
    assert copy.score(X, y) == theirs.score(X, y)
    assert not hasattr(clone(ours), "cv_results_")
    assert type(clone(ours)) is sklearn_backprop.model_selection.GridSearchCV


def test_estimators_that_are_returned_train_on():
    results = [m.cross_validate(network(), X, y, cv=3, return_estimator=True) for m in MODULES]
    for ours, theirs in zip(*(result["estimator"] for result in results), strict=True):
        assert_same_fit(ours, theirs, X)
        assert_same_fit(ours.partial_fit(X, y), theirs.partial_fit(X, y), X)
        assert "fit" not in vars(ours)


def test_what_is_passed_is_not_changed():
    estimator, grid = scaled(), {"net__alpha": [0.1, 1.0], "scale": [StandardScaler()]}
    before = pickle.dumps((estimator, grid))
    sklearn_backprop.model_selection.GridSearchCV(estimator, grid).fit(X, y)
    assert pickle.dumps((estimator, grid)) == before


def test_without_a_seed_each_candidate_has_a_stream_of_its_own():
    def scores(**given):
        np.random.seed(3)
        grid = {"alpha": [0.0] * 4}
        search = sklearn_backprop.model_selection.GridSearchCV(network(**given), grid, cv=2)
        return search.fit(X, y).cv_results_["split0_test_score"].tolist()

    assert len(set(scores(random_state=None))) > 1
    assert scores(random_state=None) == scores(random_state=None)
    assert len(set(scores())) == 1


# metadata


def routed(grid, estimator, splitter=3, **fit):
    def case(module):
        with config_context(enable_metadata_routing=True):
            return module.GridSearchCV(estimator(), grid, cv=splitter).fit(X, y, **fit)

    return case


def requesting():
    return network().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)


def pipeline_requesting():
    scaler = StandardScaler().set_fit_request(sample_weight=True)
    return Pipeline([("scale", scaler), ("net", requesting())])


NET_ALPHAS = {"net__alpha": [0.1, 1.0]}
ROUTED = {
    "weights": (routed(ALPHAS, requesting, sample_weight=WEIGHT), True),
    "groups": (routed(NET_ALPHAS, scaled, GroupKFold(3), groups=GROUPS), True),
    # a pipeline's own routing decides which step gets what
    "a pipeline": (routed(NET_ALPHAS, pipeline_requesting, sample_weight=WEIGHT), False),
}


@pytest.mark.parametrize(("case", "stacked"), ROUTED.values(), ids=ROUTED)
def test_metadata_is_routed(case, stacked, stacks):
    with config_context(enable_metadata_routing=True):
        assert_as_sklearn(case, stacks, stacked)


def test_metadata_that_nobody_asked_for_is_refused():
    for module in MODULES:
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            routed(ALPHAS, network, sample_weight=WEIGHT)(module)


# callbacks


class Recorder:
    """A callback of scikit-learn 1.9 that keeps all that it is told."""

    def __init__(self):
        self.told = []

    def setup(self, estimator, context):
        self.told.append(("setup", type(estimator).__name__))

    def teardown(self, estimator, context):
        self.told.append(("teardown", type(estimator).__name__))

    def on_fit_task_begin(self, estimator, context, **kwargs):
        self.told.append(("begin", type(estimator).__name__, context.task_name))

    def on_fit_task_end(self, estimator, context, **kwargs):
        self.told.append(("end", type(estimator).__name__, context.task_name))


@pytest.mark.parametrize("on", ["search", "network"])
def test_callbacks_of_a_search_hear_the_same(on, stacks):
    pytest.importorskip("sklearn.callback")
    told = []

    def case(module):
        recorder, estimator = Recorder(), network()
        search = module.GridSearchCV(estimator, ALPHAS, cv=2)
        (search if on == "search" else estimator).set_callbacks(recorder)
        told.append(recorder.told)
        return search.fit(X, y)

    theirs, ours = (case(module) for module in reversed(MODULES))
    assert not stacks
    assert told[0] == told[1]
    assert len(told[0]) > 10
    np.testing.assert_array_equal(
        ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"]
    )


def test_functions_as_callbacks_see_every_epoch(stacks):
    epochs = []
    estimator = network().set_callbacks(lambda record: epochs.append(record["epoch"]))
    sklearn_backprop.model_selection.GridSearchCV(estimator, ALPHAS, cv=2).fit(X, y)
    assert epochs == [1, 2, 3, 4, 5] * 5  # two candidates, two folds, and the refit
    assert not stacks


# what is printed


def without_times(text):
    text = re.sub(r"(total time=|total=|elapsed:)\s*[\d.]+(s|min)", r"\1", text)
    return re.sub(r"\.\.+|[\d.]+(s|min)$", "", text, flags=re.MULTILINE)


PRINTED = {
    **{
        f"verbose={n}": lambda m, n=n: m.GridSearchCV(network(), ALPHAS, verbose=n).fit(X, y)
        for n in (1, 2, 3, 10)
    },
    "faults": lambda m: m.GridSearchCV(network(), {"alpha": [-1, 1]}, verbose=3).fit(X, y),
    "steps": lambda m: m.GridSearchCV(scaled(verbose=True), NET_ALPHAS, verbose=2).fit(X, y),
    "scores": lambda m: m.cross_validate(network(), X, y, verbose=3, scoring=["accuracy"]),
}


@pytest.mark.parametrize("case", PRINTED.values(), ids=PRINTED)
def test_the_same_lines_are_printed(case, capsys):
    printed = []
    for module in MODULES:
        outcome(case, module)
        printed.append(without_times(capsys.readouterr().out))
    assert printed[0] == printed[1]
    assert len(printed[0].splitlines()) > 0


# where it runs


def test_processes_change_nothing():
    def results(module, n_jobs):
        grid = {"net__alpha": [0.1, 1.0], "scale__with_mean": [True, False]}
        search = module.GridSearchCV(scaled(), grid, cv=3, n_jobs=n_jobs).fit(X, y)
        return search.cv_results_, search.best_estimator_

    ours, theirs = results(MODULES[0], 2), results(MODULES[1], None)
    assert_same_result(ours, theirs)


def test_threads_change_nothing(stacks):
    def case(module):
        with joblib.parallel_config("threading", n_jobs=2):
            return module.GridSearchCV(network(), ALPHAS, cv=3).fit(X, y)

    ours = case(MODULES[0])
    assert sum(stacks) == 6
    assert_same_result(ours, case(MODULES[1]))


class Jobs(TransformerMixin, BaseEstimator):
    """Keeps the numbers of jobs that joblib says it may use."""

    def fit(self, X, y=None):
        self.n_jobs_ = [joblib.effective_n_jobs(n) for n in (None, 1, 2)]
        return self

    def transform(self, X):
        return X


def test_a_refit_has_the_jobs_it_would_have():
    for module in MODULES:
        search = module.GridSearchCV(scaled(Jobs()), NET_ALPHAS, cv=2).fit(X, y)
        assert search.best_estimator_["scale"].n_jobs_ == [1, 1, 2]
    backend = type(joblib.parallel.get_active_backend()[0])
    with pytest.raises(ValueError, match="Invalid parameter"):
        MODULES[0].GridSearchCV(network(), {"beta": [1]}).fit(X, y)
    assert type(joblib.parallel.get_active_backend()[0]) is backend


def test_a_parallel_estimator_is_refitted_in_parallel():
    forest = RandomForestClassifier(n_estimators=4, n_jobs=2, random_state=0)
    ours, theirs = (m.GridSearchCV(forest, {"max_depth": [1, 3]}, cv=2).fit(X, y) for m in MODULES)
    assert_same_result(ours.cv_results_, theirs.cv_results_)
    # threads add up the trees' probabilities in any order
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-12)


NESTED = {
    "inside": (0, 1),  # the outer one is ours
    "outside": (1, 0),
    "both": (0, 0),
}


@pytest.mark.parametrize(("outer", "inner"), NESTED.values(), ids=NESTED)
def test_cross_validation_of_a_search(outer, inner, stacks):
    def scores(outer, inner):
        search = MODULES[inner].GridSearchCV(network(), ALPHAS, cv=2)
        return MODULES[outer].cross_val_score(search, X, y, cv=3)

    ours = scores(outer, inner)
    assert stacks == ([4, 4, 4] if inner == 0 else [])
    np.testing.assert_array_equal(ours, scores(1, 1))


# preprocessing is shared


class Counting(StandardScaler):
    """Counts its fits."""

    n_fits = 0

    def fit(self, X, y=None, sample_weight=None):
        type(self).n_fits += 1
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize("module", MODULES, ids=["ours", "scikit-learn's"])
def test_preprocessing_is_fitted_once_a_fold_and_setting(module, monkeypatch):
    monkeypatch.setattr(Counting, "n_fits", 0)
    grid = {"net__alpha": [0.1, 1.0, 10.0], "scale__with_std": [True, False]}
    module.GridSearchCV(scaled(Counting()), grid, cv=4, refit=False).fit(X, y)
    assert Counting.n_fits == (4 * 2 if module is MODULES[0] else 4 * 2 * 3)


def test_a_cache_for_preprocessing_is_used(tmp_path, stacks, monkeypatch):
    def case(module):
        pipeline = scaled(memory=str(tmp_path / module.__name__))
        return module.GridSearchCV(pipeline, NET_ALPHAS, cv=2).fit(X, y)

    ours, theirs = (outcome(case, module)[0] for module in MODULES)
    assert not stacks
    assert_same_result(ours.cv_results_, theirs.cv_results_)
    assert any((tmp_path / MODULES[0].__name__).rglob("*.pkl"))


def test_many_candidates_train_in_few_stacks(stacks):
    # more than one stack takes: all the scores are there, in order
    alphas = np.geomspace(1e-4, 1e4, 40)
    ours, theirs = (
        m.validation_curve(network(max_iter=1), X, y, param_name="alpha", param_range=alphas, cv=3)
        for m in MODULES
    )
    assert sum(stacks) == 120
    assert len(stacks) < 8
    assert_same_result(ours, theirs)
