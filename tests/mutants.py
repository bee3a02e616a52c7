"""Plant mistakes in the core, one at a time, and see that a test finds each.

``python tests/mutants.py [FILE ...]`` mutates ``_kernels`` and ``_engine``, or the files given,
in a copy of the repository, and prints what survives. A mistake is one changed operator,
comparison, constant or argument, or one statement left out. For a developer's hand: a
mutant takes a few seconds, all of them some hours, so give files, or ``--every 10``.
"""

import argparse
import ast
import copy
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE = [*ROOT.glob("sklearn_backprop/_kernels/*.py"), *ROOT.glob("sklearn_backprop/_engine/*.py")]
TESTS = [
    "_kernels",
    "_engine",
    "_stacks/test_stack_oracle.py",
    "_stacks/test_fit_many.py",
    "_fitting/test_stopping.py",
    "_fitting/test_settings_between_calls.py",
    "optimizers/test_rate_factors.py",
    "_estimators/test_mlp_twin.py",
    "_estimators/test_weights.py",
    "_estimators/test_standardize.py",
    "_estimators/test_predict_as_trained.py",
    "_estimators/test_regularisation.py",
    "inspection/test_inspection.py",
]
SWAPS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
CALLS = {"add": "subtract", "subtract": "add", "multiply": "divide", "maximum": "minimum"}


def changes(node):
    """Yield functions that change a copy of a node, each by one mistake, and a word for each."""
    if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in SWAPS:
        yield f"{type(node.op).__name__}", lambda n: setattr(n, "op", SWAPS[type(n.op)]())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        yield (
            f"{type(node.ops[0]).__name__}",
            lambda n: n.ops.__setitem__(0, SWAPS[type(n.ops[0])]()),
        )
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield f"{node.value} + 1", lambda n: setattr(n, "value", n.value + 1)
    if isinstance(node, ast.Attribute) and node.attr in CALLS:
        yield node.attr, lambda n: setattr(n, "attr", CALLS[n.attr])
    if isinstance(node, ast.If | ast.IfExp):
        yield "not", lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "left out", lambda n: setattr(n, "value", ast.Constant(None))


def mutants(source):
    """Yield each mutant of a source, with its line and a word for the mistake."""
    tree = ast.parse(source)
    for index, node in enumerate(ast.walk(tree)):
        for word, change in changes(node):
            other = copy.deepcopy(tree)
            change(list(ast.walk(other))[index])
            yield node.lineno, word, ast.unparse(ast.fix_missing_locations(other))


def survives(clone):
    """Run the tests in a copy of the repository; return whether they pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    tests = [f"tests/{name}" for name in TESTS]
    environment = os.environ | {"PYTHONPATH": str(clone), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command + tests, cwd=clone, env=environment, capture_output=True, timeout=900
        )
    except subprocess.TimeoutExpired:  # it no longer ends, which somebody would notice
        return False
    return done.returncode == 0


def main():
    """Mutate what was asked for; print survivors and their number."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="default: _kernels and _engine")
    parser.add_argument("--every", type=int, default=1, help="take one in so many")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(".git", ".venv*", "docs"))
        if not survives(clone):
            sys.exit("the tests fail as things are")
        number = alive = 0
        for path in options.files or CORE:
            target = clone / path.resolve().relative_to(ROOT)
            source = target.read_text(encoding="utf-8")
            for k, (line, word, mutant) in enumerate(mutants(source)):
                if k % options.every:
                    continue
                target.write_text(mutant, encoding="utf-8")
                number += 1
                if survives(clone):
                    alive += 1
                    print(f"{path}:{line}  {word}  survives", flush=True)
            target.write_text(source, encoding="utf-8")
        print(f"{number} mutants, {alive} survived")


if __name__ == "__main__":
    main()
