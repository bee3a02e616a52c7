"""fit_many against each estimator's own fit: the same random draws, the same numbers."""

import warnings
from collections import deque
from copy import copy
from functools import cache

import numpy as np
import pytest
from same_fits import assert_as_alone, fit_alone, outcome
from sklearn.model_selection import KFold

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop._estimators.data import FitData
from sklearn_backprop._estimators.fit import prepare
from sklearn_backprop._stacks.stack import Member, epochs_together
from sklearn_backprop.activations import ACTIVATIONS
from sklearn_backprop.initializers import LecunNormal
from sklearn_backprop.schedules import SCHEDULES


class Mixture:
    """Some estimators and data, drawn at random: numbers for each, the rest for two groups."""

    def __init__(self, seed):
        self.random = np.random.RandomState(seed)
        self.kind = ("binary", "multiclass", "multilabel", "one output", "outputs")[seed % 5]
        self.is_classifier = self.kind in ("binary", "multiclass", "multilabel")
        n = self.random.randint(20, 40)
        self.X = self.random.standard_normal((n, self.random.randint(1, 6)))
        self.X = self.X.astype(self.pick(np.float64, np.float64, np.float32))
        self.y = self.targets(n)
        some_zero = self.random.uniform(0, 2, n) * (self.random.uniform(size=n) > 0.3)
        self.weight = self.pick(None, some_zero)
        folds = [train for train, _ in KFold(self.pick(2, 3, 5)).split(self.X)]
        # sizes of folds differ by one at most, these by much
        folds += [*folds, None, self.rows(n // 2), self.rows(n - 1)]
        one, other = self.structure(), self.structure()
        kind = BackpropClassifier if self.is_classifier else BackpropRegressor
        self.estimators, self.each_rows, self.alone = [], [], []
        for k in range(6):
            estimator, rows = (
                kind(**self.numbers(k, **self.pick(one, one, one, other))),
                self.pick(*folds),
            )
            alone = outcome(fit_alone, estimator, self.X, self.y, rows, self.weight)
            if alone[1] is None:  # those that raise are for test_stack_faults.py
                self.estimators.append(estimator)
                self.each_rows.append(rows)
                self.alone.append(alone)

    def pick(self, *options):
        return options[self.random.randint(len(options))]

    def rows(self, n):
        return self.random.choice(len(self.X), n, replace=False)

    def targets(self, n):
        shape = {"multilabel": (n, 3), "outputs": (n, 2)}.get(self.kind, n)
        if self.kind == "multiclass":
            return np.array(["a", "b", "c"])[self.random.randint(3, size=n)]
        if self.is_classifier:
            return self.random.randint(2, size=shape)
        return self.random.gamma(2.0, size=shape)  # positive: good for every loss

    def structure(self):
        """Draw what networks of one stack have in common."""
        pick = self.pick
        settings = {
            "hidden_layer_sizes": pick((), (3,), (4, 2)),
            "activation": pick(*ACTIVATIONS),
            "solver": pick("sgd", "adam", "adamw", "adam", "lbfgs"),
            "batch_size": pick("auto", 7, 8, 10, 13, 500, 1),
            "shuffle": pick(True, True, False),
            "standardize": pick(True, False),
            "dtype": pick("auto", "auto", "float32", "float64"),
            "early_stopping": pick(False, False, True),
            "nesterovs_momentum": pick(True, False),
            "max_grad_norm": pick(None, None, 0.5),
            "rates_differ": pick(False, False, False, True),
        }
        losses = ("squared_error", "poisson", "absolute_error", "huber", "quantile", "log_cosh",
                  "gamma", "gaussian")  # fmt: skip
        losses = ("log_loss", "log_loss", "focal") if self.is_classifier else losses
        dropout = 0.0 if settings["solver"] == "lbfgs" else pick(0.0, 0.0, 0.3)
        return settings | {"loss": pick(*losses), "dropout": dropout}

    def numbers(self, k, **settings):
        """Draw what may differ inside a stack, and what is ready before it begins."""
        pick = self.pick
        settings |= {
            "alpha": pick(0.0, 1e-4, 0.1, 1.0),
            "learning_rate": pick(*SCHEDULES),
            "learning_rate_init": pick(1e-3, 0.01, 0.05),
            "power_t": pick(0.2, 0.5),
            "max_iter": int(self.random.randint(1, 8)),
            "random_state": pick(0, 0, k),
            "tol": pick(0.0, 1e-4, 0.05, 0.5),
            "n_iter_no_change": pick(1, 2, 10, np.inf),
            "momentum": pick(0.0, 0.5, 0.9),
            "beta_1": pick(0.0, 0.5, 0.9),
            "beta_2": pick(0.9, 0.999),
            "epsilon": pick(1e-8, 1e-3),
            "validation_fraction": pick(0.1, 0.3),
            "initializer": pick("auto", "he_normal", LecunNormal(output="best_constant")),
            "scoring": pick("loss", "loss", None),
        }
        if settings.pop("rates_differ"):
            settings["initializer"] = "neural_tangent"
        if settings["loss"] in ("focal", "huber", "log_cosh"):
            # their best constant is searched by SciPy, whose last digit is not the same twice
            # with OpenBLAS's kernels for Nehalem
            settings["initializer"] = "he_normal"
        if settings["max_grad_norm"]:
            settings["max_grad_norm"] = pick(0.1, 0.5, 5.0)
        if settings["dropout"]:
            settings["dropout"] = pick(0.1, 0.3)
        if self.is_classifier and self.kind != "multilabel":
            settings["class_weight"] = pick(None, None, "balanced")
        return settings


mixture = cache(Mixture)


def assert_mixture_as_alone(m):
    assert_as_alone(m.estimators, m.X, m.y, m.each_rows, m.weight, m.alone)


@pytest.mark.parametrize("seed", range(120))
def test_every_mixture_is_as_its_fits_alone(seed):
    assert_mixture_as_alone(mixture(seed))


def test_the_mixtures_are_mixed(stacks):
    drawn = [mixture(seed) for seed in range(20)]
    for each in drawn:
        assert_mixture_as_alone(each)
    in_stacks = sum(size for size in stacks if size > 1)
    assert in_stacks > 0.5 * sum(len(each.estimators) for each in drawn)
    for name in ("solver", "loss", "learning_rate", "batch_size", "early_stopping", "dropout"):
        given = {repr(getattr(e, name)) for each in drawn for e in each.estimators}
        assert len(given) > 1


def train_together(fits, shuffle, until):
    """Train prepared fits as one stack, without errors of NumPy."""
    with np.errstate(all="ignore"):
        deque(epochs_together([Member(fit, shuffle) for fit in fits], until), maxlen=0)


def paused(estimator, X, y):
    """Return a fit that was paused after two epochs."""
    fit = prepare(copy(estimator), FitData(X, y))
    train_together([fit], shuffle=True, until=2)
    return fit


def test_paused_fits_share_their_batches_only_if_their_orders_agree():
    # the same samples and the same state of the random stream, but another order
    X, y = np.random.RandomState(0).standard_normal((2, 30))
    estimator = BackpropRegressor(batch_size=10, random_state=0, hidden_layer_sizes=3)
    fits = [paused(estimator, X[:, None], y) for _ in range(4)]
    fits[1].order = fits[3].order = np.arange(30)[::-1].copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for group in (fits[:2], fits[2:3], fits[3:]):
            train_together(group, shuffle=True, until=4)
    for ours, alone in zip(fits[:2], fits[2:], strict=True):
        np.testing.assert_array_equal(
            ours.training.network.parameters, alone.training.network.parameters
        )
        np.testing.assert_array_equal(ours.order, alone.order)
    assert not np.array_equal(
        fits[0].training.network.parameters, fits[1].training.network.parameters
    )


def test_a_fit_that_begins_does_not_take_the_order_of_a_paused_one():
    X, y = np.random.RandomState(0).standard_normal((2, 30))
    estimator = BackpropRegressor(batch_size=10, random_state=0, hidden_layer_sizes=3)
    old = paused(estimator, X[:, None], y)
    new, alone = (prepare(copy(estimator), FitData(X[:, None], y)) for _ in range(2))
    for fit in (new, alone):
        fit.training.progress.random_state.set_state(old.training.progress.random_state.get_state())
    train_together([old, new], shuffle=True, until=3)
    train_together([alone], shuffle=True, until=3)
    np.testing.assert_array_equal(new.order, alone.order)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_fits_of_more_than_a_block_of_samples_are_as_alone(shuffle, dtype):
    # 40 columns: blocks of about 800 rows; folds of 1333 and 1334 rows
    X = np.random.RandomState(0).standard_normal((2000, 40))
    y = np.sin(X[:, 0]) + X[:, 1]
    folds = [train for train, _ in KFold(3).split(X)]
    settings = {"hidden_layer_sizes": 3, "batch_size": 31, "max_iter": 2, "shuffle": shuffle,
                "dtype": dtype, "random_state": 0}  # fmt: skip
    models = [BackpropRegressor(alpha=10.0**-k, **settings) for k in range(3)]
    assert_as_alone(models, X, y, folds)


def test_fits_may_come_in_any_order_of_their_numbers_of_samples():
    X, y = np.random.RandomState(0).standard_normal((2, 31))
    estimator = BackpropRegressor(batch_size=10, random_state=0, hidden_layer_sizes=3)

    def prepared(n):
        return prepare(copy(estimator), FitData(X[:n, None], y[:n]))

    lengths = 31, 30, 31, 29, 30
    together = [prepared(n) for n in lengths]
    train_together(together, shuffle=True, until=3)
    for ours, n in zip(together, lengths, strict=True):
        alone = prepared(n)
        train_together([alone], shuffle=True, until=3)
        for fit in (ours, alone):
            assert np.isfinite(fit.training.network.parameters).all()
        np.testing.assert_array_equal(
            ours.training.network.parameters, alone.training.network.parameters
        )
        assert ours.training.progress.loss_curve == alone.training.progress.loss_curve
