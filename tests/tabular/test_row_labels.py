"""Names, ids and free text: what is left out of a table, what is told, and what it changes."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.fixes import parse_version
from small_tables import BOTH, QUICK, data, table

from sklearn_backprop.tabular import TabularClassifier, TabularEncoder, TabularRegressor

LEFT_OUT = "Left out, because their values differ in nearly every row"
QUIET = pytest.mark.filterwarnings(f"ignore:{LEFT_OUT}")


def with_ids(n_samples=60):
    """Return a frame of usual columns with a column of ids in their midst."""
    frame = table(n_samples)[0]
    frame.insert(1, "id", [f"{k:03}-A" for k in range(n_samples)])
    return frame


def left_out(values):
    """Tell whether a column with these values is left out beside one of numbers."""
    X = pd.DataFrame({"values": values, "number": np.arange(len(values))})
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        encoder = TabularEncoder().fit(X)
    assert [str(warning.message)[: len(LEFT_OUT)] for warning in told] == (
        [LEFT_OUT] * len(encoder.left_out_features_)
    )
    return "values" in encoder.left_out_features_


def test_the_warning_says_which_why_such_as_and_what_to_do():
    with pytest.warns(UserWarning, match=LEFT_OUT) as told:
        TabularEncoder().fit(with_ids())
    (message,) = [str(warning.message) for warning in told]
    assert "'id' (such as '000-A')" in message
    assert "name them in ignored_features" in message
    assert "in categorical_features" in message
    assert "'color'" not in message
    assert "free text" not in message


@QUIET
def test_what_is_left_out_has_no_columns_and_no_categories():
    X = with_ids()
    encoder, without = TabularEncoder().fit(X), TabularEncoder().fit(X.drop(columns="id"))
    assert encoder.left_out_features_ == ["id"]
    assert without.left_out_features_ == []
    assert encoder.categories_[1] is None
    assert [c is None for c in encoder.categories_] == [False, True, True, False]
    assert_array_equal(encoder.get_feature_names_out(), without.get_feature_names_out())
    assert_array_equal(encoder.transform(X), without.transform(X.drop(columns="id")))
    as_frame = TabularEncoder().set_output(transform="pandas").fit_transform(X)
    assert as_frame.columns.tolist() == without.get_feature_names_out().tolist()


def test_without_names_of_columns_positions_are_listed():
    X = with_ids()
    with pytest.warns(UserWarning, match=r"'x1' \(such as '000-A'\)"):
        encoder = TabularEncoder().fit(X.to_numpy())
    assert encoder.left_out_features_ == [1]
    # given back, it is the same choice without a warning
    again = TabularEncoder(ignored_features=encoder.left_out_features_).fit(X[:10].to_numpy())
    assert again.left_out_features_ == [1]


def test_nineteen_values_are_few_and_twenty_are_not():
    names = [f"name {k}" for k in range(20)]
    assert not left_out(names[:12])
    assert not left_out(names[:19])
    assert left_out(names)
    # values count, not rows
    assert not left_out(names[:19] + [None] * 30)
    assert left_out(names + [None] * 30)


@pytest.mark.parametrize("n_pairs", [2, 3])
def test_nine_tenths_of_the_values_stand_in_one_row_only(n_pairs):
    alone = [f"one {k}" for k in range(50 - 2 * n_pairs)]
    values = alone + [f"two {k}" for k in range(n_pairs)] * 2
    # 46 and 44 of 50 values are alone; 45 would not be more than nine tenths
    assert left_out(values) == (len(alone) > 45)
    assert not left_out([*alone[:44], "last", *["same"] * 5, None])


COLUMNS_THAT_STAY = {
    "numbers": np.arange(60),
    "floats": np.linspace(0, 1, 60),
    "numbers as objects": np.arange(60).astype(object),
    "dates": pd.date_range("2024-01-01", periods=60),
    "durations": pd.timedelta_range("1h", periods=60),
    "booleans": np.arange(60) % 2 == 0,
    "twenty names thrice": [f"name {k % 20}" for k in range(60)],
    "all missing": np.full(60, None),
}


@pytest.mark.parametrize("kind", COLUMNS_THAT_STAY)
def test_numbers_times_booleans_and_what_repeats_stay(kind):
    assert not left_out(COLUMNS_THAT_STAY[kind])


COLUMNS_THAT_GO = {
    "text": [f"name {k}" for k in range(60)],
    "categories": pd.Categorical([f"name {k}" for k in range(60)]),
    "categories that are numbers": pd.Categorical(range(60)),
    "mixed": [k if k % 2 else str(k) for k in range(60)],
    "bytes": [b"%d" % k for k in range(60)],
}


@pytest.mark.parametrize("kind", COLUMNS_THAT_GO)
def test_labels_of_any_type_that_differ_are_left_out(kind):
    assert left_out(COLUMNS_THAT_GO[kind])


def test_text_that_is_dates_is_dates():
    X = pd.DataFrame({"when": pd.date_range("2024-01-01", periods=60).astype(str)})
    with pytest.warns(UserWarning, match="read as dates"):
        assert TabularEncoder().fit(X).left_out_features_ == []


SENTENCES = [f"this is number {k} of the reviews" for k in range(60)]


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        (SENTENCES, "free text"),
        ([f"{k}.25" for k in range(60)], "to_numeric"),
        ([f"{1 + k % 12}/17/{1960 + k}" for k in range(60)], "to_datetime"),
        ([f"{1960 + k} Jan" for k in range(60)], "to_datetime"),
        ([f"B{k:03}GXFP" for k in range(60)], None),
        ([f"Anna{chr(97 + k % 26)}{chr(97 + k // 26)}" for k in range(60)], None),
    ],
)
def test_text_is_told_what_it_may_be(values, hint):
    with pytest.warns(UserWarning, match=LEFT_OUT) as told:
        TabularEncoder().fit(pd.DataFrame({"values": values, "number": np.arange(60)}))
    (message,) = [str(warning.message) for warning in told]
    hints = {"free text", "to_numeric", "to_datetime"}
    expected = {"free text"} & {hint} or (hint and {"to_numeric", "to_datetime"}) or set()
    assert {hint for hint in hints if hint in message} == expected


def test_a_long_example_is_cut():
    X = pd.DataFrame({"text": [f"{k} " + "very " * 1000 for k in range(60)], "n": np.arange(60)})
    with pytest.warns(UserWarning, match=LEFT_OUT) as told:
        TabularEncoder().fit(X)
    assert len(str(told[0].message)) < 600


@pytest.mark.parametrize("given", [["id"], [1], [-3], [False, True, False, False]])
def test_ignored_features_are_left_out_without_a_warning(given):
    X = with_ids()
    encoder = TabularEncoder(ignored_features=given).fit(X)
    assert encoder.left_out_features_ == ["id"]


def test_ids_that_are_numbers_are_left_out_where_named():
    X = with_ids().assign(id=np.arange(60))
    assert TabularEncoder().fit(X).left_out_features_ == []
    encoder = TabularEncoder(ignored_features=["id"]).fit(X)
    expected = TabularEncoder().fit_transform(X.drop(columns="id"))
    assert_array_equal(encoder.transform(X), expected)


def test_what_is_ignored_is_not_looked_at():
    X = with_ids().assign(id=[[1, 2]] * 60)
    for bad in ([[1, 2]] * 60, [np.inf] * 60, [10**400] * 60):
        encoder = TabularEncoder(ignored_features=["id"]).fit(X.assign(id=bad))
        assert len(encoder.transform(X.assign(id=bad))) == 60


def test_named_categories_are_kept():
    X = with_ids()
    encoder = TabularEncoder(categorical_features=["id"]).fit(X)
    assert encoder.left_out_features_ == []
    assert len(encoder.categories_[1]) == 60


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"ignored_features": ["nothing"]}, r"ignored_features names \['nothing'\]"),
        ({"ignored_features": [4]}, "ignored_features=.4. must be None, a mask of 4 bools"),
        ({"ignored_features": [True]}, "ignored_features=.True. must be None"),
        ({"ignored_features": "id"}, "'ignored_features' parameter"),
        (
            {"ignored_features": ["id", "size"], "categorical_features": [1]},
            r"\['id'\] are named in categorical_features and in ignored_features",
        ),
        ({"ignored_features": [0, 1, 2, 3]}, "ignored_features names all of them"),
    ],
)
def test_wrong_choices_are_refused_and_leave_the_encoder_as_it_was(parameters, match):
    X = with_ids()
    encoder = TabularEncoder(ignored_features=["id"]).fit(X).set_params(**parameters)
    before = pickle.dumps(encoder)
    with pytest.raises(ValueError, match=match):
        encoder.fit(X)
    assert pickle.dumps(encoder) == before


@BOTH
def test_a_table_of_nothing_but_ids_is_an_error_without_a_warning(cls):
    X, y = with_ids()[["id"]], data(cls)[1]
    with pytest.raises(ValueError, match=r"No feature of X is left.*'id' \(such as '000-A'\)"):
        cls(**QUICK).fit(X, y)
    with pytest.raises(ValueError, match=r"No feature of X is left.*'id'"):
        cls(**QUICK, ignored_features=["size"]).fit(X.assign(size=1.0), y)


@QUIET
def test_later_values_of_what_is_left_out_do_not_matter():
    X = with_ids()
    encoder = TabularEncoder().fit(X)
    expected = encoder.transform(X)
    # no warning that most values are new either
    for later in ("new", None, 7, np.inf, [1]):
        assert_array_equal(encoder.transform(X.assign(id=[later] * 60)), expected)
    for fitted in (pickle.loads(pickle.dumps(encoder)), clone(encoder).fit(X)):
        assert_array_equal(fitted.transform(X), expected)
        assert fitted.left_out_features_ == ["id"]


# scikit-learn 1.6 does not find the names of the columns of polars 2
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@QUIET
def test_frames_of_pandas_and_polars_leave_out_the_same():
    X = with_ids()
    other = pl.DataFrame({name: X[name].to_list() for name in X}, nan_to_null=True)
    expected = TabularEncoder().fit_transform(X)
    assert_array_equal(TabularEncoder().fit_transform(other), expected)


@BOTH
def test_fit_warns_once_and_of_the_line_that_called_it(cls):
    X, y = with_ids(), data(cls)[1]
    for fit in (
        lambda: cls(**QUICK).fit(X, y),
        lambda: TabularEncoder().fit(X),
        lambda: TabularEncoder().fit_transform(X),
        lambda: make_pipeline(TabularEncoder()).fit(X),
    ):
        with pytest.warns(UserWarning, match=LEFT_OUT) as told:
            fit()
        (warning,) = told
        assert warning.filename == __file__
        assert warning.lineno == fit.__code__.co_firstlineno


@BOTH
@QUIET
@settings(max_examples=8, deadline=None)
@given(position=st.integers(0, 3), seed=st.integers(0, 99))
def test_ids_beside_a_table_change_no_prediction(cls, position, seed):
    X, y = data(cls)
    expected = cls(**QUICK).fit(X, y).predict(X)
    more = X.copy()
    more.insert(position, "id", np.random.default_rng(seed).permutation([f"n{k}" for k in X.index]))
    assert_array_equal(cls(**QUICK).fit(more, y).predict(more), expected)
    numbers = more.assign(id=np.arange(60))
    model = cls(**QUICK, ignored_features=["id"]).fit(numbers, y)
    assert_array_equal(model.predict(numbers.assign(id=-1)), expected)


def test_what_is_ignored_takes_no_bins_from_the_others():
    random = np.random.default_rng(0)
    X = pd.DataFrame(random.normal(size=(60, 60))).rename(columns="c{}".format)
    ignored = [f"c{k}" for k in range(1, 60)]
    model = TabularRegressor(**QUICK, ignored_features=ignored).fit(X, X["c0"])
    alone = TabularRegressor(**QUICK).fit(X[["c0"]], X["c0"])
    assert model.encoder_.n_bins == alone.encoder_.n_bins == 24
    assert_array_equal(model.predict(X), alone.predict(X[["c0"]]))


labels = st.one_of(st.none(), st.text(max_size=2), st.integers(0, 999), st.booleans())


@settings(max_examples=60, deadline=None)
@given(st.lists(labels, min_size=19, max_size=60), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(values, random):
    # a word in each column of labels: all numbers would be no labels
    values = [*values, "word"]
    shuffled = random.sample(values, len(values))
    assert left_out(np.array(values, object)) == left_out(np.array(shuffled, object))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([1] * 20 + [2, 3]), min_size=15, max_size=80))
def test_labels_are_left_out_by_how_many_stand_alone(repeats):
    values = np.repeat([f"id {k}" for k in range(len(repeats))], repeats)
    assert left_out(values) == (len(values) >= 20 and repeats.count(1) / len(values) > 0.9)


@settings(max_examples=20, deadline=None)
@given(st.sets(st.integers(0, 99), min_size=20))
def test_ids_are_ids_in_every_fold(rows):
    assert left_out([f"id {k}" for k in rows])


def frame_with_text(n_samples=90):
    random = np.random.default_rng(0)
    frame = table(n_samples)[0]
    frame["when"] = pd.date_range("2024-01-01", periods=n_samples)
    frame["kind"] = pd.Categorical(random.choice(["a", "b"], n_samples)).set_categories(["a", "b"])
    frame.loc[3, ["color", "kind"]] = None
    words = [f"word{k}" for k in range(100)]
    y = random.random(n_samples) < 0.5
    texts = [" ".join([*random.choice(words, 6), "yum" if good else "no"]) for good in y]
    frame.insert(1, "text", texts)
    return frame, y


def reads_text():
    """Return the recipe of docs/tabular.md."""
    text = make_pipeline(TfidfVectorizer(), TruncatedSVD(50, random_state=0))
    return make_column_transformer((text, "text"), remainder="passthrough")


@pytest.mark.parametrize(
    "polars",
    [
        False,
        pytest.param(
            True,
            marks=pytest.mark.skipif(
                parse_version(sklearn.__version__) < parse_version("1.7"),
                reason="its ColumnTransformer does not find the columns of polars 2 by name",
            ),
        ),
    ],
)
def test_the_recipe_for_text_leaves_the_other_columns_what_they_are(polars):
    X, _ = frame_with_text()
    others = X.drop(columns="text")
    table = pl.from_pandas(X) if polars else X
    passed = reads_text().fit_transform(table)[:, 50:]
    encoder = TabularEncoder().fit(passed)
    assert_array_equal(encoder.transform(passed), TabularEncoder().fit_transform(others))


def test_the_recipe_for_text_reads_it_in_a_cross_validation():
    X, y = frame_with_text()
    settings = QUICK | {"max_iter": 40, "hidden_layer_sizes": (16,)}
    with_text = make_pipeline(reads_text(), TabularClassifier(**settings))
    scores = cross_val_score(with_text, X, y, cv=3)
    without = cross_val_score(TabularClassifier(**settings, ignored_features=["text"]), X, y, cv=3)
    # the other columns say nothing of y
    assert np.mean(scores) > np.mean(without) + 0.2
