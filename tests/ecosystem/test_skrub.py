"""skrub: a table vectorizer in front of a network, and its whole pipeline for tables."""

import pytest
from data import patients, regressor
from sklearn.impute import SimpleImputer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

skrub = pytest.importorskip("skrub")


def test_a_table_of_numbers_and_text():
    X, y = patients()
    assert cross_val_score(skrub.tabular_pipeline(regressor()), X, y, cv=3).mean() > 0.35


def test_a_vectorizer_in_a_pipeline_of_ones_own():
    X, y = patients()
    model = make_pipeline(skrub.TableVectorizer(), SimpleImputer(), regressor())
    model.set_output(transform="pandas").fit(X, y)
    assert model.score(X, y) > 0.45
    assert {"bmi", "sex_male", "decade_c"} <= set(model[-1].feature_names_in_)
