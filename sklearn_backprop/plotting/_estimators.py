"""What a plot is of: the network in what was given, or a word on what would be one."""

from ..inspection._step import check_estimator_is_ours

INSIDE = "best_estimator_", "regressor_", "classifier_", "estimator_"
"""Where scikit-learn's searches and wrappers keep what they have fitted."""


def without_wrappers(estimator):
    """Return the last step of a pipeline, or what a search or a wrapper has fitted, at any depth.

    For plots that need no X, which a pipeline would have transformed.
    """
    while True:
        if hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
            continue
        name = next((name for name in INSIDE if hasattr(estimator, name)), None)
        if name is None:
            return estimator
        estimator = getattr(estimator, name)


def network_in(estimator, display, *, takes_X=False):
    """Return the network of this package in an estimator.

    Parameters
    ----------
    estimator : estimator
        A network, or, where the display needs no X, something around it.
    display : str
        Name of the class, for the error message.
    takes_X : bool, default=False
        Whether the display needs X as the network is given it.

    Raises
    ------
    TypeError
        If it is none, with what to pass.
    """
    inner = estimator if takes_X else without_wrappers(estimator)
    if hasattr(inner, "estimators_") or hasattr(inner, "n_estimators"):
        raise TypeError(
            f"{display} draws one network, and {type(inner).__name__} has several. Pass one of "
            "its estimators_."
        )
    return check_estimator_is_ours(inner, display)
