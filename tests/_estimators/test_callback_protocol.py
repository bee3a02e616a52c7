"""scikit-learn's own callbacks (from 1.9 on): alone, in pipelines and in searches."""

import copy

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_backprop import BackpropClassifier, BackpropRegressor

callback = pytest.importorskip("sklearn.callback")

X, SPECIES = load_iris(return_X_y=True)
D, PROGRESSION = load_diabetes(return_X_y=True)
SETTINGS = {"hidden_layer_sizes": 6, "max_iter": 5, "random_state": 0, "learning_rate_init": 0.01}
SOLVERS = ["adam", "lbfgs"]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def classifier(**parameters):
    return BackpropClassifier(**SETTINGS | parameters)


def weights(estimator):
    return np.concatenate([a.ravel() for a in estimator.coefs_ + estimator.intercepts_])


class Recorder:
    """Writes down every call; keeps the networks it is shown; stops after ``last`` epochs."""

    def __init__(self, last=None):
        self.last = last
        self.calls, self.shown = [], []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        self.calls.append(f"begin {context.task_name}")
        assert len(X) == len(y)

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.calls.append(f"end {context.task_name}")
        self.shown.append(fitted_estimator)
        self.metadata = metadata
        return self.last is not None and len(self.shown) == self.last


def nothing_is_left(model):
    left = {"_callback_fit_ctx", "_parent_callback_ctx", "_skl_callbacks_to_teardown"}
    return not left & set(vars(model))


def score_rows(monitor, leaf_only=True):
    rows = monitor.get_logs().data
    return [row for row in rows if row["task_name"].startswith("epoch")] if leaf_only else rows


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_hooks_are_called_around_the_fit_and_each_epoch(solver, early_stopping):
    recorder = Recorder()
    model = classifier(solver=solver, early_stopping=early_stopping).set_callbacks(recorder)
    model.fit(X, SPECIES)
    epochs = [f"{what} epoch {e}" for e in range(1, 6) for what in ("begin", "end")]
    expected = ["setup", "begin fit", *epochs, "end fit", "teardown"]
    assert recorder.calls == expected
    assert nothing_is_left(model)
    model.fit(X, SPECIES)
    assert recorder.calls == expected * 2


@pytest.mark.parametrize("solver", SOLVERS)
def test_hooks_are_shown_the_network_of_that_epoch(solver):
    recorder = Recorder()
    model = classifier(solver=solver).set_callbacks(recorder).fit(X, SPECIES)
    for epoch, shown in enumerate(recorder.shown[:5], 1):
        then = classifier(solver=solver, max_iter=epoch).fit(X, SPECIES)
        np.testing.assert_allclose(shown.predict_proba(X), then.predict_proba(X), rtol=1e-9)
        assert (shown.n_iter_, len(shown.loss_curve_)) == (epoch, epoch)
    np.testing.assert_array_equal(recorder.shown[5].predict_proba(X), model.predict_proba(X))


def test_a_network_that_was_shown_is_independent_of_the_training():
    recorder = Recorder()
    watched = classifier(max_iter=4)

    class Meddler(Recorder):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            fitted_estimator.partial_fit(X, SPECIES)  # must not touch the network in training
            fitted_estimator.coefs_[0][...] = 0

    watched.set_callbacks(Meddler(), recorder).fit(X, SPECIES)
    np.testing.assert_array_equal(weights(watched), weights(classifier(max_iter=4).fit(X, SPECIES)))


def test_metadata_are_the_weights():
    recorder, sample_weight = Recorder(), np.linspace(1, 2, 150)
    classifier().set_callbacks(recorder).fit(X, SPECIES, sample_weight)
    assert list(recorder.metadata) == ["sample_weight"]
    np.testing.assert_array_equal(recorder.metadata["sample_weight"], sample_weight)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_callback_can_stop_training(solver):
    model = classifier(solver=solver).set_callbacks(Recorder(last=3)).fit(X, SPECIES)
    assert model.n_iter_ == 3
    three = classifier(solver=solver, max_iter=3).fit(X, SPECIES)
    np.testing.assert_array_equal(weights(model), weights(three))


def test_functions_and_callbacks_work_together():
    seen, recorder = [], Recorder()
    classifier().set_callbacks(seen.append, recorder).fit(X, SPECIES)
    assert len(seen) == sum(call.startswith("end epoch") for call in recorder.calls) == 5


FAILURES = {
    "parameters": ({"alpha": -1}, X),
    "data": ({}, np.full_like(X, np.nan)),
    "divergence": ({"solver": "sgd", "learning_rate_init": 1e308, "standardize": False}, 1e9 * X),
}


@pytest.mark.parametrize(("parameters", "features"), FAILURES.values(), ids=FAILURES)
def test_teardown_also_where_fit_fails(parameters, features):
    recorder = Recorder()
    model = classifier(**parameters).set_callbacks(recorder)
    with pytest.raises(ValueError):
        model.fit(features, SPECIES)
    assert (recorder.calls[0], recorder.calls[-1]) == ("setup", "teardown")
    assert nothing_is_left(model)
    model.set_params(alpha=0.1, learning_rate_init=0.01, standardize=True).fit(X, SPECIES)
    assert recorder.calls[-2:] == ["end fit", "teardown"]


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_scoring_monitor_logs_the_score_of_each_epoch(solver, early_stopping):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    options = {"solver": solver, "early_stopping": early_stopping}
    data = {"X_val": X[::3], "y_val": SPECIES[::3]} if early_stopping else {}
    model = classifier(**options).set_callbacks(monitor).fit(X, SPECIES, **data)
    logged = [row["accuracy"] for row in score_rows(monitor)]
    then = [classifier(solver=solver, max_iter=k).fit(X, SPECIES) for k in range(1, 6)]
    assert logged == [accuracy_score(SPECIES, network.predict(X)) for network in then]
    assert logged[-1] > logged[0]  # there was something to see
    (whole,) = (row["accuracy"] for row in score_rows(monitor, False) if row["task_name"] == "fit")
    assert whole == model.score(X, SPECIES)
    model.fit(X, SPECIES, **data)
    assert len(monitor.get_logs(select="all")) == 2


def test_scoring_monitor_weighs_and_takes_several_scores():
    sample_weight = np.linspace(0.1, 5, len(D))
    monitor = callback.ScoringMonitor(scoring=["r2", "neg_mean_squared_error"])
    model = BackpropRegressor(**SETTINGS).set_callbacks(monitor)
    model.fit(D, PROGRESSION, sample_weight)
    last = score_rows(monitor)[-1]
    assert last["r2"] == pytest.approx(model.score(D, PROGRESSION, sample_weight))
    error = np.average((model.predict(D) - PROGRESSION) ** 2, weights=sample_weight)
    assert last["neg_mean_squared_error"] == pytest.approx(-error)


def test_names_of_an_earlier_fit_do_not_disturb():
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = classifier().set_callbacks(monitor)
    frame = pd.DataFrame(X, columns=list("abcd"))
    for features in (frame, X, frame):  # a warning about names would be an error
        model.fit(features, SPECIES)
        assert score_rows(monitor)[-1]["accuracy"] == model.score(features, SPECIES)
        assert hasattr(model, "feature_names_in_") == (features is frame)


def test_scoring_monitor_inside_a_pipeline_and_a_search():
    monitor = callback.ScoringMonitor(scoring="accuracy")
    pipeline = make_pipeline(StandardScaler(), classifier().set_callbacks(monitor)).fit(X, SPECIES)
    logged = [row["accuracy"] for row in score_rows(monitor)]
    scaled = StandardScaler().fit_transform(X)
    for epoch in range(1, 6):
        then = classifier(max_iter=epoch).fit(scaled, SPECIES)
        assert logged[epoch - 1] == then.score(scaled, SPECIES)
    assert nothing_is_left(pipeline[-1])
    search = GridSearchCV(pipeline, {"backpropclassifier__alpha": [0.1, 1.0]}, cv=3)
    search.fit(X, SPECIES)
    rows = score_rows(monitor)
    assert len(rows) == 5 * (2 * 3 + 1)
    assert len({row["parent_task_id_path"] for row in rows}) == 2 * 3 + 1
    assert nothing_is_left(search.best_estimator_[-1])


def test_scoring_monitor_through_processes():
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = classifier().set_callbacks(monitor)
    GridSearchCV(model, {"alpha": [0.1, 1.0]}, cv=2, n_jobs=2).fit(X, SPECIES)
    assert len(score_rows(monitor)) == 5 * (2 * 2 + 1)


@pytest.mark.parametrize("depth", [0, 1, None])
def test_progress_bars(depth, capsys):
    pytest.importorskip("rich")
    bar = callback.ProgressBar(max_propagation_depth=depth)
    model = classifier().set_callbacks(bar).fit(X, SPECIES)
    alone = capsys.readouterr().out
    assert "BackpropClassifier - fit" in alone and "100%" in alone
    assert nothing_is_left(model)
    classifier(max_iter=400, tol=1.0).set_callbacks(bar).fit(X, SPECIES)  # stops much earlier
    assert "100%" in capsys.readouterr().out
    pipeline = make_pipeline(StandardScaler(), classifier()).set_callbacks(bar).fit(X, SPECIES)
    out = capsys.readouterr().out
    assert "Pipeline - fit" in out
    assert ("BackpropClassifier" in out) == (depth != 0)
    assert not getattr(pipeline[-1], "_skl_callbacks", None)
    search = GridSearchCV(classifier(), {"alpha": [0.1, 1.0]}, cv=2).set_callbacks(bar)
    search.fit(X, SPECIES)
    assert "GridSearchCV - fit" in capsys.readouterr().out
    assert nothing_is_left(search.best_estimator_)


@pytest.mark.parametrize("functions", [[], [lambda record: None]], ids=["none", "a function"])
def test_without_callbacks_no_context_is_made(functions, monkeypatch):
    from sklearn.callback import CallbackContext

    made = []
    from_estimator = CallbackContext._from_estimator.__func__

    def record(cls, estimator, **kwargs):
        made.append(type(estimator).__name__)
        return from_estimator(cls, estimator=estimator, **kwargs)

    monkeypatch.setattr(CallbackContext, "_from_estimator", classmethod(record))
    model = classifier().set_callbacks(*functions).fit(X, SPECIES)
    assert made == []
    make_pipeline(StandardScaler(), copy.copy(model)).fit(X, SPECIES)
    assert "Pipeline" in made and "BackpropClassifier" not in made
    classifier().set_callbacks(Recorder()).fit(X, SPECIES)
    assert made.count("BackpropClassifier") == 1
