"""Small real data and networks that these tests share."""

import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes

from sklearn_backprop import BackpropClassifier, BackpropRegressor

CANCER = load_breast_cancer(return_X_y=True, as_frame=True)
DIABETES = load_diabetes(return_X_y=True, as_frame=True, scaled=False)

# a planned schedule: that the epochs run out is no warning
PLANNED = {"learning_rate": "cosine", "learning_rate_init": 0.02, "hidden_layer_sizes": 8}
PLANNED["random_state"] = 0


def classifier(**parameters):
    return BackpropClassifier(**PLANNED | {"max_iter": 20} | parameters)


def regressor(**parameters):
    return BackpropRegressor(**PLANNED | {"max_iter": 30} | parameters)


def patients():
    """Return the diabetes data with a column of text, one of categories and gaps; and targets."""
    X, y = DIABETES
    X = X.assign(
        sex=X["sex"].map({1.0: "female", 2.0: "male"}).astype(object),
        decade=pd.cut(X["age"], [0, 30, 40, 50, 60, 100], labels=list("abcde")).astype(str),
    )
    X.loc[X.index[::9], "bmi"] = None
    return X, y
