"""category_encoders: encoders of categories in front of a network, and in a search."""

import pytest
from data import patients, regressor
from sklearn.impute import SimpleImputer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_backprop.model_selection import GridSearchCV

encoders = pytest.importorskip("category_encoders")


@pytest.mark.parametrize("name", ["TargetEncoder", "OneHotEncoder", "CountEncoder"])
def test_encoded_categories(name):
    X, y = patients()
    encoder = getattr(encoders, name)(cols=["sex", "decade"])
    model = make_pipeline(encoder, SimpleImputer(), regressor())
    assert cross_val_score(model, X, y, cv=3).mean() > 0.35


def test_a_search_over_the_encoder_and_the_network():
    X, y = patients()
    model = make_pipeline(
        encoders.TargetEncoder(cols=["sex", "decade"]), SimpleImputer(), regressor()
    )
    grid = {"targetencoder__smoothing": [1.0, 20.0], "backpropregressor__alpha": [1e-4, 10.0]}
    search = GridSearchCV(model, grid, cv=3).fit(X, y)
    assert search.best_score_ > 0.35 and len(search.cv_results_["params"]) == 4
