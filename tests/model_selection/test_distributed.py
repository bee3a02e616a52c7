"""On a cluster the results are those of one process, and it is the cluster that works."""

import os
import warnings

import joblib
import numpy as np
import pytest
from sklearn import model_selection
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from sklearn_backprop import (
    BackpropClassifier,
    BackpropEnsembleRegressor,
    BackpropRegressor,
    fit_many,
)
from sklearn_backprop.initializers import Initializer
from sklearn_backprop.model_selection import (
    GridSearchCV,
    SuccessiveHalvingSearchCV,
    cross_val_score,
)

# dask works in threads of its own; a warning made an error there would end nothing but the thread
pytestmark = pytest.mark.filterwarnings("default")

X_iris, y_iris = load_iris(return_X_y=True, as_frame=True)
X_diabetes, y_diabetes = load_diabetes(return_X_y=True)

SHORT = {"hidden_layer_sizes": 4, "learning_rate": "cosine", "max_iter": 5, "random_state": 0}
PIPELINE = make_pipeline(PolynomialFeatures(), BackpropClassifier(**SHORT))
GRID = {
    "polynomialfeatures__degree": [1, 2],
    "backpropclassifier__alpha": [0.01, 1.0],
    "backpropclassifier__hidden_layer_sizes": [3, 5],
}


@pytest.fixture(scope="module")
def workers():
    """Start two processes and be their client; give their process numbers."""
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=None
    )
    with cluster, distributed.Client(cluster) as client:
        yield set(client.run(os.getpid).values())


@pytest.fixture(scope="module")
def ray_workers():
    """Start Ray with two processes."""
    ray = pytest.importorskip("ray")
    from ray.util.joblib import register_ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    register_ray()
    yield
    ray.shutdown()


class ProcessNumber(Initializer):
    """Weights that tell where they were drawn."""

    def weights(self, fan_in, fan_out, activation, random_state):
        return np.full((fan_in, fan_out), float(os.getpid()))


def processes_of(search):
    """Run a search; return the processes that scored its candidates and folds."""
    # a function without a name is sent as it is: workers need not find this file
    scoring = lambda estimator, X, y: float(os.getpid())  # noqa: E731
    search = clone(search).set_params(scoring=scoring, refit=False).fit(X_iris, y_iris)
    results, n_splits = search.cv_results_, search.n_splits_
    return {int(number) for k in range(n_splits) for number in results[f"split{k}_test_score"]}


def assert_same_networks(some, others):
    for one, other in zip(some, others, strict=True):
        for W, V in zip(one.coefs_, other.coefs_, strict=True):
            np.testing.assert_array_equal(W, V)


@pytest.mark.parametrize("n_jobs", [None, -1])
def test_fit_many(workers, n_jobs):
    networks = [
        BackpropRegressor(**SHORT | {"random_state": seed, "hidden_layer_sizes": size})
        for seed in range(4)
        for size in (4, 8)
    ]
    rows = [np.arange(k % 3, 442, 2) for k in range(8)]
    with joblib.parallel_config("dask"):
        spread = fit_many(networks, X_diabetes, y_diabetes, rows=rows, n_jobs=n_jobs)
    assert_same_networks(spread, fit_many(networks, X_diabetes, y_diabetes, rows=rows))


@pytest.mark.parametrize("n_jobs", [None, -1])
def test_all_workers_train(workers, n_jobs):
    # long enough that a worker with nothing to do gets its share
    long = {"max_iter": 200, "n_iter_no_change": np.inf}
    still = long | {"standardize": False, "learning_rate_init": 1e-300, "alpha": 0.0}
    networks = [BackpropRegressor(**SHORT | still, initializer=ProcessNumber()) for _ in range(8)]
    with joblib.parallel_config("dask"):
        spread = fit_many(networks, X_diabetes, y_diabetes, n_jobs=n_jobs)
    assert {int(network.coefs_[0][0, 0]) for network in spread} == workers


@pytest.mark.parametrize("n_jobs", [None, -1])
def test_search(workers, n_jobs):
    search = GridSearchCV(PIPELINE, GRID, cv=3, n_jobs=n_jobs)
    alone = model_selection.GridSearchCV(PIPELINE, GRID, cv=3).fit(X_iris, y_iris)
    with joblib.parallel_config("dask"):
        spread = clone(search).fit(X_iris, y_iris)
        where = processes_of(search)
    for k in range(3):
        name = f"split{k}_test_score"
        np.testing.assert_array_equal(spread.cv_results_[name], alone.cv_results_[name])
    assert_same_networks([spread.best_estimator_[-1]], [alone.best_estimator_[-1]])
    assert where <= workers


def test_successive_halving(workers):
    """Paused trainings travel to the cluster and back."""
    search = SuccessiveHalvingSearchCV(
        BackpropClassifier(**SHORT), {"alpha": [0.01, 0.1, 1.0]}, max_epochs=6, cv=2, random_state=0
    )
    alone = clone(search).fit(X_iris, y_iris)
    with joblib.parallel_config("dask"):
        spread = search.fit(X_iris, y_iris)
    assert spread.n_resources_ == alone.n_resources_
    np.testing.assert_array_equal(
        spread.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )
    assert_same_networks([spread.best_estimator_], [alone.best_estimator_])


def test_search_inside_of_cross_validation(workers):
    search = GridSearchCV(BackpropClassifier(**SHORT), {"alpha": [0.1, 10.0]}, cv=2, n_jobs=-1)
    alone = model_selection.cross_val_score(clone(search).set_params(n_jobs=1), X_iris, y_iris)
    with joblib.parallel_config("dask"):
        for validate in (model_selection.cross_val_score, cross_val_score):
            scores = validate(search, X_iris, y_iris, n_jobs=-1)
            np.testing.assert_array_equal(scores, alone)


def test_data_are_sent_once(workers):
    """dask warns of jobs of more than 10 MB."""
    X = np.zeros((20000, 80))
    X[:, 0] = np.arange(20000) % 7
    network = BackpropRegressor(**SHORT | {"hidden_layer_sizes": (), "max_iter": 1})
    pipeline = make_pipeline(PolynomialFeatures(1), network)
    with joblib.parallel_config("dask"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for estimator, name in ((network, "alpha"), (pipeline, "backpropregressor__alpha")):
            GridSearchCV(estimator, {name: [0.1, 1.0]}, cv=2).fit(X, X[:, 0])
    assert not [warning.message for warning in caught]


def test_ensemble(workers):
    ensemble = BackpropEnsembleRegressor(
        BackpropRegressor(**SHORT), bootstrap=True, n_jobs=-1, random_state=0
    )
    alone = clone(ensemble).set_params(n_jobs=None).fit(X_diabetes, y_diabetes)
    with joblib.parallel_config("dask"):
        spread = ensemble.fit(X_diabetes, y_diabetes)
    assert_same_networks(spread.estimators_, alone.estimators_)


def test_errors_come_back(workers):
    networks = [BackpropRegressor(**SHORT), BackpropRegressor(**SHORT | {"alpha": -1})]
    with (
        joblib.parallel_config("dask"),
        pytest.raises(ValueError, match="'alpha' parameter of BackpropRegressor"),
    ):
        fit_many(networks, X_diabetes, y_diabetes)


def test_ray(ray_workers):
    networks = [BackpropRegressor(**SHORT | {"random_state": seed}) for seed in range(4)]
    search = GridSearchCV(PIPELINE, GRID, cv=3, n_jobs=-1)
    alone = clone(search).set_params(n_jobs=None).fit(X_iris, y_iris)
    with joblib.parallel_config("ray"):
        spread = fit_many(networks, X_diabetes, y_diabetes, n_jobs=-1)
        found = clone(search).fit(X_iris, y_iris)
        where = processes_of(search)
    assert_same_networks(spread, fit_many(networks, X_diabetes, y_diabetes))
    np.testing.assert_array_equal(
        found.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )
    assert len(where) == 2
    assert os.getpid() not in where


# data in blocks


@pytest.fixture
def blocks():
    """Return the diabetes data as dask arrays of five blocks."""
    array = pytest.importorskip("dask.array")
    return array.from_array(X_diabetes, chunks=(100, 10)), array.from_array(y_diabetes, chunks=100)


def assert_same_predictions(blocks, expected):
    assert blocks.npartitions == 5
    assert blocks.shape == expected.shape
    # BLAS may round a product of 100 rows differently from the same rows among 442
    np.testing.assert_allclose(blocks.compute(), expected, rtol=1e-12)


def test_incremental_is_partial_fit_block_by_block(blocks):
    wrappers = pytest.importorskip("dask_ml.wrappers")
    X, y = blocks
    wrapper = wrappers.Incremental(BackpropRegressor(**SHORT), shuffle_blocks=False)
    wrapper.fit(X, y).partial_fit(X, y)
    network = BackpropRegressor(**SHORT)
    for _ in range(2):
        for start in range(0, 442, 100):
            block = slice(start, start + 100)
            network.partial_fit(X_diabetes[block], y_diabetes[block])
    assert_same_networks([wrapper.estimator_], [network])
    assert_same_predictions(wrapper.predict(X), network.predict(X_diabetes))


def test_predictions_of_blocks(blocks):
    wrappers = pytest.importorskip("dask_ml.wrappers")
    X, _ = blocks
    network = BackpropRegressor(**SHORT).fit(X_diabetes, y_diabetes)
    wrapper = wrappers.ParallelPostFit(network)
    assert_same_predictions(wrapper.predict(X), network.predict(X_diabetes))
    classifier = BackpropClassifier(**SHORT).fit(X_diabetes, y_diabetes > 150)
    wrapper = wrappers.ParallelPostFit(classifier)
    assert_same_predictions(wrapper.predict_proba(X), classifier.predict_proba(X_diabetes))


def test_map_blocks_needs_no_wrapper(blocks):
    X, y = blocks
    network = BackpropRegressor(**SHORT)
    for rows, targets in zip(X.partitions, y.partitions, strict=True):
        network.partial_fit(rows.compute(), targets.compute())
    predictions = X.map_blocks(network.predict, drop_axis=1, dtype=float)
    assert_same_predictions(predictions, network.predict(X_diabetes))
