"""Run the tests that hold bits together under each set of kernels this processor can run.

OpenBLAS and NumPy choose their code by the processor, and the choices differ in the last
digit. What is said to be equal to the last bit has to be so under each of them:

    python tests/kernels.py                      # all, about a quarter of an hour on one core
    python tests/kernels.py --blas Haswell --numpy off
    python tests/kernels.py -- -x -n 2           # after --, arguments for pytest

For a developer's hand: nothing else sets the variables that this sets.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

from numpy._core._multiarray_umath import __cpu_dispatch__ as dispatched
from numpy._core._multiarray_umath import __cpu_features__ as features

HERE = Path(__file__).parent
TESTS = [
    "_kernels",
    "_numerics/test_vectors.py",
    "optimizers",
    "_stacks",
    "_compositions/test_ensemble.py",
    "_estimators/test_own_components.py",
    "_estimators/test_mlp_twin.py",
]
BLAS = {  # OpenBLAS's name of a set of kernels, and the flags that its code needs
    "Nehalem": {"ssse3", "sse4_1", "sse4_2"},
    "Sandybridge": {"avx"},
    "Haswell": {"avx2", "fma"},
    "SkylakeX": {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"},
}
NUMPY_NAMES = {"ssse3": "SSSE3", "sse4_1": "SSE41", "sse4_2": "SSE42", "fma": "FMA3"}
PROBE = """
import warnings; warnings.simplefilter("error")
import numpy, scipy.linalg
from threadpoolctl import threadpool_info
print(*{lib["architecture"] for lib in threadpool_info() if lib["internal_api"] == "openblas"})
"""


def processor_flags():
    """Return the flags of BLAS's kernels that this processor has."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return set(next(line for line in lines if line.startswith("flags")).split())
    except (OSError, StopIteration):  # not Linux: as NumPy sees it
        wanted = set.union(*BLAS.values())
        return {flag for flag in wanted if features.get(NUMPY_NAMES.get(flag, flag.upper()))}


def numpy_levels():
    """Return what of NumPy's vector code to switch off, by a name for each level."""
    found = [name for name in dispatched if features.get(name)]
    wide = [name for name in found if name.startswith(("X86_V4", "AVX512"))]
    levels = {"on": []}
    if wide and wide != found:
        levels["without AVX-512"] = wide
    if found:
        levels["off"] = found
    return levels


def environment(blas, disabled):
    """Return the variables of a process with these kernels."""
    variables = os.environ | {"OPENBLAS_CORETYPE": blas}
    return variables | ({"NPY_DISABLE_CPU_FEATURES": " ".join(disabled)} if disabled else {})


def why_not(blas, disabled):
    """Return why a combination cannot be run here; None if it can."""
    missing = BLAS[blas] - processor_flags()
    if missing:
        return f"the processor has no {', '.join(sorted(missing))}"
    probe = subprocess.run(
        [sys.executable, "-c", PROBE],
        env=environment(blas, disabled),
        capture_output=True,
        text=True,
    )
    if probe.returncode:
        lines = probe.stderr.strip().splitlines() or [f"it ended with {probe.returncode}"]
        return f"NumPy refuses: {lines[-1]}"
    if probe.stdout.split() != [blas]:
        return f"BLAS is {probe.stdout.strip() or 'not OpenBLAS'} whatever is asked for"
    return None


def main():
    """Run what was asked for; exit with 1 if anything fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    levels = numpy_levels()
    parser.add_argument("--blas", action="append", choices=BLAS, help="default: all")
    parser.add_argument("--numpy", action="append", choices=levels, help="default: all")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    arguments = parser.parse_args()
    if platform.machine().lower() not in ("x86_64", "amd64"):
        sys.exit(f"OpenBLAS's kernels for {platform.machine()} are not known here.")
    files = [str(HERE / name) for name in TESTS]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    failed = False
    for blas in arguments.blas or BLAS:
        for level in arguments.numpy or levels:
            title = f"OpenBLAS {blas}, NumPy's vector code {level}"
            reason = why_not(blas, levels[level])
            if reason:
                print(f"{title}: skipped, {reason}", flush=True)
                continue
            start = time.perf_counter()
            variables = environment(blas, levels[level])
            run = subprocess.run(
                [*command, *arguments.pytest], env=variables, capture_output=True, text=True
            )
            last = (run.stdout.strip().splitlines() or [f"ended with {run.returncode}"])[-1]
            print(f"{title}: {last} ({time.perf_counter() - start:.0f} s)", flush=True)
            if run.returncode:
                print(run.stdout[-5000:], run.stderr[-2000:], sep="\n", flush=True)
                failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
