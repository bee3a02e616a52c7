"""The page of a recorded training: its numbers are the traces', and it stands alone."""

import json
import re
from base64 import b64decode

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_iris, make_moons
from sklearn.exceptions import ConvergenceWarning
from test_documents import XOR_BIASES, XOR_OUTPUTS, XOR_WEIGHTS, XOR_X, XOR_Y, descent

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.inspection import record_training
from sklearn_backprop.inspection._surface import GRID

X, Y = load_iris(return_X_y=True)
MOONS, HALVES = make_moons(120, noise=0.1, random_state=0)
QUICK = {"hidden_layer_sizes": (4, 3), "learning_rate": "cosine", "max_iter": 6, "random_state": 0}

RECORDS = {
    "classes": lambda: record_training(BackpropClassifier(**QUICK), X, Y),
    "sparse": lambda: record_training(BackpropClassifier(**QUICK), csr_array(X), Y),
    "dropout": lambda: record_training(BackpropClassifier(dropout=0.5, **QUICK), X, Y),
    "lbfgs": lambda: record_training(
        BackpropRegressor(**QUICK | {"solver": "lbfgs", "tol": 1.0, "max_iter": 50}), X, Y
    ),
    "two targets": lambda: record_training(BackpropRegressor(**QUICK), X, X[:, :2] ** 2),
    "plane": lambda: record_training(BackpropClassifier(**QUICK), MOONS, HALVES),
}


def page_of(record, tmp_path, **kwargs):
    """Return the page's text, and what it holds."""
    path = tmp_path / "page.html"
    record.to_html(path, **kwargs)
    text = path.read_text(encoding="utf-8")
    script = re.search(r'<script type="application/json" id="record">(.*?)</script>', text)
    return text, json.loads(script[1])


def numbers_of(data, key, frame):
    """Return the numbers of a table at a frame, as the page has them."""
    numbers = np.frombuffer(b64decode(data["numbers"]), dtype=np.float32)
    table = next(table for table in data["tables"] if table["key"] == key)
    shape = len(table["rows"]), len(table["columns"])
    start = frame * data["stride"] + table["offset"]
    return numbers[start : start + shape[0] * shape[1]].reshape(shape)


@pytest.mark.parametrize("name", RECORDS)
def test_numbers_are_those_of_the_traces(name, tmp_path):
    record = RECORDS[name]()
    _, data = page_of(record, tmp_path)
    assert data["epochs"] == record.epochs.tolist()
    assert len(b64decode(data["numbers"])) == 4 * data["stride"] * len(data["epochs"])
    for frame, epoch in enumerate(data["epochs"]):
        trace = record.trace(epoch)
        frames = trace.to_frames()
        assert [table["key"] for table in data["tables"]] == list(frames)
        for key, expected in frames.items():
            np.testing.assert_allclose(numbers_of(data, key, frame), expected, rtol=1e-6)
        assert data["scalars"]["objective"][frame] == pytest.approx(trace.objective, rel=1e-6)
        after, expected = data["scalars"]["objective_after"][frame], trace.objective_after
        assert after == (None if expected is None else pytest.approx(expected, rel=1e-6))
    labels = {table["key"]: table for table in data["tables"]}
    for key, expected in frames.items():
        assert labels[key]["rows"] == list(expected.index)
        assert labels[key]["columns"] == list(expected.columns)


def test_it_stands_alone(tmp_path):
    text, _ = page_of(RECORDS["plane"](), tmp_path)
    assert "default-src 'none'" in text  # the browser refuses whatever is not in the file
    assert re.findall(r'(?:src|href)\s*=\s*["\'](?!data:)', text) == []
    assert (
        re.findall(r"@import|url\(|fetch\(|XMLHttpRequest|import\(|<link(?! rel=\"icon\")", text)
        == []
    )
    allowed = {"http://www.w3.org/2000/svg"}  # a name, not an address
    assert set(re.findall(r"https?://[^\"'\s]+", text)) == allowed


def test_names_cannot_break_out_of_the_page(tmp_path):
    import pandas as pd

    nasty = "</script><script>alert(1)</script>"
    frame = pd.DataFrame(X, columns=[nasty, "<!--", "&amp;", "$title"])
    record = record_training(BackpropClassifier(**QUICK), frame, np.array(["a<b", "c", "d"])[Y])
    text, data = page_of(record, tmp_path, title=nasty)
    assert nasty not in text and "<!--" not in text
    assert data["features"] == list(frame.columns) and data["outputs"][0] == "a<b"
    assert "&lt;/script&gt;" in text


def test_a_large_record_is_thinned_until_it_fits(tmp_path):
    record = record_training(BackpropClassifier(**QUICK | {"max_iter": 60}), X, Y)
    path = tmp_path / "page.html"
    assert record.to_html(path) == 61
    whole = path.stat().st_size
    limit = whole // 2 + 20_000
    n_shown = record.to_html(path, max_bytes=limit)
    assert 10 < n_shown < 61 and path.stat().st_size <= limit
    _, data = page_of(record, tmp_path, max_bytes=limit)
    assert data["epochs"][0] == 0 and data["epochs"][-1] == 60
    assert len(data["epochs"]) == n_shown == len(set(data["epochs"]))
    with pytest.raises(ValueError, match="fewer samples"):
        record.to_html(tmp_path / "none.html", max_bytes=10_000)
    assert not (tmp_path / "none.html").exists()


def test_the_documents_xor_run_is_a_small_page(tmp_path):
    estimator = BackpropRegressor(
        hidden_layer_sizes=(2,), **descent("logistic", 0.1, max_iter=10_000, n_samples=4)
    )
    with pytest.warns(ConvergenceWarning):
        record = record_training(
            estimator, XOR_X, XOR_Y, coefs_init=XOR_WEIGHTS, intercepts_init=XOR_BIASES
        )
    _, data = page_of(record, tmp_path)
    assert data["epochs"] == list(range(0, 10_001, 100))
    outputs = numbers_of(data, "A2", 100).ravel()
    np.testing.assert_allclose(outputs, XOR_OUTPUTS, rtol=1e-6)
    assert (tmp_path / "page.html").stat().st_size < 500_000


def test_what_there_is_not_is_null(tmp_path):
    _, data = page_of(RECORDS["lbfgs"](), tmp_path)
    assert data["scalars"]["learning_rate"] == [None] * len(data["epochs"])
    assert data["scalars"]["objective_after"] == [None] * len(data["epochs"])


# ---------------------------------------------------------------- the decision surface


def surface_levels(data):
    levels = np.frombuffer(b64decode(data["surface"]["levels"]), dtype=np.uint8)
    return levels.reshape(len(data["epochs"]), GRID, GRID)


def grid_of(data):
    left, right, bottom, top = data["surface"]["box"]
    across, up = np.meshgrid(np.linspace(left, right, GRID), np.linspace(top, bottom, GRID))
    return np.column_stack([across.ravel(), up.ravel()])


@pytest.mark.parametrize("standardize", [True, False])
def test_surface_of_two_classes_is_the_probability(standardize, tmp_path):
    record = record_training(
        BackpropClassifier(standardize=standardize, **QUICK), MOONS, HALVES, samples=[5, 9]
    )
    _, data = page_of(record, tmp_path)
    for frame, epoch in enumerate(data["epochs"]):
        expected = record.estimator_at(epoch).predict_proba(grid_of(data))[:, 1]
        np.testing.assert_allclose(surface_levels(data)[frame].ravel() / 255, expected, atol=2e-3)
    shown, points = np.array(data["surface"]["shown"]), np.array(data["surface"]["points"])
    np.testing.assert_allclose(shown[:, :2], MOONS[[5, 9]], rtol=1e-12)
    np.testing.assert_array_equal(shown[:, 2], 255 * HALVES[[5, 9]])
    np.testing.assert_allclose(points[:, :2], MOONS, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(points[:, 2], 255 * HALVES)


def test_surface_of_more_classes_is_the_most_probable(tmp_path):
    record = record_training(BackpropClassifier(**QUICK), X[:, 2:], np.array(list("abc"))[Y])
    _, data = page_of(record, tmp_path)
    last = record.estimator.predict(grid_of(data))
    np.testing.assert_array_equal(np.array(list("abc"))[surface_levels(data)[-1].ravel()], last)
    assert data["surface"]["kind"] == "class"
    np.testing.assert_array_equal(np.array(data["surface"]["points"])[:, 2], Y)


def test_surface_of_a_regression_spans_targets_and_predictions(tmp_path):
    record = record_training(BackpropRegressor(**QUICK), MOONS, MOONS[:, 0] * 100)
    _, data = page_of(record, tmp_path)
    low, high = data["surface"]["limits"]
    predicted = record.estimator.predict(grid_of(data))
    assert low == pytest.approx(min(predicted.min(), 100 * MOONS[:, 0].min()))
    assert high == pytest.approx(max(predicted.max(), 100 * MOONS[:, 0].max()))
    levels = low + surface_levels(data)[-1].ravel() / 255 * (high - low)
    np.testing.assert_allclose(levels, predicted, atol=(high - low) / 500)


def test_no_surface_without_a_plane(tmp_path):
    _, data = page_of(RECORDS["classes"](), tmp_path)
    assert data["surface"] is None
