"""Gradients and updates, layer by layer: whether learning reaches the first one."""

import numpy as np

from ..inspection import record_training
from ._axes import pyplot, side_by_side
from ._estimators import network_in


class GradientFlowDisplay:
    """Norms of gradient and update of each layer over the epochs.

    Where lines drift apart by orders of magnitude from the last layer to the first, the
    gradient vanishes on its way down; where they climb, it explodes. An update of about a
    thousandth of the weights in each step is usual; far less learns nothing, far more
    forgets. The gradient is the objective's, with the penalty ``alpha`` in it; with
    ``alpha=0`` a vanishing gradient shows down to its end.

    Use `from_record`, or `from_estimator`, which trains a clone.

    Parameters
    ----------
    gradient_norms : ndarray of shape (n_epochs, n_layers)
        Norm of each layer's gradient at each epoch's last batch.
    update_ratios : ndarray of shape (n_epochs, n_layers)
        Norm of what an epoch changed of a layer, relative to the norm of the layer.

    Attributes
    ----------
    axes_ : ndarray of two matplotlib Axes
        Of the gradients and of the updates.
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure
        What they belong to.
    gradient_lines_, update_lines_ : list of matplotlib Line2D
        A line a layer.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_backprop import BackpropClassifier
    >>> from sklearn_backprop.plotting import GradientFlowDisplay
    >>> model = BackpropClassifier(hidden_layer_sizes="8x3", learning_rate="cosine", max_iter=40)
    >>> display = GradientFlowDisplay.from_estimator(model, *load_iris(return_X_y=True))
    >>> display.gradient_norms.shape
    (40, 4)
    """

    def __init__(self, *, gradient_norms, update_ratios):
        self.gradient_norms = gradient_norms
        self.update_ratios = update_ratios

    @classmethod
    def from_record(cls, record, *, ax=None, **line):
        """Draw what `record_training` has recorded.

        Parameters
        ----------
        record : TrainingRecord
            Of a training.
        ax : matplotlib Axes or two of them, default=None
            Where to draw; a single one is divided. None makes a figure.
        **line : object
            Of `matplotlib.axes.Axes.plot`.

        Returns
        -------
        GradientFlowDisplay
        """
        tiny = np.finfo(float).tiny
        ratios = record.update_norms / np.maximum(record.parameter_norms, tiny)
        return cls(gradient_norms=record.gradient_norms, update_ratios=ratios).plot(ax, **line)

    @classmethod
    def from_estimator(cls, estimator, X, y, *, ax=None, **line):
        """Train a clone of an estimator, and draw its gradients.

        A fitted estimator does not remember them; with a fixed ``random_state`` the clone's
        training is the same.

        Parameters
        ----------
        estimator : BackpropClassifier or BackpropRegressor
            Stays as it is.
        X, y : array-like
            As in ``fit``.
        ax, **line : object
            As in `from_record`.

        Returns
        -------
        GradientFlowDisplay

        Raises
        ------
        TypeError
            If it is another estimator, such as a pipeline, whose steps change X.
        """
        network_in(estimator, "GradientFlowDisplay", takes_X=True)
        pyplot(cls.__new__(cls))  # before the training, not after it
        record = record_training(estimator, X, y, every=max(1, estimator.max_iter), samples=1)
        return cls.from_record(record, ax=ax, **line)

    def plot(self, ax=None, **line):
        """Draw a line a layer.

        Parameters
        ----------
        ax : matplotlib Axes or two of them, default=None
            Where to draw; a single one is divided. None makes a figure.
        **line : object
            Of `matplotlib.axes.Axes.plot`.

        Returns
        -------
        GradientFlowDisplay
        """
        self.axes_ = side_by_side(self, ax, [1, 1], size=(10, 4.2))
        left, right = self.axes_
        self.gradient_lines_ = _lines(left, self.gradient_norms, line)
        self.update_lines_ = _lines(right, self.update_ratios, line)
        left.set(xlabel="epoch", ylabel="norm of the gradient, last batch", yscale="log")
        right.set(xlabel="epoch", ylabel="change in an epoch / norm of the layer", yscale="log")
        _legend(right, self.update_lines_)
        self.ax_, self.figure_ = left, left.figure
        return self


def _lines(ax, norms, line):
    """Draw a line a layer, from dark to light; what is zero has no place on a log axis."""
    import matplotlib

    n_epochs, n_layers = norms.shape
    colors = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, n_layers))
    shown = np.where(norms > 0, norms, np.nan)
    epochs = np.arange(1, n_epochs + 1)
    return [
        ax.plot(epochs, shown[:, i], **({"color": colors[i], "label": _name(i, n_layers)} | line))[
            0
        ]
        for i in range(n_layers)
    ]


def _name(i, n_layers):
    note = {0: ", first", n_layers - 1: ", outputs"} if n_layers > 1 else {}
    return f"layer {i + 1}{note.get(i, '')}"


def _legend(ax, lines):
    """Name the lines; of many layers only some."""
    step = max(1, len(lines) // 8)
    some = [*lines[:-1:step], lines[-1]]
    ax.legend(handles=some, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
