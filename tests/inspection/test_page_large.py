"""The page of a large network, and of a step played moment by moment, in a real browser.

Needs the extra "browser" and a Chromium; skipped where either is missing.
"""

import re

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris, make_moons

from sklearn_backprop import BackpropClassifier
from sklearn_backprop.inspection import record_training

DIGITS = load_digits(return_X_y=True)
QUICK = {"learning_rate": "cosine", "max_iter": 4, "random_state": 0}

RECORDS = {
    "digits": lambda: record_training(
        BackpropClassifier(hidden_layer_sizes=(64, 64), **QUICK), *DIGITS
    ),
    "moons": lambda: record_training(
        BackpropClassifier(hidden_layer_sizes=(3, 2), **QUICK), *make_moons(80, random_state=0)
    ),
    "wide": lambda: record_training(
        BackpropClassifier(hidden_layer_sizes=(30,), **QUICK), *make_moons(80, random_state=0)
    ),
    "no hidden layer": lambda: record_training(
        BackpropClassifier(hidden_layer_sizes=(), **QUICK), *load_iris(return_X_y=True)
    ),
    "lbfgs": lambda: record_training(
        BackpropClassifier(
            solver="lbfgs", hidden_layer_sizes=3, tol=0.1, max_iter=500, random_state=0
        ),
        *load_iris(return_X_y=True),
    ),
}


@pytest.fixture(scope="module")
def records():
    """Return a function that makes each record once."""
    made = {}
    return lambda name: made.setdefault(name, made.get(name) or RECORDS[name]())


@pytest.fixture
def open_page(browser, records, tmp_path):
    """Return a function that opens a record's page; nothing may go wrong in it."""
    problems, opened = [], []

    def open_one(name, width=1280, height=800, **kwargs):
        path = tmp_path / "page.html"
        records(name).to_html(path)
        page = browser.new_page(viewport={"width": width, "height": height}, **kwargs)
        page.set_default_timeout(10_000)
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(path.as_uri())
        opened.append(page)
        return page

    yield open_one
    for page in opened:
        page.close()
    assert problems == []


def layer_arrays(trace, layer):
    return trace.inputs if layer == 0 else trace.layers[layer - 1].activation


# ---------------------------------------------------------------- large networks


def test_large_tables_are_canvases_and_cells_few(open_page):
    page = open_page("digits")
    assert page.locator("#tables td[data-key]").count() < 1000
    assert page.locator("#tables canvas[data-key='W1']").count() == 1
    assert page.locator("#table-X canvas").count() == 12  # a picture a sample
    height = page.evaluate("document.documentElement.scrollHeight")
    assert height < 10_000


def test_a_cell_of_a_heat_map_explains_itself(open_page, records):
    page, trace = open_page("digits"), records("digits").trace(0)
    canvas = page.locator("#table-A2")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    canvas.hover(position={"x": box["width"] * 20.5 / 64, "y": box["height"] * 3.5 / 12})
    number, net = trace.layers[1].activation[3, 20], trace.layers[1].net_input[3, 20]
    line = page.inner_text("#explained")
    assert "A2 [sample 3, unit 20]" in line
    told = re.match(r"(.*?) = relu\((.*?)\)", line)
    step = np.abs(trace.layers[1].net_input).max() / 3200
    assert float(told[1]) == pytest.approx(number, abs=step) != 0
    assert float(told[2]) == pytest.approx(net, abs=step)
    canvas.press("ArrowRight")
    canvas.press("ArrowDown")
    assert "A2 [sample 4, unit 21]" in page.inner_text("#explained")


def test_a_heat_map_has_the_colours_of_its_numbers(open_page, records):
    page, trace = open_page("digits"), records("digits").trace(0)
    pixels = page.evaluate(
        """() => [...byId("table-Z1").getContext("2d").getImageData(0, 0, 64, 12).data]"""
    )
    red, _, blue, _ = np.reshape(pixels, (12, 64, 4)).transpose(2, 0, 1)
    Z = trace.layers[0].net_input
    large = np.abs(Z) > np.abs(Z).max() / 10
    np.testing.assert_array_equal((red > blue)[large], (Z > 0)[large])
    assert large.sum() > 100


def test_what_has_no_node_is_in_a_block(open_page, records):
    page = open_page("wide")
    assert page.locator("#network circle").count() == 2 + 11 + 1
    assert "+19 more" in page.text_content("#network")
    block = page.locator("#network-frame canvas")
    box = block.bounding_box()
    columns, rows = page.evaluate("[diagram.blocks[0].columns, diagram.blocks[0].canvas.height]")
    block.hover(position={"x": box["width"] * 1.5 / columns, "y": box["height"] * 0.5 / rows})
    number = records("wide").trace(0).layers[0].activation[0, 12]
    assert "A1 [sample 0, unit 12]" in page.inner_text("#explained")
    assert page.evaluate("value('A1', 0, 12)") == pytest.approx(number, abs=1e-3)


def test_pictures_show_samples_and_weights(open_page, records):
    page, X = open_page("digits"), DIGITS[0]
    samples = records("digits").samples
    page.locator("#table-X canvas").nth(4).click()
    assert page.input_value("#sample") == "4"
    page.evaluate("explainThis(['Y', 0, 0])")  # no pixel of the picture is marked any more
    pixels = page.evaluate(
        """() => [...document.querySelector("#network-frame canvas").getContext("2d")
             .getImageData(0, 0, 8, 8).data].filter((_, k) => k % 4 === 0)"""
    )
    shown = X[samples]
    expected = 255 * (X[samples[4]] - shown.min()) / (shown.max() - shown.min())
    np.testing.assert_allclose(pixels, expected, atol=1)
    page.evaluate("explainThis(['Z1', 0, 7])")
    assert "unit 7 of layer 1" in page.inner_text("#unit-caption")
    reds = page.evaluate(
        """() => [...byId("unit").getContext("2d").getImageData(0, 0, 8, 8).data]"""
    )
    red, _, blue, _ = np.reshape(reds, (64, 4)).T
    weights = records("digits").trace(0).layers[0].weights_before[:, 7]
    large = np.abs(weights) > np.abs(weights).max() / 10
    np.testing.assert_array_equal((red > blue)[large], (weights > 0)[large])


@pytest.mark.parametrize("name", RECORDS)
def test_pictures_are_in_view_and_stay_there(name, open_page):
    page = open_page(name)
    ground = page.locator("#explanation").bounding_box()["y"]
    figures = "#network-frame", "#curve", "#surface", "#unit"
    for scrolled in (False, True):
        if scrolled:
            page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
        visible = [one for one in figures if page.locator(one).is_visible()]
        assert len(visible) >= 2
        for figure in visible:
            box = page.locator(figure).bounding_box()
            assert box["height"] > 100, figure
            assert box["y"] >= 0 and box["y"] + box["height"] <= ground + 1, (figure, scrolled)
    if name in ("moons", "wide"):
        assert "#surface" in visible


@pytest.mark.parametrize("name", RECORDS)
def test_a_phone_shows_one_column_and_nothing_beside(name, open_page):
    page = open_page(name, width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for one in page.locator("#tables canvas, #network-frame canvas, button").all():
        if one.is_visible():
            box = one.bounding_box()
            assert box["x"] >= -1 and box["x"] + box["width"] <= 391


def test_the_header_folds(open_page):
    page = open_page("moons")
    assert not page.locator("#facts p").first.is_visible()
    page.click("#facts summary")
    assert page.locator("#facts p").first.is_visible()


# ---------------------------------------------------------------- backward, and step by step


def node_values(page):
    return page.evaluate("diagram.nodes.map(({ text }) => text.textContent)")


def edges_of(page):
    return page.evaluate(
        """() => diagram.edges.map(({ line }) =>
             [+line.getAttribute("stroke-width"), line.getAttribute("stroke")])"""
    )


def assert_edges_show(page, arrays):
    numbers = np.concatenate([array.ravel() for array in arrays])
    widths, colors = zip(*edges_of(page), strict=True)
    np.testing.assert_allclose(widths, 0.4 + 6 * np.abs(numbers) / np.abs(numbers).max(), atol=0.01)
    positive = page.evaluate("css(colors.positive)")
    assert [color == positive for color in colors] == (numbers >= 0).tolist()


def test_the_switch_shows_gradients_and_deltas(open_page, records):
    page, trace = open_page("moons"), records("moons").trace(0)
    page.click("#show-backward")
    assert page.get_attribute("#show-backward", "aria-pressed") == "true"
    assert_edges_show(page, [layer.gradient_weights for layer in trace.layers])
    deltas = np.concatenate([layer.delta[0] for layer in trace.layers])
    np.testing.assert_allclose([float(x) for x in node_values(page)[2:]], deltas, atol=0.0051)
    assert "deltas" in page.inner_text("#network-what")
    page.keyboard.press("g")
    assert "activations" in page.inner_text("#network-what")


def test_a_step_goes_forward_delta_gradient_update(open_page, records):
    page, trace = open_page("moons"), records("moons").trace(0)
    told = []
    for _ in range(12):
        page.keyboard.press("n")
        told.append(page.inner_text("#equation"))
        if len(told) == 1:  # what is above is not computed yet
            blank = page.evaluate("diagram.nodes.map(({ circle }) => circle.matches('.blank'))")
            assert blank == [False] * 5 + [True] * 3
        if len(told) == 6:
            assert page.locator("#table-delta1").evaluate("t => t.closest('.current') !== null")
            assert "delta1 [sample 0" in page.inner_text("#explained")
    phases = [one.split(",")[0] for one in told]
    assert phases == ["Forward"] * 3 + ["Delta"] * 3 + ["Gradient"] * 3 + ["Update"] * 3
    layers = [int(re.search(r"layer (\d)", one)[1]) for one in told]
    assert layers == [1, 2, 3, 3, 2, 1, 3, 2, 1, 1, 2, 3]
    assert "Z1 = X W1 + b1" in told[0] and "A1 = relu(Z1)" in told[0]
    assert "delta3 = (A3 - Y) × share" in told[3]
    assert "dL/dA2 = delta3 W3ᵀ" in told[4] and "delta2 = error × slope" in told[4]
    assert "X" in told[8] and "delta1" in told[8] and "W1 ← W1 + ΔW1" in told[9]
    assert page.input_value("#epoch") == "0"
    page.keyboard.press("n")  # the next step begins at the next epoch
    assert page.input_value("#epoch") == "1" and "Forward, layer 1" in page.inner_text("#equation")
    page.keyboard.press("Shift+N")
    assert page.input_value("#epoch") == "0" and "Update, layer 3" in page.inner_text("#equation")
    page.keyboard.press("Escape")
    assert_edges_show(page, [layer.weights_before for layer in trace.layers])


def test_playing_a_step_ends_with_the_update(open_page):
    from playwright.sync_api import expect

    page = open_page("moons")
    page.select_option("#speed", "4")
    page.clock.install()
    page.click("#play-step")
    assert page.inner_text("#play-step") == "Pause"
    assert "Forward, layer 1" in page.inner_text("#equation")
    page.clock.run_for(450)
    assert "Forward, layer 2" in page.inner_text("#equation")
    page.clock.run_for(10_000)
    expect(page.locator("#play-step")).to_have_text("Play step")
    assert "Update, layer 3" in page.inner_text("#equation")


def test_without_a_step_there_is_no_update(open_page):
    page = open_page("lbfgs")
    assert not page.locator("button[data-phase='Update']").is_visible()
    page.click("button[data-phase='Gradient']")
    page.keyboard.press("n")
    assert "Gradient, layer 1" in page.inner_text("#equation")
    page.keyboard.press("n")
    assert "Forward" in page.inner_text("#equation")


def test_weights_explain_themselves(open_page, records):
    page, trace = open_page("moons"), records("moons").trace(0)
    x1, y1, x2, y2 = page.evaluate(
        "diagram.edges.find((e) => e.layer === 3 && e.from === 1 && e.to === 0).ends"
    )
    page.hover("#network", position={"x": (x1 + x2) / 2, "y": (y1 + y2) / 2 + 2})
    line = page.inner_text("#explained")
    weight, gradient = trace.layers[2].weights_before[1, 0], trace.layers[2].gradient_weights[1, 0]
    numbers = [float(x) for x in re.findall(r"-?\d\.\d+(?:e-\d+)?", line)]
    np.testing.assert_allclose(numbers[:2], [weight, gradient], rtol=1e-3)
    assert "weight from unit 1 to 1" in line and "W3 [unit 1, 1]" in line
    assert page.locator("#network line.explained").count() == 1
    assert page.locator("#table-W3 td.explained").count() == 1


def test_the_keys_walk_through_the_network(open_page):
    page = open_page("moons")
    page.focus("#network")
    page.keyboard.press("ArrowDown")
    assert "X [sample 0, x1]" in page.inner_text("#explained")
    page.keyboard.press("ArrowRight")
    assert "W1 [" in page.inner_text("#explained")
    page.keyboard.press("ArrowRight")
    assert "A1 [sample 0" in page.inner_text("#explained")
    assert page.input_value("#epoch") == "0"


@pytest.mark.parametrize("name", RECORDS)
def test_every_moment_of_every_page_can_be_shown(name, open_page):
    page = open_page(name)
    for _ in range(page.evaluate("moments.length") + 1):
        page.keyboard.press("n")
        assert page.inner_text("#explained") != "Point at a number."
    page.keyboard.press("g")
