"""``predict`` says what the network said in training, whatever offset and scale the data have.

The oracle is the same network behind a centring and scaling done in float64, without
``standardize``: it never sees an offset. Folding the two into weights of float32 would lose
all digits of a column such as the seconds since 1970 within a minute.
"""

import copy
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.base import is_classifier

from sklearn_backprop import (
    BackpropClassifier,
    BackpropEnsembleRegressor,
    BackpropRegressor,
    BackpropTransformer,
)
from sklearn_backprop.inspection import trace_step

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 120
NET = {"hidden_layer_sizes": (8,), "max_iter": 15, "learning_rate_init": 0.02, "random_state": 0}
STANDARD = np.random.RandomState(0).standard_normal((N, 4))
SIGNAL = STANDARD[:, 0] + np.sin(STANDARD[:, 1])


def raw_data(dtype, ratios, scale, constant):
    """Return columns so many scales from zero, and a constant one."""
    X = STANDARD * scale + np.array([*ratios, 0.0]) * scale
    X[:, 3] = constant
    return X.astype(dtype)


def scaled(X):
    """Centre and scale in float64, a constant column to zeros."""
    X = X.astype(np.float64)
    # of the first row first: the mean of large numbers is rounded more than their differences
    X = X - X[0]
    X = X - X.mean(axis=0)
    deviation = X.std(axis=0)
    return X / np.where(deviation > 0, deviation, 1.0)


def oracle(model, X, y, dtype):
    """Return the score of the same network on what has been standardized for it."""
    plain = model.set_params(standardize=False, dtype=dtype)
    z = y if is_classifier(plain) else (y - y.mean()) / y.std()
    return plain.fit(scaled(X), z).score(scaled(X), z)


offsets = st.floats(-6, 6).map(lambda e: np.sign(e) * 10 ** abs(e))
far_offsets = st.floats(-12, 12).map(lambda e: np.sign(e) * 10 ** abs(e))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    data=st.data(),
    dtype=st.sampled_from(["float32", "float64"]),
    by_parameter=st.booleans(),
    classes=st.booleans(),
    early_stopping=st.booleans(),
    scale=st.sampled_from([1e-20, 1e-3, 1.0, 1e6]),
    constant=st.sampled_from([0.0, 0.86, 1.7e9, -1e15, 1e30]),
)
def test_the_score_is_that_of_a_network_behind_scalers(
    data, dtype, by_parameter, classes, early_stopping, scale, constant
):
    some = offsets if dtype == "float32" else far_offsets
    X = raw_data(dtype, [data.draw(some) for _ in range(3)], scale, constant)
    X = X.astype(np.float64) if by_parameter else X
    cls, y = (BackpropClassifier, SIGNAL > 0) if classes else (BackpropRegressor, 3 * SIGNAL - 100)
    expected = oracle(cls(**NET), X, y, dtype)
    model = cls(**NET, dtype=dtype).fit(X, y)
    # a class whose probability is close to one half may go either way
    assert model.score(X, y) == pytest.approx(expected, abs=0.02 if classes else 1e-3)
    if early_stopping:
        model.set_params(early_stopping=True, scoring=None).fit(X, y, X_val=X, y_val=y)
        # what was seen in training is what predict gives; float32 rounds the outputs once more
        seen = model.best_validation_score_
        assert model.score(X, y) == pytest.approx(seen, abs=1e-5)


@pytest.mark.parametrize("offset", [0.0, 1e4, 1.7e9, 1e12])
@pytest.mark.parametrize("hidden_layer_sizes", [(), (8,)])
def test_an_offset_of_the_targets_cancels_no_digits(offset, hidden_layer_sizes):
    parameters = NET | {"hidden_layer_sizes": hidden_layer_sizes, "dtype": "float32"}
    near = BackpropRegressor(**parameters).fit(STANDARD, SIGNAL)
    far = BackpropRegressor(**parameters).fit(STANDARD, SIGNAL + offset)
    # 1e12 leaves four digits of the signal
    assert far.score(STANDARD, SIGNAL + offset) == pytest.approx(
        near.score(STANDARD, SIGNAL), abs=1e-3 if offset == 1e12 else 1e-5
    )


SECONDS = np.column_stack([1.7e9 + 60 * np.linspace(0, 1, N), STANDARD[:, :2]])
OF_SECONDS = np.sin(SECONDS[:, 0] % 60 / 10) + STANDARD[:, 0]


def fitted(cls=BackpropRegressor, **parameters):
    y = OF_SECONDS if cls is BackpropRegressor else OF_SECONDS > 0
    return cls(**NET | {"max_iter": 60, "dtype": "float32"} | parameters).fit(SECONDS, y)


def by_hand(model, X, n_layers):
    """Propagate through the network in standardized coordinates, in float64."""
    training = model._training
    A = (X - training.statistics.feature_scaler.center) / training.statistics.feature_scaler.scale
    network = training.network
    for W, b in zip(network.weights[:n_layers], network.biases[:n_layers], strict=True):
        A = np.maximum(A @ W.astype(float) + b, 0)
    return A


def test_hidden_activations_and_the_transformer_are_those_of_training():
    model = fitted()
    expected = by_hand(model, SECONDS, 1)
    np.testing.assert_allclose(model.hidden_activations(SECONDS), expected, atol=1e-4)
    transformer = BackpropTransformer(model).fit(SECONDS, OF_SECONDS)
    np.testing.assert_allclose(transformer.transform(SECONDS), expected, atol=1e-4)


def test_input_gradients_are_slopes_of_predict():
    model, step = fitted(activation="tanh"), np.array([0.5, 0, 0])
    slope = (model.predict(SECONDS + step) - model.predict(SECONDS - step)) / 1.0
    ours = model.input_gradients(SECONDS)[:, 0, 0]
    # half a second bends a wave of a minute by (0.05)² / 6
    np.testing.assert_allclose(ours, slope, atol=2e-3 * np.abs(slope).max())


@pytest.mark.parametrize("cls", [BackpropRegressor, BackpropClassifier])
def test_copies_predict_the_same_bits(cls):
    model = fitted(cls)
    method = "predict" if cls is BackpropRegressor else "predict_proba"
    expected = getattr(model, method)(SECONDS)
    assert model.score(SECONDS, OF_SECONDS if method == "predict" else OF_SECONDS > 0) > 0.8
    for other in (
        model.slim(),
        copy.copy(model),
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
        pickle.loads(pickle.dumps(model.slim())),
        pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(model.slim())).slim())),
    ):
        np.testing.assert_array_equal(getattr(other, method)(SECONDS), expected)


def test_the_first_layer_is_pickled_once():
    wide = BackpropRegressor(hidden_layer_sizes=(500,), max_iter=1, random_state=0)
    near, far = (wide.fit(STANDARD + c, SIGNAL).slim() for c in (0.0, 1e3))
    assert len(pickle.dumps(far)) < 1.2 * len(pickle.dumps(near)) + 5000


@pytest.mark.parametrize("is_slim", [False, True])
def test_edited_weights_are_obeyed(is_slim):
    """What is edited is the plain network on raw X, and it is that which then predicts."""
    X, y = STANDARD + 1e3, SIGNAL + 1e3
    edits = {
        "a weight in place": lambda m: m.coefs_[0].__setitem__(0, 0.0),
        "a bias in place": lambda m: m.intercepts_[0].__iadd__(1.0),
        "the last bias": lambda m: m.intercepts_[-1].__iadd__(1.0),
        "the last weights": lambda m: m.coefs_[-1].__imul__(2.0),
        "another array": lambda m: m.coefs_.__setitem__(0, np.zeros_like(m.coefs_[0])),
    }
    for name, edit in edits.items():
        model = BackpropRegressor(**NET).fit(X, y)
        model = model.slim() if is_slim else model
        edit(model)
        hidden = np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0)
        expected = (hidden @ model.coefs_[1] + model.intercepts_[1])[:, 0]
        for other in (model, pickle.loads(pickle.dumps(model))):
            np.testing.assert_allclose(other.predict(X), expected, rtol=1e-9, err_msg=name)


def test_the_members_of_an_ensemble_predict_as_trained():
    scores = []
    for dtype in ("float32", "float64"):
        member = BackpropRegressor(**NET | {"max_iter": 60, "dtype": dtype})
        ensemble = BackpropEnsembleRegressor(member, n_estimators=2, random_state=0)
        scores.append(ensemble.fit(SECONDS, OF_SECONDS).score(SECONDS, OF_SECONDS))
    assert scores[0] == pytest.approx(scores[1], abs=1e-3)


def test_the_trace_says_what_predict_says():
    model = fitted().set_params(batch_size=N)
    before = copy.deepcopy(model)
    trace = trace_step(model, SECONDS, OF_SECONDS)
    scaler = trace.output_scaler
    # the statistics have taken in the batch once more, which leaves them as they were
    said = trace.outputs[:, 0] * scaler.scale + scaler.center
    np.testing.assert_allclose(said, before.predict(SECONDS), atol=1e-3)


# ---------------------------------------------------------------- beyond a dtype's range


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1e-40, 1e-30, 1e30, 1e37])
@pytest.mark.parametrize("classes", [False, True])
def test_columns_near_the_ends_of_float32_are_learned_from(classes, size, dtype, container):
    cls, y = (BackpropClassifier, SIGNAL > 0) if classes else (BackpropRegressor, SIGNAL)
    X = (STANDARD * [1, size, 1, 1]).astype(np.float32)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = cls(**NET, dtype=dtype).fit(container(X), y)
        plain = cls(**NET, dtype=dtype).fit(container(STANDARD.astype(np.float32)), y)
    told = [str(w.message) for w in caught if "coefs_" in str(w.message)]
    assert bool(told) == (size == 1e-40 and dtype == "float32")
    if told:
        assert "x1" in told[0] and "dtype='float64'" in told[0]
    assert all(np.isfinite(W).all() for W in (*model.coefs_, *model.intercepts_))
    expected = plain.score(container(STANDARD.astype(np.float32)), y)
    # of 1e-40 float32 keeps five digits
    assert model.score(container(X), y) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("size", [1e-310, 1e-200, 1e160, 1e300, 1e305])
def test_columns_whose_squares_no_float_holds_are_learned_from(size):
    X = STANDARD * [1, size, 1, 1]
    with warnings.catch_warnings():
        if size > 1e-300:
            warnings.simplefilter("error", RuntimeWarning)
        else:
            warnings.filterwarnings("ignore", "The weights of x1")
        model = BackpropRegressor(**NET).fit(X, SIGNAL)
    plain = BackpropRegressor(**NET).fit(STANDARD, SIGNAL)
    np.testing.assert_allclose(model.predict(X), plain.predict(STANDARD), atol=1e-5)


def test_columns_of_a_stream_whose_squares_no_float_holds():
    X = STANDARD * [1, 1e200, 1, 1]
    ours, plain = (BackpropRegressor(**NET) for _ in range(2))
    for rows in np.array_split(np.arange(N), 5):
        ours.partial_fit(X[rows], SIGNAL[rows])
        plain.partial_fit(STANDARD[rows], SIGNAL[rows])
    np.testing.assert_allclose(ours.predict(X), plain.predict(STANDARD), rtol=1e-6)
