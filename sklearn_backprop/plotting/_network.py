"""The weights of a network, as heat maps or as a graph."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._estimators.fitted import training_of
from ..inspection._recording import feature_names, output_names
from ._axes import one, side_by_side
from ._estimators import network_in

MAX_UNITS = 16
"""Units of the largest layer that ``kind="auto"`` draws as a graph."""

MAX_LABELS = 40
"""Rows or columns of a heat map up to which each has a label."""


class NetworkDisplay:
    """The weights and biases of a network.

    Use `from_estimator`.

    Parameters
    ----------
    weights, biases : list of ndarray
        Of shapes (fan_in, fan_out) and (fan_out,), one a layer.
    feature_names, output_names : list of str
        What the inputs and the outputs are called.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        One a layer for heat maps, a single one for a graph.
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure
        What they belong to.
    images_ : list of matplotlib AxesImage
        The heat maps; the last row of each are the biases. Empty for a graph.
    edges_ : list of matplotlib LineCollection
        The edges of a graph, one a layer, in the order of ``weights[l].ravel()``. Empty for
        heat maps.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_backprop import BackpropClassifier
    >>> from sklearn_backprop.plotting import NetworkDisplay
    >>> model = BackpropClassifier(hidden_layer_sizes=5, learning_rate="cosine", max_iter=40)
    >>> display = NetworkDisplay.from_estimator(model.fit(*load_iris(return_X_y=True)))
    >>> [len(edges.get_linewidths()) for edges in display.edges_]
    [20, 15]
    """

    def __init__(self, *, weights, biases, feature_names, output_names):
        self.weights = weights
        self.biases = biases
        self.feature_names = feature_names
        self.output_names = output_names

    @classmethod
    def from_estimator(cls, estimator, *, kind="auto", standardized=True, ax=None, cmap="RdBu_r"):
        """Draw the weights of a fitted estimator.

        Parameters
        ----------
        estimator : BackpropClassifier or BackpropRegressor
            Fitted. Of a pipeline its last step, of a search its best estimator.
        kind : {"auto", "heatmap", "graph"}, default="auto"
            "auto" is a graph where no layer has more than 16 units.
        standardized : bool, default=True
            Whether to show the weights in the coordinates of training, in which features
            can be compared. False shows ``coefs_``, which are for raw X. The same where the
            estimator has ``standardize=False``.
        ax : matplotlib Axes or an array of them, default=None
            Where to draw; a single one is divided among heat maps. None makes a figure.
        cmap : str or Colormap, default="RdBu_r"
            With the colour of zero in its middle.

        Returns
        -------
        NetworkDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it is another estimator.
        ValueError
            If it is a ``slim()`` copy, which has only ``coefs_``, or ``kind`` is unknown.
        """
        estimator = network_in(estimator, "NetworkDisplay")
        check_is_fitted(estimator)
        weights, biases = estimator.coefs_, estimator.intercepts_
        if standardized:
            if not hasattr(estimator, "_training"):
                raise ValueError(
                    "This estimator is a slim() copy, which has no weights in standardized "
                    "coordinates. Pass standardized=False."
                )
            weights, biases = (
                training_of(estimator).network.weights,
                training_of(estimator).network.biases,
            )
        display = cls(
            weights=[W.copy() for W in weights],
            biases=[b.copy() for b in biases],
            feature_names=feature_names(estimator, len(weights[0])),
            output_names=output_names(estimator, len(biases[-1])),
        )
        return display.plot(ax, kind=kind, cmap=cmap)

    def plot(self, ax=None, *, kind="auto", cmap="RdBu_r"):
        """Draw the weights.

        Parameters
        ----------
        ax, kind, cmap : object
            As in `from_estimator`.

        Returns
        -------
        NetworkDisplay
        """
        sizes = [len(self.weights[0]), *map(len, self.biases)]
        if kind == "auto":
            kind = "graph" if max(sizes) <= MAX_UNITS else "heatmap"
        draw = {"graph": self._graph, "heatmap": self._heatmaps}
        if kind not in draw:
            raise ValueError(f"kind={kind!r} is not known. Known are 'auto', 'heatmap', 'graph'.")
        self.images_, self.edges_ = [], []
        scale = max(np.abs(array).max() for array in [*self.weights, *self.biases])
        self.axes_ = draw[kind](ax, sizes, cmap, float(scale) or 1.0)
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        return self

    def _units(self, layer):
        """Return the names of a layer's units; 0 are the inputs."""
        if layer == 0:
            return self.feature_names
        if layer == len(self.weights):
            return self.output_names
        return [str(i) for i in range(len(self.biases[layer - 1]))]

    def _heatmaps(self, ax, sizes, cmap, scale):
        widths = [min(max(size, 3), 40) for size in sizes[1:]]
        rows = min(max(sizes[:-1]) + 1, MAX_LABELS)
        size = (min(3 + 1.2 * len(widths) + 0.25 * sum(widths), 14), min(2 + 0.25 * rows, 9))
        axes = side_by_side(self, ax, widths, size)
        for i, (W, b, one_ax) in enumerate(zip(self.weights, self.biases, axes, strict=True)):
            self.images_.append(
                one_ax.imshow(
                    np.vstack([W, b]),
                    cmap=cmap,
                    vmin=-scale,
                    vmax=scale,
                    aspect="auto",
                    interpolation="nearest",
                )
            )
            one_ax.axhline(len(W) - 0.5, color="0.5", linewidth=0.8)  # above the biases
            one_ax.set_title(f"layer {i + 1}", fontsize="medium")
            _label(one_ax.yaxis, self._units(i), last="bias")
            _label(one_ax.xaxis, self._units(i + 1))
            if any(len(name) > 3 for name in self._units(i + 1)):
                one_ax.tick_params(axis="x", rotation=90)
        axes[0].figure.colorbar(self.images_[0], ax=list(axes), label="weight", pad=0.02)
        return axes

    def _graph(self, ax, sizes, cmap, scale):
        ax = one(self, ax, size=(2.2 + 1.9 * len(self.weights), max(2.6, 0.42 * max(sizes) + 0.8)))
        import matplotlib
        from matplotlib.collections import LineCollection
        from matplotlib.colors import Normalize

        norm, colors = Normalize(-scale, scale), matplotlib.colormaps.get_cmap(cmap)
        places = [np.arange(size) - (size - 1) / 2 for size in sizes]
        height = max(sizes) / 2
        for i, W in enumerate(self.weights):
            ends = [[(i, -y), (i + 1, -z)] for y in places[i] for z in places[i + 1]]
            strength = np.abs(W.ravel()) / scale
            edges = LineCollection(
                ends,
                colors=colors(norm(W.ravel())),
                linewidths=0.3 + 3 * strength,
                alpha=0.25 + 0.75 * strength,
                zorder=1,
            )
            self.edges_.append(ax.add_collection(edges))
        values = [np.zeros(sizes[0]), *self.biases]
        for i, (y, b) in enumerate(zip(places, values, strict=True)):
            ax.scatter(np.full(len(y), i), -y, s=140, c=colors(norm(b)), edgecolors="0.3", zorder=2)
        last = len(sizes) - 1
        for x, names, side, align in (
            (0, self.feature_names, -1, "right"),
            (last, self.output_names, 1, "left"),
        ):
            for name, y in zip(names, places[x], strict=True):
                ax.text(x + 0.13 * side, -y, name, ha=align, va="center")
        ax.set(xlim=(-0.25, last + 0.25), ylim=(-height - 0.1, height + 0.1))
        ax.set_axis_off()
        bar = matplotlib.cm.ScalarMappable(norm, colors)
        ax.figure.colorbar(bar, ax=ax, label="weight; bias of a unit", shrink=0.9)
        return np.array([ax])


def _label(axis, names, last=None):
    """Put names on an axis, or where there are too many, only a few numbers."""
    if len(names) > MAX_LABELS:
        axis.set_major_locator(_few_integers())
        return
    names = [*names, last] if last else names
    axis.set_ticks(range(len(names)), names)
    axis.set_tick_params(length=0)


def _few_integers():
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=6, integer=True)
