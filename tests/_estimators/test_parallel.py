"""Threads and processes: no shared state, equal results, never more BLAS threads than cores."""

import importlib
import os
import pkgutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import ModuleType

import numpy as np
import pytest
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.model_selection import GridSearchCV
from threadpoolctl import ThreadpoolController

import sklearn_backprop
from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop._numerics.blas import LARGE_PRODUCT, blas_threads_for
from sklearn_backprop.activations import Tanh

CANCER = load_breast_cancer(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
SETTINGS = {"hidden_layer_sizes": (20, 10), "max_iter": 10, "learning_rate_init": 0.01}
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
LIBRARIES = ThreadpoolController().select(user_api="blas").lib_controllers

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def blas_threads():
    """Return the number of threads of each BLAS library in this process."""
    return [library.num_threads for library in LIBRARIES]


def set_blas_threads(number):
    """Set them from whichever thread this is, as if it had always been so."""
    for library in LIBRARIES:
        release = getattr(library, "clear_controlling_thread", lambda force: None)
        release(force=True)
        library.set_num_threads(number)
        release(force=True)


@pytest.fixture
def all_cores():
    """Let BLAS begin with as many threads as there are cores, and at least two."""
    before = blas_threads()
    set_blas_threads(max(2, CORES))
    given = blas_threads()
    yield given
    after = blas_threads()
    set_blas_threads(before[0])
    assert after == given, "a limit was left behind"


# no state


def modules():
    """Return the package and all its modules."""
    found = pkgutil.walk_packages(sklearn_backprop.__path__, "sklearn_backprop.")
    return [sklearn_backprop, *(importlib.import_module(module.name) for module in found)]


def snapshot(value, seen=()):
    """Return something that differs if anything reachable in a value was changed."""
    if id(value) in seen:
        return "…"
    seen = (*seen, id(value))
    if isinstance(value, dict):
        return {repr(key): snapshot(each, seen) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [type(value), *(snapshot(each, seen) for each in value)]
    if isinstance(value, (set, frozenset)):
        return sorted(repr(each) for each in value)
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, type):
        if not value.__module__.startswith("sklearn_backprop"):
            return repr(value)
        own = vars(value).items()
        return {k: snapshot(v, seen) for k, v in own if k != "__slotnames__"}  # kept by copyreg
    if callable(value) and hasattr(value, "__code__"):
        state = value.__defaults__, value.__kwdefaults__, vars(value)
        return [id(value), *(snapshot(each, seen) for each in state)]
    if hasattr(value, "__dict__") and type(value).__module__.startswith("sklearn_backprop"):
        return [type(value), snapshot(vars(value), seen)]
    return id(value)


def state_of_the_package():
    return {
        (module.__name__, name): snapshot(value)
        for module in modules()
        for name, value in vars(module).items()
        if not isinstance(value, ModuleType) and name != "__builtins__"
    }


BLAS_STATE = {("sklearn_backprop._numerics.blas", name) for name in ("_users", "_threads_before")}


def test_a_snapshot_sees_changes():
    class Kind(Tanh):
        values = [1, {"a": {2}}]

    Kind.__module__ = "sklearn_backprop.somewhere"
    before = snapshot([Kind]), snapshot({"a": [np.zeros(2)]})
    Kind.values[1]["a"].add(3)
    assert snapshot([Kind]) != before[0]
    assert snapshot({"a": [np.ones(2)]}) != before[1]
    assert snapshot({"a": [np.zeros(2)]}) == before[1]


def test_fitting_changes_nothing_in_the_package():
    warm_up = BackpropRegressor(max_iter=1).fit(*DIABETES)
    before = state_of_the_package()
    assert len(before) > 100
    watched = BackpropClassifier(**SETTINGS, early_stopping=True, scoring=["accuracy", "roc_auc"])
    watched.set_callbacks(lambda record: None).fit(*CANCER)
    for solver in ("sgd", "lbfgs"):
        BackpropRegressor(**SETTINGS, solver=solver, learning_rate="cosine").fit(*DIABETES)
    BackpropClassifier(**SETTINGS, dropout=0.5, solver="adamw").partial_fit(*CANCER, classes=[0, 1])
    warm_up.predict(DIABETES[0])
    after = state_of_the_package()
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed <= BLAS_STATE


# equal results


def variants():
    options = {"learning_rate_init": 0.01, "max_iter": 6}
    return [
        (BackpropClassifier(**options, random_state=0), CANCER),
        (BackpropClassifier(**options, random_state=0, dropout=0.3, solver="adamw"), CANCER),
        (BackpropClassifier(**options, random_state=1, early_stopping=True, scoring=None), CANCER),
        (BackpropRegressor(**options, random_state=2, solver="lbfgs"), DIABETES),
        (BackpropRegressor(**options, random_state=3, learning_rate="one_cycle"), DIABETES),
        (BackpropRegressor(**options, random_state=4, loss="huber", solver="sgd"), DIABETES),
        (BackpropRegressor(**options, random_state=5, dtype="float32"), DIABETES),
        (BackpropClassifier(**options, random_state=6, batch_size=20, alpha=1.0), CANCER),
    ]


def weights(estimator):
    return np.concatenate([a.ravel() for a in estimator.coefs_ + estimator.intercepts_])


@pytest.mark.usefixtures("all_cores")
def test_four_threads_at_once_give_the_weights_of_one_after_the_other():
    alone = [weights(clone(model).fit(*data)) for model, data in variants()]
    ready = threading.Barrier(4, timeout=30)

    def work(first):
        ready.wait()
        return [weights(model.fit(*data)) for model, data in variants()[first::4]]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(work, range(4)))
    for first in range(4):
        for ours, expected in zip(together[first], alone[first::4], strict=True):
            np.testing.assert_array_equal(ours, expected)


@pytest.mark.usefixtures("all_cores")
def test_components_can_be_shared_between_threads():
    model = BackpropClassifier(**SETTINGS, activation=Tanh(), random_state=0)
    expected = weights(clone(model).fit(*CANCER))
    sharing = [BackpropClassifier(**model.get_params(deep=False)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for fitted in pool.map(lambda each: each.fit(*CANCER), sharing):
            np.testing.assert_array_equal(weights(fitted), expected)


def test_a_shared_fitted_estimator_predicts_in_threads():
    model = BackpropClassifier(**SETTINGS).fit(*CANCER)
    expected = model.predict_proba(CANCER[0])
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(model.predict_proba, [CANCER[0]] * 16):
            np.testing.assert_array_equal(result, expected)


# BLAS threads


class Meter:
    """Called after each epoch: counts the fits that run now, and their BLAS threads."""

    lock = threading.Lock()
    running = 0
    most = 0

    def __call__(self, record):
        threads = max(blas_threads())
        with self.lock:
            Meter.most = max(Meter.most, Meter.running * threads)


def measured_fit(seed):
    """Fit, and return the largest number of BLAS threads of all fits in this process."""
    with Meter.lock:
        Meter.running += 1
    try:
        model = BackpropClassifier(**SETTINGS | {"max_iter": 30}, random_state=seed)
        model.set_callbacks(Meter()).fit(*CANCER)
    finally:
        with Meter.lock:
            Meter.running -= 1
    return os.getpid(), Meter.most, blas_threads()


@pytest.mark.usefixtures("all_cores")
def test_joblib_threads_never_use_more_than_the_cores():
    Meter.most = 0
    before = blas_threads()
    results = Parallel(CORES, backend="threading")(delayed(measured_fit)(i) for i in range(8))
    assert {pid for pid, *_ in results} == {os.getpid()}
    assert 1 <= Meter.most <= CORES
    assert blas_threads() == before


@pytest.mark.usefixtures("all_cores")
def test_joblib_processes_never_use_more_than_the_cores():
    try:
        tasks = (delayed(measured_fit)(seed) for seed in range(2 * CORES))
        results = Parallel(CORES, backend="loky")(tasks)
        most = {}
        for pid, threads, _ in results:
            most[pid] = max(threads, most.get(pid, 0))
        assert os.getpid() not in most or CORES == 1
        assert sum(most.values()) <= CORES
        # afterwards a worker is back at joblib's limit: its share of the cores
        assert all(threads == [1] * len(threads) for _, _, threads in results)
    finally:
        get_reusable_executor().shutdown(wait=True)


@pytest.mark.usefixtures("all_cores")
def test_a_search_in_threads_restores_the_limit():
    from joblib import parallel_config

    model = BackpropClassifier(**SETTINGS, random_state=0)
    grid = {"alpha": [0.1, 1.0, 10.0]}
    with parallel_config("threading", n_jobs=2):
        together = GridSearchCV(model, grid, cv=2).fit(*CANCER)
    alone = GridSearchCV(model, grid, cv=2).fit(*CANCER)
    scores = [search.cv_results_["mean_test_score"] for search in (together, alone)]
    np.testing.assert_array_equal(*scores)


def test_large_products_share_the_cores(all_cores):
    large, small = ((4, LARGE_PRODUCT // 4), 4), ((4, 4), 4)
    one = [1] * len(all_cores)
    with blas_threads_for(*large):
        assert blas_threads() == all_cores  # alone, it has them all
        with blas_threads_for(*large):
            assert blas_threads() == one  # two of them have one each
        assert blas_threads() == all_cores
        with blas_threads_for(*small):
            assert blas_threads() == one
    blocks = [ExitStack() for _ in range(3)]
    for block in blocks:
        block.enter_context(blas_threads_for(*large))
    for block in blocks:  # the first to come is the first to leave
        assert blas_threads() == one
        block.close()
    assert blas_threads() == all_cores


def test_large_products_share_the_cores_after_an_error(all_cores):
    with pytest.raises(ZeroDivisionError), blas_threads_for((4, LARGE_PRODUCT), 4):
        1 / 0  # noqa: B018
    with blas_threads_for((4, LARGE_PRODUCT), 4):
        assert blas_threads() == all_cores
