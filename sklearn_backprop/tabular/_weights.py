"""How much the networks and their companions count, by what they say of rows held out.

Stacking: D. H. Wolpert, "Stacked generalization", Neural Networks 1992; weights that are not
negative: L. Breiman, "Stacked regressions", Machine Learning 1996.
"""

import numpy as np
from scipy.optimize import minimize, nnls
from scipy.special import log_softmax

from .._compositions.calibration import fit_temperature
from ._companions import NETWORK

PRIOR_ROWS = 10.0
"""Rows that a prior is worth by which the networks alone count: few rows must not say much."""

LEAST_WEIGHT = 0.05
"""What would count less is left out: it would cost time and say nothing."""

N_ADDITIONS = 40
"""Parts that a mean has at most, so no weight is below a fortieth."""

LEAST_SUM = np.exp(-5)
"""Of the weights of logits: no temperature is higher than one over it."""


def weigh_predictions(parts, targets, sample_weight=None):
    """Return the weights ``v ≥ 0`` at which ``Σ_i w_i (y_i - Σ_j v_j f_ij)²`` is least.

    With ``λ s² |v - v⁰|²`` added, a normal prior at the networks alone, worth λ rows of the
    noise ``s²``: of the mean squared error of the best part.

    Parameters
    ----------
    parts : dict of str to ndarray of shape (n_rows,)
        What the networks and each companion predict of rows that they were not trained on.
    targets : ndarray of shape (n_rows,)
        Of variance 1.
    sample_weight : ndarray of shape (n_rows,), default=None
        Weights, of which only the ratios count.

    Returns
    -------
    dict of str to float
    """
    if len(parts) == 1:
        return dict.fromkeys(parts, 1.0)
    counts = _relative(sample_weight, len(targets))
    root = np.sqrt(counts)
    noise = min(np.mean(counts * np.square(part - targets)) for part in parts.values())
    strength = np.sqrt(PRIOR_ROWS * noise)

    def weigh(names):
        rows = root[:, None] * np.column_stack([parts[name] for name in names])
        prior = np.array([float(name == NETWORK) for name in names])
        A = np.vstack([rows, strength * np.eye(len(names))])
        return nnls(A, np.concatenate([root * targets, strength * prior]))[0]

    return _without_the_least(weigh, parts)


def weigh_logits(parts, columns, sample_weight=None):
    """Return weights that add up to 1, and the temperature, at which the log-loss is least.

    Of ``softmax(Σ_j w_j z_j / T)``, a logarithmic pool. The sum of the losses has a normal prior
    of ``w / T`` added, at the networks alone with their best temperature.

    Parameters
    ----------
    parts : dict of str to ndarray of shape (n_rows, n_classes)
        Logits of the networks and of each companion, of rows that they were not trained on.
    columns : ndarray of int of shape (n_rows,)
        Numbers of the true classes.
    sample_weight : ndarray of shape (n_rows,), default=None
        Weights, of which only the ratios count.

    Returns
    -------
    weights : dict of str to float
    temperature : float
    """
    temperature = fit_temperature(parts[NETWORK], columns, sample_weight)
    if len(parts) == 1:
        return dict.fromkeys(parts, 1.0), temperature
    rows, counts = np.arange(len(columns)), _relative(sample_weight, len(columns))

    def weigh(names):
        each = np.array([parts[name] for name in names])
        prior = np.array([float(name == NETWORK) for name in names]) / temperature
        true = each[:, rows, columns]

        def objective(v):
            log_P = log_softmax(np.tensordot(v, each, 1), axis=1)
            slopes = np.einsum("jnc,nc->jn", each, np.exp(log_P)) - true
            off = v - prior
            loss = PRIOR_ROWS / 2 * off @ off - counts @ log_P[rows, columns]
            return loss, slopes @ counts + PRIOR_ROWS * off

        bounds = [(0, None)] * len(names)
        return minimize(objective, prior, jac=True, bounds=bounds, method="L-BFGS-B").x

    weights = _without_the_least(weigh, parts)
    total = sum(weights.values())
    if total < LEAST_SUM:  # nothing that any of them says helps
        return {name: float(name == NETWORK) for name in parts}, float(1 / LEAST_SUM)
    return {name: weight / total for name, weight in weights.items()}, float(1 / total)


def select_predictions(parts, targets, sample_weight=None):
    """Return the weights of a mean of predictions, chosen one after the other.

    As ``weigh_predictions``, for parts that are many and much alike.
    """
    counts = _relative(sample_weight, len(targets))
    counts = counts.reshape(-1, *[1] * (targets.ndim - 1))
    return _select(parts, lambda mean: np.mean(counts * np.square(mean - targets)))


def select_logits(parts, columns, sample_weight=None):
    """Return weights of logits and the temperature of their sum, chosen one after the other.

    As ``weigh_logits``, for parts that are many and much alike. Each is first divided by its
    own temperature: smoothed labels make logits smaller, and must not make them count less.
    """
    temperatures = {
        name: fit_temperature(part, columns, sample_weight) for name, part in parts.items()
    }
    calibrated = {name: part / temperatures[name] for name, part in parts.items()}
    chosen = _select(calibrated, lambda mean: log_loss(mean, columns, sample_weight))
    weights = {name: weight / temperatures[name] for name, weight in chosen.items()}
    total = sum(weights.values())
    weights = {name: weight / total for name, weight in weights.items()}
    together = sum(weights[name] * part for name, part in parts.items())
    return weights, fit_temperature(together, columns, sample_weight)


def log_loss(logits, columns, sample_weight=None):
    """Return the mean log-loss of logits, where columns are those of the true classes."""
    log_P = log_softmax(logits, axis=1)[np.arange(len(columns)), columns]
    return -np.mean(_relative(sample_weight, len(columns)) * log_P)


def _select(parts, loss):
    """Return the weights of a mean to which one part is added again and again, the best each time.

    R. Caruana, A. Niculescu-Mizil, G. Crew and A. Ksikes, "Ensemble selection from libraries of
    models", ICML 2004: with replacement, and of all the means on the way the best.

    Parameters
    ----------
    parts : dict of str to ndarray
        What each says of rows that it was not trained on.
    loss : callable
        Of such a mean.
    """

    def weigh(names):
        counts, total = np.zeros(len(names)), 0.0
        best, best_loss = counts, np.inf
        for n_added in range(1, N_ADDITIONS + 1):
            losses = [loss((total + parts[name]) / n_added) for name in names]
            k = int(np.argmin(losses))
            counts = counts + (np.arange(len(names)) == k)
            total = total + parts[names[k]]
            if losses[k] < best_loss:
                best, best_loss = counts, losses[k]
        return best / best.sum()

    return _without_the_least(weigh, parts)


def joined(parts) -> dict:
    """Return what networks and companions say of all rows, one team's after another's.

    Parameters
    ----------
    parts : list of dict of str to ndarray
        Of each team, of the rows that were held out from it.
    """
    return {name: np.concatenate([each[name] for each in parts]) for name in parts[0]}


def _without_the_least(weigh, parts):
    """Return the weights of all parts, where those that count too little have 0.

    Parameters
    ----------
    weigh : callable
        Returns the weights of the parts whose names it is given.
    parts : iterable of str
        Their names.
    """
    names = list(parts)
    while True:
        weights = weigh(names)
        share = weights / max(weights.sum(), np.finfo(float).tiny)
        kept = [n for n, s in zip(names, share, strict=True) if n == NETWORK or s >= LEAST_WEIGHT]
        if kept == names:
            return dict.fromkeys(parts, 0.0) | dict(zip(names, weights.tolist(), strict=True))
        names = kept


def _relative(sample_weight, n_rows):
    """Return weights of mean 1."""
    if sample_weight is None or not sample_weight.any():
        return np.ones(n_rows)
    return sample_weight / sample_weight.mean()
