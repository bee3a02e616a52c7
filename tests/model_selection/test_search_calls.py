"""How scikit-learn's calls are taken over: which are known, what they share, where they run."""

import inspect
from functools import wraps
from itertools import count

import joblib
import numpy as np
import pytest
import sklearn.model_selection
from same_searches import assert_as_sklearn, assert_same_result
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import _search, _validation
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._bunch import Bunch

import sklearn_backprop.model_selection
from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop._engine.samples import is_memory_mapped
from sklearn_backprop._numerics.memo import Memo
from sklearn_backprop.model_selection import _calls as search_calls
from sklearn_backprop.model_selection import _tasks as search_tasks

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
OURS, THEIRS = sklearn_backprop.model_selection, sklearn.model_selection
IRIS = load_iris(return_X_y=True)
X, y = (array[:120] for array in load_diabetes(return_X_y=True))
WEIGHT = np.random.RandomState(0).uniform(0, 2, 120) ** 4
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 5, "learning_rate_init": 0.02, "random_state": 0}
ALPHAS = {"alpha": [0.1, 1.0]}


def scaled(first=None):
    return Pipeline([("scale", first or StandardScaler()), ("net", BackpropRegressor(**SMALL))])


# a call is known only if all that it is given is

fit_and_score = _validation._fit_and_score
fit_and_predict = _validation._fit_and_predict


def signed(removed, *added, first=()):
    """Give a function the signature that scikit-learn's has, but for some parameters."""

    def decorate(function):
        own = inspect.signature(fit_and_score)
        kept = [p for name, p in own.parameters.items() if name not in removed]
        new = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in added]
        before = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in first]
        before += [p.replace(kind=p.POSITIONAL_ONLY) for p in kept[:3]] if first else kept[:3]
        function.__signature__ = own.replace(parameters=[*before, *kept[3:], *new])
        return function

    return decorate


@signed({"fit_params", "score_params"}, "routed_params")
def renamed(estimator, X, y, *, routed_params, **others):
    """Take what scikit-learn's coming release passes."""
    given = {"fit_params": routed_params.estimator.fit, "score_params": routed_params.scorer.score}
    return fit_and_score(estimator, X, y, **given, **others)


@signed(set(), "more_weight")
def with_one_more(estimator, X, y, *, fit_params, more_weight=1.0, **others):
    weighted = {"sample_weight": more_weight * fit_params["sample_weight"]}
    return fit_and_score(estimator, X, y, fit_params=weighted, **others)


def of_anything(*args, **kwargs):
    return fit_and_score(*args, **kwargs)


@signed({"train"}, first=["train"])
def with_rows_first(train, estimator, X, y, **others):
    return fit_and_score(estimator, X, y, train=train, **others)


def as_renamed(estimator, X, y, *, fit_params, score_params, **others):
    routed = Bunch(estimator=Bunch(fit=fit_params), scorer=Bunch(score=score_params))
    return renamed, (estimator, X, y), {"routed_params": routed, **others}


def as_with_one_more(estimator, X, y, **others):
    return with_one_more, (estimator, X, y), {"more_weight": 2.0, **others}


def as_of_anything(estimator, X, y, **others):
    return of_anything, (estimator, X, y), others


def as_with_rows_first(estimator, X, y, *, train, **others):
    return with_rows_first, (train, estimator, X, y), others


NEXT = {f.__name__: f for f in (as_renamed, as_with_one_more, as_of_anything, as_with_rows_first)}


def patch(monkeypatch, version):
    """Make scikit-learn call another function; our code takes it for the one it knows."""
    original = _search.delayed

    def delayed(function):
        if function is not fit_and_score:
            return original(function)

        @wraps(function)
        def call(*args, **kwargs):
            other, args, kwargs = version(*args, **kwargs)
            return original(other)(*args, **kwargs)

        return call

    monkeypatch.setattr(_search, "delayed", delayed)
    known = {renamed, with_one_more, of_anything, with_rows_first}
    monkeypatch.setattr(search_calls, "CALLS_THAT_FIT", search_calls.CALLS_THAT_FIT | known)


@pytest.mark.parametrize("version", NEXT.values(), ids=NEXT)
def test_what_is_not_understood_runs_as_scikit_learns_own(version, monkeypatch, stacks):
    patch(monkeypatch, version)

    def case(module, **fit):
        search = module.GridSearchCV(BackpropRegressor(**SMALL), ALPHAS, cv=3)
        return search.fit(X, y, **fit)

    weighted = assert_as_sklearn(
        lambda module: case(module, sample_weight=WEIGHT), stacks, stacked=False
    )
    if version is not as_with_one_more:
        plain = case(OURS)
        scores = [search.cv_results_["mean_test_score"] for search in (weighted, plain)]
        assert not np.allclose(*scores)


def test_todays_calls_are_known(stacks):
    """Of all parameters that scikit-learn's functions have, none is new to us."""
    for function in (fit_and_score, fit_and_predict):
        assert set(inspect.signature(function).parameters) <= search_calls.UNDERSTOOD
    search = OURS.GridSearchCV(BackpropRegressor(**SMALL), ALPHAS, cv=3)
    search.fit(X, y, sample_weight=WEIGHT)
    assert sum(stacks) == 6


# tools patch scikit-learn after this package has been imported

FUNCTIONS = {
    "cross_validate": {},
    "cross_val_score": {},
    "cross_val_predict": {},
    "learning_curve": {"train_sizes": [0.5, 1.0]},
    "validation_curve": {"param_name": "alpha", "param_range": [0.1, 1.0]},
}
SEARCHES = {
    "GridSearchCV": {"param_grid": ALPHAS},
    "RandomizedSearchCV": {"param_distributions": ALPHAS, "n_iter": 2},
    "SuccessiveHalvingSearchCV": {"param_distributions": ALPHAS, "factor": 2},
}


@pytest.mark.parametrize(("name", "given"), FUNCTIONS.items())
def test_a_function_that_is_patched_later_is_called(name, given, monkeypatch, stacks):
    seen, original = [], getattr(THEIRS, name)

    def patched(*args, **kwargs):
        seen.append(name)
        return original(*args, **kwargs)

    monkeypatch.setattr(THEIRS, name, patched)
    getattr(OURS, name)(BackpropRegressor(**SMALL), X, y, cv=3, **given)
    assert seen == [name]
    assert sum(stacks) >= 3


@pytest.mark.parametrize(("name", "given"), SEARCHES.items())
@pytest.mark.parametrize("patched_class", ["its own", "the base"])
def test_a_fit_that_is_patched_later_is_called(name, given, patched_class, monkeypatch, stacks):
    theirs = THEIRS.RandomizedSearchCV if "Halving" in name else getattr(THEIRS, name)
    patched_class = theirs if patched_class == "its own" else _search.BaseSearchCV
    seen, original = [], patched_class.fit

    def fit(self, *args, **kwargs):
        seen.append(type(self))
        return original(self, *args, **kwargs)

    monkeypatch.setattr(patched_class, "fit", fit)
    ours = getattr(OURS, name)
    ours(BackpropRegressor(**SMALL), **given, cv=3).fit(X, y)
    assert seen == [ours]
    assert sum(stacks) >= 6


@pytest.mark.parametrize(("name", "given"), FUNCTIONS.items())
def test_ours_may_stand_in_the_place_of_scikit_learns(name, given, monkeypatch):
    arguments = {"estimator": BackpropRegressor(**SMALL), "X": X, "y": y, "cv": 3, **given}
    theirs = getattr(THEIRS, name)(**arguments)
    monkeypatch.setattr(THEIRS, name, getattr(OURS, name))
    assert_same_result(getattr(THEIRS, name)(**arguments), theirs, "times")


# preprocessing that is shared


class Slow(TransformerMixin, BaseEstimator):
    """Takes 12 seconds a fit, by the clock of `timed`."""

    clock = 0.0

    def __init__(self, setting=0):
        self.setting = setting

    def fit(self, X, y=None):
        type(self).clock += 12.0
        return self

    def transform(self, X):
        return X


def test_the_time_of_shared_preprocessing_is_shared_too(monkeypatch):
    monkeypatch.setattr(Slow, "clock", 0.0)
    for module in ("tasks", "turns"):
        monkeypatch.setattr(f"sklearn_backprop._stacks.{module}.perf_counter", lambda: Slow.clock)
    grid = [
        {"net__alpha": [0.1, 1.0, 10.0], "scale__setting": [1]},
        {"net__alpha": [0.1], "scale__setting": [2]},
    ]
    search = OURS.GridSearchCV(scaled(Slow()), grid, cv=2, refit=False).fit(X, y)
    # each of two folds: one fit for three candidates, another for one
    np.testing.assert_allclose(search.cv_results_["mean_fit_time"], [4, 4, 4, 12], rtol=1e-12)
    assert Slow.clock == 12.0 * 4


def test_what_joblib_maps_into_a_process_trains_in_stacks(tmp_path, monkeypatch, stacks):
    """And not alone, by blocks, as what a user maps does."""
    original, paths = search_tasks.apart, map("{}.pkl".format, count())

    def mapped(array):
        path = tmp_path / next(paths)
        joblib.dump(array, path)
        return joblib.load(path, mmap_mode="r")

    def apart(*args):
        calls, tasks, preprocessed, *arrays = original(*args)
        return calls, tasks, preprocessed, *map(mapped, arrays)

    monkeypatch.setattr(search_tasks, "apart", apart)
    read, in_memory = [], search_tasks.in_memory
    monkeypatch.setattr(
        search_tasks, "in_memory", lambda X: read.append(is_memory_mapped(X)) or in_memory(X)
    )
    assert_as_sklearn(
        lambda module: module.GridSearchCV(scaled(), {"net__alpha": [0.1, 1.0]}, cv=2).fit(X, y),
        stacks,
    )
    assert stacks == [4]
    assert read == [True, True]  # once a fold, for all its candidates


def test_a_copy_of_what_is_mapped_is_shared(tmp_path):
    joblib.dump(X, tmp_path / "X.pkl")
    mapped, once = joblib.load(tmp_path / "X.pkl", mmap_mode="r"), Memo()
    first, second = (once(search_tasks.in_memory, mapped) for _ in range(2))
    assert first is second
    assert not is_memory_mapped(first)
    np.testing.assert_array_equal(first, X)
    assert search_tasks.in_memory(first) is first


# as many calls as may be


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("many", [1, 3])
def test_more_calls_than_are_gathered_at_once(many, n_jobs, monkeypatch):
    monkeypatch.setattr(search_tasks, "MANY", many)

    def results(module):
        grid = {"net__alpha": [0.1, 1.0, 3.0, 10.0, 30.0], "scale__with_mean": [True, False]}
        return module.GridSearchCV(scaled(), grid, cv=2, n_jobs=n_jobs).fit(X, y)

    assert_same_result(results(OURS), results(THEIRS))


def test_a_rung_of_more_calls_than_are_gathered_at_once(monkeypatch):
    def results():
        search = OURS.SuccessiveHalvingSearchCV(
            BackpropClassifier(**SMALL), {"alpha": [0.1, 1.0, 10.0]}, max_epochs=9, cv=2
        )
        return search.fit(*IRIS).cv_results_["mean_test_score"]

    at_once = results()
    monkeypatch.setattr(search_tasks, "MANY", 1)
    np.testing.assert_array_equal(results(), at_once)


# networks that print


def printed(capsys, function, *args, **kwargs):
    capsys.readouterr()
    function(*args, **kwargs)
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    return [line.partition("Iteration")[0] for line in lines if "Iteration" in line]


PRINTING = BackpropClassifier(**SMALL | {"max_iter": 2}, verbose=True)
FOLDS = [f"[CV {split}/2; {candidate}/2] " for split in (1, 2) for candidate in (1, 2)]
LABELS = {
    "GridSearchCV": (FOLDS * 2, {"param_grid": ALPHAS, "refit": False}),
    "SuccessiveHalvingSearchCV": (
        [*FOLDS, "[CV 1/2; 1/1] ", "[CV 2/2; 1/1] "],
        {"param_distributions": ALPHAS, "factor": 2, "refit": False},
    ),
    "cross_val_score": (["[1/2] ", "[2/2] "] * 2, {}),
    "cross_val_predict": (["[1/2] ", "[2/2] "] * 2, {}),
}


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("steps", [False, True])
def test_each_line_says_of_which_network_it_is(name, steps, capsys):
    expected, given = LABELS[name]
    estimator = PRINTING
    if steps:
        estimator = Pipeline([("scale", StandardScaler()), ("net", PRINTING)])
        given = {
            key: {"net__alpha": value["alpha"]} if value is ALPHAS else value
            for key, value in given.items()
        }
    function = getattr(OURS, name)
    if "Search" in name:
        lines = printed(capsys, function(estimator, **given, cv=2).fit, *IRIS)
    else:
        lines = printed(capsys, function, estimator, *IRIS, cv=2)
    assert sorted(lines) == sorted(expected)


def test_the_last_line_is_labelled_as_well(capsys):
    impatient = BackpropClassifier(**SMALL | {"max_iter": 9}, verbose=True, tol=10.0)
    impatient.set_params(n_iter_no_change=1)
    OURS.GridSearchCV(impatient, ALPHAS, cv=2, refit=False).fit(*IRIS)
    lines = [line for line in capsys.readouterr().out.splitlines() if "Stopping" in line]
    assert len(lines) == 4
    assert all(line.startswith("[CV ") and "] Training loss" in line for line in lines)


def test_many_fits_are_numbered_and_one_is_not(capsys):
    several = [PRINTING, BackpropClassifier(**SMALL, solver="lbfgs", verbose=True), PRINTING]
    lines = printed(capsys, sklearn_backprop.fit_many, several, *IRIS)
    assert [line for line in lines if line != "[2/3] "] == ["[1/3] ", "[3/3] "] * 2
    assert "[2/3] " in lines
    assert printed(capsys, sklearn_backprop.fit_many, [PRINTING], *IRIS) == ["", ""]
    assert printed(capsys, PRINTING.fit, *IRIS) == ["", ""]
