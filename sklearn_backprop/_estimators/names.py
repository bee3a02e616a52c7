"""Names that are not known: which are, and which one was probably meant."""

from difflib import get_close_matches

from sklearn.base import is_classifier

from ..activations import ACTIVATIONS, OUTPUT_ACTIVATIONS
from ..initializers import INITIALIZERS
from ..losses import LOSSES
from ..optimizers import OPTIMIZERS
from ..schedules import SCHEDULES
from .parameters import losses_for

REGISTRIES = {
    "loss": LOSSES,
    "activation": ACTIVATIONS,
    "output_activation": OUTPUT_ACTIVATIONS,
    "solver": OPTIMIZERS,
    "learning_rate": SCHEDULES,
    "initializer": INITIALIZERS,
}

ELSEWHERE = {
    "bce": "log_loss",
    "binary_crossentropy": "log_loss",
    "categorical_crossentropy": "log_loss",
    "cross_entropy": "log_loss",
    "crossentropy": "log_loss",
    "nll": "log_loss",
    "l2": "squared_error",
    "mean_squared_error": "squared_error",
    "mse": "squared_error",
    "l1": "absolute_error",
    "mae": "absolute_error",
    "mean_absolute_error": "absolute_error",
    "pinball": "quantile",
    "sigmoid": "logistic",
    "swish": "silu",
    "linear": "identity",
    "cosine_annealing": "cosine",
    "onecycle": "one_cycle",
    "he": "he_normal",
    "kaiming": "he_normal",
    "glorot": "glorot_uniform",
    "xavier": "glorot_uniform",
}
"""What other libraries call what is known here."""


def check_names(estimator):
    """Raise ``ValueError`` for the name of a component that there is none of.

    Parameters
    ----------
    estimator : estimator
        Any of this package: what parameters it does not have are passed over.
    """
    task = "classification" if is_classifier(estimator) else "regression"
    for parameter, known in REGISTRIES.items():
        value = getattr(estimator, parameter, None)
        if not isinstance(value, str) or value in known or value == "auto":
            continue
        names = sorted(losses_for(task) if parameter == "loss" else known)
        meant = [ELSEWHERE.get(value.lower()), *get_close_matches(value.lower(), names, 1)]
        hint = next((f" Did you mean {name!r}?" for name in meant if name in names), "")
        raise ValueError(
            f"The {parameter!r} parameter of {type(estimator).__name__} must be one of "
            f"{', '.join(map(repr, names))}, or an instance of a class like theirs. Got {value!r} "
            f"instead.{hint}"
        )
