"""The loss, epoch by epoch."""

import warnings

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.validation import check_is_fitted

from .._estimators.fitted import training_of
from ._axes import one
from ._estimators import network_in, without_wrappers


class LossCurveDisplay:
    """Training and validation loss of each epoch, with the epoch whose weights were kept.

    Use `from_estimator`. For several estimators in one picture pass the first one's axes
    on: ``LossCurveDisplay.from_estimator(other, ax=display.ax_)``.

    Parameters
    ----------
    training_loss : array-like of shape (n_epochs,)
        The objective, with the penalty, averaged over an epoch's batches.
    validation_loss : array-like of shape (n_epochs,), default=None
        The mean loss of the validation set, where there is one.
    kept_epoch : int, default=None
        The epoch whose weights were kept, counted from 1; 0 stands for before the first.
    name : str, default=None
        What the legend calls the estimator.
    members : list of array-like, default=None
        Of an ensemble, each member's validation loss, or training loss where nothing was
        validated: thin lines, of which the others are the means.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Where it was drawn.
    training_line_, validation_line_ : matplotlib Line2D
        The curves; the second is None without a validation set.
    kept_marker_ : matplotlib Line2D or None
        The mark at the kept epoch; None where it is the last and nothing was validated.
    member_lines_ : list of matplotlib Line2D
        The members' curves.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_backprop import BackpropClassifier
    >>> from sklearn_backprop.plotting import LossCurveDisplay
    >>> model = BackpropClassifier(learning_rate="cosine", max_iter=40)
    >>> display = LossCurveDisplay.from_estimator(model.fit(*load_iris(return_X_y=True)))
    >>> len(display.training_line_.get_xdata())
    40
    """

    def __init__(
        self, *, training_loss, validation_loss=None, kept_epoch=None, name=None, members=None
    ):
        self.training_loss = training_loss
        self.validation_loss = validation_loss
        self.kept_epoch = kept_epoch
        self.name = name
        self.members = members

    @classmethod
    def from_estimator(cls, estimator, *, name=None, ax=None, **line):
        """Draw the loss curve of a fitted estimator.

        Parameters
        ----------
        estimator : BackpropClassifier, BackpropRegressor, or an ensemble of them
            Fitted. Of an ensemble, `TabularClassifier` and `TabularRegressor` too, the curves
            are means over the members that were still in training. Of a pipeline its last step,
            of a search its best estimator; scikit-learn's `MLPClassifier` and `MLPRegressor` have
            a training curve.
        name : str, default=None
            What the legend calls it; None takes its class.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **line : object
            Of `matplotlib.axes.Axes.plot`, for both curves.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it is another estimator.
        ValueError
            If it is a ``slim()`` copy, which has no history, or its solver has no loss curve.
        """
        estimator = without_wrappers(estimator)
        check_is_fitted(estimator)
        name = type(estimator).__name__ if name is None else name
        if isinstance(estimator, MLPClassifier | MLPRegressor):
            return cls(training_loss=_curve_of(estimator), name=name).plot(ax, **line)
        members = getattr(estimator, "estimators_", None)
        for network in [estimator] if members is None else members:
            network_in(network, "LossCurveDisplay")
            if not hasattr(network, "history_"):
                raise ValueError(
                    "This estimator is a slim() copy, which has no history. Use the estimator that "
                    "slim() was called on."
                )
        if members is not None:
            return cls(**_of_members(members), name=name).plot(ax, **line)
        history, progress = estimator.history_, training_of(estimator).progress
        before = len(history["loss"]) - progress.n_iter  # of earlier fits under warm_start
        display = cls(
            training_loss=np.array(history["loss"]),
            validation_loss=_array(history.get("validation_loss")),
            kept_epoch=before + progress.kept_epoch,
            name=name,
        )
        return display.plot(ax, **line)

    def plot(self, ax=None, *, name=None, **line):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        name : str, default=None
            What the legend calls the estimator; None takes ``name``.
        **line : object
            Of `matplotlib.axes.Axes.plot`, for both curves.

        Returns
        -------
        LossCurveDisplay
        """
        ax = one(self, ax)
        name = self.name if name is None else name
        prefix = f"{name}, " if name else ""
        epochs = np.arange(1, len(self.training_loss) + 1)
        self.validation_line_ = self.kept_marker_ = None
        (self.training_line_,) = ax.plot(
            epochs, self.training_loss, **({"label": f"{prefix}training"} | line)
        )
        color = self.training_line_.get_color()
        if self.validation_loss is not None:
            style = {"color": color, "linestyle": "--", "label": f"{prefix}validation"}
            (self.validation_line_,) = ax.plot(epochs, self.validation_loss, **(line | style))
        self._mark_kept_epoch(ax, color)
        thin = line | {"color": color, "linewidth": 0.7, "alpha": 0.5, "label": None}
        self.member_lines_ = [
            ax.plot(np.arange(1, len(losses) + 1), losses, **thin)[0]
            for losses in self.members or []
        ]
        ax.set(xlabel="epoch", ylabel="loss")
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _mark_kept_epoch(self, ax, color):
        """Put a mark on the validation curve, or on the training curve, at the kept epoch."""
        kept, losses = self.kept_epoch, self.validation_loss
        if losses is None:
            if kept == len(self.training_loss):
                return  # that training keeps its last epoch goes without saying
            losses = self.training_loss
        if not kept or not np.isfinite(losses[kept - 1]):
            return
        style = {"marker": "o", "markeredgecolor": "white", "linestyle": "none", "zorder": 3}
        (self.kept_marker_,) = ax.plot(
            kept, losses[kept - 1], color=color, label=f"kept: epoch {kept}", **style
        )


def _curve_of(estimator):
    """Return the loss curve of an estimator of scikit-learn's."""
    if not hasattr(estimator, "loss_curve_"):
        raise ValueError(
            f"{type(estimator).__name__} has no loss curve with solver={estimator.solver!r}; "
            "'adam' and 'sgd' have one."
        )
    return np.array(estimator.loss_curve_)


def _of_members(members):
    """Return the mean curves of an ensemble's members, and one curve of each."""
    training = [member.history_["loss"] for member in members]
    validation = [member.history_.get("validation_loss") for member in members]
    validates = all(losses is not None for losses in validation)
    return {
        "training_loss": _mean(training),
        "validation_loss": _mean(validation) if validates else None,
        "members": [np.array(losses) for losses in (validation if validates else training)],
    }


def _mean(curves):
    """Return the mean of curves, at each epoch of those that are that long."""
    padded = np.full((len(curves), max(map(len, curves))), np.nan)
    for row, curve in zip(padded, curves, strict=True):
        row[: len(curve)] = curve
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all may have diverged
        return np.nanmean(padded, axis=0)


def _array(values):
    return None if values is None else np.array(values)
