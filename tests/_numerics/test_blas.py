"""The process-wide limit of BLAS threads: shared by those who overlap, restored by the last."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from sklearn_backprop import BackpropRegressor
from sklearn_backprop._numerics.blas import LARGE_PRODUCT, blas_threads_for, one_blas_thread

LIBRARIES = ThreadpoolController().select(user_api="blas").lib_controllers
BEFORE = 2


def n_threads():
    """Return the threads of the BLAS libraries, which are to agree."""
    (number,) = {library.num_threads for library in LIBRARIES}
    return number


def set_threads(number):
    """Set the threads as if it had always been so, with no thread in charge of them.

    From version 3.8 on, threadpoolctl lets one thread at a time change OpenBLAS.
    """
    for library in LIBRARIES:
        release = getattr(library, "clear_controlling_thread", lambda force: None)
        release(force=True)
        library.set_num_threads(number)
        release(force=True)


@pytest.fixture(autouse=True)
def two_threads():
    """Start from a number of threads that differs from the limit on any machine."""
    given = n_threads()
    set_threads(BEFORE)
    if n_threads() != BEFORE:
        pytest.skip("this BLAS has a single thread")
    yield
    after = n_threads()
    set_threads(given)  # whatever a test has left, the next ones are not to suffer from it
    assert after == BEFORE, "a limit was left behind"


def test_limit_holds_inside_and_ends_outside():
    with one_blas_thread():
        assert n_threads() == 1
    assert n_threads() == BEFORE


def test_nested_blocks_end_with_the_outermost():
    with one_blas_thread():
        with one_blas_thread():
            assert n_threads() == 1
        assert n_threads() == 1
    assert n_threads() == BEFORE


@pytest.mark.parametrize("leaves_first", [0, 1])
def test_overlapping_blocks_end_with_the_last_one_to_leave(leaves_first):
    # two limits of their own would restore in the wrong order and leave 1 for good
    blocks = [ExitStack(), ExitStack()]
    for block in blocks:
        block.enter_context(one_blas_thread())
    blocks.pop(leaves_first).close()
    assert n_threads() == 1
    blocks.pop().close()
    assert n_threads() == BEFORE


def test_overlapping_threads():
    inside, first_has_left = threading.Barrier(2, timeout=10), threading.Event()

    def first():
        with one_blas_thread():
            inside.wait()
        first_has_left.set()

    def second():
        with one_blas_thread():
            inside.wait()
            assert first_has_left.wait(timeout=10)
            return n_threads()

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(f) for f in (first, second)]
        assert [future.result() for future in futures] == [None, 1]
    assert n_threads() == BEFORE


def test_a_thread_is_limited_after_another_one_was_and_lives_on():
    with one_blas_thread():
        pass

    def inside():
        with one_blas_thread():
            return n_threads()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(inside).result() == 1
        assert n_threads() == BEFORE
        assert inside() == 1


def test_an_exception_ends_the_limit():
    with pytest.raises(ZeroDivisionError), one_blas_thread():
        1 / 0  # noqa: B018
    assert n_threads() == BEFORE
    with pytest.raises(ZeroDivisionError), one_blas_thread(), blas_threads_for((2, 2), 2):
        1 / 0  # noqa: B018
    assert n_threads() == BEFORE


def test_the_limit_that_was_there_before_comes_back_and_not_the_default():
    with threadpool_limits(limits=1, user_api="blas"):
        with one_blas_thread():
            assert n_threads() == 1
        assert n_threads() == 1
    with one_blas_thread():
        pass
    assert n_threads() == BEFORE


def test_only_small_products_are_limited():
    rows = LARGE_PRODUCT // (64 * 128)  # the second layer is the largest
    with blas_threads_for((8, 64, 128, 3), rows):
        assert n_threads() == BEFORE
    with blas_threads_for((8, 64, 128, 3), rows - 1):
        assert n_threads() == 1


def test_fits_in_threads_leave_no_limit_and_do_not_disturb_each_other():
    X = np.random.RandomState(0).standard_normal((50, 3))
    seen = []

    def scorer(estimator, X, y):
        seen.append(n_threads())
        return 0.0

    def fit(seed):
        regressor = BackpropRegressor(
            hidden_layer_sizes=(5,), random_state=seed, early_stopping=True, scoring=scorer,
            n_iter_no_change=3,
        )  # fmt: skip
        return regressor.fit(X, X[:, 0]).predict(X)

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(fit, range(8)))
    assert set(seen) == {1}
    assert n_threads() == BEFORE
    for seed in range(8):
        np.testing.assert_array_equal(together[seed], fit(seed))


def test_a_failing_fit_leaves_no_limit():
    def scorer(estimator, X, y):
        raise RuntimeError("a user's scorer")

    regressor = BackpropRegressor(early_stopping=True, scoring=scorer)
    with pytest.raises(RuntimeError, match="a user's scorer"):
        regressor.fit(np.arange(40.0).reshape(20, 2), np.arange(20.0))
    assert n_threads() == BEFORE
