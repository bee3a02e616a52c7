"""One step of backpropagation on one batch, as `partial_fit` would take it."""

from sklearn.base import is_classifier

from .._estimators.base import BaseBackprop
from .._estimators.checks import check_not_slim
from .._estimators.data import FitData
from .._estimators.fit import prepare
from .._estimators.fitted import training_of
from .._estimators.targets import labels_in
from .._numerics.blas import blas_threads_for
from ._recording import independent_copy, trace_batch
from ._trace import StepTrace


def trace_step(
    estimator,
    X,
    y,
    sample_weight=None,
    *,
    classes=None,
    coefs_init=None,
    intercepts_init=None,
) -> StepTrace:
    """Show every quantity of the step that an estimator would take on a batch.

    It is the step that ``partial_fit(X, y, sample_weight)`` would take: the same code runs,
    on a copy. The estimator stays as it is. An estimator that is not fitted shows its first
    step.

    Parameters
    ----------
    estimator : BackpropClassifier or BackpropRegressor
        Fitted, or not.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The batch: for stochastic solvers at most ``batch_size`` rows.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights, non-negative.
    classes : array-like of shape (n_classes,), default=None
        All labels that can occur, for a classifier that is not fitted; None takes those in
        ``y``.
    coefs_init, intercepts_init : list of array-like, default=None
        Start from these weights and biases, which are for raw X, as in ``fit``. None takes
        those of the estimator, or draws them if it is not fitted.

    Returns
    -------
    StepTrace

    Raises
    ------
    TypeError
        If ``estimator`` is none of this package.
    ValueError
        If X has more rows than one batch, or the data are not usable.

    Notes
    -----
    With ``standardize=True`` all quantities are in the coordinates in which training works,
    after the means and scales have taken in this batch, as in ``partial_fit``; ``coefs_``
    are those of raw X.

    ``solver="lbfgs"`` takes no single step: SciPy searches along a direction of its own. There
    the trace takes any number of rows and ends at the gradient.

    An estimator with ``early_stopping=True`` keeps the weights of its best epoch, but not its
    optimizer's state: the step is a first one from there.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_backprop import BackpropClassifier
    >>> from sklearn_backprop.inspection import trace_step
    >>> X, y = load_iris(return_X_y=True)
    >>> network = BackpropClassifier(hidden_layer_sizes=(5, 4), random_state=0)
    >>> trace = trace_step(network, X[::30], y[::30])
    >>> trace
    StepTrace(4-5-4-3 network, 5 sample(s), log_loss, objective 1.43889)
    >>> trace.layers[1].delta.shape
    (5, 4)
    """
    estimator = check_estimator_is_ours(estimator, "trace_step")
    initial = coefs_init, intercepts_init
    twin, fit = prepare_batch(estimator, X, y, sample_weight, classes, initial)
    n_samples = fit.samples.n_samples
    if fit.training.learner.optimizer.stochastic and fit.batch_size < n_samples:
        raise ValueError(
            f"X has {n_samples} rows, but a step takes at most batch_size={fit.batch_size}: "
            f"trace_step shows one batch at a time. Pass one, such as X[:{fit.batch_size}], or "
            "raise batch_size."
        )
    part = fit.samples.take(slice(None), {})
    with blas_threads_for(fit.training.network.layer_sizes, fit.n_rows):
        return trace_batch(twin, fit.training, part)


def check_estimator_is_ours(estimator, function):
    """Return the estimator if it is one of this package's, or say what would be."""
    if isinstance(estimator, BaseBackprop):
        return estimator
    hint = ""
    if hasattr(estimator, "steps"):
        hint = (
            " Of a pipeline, pass the last step, and X as the steps before it transform it: "
            "pipeline[-1] and pipeline[:-1].transform(X)."
        )
    raise TypeError(
        f"{function} needs a BackpropClassifier or a BackpropRegressor, got {estimator!r}.{hint}"
    )


def prepare_batch(estimator, X, y, sample_weight, classes, initial, **parameters):
    """Check everything as ``partial_fit`` does, on a copy; return it and what is ready to run.

    Parameters
    ----------
    estimator : BaseBackprop
        Stays as it is.
    X, y, sample_weight, classes : object
        As in ``partial_fit``.
    initial : tuple
        ``coefs_init`` and ``intercepts_init``.
    **parameters : object
        Parameters that the copy has other than the estimator.
    """
    if isinstance(getattr(estimator, "class_weight", None), str):
        raise ValueError(
            f"class_weight={estimator.class_weight!r} needs all labels at once, and this is a "
            "batch. Pass a copy with a dict {label: weight} instead: "
            "clone(estimator).set_params(class_weight=...)."
        )
    twin = independent_copy(estimator)
    check_not_slim(twin, "a trace")
    twin.early_stopping = False  # a step has no validation set
    for name, value in parameters.items():
        setattr(twin, name, value)
    if is_classifier(twin) and classes is None and training_of(twin) is None:
        classes = labels_in(y)
    coefs_init, intercepts_init = initial
    data = FitData(X, y, sample_weight, classes, coefs_init, intercepts_init, incremental=True)
    fit = prepare(twin, data)
    return twin, fit
