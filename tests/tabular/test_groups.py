"""groups= of a table's fit: members hold out whole groups."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.utils.metadata_routing import get_routing_for_object

from sklearn_backprop import TabularClassifier, TabularRegressor
from sklearn_backprop.tabular import _training as module

RANDOM = np.random.RandomState(0)
GROUPS = RANDOM.randint(8, size=160)
X = RANDOM.standard_normal((160, 3))
NUMBERS = X[:, 0] + GROUPS
LABELS = np.where(X[:, 0] > 0, "a", "b")
QUICK = {"hidden_layer_sizes": 4, "max_iter": 2, "companions": None, "random_state": 0}
BOTH = pytest.mark.parametrize(
    ("kind", "y"), [(TabularClassifier, LABELS), (TabularRegressor, NUMBERS)]
)


@pytest.fixture
def held_out(monkeypatch):
    """Return a list to which the rows that each member holds out are added."""
    rows, original = [], module.fit_many

    def recorded(*args, validation_rows, **kwargs):
        rows.extend(validation_rows)
        return original(*args, validation_rows=validation_rows, **kwargs)

    monkeypatch.setattr(module, "fit_many", recorded)
    return rows


@BOTH
@pytest.mark.parametrize("names", [GROUPS, np.array(list("stuvwxyz"))[GROUPS]], ids=["int", "str"])
def test_whole_groups_are_held_out_and_each_once(kind, y, names, held_out):
    kind(n_estimators=5, validation_fraction=0.25, **QUICK).fit(X, y, groups=names)
    assert len(held_out) == 5
    for rows in held_out:
        inside = np.unique(GROUPS[rows])
        np.testing.assert_array_equal(np.sort(rows), np.flatnonzero(np.isin(GROUPS, inside)))
    np.testing.assert_array_equal(np.sort(np.concatenate(held_out[:4])), np.arange(160))


@BOTH
def test_fewer_groups_than_folds(kind, y, held_out):
    kind(n_estimators=3, validation_fraction=0.1, **QUICK).fit(X, y, groups=GROUPS > 3)
    assert {len(np.unique(GROUPS[rows] > 3)) for rows in held_out} == {1}


def test_what_members_cannot_know_of_a_group_counts_as_noise():
    """The level of a new group is noise; that of a row in a known one is learned."""
    settings = QUICK | {"n_estimators": 4, "hidden_layer_sizes": 16, "max_iter": 60}
    table = np.column_stack([X, np.eye(8)[GROUPS]])  # the group can be read off the table
    plain = TabularRegressor(**settings).fit(table, NUMBERS)
    grouped = TabularRegressor(**settings).fit(table, NUMBERS, groups=GROUPS)
    assert grouped.noise_ > 2 * plain.noise_


@pytest.mark.parametrize("routing", [False, True])
@BOTH
def test_groups_for_a_splitter_stay_with_it(kind, y, routing):
    model = kind(n_estimators=1, **QUICK)
    with config_context(enable_metadata_routing=routing):
        given = {"params": {"groups": GROUPS}} if routing else {"groups": GROUPS}
        done = cross_validate(model, X, y, cv=GroupKFold(4), error_score="raise", **given)
    assert len(done["test_score"]) == 4


def test_groups_are_passed_on_where_asked_for(held_out):
    with config_context(enable_metadata_routing=True):
        model = TabularRegressor(n_estimators=1, **QUICK).set_fit_request(groups=True)
        assert get_routing_for_object(model).fit.requests["groups"] is True
        cross_validate(model, X, NUMBERS, cv=GroupKFold(4), params={"groups": GROUPS})
    assert len(held_out) == 4


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (GROUPS[1:], "groups has 159 entries for 160 rows"),
        (np.zeros(160), "groups has only the group"),
        (np.where(GROUPS == 1, np.nan, GROUPS), "groups has missing values"),
        ([None, *GROUPS[1:]], "groups has missing values"),
    ],
)
def test_bad_groups_are_named_and_nothing_is_changed(groups, message):
    model = TabularRegressor(**QUICK)
    with pytest.raises(ValueError, match=message):
        model.fit(X, NUMBERS, groups=groups)
    assert set(vars(model)) == set(model.get_params())
