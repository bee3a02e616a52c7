"""Ensembles: networks that differ by their seeds, trained as one stack, and averaged.

Networks of other initial weights and batches find other functions, wrong in other
places; their mean is wrong less often than each (Lakshminarayanan, Pritzel and Blundell,
"Simple and scalable predictive uncertainty estimation using deep ensembles", NeurIPS
2017), and where they disagree, they have not learned enough.
"""

from typing import Any

import numpy as np
from sklearn.base import (
    ClassifierMixin,
    RegressorMixin,
)
from sklearn.utils import get_tags

from .._estimators.classifier import (
    IDENTITY,
    BackpropClassifier,
    LogProbabilities,
    probabilities,
)
from .._estimators.fitted import loss_of, outputs_of, targets_of
from .._estimators.regressor import BackpropRegressor, ScoredByLoss, without_axis_of_one
from .calibration import log_of_mean
from .members import BaseEnsemble


class BackpropEnsembleClassifier(LogProbabilities, ClassifierMixin, BaseEnsemble):
    """Ensemble of networks for classes, which predicts the mean of their probabilities.

    The members differ by their seeds and, with ``bootstrap``, by the rows that they
    are trained on. They train as one stack (`sklearn_backprop.fit_many`), each as it
    would alone.

    Parameters
    ----------
    estimator : BackpropClassifier, default=None
        What to train; clones of it with other ``random_state``. None takes the defaults.
    n_estimators : int, default=8
        Number of members. More of them leave the first as they are.
    bootstrap : bool, default=False
        Whether each member is trained on a sample of the rows, drawn with replacement.
        It has as many rows of each class as there are, so no class can be missing.
        (With several labels it is drawn from all rows.)
    n_jobs : int, default=None
        Processes to spread the members over in ``fit``, as in joblib.
    random_state : int, RandomState instance or None, default=None
        Source of the members' seeds and of the bootstrap. An int makes the fit repeatable.

    Attributes
    ----------
    estimators_ : list of BackpropClassifier
        The fitted members.
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had some.

    See Also
    --------
    BackpropEnsembleRegressor : The same for numbers.
    sklearn.ensemble.BaggingClassifier : Ensembles of any estimator.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_backprop import BackpropClassifier, BackpropEnsembleClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> network = BackpropClassifier(learning_rate="cosine", max_iter=20)
    >>> ensemble = BackpropEnsembleClassifier(network, n_estimators=3, random_state=0).fit(X, y)
    >>> ensemble.predict_proba(X).shape
    (150, 3)
    """

    _kind = BackpropClassifier
    _parameter_constraints = {
        **BaseEnsemble._parameter_constraints,
        "estimator": [BackpropClassifier, None],
    }

    def _labels(self, y):
        if y.ndim == 2:
            return super()._labels(y)
        return np.unique(y, return_inverse=True)[1]

    def _fitted(self, members):
        return super()._fitted(members) | {"classes_": members[0].classes_}

    def predict_proba(self, X) -> Any:
        """Return the mean probability of each class, in the order of ``classes_``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Inside (0, 1). For multilabel each column stands on its own.
        """
        X = self._check_X(X)
        mean = None
        for k, member in enumerate(self.estimators_, start=1):
            P = probabilities(targets_of(member), outputs_of(member, X))
            if mean is None:
                mean = P
            else:
                mean += (P - mean) / k
        return mean

    def decision_function(self, X) -> np.ndarray:
        """Return the logarithm of the mean probabilities, or of their odds.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
            With P from ``predict_proba`` ``log P`` for three or more classes, else
            ``log(P / (1 - P))`` of ``classes_[1]``, or each label. Not cut off where P is.
        """
        X = self._check_X(X)
        targets = targets_of(self.estimators_[0])
        each = (outputs_of(member, X, IDENTITY) for member in self.estimators_)
        scores = log_of_mean(each, exclusive=targets.kind == "multiclass")
        return scores.ravel() if targets.kind == "binary" else scores

    def predict(self, X) -> np.ndarray:
        """Return the label of the highest mean probability, or for multilabel those above 1/2.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
        """
        P = self.predict_proba(X)
        targets = targets_of(self.estimators_[0])
        return targets.decode(P[:, -targets.n_outputs :] - 0.5)

    def __sklearn_tags__(self):
        """Tell scikit-learn that multilabel targets work."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class BackpropEnsembleRegressor(ScoredByLoss, RegressorMixin, BaseEnsemble):
    """Ensemble of networks for numbers, which predicts their mean, and how they disagree.

    The members differ by their seeds and, with ``bootstrap``, by the rows that they
    are trained on. They train as one stack (`sklearn_backprop.fit_many`), each as it
    would alone.

    Parameters
    ----------
    estimator : BackpropRegressor, default=None
        What to train; clones of it with other ``random_state``. None takes the defaults.
    n_estimators : int, default=8
        Number of members. More of them leave the first as they are.
    bootstrap : bool, default=False
        Whether each member is trained on a sample of the rows, drawn with replacement
        and of the same size.
    n_jobs : int, default=None
        Processes to spread the members over in ``fit``, as in joblib.
    random_state : int, RandomState instance or None, default=None
        Source of the members' seeds and of the bootstrap. An int makes the fit repeatable.

    Attributes
    ----------
    estimators_ : list of BackpropRegressor
        The fitted members.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had some.

    See Also
    --------
    BackpropEnsembleClassifier : The same for classes.
    sklearn.ensemble.BaggingRegressor : Ensembles of any estimator.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_backprop import BackpropEnsembleRegressor, BackpropRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> network = BackpropRegressor(loss="gaussian", learning_rate="cosine", max_iter=20)
    >>> ensemble = BackpropEnsembleRegressor(network, n_estimators=3, random_state=0).fit(X, y)
    >>> mean, std = ensemble.predict(X, return_std=True)
    >>> mean.shape, std.shape
    ((442,), (442,))
    """

    _kind = BackpropRegressor
    _parameter_constraints = {
        **BaseEnsemble._parameter_constraints,
        "estimator": [BackpropRegressor, None],
    }

    def predict(self, X, return_std=False):
        """Return the mean of the members' predictions.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features.
        return_std : bool, default=False
            Whether to return standard deviations too: of the predictions over the
            members and, where members of ``loss="gaussian"`` predict variances,
            of the even mixture of their distributions. By the law of total variance its
            variance is the mean of the members' variances plus the variance of their
            means (Lakshminarayanan et al. 2017, section 2.4).

        Returns
        -------
        y : ndarray of shape (n_samples,), (n_samples, n_targets) or (n_samples, n_quantiles)
            Predictions.
        std : ndarray of the shape of y
            Only with ``return_std``.
        """
        X = self._check_X(X)
        mean = squares = noise = 0.0
        for k, member in enumerate(self.estimators_, start=1):
            outputs, loss = outputs_of(member, X), loss_of(member)
            prediction = loss.predictions(outputs)
            # Welford 1962: no difference of large numbers where members agree
            before = prediction - mean
            mean = mean + before / k
            if return_std:
                squares = squares + before * (prediction - mean)
                if hasattr(loss, "standard_deviations"):
                    noise = noise + np.square(loss.standard_deviations(outputs))
        if not return_std:
            return without_axis_of_one(mean)
        std = np.sqrt((squares + noise) / len(self.estimators_))
        return without_axis_of_one(mean), without_axis_of_one(std)

    def _loss_for_score(self):
        return loss_of(self.estimators_[0])

    def __sklearn_tags__(self):
        """Tell scikit-learn that several targets work, and whether they must be positive."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.positive_only = get_tags(self._template()).target_tags.positive_only
        return tags
