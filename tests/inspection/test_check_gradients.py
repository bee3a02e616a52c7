"""`check_gradients` passes what is right, and finds what is wrong, and where."""

import pickle

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop._engine.network import Network
from sklearn_backprop._estimators.parameters import losses_for
from sklearn_backprop.activations import ACTIVATIONS, GELU, Activation, Identity, Tanh
from sklearn_backprop.inspection import check_gradients
from sklearn_backprop.losses import Focal, LogLoss, SquaredError

IRIS_X, IRIS_Y = load_iris(return_X_y=True)
X, CLASSES = IRIS_X[::10], IRIS_Y[::10]
NUMBERS = X @ np.random.RandomState(0).standard_normal((4, 2)) + 5
SMALL = {"hidden_layer_sizes": (5, 4), "random_state": 0}


class WrongTanh(Tanh):
    """Its slope is off by a factor."""

    def __init__(self, factor=1.01):
        self.factor = factor

    def backward(self, Z, A, delta):
        super().backward(Z, A, delta)
        delta *= self.factor


class WrongLoss(SquaredError):
    canonical = False

    def gradient(self, Y, A):
        return 2 * (A - Y)


# ---------------------------------------------------------------- what is right passes


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_pass(activation):
    check = check_gradients(BackpropClassifier(activation=activation, **SMALL), X, CLASSES)
    assert check.passed and check.max_difference < 1e-7
    assert [(a.layer, a.kind) for a in check.arrays] == [
        (layer, kind) for layer in (1, 2, 3) for kind in ("weights", "biases")
    ]
    assert [a.n_checked + a.n_kinks for a in check.arrays] == [20, 5, 20, 4, 12, 3]


@pytest.mark.parametrize("loss", losses_for("regression"))
@pytest.mark.parametrize("alpha", [0.0, 20.0])
def test_losses_pass(loss, alpha):
    estimator = BackpropRegressor(loss=loss, activation="gelu", alpha=alpha, **SMALL)
    weights = np.random.RandomState(1).uniform(0, 3, len(X))
    check = check_gradients(estimator, X, NUMBERS, sample_weight=weights)
    assert check.passed, str(check)


@pytest.mark.parametrize(
    "parameters",
    [{"solver": "lbfgs"}, {"dropout": 0.5}, {"dtype": "float32"}, {"max_grad_norm": 1e-3},
     {"early_stopping": True}, {"batch_size": 2}, {"standardize": False}, {"alpha": 100.0}],
    ids=str,
)  # fmt: skip
def test_settings_pass(parameters):
    estimator = BackpropClassifier(learning_rate="cosine", max_iter=5, **SMALL)
    estimator.set_params(**parameters)
    if "solver" in parameters:
        estimator.set_params(tol=10.0)
    assert check_gradients(estimator, X, CLASSES).passed
    estimator.fit(IRIS_X, IRIS_Y)
    assert check_gradients(estimator, X, CLASSES).passed


def test_vanishing_gradients_are_not_mistaken_for_wrong_ones():
    # ten sigmoid layers leave the first with gradients that differences hardly resolve
    deep = BackpropClassifier(hidden_layer_sizes="6x10", activation="logistic", random_state=0)
    assert check_gradients(deep, X, CLASSES).passed
    deep.set_params(activation=HalvedLogistic())
    assert not check_gradients(deep, X, CLASSES).passed


class HalvedLogistic(ACTIVATIONS["logistic"]):
    def backward(self, Z, A, delta):
        super().backward(Z, A, delta)
        delta *= 0.5


def test_kinks_are_counted_and_not_compared():
    # all net inputs of the hidden layer are 0, where ReLU has two slopes
    initial = {"coefs_init": [np.ones((4, 3)), np.ones((3, 1))]}
    initial["intercepts_init"] = [np.zeros(3), np.zeros(1)]
    flat = BackpropRegressor(hidden_layer_sizes=3, standardize=False)
    check = check_gradients(flat, np.zeros((5, 4)), np.ones(5), **initial)
    biases = check.arrays[1]
    assert check.passed and (biases.n_checked, biases.n_kinks) == (0, 3)
    assert check.arrays[3].n_kinks == 0
    # next to the kink, a smaller step does not reach over it
    initial["intercepts_init"] = [np.full(3, 3e-6), np.zeros(1)]
    check = check_gradients(flat, np.zeros((5, 4)), np.ones(5), **initial)
    assert check.passed and (check.arrays[1].n_checked, check.arrays[1].n_kinks) == (3, 0)


# ---------------------------------------------------------------- what is wrong is found


def test_wrong_activation_is_found_where_it_is():
    check = check_gradients(BackpropClassifier(activation=WrongTanh(), **SMALL), X, CLASSES)
    assert not check.passed
    # by 1 % in layer 2, and once more in layer 1; all above is right
    worst = {layer: max(a.difference for a in check.arrays if a.layer == layer) for layer in (1, 2)}
    assert worst[2] == pytest.approx(0.01, rel=0.3) and worst[1] == pytest.approx(0.02, rel=0.3)
    assert all(a.difference < 1e-7 for a in check.arrays if a.layer == 3)
    assert check.diagnosis() in str(check)
    assert "right above layer 2 and wrong in it" in str(check) and "WrongTanh" in str(check)


def test_a_slope_of_the_activation_in_place_of_the_net_input_is_found():
    class Mistaken(GELU):
        def backward(self, Z, A, delta):
            super().backward(A, A, delta)

    check = check_gradients(BackpropRegressor(activation=Mistaken(), **SMALL), X, NUMBERS)
    assert not check.passed and "Mistaken" in check.diagnosis()


def test_wrong_loss_is_found():
    check = check_gradients(BackpropRegressor(loss=WrongLoss(), **SMALL), X, NUMBERS)
    assert not check.passed and "output layer" in check.diagnosis()
    assert "WrongLoss" in check.diagnosis()
    assert check.max_difference == pytest.approx(0.5, rel=1e-3)
    assert check.worst.backpropagated == pytest.approx(2 * check.worst.numeric, rel=1e-3)


def test_wrong_output_activation_is_found():
    class Doubled(Identity):
        def forward(self, Z, out):
            np.multiply(Z, 2.0, out=out)

    estimator = BackpropRegressor(output_activation=Doubled(), standardize=False, **SMALL)
    check = check_gradients(estimator, X, NUMBERS)
    assert "output layer" in check.diagnosis() and "Doubled" in check.diagnosis()


@pytest.mark.parametrize(("layer", "index"), [(1, (3, 2)), (2, (0, 3)), (3, (1, 0))])
def test_it_says_where(monkeypatch, layer, index):
    backward = Network.backward

    def wrong(self, X, delta):
        backward(self, X, delta)
        self.layers[layer - 1].dW[index] += 0.1

    monkeypatch.setattr(Network, "backward", wrong)
    check = check_gradients(BackpropRegressor(**SMALL), X, NUMBERS)
    assert (check.layer, check.index, check.worst.kind) == (layer, index, "weights")
    failed = [a for a in check.arrays if a.difference > 1e-5]
    assert failed == [check.worst]
    assert check.worst.backpropagated - check.worst.numeric == pytest.approx(0.1, rel=1e-5)


def test_not_a_number_does_not_pass():
    class Broken(Activation):
        def forward(self, Z, out):
            np.sqrt(Z - 1e9, out=out)

        def backward(self, Z, A, delta):
            pass

    check = check_gradients(BackpropRegressor(activation=Broken(), **SMALL), X, NUMBERS)
    assert not check.passed


# ---------------------------------------------------------------- how it is used


def test_the_estimator_stays_as_it_is():
    estimator = BackpropClassifier(dtype="float32", dropout=0.2, **SMALL)
    for _ in range(2):
        before = pickle.dumps(estimator)
        check_gradients(estimator, X, CLASSES)
        assert pickle.dumps(estimator) == before
        estimator.partial_fit(X, CLASSES, classes=[0, 1, 2])


def test_large_layers_are_sampled():
    estimator = BackpropRegressor(hidden_layer_sizes=(40,), random_state=0)
    some = check_gradients(estimator, X, NUMBERS, max_entries=30)
    assert [a.n_checked for a in some.arrays] == [30, 30, 30, 2]
    again = check_gradients(estimator, X, NUMBERS, max_entries=30)
    assert some.arrays == again.arrays
    every = check_gradients(estimator, X, NUMBERS, max_entries=None)
    assert every.arrays[0].n_checked + every.arrays[0].n_kinks == 160


def test_sparse_and_given_weights():
    coefs, intercepts = [np.full((4, 2), 0.5)], [np.array([1.0, 2.0])]
    estimator = BackpropRegressor(hidden_layer_sizes=(), standardize=False, alpha=0.0)
    check = check_gradients(
        estimator, csr_array(X), NUMBERS, coefs_init=coefs, intercepts_init=intercepts
    )
    error = X @ coefs[0] + intercepts[0] - NUMBERS
    gradient = X.T @ error / len(X)
    assert check.passed
    assert check.arrays[0].backpropagated == pytest.approx(gradient[check.arrays[0].index])


def test_table_has_a_line_an_array():
    check = check_gradients(BackpropClassifier(activation=WrongTanh(1.5), **SMALL), X, CLASSES)
    head, *lines, diagnosis = str(check).splitlines()
    assert head.split() == [
        "layer", "array", "difference", "where", "backpropagation", "differences", "checked",
        "kinks",
    ]  # fmt: skip
    assert [line.split()[:2] for line in lines] == [[str(a.layer), a.kind] for a in check.arrays]
    assert ["<-" in line for line in lines] == [True] * 4 + [False] * 2
    assert "failed" in repr(check) and f"{check.max_difference:.2g}" in repr(check)
    assert diagnosis == check.diagnosis()


def test_what_it_cannot_check():
    with pytest.raises(TypeError, match="check_gradients needs"):
        check_gradients(make_pipeline(BackpropRegressor()), X, NUMBERS)


# ---------------------------------------------------------------- where a loss is cut off

FAR = np.random.RandomState(0).normal(size=(60, 3))
LABELS = {
    "binary": np.arange(60) % 2,
    "multiclass": np.arange(60) % 3,
    "multilabel": np.random.RandomState(1).randint(0, 2, (60, 3)),
}
CLASS_LOSSES = ["log_loss", LogLoss(0.1), "focal", Focal(0.5)]


def far(cls, loss, seed, **parameters):
    """Return a network whose outputs are as far out as its inputs are."""
    return cls(
        loss=loss, hidden_layer_sizes=(8, 8), initializer="he_normal", standardize=False,
        random_state=seed, **parameters,
    )  # fmt: skip


@pytest.mark.parametrize("scale", [1, 30, 1000])
@pytest.mark.parametrize("loss", CLASS_LOSSES, ids=repr)
@pytest.mark.parametrize("kind", LABELS)
def test_a_probability_that_is_clipped_is_not_blamed(kind, loss, scale):
    for seed in range(3):
        check = check_gradients(far(BackpropClassifier, loss, seed), scale * FAR, LABELS[kind])
        assert check.passed, str(check)
        assert scale < 1000 or check.n_cut_off > 10
        assert ("left out" in str(check)) == (check.n_cut_off > 0)


@pytest.mark.parametrize("scale", [1, 30, 1000])
@pytest.mark.parametrize("loss", losses_for("regression"))
def test_a_number_that_is_cut_off_is_not_blamed(loss, scale):
    y = np.exp(FAR[:, 0])
    for seed in range(3):
        check = check_gradients(far(BackpropRegressor, loss, seed), scale * FAR, y)
        assert check.passed, str(check)


@pytest.mark.parametrize("kind", LABELS)
def test_wrong_is_found_beside_what_is_cut_off(kind):
    network = far(BackpropClassifier, "log_loss", 0, activation=WrongTanh(2.0))
    check = check_gradients(network, 30 * FAR, LABELS[kind])
    assert not check.passed and "WrongTanh" in check.diagnosis()


@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_below_a_start_at_the_best_constant_there_is_something_to_check(loss):
    network = BackpropRegressor(loss=loss, activation=WrongTanh(), **SMALL)
    assert not check_gradients(network, X, NUMBERS).passed
    assert check_gradients(network.set_params(activation="tanh"), X, NUMBERS).passed
