"""class_weight of a table: weights of samples by another name."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.utils.class_weight import compute_sample_weight

from sklearn_backprop import TabularClassifier

X, NUMBERS = load_iris(return_X_y=True)
X, NUMBERS = X[:130], NUMBERS[:130]  # 50, 50 and 30
Y = np.array(["setosa", "versicolor", "virginica"])[NUMBERS]
QUICK = {
    "n_estimators": 2,
    "hidden_layer_sizes": 8,
    "max_iter": 5,
    "companions": None,
    "random_state": 0,
}
WEIGHTS = np.random.RandomState(0).uniform(0.5, 2, len(Y))


def probabilities(sample_weight=None, **parameters):
    return TabularClassifier(**QUICK, **parameters).fit(X, Y, sample_weight).predict_proba(X)


@pytest.mark.parametrize("given", ["balanced", {"virginica": 5.0, "setosa": 0.0}])
@pytest.mark.parametrize("sample_weight", [None, WEIGHTS], ids=["alone", "with sample_weight"])
def test_it_multiplies_sample_weight(given, sample_weight):
    filled = given if given == "balanced" else {"versicolor": 1.0} | given
    weights = compute_sample_weight(filled, Y)
    weights = weights if sample_weight is None else weights * sample_weight
    weighted = probabilities(sample_weight, class_weight=given)
    np.testing.assert_array_equal(weighted, probabilities(weights))
    assert np.abs(weighted - probabilities(sample_weight)).max() > 1e-3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rose": 1.0}, "rose"),
        ({"setosa": -1.0}, "class_weight must not be negative"),
        (dict.fromkeys(["setosa", "versicolor", "virginica"], 0.0), "class_weight .* is zero"),
        ("even", "class_weight"),
        ([{0: 1}], "class_weight"),
    ],
)
def test_bad_weights_are_named_and_nothing_is_changed(given, message):
    classifier = TabularClassifier(**QUICK, class_weight=given)
    with pytest.raises(ValueError, match=message):
        classifier.fit(X, Y)
    assert set(vars(classifier)) == set(classifier.get_params())
