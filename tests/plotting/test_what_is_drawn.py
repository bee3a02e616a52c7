"""Displays find the network in what they are given, or say what to pass."""

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_backprop import (
    BackpropClassifier,
    BackpropEnsembleClassifier,
    BackpropRegressor,
    TabularClassifier,
)

pytest.importorskip("matplotlib")
from sklearn_backprop.plotting import (
    GradientFlowDisplay,
    LossCurveDisplay,
    NetworkDisplay,
)

X, Y = load_iris(return_X_y=True)
OPTIONS = {"hidden_layer_sizes": 4, "max_iter": 5, "random_state": 0}


@pytest.fixture(autouse=True)
def closed():
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


def network():
    return BackpropClassifier(**OPTIONS, learning_rate="cosine")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda inner: make_pipeline(StandardScaler(), inner),
        lambda inner: make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), inner)),
        lambda inner: GridSearchCV(
            make_pipeline(inner), {"backpropclassifier__alpha": [0.1]}, cv=2
        ),
    ],
)
def test_what_needs_no_X_finds_the_network(wrap):
    fitted = wrap(network()).fit(X, Y)
    inner = getattr(fitted, "best_estimator_", fitted)
    while hasattr(inner, "steps"):
        inner = inner[-1]
    display = LossCurveDisplay.from_estimator(fitted)
    np.testing.assert_array_equal(display.training_loss, inner.loss_curve_)
    assert display.name == "BackpropClassifier"
    drawn = NetworkDisplay.from_estimator(fitted, standardized=False).weights
    np.testing.assert_array_equal(drawn[0], inner.coefs_[0])


def test_a_target_transformed_around_it():
    X, y = load_diabetes(return_X_y=True)
    inner = BackpropRegressor(**OPTIONS, learning_rate="cosine")
    fitted = TransformedTargetRegressor(inner, transformer=StandardScaler()).fit(X, y)
    display = LossCurveDisplay.from_estimator(fitted)
    np.testing.assert_array_equal(display.training_loss, fitted.regressor_.loss_curve_)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
def test_scikit_learns_own(cls):
    fitted = make_pipeline(StandardScaler(), cls(**OPTIONS)).fit(X, Y)
    display = LossCurveDisplay.from_estimator(fitted)
    assert list(display.training_loss) == fitted[-1].loss_curve_
    assert display.ax_.get_legend_handles_labels()[1] == [f"{cls.__name__}, training"]
    other = cls(**OPTIONS, solver="lbfgs").fit(X, Y)
    with pytest.raises(ValueError, match=f"{cls.__name__} has no loss curve with solver='lbfgs'"):
        LossCurveDisplay.from_estimator(other)
    with pytest.raises(TypeError, match=f"NetworkDisplay needs a Backprop.*{cls.__name__}"):
        NetworkDisplay.from_estimator(other)


@pytest.mark.parametrize("display", [LossCurveDisplay, NetworkDisplay])
def test_what_has_no_network(display):
    with pytest.raises(TypeError, match=rf"{display.__name__} needs a Backprop.*Ridge\(\)"):
        display.from_estimator(make_pipeline(Ridge()).fit(X, Y))


@pytest.mark.parametrize(
    "several",
    [
        BackpropEnsembleClassifier(network(), n_estimators=2),
        TabularClassifier(n_estimators=2, max_iter=2, hidden_layer_sizes=4, companions=None),
    ],
)
def test_several_networks_are_not_one(several):
    fitted = several.fit(X, Y)
    with pytest.raises(TypeError, match=r"draws one network, and .* Pass one of its estimators_"):
        NetworkDisplay.from_estimator(fitted)
    assert len(LossCurveDisplay.from_estimator(make_pipeline(fitted)).member_lines_) == 2
    with pytest.raises(TypeError, match=r"draws one network"):
        GradientFlowDisplay.from_estimator(fitted, X, Y)


def test_what_needs_X_is_given_the_last_step():
    pipeline = make_pipeline(StandardScaler(), network())
    with pytest.raises(
        TypeError, match=r"(?s)GradientFlowDisplay needs .* pipeline\[:-1\].transform"
    ):
        GradientFlowDisplay.from_estimator(pipeline, X, Y)


def test_slim_copies_say_that_they_are():
    fitted = network().fit(X, Y)
    for display in (LossCurveDisplay, NetworkDisplay):
        with pytest.raises(ValueError, match=r"slim\(\) copy"):
            display.from_estimator(make_pipeline(fitted.slim()))
