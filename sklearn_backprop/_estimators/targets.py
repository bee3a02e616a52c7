"""Class labels as numbers a network can learn, and back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, issparse
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from .._numerics.plain import plain


@plain("class_targets")
class ClassTargets:
    """Encodes labels as one column for two classes, one a class or a label for more.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_labels)
        Labels, or a matrix of 0 and 1 (multilabel), which may be sparse.
    classes : array-like of shape (n_classes,), default=None
        All labels that can occur; None takes those in ``y``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; for multilabel the numbers of the columns.
    kind : {"binary", "multiclass", "multilabel-indicator"}
        As `sklearn.utils.multiclass.type_of_target` names it.

    Raises
    ------
    ValueError
        If ``y`` are not class labels, or not in ``classes``.
    """

    classes_: Any

    def __init__(self, y, classes=None):
        self.kind = type_of_target(y, input_name="y")
        self.is_sparse = issparse(y)
        if self.kind == "multilabel-indicator":
            self.classes_ = np.arange(y.shape[1])
            self.check_known(y)
            if hasattr(classes, "shape"):
                classes = labels_in(classes)  # as scikit-learn, take a y that has all columns
            if classes is not None and not np.array_equal(class_labels(classes), self.classes_):
                raise ValueError(
                    f"classes={classes!r} does not fit y, which has {y.shape[1]} columns of 0 and "
                    f"1, one a label: its classes are their numbers, {self.classes_.tolist()}."
                )
            return
        if self.kind not in ("binary", "multiclass"):
            check_classification_targets(y)
            raise ValueError(
                f"y has the type {self.kind!r}: several outputs of more than two classes each are "
                "not supported. Fit a classifier for each (sklearn.multioutput)."
            )
        self.classes_ = np.unique(y) if classes is None else class_labels(classes)
        self.kind = "binary" if len(self.classes_) <= 2 else "multiclass"
        self.check_known(y)

    @property
    def n_outputs(self):
        """Columns of the encoded targets."""
        return 1 if self.kind == "binary" else len(self.classes_)

    def check_known(self, y):
        """Raise ``ValueError`` if ``y`` has a label that is not in ``classes_``."""
        self._check_kind(y)
        if self.kind == "multilabel-indicator" or self._finds_all(y):
            return
        labels = np.unique(y)
        # np.isin takes 1 for "1" where there are many of them
        same_kind = _is_text(labels) == _is_text(self.classes_)
        if not (same_kind and np.isin(labels, self.classes_).all()):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {labels}."
            )

    def _finds_all(self, y):
        """Tell whether labels are numbers of ``classes_``, in a fifth of the time of np.isin."""
        if not {y.dtype.kind, self.classes_.dtype.kind} <= set("biuf"):
            return False
        number = np.searchsorted(self.classes_, y)
        return bool((self.classes_.take(number, mode="clip") == y).all())

    def _check_kind(self, y):
        """Raise ``ValueError`` if ``y`` is not the same kind of labels."""
        if self.kind != "multilabel-indicator":
            if y.ndim != 1:
                raise ValueError(
                    f"y must be labels of one dimension, with the classes {self.classes_}; its "
                    f"shape is {y.shape}."
                )
            return
        if y.ndim != 2 or y.shape[1] != len(self.classes_):
            raise ValueError(
                f"y must have {len(self.classes_)} columns, one a label, as before; "
                f"its shape is {y.shape}."
            )
        values = np.unique(y.data if issparse(y) else y)
        if not np.isin(values, (0, 1)).all():
            raise ValueError(f"y of several labels must be 0 or 1, but has the values {values}.")

    def check_same(self, y):
        """Raise ``ValueError`` unless ``y`` has the classes known and no others."""
        self._check_kind(y)
        labels = np.arange(y.shape[1]) if y.ndim == 2 else np.unique(y)
        if set(labels) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {labels}"
            )

    def check_classes(self, classes):
        """Raise ``ValueError`` if ``classes`` are given and are others than before."""
        if classes is not None and not np.array_equal(self.classes_, class_labels(classes)):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on the first call to partial_fit, "
                f"was: {self.classes_!r}"
            )

    def encode(self, y):
        """Return a bool array of shape (n_samples, n_outputs)."""
        if self.kind == "multilabel-indicator":
            return (y.toarray() if issparse(y) else y).astype(bool)
        number = np.searchsorted(self.classes_, y)[:, None]
        return number == 1 if self.kind == "binary" else number == np.arange(self.n_outputs)

    def sample_weight(self, class_weight, y):
        """Return the weight of each sample by its class, as float64.

        Parameters
        ----------
        class_weight : dict, list of dict or "balanced"
            Classes without a weight have 1. For multilabel targets one dict ``{0: weight,
            1: weight}`` a label; a sample's weight is their product.
        y : ndarray or sparse matrix
            Labels; they need not have every class.
        """
        if isinstance(class_weight, str):
            return compute_sample_weight(class_weight, y)
        if self.kind != "multilabel-indicator":
            if not isinstance(class_weight, dict):
                raise ValueError(
                    f"class_weight={class_weight!r} must be a dict {{label: weight}} or "
                    "'balanced'; a list of dicts is for multilabel targets."
                )
            return _class_weights(class_weight, self.classes_)[np.searchsorted(self.classes_, y)]
        if not isinstance(class_weight, list) or len(class_weight) != len(self.classes_):
            raise ValueError(
                f"class_weight={class_weight!r} must be a list of {len(self.classes_)} dicts, one "
                "a label, for multilabel targets, or 'balanced'."
            )
        columns = zip(class_weight, self.encode(y).T.astype(int), strict=True)
        return np.prod([_class_weights(one, np.arange(2))[column] for one, column in columns], 0)

    def decode(self, logits):
        """Return the labels that an array of shape (n_samples, n_outputs) speaks for."""
        if self.kind == "multiclass":
            return self.classes_[logits.argmax(axis=1)]
        if self.kind == "binary":
            chosen = (logits[:, 0] > 0).astype(int)
            return self.classes_[np.minimum(chosen, len(self.classes_) - 1)]
        labels = (logits > 0).astype(int)
        return csr_matrix(labels) if self.is_sparse else labels


def labels_in(y):
    """Return ``y`` as what ``classes`` may be: labels, or the numbers of several columns."""
    shape = y.shape if hasattr(y, "shape") else np.shape(y)
    if len(shape) != 2:
        return y
    return np.arange(shape[1]) if shape[1] > 1 else np.ravel(y)


def class_labels(classes) -> Any:
    """Return the labels that ``partial_fit`` was given, sorted and each once.

    Parameters
    ----------
    classes : array-like of shape (n_classes,)
        Text, whole numbers, booleans or dates.

    Raises
    ------
    ValueError
        If they cannot be class labels.
    """

    def refuse(why):
        raise ValueError(f"classes={classes!r} {why}. Pass a list or an array of labels.")

    is_sequence = hasattr(classes, "__array__") or isinstance(classes, Sequence)
    if not is_sequence or isinstance(classes, (str, bytes)):
        refuse(f"is no list or array, but of type {type(classes).__name__}")
    try:
        labels = np.asarray(classes)
    except ValueError:
        refuse("has labels of different shapes")
    if labels.ndim != 1:
        refuse(f"has {labels.ndim} dimensions, not one")
    if not len(labels):
        refuse("is empty")
    if np.ma.is_masked(classes):
        refuse("has a masked value, which is no class")
    if labels.dtype.kind not in "iub":
        objects = np.asarray(classes, dtype=object)  # an array of text turns numbers into text
        if any(map(_is_missing, objects)):
            refuse("has a missing value, which is no class")
        if len({_kind_of(label) for label in objects}) > 1:
            refuse("mixes text and numbers")
    if labels.dtype.kind == "O" and not isinstance(labels[0], str):
        labels = np.array(labels.tolist())  # numbers that stood in an array of objects
    if labels.dtype.kind not in "biufmMOUST":
        refuse(f"has the dtype {labels.dtype}")
    if labels.dtype.kind == "f" and not np.all(np.isfinite(labels) & (labels == np.rint(labels))):
        refuse("has numbers that are not whole: classes are labels, not measurements")
    try:
        return np.unique(labels)
    except TypeError:
        refuse("has labels that cannot be sorted")


def _is_missing(label):
    """Tell whether a label is None, NaN or NaT, which equal nothing, or pandas' NA."""
    try:
        return label is None or bool(label != label)
    except TypeError:
        return True


def _kind_of(label):
    """Return str or bytes for text, else object."""
    return next((kind for kind in (str, bytes) if isinstance(label, kind)), object)


def _is_text(labels):
    """Tell whether an array of labels is one of text."""
    if labels.dtype.kind == "O":
        return len(labels) > 0 and isinstance(labels[0], str)
    return labels.dtype.kind in "UT"


def _class_weights(class_weight, classes):
    """Return the weight of each of the classes, as float64, from a dict."""
    unknown = set(class_weight) - set(classes)
    if unknown:
        raise ValueError(
            f"class_weight has weights for {sorted(unknown, key=str)}, which are not in the "
            f"classes {classes}."
        )
    weights = np.array([class_weight.get(label, 1) for label in classes.tolist()], dtype=float)
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise ValueError(f"class_weight must not be negative, got {class_weight!r}.")
    return weights
