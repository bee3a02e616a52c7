"""feature-engine: transformers that keep data frames, in front of a network."""

import pytest
from data import patients, regressor
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

pytest.importorskip("feature_engine")
from feature_engine.encoding import OneHotEncoder, RareLabelEncoder
from feature_engine.imputation import MeanMedianImputer
from feature_engine.outliers import Winsorizer
from feature_engine.selection import SelectByShuffling


def test_a_pipeline_of_frames():
    X, y = patients()
    model = make_pipeline(
        MeanMedianImputer(),
        RareLabelEncoder(tol=0.05, n_categories=2, variables=["decade"]),
        OneHotEncoder(),
        Winsorizer(capping_method="gaussian", variables=["bmi", "s5"]),
        regressor(),
    )
    assert cross_val_score(model, X, y, cv=3).mean() > 0.35
    names = model.fit(X, y)[-1].feature_names_in_
    assert {"bmi", "sex_male", "decade_c"} <= set(names)


def test_selection_by_a_network():
    X, y = patients()
    X = X[["bmi", "bp", "s5", "age"]].fillna(X["bmi"].median())
    selector = SelectByShuffling(regressor(), scoring="r2", cv=3, random_state=0).fit(X, y)
    assert "age" in selector.features_to_drop_
    assert {"bmi", "s5"} <= set(selector.transform(X))
