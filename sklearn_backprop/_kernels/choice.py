"""Which set of kernels computes: the compiled one where it was built, else NumPy's.

Chosen by ``kernels_for`` once for each network, and nowhere else.
"""

import os
from contextlib import contextmanager

from .textbook import StackedTextbook, Textbook

VARIABLE = "SKLEARN_BACKPROP_KERNELS"
"""Environment variable: "numpy" leaves the compiled kernels alone."""

LARGE_LAYER = 2**15
"""Weights in a layer from which a network's products are NumPy's.

Such networks may use several threads, and NumPy's wheels bring a newer OpenBLAS than SciPy's,
which is a quarter faster then; on one thread the two are alike. Two libraries at once would be
twice as many threads as processors.
"""

try:
    from .compiled import Compiled
except ImportError as error:
    Compiled, why_not_compiled = None, str(error)
else:
    why_not_compiled = None


TEXTBOOKS = Textbook(), StackedTextbook()
SETS: dict[str, tuple] = {"numpy": TEXTBOOKS}
"""The sets by name: each has kernels for a network, and for a stack."""
if Compiled is not None:
    SETS["compiled"] = tuple(Compiled(textbook) for textbook in TEXTBOOKS)
    SETS["compiled, large"] = tuple(Compiled(textbook, True) for textbook in TEXTBOOKS)


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


def kernels_for(stacked, largest_layer=0):
    """Return the kernels for a network, or for a stack of them.

    Parameters
    ----------
    stacked : bool
        Whether the arrays have an axis for networks.
    largest_layer : int
        Weights in a network's largest layer.
    """
    is_large = _chosen == "compiled" and largest_layer >= LARGE_LAYER
    return SETS["compiled, large" if is_large else _chosen][stacked]


@contextmanager
def using(name):
    """Give networks that are made in this block a set of kernels, by its name."""
    global _chosen
    before, _chosen = _chosen, {name: name for name in SETS}[name]
    try:
        yield
    finally:
        _chosen = before
