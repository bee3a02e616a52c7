"""Class labels as numbers a network can learn, and back."""

import numpy as np
from scipy.sparse import csr_matrix, issparse
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target


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

    def __init__(self, y, classes=None):
        self.kind = type_of_target(y, input_name="y")
        self.is_sparse = issparse(y)
        if self.kind == "multilabel-indicator":
            self.classes_ = np.arange(y.shape[1])
            return
        if self.kind not in ("binary", "multiclass"):
            check_classification_targets(y)
            raise ValueError(
                f"y has the type {self.kind!r}: several outputs of more than two classes each are "
                "not supported. Fit a classifier for each (sklearn.multioutput)."
            )
        self.classes_ = np.unique(y if classes is None else np.asarray(classes))
        self.kind = "binary" if len(self.classes_) <= 2 else "multiclass"
        self.check_known(y)

    @property
    def n_outputs(self):
        """Columns of the encoded targets."""
        return 1 if self.kind == "binary" else len(self.classes_)

    def check_known(self, y):
        """Raise ``ValueError`` if ``y`` has a label that is not in ``classes_``."""
        if self.kind == "multilabel-indicator":
            if y.ndim != 2 or y.shape[1] != len(self.classes_):
                raise ValueError(
                    f"y must have {len(self.classes_)} columns, one a label, as before; "
                    f"its shape is {y.shape}."
                )
            return
        labels = np.unique(y)
        if y.ndim != 1 or not np.isin(labels, self.classes_).all():
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {labels}."
            )

    def check_same(self, y):
        """Raise ``ValueError`` unless ``y`` has the classes known and no others."""
        labels = np.arange(y.shape[1]) if y.ndim == 2 else np.unique(y)
        if set(labels) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {labels}"
            )

    def check_classes(self, classes):
        """Raise ``ValueError`` if ``classes`` are given and are others than before."""
        if classes is not None and not np.array_equal(self.classes_, np.unique(classes)):
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
        """Return the weight of each sample by its class, as float64."""
        if self.kind != "multilabel-indicator":
            unknown = (
                set(class_weight) - set(self.classes_) if isinstance(class_weight, dict) else ()
            )
            if unknown:
                raise ValueError(
                    f"class_weight has weights for {sorted(unknown, key=str)}, which are not in "
                    f"the classes {self.classes_}."
                )
        elif isinstance(class_weight, dict) or (
            isinstance(class_weight, list) and len(class_weight) != len(self.classes_)
        ):
            raise ValueError(
                f"class_weight={class_weight!r} must be a list of {len(self.classes_)} dicts, one "
                "a label, for multilabel targets, or 'balanced'."
            )
        weights = compute_sample_weight(class_weight, y)
        if not (np.isfinite(weights).all() and (weights >= 0).all()):
            raise ValueError(f"class_weight must not be negative, got {class_weight!r}.")
        return weights

    def decode(self, logits):
        """Return the labels that an array of shape (n_samples, n_outputs) speaks for."""
        if self.kind == "multiclass":
            return self.classes_[logits.argmax(axis=1)]
        if self.kind == "binary":
            chosen = (logits[:, 0] > 0).astype(int)
            return self.classes_[np.minimum(chosen, len(self.classes_) - 1)]
        labels = (logits > 0).astype(int)
        return csr_matrix(labels) if self.is_sparse else labels
