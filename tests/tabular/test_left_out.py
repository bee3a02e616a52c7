"""Columns that differ in nearly every row are left out, with a word; and what is named is."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_tables import BOTH, QUICK, data

from sklearn_backprop.tabular import TabularEncoder

RANDOM = np.random.RandomState(0)
NAMES = np.array([f"person {i}" for i in range(60)])
WORDS = ["good", "bad", "dog", "food", "cheap", "dear", "again", "never"]
TEXT = [" ".join(RANDOM.choice(WORDS, 12)) for _ in range(60)]


def encoded(X, **parameters):
    return TabularEncoder(**parameters).fit(X)


@BOTH
@pytest.mark.parametrize("kind", [str, "category", object])
def test_names_change_no_prediction(cls, kind):
    X, y = data(cls)
    expected = cls(**QUICK).fit(X, y).predict(X)
    more = X.assign(name=pd.Series(NAMES).astype(kind))[["color", "name", "size", "paid"]]
    with pytest.warns(UserWarning, match=r"Left out: 'name' \(such as 'person 0'\)") as caught:
        model = cls(**QUICK).fit(more, y)
    assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # new names are no news
        others = more.assign(name="someone else")
        np.testing.assert_array_equal(model.predict(others), expected)
    assert model.encoder_.used_features_.tolist() == [True, False, True, True]
    assert model.encoder_.categories_[1] is None
    assert not any("name" in name for name in model.encoder_.get_feature_names_out())
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(others), expected)


@BOTH
def test_what_is_named_is_left_out_silently_or_kept(cls):
    X, y = data(cls)
    more = X.assign(name=NAMES, number=np.arange(60))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        silent = cls(**QUICK, ignored_features=["name", "number"]).fit(more, y)
        kept = cls(**QUICK, ignored_features=[4], categorical_features=["name"]).fit(more, y)
    np.testing.assert_array_equal(silent.predict(more), cls(**QUICK).fit(X, y).predict(X))
    assert kept.encoder_.used_features_.tolist() == [True, True, True, True, False]
    assert len(kept.encoder_.categories_[3]) == 60


def test_free_text_is_told_of_the_recipe_and_names_are_not():
    X = pd.DataFrame({"size": np.arange(60.0), "review": TEXT, "name": NAMES})
    with pytest.warns(UserWarning, match="'review' may be free text") as caught:
        encoded(X)
    (message,) = (str(warning.message) for warning in caught)
    assert "'name' may" not in message and "'name', 'review'" not in message
    assert "..." in message and max(map(len, message.split("'"))) < 300


@given(
    st.integers(20, 60), st.integers(0, 12), st.integers(0, 5), st.randoms(use_true_random=False)
)
@settings(max_examples=60, deadline=None)
def test_it_depends_on_what_stands_alone_and_not_on_the_order(n_alone, n_twice, n_gaps, random):
    labels = [f"a{i}" for i in range(n_alone)] + 2 * [f"b{i}" for i in range(n_twice)]
    labels += [None] * n_gaps
    random.shuffle(labels)
    X = pd.DataFrame({"label": labels, "x": range(len(labels))})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        used = encoded(X).used_features_
    assert used.tolist() == [n_alone <= 0.9 * (n_alone + 2 * n_twice), True]


@pytest.mark.parametrize(
    "column",
    [
        NAMES[:19],  # too few to tell
        np.arange(60),  # a number may be an id or a size
        np.arange(60).astype("datetime64[D]").astype(str),
        np.arange(60) % 2 == 0,
        [None] * 60,
        ["red", "blue", "green"] * 20,
    ],
    ids=["few", "numbers", "dates", "booleans", "nothing", "colors"],
)
@pytest.mark.filterwarnings("ignore:The text of")
def test_what_is_kept(column):
    assert encoded(pd.DataFrame({"c": column})).used_features_.all()


def test_tables_of_any_kind_agree():
    frame = pd.DataFrame({"name": NAMES, "x": np.arange(60.0)})
    for table in (frame, frame.to_numpy(object), pl.DataFrame(frame.to_dict("list"))):
        with pytest.warns(UserWarning, match="Left out: '(name|x0)'"):
            encoder = encoded(table)
        assert encoder.transform(table).shape == (60, 1)


@BOTH
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, r"Nothing is left to learn from: .*\('name', 'review'\)"),
        ({"ignored_features": ["nonsense"]}, r"ignored_features names \['nonsense'\]"),
        ({"ignored_features": [7]}, r"ignored_features=\[7\] must be .* or None"),
        (
            {"ignored_features": ["name"], "categorical_features": ["name"]},
            "'name' is named in categorical_features and in ignored_features",
        ),
    ],
)
def test_what_cannot_be_is_named_and_nothing_is_changed(cls, parameters, message):
    _, y = data(cls)
    model = cls(**QUICK, **parameters)
    with pytest.raises(ValueError, match=message):
        model.fit(pd.DataFrame({"name": NAMES, "review": TEXT}), y)
    assert set(vars(model)) == set(model.get_params())
