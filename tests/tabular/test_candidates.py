"""Candidates: networks of other configurations, trained and judged where the members are."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from small_tables import BOTH, QUICK, data
from test_companions import member_rows

from sklearn_backprop import TabularClassifier, TabularRegressor
from sklearn_backprop._compositions.calibration import fit_temperature
from sklearn_backprop.tabular import _classifier, _regressor
from sklearn_backprop.tabular._candidates import N_KEPT, n_first_members, n_networks
from sklearn_backprop.tabular._logits import columns_of_labels, logits_of
from sklearn_backprop.tabular._weights import log_loss, select_logits, select_predictions

QUICK = {
    name: value for name, value in QUICK.items() if name not in ("hidden_layer_sizes", "companions")
} | {"n_candidates": 4, "n_estimators": 3}


def all_count(parts, *known):
    """Return equal weights, so that each part is looked at."""
    return dict.fromkeys(parts, 1 / len(parts))


@pytest.fixture(scope="module")
def fitted():
    models = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_regressor, "select_predictions", all_count)
        patch.setattr(_classifier, "select_logits", lambda *args: (all_count(*args), 0.7))
        for cls in (TabularClassifier, TabularRegressor):
            X, y = data(cls, 80)
            models[cls] = cls(**QUICK).fit(X, y), X, y
    return models


def columns_of(model, name):
    """Return the encoded columns that a candidate's networks are given."""
    return model._companion_columns.get(name, slice(None))


# what is trained


@BOTH
def test_they_are_networks_that_anyone_could_fit(cls, fitted):
    """A candidate is trained on the rows of its member, with the settings that it names."""
    model, X, y = fitted[cls]
    encoded, table = model.encoder_.transform(X), model.candidates_
    targets = y if cls is TabularClassifier else (y - model.target_mean_) / model.target_scale_
    n_found = 0
    for member, companions in zip(model.estimators_, model.companions_, strict=True):
        rows = member_rows(model, member, len(X))
        for row, name in enumerate(table["name"]):
            if name not in companions:
                continue
            n_found += 1
            network = companions[name]
            solver = network.solver
            own = [network.hidden_layer_sizes, network.activation, network.dropout]
            own += [network.learning_rate_init, solver.name, solver.weight_decay]
            names = ("hidden_layer_sizes", "activation", "dropout", "learning_rate_init", "solver")
            assert own == [table[key][row] for key in (*names, "weight_decay")]
            given_columns = encoded[:, columns_of(model, name)]
            again = type(member)(**network.get_params(deep=False)).fit(
                given_columns, targets, validation_rows=rows
            )
            assert_allclose(again.coefs_[0], network.coefs_[0], rtol=1e-4, atol=1e-6)  # float32
    assert n_found == 3 * len(model.estimators_)


@BOTH
def test_the_table_says_how_good_each_was(cls, fitted):
    model, X, y = fitted[cls]
    n_first, table = n_first_members(len(model.estimators_)), model.candidates_
    assert n_first == 1
    for row, name in enumerate(table["name"]):
        network = model.estimators_[0] if name == "network" else model.companions_[0].get(name)
        assert table["weight"][row] == model.weights_.get(name, 0.0)
        if network is None:
            continue
        rows = member_rows(model, model.estimators_[0], len(X))
        encoded = model.encoder_.transform(X)[rows][:, columns_of(model, name)]
        if cls is TabularRegressor:
            targets = (y - model.target_mean_) / model.target_scale_
            loss = np.mean((network.predict(encoded) - targets[rows]) ** 2)
        else:
            columns = columns_of_labels(network._targets, y[rows])
            logits = logits_of(network, encoded)
            loss = log_loss(logits / fit_temperature(logits, columns), columns)
        assert_allclose(table["loss"][row], loss, rtol=1e-5)


def test_only_the_best_are_trained_for_all(monkeypatch):
    X, y = data(TabularRegressor, 80)
    monkeypatch.setattr(_regressor, "select_predictions", all_count)
    settings_ = QUICK | {"n_candidates": 12, "n_estimators": 5, "max_iter": 2}
    model = TabularRegressor(**settings_).fit(X, y)
    order = np.argsort(model.candidates_["loss"])
    best = [model.candidates_["name"][i] for i in order]
    best.remove("network")
    counted = {name for name, weight in model.weights_.items() if name.startswith("network-")}
    assert counted == set(best[:N_KEPT])
    assert n_networks(12, 5) == 5 + 11 * 1 + N_KEPT * 4 and n_networks(1, 5) == 5


@BOTH
def test_what_was_set_is_not_drawn(cls):
    X, y = data(cls, 60)
    own = {"hidden_layer_sizes": (6,), "dropout": 0.3, "learning_rate_init": 0.01}
    model = cls(**QUICK | own | {"weight_decay": 0.5, "n_candidates": 8}).fit(X, y)
    for name, value in (own | {"weight_decay": 0.5}).items():
        assert set(model.candidates_[name]) == {value}
    assert len(set(model.candidates_["activation"])) > 1


# what is predicted


@BOTH
def test_the_whole_is_the_weighted_sum(cls, fitted):
    model, X, _ = fitted[cls]
    encoded, each = model.encoder_.transform(X), []
    for team in model.teams():
        total = 0.0
        parts = {"network": team.network} | {
            name: network for name, network in team.companions.items() if "network" in name
        }
        others = set(team.companions) - set(parts)
        for name, network in parts.items():
            given_columns = encoded[:, columns_of(model, name)]
            said = logits_of if cls is TabularClassifier else lambda net, Z: net.predict(Z)
            total = total + model.weights_[name] * said(network, given_columns)
        for name in others:
            alone = team._replace(weights=dict.fromkeys(team.weights, 0.0) | {name: 1.0})
            said = alone.logits if cls is TabularClassifier else alone.predictions
            total = total + model.weights_[name] * said(encoded)
        each.append(total)
    if cls is TabularRegressor:
        in_units = np.array(each) * model.target_scale_ + model.target_mean_
        mean = np.clip(in_units, *model._range).mean(axis=0)
        assert_allclose(model.predict(X), mean, rtol=1e-5)
    else:
        assert_array_equal(model.predict(X), model.classes_[model.predict_proba(X).argmax(axis=1)])
        Z = np.array(each) / model.temperature_
        P = np.exp(Z - Z.max(axis=2, keepdims=True))
        P = (P / P.sum(axis=2, keepdims=True)).mean(axis=0)
        assert_allclose(model.predict_proba(X), P, rtol=1e-5)


def test_slopes_are_those_of_all_networks(monkeypatch):
    """By finite differences, with a candidate that is given no bins."""
    random = np.random.default_rng(0)
    X = random.normal(size=(80, 3))
    y = np.tanh(X[:, 0]) + X[:, 1]
    settings_ = QUICK | {"companions": None, "n_candidates": 9, "n_estimators": 1}
    monkeypatch.setattr(_regressor, "select_predictions", all_count)
    model = TabularRegressor(**settings_).fit(X, y)
    assert 0 < len(model._companion_columns) < 8
    encoded = model.encoder_.transform(X[:20]).astype(np.float64)
    slopes = model.encoded_gradients(encoded)[:, 0]
    step = 1e-2
    for j in range(encoded.shape[1]):
        move = step * (np.arange(encoded.shape[1]) == j)
        rise = model.encoded_outputs(encoded + move) - model.encoded_outputs(encoded - move)
        # float32 networks, one of which may have the corners of ReLU
        assert_allclose(rise[:, 0] / (2 * step), slopes[:, j], rtol=0.05, atol=0.02)


@BOTH
def test_they_go_to_onnx(cls, fitted):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    model, X, _ = fitted[cls]
    session = onnxruntime.InferenceSession(model.to_onnx().SerializeToString())
    found = session.run(None, model.onnx_inputs(X))[0]
    expected = model.predict_proba(X) if cls is TabularClassifier else model.predict(X)
    assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@BOTH
def test_pickled_and_repeated(cls):
    X, y = data(cls, 80)
    model, again = cls(**QUICK).fit(X, y), cls(**QUICK).fit(X, y)
    assert again.weights_ == model.weights_
    assert_array_equal(again.predict(X), model.predict(X))
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    answer = "predict_set" if cls is TabularClassifier else "predict_interval"
    assert len(getattr(model, answer)(X, 0.5)) == len(X)


# when they are not, and how long it takes


def test_there_must_be_something_to_judge_by():
    X, y = data(TabularRegressor, 15)  # of so few rows none is held out
    model = TabularRegressor(**QUICK).fit(X, y)
    assert model.weights_ == {"network": 1.0} and model.candidates_ is None
    with pytest.raises(ValueError, match="n_candidates=4 needs loss='squared_error'"):
        TabularRegressor(**QUICK, loss="absolute_error").fit(*data(TabularRegressor))
    with pytest.raises(ValueError, match="'n_candidates' parameter"):
        TabularClassifier(n_candidates=0).fit(*data(TabularClassifier))


def test_several_targets_and_labels():
    X, y = data(TabularRegressor, 80)
    both = np.column_stack([y, -(y**2)])
    model = TabularRegressor(**QUICK).fit(X, both)
    assert model.predict(X).shape == both.shape and len(model.weights_) > 1
    labels = (both > both.mean(axis=0)).astype(int)
    classifier = TabularClassifier(**QUICK).fit(X, labels)
    assert classifier.predict_proba(X).shape == labels.shape and len(classifier.weights_) > 1


def test_with_groups_time_and_a_validation_set():
    X, y = data(TabularRegressor, 80)
    for how in ({"groups": np.arange(80) // 8}, {"time": np.arange(80)}, {"X_val": X, "y_val": y}):
        model = TabularRegressor(**QUICK).fit(X, y, **how)
        assert np.isfinite(model.candidates_["loss"][0]) and len(model.weights_) > 1


def test_a_limit_of_time_is_one_for_all():
    X, y = data(TabularRegressor, 80)
    model = TabularRegressor(**QUICK | {"max_iter": 4000}, max_time=0.02).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    (counted,) = {frozenset(companions) for companions in model.companions_}
    assert {name for name, weight in model.weights_.items() if weight > 0} - counted <= {"network"}


# weights


def test_the_best_mean_is_found():
    random = np.random.default_rng(0)
    y = random.normal(size=1000)
    noise = random.normal(size=(2, 1000))
    parts = {"network": y + noise[0], "network-2": y + noise[1], "network-3": y + 5 * noise[1]}
    weights = select_predictions(parts, y)
    assert_allclose([weights["network"], weights["network-2"]], 0.5, atol=0.05)
    assert weights["network-3"] == 0.0
    assert select_predictions({"network": -y, "network-2": y}, y) == {"network": 0, "network-2": 1}


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 200), st.floats(0.1, 10))
def test_no_part_alone_is_better(seed, n_rows, size):
    """And it does not matter in what unit a part's logits are."""
    random = np.random.default_rng(seed)
    y, counts = random.normal(size=n_rows), random.random(n_rows) + 0.1
    parts = {f"network-{k}": y + random.normal(size=n_rows) for k in range(4)}
    parts = {"network": random.normal(size=n_rows)} | parts

    def loss(predicted):
        return np.average((predicted - y) ** 2, weights=counts)

    weights = select_predictions(parts, y, counts)
    assert_allclose(sum(weights.values()), 1.0)
    mean = sum(weights[name] * part for name, part in parts.items())
    assert loss(mean) <= 1.02 * min(map(loss, parts.values()))  # less than 0.05 is left out

    columns = random.integers(0, 3, n_rows)
    logits = {
        name: 2.0 * np.eye(3)[columns] + random.normal(size=(n_rows, 3)) for name in list(parts)[:3]
    }
    weights, temperature = select_logits(logits, columns, counts)
    assert_allclose(sum(weights.values()), 1.0)
    total = sum(weights[name] * Z for name, Z in logits.items())
    scaled = logits | {"network": size * logits["network"]}
    other, other_temperature = select_logits(scaled, columns, counts)
    other_total = sum(other[name] * Z for name, Z in scaled.items())
    first = log_loss(total / temperature, columns, counts)
    # the prior of a temperature is worth a row or so
    second = log_loss(other_total / other_temperature, columns, counts)
    assert abs(first - second) < 0.05 + 3 / n_rows
