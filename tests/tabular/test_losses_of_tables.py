"""loss= and quantile= of TabularRegressor: the members' loss, in the units of y."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import mean_pinball_loss

from sklearn_backprop import TabularRegressor
from sklearn_backprop._estimators.parameters import losses_for
from sklearn_backprop.losses import Huber, Loss, Quantile
from sklearn_backprop.tabular import TabularEncoder

RANDOM = np.random.RandomState(0)
X = pd.DataFrame({"x": RANDOM.uniform(-2, 2, 400), "kind": RANDOM.choice(["a", "b"], 400)})
SIGNAL = (2 + np.sin(X["x"]) + (X["kind"] == "a")).to_numpy()
Y = SIGNAL * RANDOM.gamma(20, 1 / 20, 400)  # positive, skewed
QUICK = {
    "n_estimators": 2,
    "hidden_layer_sizes": 32,
    "max_iter": 60,
    "companions": None,
    "random_state": 0,
}
EVERY_LOSS = sorted(losses_for("regression"))
each_loss = pytest.mark.parametrize("loss", EVERY_LOSS)


def fitted(y=Y, **parameters):
    return TabularRegressor(**QUICK | parameters).fit(X, y)


@each_loss
def test_members_have_the_loss_and_predict_the_signal(loss):
    model = fitted(loss=loss)
    assert {member.loss.name for member in model.estimators_} == {loss}
    predictions = model.predict(X)
    assert predictions.shape == Y.shape
    assert np.corrcoef(predictions, SIGNAL)[0, 1] > 0.9
    assert model.score(X, Y) > 0.5


@each_loss
def test_units_of_y_mean_nothing(loss):
    """A power of two changes no digit, so predictions follow exactly."""
    unit = 2.0**-20
    one, other = fitted(loss=loss), fitted(Y * unit, loss=loss)
    np.testing.assert_allclose(other.predict(X), one.predict(X) * unit, rtol=1e-6)


def test_predictions_are_means_of_the_members():
    model = fitted(loss="poisson")
    encoded = TabularEncoder(n_bins=24, dtype="float32").fit_transform(X)
    each = [member.predict(encoded) * Y.mean() for member in model.estimators_]
    np.testing.assert_allclose(model.predict(X), np.mean(each, axis=0), rtol=1e-6)
    assert (model.target_mean_, model.target_scale_) == (0.0, pytest.approx(Y.mean()))


@pytest.mark.parametrize("q", [0.1, 0.9])
def test_a_quantile(q):
    model = fitted(loss="quantile", quantile=q)
    below = (model.predict(X) >= Y).mean()
    assert abs(below - q) < 0.08
    median = fitted(loss="quantile").predict(X)
    losses = [mean_pinball_loss(Y, p, alpha=q) for p in (model.predict(X), median)]
    assert losses[0] < losses[1]
    same = fitted(loss=Quantile(q))
    np.testing.assert_array_equal(same.predict(X), model.predict(X))


def test_several_quantiles():
    model = fitted(loss=Quantile([0.1, 0.5, 0.9]))
    predictions = model.predict(X)
    assert predictions.shape == (len(Y), 3)
    assert (np.diff(predictions, axis=1) >= 0).all()
    covered = (predictions[:, 0] <= Y) & (predictions[:, 2] >= Y)
    assert 0.7 < covered.mean() < 0.9
    assert 0 < model.score(X, Y) < 1


def test_standard_deviations():
    plain, gaussian = fitted(), fitted(loss="gaussian")
    for model in (plain, gaussian):
        mean, std = model.predict(X, return_std=True)
        np.testing.assert_array_equal(mean, model.predict(X))
        assert 0.7 < np.mean(np.abs(Y - mean) < 1.64 * std) < 1
    assert plain.noise_ > 0 and gaussian.noise_ == 0
    # the noise grows with the signal, which only one of the two can say
    stds = [model.predict(X, return_std=True)[1] for model in (plain, gaussian)]
    assert np.corrcoef(stds[1], SIGNAL)[0, 1] > 0.7
    with pytest.raises(ValueError, match="return_std=True needs loss='squared_error'"):
        fitted(loss="huber").predict(X, return_std=True)
    with pytest.raises(NotFittedError):
        TabularRegressor().predict(X)


class FourthPower(Loss):
    """``r⁴ / 4``."""

    def pointwise(self, Y, A):
        """Return ``r⁴ / 4``."""
        return (A - Y) ** 4 / 4

    def gradient(self, Y, A):
        """Return ``r³``."""
        return (A - Y) ** 3


@pytest.mark.parametrize("loss", [Huber(0.5), FourthPower()])
def test_an_instance(loss):
    model = clone(TabularRegressor(**QUICK, loss=loss, learning_rate_init=0.01)).fit(X, Y)
    assert np.corrcoef(model.predict(X), SIGNAL)[0, 1] > 0.85


@pytest.mark.parametrize(
    ("parameters", "y", "message"),
    [
        ({"loss": "log_loss"}, Y, "loss"),
        ({"loss": "nonsense"}, Y, "loss"),
        ({"quantile": 0.5}, Y, "quantile=0.5 is for loss='quantile'"),
        ({"loss": "quantile", "quantile": 1.0}, Y, "quantile"),
        ({"loss": "poisson"}, -Y, "poisson"),
        ({"loss": "gamma"}, Y - Y.min(), "gamma"),
    ],
)
def test_what_cannot_be_is_named_and_nothing_is_changed(parameters, y, message):
    model = TabularRegressor(**QUICK | parameters)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert set(vars(model)) == set(model.get_params())


@pytest.mark.parametrize(("loss", "positive"), [("poisson", True), ("huber", False)])
def test_tags_say_whether_targets_must_be_positive(loss, positive):
    tags = TabularRegressor(loss=loss).__sklearn_tags__()
    assert tags.target_tags.positive_only is positive
