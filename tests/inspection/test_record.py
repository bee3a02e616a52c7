"""A recorded training is the training that fit makes, and its traces are its steps."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.inspection import _record as record_module
from sklearn_backprop.inspection import record_training

X, Y = load_iris(return_X_y=True)
QUICK = {"hidden_layer_sizes": (5, 4), "learning_rate": "cosine", "max_iter": 12, "random_state": 0}


def quick(**parameters):
    return BackpropClassifier(**(QUICK | parameters))


CASES = {
    "adam": quick(),
    "mini-batches": quick(batch_size=32),
    "sgd": quick(solver="sgd", learning_rate_init=0.1),
    "not standardized": quick(standardize=False),
    "float32": quick(dtype="float32"),
    "dropout": quick(dropout=0.3),
    "clipped": quick(max_grad_norm=0.05),
    "early stopping": quick(early_stopping=True),
    "lbfgs": quick(solver="lbfgs", tol=1e-2, max_iter=500),
}
each_case = pytest.mark.parametrize("estimator", CASES.values(), ids=CASES)


def assert_same_weights(actual, expected):
    for one, other in zip(
        (*actual.coefs_, *actual.intercepts_),
        (*expected.coefs_, *expected.intercepts_),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


@each_case
def test_it_trains_as_fit_does(estimator):
    weights = np.random.RandomState(0).uniform(0, 2, len(X))
    before = pickle.dumps(estimator)
    record = record_training(estimator, X, Y, sample_weight=weights)
    assert pickle.dumps(estimator) == before
    fitted = clone(estimator).fit(X, Y, sample_weight=weights)
    assert_same_weights(record.estimator, fitted)
    assert record.estimator.loss_curve_ == fitted.loss_curve_
    assert record.epochs[0] == 0 and record.epochs[-1] == fitted.n_iter_
    assert record.gradient_norms.shape == (fitted.n_iter_, 3)


@each_case
def test_norms_of_layers_add_up(estimator):
    record = record_training(estimator, X, Y)
    whole = np.sqrt(np.square(record.gradient_norms).sum(axis=1))
    np.testing.assert_allclose(whole, record.estimator.history_["gradient_norm"], rtol=1e-5)
    if estimator.early_stopping:
        return
    network = record.estimator._training.network
    last = [np.hypot(np.linalg.norm(W), np.linalg.norm(b))
            for W, b in zip(network.weights, network.biases, strict=True)]  # fmt: skip
    np.testing.assert_allclose(record.parameter_norms[-1], last, rtol=1e-5)


def test_updates_are_what_an_epoch_changes():
    record = record_training(quick(standardize=False), X, Y, every=1)
    for epoch in (1, 7, 12):
        before, after = record.estimator_at(epoch - 1), record.estimator_at(epoch)
        for layer in range(3):
            change = np.hypot(
                np.linalg.norm(after.coefs_[layer] - before.coefs_[layer]),
                np.linalg.norm(after.intercepts_[layer] - before.intercepts_[layer]),
            )
            assert record.update_norms[epoch - 1, layer] == pytest.approx(change)


@pytest.mark.parametrize("name", ["adam", "sgd", "not standardized", "dropout", "clipped"])
def test_traces_of_the_full_batch_are_the_steps_that_training_took(name):
    estimator = CASES[name]
    record = record_training(estimator, X, Y, every=1, samples=len(X))
    assert record.is_full_batch
    for epoch in (0, 1, 6):
        trace, following = record.trace(epoch), record.trace(epoch + 1)
        assert trace.objective == record.estimator.loss_curve_[epoch]
        assert trace.learning_rate == record.estimator.history_["learning_rate"][epoch]
        for layer, later in zip(trace.layers, following.layers, strict=True):
            np.testing.assert_array_equal(layer.weights_after, later.weights_before)
            np.testing.assert_array_equal(layer.biases_after, later.biases_before)
    assert trace.objective == record.trace(epoch).objective  # looking changes nothing


def test_other_batches_are_not_the_steps_that_training_took():
    assert not record_training(quick(), X, Y).is_full_batch  # 12 samples of 150
    assert not record_training(quick(batch_size=50), X, Y, samples=150).is_full_batch
    assert record_training(CASES["lbfgs"], X, Y, samples=150).is_full_batch


def test_lbfgs_traces_end_at_the_gradient():
    record = record_training(CASES["lbfgs"], X, Y, samples=150)
    trace = record.trace(0)
    assert trace.layers[0].update_weights is None
    assert record.trace(int(record.epochs[-1])).gradient_norm < trace.gradient_norm


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_estimator_of_an_earlier_epoch():
    record = record_training(quick(max_iter=12, learning_rate="constant"), X, Y, every=4)
    early = quick(max_iter=4, learning_rate="constant").fit(X, Y)
    assert_same_weights(record.estimator_at(4), early)
    np.testing.assert_array_equal(record.estimator_at(4).predict(X), early.predict(X))
    assert_same_weights(record.estimator_at(12), record.estimator)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_last_epoch_is_there_though_an_earlier_one_is_kept():
    estimator = quick(early_stopping=True, batch_size=16, n_iter_no_change=50, max_iter=30)
    estimator.set_params(learning_rate=0.03)
    misleading = {"X_val": X, "y_val": (Y + 1) % 3}  # what is learned makes it worse
    record = record_training(estimator, X, Y, every=7, **misleading)
    kept = record.estimator._training.progress.kept_epoch
    assert kept < record.estimator.n_iter_ == record.epochs[-1] == 30
    last = record.estimator_at(30)
    assert not np.array_equal(last.coefs_[0], record.estimator.coefs_[0])
    longer = record_training(estimator, X, Y, every=1, **misleading)
    assert_same_weights(longer.estimator_at(kept), record.estimator)
    assert record.trace(30).layers[0].update_weights is not None


# ---------------------------------------------------------------- which epochs, which samples


@pytest.mark.parametrize(("every", "epochs"), [(5, [0, 5, 10, 12]), (6, [0, 6, 12]), (99, [0, 12])])
def test_every(every, epochs):
    record = record_training(quick(), X, Y, every=every)
    np.testing.assert_array_equal(record.epochs, epochs)
    with pytest.raises(ValueError, match=r"epoch=3 was not recorded.*nearest that was is \d+"):
        record.trace(3)


def test_auto_takes_larger_strides_as_training_goes_on(monkeypatch):
    monkeypatch.setattr(record_module, "MAX_FRAMES", 10)
    for n_epochs, stride in ((9, 1), (12, 2), (30, 10), (95, 10), (150, 20)):
        record = record_training(quick(max_iter=n_epochs), X, Y)
        expected = sorted({*range(0, n_epochs + 1, stride), n_epochs})
        np.testing.assert_array_equal(record.epochs, expected)


def test_samples():
    record = record_training(quick(), X, Y, samples=4)
    np.testing.assert_array_equal(record.samples, [0, 50, 99, 149])
    record = record_training(quick(standardize=False), X, Y, samples=[3, 70, 3])
    np.testing.assert_array_equal(record.trace(0).inputs, X[[3, 70, 3]])
    np.testing.assert_array_equal(record.trace(0).targets.argmax(axis=1), Y[[3, 70, 3]])
    everything = record_training(quick(), X[:20], Y[:20], samples=50)
    np.testing.assert_array_equal(everything.samples, np.arange(20))


@pytest.mark.parametrize("samples", [[], [150], [-1], [0.5], "all", [[1]]])
def test_samples_that_are_none(samples):
    with pytest.raises(ValueError, match=r"samples must be .* \[0, 149\]"):
        record_training(quick(), X, Y, samples=samples)


def test_wrong_use():
    with pytest.raises(TypeError, match="record_training needs"):
        record_training("network", X, Y)
    with pytest.raises(ValueError, match="every"):
        record_training(quick(), X, Y, every=0)
    with pytest.raises(TypeError, match="every"):
        record_training(quick(), X, Y, every="often")


def test_callbacks_and_initial_weights_and_validation_sets():
    seen = []
    estimator = BackpropRegressor(
        hidden_layer_sizes=(), standardize=False, early_stopping=True, max_iter=20, tol=0
    )
    estimator.set_callbacks(lambda record: seen.append(record["epoch"]) or record["epoch"] == 5)
    record = record_training(
        estimator, X, Y, coefs_init=[np.ones((4, 1))], intercepts_init=[[2.0]], X_val=X, y_val=Y
    )
    assert seen == [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(record.estimator_at(0).coefs_[0], np.ones((4, 1)))
    assert record.n_training_samples == 150


def test_a_converged_lbfgs_has_no_epochs():
    # at the mean there is nothing to gain
    estimator = BackpropRegressor(solver="lbfgs", hidden_layer_sizes=(), standardize=False)
    record = record_training(
        estimator, X, np.full(150, 3.0), coefs_init=[np.zeros((4, 1))], intercepts_init=[[3.0]]
    )
    np.testing.assert_array_equal(record.epochs, [0])
    assert record.gradient_norms.shape == (0, 1)
