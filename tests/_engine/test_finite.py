"""No estimator is returned that predicts NaN or infinity for the rows it was trained on."""

import warnings
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning

from sklearn_backprop import BackpropClassifier, BackpropRegressor, fit_many
from sklearn_backprop._engine.finite import output_bound
from sklearn_backprop._engine.network import Network
from sklearn_backprop._numerics.standardization import Scaler
from sklearn_backprop.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS, Activation
from sklearn_backprop.components import lookup
from sklearn_backprop.model_selection import SuccessiveHalvingSearchCV
from sklearn_backprop.schedules import Schedule

D, PROGRESSION = load_diabetes(return_X_y=True)
DEEP = {"hidden_layer_sizes": (30,) * 4, "solver": "sgd", "random_state": 0, "standardize": False}


@settings(deadline=None, max_examples=200, derandomize=True)
@given(
    hidden=st.sampled_from(sorted(ACTIVATIONS)),
    output=st.sampled_from(sorted(OUTPUT_ACTIVATIONS)),
    dtype=st.sampled_from([np.float32, np.float64]),
    size=st.floats(-3, 60),
    input_size=st.floats(-3, 30),
    seed=st.integers(0, 100),
    scaled=st.booleans(),
)
def test_no_output_exceeds_the_bound(hidden, output, dtype, size, input_size, seed, scaled):
    rng = np.random.RandomState(seed)
    layers = (3, *rng.randint(1, 6, size=rng.randint(0, 4)), 2)
    network = Network(
        layers,
        lookup("activation", hidden, ACTIVATIONS),
        lookup("output_activation", output, OUTPUT_ACTIVATIONS),
        dtype,
    )
    with np.errstate(all="ignore"):
        network.parameters[...] = 10**size * rng.normal(size=network.parameters.shape)
        X = (10**input_size * rng.normal(size=(7, 3))).astype(dtype)
        scaler = Scaler(np.array([3.0, -1e9]), np.array([1e-3, 1e30])) if scaled else None
        outputs = network.forward(X)
        if scaled:
            outputs = (outputs * scaler.scale + scaler.center).astype(dtype)
        bound = output_bound(network, float(np.abs(X).max()), scaler)
    if bound < inf:
        assert np.isfinite(outputs).all()
        assert np.abs(outputs).max() <= bound * (1 + 1e-5)


def test_the_bound_is_known_for_usual_networks():
    """Else training would look at the rows, a seventh of a ``partial_fit``."""
    for dtype in (np.float32, np.float64):
        for output in ("identity", "exp", "softmax", "logistic"):
            activations = [lookup("a", name, OUTPUT_ACTIVATIONS) for name in ("gelu", output)]
            network = Network((50, *(100,) * 8, 3), *activations, dtype)
            network.parameters[...] = np.random.RandomState(0).normal(size=network.parameters.shape)
            assert output_bound(network, 10.0) < inf


def test_usual_training_does_not_look_at_the_rows(monkeypatch):
    looks = []
    monkeypatch.setattr(Network, "predict", lambda self, X: looks.append(X))
    for _ in range(2):
        BackpropRegressor(random_state=0).partial_fit(D, PROGRESSION)
        BackpropRegressor(random_state=0, tol=10.0).fit(D, PROGRESSION)
    assert not looks


# ---------------------------------------------------------------- estimators


def is_usable(model, X, y, method, **arguments):
    """Tell whether training gave a model, which then predicts finite numbers, or an error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            getattr(model, method)(X, y, **arguments)
        except ValueError as error:
            assert "non-finite" in str(error)
            assert not hasattr(model, "coefs_")
            return False
    assert np.isfinite(model.predict(X)).all(), model
    diverged = sum("diverged" in str(warning.message) for warning in caught)
    assert diverged == len(caught) or not diverged  # and nothing of max_iter beside it
    return True


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("kind", ["dense", "float32", "sparse", "memory-mapped"])
@pytest.mark.parametrize("max_iter", [1, 2, 3])
def test_a_fatal_last_step_is_a_divergence(method, kind, max_iter, tmp_path):
    X = D
    if kind == "float32":
        X = D.astype(np.float32)
    elif kind == "sparse":
        X = csr_array(D)
    elif kind == "memory-mapped":
        np.save(tmp_path / "X.npy", D)
        X = np.load(tmp_path / "X.npy", mmap_mode="r")
    usable = []
    for rate in (0.03, 0.3, 1.0, 3.0, 10.0, 30.0):
        model = BackpropRegressor(**DEEP, learning_rate_init=rate, max_iter=max_iter)
        usable.append(is_usable(model, X, PROGRESSION, method))
    assert not all(usable)


LOSSES = {
    "squared_error": ["identity", "logistic", "exp", "softplus", "selu"],
    "poisson": ["exp", "softplus"],
    "gaussian": ["identity"],
    "quantile": ["identity"],
}


@settings(deadline=None, max_examples=80, derandomize=True)
@given(
    loss=st.sampled_from([(loss, out) for loss, outs in LOSSES.items() for out in outs]),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    solver=st.sampled_from(["sgd", "adam", "adamw", "lbfgs"]),
    rate=st.sampled_from([0.1, 1.0, 10.0, 1e3, 1e30, 1e100]),
    dtype=st.sampled_from(["float32", "float64"]),
    scale=st.sampled_from([1.0, 1e3, 1e30]),
    standardize=st.booleans(),
    early_stopping=st.booleans(),
    batch_size=st.sampled_from([50, 442]),
    max_iter=st.integers(1, 3),
)
def test_whatever_is_returned_predicts_finite_numbers(
    loss, activation, solver, rate, dtype, scale, standardize, early_stopping, batch_size, max_iter
):
    if loss[0] == "poisson":
        scale = min(scale, 1e3)
    model = BackpropRegressor(
        loss=loss[0], output_activation=loss[1], activation=activation, solver=solver,
        learning_rate_init=rate, dtype=dtype, standardize=standardize, max_iter=max_iter,
        early_stopping=early_stopping, batch_size=batch_size, hidden_layer_sizes=(30,) * 4,
        random_state=0,
    )  # fmt: skip
    is_usable(model, D, scale * PROGRESSION, "fit")


@settings(deadline=None, max_examples=30, derandomize=True)
@given(
    solver=st.sampled_from(["sgd", "adam"]),
    rate=st.sampled_from([1.0, 10.0, 1e3, 1e30, 1e100]),
    dtype=st.sampled_from(["float32", "float64"]),
    activation=st.sampled_from(["relu", "softplus", "identity"]),
)
def test_classifiers_too(solver, rate, dtype, activation):
    parameters = DEEP | {"solver": solver, "learning_rate_init": rate, "max_iter": 2}
    y = np.digitize(PROGRESSION, [100, 200])
    model = BackpropClassifier(**parameters, dtype=dtype, activation=activation)
    if is_usable(model, D, y, "fit"):
        assert np.isfinite(model.predict_proba(D)).all()


class Explode(Schedule):
    """A rate that is enormous in one epoch alone."""

    def __init__(self, epoch, rate=1e60):
        self.epoch, self.rate = epoch, rate

    def next_rate(self, initial, current, samples_seen):
        # which is that of the epoch to come
        return self.rate if samples_seen == len(D) * (self.epoch - 1) else initial


def exploding(epoch, **parameters):
    """Return a regressor with one step an epoch, of which one epoch's is fatal."""
    return BackpropRegressor(**DEEP | {
        "standardize": True, "learning_rate_init": 1e-3, "learning_rate": Explode(epoch),
        "batch_size": len(D), "max_iter": epoch, "tol": 0.0,
    } | parameters)  # fmt: skip


def fit_and_diverge(model, *args, method="fit", **kwargs):
    with pytest.warns(ConvergenceWarning, match="outputs are no longer finite") as caught:
        getattr(model, method)(*args, **kwargs)
    assert len(caught) == 1
    return model


@pytest.mark.parametrize("activation", ["relu", "softplus"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_epoch_before_a_fatal_last_step_is_kept(activation, dtype):
    """Although its loss is the second lowest: the lowest is that before the fatal step."""
    rate = {"float32": 1e15, "float64": 1e80}[dtype]
    options = {"activation": activation, "dtype": dtype, "learning_rate": Explode(4, rate)}
    diverged = fit_and_diverge(exploding(4, **options), D, PROGRESSION)
    with pytest.warns(ConvergenceWarning, match="Maximum"):
        three = exploding(4, **options).set_params(max_iter=3).fit(D, PROGRESSION)
    np.testing.assert_equal(diverged.coefs_, three.coefs_)
    assert diverged.n_iter_ == 4 and diverged._training.progress.kept_epoch == 3


def test_weights_from_before_are_kept_by_partial_fit():
    model = exploding(2, learning_rate="constant").partial_fit(D, PROGRESSION)
    kept, statistics = [W.copy() for W in model.coefs_], model._training.statistics
    model.set_params(learning_rate_init=1e80)
    fit_and_diverge(model, D + 1, PROGRESSION, method="partial_fit")
    np.testing.assert_equal(model.coefs_, kept)
    assert model._training.statistics == statistics


def test_in_a_stack_as_alone():
    epochs = (2, 3, 5)
    alone = [fit_and_diverge(exploding(epoch, learning_rate=Explode(epoch, 1e80)), D, PROGRESSION)
             for epoch in epochs]  # fmt: skip
    models = [exploding(epoch, learning_rate=Explode(epoch, 1e80)) for epoch in epochs]
    with pytest.warns(ConvergenceWarning, match="outputs are no longer finite"):
        together = fit_many(models, D, PROGRESSION)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_equal(one.coefs_, other.coefs_)


def test_a_rung_of_halving_after_a_fatal_step():
    model = exploding(3, learning_rate=Explode(3, 1e80), max_iter=27)
    search = SuccessiveHalvingSearchCV(
        model, {"alpha": [0.0, 1e-4, 1e-3]}, max_epochs=9, min_epochs=3, cv=2, refit=False
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search.fit(D, PROGRESSION)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


class Cube(Activation):
    """A user's activation, of which nothing is known."""

    def forward(self, Z, out):
        np.power(Z, 3, out=out)

    def backward(self, Z, A, delta):
        delta *= 3 * np.square(Z)


@pytest.mark.parametrize("rate", [1e-3, 1e-1, 10.0, 1e10, 1e60])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_an_activation_of_ones_own_is_looked_at(rate, method):
    model = BackpropRegressor(activation=Cube(), learning_rate_init=rate, max_iter=1,
                              hidden_layer_sizes=(9, 9, 9), random_state=0)  # fmt: skip
    is_usable(model, D, PROGRESSION, method)


def test_lbfgs_whose_float64_weights_do_not_fit_into_float32():
    start = [np.full((10, 1), 1e39)]
    model = BackpropRegressor(hidden_layer_sizes=(), solver="lbfgs", dtype="float32", max_iter=1,
                              standardize=False, tol=1e300)  # fmt: skip
    with pytest.raises(ValueError, match="non-finite"):
        model.fit(D, PROGRESSION, coefs_init=start)


def test_outputs_that_only_overflow_in_the_units_of_y():
    y = 1.7e308 * np.sign(PROGRESSION - 140) * np.linspace(0.9, 1, len(D))
    model = BackpropRegressor(hidden_layer_sizes=(30,), max_iter=3, random_state=0,
                              learning_rate_init=1.0)  # fmt: skip
    is_usable(model, D, y, "fit")
