"""The page of a recorded training: its numbers are the traces', and it stands alone."""

import json
import re
from base64 import b64decode
from html import unescape
from io import BytesIO

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_digits, load_iris, make_moons
from sklearn.exceptions import ConvergenceWarning
from test_documents import XOR_BIASES, XOR_OUTPUTS, XOR_WEIGHTS, XOR_X, XOR_Y, descent

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.inspection import _packing as packing
from sklearn_backprop.inspection import _page as page_module
from sklearn_backprop.inspection import _record as record_module
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
    return unpacked(data)[frame][key]


def unpacked(data):
    """Return all tables of all frames, read as numbers.js does: a dict by key each frame."""
    stream, frames = BytesIO(b64decode(data["numbers"])), []

    def read(dtype, n):
        dtype = np.dtype(dtype)
        return np.frombuffer(stream.read(n * dtype.itemsize), dtype)

    for _ in data["epochs"]:
        before, tables = (frames[-1] if frames else {}), {}
        for table in data["tables"]:
            key, layer = table["key"], table["layer"]
            shape = len(table["rows"]), len(table["columns"])
            kind, n = stream.read(1)[0], shape[0] * shape[1]
            if kind == packing.SAME:
                numbers = before[key]
            elif kind == packing.EXACT:
                numbers = read("<f4", n).reshape(shape)
            elif kind == packing.PRODUCT:
                below = tables["X" if layer == 1 else f"A{layer - 1}"]
                delta, weights = tables[f"delta{layer}"], tables[f"W{layer}"][:-1]
                gradient = below.T @ delta + data["penalty_share"] * weights
                numbers = np.vstack([gradient, delta.sum(axis=0)])
            elif kind == packing.SUM:
                numbers = tables[f"W{layer}"] + tables[f"update_W{layer}"]
            else:
                scale = float(read("<f4", 1)[0])
                numbers = scale * read("<i2" if kind == packing.WORDS else "i1", n).reshape(shape)
                if kind == packing.STEPS:
                    numbers = before[key] + numbers
            tables[key] = np.asarray(numbers, dtype=float)
        frames.append(tables)
    assert stream.read() == b""
    return frames


@pytest.mark.parametrize("name", RECORDS)
def test_numbers_are_those_of_the_traces(name, tmp_path):
    record = RECORDS[name]()
    _, data = page_of(record, tmp_path)
    assert data["epochs"] == record.epochs.tolist()
    frames_of_page = unpacked(data)
    for frame, epoch in enumerate(data["epochs"]):
        trace = record.trace(epoch)
        frames = trace.to_frames()
        assert [table["key"] for table in data["tables"]] == list(frames)
        for key, expected in frames.items():
            np.testing.assert_allclose(frames_of_page[frame][key], expected, rtol=1e-6)
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
    with pytest.raises(ValueError, match="fewer samples") as raised:
        record.to_html(tmp_path / "none.html", max_bytes=10_000)
    assert not (tmp_path / "none.html").exists()
    advised = int(re.search(r"Give max_bytes=(\d+)", str(raised.value))[1])
    assert record.to_html(path, max_bytes=advised) == 2


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


# ---------------------------------------------------------------- large networks

PICTURES, DIGITS = load_digits(return_X_y=True)


def wide_record(**parameters):
    return record_training(
        BackpropClassifier(**QUICK | {"hidden_layer_sizes": (64, 64)} | parameters),
        PICTURES,
        DIGITS,
    )


LARGE = {
    "adam": {},
    "plain descent, clipped": {"solver": "sgd", "momentum": 0.0, "max_grad_norm": 0.1},
    "penalty": {"alpha": 100.0},
    "dropout": {"dropout": 0.5},
    "lbfgs": {"solver": "lbfgs", "tol": 1.0},
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize(("many_cells", "tolerance"), [(20_000, 1 / 7900), (1000, 1 / 250)])
def test_heat_maps_are_right_to_a_part_of_their_largest(
    name, many_cells, tolerance, tmp_path, monkeypatch
):
    monkeypatch.setattr(packing, "MANY_CELLS", many_cells)
    record = wide_record(**LARGE[name])
    _, data = page_of(record, tmp_path)
    tables = {table["key"]: table for table in data["tables"]}
    for numbers, epoch in zip(unpacked(data), data["epochs"], strict=True):
        frames = record.trace(epoch).to_frames()
        for key, table in tables.items():
            if table["block"] is not None:
                continue
            expected = frames[key].to_numpy()
            is_digits = expected.shape[0] <= 40 and expected.shape[1] <= 20
            assert table["is_drawn"] == (not is_digits)
            within = 1e-6 if is_digits else tolerance
            assert np.abs(numbers[key] - expected).max() <= within * np.abs(expected).max(), key
    left_out = set(frames) - set(tables)
    is_large = many_cells == 1000 and name != "lbfgs"
    assert left_out == ({"W1_after", "W2_after"} if is_large else set())


def test_a_large_update_is_shown_as_means_of_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "MANY_CELLS", 1000)
    monkeypatch.setattr(packing, "MOST_BLOCKS", 20)
    record = wide_record()
    text, data = page_of(record, tmp_path)
    table = next(table for table in data["tables"] if table["key"] == "update_W1")
    assert table["block"] == [4, 4] and "means of blocks" in text
    assert (len(table["rows"]), len(table["columns"])) == (17, 16)
    assert table["rows"][:2] == ["x0 … x3", "x4 … x7"] and table["rows"][-1] == "bias"
    expected = record.trace(0).to_frames()["update_W1"].to_numpy()
    blocks = numbers_of(data, "update_W1", 0)
    np.testing.assert_allclose(blocks[1, 2], expected[4:8, 8:12].mean(), rtol=1e-3)
    np.testing.assert_allclose(blocks[16, 0], expected[64:, :4].mean(), rtol=1e-2)


def test_a_gradient_that_is_no_product_is_stored(tmp_path, monkeypatch):
    record = wide_record(alpha=100.0)
    monkeypatch.setattr(page_module, "_penalty_share", lambda record, trace: 0.0)
    _, data = page_of(record, tmp_path)
    frames = record.trace(0).to_frames()
    for key in ("gradient_W1", "gradient_W2"):
        expected = frames[key].to_numpy()
        np.testing.assert_allclose(
            numbers_of(data, key, 0), expected, atol=np.abs(expected).max() / 7900
        )


def test_what_is_not_finite_stays_so():
    packer = packing.Packer(0.0)
    values = np.full((50, 3), np.nan)
    values[0] = 1.0, np.inf, -np.inf
    names = [str(i) for i in range(50)]
    table = packing.Table("Z1", "Z1", "net input", "", names, ["a", "b", "c"], values)
    packer.add([packing.Shown(table, "Forward")])
    assert packer.bytes()[0] == packing.EXACT
    np.testing.assert_array_equal(np.frombuffer(packer.bytes()[1:], "<f4"), values.ravel())


def test_numbers_that_stay_are_stored_once(tmp_path):
    _, data = page_of(wide_record(), tmp_path)
    per_epoch = len(b64decode(data["numbers"])) / len(data["epochs"])
    assert per_epoch < 2 * data["stride"]  # less than half of float32


def test_a_network_for_pictures_of_784_pixels_fits(tmp_path):
    pictures = np.kron(PICTURES.reshape(-1, 8, 8), np.ones((1, 4, 4)))[:300, 2:-2, 2:-2]
    record = record_training(
        BackpropClassifier(**QUICK | {"hidden_layer_sizes": (256, 128)}),
        pictures.reshape(300, 784),
        DIGITS[:300],
    )
    text, data = page_of(record, tmp_path)
    assert len(text.encode()) < 3_000_000
    assert len(data["epochs"]) >= 4 and data["picture"] == [28, 28]
    assert f"{len(data['epochs'])} of the 7 recorded epochs" in text
    with pytest.raises(ValueError, match="most of it are the 235146 weights"):
        record.to_html(tmp_path / "none.html", max_bytes=500_000)


# ---------------------------------------------------------------- pictures


def test_which_inputs_are_pictures(tmp_path):
    import pandas as pd

    names = load_digits(as_frame=True).data.columns
    for X_shown, shape, expected in (
        (PICTURES, "auto", [8, 8]),
        (PICTURES, None, None),
        (PICTURES, (4, 16), [4, 16]),
        (PICTURES[:, :63], "auto", None),
        (PICTURES[:, :49], "auto", None),
        (pd.DataFrame(PICTURES, columns=names), "auto", [8, 8]),
        (pd.DataFrame(PICTURES, columns=[f"gene {i}" for i in range(64)]), "auto", None),
    ):
        record = record_training(BackpropClassifier(**QUICK | {"max_iter": 1}), X_shown, DIGITS)
        _, data = page_of(record, tmp_path, image_shape=shape)
        assert data["picture"] == expected


@pytest.mark.parametrize("shape", [(8, 9), (64,), 8, "square", (-8, -8), (8.0, 8.0)])
def test_pictures_of_another_size(shape, tmp_path):
    record = record_training(BackpropClassifier(**QUICK | {"max_iter": 1}), PICTURES, DIGITS)
    with pytest.raises(ValueError, match=r"image_shape must be .* pictures of 64 features"):
        record.to_html(tmp_path / "none.html", image_shape=shape)


# ---------------------------------------------------------------- in a notebook


def test_it_shows_itself_in_a_notebook():
    record = RECORDS["plane"]()
    shown = record._repr_html_()
    page = unescape(re.search(r'srcdoc="([^"]*)"', shown)[1])
    assert page.startswith("<!doctype html>") and "default-src 'none'" in page
    assert "<iframe" in shown and "TrainingRecord(6 epoch(s)" in shown


def test_without_room_for_the_page_a_notebook_shows_the_line(monkeypatch):
    record = RECORDS["classes"]()
    monkeypatch.setattr(record_module, "NOTEBOOK_BYTES", 1000)
    assert record._repr_html_() == f"<pre>{record!r}</pre>"


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
