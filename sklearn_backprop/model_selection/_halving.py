"""Successive halving over epochs: the worse candidates are dropped while they train."""

from functools import partial
from math import ceil, floor, log
from numbers import Integral

import numpy as np
from joblib import parallel_config
from sklearn.base import is_classifier
from sklearn.model_selection import (
    ParameterGrid,
    ParameterSampler,
    RandomizedSearchCV,
    check_cv,
)
from sklearn.pipeline import Pipeline

from .._estimators.callbacks import EpochCallbacks
from ..components import Lasting
from ._tasks import Rungs, StackingBackend


class SuccessiveHalvingSearchCV(Lasting, RandomizedSearchCV):
    """Search by successive halving, whose resource is epochs.

    All candidates begin to train, in stacks. At each rung they are scored, the best
    ``1 / factor`` of them go on from where they are, and the others are dropped. So no
    epoch is trained twice, and a candidate that reaches the last rung is what an
    ordinary search would have made of it, learning-rate schedule included.

    The rungs are ``max_epochs``, ``max_epochs / factor``, ``max_epochs / factor²``, ...
    (Jamieson and Talwalkar, "Non-stochastic best arm identification and
    hyperparameter optimization", AISTATS 2016, algorithm 1).

    Parameters
    ----------
    estimator : estimator
        What to search for. A ``BackpropClassifier``, a ``BackpropRegressor`` and a
        ``Pipeline`` that ends in one pause at a rung and go on. Around them (ensembles,
        ``TransformedTargetRegressor``, pipelines within such), in a table's estimators,
        and with a solver or data that cannot pause (L-BFGS, sparse or memory-mapped X,
        ``max_time``, callbacks), each rung trains anew, as in scikit-learn.
    param_distributions : dict or list of dict
        Values or distributions by parameter, as in ``RandomizedSearchCV``.
    n_candidates : int, default=None
        How many to draw. None takes the whole grid, where all values are lists.
    factor : float, default=3
        One in so many survives a rung. Above 1.
    min_epochs : int, default=None
        Epochs of the first rung, at least. None makes as many rungs as it takes for one
        candidate to be left after the last.
    max_epochs : int, default=None
        Epochs of the last rung; None takes the estimator's ``max_iter``.
    resource : str, default=None
        The parameter that counts epochs, such as ``"regressor__max_iter"``. None finds
        the ``max_iter`` of the network that is in the estimator.
    scoring, n_jobs, refit, cv, verbose, pre_dispatch, error_score, return_train_score
        As in ``GridSearchCV``.
    random_state : int, RandomState or None, default=None
        For drawing candidates.

    Attributes
    ----------
    resource_ : str
        The parameter that counted epochs.
    n_resources_ : list of int
        Epochs at each rung.
    n_candidates_ : list of int
        Candidates at each rung.
    n_iterations_ : int
        Number of rungs.
    n_remaining_candidates_ : int
        Candidates that would survive the last rung.
    cv_results_ : dict
        As in scikit-learn's halving searches up to 1.9: a row for each candidate and
        rung, with the columns ``iter`` and ``n_resources``.
    all_cv_results_ : dict
        The same without ranks, which mean little across rungs: the name that the rows of
        all rungs have in scikit-learn's coming release.
    best_estimator_, best_score_, best_params_, best_index_, scorer_, n_splits_, refit_time_
        As in ``GridSearchCV``; the best is one of the last rung.

    Raises
    ------
    ValueError
        If ``factor``, ``min_epochs`` or ``max_epochs`` cannot be, if a distribution is
        given without ``n_candidates``, or if there is not one network whose epochs to
        count, and no ``resource`` that says which.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_backprop import BackpropClassifier
    >>> from sklearn_backprop.model_selection import SuccessiveHalvingSearchCV
    >>> grid = {"alpha": [0.0001, 0.01, 1.0], "learning_rate_init": [0.001, 0.01, 0.1]}
    >>> network = BackpropClassifier(tol=0.01, random_state=0)
    >>> search = SuccessiveHalvingSearchCV(network, grid, max_epochs=90)
    >>> search = search.fit(*load_iris(return_X_y=True))
    >>> search.n_candidates_, search.n_resources_
    ([9, 3, 1], [10, 30, 90])
    """

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        n_candidates=None,
        factor=3,
        min_epochs=None,
        max_epochs=None,
        resource=None,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        random_state=None,
        error_score=np.nan,
        return_train_score=False,
    ):
        super().__init__(
            estimator,
            param_distributions,
            random_state=random_state,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        del self.n_iter  # which is n_candidates here
        self.n_candidates = n_candidates
        self.factor = factor
        self.min_epochs = min_epochs
        self.max_epochs = max_epochs
        self.resource = resource

    def fit(self, X, y=None, **params):
        """Run the search.

        Parameters
        ----------
        X, y, **params
            As in ``GridSearchCV.fit``.

        Returns
        -------
        self : object
        """
        resource = epochs_parameter(self.estimator, self.resource)
        candidates = self._draw()
        if any(resource in candidate for candidate in candidates):
            raise ValueError(
                f"{resource} counts the epochs of the rungs, so it cannot be searched as well. "
                "Leave it out of param_distributions, and set max_epochs."
            )
        max_epochs = self.max_epochs
        if max_epochs is None:
            max_epochs = self.estimator.get_params()[resource]
        n_resources = rungs(len(candidates), self.factor, self.min_epochs, max_epochs)
        folds = SameFolds(check_cv(self.cv, y, classifier=is_classifier(self.estimator)))
        self.resource_, self.n_resources_ = resource, n_resources
        self._candidates, self._folds = candidates, folds
        self._rungs = Rungs(resource, max_epochs)
        try:
            with parallel_config(backend=StackingBackend(self._rungs)):
                super().fit(X, y, **params)
        finally:
            del self._folds, self._candidates, self._rungs
        self.all_cv_results_ = {
            name: column
            for name, column in self.cv_results_.items()
            if not name.startswith("rank_test_")
        }
        return self

    def _draw(self):
        """Return the candidates."""
        if self.n_candidates is None:
            return list(ParameterGrid(self.param_distributions))
        return list(
            ParameterSampler(
                self.param_distributions, self.n_candidates, random_state=self.random_state
            )
        )

    def _run_search(self, evaluate_candidates):
        """Evaluate rung by rung, each time the best of those before."""
        self.n_candidates_ = []
        candidates, results = self._candidates, {}
        for i, n_epochs in enumerate(self.n_resources_):
            self.n_candidates_.append(len(candidates))
            if self.verbose:
                print(f"Rung {i}: {len(candidates)} candidates up to epoch {n_epochs}")
            self._rungs.next(candidates)
            results = evaluate_candidates(
                [{**candidate, self._rungs.resource: n_epochs} for candidate in candidates],
                cv=self._folds,
                more_results={
                    "iter": [i] * len(candidates),
                    "n_resources": [n_epochs] * len(candidates),
                },
            )
            scores = results[f"mean_test_{self._metric()}"][-len(candidates) :]
            best = np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind="stable")
            survivors = sorted(best[: ceil(len(candidates) / self.factor)])
            candidates = [candidates[k] for k in survivors]
        self.n_iterations_ = len(self.n_resources_)
        self.n_remaining_candidates_ = len(candidates)

    def _metric(self):
        """Return the name of the score that decides."""
        several = self.scoring is not None and not isinstance(self.scoring, str)
        if not several or callable(self.scoring):
            return self.refit if isinstance(self.refit, str) else "score"
        if isinstance(self.refit, str):
            return self.refit
        raise ValueError(
            f"With several scores, refit must name the one by which candidates survive, got "
            f"refit={self.refit!r}. Pass refit='{next(iter(self.scoring))}', for example."
        )

    @staticmethod
    def _select_best_index(refit, refit_metric, results):
        """Return the best of the last rung, or what a callable ``refit`` says."""
        if callable(refit):
            return RandomizedSearchCV._select_best_index(refit, refit_metric, results)
        last = np.flatnonzero(results["iter"] == np.max(results["iter"]))
        scores = results[f"mean_test_{refit_metric}"][last]
        return int(last[np.argmax(np.nan_to_num(scores, nan=-np.inf))])


class SameFolds:
    """A splitter that splits once, so that every rung has the same folds."""

    def __init__(self, cv):
        self.cv = cv
        self.get_n_splits = cv.get_n_splits
        self._splits = None

    def split(self, X, y=None, groups=None, **params):
        """Return the splits, the same at each call."""
        if self._splits is None:
            split = partial(self.cv.split, X, y, **params)
            self._splits = list(split() if groups is None else split(groups=groups))
        return iter(self._splits)


def epochs_parameter(estimator, resource=None):
    """Return the name of the parameter that says how many epochs there are.

    Parameters
    ----------
    estimator : estimator
        A network, or something around one.
    resource : str, default=None
        The name, where the user gives it.

    Raises
    ------
    ValueError
        If there is no such parameter, or if it is not clear which.
    """
    name, given = type(estimator).__name__, estimator.get_params()
    found = [parameter for parameter in given if _counts_epochs(parameter, given, estimator)]
    last = f"{_name_of_the_last(estimator)}max_iter"
    if resource is not None:
        if resource not in given:
            raise ValueError(
                f"resource={resource!r} is no parameter of {name}. Those that count epochs in it: "
                f"{', '.join(found) or 'none'}."
            )
        return resource
    if last in found:
        return last
    if len(found) > 1:
        raise ValueError(
            f"{name} has several networks. Say whose epochs to count: "
            f"{' or '.join(f'resource={parameter!r}' for parameter in found)}."
        )
    if not found and last not in given:
        raise ValueError(
            f"SuccessiveHalvingSearchCV counts the epochs of a network, and there is none in "
            f"{name}. It can search BackpropClassifier, BackpropRegressor, TabularClassifier, "
            "TabularRegressor and what was given one of them: a Pipeline, "
            "BackpropEnsembleClassifier(BackpropClassifier()), "
            "TransformedTargetRegressor(BackpropRegressor()). For another estimator pass "
            "resource=, the name of its parameter that counts."
        )
    return found[0] if found else last


def _counts_epochs(parameter, given, estimator):
    """Tell whether a parameter is the ``max_iter`` of an estimator of this package."""
    owner, _, own_name = parameter.rpartition("__")
    return own_name == "max_iter" and isinstance(
        given[owner] if owner else estimator, EpochCallbacks
    )


def _name_of_the_last(estimator):
    """Return what stands before the parameters of a pipeline's last step."""
    prefix = ""
    while isinstance(estimator, Pipeline):
        step, estimator = estimator.steps[-1]
        prefix += f"{step}__"
    return prefix


def rungs(n_candidates, factor, min_epochs, max_epochs):
    """Return the epochs of each rung."""
    if not factor > 1:
        raise ValueError(f"factor must be above 1, got {factor!r}. 3 keeps one in three.")
    if not isinstance(max_epochs, Integral) or max_epochs < 1:
        raise ValueError(f"max_epochs must be an int of at least 1, got {max_epochs!r}.")
    if min_epochs is not None and not 1 <= min_epochs <= max_epochs:
        raise ValueError(
            f"min_epochs must lie between 1 and max_epochs={max_epochs}, got {min_epochs!r}."
        )
    rounding = 1e-9  # log(9, 3) is not quite 2
    n_rungs = 1 + ceil(log(n_candidates, factor) - rounding)
    n_rungs = min(n_rungs, 1 + floor(log(max_epochs / (min_epochs or 1), factor) + rounding))
    return [max(1, round(max_epochs / factor**k)) for k in reversed(range(n_rungs))]
