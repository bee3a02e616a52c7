"""Components by name and by instance, and what scikit-learn's tools do with them."""

import inspect
import pickle

import pytest
from sklearn.base import clone

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.activations import ACTIVATIONS, ELU, OUTPUT_ACTIVATIONS, LeakyReLU, ReLU
from sklearn_backprop.components import Component, lookup, registry
from sklearn_backprop.initializers import INITIALIZERS, HeNormal
from sklearn_backprop.losses import LOSSES, Poisson
from sklearn_backprop.optimizers import OPTIMIZERS, SGD, Adam, AdamW
from sklearn_backprop.schedules import SCHEDULES, InvScaling

REGISTRIES = {
    "activation": ACTIVATIONS,
    "output_activation": OUTPUT_ACTIVATIONS,
    "loss": LOSSES,
    "solver": OPTIMIZERS,
    "learning_rate": SCHEDULES,
    "initializer": INITIALIZERS,
}
over_registries = pytest.mark.parametrize(("parameter", "known"), REGISTRIES.items())
ALL = {
    f"{parameter}={name}": kind
    for parameter, known in REGISTRIES.items()
    for name, kind in known.items()
}
over_components = pytest.mark.parametrize("kind", ALL.values(), ids=ALL)


@over_registries
def test_every_name_finds_its_class(parameter, known):
    for name, kind in known.items():
        assert kind.name == name
        component = lookup(parameter, name, known)
        assert type(component) is kind


BY_ANOTHER_NAME = {"auto": "SklearnGlorot"}  # the word of a parameter that nobody has set


def test_a_name_is_that_of_its_class():
    for name, kind in {k: v for known in REGISTRIES.values() for k, v in known.items()}.items():
        assert BY_ANOTHER_NAME.get(name, name).replace("_", "").lower() == kind.__name__.lower()


@over_registries
def test_an_unknown_name_is_answered_with_the_known_ones(parameter, known):
    with pytest.raises(ValueError, match="is not known") as error:
        lookup(parameter, "nonesuch", known)
    assert f"{parameter}='nonesuch'" in str(error.value)
    for name in known:
        assert repr(name) in str(error.value)


@over_registries
def test_a_class_in_place_of_an_instance_is_told_to_be_called(parameter, known):
    kind = next(iter(known.values()))
    with pytest.raises(TypeError, match=rf"^{parameter} must be .*call the class"):
        lookup(parameter, kind, known)


@pytest.mark.parametrize("value", [None, 3, ["relu"], object()])
def test_anything_else_is_a_type_error(value):
    with pytest.raises(TypeError, match="activation must be a name or an instance") as error:
        lookup("activation", value, ACTIVATIONS)
    assert "call the class" not in str(error.value)


def test_an_instance_is_returned_as_it_is():
    activation = LeakyReLU(0.3)
    assert lookup("activation", activation, ACTIVATIONS) is activation
    flat = {"momentum": 0.1, "nesterovs_momentum": False}
    assert lookup("solver", SGD(momentum=0.7), OPTIMIZERS, flat).momentum == 0.7


def test_a_name_takes_the_flat_parameters_that_it_knows():
    flat = {"momentum": 0.1, "nesterovs_momentum": False, "beta_1": 0.5, "power_t": 2.0, "C": 7.0}
    sgd = lookup("solver", "sgd", OPTIMIZERS, flat)
    assert sgd.get_params() == {
        "momentum": 0.1, "nesterovs_momentum": False, "weight_decay": 0.0
    }  # fmt: skip
    assert lookup("solver", "adam", OPTIMIZERS, flat).beta_1 == 0.5
    assert lookup("learning_rate", "invscaling", SCHEDULES, flat).power_t == 2.0


def test_an_estimators_alpha_is_the_penalty_and_not_that_of_elu():
    X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 0.0, 1.0]
    fitted = [
        BackpropRegressor(activation=activation, alpha=7.0, tol=10.0, random_state=0).fit(X, y)
        for activation in ("elu", ELU(alpha=1.0))
    ]
    assert fitted[0].loss_curve_ == fitted[1].loss_curve_


@over_components
def test_a_component_is_cloned_printed_and_pickled(kind):
    component = kind()
    parameters = component.get_params()
    for name in parameters:
        # nothing is computed in a constructor: what is given is what is kept
        value = object()
        assert getattr(kind(**{name: value}), name) is value
    for twin in (clone(component), pickle.loads(pickle.dumps(component)), kind(**parameters)):
        assert type(twin) is kind
        assert twin.get_params() == parameters
    assert repr(component) == f"{kind.__name__}()"


@over_components
def test_a_component_is_nothing_but_its_constructor_arguments(kind):
    assert set(vars(kind())) == set(kind().get_params())
    assert set(kind._parameter_constraints) == set(kind().get_params())


@over_components
def test_a_component_says_what_it_is(kind):
    assert inspect.getdoc(kind) != inspect.getdoc(Component)
    for parameter in kind().get_params():
        assert parameter in kind.__doc__ or parameter in kind.__bases__[0].__doc__


def test_repr_shows_what_was_changed():
    assert repr(AdamW(weight_decay=0.02)) == "AdamW(weight_decay=0.02)"
    assert repr(LeakyReLU()) == "LeakyReLU()"
    assert "solver=AdamW(beta_1=0.8)" in repr(BackpropRegressor(solver=AdamW(beta_1=0.8)))


def test_nested_parameters_and_clones_of_an_estimator():
    classifier = BackpropClassifier(activation=LeakyReLU(0.2), solver=Adam())
    assert classifier.get_params()["activation__negative_slope"] == 0.2
    twin = clone(classifier).set_params(activation__negative_slope=0.4, solver__beta_1=0.5)
    assert (twin.activation.negative_slope, twin.solver.beta_1) == (0.4, 0.5)
    assert (classifier.activation.negative_slope, classifier.solver.beta_1) == (0.2, 0.9)


def test_fit_never_changes_a_parameter():
    given = {
        "loss": Poisson(),
        "activation": LeakyReLU(0.2),
        "solver": AdamW(),
        "initializer": HeNormal(),
        "learning_rate": InvScaling(0.1),
        "tol": 10.0,
        "n_iter_no_change": 1,
    }
    regressor = BackpropRegressor(**given)
    before = repr(regressor)
    regressor.fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
    assert repr(regressor) == before
    for name, value in given.items():
        assert getattr(regressor, name) is value
        if isinstance(value, Component):
            assert set(vars(value)) == set(value.get_params()), "state was left in a component"


@pytest.mark.parametrize("parameter", REGISTRIES)
@pytest.mark.parametrize("value", ["nonesuch", ReLU, None])
def test_an_estimator_refuses_what_is_no_component(parameter, value):
    regressor = BackpropRegressor(**{parameter: value})
    with pytest.raises((ValueError, TypeError), match=f"'{parameter}' parameter"):
        regressor.fit([[0.0], [1.0]], [0.0, 1.0])


def test_a_component_without_a_name_is_called_after_its_class():
    class Cube(Component):
        pass

    class Named(Cube):
        name = "named"

    class Heir(Named):
        pass

    assert registry(Cube, Named, Heir) == {"Cube": Cube, "named": Named, "Heir": Heir}
