"""Callbacks of ensembles and of the estimators for tables: they follow each member's epochs."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_backprop import (
    BackpropClassifier,
    BackpropEnsembleClassifier,
    BackpropEnsembleRegressor,
    BackpropRegressor,
)
from sklearn_backprop.tabular import TabularClassifier, TabularRegressor

iris, diabetes = load_iris(as_frame=True), load_diabetes(as_frame=True, scaled=False)
FLOWERS, SPECIES = iris.data, iris.target_names[iris.target]
PATIENTS, PROGRESSION = diabetes.data, diabetes.target.to_numpy()
SHORT = {"hidden_layer_sizes": 5, "learning_rate": "cosine", "learning_rate_init": 0.02}
SHORT |= {"max_iter": 4, "batch_size": 20}
TABLE = {"n_estimators": 2, "hidden_layer_sizes": 6, "max_iter": 4, "random_state": 0}

CASES = {
    "classes": (
        BackpropEnsembleClassifier(BackpropClassifier(**SHORT), n_estimators=2, random_state=0),
        FLOWERS, SPECIES,
    ),
    "bootstrap": (
        BackpropEnsembleClassifier(
            BackpropClassifier(**SHORT), n_estimators=2, random_state=0, bootstrap=True
        ),
        FLOWERS, SPECIES,
    ),
    "numbers": (
        BackpropEnsembleRegressor(BackpropRegressor(**SHORT), n_estimators=2, random_state=0),
        PATIENTS, PROGRESSION,
    ),
    "table of classes": (TabularClassifier(**TABLE), FLOWERS, SPECIES),
    "table of numbers": (
        TabularRegressor(**TABLE),
        PATIENTS.assign(sex=PATIENTS["sex"].map({1.0: "f", 2.0: "m"})), PROGRESSION,
    ),
}  # fmt: skip
each_case = pytest.mark.parametrize("model, X, y", CASES.values(), ids=CASES)


def epochs_of(model):
    """Return the number and the epoch of each member's epochs."""
    return [(k, e) for k, m in enumerate(model.estimators_) for e in m.history_["epoch"]]


def answers(model, X):
    return getattr(model, "predict_proba", model.predict)(X)


# plain functions, with every version of scikit-learn


@each_case
def test_a_function_gets_each_record_of_each_member_and_changes_nothing(model, X, y):
    seen = []
    followed = clone(model).set_callbacks(seen.append)
    weights = np.linspace(1, 2, len(y))
    followed.fit(X, y, weights)
    assert [record["epoch"] for record in seen] == [epoch for _, epoch in epochs_of(followed)]
    losses = [loss for member in followed.estimators_ for loss in member.history_["loss"]]
    assert [record["loss"] for record in seen] == losses
    plain = clone(model).fit(X, y, weights)
    np.testing.assert_allclose(answers(followed, X), answers(plain, X), rtol=1e-4)
    pickle.dumps(followed.estimators_)  # the function is not in them
    assert not any(getattr(member, "_skl_callbacks", None) for member in followed.estimators_)


@each_case
def test_a_true_result_ends_that_member(model, X, y):
    model = clone(model).set_callbacks(lambda record: record["epoch"] == 2)
    model.fit(X, y)
    assert epochs_of(model) == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert np.isfinite(answers(model, X)).all()


@each_case
def test_callbacks_are_set_kept_in_clones_and_removed(model, X, y):
    seen = []
    model = clone(model)
    assert model.set_callbacks(seen.append) is model
    clone(model).fit(X, y)
    assert len(seen) == 8
    model.set_callbacks().fit(X, y)
    assert len(seen) == 8
    with pytest.raises(TypeError, match="callback"):
        model.set_callbacks("loss")


def test_callbacks_of_the_template_are_called_too():
    inner, outer = [], []
    network = BackpropRegressor(**SHORT).set_callbacks(inner.append)
    ensemble = BackpropEnsembleRegressor(network, n_estimators=2, random_state=0)
    ensemble.fit(PATIENTS, PROGRESSION)
    assert len(inner) == 8
    ensemble.set_callbacks(outer.append).fit(PATIENTS, PROGRESSION)
    assert len(inner) == 16 and len(outer) == 8


def test_warnings_of_members_are_still_one():
    network = BackpropRegressor(**SHORT | {"learning_rate": "constant"})
    ensemble = BackpropEnsembleRegressor(network, n_estimators=3, random_state=0)
    with pytest.warns(ConvergenceWarning, match="3 of 3 networks") as caught:
        ensemble.set_callbacks(lambda record: None).fit(PATIENTS, PROGRESSION)
    assert len(caught) == 1


# scikit-learn's own, from 1.9 on


class Recorder:
    """Writes down every call and keeps what it is shown."""

    def __init__(self):
        self.calls, self.shown = [], []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        self.calls.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        self.calls.append(f"end {context.task_name}")
        self.shown.append((context.task_name, fitted_estimator, X, y))


@pytest.fixture
def protocol():
    return pytest.importorskip("sklearn.callback", exc_type=ImportError)


@each_case
def test_hooks_are_called_around_members_and_epochs_and_shown_raw_data(protocol, model, X, y):
    recorder = Recorder()
    model = clone(model).set_callbacks(recorder).fit(X, y)
    expected = ["setup", "begin fit"]
    for k in range(2):
        expected.append(f"begin member {k}")
        expected += [f"{what} epoch {e}" for e in range(1, 5) for what in ("begin", "end")]
        expected.append(f"end member {k}")
    assert recorder.calls == [*expected, "end fit", "teardown"]
    for _, shown, features, targets in recorder.shown:
        assert features is X and targets is y
        assert answers(shown, X).shape == answers(model, X).shape  # a warning would be an error
        assert list(shown.feature_names_in_) == list(X.columns)
    name, whole, _, _ = recorder.shown[-1]
    assert name == "fit"
    np.testing.assert_array_equal(answers(whole, X), answers(model, X))
    members = [shown for name, shown, _, _ in recorder.shown if name.startswith("member")]
    for shown, member in zip(members, model.estimators_, strict=True):
        assert [shown.estimators_[0].n_iter_] == [member.n_iter_] and len(shown.estimators_) == 1


@each_case
def test_scoring_monitor_scores_raw_data(protocol, model, X, y):
    scoring = "accuracy" if y is SPECIES else "neg_mean_squared_error"
    monitor = protocol.ScoringMonitor(scoring=scoring)
    model = clone(model).set_callbacks(monitor).fit(X, y)
    rows = monitor.get_logs().data
    by_task = {}
    for row in rows:
        by_task.setdefault(row["task_name"].split()[0], []).append(row[scoring])
    assert {name: len(scores) for name, scores in by_task.items()} == {
        "fit": 1, "member": 2, "epoch": 8
    }  # fmt: skip
    predicted = model.predict(X)
    if scoring == "accuracy":
        assert by_task["fit"] == [np.mean(predicted == y)]
        assert all(0 <= score <= 1 for score in by_task["epoch"])
    else:  # in the units of y
        assert by_task["fit"] == pytest.approx([-mean_squared_error(y, predicted)])
        assert -5 * np.var(y) < by_task["epoch"][3] < 0
    assert by_task["epoch"][3] > by_task["epoch"][0]


def test_scoring_monitor_weighs_and_names_do_not_disturb(protocol):
    monitor = protocol.ScoringMonitor(scoring="r2")
    weights = np.linspace(0, 2, len(PROGRESSION))
    for model in (CASES["numbers"][0], CASES["table of numbers"][0]):
        model = clone(model).set_callbacks(monitor)
        for X in (PATIENTS, PATIENTS.to_numpy(), PATIENTS):
            model.fit(X, PROGRESSION, weights)
            (row,) = [r for r in monitor.get_logs().data if r["task_name"] == "fit"]
            assert row["r2"] == pytest.approx(model.score(X, PROGRESSION, weights))
            assert hasattr(model, "feature_names_in_") == isinstance(X, pd.DataFrame)


@each_case
def test_a_fit_that_fails_tears_down_and_leaves_nothing(protocol, model, X, y):
    recorder = Recorder()

    def failing(record):
        raise RuntimeError("no more")

    model = clone(model).set_callbacks(recorder, failing)
    with pytest.raises(RuntimeError, match="no more"):
        model.fit(X, y)
    assert recorder.calls[0] == "setup" and recorder.calls[-1] == "teardown"
    assert not hasattr(model, "estimators_") and not hasattr(model, "_callback_fit_ctx")


@each_case
def test_progress_bars(protocol, model, X, y, capsys):
    pytest.importorskip("rich")
    clone(model).set_callbacks(protocol.ProgressBar()).fit(X, y)
    out = capsys.readouterr().out
    assert f"{type(model).__name__} - fit" in out and "member 1" in out and "100%" in out


def test_inside_a_pipeline_and_a_search(protocol):
    monitor = protocol.ScoringMonitor(scoring="accuracy")
    model = clone(CASES["table of classes"][0]).set_callbacks(monitor)
    pipeline = make_pipeline(FunctionTransformer(), model)
    search = GridSearchCV(pipeline, {"tabularclassifier__weight_decay": [0.0, 0.1]}, cv=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search.fit(FLOWERS, SPECIES)
    rows = [row for row in monitor.get_logs().data if row["task_name"].startswith("epoch")]
    assert len(rows) == (2 * 2 + 1) * 2 * 4
