"""The twin: with shared hyperparameters, our model is scikit-learn's to rounding.

Configurations are drawn at random from a fixed seed and trained for a few epochs by
both. Weights, losses and scores must agree, so the random draws, the batches, the
formulas and the bookkeeping are all the same.

Outside the twin, by nature or by choice (``test_differences.py`` has those on which
we are right):

- several outputs with squared error: the weights agree, but scikit-learn reports the
  mean over outputs of the loss while it steps along the gradient of the sum; so with
  ``tol > 0`` it may stop at another epoch;
- ``solver="lbfgs"`` with several outputs, in float32, or with early stopping;
- ``sample_weight`` with batches smaller than the data;
- ``adam`` with ``invscaling`` or ``adaptive``, which scikit-learn ignores;
- ``partial_fit`` with shuffled batches, where scikit-learn repeats one permutation, and
  its ``n_iter_``, which scikit-learn sets to 1 at each call.
"""

import random

import numpy as np
import pytest
import sklearn
from scipy.sparse import csr_array
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.fixes import parse_version

from sklearn_backprop import BackpropClassifier, BackpropRegressor

pytestmark = [
    # a few epochs are not meant to converge
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # scikit-learn 1.6 passes an option to SciPy that has since been deprecated
    pytest.mark.filterwarnings("ignore:scipy.optimize. The `disp`:DeprecationWarning"),
]

N_CONFIGURATIONS = 72
N_SAMPLES = 90
N_FEATURES = 6
TARGETS = ["binary", "multiclass", "multilabel", "regression", "several outputs", "poisson"]
RTOL = {"float64": 1e-6, "float32": 1e-3}

# scikit-learn's MLP learned both in 1.7
HAS_WEIGHTS_AND_POISSON = parse_version(sklearn.__version__) >= parse_version("1.7")
needs_17 = pytest.mark.skipif(
    not HAS_WEIGHTS_AND_POISSON, reason="MLP has sample_weight and poisson from 1.7 on"
)


def data(target, seed=0):
    rng = np.random.RandomState(seed)
    if target == "multilabel":
        return make_multilabel_classification(
            N_SAMPLES, N_FEATURES, n_classes=3, allow_unlabeled=True, random_state=seed
        )
    if target in ("binary", "multiclass"):
        return make_classification(
            N_SAMPLES,
            N_FEATURES,
            n_informative=4,
            n_classes=2 if target == "binary" else 3,
            random_state=seed,
        )
    X = rng.standard_normal((N_SAMPLES, N_FEATURES))
    mean = np.sin(X @ rng.standard_normal((N_FEATURES, 2)))
    if target == "poisson":
        return X, rng.poisson(np.exp(mean[:, 0])).astype(float)
    Y = mean + 0.1 * rng.standard_normal(mean.shape)
    return X, (Y if target == "several outputs" else Y[:, 0])


def draw(rng):
    """Return one random configuration: what is asked of both, and of what data."""
    target, solver = rng.choice(TARGETS), rng.choice(["sgd", "sgd", "adam", "adam", "lbfgs"])
    if solver == "lbfgs" and target == "several outputs":
        target = "regression"
    stochastic = solver != "lbfgs"
    is_weighted = rng.random() < 0.3
    parameters = {
        "solver": solver,
        "activation": rng.choice(["identity", "logistic", "tanh", "relu"]),
        "hidden_layer_sizes": rng.choice([(), (7,), (8, 5), (6, 5, 4)]),
        "alpha": rng.choice([0.0, 1e-4, 0.1]),
        "learning_rate_init": rng.choice([0.003, 0.02]),
        "max_iter": rng.choice([4, 9]),
        "n_iter_no_change": rng.choice([1, 10]),
        "tol": 0.0 if target == "several outputs" else rng.choice([0.0, 1e-4, 1e-2]),
        "random_state": rng.randrange(1000),
        "shuffle": rng.random() < 0.7,
        "batch_size": "auto" if is_weighted else rng.choice(["auto", 16, 32, 81]),
        "early_stopping": stochastic and rng.random() < 0.35,
        "validation_fraction": rng.choice([0.1, 0.25]),
    }
    if solver == "sgd":
        parameters |= {
            "learning_rate": rng.choice(["constant", "invscaling", "adaptive"]),
            "power_t": rng.choice([0.1, 0.5]),
            "momentum": rng.choice([0.0, 0.5, 0.9]),
            "nesterovs_momentum": rng.random() < 0.5,
        }
    if solver == "adam":
        parameters |= {"beta_1": rng.choice([0.8, 0.9]), "beta_2": rng.choice([0.99, 0.999])}
    if parameters["batch_size"] == 81 and parameters["early_stopping"]:
        parameters["batch_size"] = 40  # scikit-learn warns of batches beyond the data
    if target == "poisson":
        parameters["loss"] = "poisson"
    dtype = "float32" if stochastic and rng.random() < 0.3 else "float64"
    return {
        "target": target,
        "dtype": dtype,
        "is_weighted": is_weighted,
        "is_sparse": rng.random() < 0.2,
        "parameters": parameters,
    }


def configurations():
    rng = random.Random(7)
    for number in range(N_CONFIGURATIONS):
        drawn = draw(rng)
        needs = drawn["is_weighted"] or drawn["target"] == "poisson"
        name = "-".join(
            [str(number), drawn["target"].split()[0], drawn["parameters"]["solver"], drawn["dtype"]]
        )
        yield pytest.param(*drawn.values(), id=name, marks=[needs_17] * needs)


def twins(target, parameters):
    classifies = target in ("binary", "multiclass", "multilabel")
    ours = BackpropClassifier if classifies else BackpropRegressor
    theirs = MLPClassifier if classifies else MLPRegressor
    return ours(**parameters, standardize=False, scoring=None), theirs(**parameters)


def assert_close(ours, theirs, rtol):
    """Compare relative to the largest entry: small ones are differences of large ones."""
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=rtol * max(np.abs(b).max(), 1e-3))


def assert_same_model(ours, theirs, X, rtol):
    assert_close(ours.coefs_, theirs.coefs_, rtol)
    assert_close(ours.intercepts_, theirs.intercepts_, rtol)
    assert {a.dtype for a in ours.coefs_} == {a.dtype for a in theirs.coefs_}
    assert ours.out_activation_ == theirs.out_activation_
    assert ours.t_ == theirs.t_
    if hasattr(theirs, "predict_proba"):
        assert_close([ours.predict_proba(X)], [theirs.predict_proba(X)], rtol)
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    else:
        assert_close([ours.predict(X)], [theirs.predict(X)], rtol)


def assert_same_history(ours, theirs, rtol):
    assert ours.n_iter_ == theirs.n_iter_
    assert_close([ours.loss_], [theirs.loss_], rtol)
    if theirs.solver == "lbfgs":
        return  # scikit-learn keeps none
    assert_close([ours.loss_curve_], [theirs.loss_curve_], rtol)
    if theirs.early_stopping:
        assert_close([ours.validation_scores_], [theirs.validation_scores_], rtol)
        assert_close([ours.best_validation_score_], [theirs.best_validation_score_], rtol)
        assert ours.best_loss_ is theirs.best_loss_ is None
    else:
        assert_close([ours.best_loss_], [theirs.best_loss_], rtol)
        assert ours.validation_scores_ is theirs.validation_scores_ is None


@pytest.mark.parametrize(
    ("target", "dtype", "is_weighted", "is_sparse", "parameters"), list(configurations())
)
def test_fit_gives_the_model_of_scikit_learn(target, dtype, is_weighted, is_sparse, parameters):
    X, y = data(target)
    X = X.astype(dtype)
    if is_sparse:
        X = csr_array(np.where(X > 0, X, 0))
    weights = {}
    if is_weighted:
        weights["sample_weight"] = np.random.RandomState(1).randint(0, 4, N_SAMPLES).astype(float)
    ours, theirs = twins(target, parameters)
    ours.fit(X, y, **weights)
    theirs.fit(X, y, **weights)
    assert_same_model(ours, theirs, X, RTOL[dtype])
    if target != "several outputs":
        assert_same_history(ours, theirs, RTOL[dtype])


def test_the_draws_reach_every_value():
    """A guard for the sampling above: no corner is left out by chance."""
    drawn = [parameter.values for parameter in configurations()]
    assert {values[0] for values in drawn} == set(TARGETS)
    assert {values[1] for values in drawn} == set(RTOL)
    for flag in (2, 3):
        assert {values[flag] for values in drawn} == {False, True}
    for name, count in {
        "solver": 3,
        "activation": 4,
        "hidden_layer_sizes": 4,
        "batch_size": 5,
        "shuffle": 2,
        "early_stopping": 2,
        "nesterovs_momentum": 2,
        "learning_rate": 3,
        "momentum": 3,
    }.items():
        seen = {values[4][name] for values in drawn if name in values[4]}
        assert len(seen) == count, name
    everywhere = [values for values in drawn if not values[2] and values[0] != "poisson"]
    assert len(everywhere) >= 40  # run on every supported scikit-learn


@pytest.mark.parametrize("target", ["multiclass", "regression"])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("batches", [{"shuffle": False, "batch_size": 16}, {"shuffle": True}])
def test_partial_fit_gives_the_model_of_scikit_learn(target, solver, batches):
    X, y = data(target)
    parameters = {"solver": solver, "hidden_layer_sizes": (7,), "random_state": 3} | batches
    ours, theirs = twins(target, parameters)
    first = {"classes": np.unique(y)} if target == "multiclass" else {}
    for epoch in range(5):
        # another part of the data each time
        rows = slice(10 * epoch, 10 * epoch + 50)
        for model in (ours, theirs):
            model.partial_fit(X[rows], y[rows], **first)
        first = {}
        assert_same_model(ours, theirs, X, RTOL["float64"])
        assert_close([ours.loss_curve_], [theirs.loss_curve_], RTOL["float64"])


@pytest.mark.parametrize("target", ["binary", "regression"])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_warm_start_gives_the_model_of_scikit_learn(target, solver):
    """Counters, weights and random draws go on alike; the optimizer's state starts anew."""
    X, y = data(target)
    parameters = {"solver": solver, "max_iter": 4, "warm_start": True, "batch_size": 32}
    ours, theirs = twins(target, parameters | {"random_state": 5, "hidden_layer_sizes": (6,)})
    for _ in range(3):
        for model in (ours, theirs):
            model.fit(X, y)
        assert_same_model(ours, theirs, X, RTOL["float64"])
        assert_same_history(ours, theirs, RTOL["float64"])


@pytest.mark.parametrize("target", ["binary", "regression"])
def test_a_second_fit_starts_anew(target):
    X, y = data(target)
    ours, theirs = twins(target, {"max_iter": 3, "random_state": 0, "batch_size": 30})
    for rows in (slice(50), slice(30, 90)):
        for model in (ours, theirs):
            model.fit(X[rows], y[rows])
    assert_same_model(ours, theirs, X, RTOL["float64"])
    assert_same_history(ours, theirs, RTOL["float64"])


def test_training_stops_at_the_same_epoch_and_rate():
    """To the end of training: patience, the adaptive rate's five cuts, the tolerance."""
    X, y = data("binary")
    for parameters in (
        {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1, "tol": 1e-3},
        {"solver": "adam", "learning_rate_init": 0.05, "tol": 1e-2},
        {"solver": "sgd", "early_stopping": True, "learning_rate_init": 0.1},
    ):
        ours, theirs = twins("binary", parameters | {"random_state": 1, "max_iter": 400})
        ours.fit(X, y)
        theirs.fit(X, y)
        assert ours.n_iter_ < 400
        assert_same_history(ours, theirs, RTOL["float64"])
        assert_same_model(ours, theirs, X, RTOL["float64"])


def test_the_random_state_is_drawn_from_as_often():
    """A RandomState that is passed in stands where scikit-learn would leave it."""
    X, y = data("multiclass")
    states = np.random.RandomState(0), np.random.RandomState(0)
    parameters = {"max_iter": 3, "batch_size": 20, "early_stopping": True}
    ours, theirs = twins("multiclass", parameters)
    for model, state in zip((ours, theirs), states, strict=True):
        model.set_params(random_state=state).fit(X, y)
    assert states[0].randint(2**30) == states[1].randint(2**30)
