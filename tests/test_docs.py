"""What README and docs say holds: their code runs, what they point to exists."""

import ast
import doctest
import importlib.util
import pkgutil
import re
from pathlib import Path

import pytest

import sklearn_backprop

ROOT = Path(__file__).parents[1]
BUILT = {"_build", "api", "gallery"}  # what the documentation's build writes
DOCS = [p for p in sorted((ROOT / "docs").rglob("*.md")) if not BUILT & set(p.parts)]
PAGES = [*(ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING")), *DOCS]
TESTS = {path.name: path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/test_*.py")}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def text_of(page):
    return page.read_text(encoding="utf-8")


def anchors_of(page):
    """Return the anchors that the headings of a page get."""
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@each_page
def test_python_blocks_run(page, tmp_path, monkeypatch, capsys):
    """All blocks of a page share one namespace, warnings are errors, and what is shown is good."""
    monkeypatch.chdir(tmp_path)  # a page may write files
    monkeypatch.setenv("MPLBACKEND", "Agg")
    text, namespace = text_of(page), {"__name__": "__main__"}
    block = r"(?:^<!-- needs: ([\w, ]+) -->\n)?^```python\n(.*?)^```"
    for match in re.finditer(block, text, re.MULTILINE | re.DOTALL):
        needed = match[1].split(", ") if match[1] else []
        if "mlflow" in needed:  # it changes scikit-learn for good: tests/ecosystem runs it
            continue
        if not all(importlib.util.find_spec(module) for module in needed):
            continue
        lines_above = text.count("\n", 0, match.start(2))
        tree = ast.increment_lineno(ast.parse(match[2]), lines_above)
        exec(compile(tree, str(page), "exec"), namespace)
    printed = capsys.readouterr().out
    assert all(float(score) > 0.3 for score in re.findall(r"R² (-?[\d.]+)", printed))
    assert all(float(error) < 1e-6 for error in re.findall(r"off by (\S+)", printed))
    assert "the same losses: False" not in printed


def test_arithmetic_by_hand():
    """What the prose computes is right to the digits that it shows."""
    sums = 0
    text = text_of(ROOT / "docs" / "by_hand.md")
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    for span in re.findall(r"`([^`]+)`", prose):
        left, _, right = span.translate(str.maketrans("−×", "-*")).rpartition(" = ")
        if re.fullmatch(r"[-+*. \d]+", left) and re.fullmatch(r"[-.\d]+", right):
            assert round(eval(left), len(right.partition(".")[2])) == float(right), span
            sums += 1
    assert sums > 8


@each_page
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if "://" in target:
            assert target.startswith("https://"), f"{page.name} links to {target}"
            continue
        path, _, anchor = target.partition("#")
        linked = page if not path else page.parent / path
        assert linked.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors_of(linked), f"{page.name} links to {target}"


@each_page
def test_mentioned_files_exist(page):
    for path in re.findall(r"(?:docs|examples|tests|sklearn_backprop)/[\w/]+\.\w+", text_of(page)):
        assert (ROOT / path).exists(), f"{page.name} mentions {path}"


@each_page
def test_mentioned_tests_exist(page):
    named = re.findall(r"(test_\w+\.py)(?:::(test_\w+))?", text_of(page))
    for file, test in named:
        assert file in TESTS, f"{page.name} names {file}"
        assert f"def {test}" in TESTS[file], f"{page.name} names {file}::{test}"


def test_every_difference_names_its_test():
    text = text_of(ROOT / "docs" / "differences.md")
    rows = re.findall(r"^\| (?!---|what ).*$", text, re.MULTILINE)
    assert len(rows) > 10
    for row in rows:
        assert re.search(r"test_\w+\.py::test_\w+", row), row


def test_design_names_every_module():
    text = text_of(ROOT / "docs" / "design.md")
    package = ROOT / "sklearn_backprop"
    for path in package.rglob("*.py"):
        name = path.relative_to(package).as_posix()
        assert path.stem == "__init__" or f"`{name}`" in text, name


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.name)
def test_examples_are_short_and_say_what_they_show(path):
    source = text_of(path)
    assert len(source.splitlines()) < 60
    assert ast.get_docstring(ast.parse(source))


MODULES = [m.name for m in pkgutil.walk_packages(sklearn_backprop.__path__, "sklearn_backprop.")]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    if ".plotting" in name:
        pytest.importorskip("matplotlib").use("Agg")
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0


def test_examples_of_methods_are_found():
    """A class whose ``__module__`` were another's would lose its methods' examples."""
    finder, modules = doctest.DocTestFinder(), map(importlib.import_module, MODULES)
    assert sum(len(test.examples) for module in modules for test in finder.find(module)) >= 120


def test_public_classes_have_examples():
    for name in sklearn_backprop.__all__:
        assert (
            doctest.DocTestFinder(recurse=False).find(getattr(sklearn_backprop, name))[0].examples
        )
