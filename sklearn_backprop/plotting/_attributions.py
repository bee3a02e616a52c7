"""Which columns matter: bars of the mean absolute attributions."""

import numpy as np

from ..inspection import attributions
from ._axes import one


class AttributionDisplay:
    """Bars of how much each feature adds to the predictions, up or down, on average.

    Use `from_estimator`, or `from_attributions` for what is there already.

    Parameters
    ----------
    importance : ndarray of shape (n_features,) or (n_features, n_outputs)
        The mean absolute attributions.
    feature_names : list of str
        Of the features.
    output_names : list of str, default=None
        Of the outputs, for the legend, where there are several.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Where it was drawn.
    bars_ : list of matplotlib BarContainer
        One an output, the smallest feature first.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_backprop import TabularClassifier
    >>> from sklearn_backprop.plotting import AttributionDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = TabularClassifier(n_estimators=2, max_iter=20, random_state=0).fit(X, y)
    >>> display = AttributionDisplay.from_estimator(model, X)
    >>> len(display.bars_)
    3
    """

    def __init__(self, *, importance, feature_names, output_names=None):
        self.importance = importance
        self.feature_names = feature_names
        self.output_names = output_names

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        method="integrated_gradients",
        baseline=None,
        n_steps=50,
        max_features=10,
        ax=None,
        **bars,
    ):
        """Draw the attributions of a fitted estimator.

        Parameters
        ----------
        estimator : TabularClassifier, TabularRegressor, BackpropClassifier or BackpropRegressor
            Fitted.
        X : DataFrame or array-like of shape (n_samples, n_features)
            What to explain: a few hundred rows are enough.
        method, baseline, n_steps : object
            As in `sklearn_backprop.inspection.attributions`.
        max_features : int, default=10
            Features to show, those of the largest attributions.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **bars : object
            Of `matplotlib.axes.Axes.barh`.

        Returns
        -------
        AttributionDisplay
        """
        found = attributions(estimator, X, method=method, baseline=baseline, n_steps=n_steps)
        return cls.from_attributions(found, max_features=max_features, ax=ax, **bars)

    @classmethod
    def from_attributions(cls, attributions, *, max_features=10, ax=None, **bars):
        """Draw what `sklearn_backprop.inspection.attributions` returned.

        Parameters
        ----------
        attributions : Attributions
            What to draw.
        max_features : int, default=10
            Features to show.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **bars : object
            Of `matplotlib.axes.Axes.barh`.

        Returns
        -------
        AttributionDisplay
        """
        importance = attributions.importance()
        display = cls(
            importance=importance,
            feature_names=attributions.feature_names,
            output_names=attributions.output_names if importance.ndim == 2 else None,
        )
        return display.plot(ax, max_features=max_features, **bars)

    def plot(self, ax=None, *, max_features=10, **bars):
        """Draw the bars.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        max_features : int, default=10
            Features to show.
        **bars : object
            Of `matplotlib.axes.Axes.barh`.

        Returns
        -------
        AttributionDisplay
        """
        importance = np.reshape(self.importance, (len(self.feature_names), -1))
        order = np.argsort(importance.sum(axis=1), kind="stable")[-max_features:]
        ax = one(self, ax, size=(6.4, 1.2 + 0.32 * len(order)))
        places, left, self.bars_ = np.arange(len(order)), np.zeros(len(order)), []
        labels = [None] if self.output_names is None else self.output_names
        for column, label in zip(importance[order].T, labels, strict=True):
            self.bars_.append(ax.barh(places, column, left=left, **({"label": label} | bars)))
            left = left + column
        ax.set_yticks(places, [str(self.feature_names[j]) for j in order])
        ax.set(xlabel="mean |attribution|", xlim=(0, None))
        if self.output_names is not None:
            ax.legend(title="output")
        self.ax_, self.figure_ = ax, ax.figure
        return self
