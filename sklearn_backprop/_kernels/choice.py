"""Which set of kernels computes: the compiled one where it was built, else NumPy's.

Chosen by ``kernels_for`` once for each network, and nowhere else.
"""

import os
from contextlib import contextmanager

from .textbook import StackedTextbook, Textbook

VARIABLE = "SKLEARN_BACKPROP_KERNELS"
"""Environment variable: "numpy" leaves the compiled kernels alone."""

TEXTBOOK = Textbook()
STACKED_TEXTBOOK = StackedTextbook()

try:
    from .compiled import Compiled
except ImportError as error:
    Compiled, why_not_compiled = None, str(error)
    SETS = {"numpy": (TEXTBOOK, STACKED_TEXTBOOK)}
else:
    why_not_compiled = None
    SETS = {
        "numpy": (TEXTBOOK, STACKED_TEXTBOOK),
        "compiled": (Compiled(TEXTBOOK), Compiled(STACKED_TEXTBOOK)),
    }


def _first_choice():
    """Return the name of the set that the environment asks for, or the fastest there is."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return "compiled" if "compiled" in SETS else "numpy"
    if wanted not in ("compiled", "numpy"):
        raise ValueError(f"{VARIABLE}={wanted!r} is not known; it can be 'compiled' or 'numpy'.")
    if wanted not in SETS:
        raise ImportError(f"{VARIABLE}={wanted!r}, but they cannot be loaded: {why_not_compiled}")
    return wanted


_chosen = _first_choice()


def chosen():
    """Return the name of the set that new networks get: ``"compiled"`` or ``"numpy"``."""
    return _chosen


def kernels_for(stacked):
    """Return the kernels for a network, or for a stack of them."""
    return SETS[_chosen][stacked]


@contextmanager
def using(name):
    """Give networks that are made in this block a set of kernels, by its name."""
    global _chosen
    before, _chosen = _chosen, {name: name for name in SETS}[name]
    try:
        yield
    finally:
        _chosen = before
