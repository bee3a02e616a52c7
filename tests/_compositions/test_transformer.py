"""``BackpropTransformer``, alone and inside scikit-learn's compositions."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from sklearn_backprop import BackpropClassifier, BackpropRegressor, BackpropTransformer

# trained just long enough to have weights that are not as they were drawn
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SHORT = {"max_iter": 15, "learning_rate_init": 0.01, "random_state": 0}

X_iris, y_iris = load_iris(return_X_y=True, as_frame=True)
X_diabetes, y_diabetes = load_diabetes(return_X_y=True)


CHECKS = [
    pair
    for estimator in (None, BackpropRegressor(max_iter=10))
    for pair in estimator_checks_generator(BackpropTransformer(estimator))
]


@pytest.mark.parametrize("estimator, check", CHECKS)
@pytest.mark.filterwarnings("ignore")  # the checks skip with a warning, and raise others on purpose
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_equals_the_method():
    model = BackpropClassifier(hidden_layer_sizes=(6, 3), **SHORT)
    for layer in (0, -1):
        transformed = BackpropTransformer(model, layer=layer).fit_transform(X_iris, y_iris)
        expected = clone(model).fit(X_iris, y_iris).hidden_activations(X_iris, layer)
        np.testing.assert_array_equal(transformed, expected)
    assert not hasattr(model, "coefs_")  # a clone was fitted


@pytest.mark.parametrize(
    "y, expected",
    [
        (y_iris > 0, BackpropClassifier),
        (y_iris.map(str), BackpropClassifier),
        (np.c_[y_iris > 0, y_iris > 1].astype(int), BackpropClassifier),
        (X_iris.iloc[:, 0], BackpropRegressor),
        (X_iris.iloc[:, :2], BackpropRegressor),
        (np.c_[y_iris, y_iris], BackpropRegressor),  # what the classifier does not take
    ],
)
def test_default_estimator_by_the_kind_of_target(y, expected):
    assert type(BackpropTransformer().fit(X_iris, y).estimator_) is expected


def test_random_state_makes_it_repeatable():
    model = BackpropClassifier(max_iter=3)
    first, second = (
        BackpropTransformer(model, random_state=1).fit_transform(X_iris, y_iris) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
    kept = BackpropTransformer(BackpropClassifier(**SHORT)).fit(X_iris, y_iris)
    assert kept.estimator_.random_state == 0


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_names_and_set_output(library):
    transformer = BackpropTransformer(BackpropClassifier(hidden_layer_sizes=(6, 2), **SHORT))
    frame = transformer.set_output(transform=library).fit_transform(X_iris, y_iris)
    names = ["backproptransformer0", "backproptransformer1"]
    assert list(frame.columns) == list(transformer.get_feature_names_out()) == names
    assert type(frame).__module__.startswith(library)
    np.testing.assert_array_equal(transformer.feature_names_in_, X_iris.columns)
    transformer.set_params(layer=0)
    assert len(transformer.get_feature_names_out()) == 6


def test_in_a_pipeline_with_columns_and_a_search():
    network = BackpropTransformer(BackpropClassifier(hidden_layer_sizes=(8, 4), **SHORT))
    columns = ColumnTransformer(
        [("learned", network, list(X_iris.columns[:3])), ("plain", StandardScaler(), [3])]
    ).set_output(transform="pandas")
    frame = columns.fit_transform(X_iris, y_iris)
    assert frame.shape == (150, 5)
    assert frame.columns[0] == "learned__backproptransformer0"
    search = GridSearchCV(
        make_pipeline(columns, LogisticRegression()),
        {"columntransformer__learned__estimator__hidden_layer_sizes": [(8,), (8, 3)]},
        cv=3,
    ).fit(X_iris, y_iris)
    assert search.best_score_ > 0.9


def test_learned_features_separate_what_raw_ones_do_not():
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (400, 2))
    y = X[:, 0] * X[:, 1] > 0  # XOR: no line separates it
    model = BackpropClassifier(
        hidden_layer_sizes=(16, 8), learning_rate_init=0.02, max_iter=100, random_state=0
    )
    line = LogisticRegression()
    assert line.fit(X, y).score(X, y) < 0.65
    assert make_pipeline(BackpropTransformer(model), line).fit(X, y).score(X, y) > 0.95


def test_sample_weight_reaches_the_network():
    model = BackpropRegressor(**SHORT)
    weights = np.r_[np.ones(200), np.zeros(242)]
    weighted = BackpropTransformer(model).fit(X_diabetes, y_diabetes, sample_weight=weights)
    expected = clone(model).fit(X_diabetes, y_diabetes, weights)
    for W, V in zip(weighted.estimator_.coefs_, expected.coefs_, strict=True):
        np.testing.assert_array_equal(W, V)


def test_sparse_and_float32():
    X = csr_matrix(np.where(X_diabetes > 0, X_diabetes, 0).astype(np.float32))
    transformed = BackpropTransformer(BackpropRegressor(**SHORT)).fit_transform(X, y_diabetes)
    assert transformed.dtype == np.float32 and transformed.shape == (442, 100)


def test_errors():
    with pytest.raises(NotFittedError):
        BackpropTransformer().transform(X_iris)
    with pytest.raises(ValueError, match="'estimator' parameter of BackpropTransformer"):
        BackpropTransformer(LogisticRegression()).fit(X_iris, y_iris)
    with pytest.raises(ValueError, match="'layer' parameter of BackpropTransformer"):
        BackpropTransformer(layer="last").fit(X_iris, y_iris)
    model = BackpropClassifier(**SHORT)
    with pytest.raises(ValueError, match=r"layer=2 does not exist: .* 1 hidden layer"):
        BackpropTransformer(model, layer=2).fit(X_iris, y_iris)
    with pytest.raises(ValueError, match="no hidden layer"):
        BackpropTransformer(model.set_params(hidden_layer_sizes=())).fit(X_iris, y_iris)
    with pytest.raises(ValueError, match="requires y to be passed"):
        BackpropTransformer().fit(X_iris, None)
    frame = pd.DataFrame(X_iris.to_numpy(), columns=list("abcd"))
    fitted = BackpropTransformer(BackpropClassifier(**SHORT)).fit(X_iris, y_iris)
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.transform(frame)
