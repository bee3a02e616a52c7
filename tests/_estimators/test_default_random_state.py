"""Everything that draws numbers, with the default ``random_state=None``.

It works, it stays None, and it draws from NumPy's global stream, as in scikit-learn.
"""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_backprop import (
    BackpropClassifier,
    BackpropEnsembleClassifier,
    BackpropEnsembleRegressor,
    BackpropRegressor,
    BackpropTransformer,
    fit_many,
    model_selection,
)
from sklearn_backprop.tabular import TabularClassifier, TabularRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
IRIS = load_iris(return_X_y=True)
DIABETES = tuple(array[:120] for array in load_diabetes(return_X_y=True))
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 4, "learning_rate_init": 0.05}
CLASSIFIER, REGRESSOR = BackpropClassifier(**SMALL), BackpropRegressor(**SMALL)
TABLES = {"n_estimators": 2, "hidden_layer_sizes": 4, "max_iter": 4}

ESTIMATORS = {
    "classifier": (CLASSIFIER, IRIS),
    "regressor": (REGRESSOR, DIABETES),
    "early stopping": (clone(CLASSIFIER).set_params(early_stopping=True), IRIS),
    "dropout": (clone(REGRESSOR).set_params(dropout=0.3), DIABETES),
    "L-BFGS": (clone(REGRESSOR).set_params(solver="lbfgs"), DIABETES),
    "ensemble": (BackpropEnsembleClassifier(CLASSIFIER, n_estimators=2), IRIS),
    "ensemble of regressors": (BackpropEnsembleRegressor(REGRESSOR, n_estimators=2), DIABETES),
    "bootstrap": (BackpropEnsembleRegressor(REGRESSOR, n_estimators=2, bootstrap=True), DIABETES),
    "tabular": (TabularClassifier(**TABLES), IRIS),
    "tabular regressor": (TabularRegressor(**TABLES), DIABETES),
    "transformer": (make_pipeline(BackpropTransformer(CLASSIFIER), clone(CLASSIFIER)), IRIS),
    "pipeline": (make_pipeline(StandardScaler(), REGRESSOR), DIABETES),
}
# a pipeline and its network alone; the rest train in stacks of their own
SEARCHED = ("classifier", "early stopping", "dropout", "L-BFGS", "ensemble", "tabular", "pipeline")


def states(estimator):
    """Return the ``random_state`` of an estimator and of all that it was given."""
    params = estimator.get_params()
    return [value for name, value in params.items() if name.rpartition("__")[2] == "random_state"]


def of_the_global_stream(function):
    """Call with two states of NumPy's global stream; return the first's result."""
    results = []
    for seed in (1, 1, 2):
        np.random.seed(seed)
        results.append(function())
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_estimator(name):
    estimator, (X, y) = ESTIMATORS[name]
    assert set(states(estimator)) == {None}

    def outputs():
        fitted = clone(estimator).fit(X, y)
        assert set(states(fitted)) == {None}
        return fitted.predict_proba(X) if hasattr(fitted, "predict_proba") else fitted.predict(X)

    of_the_global_stream(outputs)


@pytest.mark.parametrize("estimator", [CLASSIFIER, REGRESSOR])
def test_partial_fit(estimator):
    X, y = IRIS if estimator is CLASSIFIER else DIABETES
    more = {"classes": np.unique(y)} if estimator is CLASSIFIER else {}

    def weights():
        fitted = clone(estimator).partial_fit(X, y, **more).partial_fit(X, y)
        assert fitted.random_state is None
        return fitted.coefs_[0]

    of_the_global_stream(weights)


SEARCHES = {
    "GridSearchCV": lambda e, grid: model_selection.GridSearchCV(e, grid, cv=2),
    "RandomizedSearchCV": lambda e, grid: model_selection.RandomizedSearchCV(
        e, grid, n_iter=3, cv=2, random_state=0
    ),
    "SuccessiveHalvingSearchCV": lambda e, grid: model_selection.SuccessiveHalvingSearchCV(
        e, grid, factor=2, max_epochs=4, cv=2
    ),
}


@pytest.mark.parametrize("kind", SEARCHES)
@pytest.mark.parametrize("name", SEARCHED)
def test_a_search(name, kind):
    estimator, (X, y) = ESTIMATORS[name]
    parameter = "dropout" if name == "tabular" else "alpha"
    prefix = {"ensemble": "estimator__", "pipeline": "backpropregressor__"}.get(name, "")
    grid = {f"{prefix}{parameter}": [0.0, 0.1, 0.5]}

    def scores():
        search = SEARCHES[kind](estimator, grid).fit(X, y)
        assert set(states(search.best_estimator_)) == {None}
        # L-BFGS and a table's network may score the same from other beginnings
        best = search.best_estimator_
        outputs = best.predict_proba(X) if hasattr(best, "predict_proba") else best.predict(X)
        return np.append(search.cv_results_["mean_test_score"], outputs)

    of_the_global_stream(scores)


FUNCTIONS = {
    "cross_validate": lambda e, *data: model_selection.cross_validate(
        e, *data, cv=2, return_train_score=True, scoring="neg_mean_squared_error"
    )["train_score"],
    "cross_val_score": lambda e, *data: model_selection.cross_val_score(
        e, *data, cv=2, scoring="neg_mean_squared_error"
    ),
    "cross_val_predict": lambda e, *data: model_selection.cross_val_predict(e, *data, cv=2),
    "learning_curve": lambda e, *data: model_selection.learning_curve(
        e, *data, cv=2, train_sizes=[0.5, 1.0], scoring="neg_mean_squared_error"
    )[2],
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize("name", ["regressor", "dropout", "L-BFGS", "pipeline", "bootstrap"])
def test_a_function(name, function):
    estimator, data = ESTIMATORS[name]
    of_the_global_stream(lambda: function(estimator, *data))
    assert set(states(estimator)) == {None}


def test_validation_curve():
    of_the_global_stream(
        lambda: model_selection.validation_curve(
            REGRESSOR, *DIABETES, param_name="alpha", param_range=[0.1, 1.0], cv=2
        )[1]
    )


def test_what_cross_validate_returns():
    for name in ("classifier", "pipeline"):
        estimator, data = ESTIMATORS[name]
        found = model_selection.cross_validate(estimator, *data, cv=2, return_estimator=True)
        assert {state for e in found["estimator"] for state in states(e)} == {None}


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_fit_many(solver):
    model = clone(REGRESSOR).set_params(solver=solver)

    def weights():
        fitted = fit_many([model] * 3, *DIABETES)
        assert [one.random_state for one in fitted] == [None] * 3
        assert not np.array_equal(fitted[0].coefs_[0], fitted[1].coefs_[0])
        return fitted[2].coefs_[0]

    of_the_global_stream(weights)
    assert model.random_state is None
