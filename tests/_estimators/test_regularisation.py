"""Dropout, gradient clipping and decoupled weight decay."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop._engine.dropout import DroppedActivation, dropout_generator
from sklearn_backprop._numerics.vectors import clip
from sklearn_backprop.activations import ACTIVATIONS
from sklearn_backprop.optimizers import SGD, AdamW

random = np.random.RandomState(0)
X = random.standard_normal((60, 4))
y = X @ [1.0, -2.0, 0.5, 3.0]
LABELS = (y > 0).astype(int)
SHORT = {"hidden_layer_sizes": (6, 5), "max_iter": 3, "random_state": 0, "standardize": False}
SHORT |= {"learning_rate": "cosine", "learning_rate_init": 0.01, "batch_size": 16}


def parameters_of(model):
    return np.concatenate([a.ravel() for a in model.coefs_ + model.intercepts_])


# dropout


def test_the_mask_silences_a_share_and_scales_up_the_rest():
    generator = np.random.default_rng(0)
    for rate in (0.0, 0.2, 0.7):
        dropped = DroppedActivation(ACTIVATIONS["identity"](), rate, generator)
        Z = np.ones((400, 100))
        out = np.empty_like(Z)
        dropped.forward(Z.copy(), out)
        values = {0.0, 1 / (1 - rate)} if rate else {1.0}
        assert set(np.unique(out)) == values
        assert (out == 0).mean() == pytest.approx(rate, abs=0.01)
        assert out.mean() == pytest.approx(1, abs=0.02)  # inverted: the mean stays
        assert out.mean(axis=0).std() > 0 or not rate  # each unit of each sample on its own


def test_each_forward_pass_draws_a_new_mask():
    dropped = DroppedActivation(ACTIVATIONS["tanh"](), 0.5, np.random.default_rng(0))
    first, second = np.empty((2, 50, 4))
    dropped.forward(np.ones((50, 4)), first)
    dropped.forward(np.ones((50, 4)), second)
    assert ((first == 0) != (second == 0)).mean() > 0.3


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_its_gradient_is_that_of_the_masked_activation(name):
    """Central differences, with generators that give the same mask each time."""
    Z = np.random.RandomState(1).standard_normal((6, 5))
    direction = np.random.RandomState(2).standard_normal(Z.shape)

    def forward(Z):
        dropped = DroppedActivation(ACTIVATIONS[name](), 0.4, np.random.default_rng(5))
        net_input, out = Z.copy(), np.empty_like(Z)
        dropped.forward(net_input, out)
        return dropped, net_input, out

    dropped, net_input, out = forward(Z)
    delta = direction.copy()
    dropped.backward(net_input, out, delta)
    numeric = direction * (forward(Z + 1e-6)[2] - forward(Z - 1e-6)[2]) / 2e-6
    np.testing.assert_allclose(delta, numeric, rtol=1e-6, atol=1e-8)
    assert ((delta == 0) == (out == 0)).all() or name == "relu"


@pytest.mark.parametrize("cls", [BackpropClassifier, BackpropRegressor])
def test_prediction_uses_all_units(cls):
    model = cls(dropout=0.5, **SHORT).fit(X, LABELS if cls is BackpropClassifier else y)
    A = X
    for W, b in zip(model.coefs_[:-1], model.intercepts_[:-1], strict=True):
        A = np.maximum(A @ W + b, 0)
    Z = A @ model.coefs_[-1] + model.intercepts_[-1]
    plain = model.decision_function if cls is BackpropClassifier else model.predict
    np.testing.assert_allclose(plain(X), Z[:, 0], rtol=1e-12)
    np.testing.assert_array_equal(plain(X), plain(X))


def test_dropout_of_almost_nothing_is_the_twin_without():
    """Its draws leave those of the weights and of the batches alone."""
    plain = BackpropRegressor(**SHORT).fit(X, y)
    barely = BackpropRegressor(dropout=1e-12, **SHORT).fit(X, y)
    np.testing.assert_allclose(parameters_of(barely), parameters_of(plain), rtol=1e-9)
    assert not np.allclose(
        parameters_of(BackpropRegressor(dropout=0.5, **SHORT).fit(X, y)), parameters_of(plain)
    )


@pytest.mark.parametrize("make", [np.random.RandomState, lambda seed: np.random.RandomState(
    np.random.PCG64(seed))], ids=["MT19937", "PCG64"])  # fmt: skip
def test_the_masks_have_a_stream_of_their_own(make):
    state = make(3)
    first = dropout_generator(state).random(5)
    np.testing.assert_array_equal(dropout_generator(state).random(5), first)
    assert state.random_sample() == make(3).random_sample()
    # one RandomState that serves two estimators gives them different masks
    later = [dropout_generator(state).random(5) for _ in range(3) if state.random_sample()]
    assert len({tuple(draws) for draws in [first, *later]}) == 4


def test_one_rate_is_for_all_hidden_layers_and_a_list_for_each():
    one = BackpropRegressor(dropout=0.3, **SHORT).fit(X, y)
    each = BackpropRegressor(dropout=[0.3, 0.3], **SHORT).fit(X, y)
    np.testing.assert_array_equal(parameters_of(one), parameters_of(each))
    other = BackpropRegressor(dropout=(0.3, 0.0), **SHORT).fit(X, y)
    assert not np.array_equal(parameters_of(one), parameters_of(other))
    BackpropRegressor(dropout=0.5, **SHORT | {"hidden_layer_sizes": ()}).fit(X, y)  # none to drop


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"dropout": [0.3]}, "1 rates for 2 hidden layers"),
        ({"dropout": [0.1, 0.2, 0.3]}, "3 rates for 2 hidden layers"),
        ({"dropout": [0.1, 1.0]}, r"dropout must lie in \[0, 1\)"),
        ({"dropout": 1.0}, "dropout"),
        ({"dropout": -0.1}, "dropout"),
        ({"dropout": 0.5, "solver": "lbfgs"}, "dropout=0.5.*solver='lbfgs' cannot"),
        ({"max_grad_norm": 0.0}, "max_grad_norm"),
        ({"solver": AdamW(weight_decay=-1.0)}, "weight_decay"),
    ],
)
def test_unusable_values_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        BackpropRegressor(**SHORT | parameters).fit(X, y)


def test_lbfgs_without_dropout_is_fine():
    settings = {"solver": "lbfgs", "hidden_layer_sizes": (6, 5), "random_state": 0, "tol": 1e-3}
    model = BackpropRegressor(dropout=[0, 0.0], **settings).fit(X, y)
    assert model.score(X, y) > 0.95
    np.testing.assert_array_equal(
        parameters_of(model), parameters_of(BackpropRegressor(**settings).fit(X, y))
    )


def test_dropout_is_repeatable_by_random_state():
    one, same, other = (
        parameters_of(BackpropRegressor(dropout=0.5, **SHORT | {"random_state": seed}).fit(X, y))
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_partial_fit_goes_on_with_the_masks_after_pickling():
    in_order = SHORT | {"shuffle": False}
    model = BackpropRegressor(dropout=0.5, **in_order).partial_fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    for each in (model, copy):
        each.partial_fit(X, y).partial_fit(X, y)
    np.testing.assert_array_equal(parameters_of(model), parameters_of(copy))
    # three passes are three epochs: no mask comes twice
    whole = BackpropRegressor(dropout=0.5, **in_order).fit(X, y)
    np.testing.assert_allclose(parameters_of(whole), parameters_of(model), rtol=1e-12)


def test_dropout_can_begin_and_end_between_calls_of_partial_fit():
    model = BackpropRegressor(**SHORT).partial_fit(X, y)
    never = BackpropRegressor(**SHORT).partial_fit(X, y)
    model.set_params(dropout=0.9).partial_fit(X, y)
    never.partial_fit(X, y)
    assert not np.allclose(parameters_of(model), parameters_of(never))
    pickled = pickle.loads(pickle.dumps(model)).set_params(dropout=0.0)
    model.set_params(dropout=0.0)
    same = parameters_of(pickled.partial_fit(X, y)), parameters_of(model.partial_fit(X, y))
    np.testing.assert_array_equal(*same)


def test_float32_stays_float32():
    model = BackpropRegressor(dropout=0.5, max_grad_norm=1.0, solver="adamw", **SHORT)
    model.fit(X.astype("float32"), y)
    assert {array.dtype for array in model.coefs_ + model.intercepts_} == {np.dtype("float32")}
    assert np.isfinite(parameters_of(model)).all()


def test_dropout_makes_a_large_network_on_few_samples_less_overconfident():
    digits, test_digits, labels, test_labels = train_test_split(
        *load_digits(return_X_y=True), train_size=150, random_state=0
    )
    log_likelihoods = []
    for rate in (0.0, 0.5):
        settings = SHORT | {"hidden_layer_sizes": (200, 200), "max_iter": 40, "batch_size": 32}
        model = BackpropClassifier(dropout=rate, **settings | {"standardize": True})
        P = model.fit(digits, labels).predict_proba(test_digits)
        log_likelihoods.append(np.log(P[np.arange(len(P)), test_labels]).mean())
        assert model.score(test_digits, test_labels) > 0.88
    assert log_likelihoods[1] > log_likelihoods[0] + 0.05


# clipping


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_long_gradient_is_shortened_and_keeps_its_direction(dtype):
    gradient = np.array([3.0, 4.0, 12.0], dtype=dtype)  # of norm 13
    clip(gradient, 6.5)
    np.testing.assert_allclose(gradient, [1.5, 2.0, 6.0], rtol=1e-6)
    assert gradient.dtype == dtype
    clip(gradient, 6.6)
    np.testing.assert_allclose(gradient, [1.5, 2.0, 6.0], rtol=1e-6)
    zero = np.zeros(3, dtype)
    clip(zero, 1.0)
    np.testing.assert_array_equal(zero, 0)


def test_a_stack_is_clipped_network_by_network():
    stack = np.random.RandomState(0).standard_normal((3, 7)) * [[0.1], [1], [10]]
    alone = [row.copy() for row in stack]
    clip(stack, 1.0)
    for row in alone:
        clip(row, 1.0)
    np.testing.assert_array_equal(stack, alone)
    np.testing.assert_allclose(np.linalg.norm(stack, axis=1)[1:], 1.0)


LINEAR_SGD = {"solver": SGD(momentum=0.0), "hidden_layer_sizes": (), "learning_rate": 0.1}
LINEAR_SGD |= {"initializer": "zeros", "standardize": False, "batch_size": 60, "alpha": 0.0}


def test_a_clipped_step_in_closed_form():
    """From zeros, the gradient of a linear model is ``-(Xᵀ y, Σ y) / n``."""
    gradient = -np.append(X.T @ y, y.sum()) / 60
    norm = np.linalg.norm(gradient)
    for max_norm in (0.5 * norm, 2 * norm):
        model = BackpropRegressor(max_grad_norm=max_norm, **LINEAR_SGD).partial_fit(X, y)
        expected = -0.1 * gradient * min(1, max_norm / norm)
        np.testing.assert_allclose(parameters_of(model), expected, rtol=1e-10)
        assert np.linalg.norm(parameters_of(model)) <= 0.1 * max_norm * (1 + 1e-12)


def test_the_penalty_is_clipped_with_the_rest():
    parameters = LINEAR_SGD | {"alpha": 1e6, "initializer": "he_normal", "random_state": 0}
    before = parameters_of(
        BackpropRegressor(**parameters | {"learning_rate": 1e-300}).partial_fit(X, y)
    )
    after = parameters_of(BackpropRegressor(max_grad_norm=1.0, **parameters).partial_fit(X, y))
    assert np.linalg.norm(after - before) == pytest.approx(0.1, rel=1e-9)


def test_a_bound_never_reached_changes_nothing():
    plain = BackpropClassifier(**SHORT).fit(X, LABELS)
    bounded = BackpropClassifier(max_grad_norm=1e6, **SHORT).fit(X, LABELS)
    np.testing.assert_allclose(parameters_of(bounded), parameters_of(plain), rtol=1e-12)


def test_clipping_tames_a_diverging_descent():
    settings = {"solver": "sgd", "random_state": 0, "max_iter": 30, "standardize": False}
    settings |= {"learning_rate": "cosine", "learning_rate_init": 0.05}
    scaled = 20 * X
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises((ConvergenceWarning, ValueError), match=r"diverged|non-finite"):
            BackpropRegressor(**settings).fit(scaled, y)
        tamed = BackpropRegressor(max_grad_norm=1.0, **settings).fit(scaled, y)
    assert np.isfinite(tamed.loss_curve_).all()
    assert tamed.loss_curve_[-1] < 0.5 * tamed.loss_curve_[0]


# weight decay


@pytest.mark.parametrize("solver", [AdamW(weight_decay=0.3), SGD(weight_decay=0.3)], ids=repr)
@pytest.mark.parametrize("n_samples", [8, 60])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_each_step_shrinks_weights_by_the_same_share(solver, n_samples, batch_size):
    """With X = 0 weights have no gradient, so a step multiplies them by ``1 - η λ``."""
    settings = {"hidden_layer_sizes": (), "alpha": 0.0, "standardize": False, "random_state": 0}
    settings |= {"solver": solver, "batch_size": batch_size}
    zeros = np.zeros((n_samples, 4))
    still = BackpropRegressor(learning_rate=1e-300, **settings).partial_fit(zeros, y[:n_samples])
    moved = BackpropRegressor(learning_rate=0.05, **settings).partial_fit(zeros, y[:n_samples])
    steps = n_samples // batch_size
    np.testing.assert_allclose(moved.coefs_[0], still.coefs_[0] * (1 - 0.05 * 0.3) ** steps)


@pytest.mark.parametrize("kind", [AdamW, SGD])
def test_biases_do_not_decay(kind):
    settings = {"hidden_layer_sizes": 3, "alpha": 0.0, "standardize": False, "random_state": 0}
    data = np.zeros((20, 4)), np.zeros(20)  # hidden units see nothing but their biases

    def model(decay, rate):
        solver = kind(weight_decay=decay)
        return BackpropRegressor(solver=solver, learning_rate=rate, batch_size=20, **settings)

    free = model(0.0, 0.1).partial_fit(*data)
    decayed = model(0.5, 0.1).partial_fit(*data)
    for b, same in zip(decayed.intercepts_, free.intercepts_, strict=True):
        np.testing.assert_array_equal(b, same)
    assert np.abs(decayed.coefs_[0]).sum() == pytest.approx(0.95 * np.abs(free.coefs_[0]).sum())


def test_adamw_without_decay_is_adam():
    adam = BackpropClassifier(solver="adam", **SHORT).fit(X, LABELS)
    adamw = BackpropClassifier(solver=AdamW(weight_decay=0.0), **SHORT).fit(X, LABELS)
    np.testing.assert_array_equal(parameters_of(adam), parameters_of(adamw))


@pytest.mark.parametrize("kind", [AdamW, SGD])
def test_decay_makes_smaller_weights_on_real_data(kind):
    data = load_breast_cancer(return_X_y=True)
    sizes = []
    for decay in (0.0, 0.5):
        settings = SHORT | {"standardize": True, "max_iter": 10, "solver": kind(weight_decay=decay)}
        model = BackpropClassifier(**settings).fit(*data)
        sizes.append(np.linalg.norm(model.coefs_[-1]))
        assert model.score(*data) > 0.9
    assert sizes[1] < 0.95 * sizes[0]
