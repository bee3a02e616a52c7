"""The classifier for raw tables."""

from numbers import Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from .._compositions.calibration import fit_temperature, log_of_mean, tempered_probabilities
from .._estimators.checks import check_some_weight
from .._estimators.classifier import BackpropClassifier, LogProbabilities
from .._estimators.fitted import targets_of
from .._estimators.parameters import document_parameters
from .._estimators.targets import ClassTargets
from .._sklearn import Interval, StrOptions, check_y
from ..initializers import NeuralTangent
from ..losses import LogLoss
from ..optimizers import InputScaledAdamW
from ._base import AUTO, BaseTabular
from ._companions import CLASSIFIERS, NETWORK
from ._descriptions import DESCRIPTIONS
from ._gradients import ClassifierGradients
from ._intervals import PredictsSets, scores_of_classes
from ._logits import columns_of_labels, logits_of
from ._onnx import probabilities_of_members
from ._recipe import batch_size_for, constant, epochs_falling, falling, layers_for, members_for
from ._teams import pooled
from ._weights import joined, log_loss, select_logits, weigh_logits


@document_parameters(DESCRIPTIONS)
class TabularClassifier(
    PredictsSets, ClassifierGradients, LogProbabilities, ClassifierMixin, BaseTabular
):
    """Classifier for raw tables, good without tuning: an ensemble of neural networks.

    $parameters

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted; for multilabel the numbers of the columns of y.
    encoder_ : TabularEncoder
        Turns the table into numbers.
    estimators_ : list of BackpropClassifier
        The members, for encoded tables.
    companions_ : list of dict of str to estimator
        What predicts beside each member, by name; for encoded tables.
    candidates_ : dict of list, or None
        With ``n_candidates`` a row for each configuration, as ``cv_results_`` has them: its name,
        what it is, its loss on what was held out from the first members, its weight.
    weights_ : dict of str to float
        What the networks (``"network"``) and their companions count, chosen on held-out rows.
    temperature_ : float
        What their logits, together, are divided by, chosen on held-out rows.
    history_ : dict of list
        A record of each epoch of each member.
    mean_row_ : ndarray of shape (n_encoded_columns,)
        The mean of the encoded table, which attributions compare a row with.
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
        "label_smoothing": [Interval(Real, 0, 1, closed="left"), AUTO],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        *,
        n_estimators="auto",
        n_candidates=1,
        hidden_layer_sizes="auto",
        learning_rate_init="auto",
        dropout=0.0,
        weight_decay="auto",
        label_smoothing="auto",
        class_weight=None,
        n_bins=None,
        max_iter="auto",
        batch_size="auto",
        validation_fraction=0.1,
        early_stopping=True,
        scoring="loss",
        companions="auto",
        categorical_features="auto",
        ignored_features=None,
        max_categories=100,
        max_time=None,
        n_jobs=None,
        verbose="auto",
        random_state=None,
    ):
        self.n_estimators = n_estimators
        self.n_candidates = n_candidates
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
        self.early_stopping = early_stopping
        self.scoring = scoring
        self.companions = companions
        self.categorical_features = categorical_features
        self.ignored_features = ignored_features
        self.max_categories = max_categories
        self.max_time = max_time
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    _for_rows = {
        "n_estimators": members_for,
        "hidden_layer_sizes": layers_for,
        "learning_rate_init": constant(0.04),
        "weight_decay": constant(0.02),
        "label_smoothing": falling(0.1, 1 / 2),
        "max_iter": epochs_falling(3 / 4),
        "batch_size": batch_size_for,
    }
    _optimizer = InputScaledAdamW
    _usual_companions = CLASSIFIERS
    _say = staticmethod(logits_of)
    _uncalibrated = {"temperature_": 1.0, "weights_": {NETWORK: 1.0}, "_held_out_scores": []}

    def _check_targets(self, y):
        if issparse(y):
            y = y.toarray()
        y = check_y(y, multi_output=True, estimator=self)
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        check_classification_targets(y)
        return y

    def _encode_targets(self, y, sample_weight):
        """Return what is known of the labels, and what checks more of them."""
        targets = ClassTargets(y)

        def encode(y):
            targets.check_known(y)
            return y

        return {"classes_": targets.classes_}, encode

    def _strata(self, targets):
        # NumPy 2.0 knows no rows of objects
        axis = 0 if targets.ndim == 2 else None
        return np.unique(targets, axis=axis, return_inverse=True)[1].ravel()

    def _has_none_for(self, data):
        return "a single class" if len(data.fitted["classes_"]) < 2 else super()._has_none_for(data)

    def _companion_targets(self, data):
        return self._strata(data.targets)

    def _weighted(self, sample_weight, y):
        """Return the sample weights times the class weights."""
        if self.class_weight is None:
            return sample_weight
        weights = ClassTargets(y, None).sample_weight(self.class_weight, y)
        weights = weights if sample_weight is None else weights * sample_weight
        check_some_weight(weights, "class_weight times sample_weight")
        return weights

    def _member(self, seed, share, n_rows):
        label_smoothing = self._chosen("label_smoothing", share.n_trained_on(n_rows))
        return BackpropClassifier(
            loss=LogLoss(label_smoothing=label_smoothing),
            activation="selu",
            initializer=NeuralTangent(data_driven=True),
            **self._recipe(seed, share, n_rows),
        )

    def _calibrated(self, training):
        """Return weights and temperature, chosen on what each member has not been trained on."""
        held_out = list(training.held_out())
        if not held_out:
            return self._uncalibrated
        parts = [team.parts_of_logits(encoded) for team, encoded, *_ in held_out]
        labels, counts = _labels_and_counts(held_out, training.members[0])
        weigh = weigh_logits if self.n_candidates == 1 else select_logits
        all_counts = np.concatenate(counts) if counts else None
        weights, temperature = weigh(joined(parts), np.concatenate(labels), all_counts)
        scores = []
        if targets_of(training.members[0]).kind != "multilabel-indicator":
            logits = [pooled(each, weights) for each in parts]
            scores = scores_of_classes(logits, labels, counts, temperature)
        return {"temperature_": temperature, "weights_": weights, "_held_out_scores": scores}

    def _loss_of(self, said, held_out, member):
        """Return the log-loss of logits, at their best temperature."""
        labels, counts = _labels_and_counts(held_out, member)
        columns, logits = np.concatenate(labels), np.concatenate(said)
        weights = np.concatenate(counts) if counts else None
        return log_loss(logits / fit_temperature(logits, columns, weights), columns, weights)

    def _is_multilabel(self):
        return targets_of(self.estimators_[0]).kind == "multilabel-indicator"

    def predict_proba(self, X) -> np.ndarray:
        """Return the mean of the members' probabilities, in the order of ``classes_``.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_features)
            The table.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            For multilabel each column stands on its own.
        """
        check_is_fitted(self)
        blocks, is_multilabel = [], self._is_multilabel()
        for encoded in self._encoded_blocks(X):
            each = [
                tempered_probabilities(team.logits(encoded), self.temperature_)
                for team in self.teams()
            ]
            P = np.mean(each, axis=0)
            blocks.append(P[:, 1].reshape(len(encoded), -1) if is_multilabel else P)
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
            ``log(P / (1 - P))`` of ``classes_[1]``, or each label. Not cut off where P is.
        """
        check_is_fitted(self)
        blocks, kind = [], targets_of(self.estimators_[0]).kind
        for encoded in self._encoded_blocks(X):
            # float64: large scores show the last digit of float32, which rows beside change
            each, _ = self._outputs_of_each(encoded.astype(np.float64))
            scores = log_of_mean(iter(each), exclusive=kind == "multiclass")
            blocks.append(scores.ravel() if kind == "binary" else scores)
        return np.concatenate(blocks)

    def predict(self, X) -> np.ndarray:
        """Return the label of the highest mean probability, or for multilabel those above 1/2.

        Parameters
        ----------
        X : DataFrame (pandas or polars) or array-like of shape (n_samples, n_features)
            The table.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
        """
        P = self.predict_proba(X)
        if self._is_multilabel():
            return (P > 0.5).astype(int)
        return self.classes_[P.argmax(axis=1)]

    def _onnx_outputs(self, graph, encoded):
        return probabilities_of_members(graph, encoded, self)

    def __sklearn_tags__(self):
        """Tell scikit-learn that multilabel targets work."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _labels_and_counts(held_out, member):
    """Return the column of each label held out, and its weights or nothing, each a list."""
    labels = [columns_of_labels(targets_of(member), y) for _, _, y, _ in held_out]
    counts = [
        np.repeat(sample_weight, len(own) // len(y))
        for own, (_, _, y, sample_weight) in zip(labels, held_out, strict=True)
        if sample_weight is not None
    ]
    return labels, counts
