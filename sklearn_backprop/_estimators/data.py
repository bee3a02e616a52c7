"""What a call of ``fit`` or ``partial_fit`` is given, as one object."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class ValidationSet:
    """What to validate on: a set of its own, or rows of X and y; nothing means a random share."""

    X: Any = None
    y: Any = None
    sample_weight: Any = None
    rows: Any = None


@dataclass
class FitData:
    """The arguments of a call, not yet checked.

    Attributes
    ----------
    X, y, sample_weight : object
        The data.
    classes : array-like or None
        All labels that can occur, for the first ``partial_fit`` of a classifier.
    coefs_init, intercepts_init : list of array-like or None
        Where to start from.
    validation : ValidationSet
        What to validate on.
    incremental : bool
        Whether this is ``partial_fit``: one pass, from where training stands.
    """

    X: Any
    y: Any
    sample_weight: Any = None
    classes: Any = None
    coefs_init: Any = None
    intercepts_init: Any = None
    validation: ValidationSet = field(default_factory=ValidationSet)
    incremental: bool = False

    @property
    def has_initial_values(self):
        """Whether it says where to start from."""
        return self.coefs_init is not None or self.intercepts_init is not None
