"""The forms of ``hidden_layer_sizes`` and ``n_hidden_layers``, and other checks of parameters."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import DataConversionWarning
from sklearn.model_selection import GridSearchCV

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop._estimators.checks import (
    check_dropout,
    check_features_and_targets,
    check_hidden_layer_sizes,
    check_initial_values,
    check_weights,
)

X, SPECIES = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FORMS = [
    (5, None, (5,)),
    ((), None, ()),
    ([], None, ()),
    ((5,), None, (5,)),
    ((5, 4), None, (5, 4)),
    ([5, 4], None, (5, 4)),
    (np.array([5, 4]), None, (5, 4)),
    ((np.int32(5), np.int64(4)), None, (5, 4)),
    (np.int64(5), None, (5,)),
    (np.uint8(5), np.int8(2), (5, 5)),
    ("64x3", None, (64, 64, 64)),
    ("64", None, (64,)),
    ("64x1", None, (64,)),
    ("64x0", None, ()),
    ("100x12", None, (100,) * 12),
    (5, 0, ()),
    (5, 1, (5,)),
    (5, 3, (5, 5, 5)),
]


@pytest.mark.parametrize(("sizes", "n_layers", "expected"), FORMS)
def test_every_form_means_a_tuple_of_int(sizes, n_layers, expected):
    result = check_hidden_layer_sizes(sizes, n_layers)
    assert result == expected
    assert type(result) is tuple and all(type(size) is int for size in result)
    parameters = {"hidden_layer_sizes": sizes, "n_hidden_layers": n_layers, "max_iter": 1}
    model = BackpropClassifier(**parameters).fit(X, SPECIES)
    shapes = [(4, *expected)[i : i + 2] for i in range(len(expected))]
    shapes.append(((4, *expected)[-1], 3))
    assert [W.shape for W in model.coefs_] == shapes
    assert model.n_layers_ == len(expected) + 2
    assert model.hidden_layer_sizes is sizes  # a fit changes no parameter
    np.testing.assert_equal(clone(model).get_params(), model.get_params())


@pytest.mark.parametrize("cls", [BackpropClassifier, BackpropRegressor])
@pytest.mark.parametrize(("sizes", "n_layers"), [("6x2", None), ([6, 6], None), (6, 2)])
def test_every_form_gives_the_same_network(cls, sizes, n_layers):
    data = (X, SPECIES) if cls is BackpropClassifier else DIABETES
    options = {"random_state": 0, "max_iter": 3}
    by_tuple = cls(hidden_layer_sizes=(6, 6), **options).fit(*data)
    model = cls(hidden_layer_sizes=sizes, n_hidden_layers=n_layers, **options).fit(*data)
    for W, expected in zip(model.coefs_, by_tuple.coefs_, strict=True):
        np.testing.assert_array_equal(W, expected)


UNITS = "Pass whole numbers of units"
MIXTURE = r"must be an int, got .* Leave n_hidden_layers=None, or pass one size"
STRING = "as a string it is units x layers, such as '64x3'"
BY_CONSTRAINT = "'{}' parameter of BackpropClassifier must be"
WRONG = [
    ((5, 0), None, UNITS),
    ((5, -1), None, UNITS),
    ((5, 2.0), None, UNITS),
    ((5, "4"), None, UNITS),
    ([[5, 4]], None, UNITS),
    ("0x3", None, UNITS),
    ((5,), 1, MIXTURE),
    ((5, 4), 2, MIXTURE),
    ((), 0, MIXTURE),
    ("64", 2, MIXTURE),
    ("64x3", 3, MIXTURE),
    *((text, None, STRING) for text in ["", "x", "x3", "64x", "64x3x2", "6.5x2", "-4x2", "64 x 3"]),
    *((text, None, STRING) for text in ["64X3", "(5, 4)", "5,4", "big"]),
    (0, None, BY_CONSTRAINT.format("hidden_layer_sizes")),
    (-3, 2, BY_CONSTRAINT.format("hidden_layer_sizes")),
    (5.0, None, BY_CONSTRAINT.format("hidden_layer_sizes")),
    (None, None, BY_CONSTRAINT.format("hidden_layer_sizes")),
    (5, -1, BY_CONSTRAINT.format("n_hidden_layers")),
    (5, 2.0, BY_CONSTRAINT.format("n_hidden_layers")),
    (5, "2", BY_CONSTRAINT.format("n_hidden_layers")),
]


@pytest.mark.parametrize(("sizes", "n_layers", "message"), WRONG)
def test_wrong_sizes_and_mixtures_are_clear_errors(sizes, n_layers, message):
    model = BackpropClassifier(hidden_layer_sizes=sizes, n_hidden_layers=n_layers)
    with pytest.raises(ValueError, match=message) as error:
        model.fit(X, SPECIES)
    given = n_layers if "n_hidden" in message and "int, got" not in message else sizes
    if message == UNITS:
        given = [0, 0, 0] if sizes == "0x3" else list(sizes)
    assert f"{given!r}" in str(error.value)
    assert not hasattr(model, "coefs_")


def test_tuners_that_know_only_numbers_search_depth_and_width():
    grid = {"n_hidden_layers": [0, 1, 2], "hidden_layer_sizes": [2, 8]}
    model = BackpropClassifier(learning_rate_init=0.02, max_iter=20, random_state=0)
    search = GridSearchCV(model, grid, cv=2).fit(X, SPECIES)
    best = search.best_params_
    sizes = [W.shape[1] for W in search.best_estimator_.coefs_]
    assert sizes == [best["hidden_layer_sizes"]] * best["n_hidden_layers"] + [3]
    scores = dict(zip(map(str, search.cv_results_["params"]), search.cv_results_["mean_test_score"],
                      strict=True))  # fmt: skip
    # with no layer the width means nothing
    (of_2,) = (s for name, s in scores.items() if "2, 'n_hidden_layers': 0" in name)
    (of_8,) = (s for name, s in scores.items() if "8, 'n_hidden_layers': 0" in name)
    assert of_2 == of_8
    assert len(set(scores.values())) > 2


def test_n_hidden_layers_can_be_set_afterwards():
    model = BackpropRegressor(hidden_layer_sizes=7, max_iter=1).fit(*DIABETES)
    assert [W.shape for W in model.coefs_] == [(10, 7), (7, 1)]
    model.set_params(n_hidden_layers=2).fit(*DIABETES)
    assert [W.shape for W in model.coefs_] == [(10, 7), (7, 7), (7, 1)]


def test_one_dropout_rate_is_for_all_layers():
    assert check_dropout(0.5, 3) == [0.5] * 3
    assert check_dropout((0, np.float32(0.5)), 2) == [0.0, 0.5]
    assert check_dropout(0, 0) == check_dropout([], 0) == []
    with pytest.raises(ValueError, match="2 rates for 3 hidden layers"):
        check_dropout([0.1, 0.2], 3)
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        check_dropout([0.1, 1.0], 2)


def test_features_and_targets_keep_what_training_can_use():
    Z, y = check_features_and_targets(X.astype("f4"), SPECIES, None, False)
    assert Z.dtype == np.float32 and np.shares_memory(y, SPECIES)
    Z, _ = check_features_and_targets(X.astype(int), SPECIES, None, False)
    assert Z.dtype == np.float64
    Z, _ = check_features_and_targets(csr_matrix(X).tocoo(), SPECIES, None, False)
    assert Z.format == "csr"
    with pytest.warns(DataConversionWarning):
        _, y = check_features_and_targets(X, SPECIES[:, None], None, False)
    assert y.shape == (150,)
    assert check_features_and_targets(X, X[:, :2], None, True)[1].shape == (150, 2)


def test_weights_are_not_negative_and_not_all_zero():
    assert check_weights(None, X) is None
    weights = check_weights(np.arange(150), X)
    assert weights.dtype == np.float64 and weights[149] == 149
    with pytest.raises(ValueError, match=r"Negative values in data passed to .?mine"):
        check_weights(np.arange(150.0) - 1, X, "mine")
    with pytest.raises(ValueError, match=r"non-zero|mine is zero for every sample"):
        check_weights(np.zeros(150), X, "mine")


def test_initial_values_have_the_networks_shapes():
    assert check_initial_values(None, [(2, 3)], "coefs_init") is None
    (values,) = check_initial_values([[[1, 2, 3], [4, 5, 6]]], [(2, 3)], "coefs_init")
    assert values.dtype == np.float64
    with pytest.raises(ValueError, match=r"coefs_init must have the shapes \[\(2, 3\)\]"):
        check_initial_values([np.ones((3, 2))], [(2, 3)], "coefs_init")
    with pytest.raises(ValueError, match="coefs_init contains NaN"):
        check_initial_values([np.full((2, 3), np.nan)], [(2, 3)], "coefs_init")
