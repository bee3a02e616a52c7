"""The house: a module imports from its own folder and from floors below, never upwards."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "sklearn_backprop"

FLOORS = [  # from the ground; neighbours on a floor do not know one another
    ("_numerics", "_sklearn"),
    ("components",),
    ("activations", "initializers", "optimizers", "schedules"),
    ("losses",),
    ("_kernels",),
    ("_engine",),
    ("_fitting",),
    ("_estimators",),
    ("_stacks",),
    ("_compositions",),
    ("model_selection", "tabular"),
    ("inspection",),
    ("plotting",),
    ("_versions",),
    ("__init__",),
]
FUNCTIONS = ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda
FLOOR = {part: number for number, floor in enumerate(FLOORS) for part in floor}
MODULES = {
    path.relative_to(PACKAGE).with_suffix("").as_posix(): ast.parse(path.read_text("utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
}

each_module = pytest.mark.parametrize("module", MODULES)


def imports(module, nodes):
    """Yield the modules of this package that some statements import, as parts of a path."""
    folder = module.split("/")[:-1]
    for node in nodes:
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            yield from (name[1:] for name in names if name[0] == "sklearn_backprop")
        if not isinstance(node, ast.ImportFrom):
            continue
        parts = (node.module or "").split(".") if node.module else []
        if node.level:
            base = folder[: len(folder) + 1 - node.level] + parts
        elif parts[0] == "sklearn_backprop":
            base = parts[1:]
        else:
            continue
        for alias in node.names:
            inside = PACKAGE.joinpath(*base, alias.name)
            is_module = inside.is_dir() or inside.with_suffix(".py").exists()
            yield [*base, alias.name] if is_module else base


@each_module
def test_no_import_goes_up(module):
    own = module.split("/")[0]
    for target in imports(module, ast.walk(MODULES[module])):
        part = target[0] if target else "__init__"
        assert part == own or FLOOR[part] < FLOOR[own], f"{module} imports {'.'.join(target)}"


@each_module
def test_no_import_of_this_package_hides_in_a_function(module):
    functions = [node for node in ast.walk(MODULES[module]) if isinstance(node, FUNCTIONS)]
    inside = [node for function in functions for node in ast.walk(function)]
    assert list(imports(module, inside)) == []


def test_no_circle_inside_a_folder():
    """Neighbours in a folder can be put in an order, too."""
    left = {
        module: {"/".join(target) for target in imports(module, tree.body)} & set(MODULES)
        for module, tree in MODULES.items()
    }
    while free := [module for module, needed in left.items() if not needed & set(left)]:
        left = {module: needed for module, needed in left.items() if module not in free}
    assert left == {}


def test_every_part_has_a_floor():
    assert {module.split("/")[0] for module in MODULES} == set(FLOOR)


@each_module
def test_private_names_of_scikit_learn_stand_in_one_file(module):
    if module == "_sklearn":
        return
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sklearn."):
            names = [*node.module.split("."), *(alias.name for alias in node.names)]
            assert not [name for name in names if name.startswith("_")], module
