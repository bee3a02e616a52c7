"""``set_callbacks`` with plain functions, on every supported version of scikit-learn."""

import pickle

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop._estimators.callbacks import EpochCallback, FitCallback

X, SPECIES = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
SETTINGS = {"hidden_layer_sizes": 6, "max_iter": 6, "random_state": 0, "learning_rate_init": 0.01}
SOLVERS = ["sgd", "adam", "lbfgs"]
HAS_PROTOCOL = parse_version(sklearn.__version__) >= parse_version("1.9")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def classifier(**parameters):
    return BackpropClassifier(**SETTINGS | parameters)


def weights(estimator):
    return np.concatenate([a.ravel() for a in estimator.coefs_ + estimator.intercepts_])


SEEN = []


def see(record):
    """Remember a record; at module level, so it pickles."""
    SEEN.append(record)


@pytest.fixture(autouse=True)
def nothing_seen():
    SEEN.clear()


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_function_gets_each_epochs_record(solver, early_stopping):
    options = {"solver": solver, "early_stopping": early_stopping, "scoring": ["accuracy"]}
    model = classifier(**options)
    assert model.set_callbacks(see) is model
    model.fit(X, SPECIES)
    assert len(SEEN) == model.n_iter_ == 6
    history = model.history_
    np.testing.assert_equal(SEEN, [{k: history[k][i] for k in history} for i in range(6)])
    assert ("validation_accuracy" in SEEN[0]) == early_stopping


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("says_stop", [True, 1, np.True_])
def test_a_true_result_ends_training(solver, says_stop):
    model = classifier(solver=solver)
    model.set_callbacks(lambda record: says_stop if record["epoch"] == 4 else None).fit(X, SPECIES)
    assert model.n_iter_ == 4
    four = classifier(solver=solver, max_iter=4).fit(X, SPECIES)
    np.testing.assert_array_equal(weights(model), weights(four))


def test_stopping_with_early_stopping_keeps_the_best_epoch():
    scores = iter([0.1, 0.5, 0.3, 0.2, 0.9])
    options = {"early_stopping": True, "scoring": lambda estimator, X, y: next(scores)}
    model = classifier(**options).set_callbacks(lambda record: record["epoch"] == 4)
    model.fit(X, SPECIES, X_val=X, y_val=SPECIES)
    assert (model.n_iter_, model.best_validation_score_) == (4, 0.5)
    second = classifier(max_iter=2).fit(X, SPECIES)
    np.testing.assert_array_equal(weights(model), weights(second))


def test_all_functions_are_called_also_after_one_has_said_stop():
    calls = []
    functions = [lambda record, name=name: calls.append(name) or True for name in "abc"]
    classifier().set_callbacks(*functions).fit(X, SPECIES)
    assert calls == ["a", "b", "c"]


def test_watching_changes_nothing():
    for cls, data in ((BackpropClassifier, (X, SPECIES)), (BackpropRegressor, DIABETES)):
        watched = cls(**SETTINGS).set_callbacks(see).fit(*data)
        np.testing.assert_array_equal(weights(watched), weights(cls(**SETTINGS).fit(*data)))


def test_a_second_fit_calls_again_and_none_removes_all():
    model = classifier().set_callbacks(see)
    model.fit(X, SPECIES).fit(X, SPECIES)
    assert [record["epoch"] for record in SEEN] == [*range(1, 7)] * 2
    model.set_callbacks().fit(X, SPECIES)
    assert len(SEEN) == 12
    assert not getattr(model, "_skl_callbacks", None)


def test_partial_fit_calls_nothing():
    classifier().set_callbacks(see).partial_fit(X, SPECIES, classes=[0, 1, 2])
    assert SEEN == []


def test_an_exception_of_a_function_leaves_the_estimator_as_it_was():
    model = classifier(warm_start=True).fit(X, SPECIES)
    before = weights(model)

    def fail(record):
        raise RuntimeError("a user's function")

    with pytest.raises(RuntimeError, match="a user's function"):
        model.set_callbacks(fail).fit(X, SPECIES)
    np.testing.assert_array_equal(weights(model), before)
    assert model.n_iter_ == len(model.loss_curve_) == 6


def test_ctrl_c_in_a_function_keeps_the_epochs_so_far():
    def interrupt(record):
        if record["epoch"] == 3:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted by user"):
        model = classifier().set_callbacks(interrupt).fit(X, SPECIES)
    three = classifier(max_iter=3).fit(X, SPECIES)
    assert model.n_iter_ == 3
    np.testing.assert_array_equal(weights(model), weights(three))


def test_a_clone_keeps_the_functions():
    clone(classifier().set_callbacks(see)).fit(X, SPECIES)
    assert len(SEEN) == 6
    assert not getattr(clone(classifier()), "_skl_callbacks", None)


def test_in_a_pipeline_and_a_grid_search():
    pipeline = make_pipeline(StandardScaler(), classifier().set_callbacks(see)).fit(X, SPECIES)
    assert len(SEEN) == pipeline[-1].n_iter_ == 6
    SEEN.clear()
    grid = {"backpropclassifier__alpha": [0.1, 1.0]}
    GridSearchCV(pipeline, grid, cv=3).fit(X, SPECIES)
    assert len(SEEN) == 6 * (2 * 3 + 1)


def test_functions_survive_pickling():
    fitted = classifier().set_callbacks(see).fit(X, SPECIES)
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict_proba(X), fitted.predict_proba(X))
    SEEN.clear()
    copy.fit(X, SPECIES)
    assert len(SEEN) == 6


class Counter:
    """An object that is called, with a state."""

    calls = 0

    def __call__(self, record):
        self.calls += 1


def test_any_callable_will_do():
    counter = Counter()
    classifier().set_callbacks(counter, SEEN.append, EpochCallback(see)).fit(X, SPECIES)
    assert (counter.calls, len(SEEN)) == (6, 12)


class Protocol:
    """What scikit-learn 1.9 takes for a callback."""

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        pass


@pytest.mark.parametrize("wrong", [3, None, "ProgressBar", [see], Counter, Protocol, object()])
def test_what_is_no_callback_is_refused(wrong):
    model = classifier().set_callbacks(see)
    with pytest.raises(TypeError, match="function of the epoch's record or an instance"):
        model.set_callbacks(see, wrong)
    model.fit(X, SPECIES)  # with those from before
    assert len(SEEN) == 6


def test_the_protocol_is_taken_from_1_9_on():
    assert (FitCallback is not None) == HAS_PROTOCOL
    if HAS_PROTOCOL:
        classifier().set_callbacks(Protocol()).fit(X, SPECIES)
    else:
        with pytest.raises(TypeError, match=r"scikit-learn's callback protocol \(1\.9 or later\)"):
            classifier().set_callbacks(Protocol())
