"""What a report of a fault should say of the machine it was met on."""

import platform
import sys

import joblib
import numpy
import scipy
import sklearn
import threadpoolctl

from ._kernels import choice

__all__ = ["show_versions"]


def show_versions():
    """Print the versions of what this package runs on, and which kernels compute.

    The kernels are ``compiled``, or ``numpy`` where the package was installed without a C
    compiler, or the environment variable ``SKLEARN_BACKPROP_KERNELS=numpy`` asks for them.

    Examples
    --------
    >>> from sklearn_backprop import show_versions
    >>> show_versions()  # doctest: +ELLIPSIS
    sklearn_backprop: ...
    kernels: ...
    """
    package = sys.modules[__name__.partition(".")[0]]
    print(f"sklearn_backprop: {package.__version__}")
    print(f"kernels: {_kernels()}")
    print(f"Python: {platform.python_version()}, {platform.platform()}")
    for module in (numpy, scipy, sklearn, joblib, threadpoolctl):
        print(f"{module.__name__}: {module.__version__}")
    for library in threadpoolctl.threadpool_info():
        if library["user_api"] == "blas":
            parts = [library["internal_api"], library["version"], library.get("architecture")]
            print(f"BLAS: {' '.join(str(part) for part in parts if part)}", end="")
            print(f", {library['num_threads']} threads")


def _kernels():
    """Return the name of the chosen set, and why it is not the compiled one."""
    name = choice.chosen()
    if name == "compiled":
        return name
    if choice.why_not_compiled is None:
        return f"{name}, for {choice.VARIABLE} says so"
    return f"{name} (the compiled ones cannot be loaded: {choice.why_not_compiled})"
