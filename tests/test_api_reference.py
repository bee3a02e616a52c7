"""The API reference lists everything public, and what it lists has a docstring."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
MODULES = [
    "sklearn_backprop",
    "sklearn_backprop.activations",
    "sklearn_backprop.components",
    "sklearn_backprop.initializers",
    "sklearn_backprop.inspection",
    "sklearn_backprop.losses",
    "sklearn_backprop.model_selection",
    "sklearn_backprop.optimizers",
    "sklearn_backprop.plotting",
    "sklearn_backprop.schedules",
    "sklearn_backprop.tabular",
]
SYMBOLS = [(name, symbol) for name in MODULES for symbol in import_module(name).__all__]


def listed():
    """Return what the page lists: pairs of module and name."""
    found, module = set(), None
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"\.\. currentmodule:: (\S+)", line):
            module = match[1]
        elif match := re.match(r"\.\. autodata:: (\w+)$|   (\w+)$", line):
            found.add((module, match[1] or match[2]))
    return found


def test_every_public_symbol_is_listed_and_nothing_else():
    assert set(SYMBOLS) - listed() == set(), "public, but not in docs/api.md"
    assert listed() - set(SYMBOLS) == set(), "in docs/api.md, but not public"


@pytest.mark.parametrize(("module", "name"), SYMBOLS)
def test_it_has_a_docstring(module, name):
    symbol = getattr(import_module(module), name)
    if isinstance(symbol, dict):  # a registry, whose docstring stands below it in the source
        source = inspect.getsource(import_module(module))
        assert re.search(rf'^{name} = .*?\n+"""', source, re.MULTILINE | re.DOTALL)
    else:
        assert inspect.getdoc(symbol)
        assert symbol.__doc__, f"{name} only inherits a docstring"


def test_no_public_module_is_forgotten():
    """A module is public if its path says so, or if users are told to import from it."""
    root = PAGE.parents[1]
    paths = {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (root / "sklearn_backprop").rglob("*.py")
    }
    public = {name for name in paths if "._" not in name}
    assert all("\n__all__ = " in paths[name].read_text("utf-8") for name in public)
    for page in [root / "README.md", *(root / "docs").rglob("*.md")]:
        named = re.findall(r"\bsklearn_backprop(?:\.\w+)+", page.read_text(encoding="utf-8"))
        public |= {name for name in named if name in paths}
    assert public == set(MODULES)
