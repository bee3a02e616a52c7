"""The gallery's examples have the form that the documentation needs; its build runs them."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples/gallery").glob("plot_*.py"))
MAX_LINES = 59

each_example = pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)


def title_of(path):
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return docstring.splitlines()[0]


def test_there_are_ten_and_a_header():
    assert len(EXAMPLES) >= 10
    assert (ROOT / "examples/gallery/GALLERY_HEADER.rst").exists()


def test_titles_are_unique():
    titles = [title_of(path) for path in EXAMPLES]
    assert len(set(titles)) == len(titles)


@each_example
def test_starts_with_a_title_and_an_answer(path):
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    title, underline, empty, answer, *_ = docstring.splitlines()
    assert title == title.strip() and underline == "=" * len(title)
    assert not empty and answer


@each_example
def test_is_short_has_cells_and_ends_in_a_picture(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MAX_LINES
    assert "# %%" in lines
    assert lines[-1] == "plt.show()"
