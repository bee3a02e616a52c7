"""The page of a recorded training in a real browser, headless.

Needs the extra "browser" and a Chromium; skipped where either is missing.
"""

import re

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_moons
from test_documents import XOR_BIASES, XOR_WEIGHTS, XOR_X, XOR_Y, descent

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.inspection import record_training

playwright = pytest.importorskip("playwright.sync_api")

IRIS = load_iris(as_frame=True)
MOONS = make_moons(100, noise=0.1, random_state=0)


def xor_record():
    estimator = BackpropRegressor(
        hidden_layer_sizes=(2,), **descent("logistic", 0.5, max_iter=2000, n_samples=4)
    )
    initial = {"coefs_init": XOR_WEIGHTS, "intercepts_init": XOR_BIASES}
    with pytest.warns(UserWarning, match="Maximum iterations"):
        return record_training(estimator, XOR_X, XOR_Y, every=100, **initial)


def quick(**parameters):
    planned = {"learning_rate": "cosine", "max_iter": 8, "random_state": 0, "alpha": 3.0}
    return BackpropClassifier(**(planned | {"hidden_layer_sizes": (4, 3)} | parameters))


def classes_record():
    names = IRIS.target_names[IRIS.target]
    return record_training(quick(solver="sgd", momentum=0.0, max_grad_norm=0.1), IRIS.data, names)


RECORDS = {
    "xor": xor_record,
    "classes": classes_record,
    "dropout": lambda: record_training(quick(dropout=0.4), *MOONS),
    "lbfgs": lambda: record_training(quick(solver="lbfgs", max_iter=500, tol=0.1), *MOONS),
    "wide": lambda: record_training(quick(hidden_layer_sizes=(30,)), *MOONS),
}


@pytest.fixture(scope="module")
def records():
    """Return a function that makes each record once."""
    made = {}

    def get(name):
        if name not in made:
            made[name] = RECORDS[name]()
        return made[name]

    return get


@pytest.fixture(scope="module")
def pages(browser, records, tmp_path_factory):
    """Return a function that opens the page of a record once, and what happened in each."""
    folder, opened = tmp_path_factory.mktemp("pages"), {}

    def get(name):
        if name not in opened:
            path = folder / f"{name}.html"
            records(name).to_html(path, title=f"Training of {name}")
            page, problems, requests = browser.new_page(), [], []
            page.set_default_timeout(10_000)
            page.on("console", lambda message: problems.append(message.text))
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("request", lambda request: requests.append(request.url))
            page.goto(path.as_uri())
            opened[name] = page, problems, requests, path.as_uri()
        return opened[name]

    return get


@pytest.fixture
def open_page(pages):
    """Return a function that shows a record's page from its start; nothing may go wrong in it."""
    used = []

    def open_one(name, width=1200, height=900, scheme="light"):
        page = pages(name)[0]
        used.append(name)
        page.mouse.move(0, 0)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        page.evaluate("document.activeElement.blur(); play(false); state.cell = null")
        page.evaluate("turn(false); byId('facts').open = false")
        page.evaluate("choose({ frame: 0, sample: 0 })")
        return page

    yield open_one
    for name in used:
        _, problems, requests, own = pages(name)
        assert problems == []
        assert requests == [own]  # the file itself, and nothing else


def shown(page):
    """Return the numbers of all tables as the page shows them, as text."""
    return page.evaluate(
        """() => Object.fromEntries(record.tables.filter((table) => !table.is_drawn).map((table) =>
             [table.key, [...document.querySelectorAll(`#table-${table.key} tbody tr`)].map((row) =>
               [...row.querySelectorAll("td")].map((cell) => cell.textContent))]))"""
    )


def drawn(page):
    """Return the numbers of all heat maps as the page has them."""
    return page.evaluate(
        """() => Object.fromEntries(record.tables.filter((table) => table.is_drawn).map((table) =>
             [table.key, table.rows.map((_, i) => table.columns.map((_, j) =>
               value(table.key, i, j)))]))"""
    )


def assert_tables_equal(tables, heat_maps, frames):
    assert set(tables) | set(heat_maps) == set(frames)
    for key, numbers in heat_maps.items():
        expected = frames[key].to_numpy()
        np.testing.assert_allclose(numbers, expected, atol=np.abs(expected).max() / 3200)
    for key, rows in tables.items():
        expected = frames[key]
        decimals = max(len(cell.partition(".")[2]) for row in rows for cell in row)
        numbers, by_size = np.array(rows, dtype=float), "e" in rows[0][0]
        tolerance = {"rtol": 1e-3} if by_size else {"atol": 0.51 * 10.0**-decimals}
        np.testing.assert_allclose(numbers, expected, **tolerance, err_msg=key)


def move_slider(page, slider, to):
    page.eval_on_selector(
        f"#{slider}",
        "(input, to) => { input.value = to; input.dispatchEvent(new Event('input')); }",
        to,
    )


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize("name", RECORDS)
def test_the_slider_changes_the_numbers_to_those_of_the_trace(name, open_page, records):
    page, record = open_page(name), records(name)
    assert page.title() == f"Training of {name}"
    last = len(record.epochs) - 1
    for frame in (last // 2, 1):
        move_slider(page, "epoch", frame)
        epoch = int(record.epochs[frame])
        assert page.inner_text("#epoch-text").startswith(f"{epoch:,} of")
        tables = shown(page)
        assert_tables_equal(tables, drawn(page), record.trace(epoch).to_frames())
    move_slider(page, "epoch", last)
    output = f"A{len(record.trace(0).layers)}"
    assert shown(page)[output] != tables[output]


@pytest.mark.parametrize("name", ["xor", "classes", "dropout"])
def test_every_explanation_adds_up(name, open_page):
    page = open_page(name)
    move_slider(page, "epoch", 2)
    told = page.evaluate(
        """() => record.tables.flatMap((table) => table.rows.flatMap((_, i) =>
             table.columns.map((_, j) => [table.key, i, j, value(table.key, i, j),
               explain(table.key, i, j)])))"""
    )
    assert len(told) > 50
    kinds = set()
    for key, i, j, number, explanation in told:
        text = explanation["numbersText"]
        assert explanation["words"], key
        if not text or re.search(r"[a-z_…]", text.replace("e-", "")):
            continue  # a function's name, or a long sum of which a part is shown
        kinds.add(re.sub(r"\d", "", key))
        terms = [abs(float(x)) for x in re.findall(r"\d+\.?\d*(?:e[-+]\d+)?", text)]
        # four digits of each number are shown
        tolerance = 2e-3 * max(1e-6, *(t for t in terms)) * max(1.0, *terms)
        value = eval(text.replace("×", "*"), {"__builtins__": {}})
        assert value == pytest.approx(number, abs=tolerance), (key, i, j, text)
    assert {"Z", "E", "delta", "gradient_W"} <= kinds


def test_an_error_is_delta_times_weight(open_page, records):
    page, record = open_page("xor"), records("xor")
    move_slider(page, "epoch", 10)
    page.hover("#table-error1 td[data-i='2'][data-j='1']")
    trace = record.trace(1000)
    hidden, output = trace.layers
    line = page.inner_text("#explained")
    error, weight, delta = map(float, re.findall(r"-?\d\.?\d*(?:e-\d+)?", line)[:3])
    assert error == pytest.approx(hidden.error[2, 1], rel=1e-3)
    assert weight == pytest.approx(output.weights_before[1, 0], rel=1e-3)
    assert delta == pytest.approx(output.delta[2, 0], rel=1e-3)
    assert "output delta × output weight" in line and "sample 2, unit 1" in line
    marked = page.eval_on_selector_all(
        "td.operand", "cells => cells.map(c => [c.dataset.key, +c.dataset.i, +c.dataset.j])"
    )
    assert sorted(marked) == [["W2", 1, 0], ["delta2", 2, 0]]
    move_slider(page, "epoch", 5)  # the cell stays explained, with its new number
    assert page.inner_text("#explained") != line


def test_the_diagram_shows_weights_and_activations(open_page, records):
    page, record = open_page("xor"), records("xor")
    move_slider(page, "epoch", 20)
    move_slider(page, "sample", 1)
    trace = record.trace(2000)
    widths = page.eval_on_selector_all(
        "#network line", "lines => lines.map(l => +l.getAttribute('stroke-width'))"
    )
    sizes = np.abs(np.concatenate([layer.weights_before.ravel() for layer in trace.layers]))
    assert len(widths) == 6
    np.testing.assert_array_equal(np.argsort(widths), np.argsort(sizes))
    values = page.eval_on_selector_all(
        "#network text.value", "texts => texts.map(t => +t.textContent)"
    )
    activations = np.concatenate(
        [trace.inputs[1], trace.layers[0].activation[1], trace.layers[1].activation[1]]
    )
    np.testing.assert_allclose(values, activations, atol=0.0051)
    fills = page.eval_on_selector_all(
        "#network circle", "nodes => nodes.map(n => n.getAttribute('fill'))"
    )
    assert fills[0] != fills[1]  # inputs 0 and 1


def test_the_decision_surface_separates_the_classes(open_page, records):
    page = open_page("xor")
    record = records("xor")
    outputs = record.estimator.predict(XOR_X)
    assert (outputs > 0.5).tolist() == [False, True, True, False]
    move_slider(page, "epoch", 20)
    colors = page.evaluate(
        """() => {
             const canvas = byId("surface"), { width, height } = canvas, box = record.surface.box;
             const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
             return record.surface.shown.map(([x, y]) => {
               const across = Math.round((x + 0.08 - box[0]) / (box[1] - box[0]) * width);
               const down = Math.round((1 - (y - box[2]) / (box[3] - box[2])) * height);
               return [...pixels.slice(4 * (down * width + across)).slice(0, 4)];
             });
           }"""
    )
    is_warm = [red > blue for red, _, blue, _ in colors]
    assert is_warm == [False, True, True, False]


# ---------------------------------------------------------------- use


def test_keyboard(open_page):
    page = open_page("xor")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.input_value("#epoch") == "2"
    page.keyboard.press("s")
    assert page.input_value("#sample") == "1"
    page.keyboard.press("Shift+S")
    page.keyboard.press("Shift+S")
    assert page.input_value("#sample") == "3"
    page.focus("#epoch")
    page.keyboard.press("ArrowRight")
    assert page.input_value("#epoch") == "3"
    page.focus("#table-Z1 td[tabindex='0']")
    first = page.inner_text("#explained")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    focused = page.evaluate("({ ...document.activeElement.dataset })")
    assert focused == {"key": "Z1", "i": "1", "j": "1"}
    assert "Z1 [sample 1, unit 1]" in page.inner_text("#explained") != first
    assert page.input_value("#epoch") == "3"  # the arrows moved in the table alone
    stops = page.locator("#tables td[tabindex='0']").count()
    assert stops == page.locator("#tables table").count()  # one stop of Tab a table


def test_play_and_pause(open_page):
    page, expect = open_page("xor"), playwright.expect
    page.keyboard.press("Space")
    assert page.inner_text("#play") == "Pause"
    expect(page.locator("#epoch")).to_have_value(re.compile("[3-9]|1."))
    page.click("#play")
    assert page.inner_text("#play") == "Play"
    move_slider(page, "epoch", 18)
    page.click("#play")
    expect(page.locator("#play")).to_have_text("Play")
    assert page.input_value("#epoch") == "20"  # it stops at the end


def test_the_loss_curve_seeks(open_page):
    page = open_page("xor")
    box = page.locator("#curve").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.98, box["y"] + box["height"] / 2)
    assert page.input_value("#epoch") == "20"
    x = page.eval_on_selector_all("#curve line", "lines => +lines.at(-1).getAttribute('x1')")
    assert x == pytest.approx(box["width"] - 12, abs=1)


@pytest.mark.parametrize("name", ["xor", "classes", "wide"])
def test_it_fits_into_the_window(name, open_page):
    for width in (360, 768, 1400):
        page = open_page(name, width=width, height=800)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for control in ("#play", "#epoch", "#sample", "#network", "#explanation"):
            box = page.locator(control).bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= width + 0.5, control
        assert page.locator("#play").bounding_box()["height"] >= 40  # a thumb's size
        columns = page.evaluate(
            "getComputedStyle(document.querySelector('main')).gridTemplateColumns"
        )
        assert len(columns.split()) == (1 if width < 860 else 2)


def luminance(color):
    parts = [int(x) / 255 for x in re.findall(r"\d+", color)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_light_and_dark(scheme, open_page, tmp_path):
    """The contrast is at least 4.5, as WCAG 2.1, 1.4.3 asks for."""
    page = open_page("classes", scheme=scheme)
    page.hover("#table-Z1 td[data-i='0'][data-j='0']")

    def color(selector, name):
        return page.eval_on_selector(
            selector, "(element, name) => getComputedStyle(element)[name]", name
        )

    is_dark = luminance(color("body", "backgroundColor")) < 0.1
    assert is_dark == (scheme == "dark")
    for text, ground in (
        ("body", "body"), ("#what", "body"), ("tbody th", "body"), ("#explained", "#explanation"),
        ("#explained small", "#explanation"), ("tr.chosen th", "tr.chosen th"),
        ("td.operand", "td.operand"), ("button", "button"),
    ):  # fmt: skip
        ends = sorted(
            [luminance(color(text, "color")), luminance(color(ground, "backgroundColor"))]
        )
        assert (ends[1] + 0.05) / (ends[0] + 0.05) >= 4.5, (text, scheme)
    picture = tmp_path / f"{scheme}.png"
    page.screenshot(path=picture)
    assert picture.stat().st_size > 20_000  # an empty page has a tenth of that


def test_nodes_are_readable(open_page):
    page = open_page("classes")
    pairs = page.evaluate(
        """() => diagram.nodes.map(({ circle, text }) =>
             [circle.getAttribute("fill"), getComputedStyle(text).fill])"""
    )
    for fill, text in pairs:
        ends = sorted([luminance(fill), luminance(text)])
        assert (ends[1] + 0.05) / (ends[0] + 0.05) >= 4.5
