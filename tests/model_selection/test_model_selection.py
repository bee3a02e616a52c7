"""model_selection against scikit-learn's: the same scores, candidates, warnings and errors."""

import numpy as np
import pandas as pd
import pytest
from same_searches import assert_as_sklearn
from scipy import sparse
from scipy.stats import loguniform
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    RepeatedKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import KernelCenterer, MinMaxScaler, OneHotEncoder, StandardScaler

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.losses import Huber
from sklearn_backprop.optimizers import SGD

IRIS = load_iris(return_X_y=True)
X, y = (array[:120] for array in load_diabetes(return_X_y=True))
RANDOM = np.random.RandomState(0)
WEIGHT = RANDOM.uniform(0, 2, 150)
GROUPS = RANDOM.randint(5, size=150)
FRAME = pd.DataFrame(
    {"age": X[:, 0], "bmi": X[:, 2], "clinic": RANDOM.choice(list("xyz"), 120)},
    index=np.arange(120)[::-1] * 3,
)
TEXTS = [" ".join(RANDOM.choice(["good", "bad", "ugly", "fine"], 4)) for _ in range(60)]
IS_GOOD = np.array([int("good" in text) for text in TEXTS])
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 5, "learning_rate_init": 0.02, "random_state": 0}
GRID = {"alpha": [1e-4, 0.1, 1.0], "learning_rate_init": [0.01, 0.03]}
STEPS = {"net__alpha": [1e-4, 1.0], "scale__with_mean": [True, False]}


def classifier(**more):
    return BackpropClassifier(**SMALL | more)


def regressor(**more):
    return BackpropRegressor(**SMALL | more)


def pipeline(first, last, **more):
    return Pipeline([("scale", first), ("net", last)], **more)


def scaled(**more):
    return pipeline(StandardScaler(), classifier(**more))


def columns(**more):
    numbers, categories = ["age", "bmi"], ["clinic"]
    one_hot = OneHotEncoder(sparse_output=False)
    return ColumnTransformer([("n", StandardScaler(), numbers), ("c", one_hot, categories)])


def grid(estimator, candidates=GRID, data=IRIS, fit=None, **settings):
    """Return a case: a grid search that is fitted."""
    settings = {"cv": 3} | settings
    return lambda module: module.GridSearchCV(estimator, candidates, **settings).fit(
        *data, **fit or {}
    )


def call(name, *args, **kwargs):
    """Return a case: a function that is called."""
    return lambda module: getattr(module, name)(*args, **{"cv": 3} | kwargs)


def random_search(module):
    candidates = {"alpha": loguniform(1e-4, 1), "hidden_layer_sizes": [(3,), (5,), (3, 2)]}
    cv = KFold(3, shuffle=True, random_state=0)
    search = module.RandomizedSearchCV(regressor(), candidates, n_iter=8, cv=cv, random_state=0)
    return search.fit(X, y)


def worst(results):
    return int(np.argmin(results["mean_test_score"]))


def several(estimator, X, y):
    return {"accuracy": estimator.score(X, y), "n_samples": float(len(X))}


def failing_rate(t):
    if t > 0.5:
        raise ArithmeticError("this schedule fails")
    return 1.0


FAULTS = [
    {"alpha": [0.1]},
    {"alpha": [-1]},
    {"learning_rate": [failing_rate]},
    {"learning_rate_init": [1e200]},
    {"alpha": [1.0]},
]
MULTILABEL = np.stack([IRIS[1] > 0, IRIS[1] < 2], axis=1).astype(int)
KINDS = {"solver": ["adam", "sgd", "lbfgs", "adamw"], "activation": ["relu", "tanh"]}
INSTANCES = {"solver__momentum": [0.1, 0.9], "loss": ["huber", Huber(2.0)]}

IN_STACKS = {
    "classifier": grid(classifier()),
    "regressor": grid(regressor(), data=(X, y), return_train_score=True),
    "random search": random_search,
    "list of grids": grid(
        classifier(), [{"alpha": [1.0]}, {"dtype": ["float32"], "max_iter": [2, 3]}]
    ),
    "empty grid": grid(classifier(), {}),
    "components by name": grid(regressor(), KINDS, (X, y)),
    "components' parameters": grid(regressor(solver=SGD()), INSTANCES, (X, y)),
    "class weights": grid(classifier(), {"class_weight": [None, "balanced", {0: 3, 1: 1, 2: 1}]}),
    "early stopping": grid(classifier(early_stopping=True)),
    "early stopping by score": grid(classifier(early_stopping=True, scoring="accuracy")),
    "own RandomState": grid(classifier(random_state=np.random.RandomState(4))),
    "multilabel": grid(classifier(), data=(IRIS[0], MULTILABEL)),
    "several outputs": grid(regressor(), data=(X, np.stack([y, -(y**2)], axis=1))),
    "names as labels": grid(classifier(), data=(IRIS[0], np.array(["a", "b", "c"])[IRIS[1]])),
    "ranking scorer": grid(classifier(), data=(IRIS[0][:100], IRIS[1][:100]), scoring="roc_auc"),
    # preprocessing
    "pipeline": grid(scaled(), STEPS),
    "one-hot": grid(
        pipeline(columns(), regressor()),
        {"net__alpha": [0.1, 1.0], "scale__c__drop": [None, "first"]},
        (FRAME, pd.Series(y, index=FRAME.index)),
    ),
    "pandas output": grid(
        pipeline(columns(), regressor()).set_output(transform="pandas"), {"net__alpha": [0.1, 1.0]},
        (FRAME, y),
    ),
    "pipeline of one": grid(Pipeline([("net", classifier())]), {"net__alpha": [0.1, 1.0]}),
    "passthrough": grid(
        Pipeline([("a", "passthrough"), ("b", None), ("net", classifier())]),
        {"net__alpha": [0.1, 1.0]},
    ),
    "steps replaced": grid(
        Pipeline([("a", StandardScaler()), ("b", PCA(2, random_state=0)), ("net", classifier())]),
        {"a": ["passthrough", MinMaxScaler()], "b": ["passthrough", PCA(3)], "net__alpha": [0.1]},
    ),
    "kernel": grid(pipeline(KernelCenterer(), regressor()), {"net__alpha": [0.1, 1]}, (X @ X.T, y)),
    # data
    "DataFrame": grid(
        regressor(), data=(FRAME[["age", "bmi"]], pd.Series(y, index=FRAME.index))
    ),
    "lists": grid(regressor(), data=(X.tolist(), y.tolist())),
    "weights": grid(classifier(), fit={"sample_weight": WEIGHT}),
    "weights as a list": grid(classifier(), fit={"sample_weight": WEIGHT.tolist()}),
    "no weights": grid(classifier(), fit={"sample_weight": None}),
    "weights in a pipeline": grid(scaled(), STEPS, fit={"net__sample_weight": WEIGHT}),
    # splits
    "groups": grid(classifier(), cv=GroupKFold(3), fit={"groups": GROUPS}),
    "iterator": lambda module: grid(
        classifier(), cv=iter(list(StratifiedKFold(3).split(*IRIS)))
    )(module),
    "lists of rows": grid(classifier(), cv=[(list(range(0, 150, 2)), list(range(1, 150, 2)))]),
    "masks": grid(classifier(), cv=[(np.arange(150) % 2 == 0, np.arange(150) % 2 == 1)]),
    "repeated": grid(classifier(), cv=RepeatedKFold(n_splits=2, n_repeats=2, random_state=0)),
    "growing": grid(regressor(), data=(X, y), cv=TimeSeriesSplit(3)),
    "default": lambda module: module.GridSearchCV(classifier(), {"alpha": [0.1, 1.0]}).fit(*IRIS),
    # options of the search
    "several metrics": grid(
        classifier(), scoring=["accuracy", "neg_log_loss"], refit="neg_log_loss",
        return_train_score=True,
    ),
    "several metrics without refit": grid(
        classifier(), scoring={"a": "accuracy", "b": "f1_macro"}, refit=False
    ),
    "several metrics from a function": grid(classifier(), scoring=several, refit="accuracy"),
    "refit by a function": grid(classifier(), refit=worst),
    "error_score as a number": grid(classifier(), FAULTS, error_score=-1.0),
    "error_score NaN": grid(classifier(), FAULTS),
    "preprocessing that fails": grid(
        pipeline(SelectKBest(k=2), classifier()),
        {"net__alpha": [0.1, 1.0], "scale__k": [2, "a"]},
    ),
    "few calls at a time": grid(classifier(), pre_dispatch=2),
    # functions
    "cross_validate": call(
        "cross_validate", classifier(), *IRIS, scoring=["accuracy", "neg_log_loss"],
        return_train_score=True, return_estimator=True, return_indices=True,
    ),
    "cross_validate a pipeline": call("cross_validate", scaled(), *IRIS, return_estimator=True),
    "cross_validate with weights": call(
        "cross_validate", classifier(), *IRIS, params={"sample_weight": WEIGHT}
    ),
    "cross_val_score": call("cross_val_score", regressor(), X, y, cv=4),
    "cross_val_score of groups": call(
        "cross_val_score", classifier(), *IRIS, groups=GROUPS, cv=LeaveOneGroupOut()
    ),
    "cross_val_predict": call("cross_val_predict", regressor(), X, y),
    "probabilities": call("cross_val_predict", scaled(), *IRIS, method="predict_proba"),
    "decisions": call("cross_val_predict", classifier(), *IRIS, method="decision_function"),
    "labels' probabilities": call(
        "cross_val_predict", classifier(), IRIS[0], MULTILABEL, method="predict_proba"
    ),
    "learning_curve": call(
        "learning_curve", scaled(), *IRIS, train_sizes=[0.3, 0.6, 1.0], shuffle=True, random_state=0
    ),
    "validation_curve": call(
        "validation_curve", regressor(), X, y, param_name="alpha", param_range=[0.1, 1, 10]
    ),
    "validation_curve of a step": call(
        "validation_curve", pipeline(PCA(random_state=0), regressor()), X, y,
        param_name="scale__n_components", param_range=[1, 3],
    ),
    "nested": lambda module: module.cross_validate(
        module.GridSearchCV(scaled(), STEPS, cv=2), *IRIS, cv=3, return_estimator=True
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", IN_STACKS.values(), ids=IN_STACKS)
def test_in_stacks_it_is_as_in_scikit_learn(case, stacks):
    assert_as_sklearn(case, stacks)


class Subclass(BackpropClassifier):
    def fit(self, X, y):
        return super().fit(X, y > 0)


class Doubled(BaseEstimator):
    """Neither a Backprop estimator nor a Pipeline, but holds one."""

    def __init__(self, net):
        self.net = net

    def fit(self, X, y):
        self.net.fit(2 * X, y)
        return self

    def predict(self, X):
        return self.net.predict(2 * X)

    def score(self, X, y):
        return self.net.score(2 * X, y)


ALPHAS = {"alpha": [0.1, 1.0]}
INITIAL = {"coefs_init": [np.ones((4, 4)), np.ones((4, 3))]}
NOT_IN_STACKS = {
    "another estimator": grid(
        LogisticRegression(solver="liblinear"), {"C": [0.1, 1.0]}, (IRIS[0][:100], IRIS[1][:100])
    ),
    "a forest": grid(RandomForestClassifier(n_estimators=3, random_state=0), {"max_depth": [2, 3]}),
    "around a network": grid(Doubled(classifier()), {"net__alpha": [0.1, 1.0]}),
    "transformed targets": grid(
        TransformedTargetRegressor(regressor(), transformer=StandardScaler()),
        {"regressor__alpha": [0.1, 1.0]}, (X, y),
    ),
    "a fit of its own": grid(Subclass(**SMALL), ALPHAS),
    "L-BFGS": grid(classifier(solver="lbfgs"), ALPHAS),
    "a time limit": grid(classifier(max_time=100), ALPHAS),
    "sparse": grid(regressor(), ALPHAS, (sparse.csr_matrix(X), y)),
    "sparse coordinates": grid(regressor(), ALPHAS, (sparse.coo_array(X), y)),
    "sparse from texts": grid(
        pipeline(CountVectorizer(), classifier()),
        {"net__alpha": [0.1, 1.0], "scale__binary": [True, False]}, (TEXTS, IS_GOOD),
    ),
    "a series of texts": grid(
        pipeline(CountVectorizer(), classifier()), {"net__alpha": [0.1, 1.0]},
        (pd.Series(TEXTS), IS_GOOD),
    ),
    "the network replaced": grid(
        scaled(), {"net": [classifier(alpha=1.0), GaussianNB()]}
    ),
    "initial weights": grid(classifier(), ALPHAS, fit=INITIAL),
    "weights for a scaler": grid(
        scaled(), STEPS, fit={"scale__sample_weight": WEIGHT, "net__sample_weight": WEIGHT}
    ),
    "weights of another length": grid(classifier(), ALPHAS, fit={"sample_weight": WEIGHT[:90]}),
    "increments": call(
        "learning_curve", classifier(), *IRIS, exploit_incremental_learning=True, shuffle=True,
        random_state=0, train_sizes=[0.3, 0.6],
    ),
    # errors
    "all fail": grid(classifier(), {"alpha": [-1, -2]}),
    "error_score='raise'": grid(classifier(), {"alpha": [-1]}, error_score="raise"),
    "a step that fails": grid(
        pipeline(SelectKBest(k=2), classifier()), {"scale__k": ["a"]}, error_score="raise"
    ),
    "a step that is none": grid(
        pipeline(LogisticRegression(), classifier()), {"net__alpha": [1]}, error_score="raise"
    ),
    "a parameter that is none": grid(classifier(), {"beta": [1]}),
    "a parameter of a step that is none": grid(scaled(), {"net__beta": [1]}),
    "no targets": grid(classifier(), data=(IRIS[0], None)),
    "missing values": grid(regressor(), data=(np.where(X > 0.1, np.nan, X), y)),
    "words": grid(regressor(), data=(FRAME, y)),
    "too many folds": grid(classifier(), cv=200),
    "prediction that fails": call("cross_val_predict", classifier(alpha=-1), *IRIS),
}  # fmt: skip


@pytest.mark.parametrize("case", NOT_IN_STACKS.values(), ids=NOT_IN_STACKS)
def test_on_its_own_path_it_is_scikit_learn(case, stacks):
    assert_as_sklearn(case, stacks, stacked=False)
