"""How the members of an ensemble are made, and trained as one stack."""

import warnings
from collections import defaultdict
from functools import partial
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import (
    BaseEstimator,
    MetaEstimatorMixin,
    clone,
    is_regressor,
)
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from .._engine.samples import bootstrap_rows, rows_of
from .._estimators.callbacks import MemberCallbacks, given_data
from .._estimators.checks import (
    check_features,
    check_features_and_targets,
    check_weights,
    columns_of,
)
from .._estimators.fitted import OwnsEstimators
from .._estimators.onnx import export_ensemble
from .._estimators.parameters import COUNT
from .._sklearn import callbacks_of, with_callbacks
from .._stacks.fit_many import fit_many


class BaseEnsemble(MemberCallbacks, OwnsEstimators, MetaEstimatorMixin, BaseEstimator):
    """Base of the ensembles: how their members are made and trained."""

    _parameter_constraints = {
        "n_estimators": [COUNT],
        "bootstrap": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self, estimator=None, *, n_estimators=8, bootstrap=False, n_jobs=None, random_state=None
    ):
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.bootstrap = bootstrap
        self.n_jobs = n_jobs
        self.random_state = random_state

    @with_callbacks
    def fit(self, X, y, sample_weight=None) -> Self:
        """Train the members, as one stack, or with callbacks one after another.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, non-negative. A bootstrap draws rows evenly, and they keep their
            weights.

        Returns
        -------
        self : object
            The fitted ensemble.

        Raises
        ------
        ValueError
            If a parameter or the data are not usable, or if a member could not be
            trained. The ensemble is then as it was.

        Warns
        -----
        ConvergenceWarning
            If members did not converge; once, with how many.
        """
        self._validate_params()
        given = given_data(X, y, sample_weight)
        X, y = check_features_and_targets(X, y, type(self).__name__, is_regressor(self))
        sample_weight = check_weights(sample_weight, X)
        columns = columns_of(given["X"])
        members, rows = self._members(y, sample_weight)
        context = self._begin_callbacks(given, len(members))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if callbacks_of(self):
                fit = partial(self._fit_member, rows, X, y, sample_weight)
                alone = lambda network: columns | self._fitted([network])  # noqa: E731
                self._fit_in_turn(members, fit, context, given, alone)
            else:
                members = fit_many(
                    members, X, y, rows=rows, sample_weight=sample_weight, n_jobs=self.n_jobs
                )
        self._warn_once(caught)
        validate_data(self, given["X"], skip_check_array=True)
        if columns["feature_names_in_"] is not None:
            for member in members:  # they were given arrays, but are good for data frames too
                member.feature_names_in_ = self.feature_names_in_
        self.__dict__.update(self._fitted(members))
        self._end_callbacks(context, given)
        return self

    def _fit_member(self, rows, X, y, sample_weight, k, member):
        index = None if rows is None else rows[k]
        weights = None if sample_weight is None else rows_of(sample_weight, index)
        member.fit(rows_of(X, index), rows_of(y, index), weights)

    def _members(self, y, sample_weight):
        """Return the members, unfitted, and the rows to fit each on."""
        # two seeds a member: more members leave the first as they are
        random_state = check_random_state(self.random_state)
        seeds = random_state.randint(2**31, size=(self.n_estimators, 2)).tolist()
        template = self._template()
        members = [clone(template).set_params(random_state=seed) for seed, _ in seeds]
        if not self.bootstrap:
            return members, None
        strata = self._strata(y, sample_weight)
        return members, [bootstrap_rows(strata, np.random.RandomState(s)) for _, s in seeds]

    def _template(self):
        return self._kind() if self.estimator is None else self.estimator

    def _strata(self, y, sample_weight):
        """Return for each row the number of the stratum that a bootstrap keeps the size of."""
        has_weight = np.ones(y.shape[0], int) if sample_weight is None else sample_weight > 0
        labels = self._labels(y)
        return 2 * labels + has_weight

    def _labels(self, y):
        return np.zeros(y.shape[0], dtype=int)

    def _fitted(self, members):
        """Return the fitted attributes of an ensemble of these members."""
        return {"estimators_": members}

    def _warn_once(self, caught):
        """Give the members' warnings, one for all of a kind."""
        kinds = defaultdict(list)
        for warning in caught:
            kinds[warning.category].append(str(warning.message))
        for category, messages in kinds.items():
            text = f"{len(messages)} of {self.n_estimators} networks. The first: {messages[0]}"
            warnings.warn(text, category, stacklevel=3)

    def _check_X(self, X):
        """Return checked features for the fitted members."""
        check_is_fitted(self)
        return check_features(X, self)

    def to_onnx(self, path=None) -> Any:
        """Return the ensemble as an ONNX model, as a network's ``to_onnx`` does.

        Parameters
        ----------
        path : str or path-like, default=None
            File to write the model to.

        Returns
        -------
        onnx.ModelProto
            With the input and the output of a member's: means over the members.

        Raises
        ------
        ImportError
            If the package onnx is missing (``pip install onnx``).
        ValueError
            If the activation or the loss is not one of this package's.
        """
        check_is_fitted(self)
        return export_ensemble(self, path)

    def __sklearn_tags__(self):
        """Tell scikit-learn that sparse X works."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
