"""The classifier for raw tables."""

from numbers import Real

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from .._compositions.calibration import fit_temperature, log_of_mean, tempered_probabilities
from .._estimators.checks import check_some_weight
from .._estimators.classifier import BackpropClassifier, LogProbabilities
from .._estimators.parameters import document_parameters
from .._estimators.targets import ClassTargets
from .._sklearn import Interval, StrOptions, check_y
from ..initializers import NeuralTangent
from ..losses import LogLoss
from ..optimizers import InputScaledAdamW
from ._base import BaseTabular
from ._descriptions import DESCRIPTIONS


@document_parameters(DESCRIPTIONS)
class TabularClassifier(LogProbabilities, ClassifierMixin, BaseTabular):
    """Classifier for raw tables, good without tuning: an ensemble of neural networks.

    $parameters

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted.
    encoder_ : TabularEncoder
        Turns the table into numbers.
    estimators_ : list of BackpropClassifier
        The members, for encoded tables.
    temperature_ : float
        What the members' logits are divided by, chosen on held-out rows.
    history_ : dict of list
        A record of each epoch of each member.
    n_iter_ : int
        Epochs of the member that had most.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X had some.

    See Also
    --------
    TabularRegressor : The same for numbers.
    BackpropClassifier : A single network, for numbers, with every choice open.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_backprop.tabular import TabularClassifier
    >>> X = np.array([["red", 1.0], ["blue", np.nan], ["red", 3.0], ["blue", 4.0]], dtype=object)
    >>> classifier = TabularClassifier(max_iter=20, random_state=0).fit(X, ["a", "b", "a", "b"])
    >>> classifier.predict(X)
    array(['a', 'b', 'a', 'b'], dtype='<U1')
    """

    _parameter_constraints = BaseTabular._parameter_constraints | {
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        *,
        n_estimators=5,
        hidden_layer_sizes=(128, 128, 128),
        learning_rate_init=0.04,
        dropout=0.0,
        weight_decay=0.02,
        label_smoothing=0.1,
        class_weight=None,
        n_bins=None,
        max_iter=256,
        batch_size=256,
        validation_fraction=0.1,
        categorical_features="auto",
        max_categories=100,
        max_time=None,
        n_jobs=None,
        verbose=False,
        random_state=None,
    ):
        self.n_estimators = n_estimators
        self.hidden_layer_sizes = hidden_layer_sizes
        self.learning_rate_init = learning_rate_init
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.n_bins = n_bins
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.categorical_features = categorical_features
        self.max_categories = max_categories
        self.max_time = max_time
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    _optimizer = InputScaledAdamW
    _uncalibrated = {"temperature_": 1.0}

    def _check_targets(self, y):
        y = column_or_1d(y, warn=True)
        check_y(y, estimator=self)
        check_classification_targets(y)
        return y

    def _encode_targets(self, y, sample_weight):
        classes, labels = np.unique(y, return_inverse=True)
        return {"classes_": classes}, y, labels

    def _weighted(self, sample_weight, y):
        """Return the sample weights times the class weights."""
        if self.class_weight is None:
            return sample_weight
        weights = ClassTargets(y, None).sample_weight(self.class_weight, y)
        weights = weights if sample_weight is None else weights * sample_weight
        check_some_weight(weights, "class_weight times sample_weight")
        return weights

    def _member(self, seed, held_out, n_samples):
        return BackpropClassifier(
            loss=LogLoss(label_smoothing=self.label_smoothing),
            activation="selu",
            initializer=NeuralTangent(data_driven=True),
            **self._recipe(seed, held_out, n_samples),
        )

    def _calibrate(self, encoded, labels, sample_weight, held_out):
        """Choose the temperature on what each member has not been trained on."""
        logits, rows = [], []
        for member, validation in zip(self.estimators_, held_out, strict=True):
            if validation is not None:
                logits.append(self._logits(member, encoded[validation]))
                rows.append(validation)
        self.temperature_ = 1.0
        if rows:
            rows = np.concatenate(rows)
            weights = None if sample_weight is None else sample_weight[rows]
            self.temperature_ = fit_temperature(np.concatenate(logits), labels[rows], weights)

    def _logits(self, member, encoded):
        """Return a member's logits, one column a class."""
        logits = member.decision_function(encoded).astype(np.float64)
        if logits.ndim == 2:
            return logits
        if len(self.classes_) == 1:
            return logits[:, None]
        return np.column_stack([np.zeros(len(logits)), logits])

    def predict_proba(self, X) -> np.ndarray:
        """Return the mean of the members' probabilities, in the order of ``classes_``.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_features)
            The table.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        blocks = []
        for encoded in self._encoded_blocks(X):
            each = [
                tempered_probabilities(self._logits(member, encoded), self.temperature_)
                for member in self.estimators_
            ]
            blocks.append(np.mean(each, axis=0))
        return np.concatenate(blocks)

    def decision_function(self, X) -> np.ndarray:
        """Return the logarithm of the mean probabilities, or of their odds.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_features)
            The table.

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
            With P from ``predict_proba`` ``log P`` for three or more classes, else
            ``log(P / (1 - P))`` of ``classes_[1]``. Not cut off where P is.
        """
        blocks = []
        for encoded in self._encoded_blocks(X):
            # float64: large scores show the last digit of float32, which rows beside change
            encoded = encoded.astype(np.float64)
            each = [member.decision_function(encoded) for member in self.estimators_]
            exclusive = each[0].ndim == 2
            tempered = (
                logits.astype(np.float64).reshape(len(encoded), -1) / self.temperature_
                for logits in each
            )
            scores = log_of_mean(tempered, exclusive)
            blocks.append(scores if exclusive else scores.ravel())
        return np.concatenate(blocks)

    def predict(self, X) -> np.ndarray:
        """Return the label of the highest mean probability.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_features)
            The table.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        P = self.predict_proba(X)
        return self.classes_[P.argmax(axis=1)]
