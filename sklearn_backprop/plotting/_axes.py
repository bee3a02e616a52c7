"""Axes to draw into, from what the user gave."""

import numpy as np

GAP = 0.4
"""Between axes that share the place of one, relative to their mean width: room for labels."""


def pyplot(caller):
    """Return ``matplotlib.pyplot``.

    Parameters
    ----------
    caller : object
        What needs it, for the error message.

    Raises
    ------
    ImportError
        If matplotlib is missing; says how to install it.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{type(caller).__name__} needs matplotlib: pip install matplotlib."
        ) from error
    return plt


def one(caller, ax, size=(6.4, 4.4)):
    """Return the axes given, or those of a new figure of this size in inches."""
    plt = pyplot(caller)
    if ax is None:
        _, ax = plt.subplots(figsize=size, layout="constrained")
    return ax


def side_by_side(caller, ax, widths, size):
    """Return axes side by side.

    Parameters
    ----------
    caller : object
        The display.
    ax : matplotlib Axes, array-like of Axes, or None
        Axes whose place is divided; or as many as needed, which are used as they are;
        or None for a new figure.
    widths : list of float
        Relative widths, one an axes.
    size : tuple of float
        Of a new figure, in inches.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    ValueError
        If several axes are given but not as many as needed.
    """
    plt = pyplot(caller)
    if ax is None:
        grid = {"width_ratios": widths}
        _, axes = plt.subplots(
            1, len(widths), figsize=size, gridspec_kw=grid, squeeze=False, layout="constrained"
        )
        return axes[0]
    if np.iterable(ax):
        axes = np.ravel(ax)
        if len(axes) != len(widths):
            raise ValueError(
                f"ax has {len(axes)} axes, but {type(caller).__name__} draws {len(widths)} here; "
                "pass as many, or a single one to be divided."
            )
        return axes
    return np.array(_divide(ax, widths))


def _divide(ax, widths):
    """Return axes side by side in the place of one, which is switched off."""
    ax.set_axis_off()
    place = ax.get_subplotspec()
    if place is not None:
        grid = place.subgridspec(1, len(widths), width_ratios=widths, wspace=GAP)
    else:
        box = ax.get_position()
        grid = ax.figure.add_gridspec(
            1,
            len(widths),
            width_ratios=widths,
            wspace=GAP,
            left=box.x0,
            right=box.x1,
            bottom=box.y0,
            top=box.y1,
        )
    return [ax.figure.add_subplot(grid[0, i]) for i in range(len(widths))]
