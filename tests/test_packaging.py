"""What pip builds from the sources where there is no compiler."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = "pyproject.toml", "setup.py", "README.md", "LICENSE"


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory):
    """Return the names of the files in a wheel built with a compiler that fails."""
    for needed in ("Cython", "setuptools", "pip"):
        pytest.importorskip(needed)
    folder = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        shutil.copy(ROOT / name, folder)
    built = shutil.ignore_patterns("*.so", "*.pyd", "*.c", "__pycache__")
    shutil.copytree(ROOT / "sklearn_backprop", folder / "sklearn_backprop", ignore=built)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    run = subprocess.run(
        [*build, "--disable-pip-version-check", "-w", "dist", "."],
        cwd=folder,
        env=os.environ | {"CC": "false"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    (wheel,) = (folder / "dist").glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_without_a_compiler_there_is_a_wheel_without_the_extension(wheel_names):
    assert "sklearn_backprop/_kernels/textbook.py" in wheel_names
    assert not [name for name in wheel_names if name.endswith((".so", ".pyd"))]


def test_the_wheel_has_all_modules_and_templates_and_no_sources_of_c(wheel_names):
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "sklearn_backprop").rglob("*")
        if path.is_file() and path.suffix in {".py", ".typed", ".html", ".js", ".css"}
    }
    assert len(wanted) > 100
    assert wanted <= wheel_names
    assert not [name for name in wheel_names if name.endswith((".pyx", ".h", ".c"))]
