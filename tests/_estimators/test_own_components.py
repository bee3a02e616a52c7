"""Components from outside: whatever a class overrides, every setting acts, alone and in stacks."""

import numpy as np
import pytest
from same_fits import assert_as_alone
from sklearn.datasets import load_diabetes, load_iris

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS, Activation
from sklearn_backprop.components import Component
from sklearn_backprop.initializers import INITIALIZERS, Initializer, LecunNormal
from sklearn_backprop.inspection import check_gradients
from sklearn_backprop.losses import LOSSES, LogLoss, Loss, SquaredError
from sklearn_backprop.optimizers import (
    OPTIMIZERS,
    SGD,
    Adam,
    AdamW,
    InputScaledAdamW,
    Optimizer,
    State,
)
from sklearn_backprop.schedules import SCHEDULES, Constant, FractionSchedule, Schedule

# a few epochs are enough to compare
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

random = np.random.RandomState(0)
X = random.standard_normal((40, 5))
y = np.sin(X @ [1.0, -1.0, 0.5, 0.0, 2.0])
SHORT = {"hidden_layer_sizes": (8, 6), "max_iter": 4, "batch_size": 10, "random_state": 0, "tol": 1}
FOLDS = [np.arange(30), np.arange(31), np.arange(9, 40)]


def regressor(**settings):
    return BackpropRegressor(**SHORT | {"learning_rate_init": 0.01} | settings)


def parameters_of(model):
    return np.concatenate([a.ravel() for a in model.coefs_ + model.intercepts_])


# ---------------------------------------------------------------- optimizers


class Plain(Optimizer):
    """Writes ``update`` and nothing else."""

    def update(self, parameters, gradient, state, learning_rate):
        parameters -= learning_rate * gradient


class Bare(Plain):
    """Begins with a state of its own."""

    def init(self, parameters, n_weights=None):
        state = State(n_weights)
        state.t = 0
        return state

    def update(self, parameters, gradient, state, learning_rate):
        state.t += 1
        super().update(parameters, gradient, state, learning_rate)


class PassesOn(AdamW):
    def update(self, parameters, gradient, state, learning_rate):
        super().update(parameters, gradient, state, learning_rate)


class Momentum(Optimizer):
    """Has its own ``constants``, of its own form, and counts the steps."""

    slots = ("velocity",)
    counts = {"t": 0}

    def begin_step(self, state):
        state.t += 1

    def constants(self, state, learning_rate):
        return {"rate": learning_rate, "t": state.t}

    def step(self, constants, scratch, parameters, gradient, velocity):
        velocity *= 1 - 1 / constants["t"]
        velocity += gradient
        parameters -= constants["rate"] * velocity


class Decaying(SGD):
    def decay_factor(self, learning_rate):
        return 1 - 0.1 * learning_rate

    def step(self, constants, scratch, parameters, gradient, velocity):
        super().step(constants, scratch, parameters, gradient, velocity)


class Rates(LecunNormal):
    """The second layer at another rate, and the biases."""

    def __init__(self, of_second=1.0, of_biases=1.0):
        super().__init__()
        self.of_second = of_second
        self.of_biases = of_biases

    def rate_factors(self, fan_in, fan_out):
        return np.float64(self.of_second if fan_in == 8 else 1), self.of_biases


OWN = [Plain, Bare, PassesOn, Momentum, Decaying]
over_own = pytest.mark.parametrize("kind", OWN, ids=lambda kind: kind.__name__)
over_dtypes = pytest.mark.parametrize("dtype", ["float64", "float32"])


@over_own
def test_the_penalty_acts_under_an_optimizer_from_outside(kind):
    norms = [
        np.linalg.norm(regressor(solver=kind(), alpha=alpha, max_iter=40).fit(X, y).coefs_[1])
        for alpha in (0, 50)
    ]
    assert norms[1] < 0.8 * norms[0]


@over_own
def test_clipping_and_rates_act_under_an_optimizer_from_outside(kind):
    start = parameters_of(regressor(solver=kind(), learning_rate_init=1e-300).fit(X, y))

    def distance(**settings):
        return np.linalg.norm(parameters_of(regressor(solver=kind(), **settings).fit(X, y)) - start)

    moved = distance(learning_rate_init=0.001)
    assert moved > 1e-3
    assert distance(learning_rate_init=0.0005) < 0.6 * moved
    assert distance(learning_rate=lambda t: 0.0) == 0
    if not issubclass(kind, Adam):  # whose steps do not depend on the gradient's scale
        assert distance(learning_rate_init=0.001, max_grad_norm=1e-3) < 0.1 * moved


@over_own
@over_dtypes
def test_the_factors_of_an_initializer_act_under_an_optimizer_from_outside(kind, dtype):
    settings = {"solver": kind(), "standardize": False, "dtype": dtype}
    start = regressor(initializer=LecunNormal(), **settings | {"learning_rate_init": 1e-300})
    start = start.fit(X, y)
    frozen = regressor(initializer=Rates(0.0), **settings).fit(X, y)
    assert frozen.coefs_[0].dtype == dtype
    moved = [(a != b).any() for a, b in zip(frozen.coefs_, start.coefs_, strict=True)]
    assert moved == [True, kind in (PassesOn, Decaying), True]  # decay is no matter of the factor
    # one factor for all is another rate
    halves = [Rates(), Rates()]
    halves[1].rate_factors = lambda fan_in, fan_out: (0.5, 0.5)
    one = regressor(initializer=halves[0], **settings | {"learning_rate_init": 0.005}).fit(X, y)
    other = regressor(initializer=halves[1], **settings).fit(X, y)
    if kind not in (PassesOn, Decaying):
        tolerance = 1e-12 if dtype == "float64" else 1e-5
        np.testing.assert_allclose(parameters_of(other), parameters_of(one), rtol=tolerance)


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, InputScaledAdamW], ids=lambda k: k.name)
@pytest.mark.parametrize("initializer", ["auto", "neural_tangent"])
@over_dtypes
def test_an_update_that_only_passes_on_is_its_parents(kind, initializer, dtype):
    class Child(kind):
        def update(self, parameters, gradient, state, learning_rate):
            super().update(parameters, gradient, state, learning_rate)

    settings = {"initializer": initializer, "alpha": 1.0, "max_grad_norm": 1.0, "dtype": dtype}
    ours, theirs = (
        parameters_of(regressor(solver=k(weight_decay=0.3) if k is not Adam else k(), **settings)
                      .fit(X, y))
        for k in (Child if kind is not Adam else kind, kind)
    )  # fmt: skip
    if initializer == "auto" or dtype == "float64":
        np.testing.assert_array_equal(ours, theirs)
    # a rate for each parameter is one more rounding in float32
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_a_count_goes_up_by_one_a_step_whatever_the_rates():
    for initializer in (Rates(), Rates(0.5, 0.1)):
        model = regressor(solver=Momentum(), initializer=initializer)
        for n in (1, 2):
            model.partial_fit(X, y)
            assert model._training.learner.state.t == 4 * n


# ---------------------------------------------------------------- other axes


class Softsign(Activation):
    def forward(self, Z, out):
        np.divide(Z, 1 + np.abs(Z), out=out)

    def backward(self, Z, A, delta):
        np.multiply(delta, np.square(1 - np.abs(A)), out=delta)


class Bent(Activation):
    """``f(z) = z + ½ sin z``, whose slope takes the net input."""

    def forward(self, Z, out):
        out[...] = Z + 0.5 * np.sin(Z)

    def backward(self, Z, A, delta):
        delta *= 1 + 0.5 * np.cos(Z)


def tempered(name):
    """Return a class that computes another thing than its parent of this name, at half of z."""
    parent = OUTPUT_ACTIVATIONS[name]

    class Tempered(parent):
        def forward(self, Z, out):
            super().forward(0.5 * Z, out)

        def backward(self, Z, A, delta):
            super().backward(0.5 * Z, A, delta)
            delta *= 0.5

    return Tempered()


@pytest.mark.parametrize("activation", [Softsign(), Bent()], ids=repr)
def test_an_activation_from_outside_has_its_slope(activation):
    settings = {"activation": activation, "output_activation": activation, "standardize": False}
    assert check_gradients(regressor(**settings), X, y).passed
    assert regressor(**settings, max_iter=200, tol=0).fit(X, y).score(X, y) > 0.5


PAIRS = {
    "softmax": (BackpropClassifier, "log_loss", np.arange(40) % 3),
    "logistic": (BackpropClassifier, "log_loss", np.arange(40) % 2),
    "exp": (BackpropRegressor, "poisson", np.exp(y)),
    "identity": (BackpropRegressor, "squared_error", y),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_subclass_of_an_output_activation_takes_no_shortcut(name):
    kind, loss, targets = PAIRS[name]
    settings = SHORT | {"loss": loss}
    if kind is BackpropClassifier:  # there the loss decides, and names its activation
        chosen = LOSSES["log_loss" if name == "softmax" else "binary_log_loss"]()
        own = np.random.RandomState(1)
        activation, probabilities = tempered(name), own.uniform(0.1, 0.9, (6, 3))
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        Z, delta = own.standard_normal((6, 3)), np.empty((6, 3))
        A = np.empty_like(Z)
        activation.forward(Z, A)
        chosen.output_delta(probabilities, Z, A, activation, delta)
        expected = chosen.gradient(probabilities, A)
        activation.backward(Z, A, expected)
        np.testing.assert_allclose(delta, expected)
        assert not np.allclose(delta, A - probabilities)
        return
    settings["output_activation"] = tempered(name)
    assert check_gradients(kind(**settings), X, targets).passed
    model = kind(**settings | {"max_iter": 200, "learning_rate_init": 0.02, "tol": 0})
    model.fit(X, targets)
    assert model.score(X, targets) > 0.5


class Lopsided(SquaredError):
    """Counts what is too high four times: the mean is not its best constant."""

    def pointwise(self, Y, A):
        return super().pointwise(Y, A) * np.where(A > Y, 4, 1)

    def gradient(self, Y, A):
        return (A - Y) * np.where(A > Y, 4, 1)


class Sharp(LogLoss):
    """Counts the first class twice."""

    def pointwise(self, Y, A):
        return super().pointwise(Y, A) * np.arange(2, 2 + A.shape[-1])

    def gradient(self, Y, A):
        return super().gradient(Y, A) * np.arange(2, 2 + A.shape[-1])


def test_a_subclass_of_a_loss_has_its_own_delta_and_its_own_best_constant():
    assert check_gradients(regressor(loss=Lopsided()), X, y).passed
    X_iris, y_iris = load_iris(return_X_y=True)
    model = BackpropClassifier(**SHORT, loss=Sharp())
    assert check_gradients(model, X_iris[::5], y_iris[::5]).passed
    start = regressor(
        loss=Lopsided(), initializer=LecunNormal(output="best_constant"),
        learning_rate_init=1e-300, standardize=False,
    ).fit(X, y)  # fmt: skip
    constant = start.predict(X)[0]
    slope = Lopsided().gradient(y[:, None], np.full((40, 1), constant)).sum()
    assert abs(slope) < 0.01 * np.abs(y).sum()
    assert abs(constant - y.mean()) > 0.1


def test_a_formula_for_several_classes_is_not_dropped_for_two():
    with pytest.raises(ValueError, match=r"for_target.* or use loss='log_loss'"):
        BackpropClassifier(loss=Sharp(), **SHORT).fit(X, y > 0)


class Falling(Schedule):
    """Returns NumPy's numbers, which would take float32 to float64."""

    def next_rate(self, initial, current, samples_seen):
        assert type(current) is float
        return np.float64(current) * 0.9

    def after_plateau(self, current):
        return np.float64(current) / 5 if current > 1e-5 else None


class Ramp(FractionSchedule):
    def factor(self, fraction):
        return np.float64(1 - fraction)


class Drawn(Initializer):
    adapts = True

    def weights(self, fan_in, fan_out, activation, random_state):
        return random_state.uniform(-1, 1, (fan_in, fan_out)).astype(np.float32)

    def biases(self, fan_in, fan_out, activation, random_state):
        return random_state.uniform(-1, 1, fan_out)

    def adapt(self, inputs, weights, biases, random_state):
        biases -= (inputs @ weights).mean(axis=0)

    def rate_factors(self, fan_in, fan_out):
        return np.float32(0.5), 1


@pytest.mark.parametrize("schedule", [Falling(), Ramp()], ids=repr)
@pytest.mark.parametrize("kind", [SGD, Adam, Plain, Momentum], ids=lambda k: k.__name__)
@over_dtypes
def test_schedule_and_initializer_from_outside(kind, schedule, dtype):
    settings = {"solver": kind(), "learning_rate": schedule, "initializer": Drawn(), "dtype": dtype}
    models = [regressor(**settings, alpha=10.0**-k) for k in range(3)]
    fitted = assert_as_alone(models, X, y, FOLDS, rtol=0.0)
    rates = fitted[0].history_["learning_rate"]
    assert rates[-1] < 0.8 * rates[0]
    assert parameters_of(fitted[0]).dtype == dtype


# ---------------------------------------------------------------- shortcuts and stacks

REGISTRIES = ACTIVATIONS, OUTPUT_ACTIVATIONS, LOSSES, OPTIMIZERS, SCHEDULES, INITIALIZERS
EVERY = {kind for registry in REGISTRIES for kind in registry.values()} | {InputScaledAdamW}
over_every = pytest.mark.parametrize("kind", sorted(EVERY, key=lambda kind: kind.__name__))


class Helper:
    """A mixin that only adds."""

    def describe(self):
        return repr(self)


@over_every
def test_a_subclass_that_changes_nothing_is_what_its_parent_is(kind):
    same = type("Same", (kind,), {"__doc__": "The same.", "name": "same"})
    more = type("More", (Helper, same), {"told": 3})
    for child in (same, more):
        assert child.works_on_stacks is kind.works_on_stacks is True
        assert child.known_as == kind.known_as
        if issubclass(kind, Loss):
            assert child.canonical is kind.canonical
            assert child.output_delta is kind.output_delta
            assert child.best_constant is kind.best_constant


METHODS = {
    Activation: ("forward", "backward"),
    Loss: ("pointwise", "gradient", "output_delta", "sum"),
    Optimizer: ("update", "step", "constants", "init", "decay_factor"),
}
OVERRIDDEN = [
    (kind, method)
    for kind in sorted(EVERY, key=lambda kind: kind.__name__)
    for base, methods in METHODS.items()
    for method in methods
    if issubclass(kind, base)
]


@pytest.mark.parametrize(("kind", "method"), OVERRIDDEN)
def test_a_subclass_that_overrides_is_known_as_nothing(kind, method):
    def own(self, *args):
        return getattr(super(child, self), method)(*args)

    child = type("Child", (kind,), {method: own})
    mixed = type("Mixed", (type("Mixin", (), {method: own}), kind), {})
    grandchild = type("Grandchild", (child,), {})
    for changed in (child, mixed, grandchild):
        assert not changed.works_on_stacks
        assert changed.known_as is None
    claiming = type("Claiming", (child,), {"works_on_stacks": True})
    assert claiming.works_on_stacks
    assert kind.works_on_stacks
    if method in ("pointwise", "gradient"):
        assert not child.canonical
        assert child.output_delta is Loss.output_delta


class SameTanh(ACTIVATIONS["tanh"]):
    pass


class SameLoss(SquaredError):
    pass


class SameAdam(Adam):
    pass


class StackedPlain(Plain):
    works_on_stacks = True


class StackedMomentum(Momentum):
    works_on_stacks = True


IN_STACKS = [
    ({"activation": SameTanh()}, [3]),
    ({"loss": SameLoss()}, [3]),
    ({"solver": SameAdam(0.8)}, [3]),
    ({"solver": PassesOn()}, []),
    ({"solver": Plain()}, []),
    ({"solver": StackedPlain()}, [3]),
    ({"solver": StackedMomentum(), "initializer": Rates(0.5)}, [3]),
    ({"solver": StackedPlain(), "initializer": Rates(0.5)}, [3]),
    ({"loss": Lopsided()}, []),
    ({"activation": Softsign()}, []),
]


@pytest.mark.parametrize(("settings", "expected"), IN_STACKS, ids=lambda value: repr(value))
@over_dtypes
def test_what_says_so_trains_in_stacks_and_all_is_as_alone(settings, expected, dtype, stacks):
    models = [regressor(**settings, dtype=dtype, alpha=10.0**-k) for k in range(3)]
    # the classes here do not round what is one a network to float32 before they multiply
    exact = dtype == "float64" or "solver" not in settings or isinstance(settings["solver"], Adam)
    assert_as_alone(models, X, y, FOLDS, rtol=0.0 if exact else 1e-5)
    assert stacks == expected


def test_a_component_of_no_registry_promises_nothing():
    assert not Component.works_on_stacks
    for base in (Activation, Loss, Optimizer, Schedule, Initializer):
        assert not base.works_on_stacks
        assert base.known_as is None
    assert Constant.known_as == "constant"


# ---------------------------------------------------------------- estimators from outside


class SameClassifier(BackpropClassifier):
    pass


class AlwaysRight(BackpropClassifier):
    def score(self, X, y, sample_weight=None):
        return 1.0


class AlwaysFirst(BackpropClassifier):
    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def test_validation_asks_a_subclass_for_its_own_score_and_predictions(monkeypatch):
    X_iris, y_iris = load_iris(return_X_y=True)
    settings = SHORT | {"early_stopping": True, "scoring": None}

    def scores(kind):
        return kind(**settings).fit(X_iris, y_iris).validation_scores_

    assert scores(AlwaysRight) == [1.0] * 4
    assert scores(AlwaysFirst) == pytest.approx([1 / 3] * 4)
    called = []
    plain = BackpropClassifier.predict
    monkeypatch.setattr(BackpropClassifier, "predict", lambda *a: called.append(1) or plain(*a))
    assert scores(SameClassifier) == scores(BackpropClassifier)
    assert not called, "accuracy follows from the outputs that the loss is computed of"


def test_diabetes_with_everything_from_outside():
    X, y = load_diabetes(return_X_y=True)
    model = BackpropRegressor(
        loss=Lopsided(), activation=Softsign(), solver=Momentum(), learning_rate=Ramp(),
        initializer=Drawn(), learning_rate_init=0.003, max_iter=100, random_state=0,
    ).fit(X, y)  # fmt: skip
    assert model.score(X, y) > 0.2
