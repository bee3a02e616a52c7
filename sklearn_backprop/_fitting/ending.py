"""Why training ended, and what there is to say of it."""

from enum import Enum


class Ending(Enum):
    """Why training ended."""

    DIVERGED = "the loss, the weights or the outputs are not finite"
    INTERRUPTED = "Ctrl-C"
    OUT_OF_TIME = "max_time"
    STOPPED = "a callback"
    CONVERGED = "no more progress"
    AT_LIMIT = "max_iter"


NON_FINITE = "Solver produced non-finite parameter weights. "

LARGE_VALUES = (
    "The input data may contain large values and need to be preprocessed. Try standardize=True, a "
    "smaller learning_rate_init or max_grad_norm=1.0."
)


def undefined_outputs(loss, output_activation):
    """Say so if the loss is not defined for outputs that the network can have, else nothing."""
    if not loss.positive_outputs or output_activation.is_positive():
        return ""
    return (
        f"loss={loss.name!r} needs positive outputs, which "
        f"output_activation={output_activation.name!r} does not keep: use "
        f"output_activation='auto', which is {loss.output_activation!r}, or 'softplus'."
    )


def diverged(training, epoch, score, why):
    """Return what is said of a divergence.

    Parameters
    ----------
    training : Training
        As it stands.
    epoch : int or None
        Whose weights are kept; None for those from before.
    score : str
        What that epoch is the best of; empty if it is not.
    why : str
        From ``undefined_outputs``.
    """
    which = "The weights from before" if epoch is None else f"The weights of epoch {epoch}"
    if epoch is not None and score:
        which += f", with the {score},"
    remedies = "standardize=True, or a larger alpha"
    if training.learner.optimizer.stochastic:
        remedies = (
            f"a smaller learning_rate_init (now {training.settings.learning_rate_init:g}), "
            "standardize=True, or max_grad_norm=1.0"
        )
    return (
        f"Training diverged at epoch {training.progress.n_iter}: the loss, the weights or the "
        f"outputs are no longer finite. {which} are kept. {why or f'Try {remedies}.'}"
    )


def stalled(what, tol, n_epochs):
    """Return what is said of too many epochs without progress."""
    span = n_epochs if isinstance(n_epochs, str) else f"{n_epochs} epochs in a row"
    return f"{what} did not improve by more than tol={tol:g} for {span}."


def reached_max_iter(max_iter, progress):
    """Return what is said of epochs that ran out, with what ``fell_by`` says."""
    return (
        f"Maximum iterations ({max_iter}) reached and the optimization hasn't converged yet."
        f"{progress} {raise_it('max_iter', max_iter)}"
    )


def reached_limit(limit, now, n_iterations, progress):
    """Return what is said where SciPy's L-BFGS ended at a limit."""
    return (
        f"L-BFGS reached a limit before it converged, after {n_iterations} iterations: {limit} "
        f"(now {now}).{progress} {raise_it(limit, now)}"
    )


def raise_it(limit, now):
    """Return what can be done about a limit."""
    return f"Raise {limit} to {2 * now}, or raise tol if this is good enough."


def fell_by(loss_curve, n_epochs, tol):
    """Return by how much the loss still went down over so many epochs; nothing if there is none."""
    back = int(min(n_epochs, len(loss_curve) - 1))  # n_epochs may be infinite
    if back < 1:
        return ""
    before, now = loss_curve[-1 - back], loss_curve[-1]
    verb = "fell" if now <= before else "rose"
    return f" The loss {verb} by {abs(before - now):.3g} over the last {back} epochs (tol={tol:g})."
