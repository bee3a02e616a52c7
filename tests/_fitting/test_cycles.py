"""n_iter_no_change='cycle': training ends with a cycle of the learning rate without progress."""

from itertools import pairwise

import numpy as np
import pytest

from sklearn_backprop import BackpropClassifier, BackpropRegressor, fit_many
from sklearn_backprop.schedules import SCHEDULES

RANDOM = np.random.RandomState(0)
X = RANDOM.standard_normal((200, 4))
NOISE = RANDOM.standard_normal(200)
SIGNAL = np.sin(2 * X[:, 0])
QUICK = {
    "hidden_layer_sizes": 16,
    "learning_rate": "coslog4",
    "learning_rate_init": 0.02,
    "early_stopping": True,
    "n_iter_no_change": "cycle",
    "validation_fraction": 0.3,
    "tol": 0.0,
    "random_state": 0,
}


@pytest.mark.parametrize("y", [NOISE, SIGNAL], ids=["noise", "signal"])
@pytest.mark.parametrize("max_iter", [40, 75, 150, 256])
def test_it_ends_where_the_rule_says_and_keeps_what_it_would_have_kept(y, max_iter):
    model = BackpropRegressor(**QUICK, max_iter=max_iter).fit(X, y)
    whole = BackpropRegressor(**QUICK | {"n_iter_no_change": np.inf}, max_iter=max_iter).fit(X, y)
    losses = whole.history_["validation_loss"]
    ends = [0, *(round(max_iter * share) for share in (1 / 15, 1 / 5, 7 / 15)), max_iter]
    expected = max_iter
    for begin, end in pairwise(ends[:-1]):
        best = 1 + len(losses[:end]) - 1 - int(np.argmin(losses[:end][::-1]))
        if end - begin >= 10 and best <= begin:
            expected = end
            break
    assert model.n_iter_ == expected
    assert model.history_["validation_loss"] == losses[:expected]
    assert -model.best_validation_score_ == min(losses[:expected])


def test_noise_ends_early_and_a_line_does_not():
    noise, line = (
        BackpropRegressor(**QUICK | {"learning_rate_init": 0.002}, max_iter=256).fit(X, y).n_iter_
        for y in (NOISE, X[:, 0])
    )
    assert noise < 256 == line


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("schedule", [name for name in SCHEDULES if name != "coslog4"])
def test_a_schedule_without_cycles_goes_to_its_end(schedule):
    model = BackpropRegressor(**QUICK | {"learning_rate": schedule}, max_iter=40)
    assert model.fit(X, NOISE).n_iter_ == 40


def test_members_of_a_stack_end_each_by_itself():
    models = [BackpropRegressor(**QUICK | {"random_state": k}, max_iter=150) for k in range(4)]
    for model, alone in zip(fit_many(models, X, NOISE), models, strict=True):
        assert model.n_iter_ == alone.fit(X, NOISE).n_iter_


def test_it_is_said(capsys):
    BackpropRegressor(**QUICK, max_iter=150, verbose=150).fit(X, NOISE)
    assert "by more than tol=0 for a whole cycle of the rate. Stopping." in capsys.readouterr().out
    with pytest.raises(ValueError, match="n_iter_no_change"):
        BackpropClassifier(n_iter_no_change="cycles").fit(X, NOISE > 0)


def test_cycles_end_where_the_rate_is_zero():
    schedule = SCHEDULES["coslog4"]()
    for end in schedule.cycle_ends:
        assert schedule.factor(end) == pytest.approx(0, abs=1e-12)
