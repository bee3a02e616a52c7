"""A loss of one's own against central differences."""

import numpy as np

from ..activations import OUTPUT_ACTIVATIONS
from ..components import lookup


def check_loss(loss, Y, *, rtol=1e-5, random_state=0):
    """Compare a loss's gradient with central differences of its values.

    Parameters
    ----------
    loss : Loss
        The loss, by instance.
    Y : array-like of shape (n_samples, n_targets)
        Targets it is made for; a few dozen are enough.
    rtol : float, default=1e-5
        Largest difference that passes, relative to the largest entry.
    random_state : int, default=0
        Seed of the outputs at which it is checked.

    Returns
    -------
    float
        The largest relative difference, of ``gradient`` and of ``output_delta``.

    Raises
    ------
    AssertionError
        If a derivative is wrong; it says which, where, and both numbers.

    Notes
    -----
    A loss with kinks, such as the absolute error, agrees wherever no output is
    within the step of 1e-6 of one.
    """
    Y = loss.prepare_targets(np.asarray(Y, dtype=np.float64).reshape(len(Y), -1))
    f = lookup("output_activation", loss.output_activation, OUTPUT_ACTIVATIONS)
    Z = np.random.RandomState(random_state).standard_normal((len(Y), Y.shape[1]))
    A, delta = np.empty_like(Z), np.empty_like(Z)
    f.forward(Z.copy(), A)
    loss.output_delta(Y, Z, A, f, delta)

    def from_net_input(Z):
        outputs = np.empty_like(Z)
        f.forward(Z.copy(), outputs)
        return loss.pointwise(Y, outputs)

    return max(
        _compare("gradient", loss.gradient(Y, A), lambda A: loss.pointwise(Y, A), A, rtol),
        _compare("output_delta", delta, from_net_input, Z, rtol),
    )


def _compare(name, analytic, values, at, rtol, step=1e-6):
    """Return the largest relative difference of a derivative from central differences."""
    numeric = np.empty_like(at)
    for column in range(at.shape[1]):
        move = np.zeros(at.shape[1])
        move[column] = step
        difference = values(at + move) - values(at - move)
        numeric[:, column] = difference.sum(axis=1) / (2 * step)
    difference = np.abs(analytic - numeric)
    worst = np.unravel_index(difference.argmax(), difference.shape)
    relative = difference[worst] / max(np.abs(numeric).max(), 1e-300)
    if not relative <= rtol:
        raise AssertionError(
            f"{name} is {analytic[worst]:.6g} for sample {worst[0]}, output {worst[1]}, where "
            f"central differences of pointwise give {numeric[worst]:.6g}."
        )
    return float(relative)
