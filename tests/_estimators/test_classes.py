"""``classes`` of ``partial_fit``: what they may be, and what the message says if they are not."""

import datetime
from collections import deque

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.neural_network import MLPClassifier

from sklearn_backprop import BackpropClassifier
from sklearn_backprop._estimators.targets import class_labels

X = np.random.RandomState(0).normal(size=(9, 2))
NUMBERS, TEXT = [0, 1, 0] * 3, ["n", "y", "n"] * 3
DAYS = np.array(["2020-01-01", "2020-01-02", "2020-01-01"] * 3, dtype="datetime64[D]")
LABELS = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 0]] * 3)


def classifier():
    return BackpropClassifier(hidden_layer_sizes=(3,), random_state=0)


def refuses(y, classes, message="classes"):
    model = classifier()
    with pytest.raises(ValueError, match=message):
        model.partial_fit(X, y, classes=classes)
    assert not hasattr(model, "classes_")


NO_CLASSES = {
    "NaN": (NUMBERS, [0, 1, np.nan], "missing"),
    "NaN beside text": (TEXT, ["n", "y", np.nan], "missing"),
    "None": (TEXT, ["n", "y", None], "missing"),
    "NaT": (DAYS, np.append(np.unique(DAYS), np.datetime64("NaT", "D")), "missing"),
    "pandas NA": (NUMBERS, pd.Series([0, 1, None], dtype="Int64"), "missing"),
    "pandas NA of text": (TEXT, pd.Series(["n", "y", None], dtype="string"), "missing"),
    "a category that is missing": (TEXT, pd.Categorical(["n", "y", None]), "missing"),
    "masked": (NUMBERS, np.ma.array([0, 1, 2], mask=[0, 0, 1]), "masked"),
    "text and a number": (TEXT, ["n", "y", 3], "mixes"),
    "text and a bool": (TEXT, ["n", "y", True], "mixes"),
    "text and a date": (DAYS, [DAYS[0], "2020-01-02"], "mixes"),
    "text and bytes": (TEXT, ["n", b"y"], "mixes"),
    "an array of objects": (TEXT, np.array(["n", "y", 3], dtype=object), "mixes"),
    "no order": (NUMBERS, np.array([0, datetime.date(2020, 1, 1)], dtype=object), "sorted"),
    "measurements": (NUMBERS, [0, 1, 2.5], "whole"),
    "measurements as objects": (NUMBERS, np.array([0, 1, 2.5], dtype=object), "whole"),
    "infinity": (NUMBERS, [0, 1, np.inf], "whole"),
    "complex": (NUMBERS, [0, 1 + 2j], "complex128"),
    "a set": (TEXT, {"n", "y"}, "type set"),
    "a frozenset": (NUMBERS, frozenset([0, 1]), "type frozenset"),
    "a dict": (TEXT, {"n": 1, "y": 2}, "type dict"),
    "keys": (TEXT, {"n": 1, "y": 2}.keys(), "type dict_keys"),
    "an iterator": (NUMBERS, iter([0, 1]), "type list_iterator"),
    "a number": (NUMBERS, 2, "type int"),
    "a string": (TEXT, "ny", "type str"),
    "bytes": (TEXT, b"ny", "type bytes"),
    "none": (NUMBERS, [], "empty"),
    "a row": (NUMBERS, [[0, 1]], "2 dimensions"),
    "a column": (NUMBERS, [[0], [1]], "2 dimensions"),
    "a scalar": (NUMBERS, np.array(2), "0 dimensions"),
    "ragged": (NUMBERS, [[0], [1, 2]], "shapes"),
    "too few labels": (LABELS, [0, 1], "3 columns"),
    "too many labels": (LABELS, [0, 1, 2, 3], "3 columns"),
    "names of labels": (LABELS, ["a", "b", "c"], "3 columns"),
    "other kinds": (NUMBERS, ["0", "1"], "not in"),
    "text of many numbers": (NUMBERS, [str(i) for i in range(30)], "not in"),
    "numbers of many texts": (["0", "1", "0"] * 3, range(30), "not in"),
    "dates of numbers": (NUMBERS, np.unique(DAYS), "not in"),
    "one is missing": (NUMBERS, [0], "not in"),
}


@pytest.mark.parametrize(("y", "classes", "message"), NO_CLASSES.values(), ids=NO_CLASSES)
def test_what_cannot_be_classes_is_refused(y, classes, message):
    refuses(y, classes, f"(?s)classes.*{message}")


def test_a_generator_is_refused():
    refuses(TEXT, (label for label in "ny"), "classes.*generator")


CLASSES = {
    "a list": (TEXT, ["n", "y", "z"]),
    "a tuple": (TEXT, ("y", "n")),
    "twice": (NUMBERS, [1, 0, 1, 0]),
    "a deque": (NUMBERS, deque([0, 1])),
    "a range": (NUMBERS, range(2)),
    "an array": (NUMBERS, np.array([0, 1, 5], dtype=np.int8)),
    "whole floats": (NUMBERS, [0.0, 1.0]),
    "objects": (NUMBERS, np.array([0, 1], dtype=object)),
    "text objects": (TEXT, np.array(["n", "y"], dtype=object)),
    "a series": (TEXT, pd.Series(["n", "y"])),
    "nullable": (NUMBERS, pd.Series([0, 1], dtype="Int64")),
    "strings": (TEXT, pd.Series(["n", "y"], dtype="string")),
    "an index": (TEXT, pd.Index(["n", "y"])),
    "a categorical": (TEXT, pd.Categorical(["n", "y"])),
    "its categories": (NUMBERS, pd.Categorical([0, 1, 0]).categories),
    "bools": ([False, True, False] * 3, [False, True]),
    "bools as numbers": ([False, True, False] * 3, [0, 1]),
    "days": (DAYS, np.unique(DAYS)),
    "durations": (DAYS - DAYS[0], np.unique(DAYS - DAYS[0])),
    "a DatetimeIndex": (DAYS, pd.DatetimeIndex(np.unique(DAYS))),
    "a missing value's name": (TEXT, ["n", "y", "nan"]),
    "one": ([0] * 9, [0]),
    "numbers of labels": (LABELS, [0, 1, 2]),
}


@pytest.mark.parametrize("form", [np.asarray, csr_array, pd.DataFrame])
def test_for_several_labels_a_y_says_it_too(form):
    model = classifier().partial_fit(X, LABELS, classes=form(LABELS))
    np.testing.assert_array_equal(model.classes_, [0, 1, 2])
    refuses(LABELS, form(LABELS[:, :2]))


@pytest.mark.parametrize(("y", "classes"), CLASSES.values(), ids=CLASSES)
def test_what_can_be_classes_is_taken(y, classes):
    model = classifier().partial_fit(X, y, classes=classes)
    np.testing.assert_array_equal(model.classes_, np.unique(np.asarray(classes)))
    model.partial_fit(X, y).partial_fit(X, y, classes=classes)
    assert model.n_iter_ == 3


@pytest.mark.parametrize(("y", "classes", "message"), NO_CLASSES.values(), ids=NO_CLASSES)
def test_later_calls_check_them_too(y, classes, message):
    first = np.arange(y.shape[1]) if y is LABELS else np.unique(y)
    model = classifier().partial_fit(X, y, classes=first)
    kept = [W.copy() for W in model.coefs_]
    with pytest.raises(ValueError, match="classes"):
        model.partial_fit(X, y, classes=classes)
    np.testing.assert_equal(model.coefs_, kept)
    model.partial_fit(X, y)


label_lists = st.lists(
    st.one_of(
        st.integers(-3, 3), st.sampled_from(["a", "b", "1"]), st.booleans(), st.none(),
        st.floats(-4, 4), st.sampled_from([1.0, np.nan, np.inf]),
    ),
    max_size=4,
)  # fmt: skip


@settings(deadline=None, max_examples=200, derandomize=True)
@given(classes=label_lists)
def test_they_are_refused_where_scikit_learn_refuses_them(classes):
    known = [label for label in classes if isinstance(label, (int, str))]
    y = [known[0] if known else 0] * 9
    try:
        with np.errstate(invalid="ignore"):  # it casts NaN to an integer
            MLPClassifier(hidden_layer_sizes=(1,)).partial_fit(X, y, classes=classes)
    except (ValueError, TypeError):
        refuses(y, classes)
    else:
        np.testing.assert_array_equal(class_labels(classes), np.unique(classes))
