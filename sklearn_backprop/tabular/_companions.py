"""Companions: models of scikit-learn's that predict beside the networks.

Networks draw smooth surfaces, boosted trees steps, a linear model a plane. Where one of them is
wrong the others often are not, so what they predict together is better than each of them. Each
companion is fitted once for each member, on the rows that this member trains on; so what is
held out from a network is held out from its companions, and says what each of them is worth.
"""

import warnings
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import numpy as np
from scipy.special import log_softmax
from sklearn.base import clone, is_classifier
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV
from sklearn.utils import check_random_state
from sklearn.utils.validation import has_fit_parameter

from .._numerics.blas import allowed_threads, one_openmp_thread

NETWORK = "network"
"""The name of the network, beside those of its companions."""

MOST_WORK = 1e11
"""Multiplications of a ridge regression beyond which it is left out: half a minute."""

MANY_ROWS = 10_000
"""From so many on, the penalty of a ridge regression hardly matters."""

LIMIT, UNIT, NEARLY_NOTHING = 3.0, 0.3, 1e-4
"""The encoder's limit; a weight of what is not clipped, for ridge regression; and what is left
of 1 where a number is a hundred limits away."""

TREES = HistGradientBoostingClassifier, HistGradientBoostingRegressor
"""Companions whose derivative is zero wherever there is one."""

LINEAR = LogisticRegression, Ridge, RidgeCV
"""Companions whose derivatives are their coefficients."""

SMALLEST = 1e-6
"""A companion that rules a class out might be wrong: probabilities are no smaller for it."""


def boosting_classifier(n_rows, n_columns, n_classes):
    """Return boosted trees: of many classes, fewer rounds, for each takes a tree a class."""
    n_rounds = int(np.clip(400 // n_classes, 20, 100))
    return HistGradientBoostingClassifier(
        learning_rate=0.1 if n_classes <= 4 else 0.2,
        max_iter=n_rounds,
        early_stopping=False,  # which copies the rows, and takes some of them away
    )


def boosting_regressor(n_rows, n_columns, n_classes):
    """Return boosted trees."""
    return HistGradientBoostingRegressor(early_stopping=False)


def logistic_regression(n_rows, n_columns, n_classes):
    """Return a logistic regression, to three digits."""
    return LogisticRegression(max_iter=100, tol=1e-3)


def ridge_regression(n_rows, n_columns, n_classes):
    """Return a ridge regression; None if it would take too long.

    Its penalty is chosen by leaving out one row, the smallest for columns that are nearly the
    same, as those of a spectrum. With many rows it does not matter, and choosing takes memory.
    """
    if n_rows * n_columns * min(n_rows, n_columns) > MOST_WORK:
        return None
    return RidgeCV(alphas=np.logspace(-6, 4, 21)) if n_rows < MANY_ROWS else Ridge()


def with_unclipped(encoded):
    """Return columns, and beside them what they were before the encoder's smooth clip.

    A line through what is clipped is none through the numbers themselves; with both, what is
    far out may count as much as it is, or less.
    """
    n_columns = encoded.shape[1]
    both = np.empty((len(encoded), 2 * n_columns))  # at once: of many rows a copy is large
    both[:, :n_columns] = encoded
    unclipped = both[:, n_columns:]
    np.divide(both[:, :n_columns], LIMIT, out=unclipped)
    np.square(unclipped, out=unclipped)
    np.subtract(1, unclipped, out=unclipped)
    np.sqrt(np.maximum(unclipped, NEARLY_NOTHING, out=unclipped), out=unclipped)
    np.divide(both[:, :n_columns], unclipped, out=unclipped)
    unclipped *= UNIT
    return both


def slopes_of_unclipped(encoded):
    """Return the derivatives of the second half of ``with_unclipped``."""
    left = 1 - np.square(encoded / LIMIT)
    flat = NEARLY_NOTHING**-0.5
    return UNIT * np.where(left > NEARLY_NOTHING, np.maximum(left, NEARLY_NOTHING) ** -1.5, flat)


FORMS = {"linear": with_unclipped}
"""What a companion of a name is given in place of the encoded columns."""


def as_given(name, encoded):
    """Return the encoded columns as a companion takes them, of float64.

    Normal equations of float32 lose half of their digits.
    """
    return FORMS[name](encoded) if name in FORMS else encoded.astype(np.float64)


CLASSIFIERS = {"boosting": boosting_classifier, "linear": logistic_regression}
REGRESSORS = {"boosting": boosting_regressor, "linear": ridge_regression}
"""What ``companions="auto"`` takes, by name: functions of rows, columns and classes."""


def check_companions(companions, estimator):
    """Return the companions that a user gave, by name.

    Parameters
    ----------
    companions : list of estimator
        Unfitted.
    estimator : TabularClassifier or TabularRegressor
        Whose companions they are.

    Raises
    ------
    ValueError
        If one of them does not predict what the estimator does.
    """
    is_for_classes = is_classifier(estimator)
    method = "predict_proba" if is_for_classes else "predict"
    named = {}
    for companion in companions:
        fits = hasattr(companion, "fit") and not isinstance(companion, type)
        if not (fits and hasattr(companion, method) and is_classifier(companion) == is_for_classes):
            kind = "classifiers" if is_for_classes else "regressors"
            raise ValueError(
                f"companions of {type(estimator).__name__} must be unfitted {kind} with {method}, "
                f"or 'auto' or None; got {companion!r}."
            )
        base = name = type(companion).__name__
        while name in named:
            name = f"{base}-{len(named) + 1}"
        named[name] = companion
    return named


def check_takes_weights(companions):
    """Raise ``ValueError`` for a companion whose ``fit`` takes no weights."""
    for companion in companions.values():
        if not has_fit_parameter(companion, "sample_weight"):
            raise ValueError(
                f"companions: {companion!r} takes no sample_weight, which there is here. Leave it "
                "out of companions."
            )


def fit_companions(companions, encoded, targets, sample_weight, rows, seed, deadline=None):
    """Fit clones of each companion on some sets of rows, several at a time.

    Each runs in one thread, so that its bits do not depend on how many there are.

    Parameters
    ----------
    companions : dict of str to estimator
        Unfitted.
    encoded : ndarray of shape (n_rows, n_columns)
        The columns that they are given.
    targets : ndarray of shape (n_rows,)
        Numbers of classes, or numbers.
    sample_weight : ndarray of shape (n_rows,) or None
        Rows without weight are left out.
    rows : list of ndarray of int
        For each member those that it trains on. Where several are the same object, one fit is
        for all of them.
    seed : int
        Of what is random in them.
    deadline : float, default=None
        Moment of ``time.perf_counter`` after which no fit begins.

    Returns
    -------
    list of dict of str to estimator
        The fitted companions of each member, without those for which there was no time or, of
        classes, of which only one is in the rows.
    """
    sets = {id(own): own for own in rows}

    def fit(job):
        name, key = job
        own = sets[key]
        if deadline is not None and perf_counter() > deadline:
            return None
        weights = {}
        if sample_weight is not None:
            own = own[sample_weight[own] > 0]
            given = sample_weight[own]
            # the penalties of the companions have rows as their unit
            weights["sample_weight"] = given / given.mean() if len(given) else given
        is_known = not is_classifier(companions[name]) or len(np.unique(targets[own])) > 1
        if not (is_known and len(own)):
            return None
        with one_openmp_thread():
            fitted = _seeded(clone(companions[name]), seed)
            return fitted.fit(as_given(name, encoded[own]), targets[own], **weights)

    jobs = [(name, key) for name in companions for key in sets]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of iterations, which are enough for a companion
        with ThreadPoolExecutor(max(1, min(len(jobs), allowed_threads()))) as pool:
            fitted = dict(zip(jobs, pool.map(fit, jobs), strict=True))
    complete = [name for name in companions if None not in [fitted[name, key] for key in sets]]
    return [{name: fitted[name, id(own)] for name in complete} for own in rows]


def _seeded(companion, seed):
    """Return a companion whose random states, where they are None, are drawn from a seed."""
    random_state = check_random_state(seed)
    for name, value in sorted(companion.get_params(deep=True).items()):
        if value is None and name.split("__")[-1] == "random_state":
            companion.set_params(**{name: int(random_state.randint(2**31))})
    return companion


def log_probabilities(companion, encoded, n_classes):
    """Return the logarithm of a companion's probabilities, of shape (n_rows, n_classes)."""
    if isinstance(companion, (*TREES, *LINEAR)):  # whose scores are logits
        Z = companion.decision_function(encoded)
        Z = np.column_stack([np.zeros(len(Z)), Z]) if Z.ndim == 1 else Z
    else:
        Z = np.log(np.clip(companion.predict_proba(encoded), SMALLEST, 1.0))
    Z = log_softmax(Z, axis=1)
    if len(companion.classes_) == n_classes:
        return Z
    every = np.full((len(Z), n_classes), np.log(SMALLEST))  # a class may be in no row of a fold
    every[:, companion.classes_] = Z
    return every
