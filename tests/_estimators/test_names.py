"""A name that is not known: the message has those that are, in order, and what was meant."""

import numpy as np
import pytest

from sklearn_backprop import (
    BackpropClassifier,
    BackpropRegressor,
    TabularClassifier,
    TabularRegressor,
)
from sklearn_backprop._estimators.names import ELSEWHERE, REGISTRIES, check_names
from sklearn_backprop._estimators.parameters import losses_for

X, Y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
CASES = [
    (BackpropClassifier, "loss", "cross_entropy", "log_loss"),
    (BackpropClassifier, "loss", "MSE", None),  # of another kind
    (BackpropRegressor, "loss", "mse", "squared_error"),
    (BackpropRegressor, "loss", "poison", "poisson"),
    (BackpropRegressor, "activation", "sigmoid", "logistic"),
    (BackpropClassifier, "solver", "adamW", "adamw"),
    (BackpropClassifier, "learning_rate", "cosine_annealing", "cosine"),
    (BackpropRegressor, "output_activation", "relux", "relu"),
    (BackpropClassifier, "initializer", "xavier", "glorot_uniform"),
    (BackpropClassifier, "activation", "xyz", None),
    (TabularRegressor, "loss", "mae", "absolute_error"),
]


@pytest.mark.parametrize(("cls", "parameter", "given", "meant"), CASES)
def test_what_was_meant(cls, parameter, given, meant):
    model = cls(**{parameter: given})
    with pytest.raises(ValueError, match=f"Got {given!r} instead") as raised:
        model.fit(X, Y)
    message = str(raised.value)
    assert message.startswith(f"The {parameter!r} parameter of {cls.__name__} must be one of ")
    assert ("Did you mean" in message) == (meant is not None)
    assert meant is None or message.endswith(f"Did you mean {meant!r}?")
    known = REGISTRIES[parameter]
    if parameter == "loss":
        task = "classification" if "Classifier" in cls.__name__ else "regression"
        known = losses_for(task)
    assert ", ".join(map(repr, sorted(known))) in message
    assert set(vars(model)) == set(model.get_params())


@pytest.mark.parametrize("cls", [BackpropClassifier, BackpropRegressor])
def test_partial_fit_says_so_too(cls):
    with pytest.raises(ValueError, match="Did you mean 'logistic'"):
        cls(activation="sigmoid").partial_fit(X, Y)


def test_names_from_elsewhere_are_none_of_ours_and_mean_one_that_is():
    known = {name for registry in REGISTRIES.values() for name in registry}
    assert not known & set(ELSEWHERE)
    assert set(ELSEWHERE.values()) <= known


def test_what_is_right_passes():
    for cls in (BackpropClassifier, BackpropRegressor, TabularClassifier, TabularRegressor):
        check_names(cls())
