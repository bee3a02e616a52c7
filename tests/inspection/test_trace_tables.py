"""A trace as text, as HTML and as DataFrames: the same numbers, readable."""

import builtins
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_iris

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.inspection import trace_step
from sklearn_backprop.inspection._tables import Table, formatter

IRIS = load_iris(as_frame=True)
X, Y = IRIS.data[::30], IRIS.target[::30].map(dict(enumerate(IRIS.target_names)))


@pytest.fixture(scope="module")
def trace():
    return trace_step(
        BackpropClassifier(hidden_layer_sizes=(3, 2), alpha=1.0, random_state=0), X, Y
    )


def test_text_has_the_numbers(trace):
    text = trace.to_text(width=1)  # one table below the other
    for title, values in (
        ("Z1: net input", trace.layers[0].net_input),
        ("A3: output", trace.outputs),
        ("delta2: dL/dZ", trace.layers[1].delta),
        ("dL/dW3, dL/db3: gradient",
         np.vstack([trace.layers[2].gradient_weights, trace.layers[2].gradient_biases])),
    ):  # fmt: skip
        lines = text.splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith(title))
        rows = [re.findall(r"-?\d\.\d+", line) for line in lines[start + 2 :][: len(values)]]
        np.testing.assert_allclose(np.array(rows, float), values, rtol=0, atol=5e-4)


def table_lines(text, title):
    """Return the lines of a table that stands alone, from its title on."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(title))
    return lines[start : lines.index("", start)]


def test_columns_of_text_are_aligned(trace):
    alone = trace.to_text(width=1)
    for title in ("Z1: net input", "delta1: dL/dZ", "E: error", "dL/dW2, dL/db2"):
        block = table_lines(alone, title)
        ends = [[match.end() for match in re.finditer(r"\d\.\d+", line)] for line in block[2:]]
        assert len(ends[0]) > 0 and all(row == ends[0] for row in ends)
        for width in (80, 100, 200):  # beside other tables, its lines stay under one another
            lines = trace.to_text(width=width).splitlines()
            first = next(i for i, line in enumerate(lines) if title in line)
            at = lines[first].index(title)
            for below, line in enumerate(block):
                assert lines[first + below][at:].startswith(line)


def test_text_is_no_wider_than_asked(trace):
    for width in (90, 120):
        assert max(map(len, trace.to_text(width=width).splitlines())) <= width


def test_every_quantity_is_there(trace):
    text = str(trace)
    for number in (1, 2, 3):
        for symbol in ("W{}, b{}:", "Z{}:", "A{}:", "dL/dA{}:", "delta{}:", "dL/dW{}, dL/db{}:"):
            assert symbol.format(number, number) in text, (symbol, number)
        assert f"ΔW{number}" in text
    for word in ("error = Y - A3", "slope", "setosa", "petal width (cm)", "L2 penalty", "Adam()"):
        assert word in text


def test_large_tables_are_cut_in_their_middle():
    estimator = BackpropRegressor(hidden_layer_sizes=50, random_state=0)
    data = np.random.RandomState(0).standard_normal((100, 30))
    trace = trace_step(estimator, data, data[:, 0])
    text = trace.to_text(max_rows=6, max_columns=4)
    assert "sample 2" in text and "sample 97" in text and "sample 50" not in text
    assert "…" in text
    assert len(text.splitlines()) < 250
    assert trace.to_frames()["Z1"].shape == (100, 50)


def test_sparse_inputs_are_shown_and_framed():
    trace = trace_step(BackpropRegressor(hidden_layer_sizes=2, standardize=False),
                       csr_matrix(np.eye(4)), np.arange(4.0))  # fmt: skip
    np.testing.assert_array_equal(trace.to_frames()["X"], np.eye(4))
    assert re.search(r"sample 3 +0 +0 +0 +1", str(trace))


def test_frames(trace):
    frames = trace.to_frames()
    for number, layer in enumerate(trace.layers, start=1):
        for key, values in (
            ("Z", layer.net_input), ("A", layer.activation), ("error", layer.error),
            ("delta", layer.delta),
        ):  # fmt: skip
            np.testing.assert_array_equal(frames[f"{key}{number}"], values)
        for key, weights, biases in (
            (f"W{number}", layer.weights_before, layer.biases_before),
            (f"gradient_W{number}", layer.gradient_weights, layer.gradient_biases),
            (f"update_W{number}", layer.update_weights, layer.update_biases),
            (f"W{number}_after", layer.weights_after, layer.biases_after),
        ):
            np.testing.assert_array_equal(frames[key].iloc[:-1], weights)
            np.testing.assert_array_equal(frames[key].loc["bias"], biases)
    assert list(frames["W1"].index) == [*X.columns, "bias"]
    assert list(frames["E"].columns) == list(IRIS.target_names)
    np.testing.assert_array_equal(frames["E"], frames["Y"] - frames["A3"])


def test_frames_without_pandas(trace, monkeypatch):
    real = builtins.__import__

    def without_pandas(name, *args, **kwargs):
        if name.startswith("pandas"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_pandas)
    with pytest.raises(ImportError, match="pip install pandas"):
        trace.to_frames()


class Tags(HTMLParser):
    """Collects the texts of table cells, and checks that tags are closed in order."""

    def __init__(self, html):
        super().__init__()
        self.open, self.cells, self.count = [], [], 0
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.count += tag == "table"
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "td":
            self.cells[-1] += data


def test_html(trace):
    html = trace._repr_html_()
    parsed = Tags(html)
    assert parsed.count == len(trace.to_frames())
    assert f"{trace.outputs[0, 0]:.4f}" in parsed.cells
    assert "error × slope" in html and "setosa" in html


def test_html_escapes_names():
    labels = np.array(["<b>no", "a & b"])[np.arange(6) % 2]
    trace = trace_step(BackpropClassifier(hidden_layer_sizes=2), np.eye(6), labels)
    html = trace._repr_html_()
    assert "a &amp; b" in html or "&lt;b&gt;no" in html
    assert "<b>no" not in html
    Tags(html)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([0.0, 1.0, -2.0], ["0", "1", "-2"]),
        ([0.04221, -0.2], ["0.0422", "-0.2000"]),
        ([1234.5, 0.1], ["1234", "0"]),
        ([1e-9, 2e-7], ["1.000e-09", "2.000e-07"]),
        ([1e8, 1.5], ["1.000e+08", "1.500e+00"]),
        ([-0.00001, 0.5], ["0.0000", "0.5000"]),
        ([np.nan, 0.5, np.inf, None], ["nan", "0.5000", "inf", "…"]),
        ([0.0], ["0"]),
    ],
)
def test_numbers_have_the_digits_that_their_table_needs(numbers, expected):
    write = formatter(numbers, 4)
    assert [write(number) for number in numbers] == expected


def test_a_cut_keeps_both_ends():
    table = Table("k", "K", "k", "", list("abcdef"), list("xyz"), np.arange(18.0).reshape(6, 3))
    rows, columns, values = table.cut(4, 2)
    assert rows == ["a", "b", "…", "e", "f"] and columns == ["x", "…", "z"]
    assert values[1] == [3.0, None, 5.0] and values[2] == [None, None, None]
    assert table.cut(6, 3)[2] == table.values.tolist()
