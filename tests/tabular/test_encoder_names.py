"""Names of the encoder's columns: what a column is, and no two the same."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_backprop.tabular._encoder import TabularEncoder, distinct

# short names of few letters, so that they meet
words = st.text("ab_1", min_size=1, max_size=4) | st.sampled_from(
    ["a_missing", "a_bin0", "a_bin1", "a_others", "a_2", "a_b_2", "a_b_c"]
)


def names_of(frame, **parameters):
    return TabularEncoder(**parameters).fit(frame).get_feature_names_out().tolist()


def test_a_feature_and_a_category_that_meet():
    frame = pd.DataFrame({"a": ["b_c", "d", "e"], "a_b": ["c", "d", "e"]})
    assert names_of(frame) == ["a_b_c", "a_d", "a_e", "a_b_c_2", "a_b_d", "a_b_e"]


def test_an_indicator_and_a_feature_that_meet():
    frame = pd.DataFrame(
        {"a": [1.0, np.nan, 2.0], "a_missing": [1.0, 2.0, 3.0], "a_missing_2": 0.0}
    )
    assert names_of(frame) == ["a", "a_missing", "a_missing_3", "a_missing_2"]


def test_features_of_one_name_and_labels_of_one_text():
    encoder = TabularEncoder().fit(np.ones((3, 3)))
    assert encoder.get_feature_names_out(["a", "a", "b"]).tolist() == ["a", "a_2", "b"]
    frame = pd.DataFrame({"c": pd.Series([1, "1", "x"], dtype=object)})
    assert names_of(frame) == ["c_1", "c_1_2", "c_x"]


@settings(max_examples=300, deadline=None)
@given(st.lists(words, max_size=12))
def test_distinct_names(names):
    result = distinct(names)
    assert len(result) == len(set(result)) == len(names)
    # what stands alone, and the first of equals, stays
    for i, name in enumerate(names):
        if name not in names[:i]:
            assert result[i] == name
    assert distinct(result) == result


@settings(max_examples=60, deadline=None)
@given(
    st.lists(words, min_size=1, max_size=4, unique=True),
    st.lists(words, min_size=10, max_size=10, unique=True),
    st.sampled_from(["pandas", "polars"]),
    st.data(),
)
def test_no_two_columns_of_a_result_have_one_name(features, labels, kind, data):
    columns = {
        "numbers": np.arange(10.0),
        "gaps": np.where(np.arange(10) == 3, np.nan, np.arange(10.0)),
        "labels": np.array(labels, object),
        "others": np.array(labels, object)[np.arange(10) // 2 * 2],
    }
    kinds = st.sampled_from(sorted(columns))
    frame = pd.DataFrame({name: columns[data.draw(kinds)] for name in features})
    encoder = TabularEncoder(n_bins=2, max_categories=6).set_output(transform=kind)
    result = encoder.fit_transform(frame)
    names = encoder.get_feature_names_out().tolist()
    assert len(set(names)) == len(names)
    assert list(result.columns) == names
    assert encoder.get_feature_names_out(features).tolist() == names


def test_other_names_of_the_features_can_meet_as_well():
    encoder = TabularEncoder().fit(np.array([["b_c", "c"], ["d", "d"], ["e", "e"]], object))
    names = encoder.get_feature_names_out(["a", "a_b"])
    assert names[[0, 3]].tolist() == ["a_b_c", "a_b_c_2"]
    with pytest.raises(ValueError, match="input_features"):
        encoder.get_feature_names_out(["a"])
