"""Work shared out to threads: all of it, once, with the caller's error state and errors."""

import threading
from itertools import chain

import numpy as np
import pytest

from sklearn_backprop._engine.outputs import predict
from sklearn_backprop._numerics.threads import share_out
from sklearn_backprop.activations import ACTIVATIONS


@pytest.mark.parametrize("n_items", [0, 1, 2, 7, 100])
def test_each_item_is_in_one_part(n_items):
    parts, lock = [], threading.Lock()

    def take(part):
        with lock:
            parts.append(list(part))

    share_out(take, range(n_items), 3)
    assert len(parts) == 3
    assert sorted(chain.from_iterable(parts)) == list(range(n_items))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_errors_come_out_and_error_state_goes_in():
    def divide(part):
        return np.ones(1) / np.zeros(1)

    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        share_out(divide, range(2), 2)
    with np.errstate(all="ignore"):
        share_out(divide, range(2), 2)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_predictions_do_not_depend_on_the_threads(dtype, monkeypatch):
    monkeypatch.setattr("sklearn_backprop._engine.outputs.PREDICT_BLOCK", 200)
    random = np.random.RandomState(0)
    weights = [random.standard_normal(shape).astype(dtype) for shape in ((6, 20), (20, 2))]
    biases = [random.standard_normal(size).astype(dtype) for size in (20, 2)]
    X = random.standard_normal((1003, 6)).astype(dtype)
    network = X, weights, biases, ACTIVATIONS["selu"](), ACTIVATIONS["identity"]()
    alone = predict(*network)
    hidden = ACTIVATIONS["selu"]()
    Z = X @ weights[0] + biases[0]
    hidden.forward(Z.copy(), Z)
    np.testing.assert_allclose(alone, Z @ weights[1] + biases[1], rtol=1e-4, atol=1e-4)
    for n_threads in (2, 3):
        np.testing.assert_array_equal(predict(*network, n_threads=n_threads), alone)
