"""The ONNX model of a table's estimator answers as the estimator does."""

import json
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from small_tables import BOTH, QUICK, data, table

from sklearn_backprop import TabularClassifier, TabularRegressor
from sklearn_backprop.losses import Quantile

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
SHORT = QUICK | {"max_iter": 12}


def run(model, inputs):
    """Return what onnxruntime makes of inputs, by name."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    assert {given.name for given in session.get_inputs()} == set(inputs)
    return dict(zip(names, session.run(None, inputs), strict=True))


def assert_same_answers(estimator, X, tolerance=1e-5):
    """Compare probabilities, and numbers in units of the targets' spread."""
    outputs = run(estimator.to_onnx(), estimator.onnx_inputs(X))
    if isinstance(estimator, TabularClassifier):
        np.testing.assert_allclose(
            outputs["probabilities"], estimator.predict_proba(X), atol=tolerance
        )
        return outputs
    expected = estimator.predict(X)
    assert outputs["predictions"].shape == expected.shape
    errors = np.abs(outputs["predictions"] - expected) / np.atleast_1d(estimator.target_scale_)
    assert np.max(errors) < tolerance
    return outputs


# scikit-learn 1.6 does not find the names of the columns of polars 2
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@BOTH
def test_gaps_strings_and_what_is_new(cls):
    X, y = data(cls)
    model = cls(**SHORT).fit(X, y)
    later = X.astype({"paid": object})
    later.loc[::3, "color"] = "purple"
    later.loc[::5, "paid"] = None
    later["size"] = later["size"] * 1e6
    for each in (X, later, pl.DataFrame(X.to_dict("list")), X[:1]):
        assert_same_answers(model, each)


kinds = st.sampled_from(
    ["constant", "nothing", "numbers", "text", "booleans", "many", "codes", "dates", "spans"]
)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([TabularClassifier, TabularRegressor]),
    st.lists(kinds, min_size=1, max_size=5),
    st.integers(20, 60),
    st.integers(0, 999),
)
def test_odd_tables(cls, chosen, n, seed):
    random = np.random.default_rng(seed)
    make = {
        "constant": lambda: np.full(n, 7),
        "nothing": lambda: np.full(n, np.nan),
        "numbers": lambda: random.standard_cauchy(n) * 10.0 ** random.integers(-100, 100),
        "text": lambda: random.choice(np.array(["a", "b", "", "ü", None], object), n),
        "booleans": lambda: random.random(n) < 0.5,
        "many": lambda: random.choice([f"c{k}" for k in range(15)], n).astype(object),
        "codes": lambda: random.choice([1.5, 2.0, np.nan, 7.0], n),
        "dates": lambda: np.datetime64("2024-01-01T00:00:00.123") + random.integers(0, 10**9, n),
        "spans": lambda: random.integers(0, 10**15, n).astype("m8[ns]"),
    }
    X = pd.DataFrame({f"{kind} {k}": make[kind]() for k, kind in enumerate(chosen)})
    codes = [name for name in X if name.startswith("codes")]
    y = random.choice(["yes", "no", "so"], n) if cls is TabularClassifier else random.normal(size=n)
    later = X.astype({X.columns[0]: object})
    later.loc[random.random(n) < 0.5, X.columns[0]] = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = cls(**SHORT, max_categories=9, categorical_features=codes or "auto").fit(X, y)
        for each in (X, later):
            assert_same_answers(model, each)


@pytest.mark.parametrize(
    "y",
    [
        np.arange(60) % 2,
        np.arange(60) % 3 + 4,
        np.array(["no", "yes"])[np.arange(60) % 2],
        np.zeros(60, int),
        np.arange(60) % 2 == 0,
        (np.arange(60) % 3).astype(float),
        np.column_stack([np.arange(60) % 2, np.arange(60) % 3 == 0]).astype(int),
    ],
    ids=["two", "three", "text", "one", "booleans", "floats", "labels"],
)
def test_classes_of_all_kinds(y):
    X = table()[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = TabularClassifier(**SHORT).fit(X, y)
    outputs = assert_same_answers(model, X)
    if y.dtype.kind == "f":
        assert set(outputs) == {"probabilities"}
    else:
        np.testing.assert_array_equal(outputs["label"], model.predict(X))
    (entry,) = model.to_onnx().metadata_props
    assert entry.key == "classes" and json.loads(entry.value) == model.classes_.tolist()


@pytest.mark.parametrize(
    "loss", ["squared_error", "quantile", "gaussian", "poisson", "gamma", Quantile([0.1, 0.9])]
)
@pytest.mark.parametrize("n_bins", [None, 5])
def test_losses(loss, n_bins):
    X, _, y = table()
    model = TabularRegressor(**SHORT, loss=loss, n_bins=n_bins).fit(X, np.abs(y) + 1)
    assert_same_answers(model, X)


def test_several_numbers():
    X, _, y = table()
    model = TabularRegressor(**SHORT).fit(X, np.column_stack([y, -1e-9 * y]))
    assert_same_answers(model, X)


def test_a_category_and_its_twin():
    """A number finds its text, as in predict."""
    X = pd.DataFrame({"zip": ["10115", "20095", "80331"] * 20, "x": np.arange(60.0)})
    model = TabularRegressor(**SHORT).fit(X, np.arange(60))
    numbers = X.assign(zip=X["zip"].astype(int))
    np.testing.assert_array_equal(
        model.onnx_inputs(numbers)["zip"], X["zip"].to_numpy(object)[:, None]
    )
    assert_same_answers(model, numbers)


def test_a_category_that_is_the_empty_string_is_not_a_gap():
    X = pd.DataFrame({"c": np.array(["", "a", None], object)[np.arange(60) % 3]})
    model = TabularRegressor(**SHORT | {"max_iter": 60}).fit(X, np.arange(60) % 3)
    inputs = model.onnx_inputs(X)
    assert inputs["c"][:3, 0].tolist() == ["", "a", "<missing>"]
    assert_same_answers(model, X)


def test_times_are_days_since_1970():
    X = pd.DataFrame({"t": np.array(["1970-01-02T00", "2024-01-01T12", "NaT"] * 20, "M8[h]")})
    inputs = TabularRegressor(**SHORT).fit(X, np.arange(60)).onnx_inputs(X)
    np.testing.assert_array_equal(inputs["t"][:3, 0], [1.0, 19723.5, np.nan])


@pytest.mark.parametrize("start", ["1903-02-25T06:30", "1969-01-01", "2023-12-30T01"])
def test_the_calendar(start):
    """Leap years, centuries, times before 1970 and gaps."""
    times = np.datetime64(start, "m") + 1_600 * np.arange(800)
    X = pd.DataFrame({"t": times.astype("M8[ms]")})
    X.loc[::9, "t"] = None
    model = TabularRegressor(**SHORT).fit(X, np.arange(800))
    assert any(name.endswith("month12") for name in model.encoder_.get_feature_names_out())
    later = pd.DataFrame({"t": times.astype("M8[ms]") + np.timedelta64(36_600, "D")})
    for each in (X, later):
        assert_same_answers(model, each)


def test_what_is_left_out_is_no_input_and_names_do_not_clash():
    X = pd.DataFrame({"id": np.arange(60), "label": np.arange(60.0), "Sub_0": np.arange(60.0)})
    model = TabularClassifier(**SHORT, ignored_features=["id"]).fit(X, np.arange(60) % 2)
    assert list(model.onnx_inputs(X)) == ["label_2", "Sub_0"]
    assert_same_answers(model, X)


def test_what_cannot_be_is_said(tmp_path):
    X = pd.DataFrame({"c": np.array([1, "1"], object)[np.arange(60) % 2]})
    model = TabularRegressor(**SHORT).fit(X, np.arange(60))
    with pytest.raises(ValueError, match=r"'c' cannot be exported .* same text, '1'"):
        model.to_onnx()
    with pytest.raises(NotFittedError):
        TabularRegressor().to_onnx()
    with pytest.raises(NotFittedError):
        TabularRegressor().onnx_inputs(X)
    good = TabularRegressor(**SHORT).fit(np.arange(60.0)[:, None], np.arange(60))
    good.to_onnx(tmp_path / "model.onnx")
    assert onnx.load(tmp_path / "model.onnx") == good.to_onnx()
    assert list(good.onnx_inputs(np.ones((1, 1)))) == ["x0"]
