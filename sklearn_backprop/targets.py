"""Class labels as numbers a network can learn, and back."""

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels


class ClassTargets:
    """Encodes labels as one column for two classes, one a class or a label for more.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_labels)
        Labels, or a matrix of 0 and 1 (multilabel).
    classes : array-like of shape (n_classes,), default=None
        All labels that can occur; None takes those in ``y``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    kind : {"binary", "multiclass", "multilabel-indicator"}
        As `sklearn.utils.multiclass.type_of_target` names it.
    """

    def __init__(self, y, classes=None):
        check_classification_targets(y)
        is_multilabel = type_of_target(y) == "multilabel-indicator"
        self.binarizer = LabelBinarizer()
        self.binarizer.fit(y if classes is None or is_multilabel else classes)
        self.kind = self.binarizer.y_type_
        self.classes_ = self.binarizer.classes_
        if classes is not None:
            self.check_known(y)

    @property
    def n_outputs(self):
        """Columns of the encoded targets."""
        return 1 if self.kind == "binary" else len(self.classes_)

    def check_known(self, y):
        """Raise ``ValueError`` if ``y`` has a label that is not in ``classes_``."""
        labels = unique_labels(y)
        if len(np.setdiff1d(labels, self.classes_)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {labels}."
            )

    def check_same(self, y):
        """Raise ``ValueError`` unless ``y`` has the classes known and no others."""
        labels = unique_labels(y)
        if set(labels) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {labels}"
            )

    def check_classes(self, classes):
        """Raise ``ValueError`` if ``classes`` are given and are others than before."""
        if classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ValueError(
                f"classes={classes!r} is not the same as on the first call to partial_fit, "
                f"was: {self.classes_!r}"
            )

    def encode(self, y):
        """Return a bool array of shape (n_samples, n_outputs)."""
        return self.binarizer.transform(y).astype(bool)

    def decode(self, logits):
        """Return the labels that an array of shape (n_samples, n_outputs) speaks for."""
        if self.kind == "multiclass":
            return self.classes_[logits.argmax(axis=1)]
        if self.kind == "binary":
            chosen = (logits[:, 0] > 0).astype(int)
            return self.classes_[np.minimum(chosen, len(self.classes_) - 1)]
        return self.binarizer.inverse_transform(logits, threshold=0.0)
