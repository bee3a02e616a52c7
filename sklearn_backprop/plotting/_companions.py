"""How much the networks of a table's estimator and their companions count."""

from sklearn.utils.validation import check_is_fitted

from ..tabular import TabularClassifier, TabularRegressor
from ._axes import one


class CompanionDisplay:
    """Bars of the weights of networks and companions, which held-out rows have chosen.

    Use `from_estimator`.

    Parameters
    ----------
    weights : dict of str to float
        Of the networks and of each companion.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Where it was drawn.
    bars_ : matplotlib BarContainer
        The bars, that of the networks last, at the top.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_backprop import TabularRegressor
    >>> from sklearn_backprop.plotting import CompanionDisplay
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = TabularRegressor(n_estimators=2, max_iter=20, random_state=0).fit(X, y)
    >>> display = CompanionDisplay.from_estimator(model)
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['linear', 'boosting', 'network']
    """

    def __init__(self, *, weights):
        self.weights = weights

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, **bars):
        """Draw the weights of a fitted estimator.

        Parameters
        ----------
        estimator : TabularClassifier or TabularRegressor
            Fitted.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **bars : object
            Of `matplotlib.axes.Axes.barh`.

        Returns
        -------
        CompanionDisplay

        Raises
        ------
        TypeError
            If it is another estimator, which has no companions.
        """
        if not isinstance(estimator, TabularClassifier | TabularRegressor):
            raise TypeError(
                f"{type(estimator).__name__} has no companions; CompanionDisplay is for "
                "TabularClassifier and TabularRegressor."
            )
        check_is_fitted(estimator)
        return cls(weights=estimator.weights_).plot(ax, **bars)

    def plot(self, ax=None, **bars):
        """Draw the bars.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **bars : object
            Of `matplotlib.axes.Axes.barh`.

        Returns
        -------
        CompanionDisplay
        """
        ax = one(self, ax, size=(6.4, 1.1 + 0.36 * len(self.weights)))
        names = list(self.weights)[::-1]
        self.bars_ = ax.barh(names, [self.weights[name] for name in names], **bars)
        ax.bar_label(self.bars_, fmt="%.2f", padding=3)
        ax.set(xlabel="weight", xlim=(0, 1.12 * max(1e-9, *self.weights.values())))
        self.ax_, self.figure_ = ax, ax.figure
        return self
