"""Probabilities that mean what they say: one number that all logits are divided by.

Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017,
section 4.2.
"""

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax


def tempered_probabilities(logits, temperature):
    """Return ``softmax(logits / temperature)``, strictly inside (0, 1).

    Parameters
    ----------
    logits : ndarray of shape (n_samples, n_classes)
        Of float64.
    temperature : float
        Positive.
    """
    P = softmax(logits / temperature, axis=1)
    eps = np.finfo(P.dtype).eps
    return P if P.shape[1] == 1 else np.clip(P, eps, 1 - eps)


def log_of_mean(logits, exclusive) -> Any:
    """Return the logarithm of the mean of several networks' probabilities, or of its odds.

    As ``logaddexp`` of logarithms, so nothing is cut off where probabilities are 0 or 1.

    Parameters
    ----------
    logits : iterable of ndarray of shape (n_samples, n_outputs)
        Of each network.
    exclusive : bool
        Whether the outputs are classes, whose probabilities add up to 1 (softmax), and not
        each a yes or no of its own (logistic).

    Returns
    -------
    ndarray of shape (n_samples, n_outputs)
        The logarithm of the mean probability, or ``log(mean / (1 - mean))``.
    """
    yes = no = -np.inf  # the logarithms of the sums
    for n_networks, Z in enumerate(logits, start=1):  # noqa: B007
        if exclusive:
            yes = np.logaddexp(yes, log_softmax(Z, axis=1))
        else:  # log σ(z) is -log(1 + exp(-z))
            yes = np.logaddexp(yes, -np.logaddexp(0, -Z))
            no = np.logaddexp(no, -np.logaddexp(0, Z))
    return yes - float(np.log(n_networks)) if exclusive else yes - no


def fit_temperature(logits, labels, sample_weight=None):
    """Return the temperature at which the log-loss is lowest.

    The sum of losses has ``log(T)² / 2`` added, a normal prior: a handful of rows that are
    all right must not make the network sure of everything.

    Parameters
    ----------
    logits : ndarray of shape (n_samples, n_classes)
        On samples that were not trained on.
    labels : ndarray of int of shape (n_samples,)
        Column of the true class.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights, of which only the ratios count; None means 1.

    Returns
    -------
    float
        From exp(-5) to exp(5).
    """
    rows = np.arange(len(labels))
    weights = np.ones(len(labels))
    if sample_weight is not None and sample_weight.any():
        weights = sample_weight / sample_weight.mean()

    def objective(log_temperature):
        log_P = log_softmax(logits / np.exp(log_temperature), axis=1)[rows, labels]
        return log_temperature**2 / 2 - weights @ log_P

    return float(np.exp(minimize_scalar(objective, bounds=(-5, 5), method="bounded").x))
