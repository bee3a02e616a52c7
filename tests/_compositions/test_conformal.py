"""Limits are quantiles of what all rows say, counted one by one; weights are repetitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_backprop._compositions.conformal import (
    HeldOutScores,
    in_prediction_sets,
    upper_limits,
)

seeds = st.integers(0, 10**6)


def drawn(seed):
    """Return scores of some members, and what these say of three samples."""
    random = np.random.RandomState(seed)
    n_members = random.randint(1, 5)
    scores = [random.exponential(size=random.randint(5, 30)) for _ in range(n_members)]
    if seed % 3 == 0:  # with ties
        scores = [np.round(own, 1) for own in scores]
    ends = random.normal(size=(n_members, 3))
    scales = random.uniform(0.5, 2, (n_members, 3))
    return scores, ends, scales


@given(seeds, st.sampled_from([0.5, 0.75, 0.8]))
@settings(max_examples=150, deadline=None)
def test_limits_are_the_order_statistic(seed, level):
    scores, ends, scales = drawn(seed)
    held_out = HeldOutScores.of(scores, [None] * len(scores))
    limits = upper_limits(held_out, ends, scales, level)
    for j in range(3):
        each = np.concatenate([ends[k, j] + scales[k, j] * own for k, own in enumerate(scores)])
        expected = np.sort(each)[int(np.ceil(level * (len(each) + 1))) - 1]
        assert limits[j] == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_equal_weights_mean_nothing_and_zero_leaves_a_row_out(seed):
    scores, ends, scales = drawn(seed)
    plain = HeldOutScores.of(scores, [None] * len(scores))
    same = HeldOutScores.of(scores, [np.full(len(own), 7.3) for own in scores])
    np.testing.assert_allclose(
        upper_limits(same, ends, scales, 0.6), upper_limits(plain, ends, scales, 0.6), rtol=1e-9
    )
    padded = [np.append(own, [1e9, -1e9]) for own in scores]
    weights = [np.append(np.ones(len(own)), [0.0, 0.0]) for own in scores]
    limits = upper_limits(HeldOutScores.of(padded, weights), ends, scales, 0.6)
    each = [np.concatenate([ends[k, 0] + scales[k, 0] * own for k, own in enumerate(scores)])]
    assert np.min(each) <= limits[0] <= np.max(each)


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_sets_have_the_classes_that_enough_rows_find_no_stranger(seed):
    scores, _, _ = drawn(seed)
    random = np.random.RandomState(seed)
    of_classes = random.exponential(size=(len(scores), 4, 3))
    held_out = HeldOutScores.of(scores, [None] * len(scores))
    inside = in_prediction_sets(held_out, of_classes, 0.7)
    n = sum(map(len, scores))
    for i, c in np.ndindex(4, 3):
        below = sum((own < of_classes[k, i, c]).sum() for k, own in enumerate(scores))
        assert inside[i, c] == (below < 0.7 * (n + 1))


def test_too_few_rows_are_said():
    held_out = HeldOutScores.of([np.arange(8.0)], [None])
    upper_limits(held_out, np.zeros((1, 2)), np.ones((1, 2)), 0.88)
    with pytest.raises(ValueError, match=r"confidence_level=0\.9 needs 9 rows held out .* are 8"):
        upper_limits(held_out, np.zeros((1, 2)), np.ones((1, 2)), 0.9)
