"""The constructor parameters: what each may be, and its one description.

Both estimators, their docstrings and their HTML representation take them from here.
"""

import inspect
from numbers import Integral, Real
from string import Template
from textwrap import fill

import numpy as np
from sklearn.metrics import get_scorer_names

from .._sklearn import Interval, Options, StrOptions
from ..activations import ACTIVATIONS, OUTPUT_ACTIVATIONS, Activation
from ..initializers import INITIALIZERS, Initializer
from ..losses import LOSSES, Loss
from ..optimizers import OPTIMIZERS, Optimizer
from ..optimizers._lbfgs import LBFGS
from ..schedules import SCHEDULES, Schedule


def losses_for(task):
    """Return the registry of the losses of one task."""
    return {name: loss for name, loss in LOSSES.items() if loss.task == task}


POSITIVE = Interval(Real, 0, None, closed="neither")
NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
COUNT = Interval(Integral, 1, None, closed="left")

CONSTRAINTS = {
    "loss": [StrOptions(set(LOSSES)), Loss],
    "class_weight": [dict, list, StrOptions({"balanced"}), None],
    "hidden_layer_sizes": ["array-like", COUNT, str],
    "n_hidden_layers": [Interval(Integral, 0, None, closed="left"), None],
    "activation": [StrOptions(set(ACTIVATIONS)), Activation],
    "output_activation": [StrOptions({"auto"} | set(OUTPUT_ACTIVATIONS)), Activation],
    "solver": [StrOptions(set(OPTIMIZERS)), Optimizer, LBFGS],
    "alpha": [NOT_NEGATIVE],
    "batch_size": [StrOptions({"auto"}), COUNT],
    "learning_rate": [StrOptions(set(SCHEDULES)), Schedule, callable, POSITIVE],
    "learning_rate_init": [POSITIVE],
    "power_t": [NOT_NEGATIVE],
    "max_iter": [COUNT],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [NOT_NEGATIVE],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [POSITIVE],
    "n_iter_no_change": [COUNT, Options(Real, {np.inf}), StrOptions({"cycle"})],
    "max_fun": [COUNT],
    "initializer": [StrOptions(set(INITIALIZERS)), Initializer],
    "standardize": ["boolean"],
    "dtype": [StrOptions({"auto", "float32", "float64"})],
    "scoring": [StrOptions({"loss"} | set(get_scorer_names())), list, dict, callable, None],
    "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
    "max_grad_norm": [POSITIVE, None],
    "max_time": [POSITIVE, None],
}


def names(known):
    """Return a registry's names as a numpydoc set."""
    return "{" + ", ".join(f"'{name}'" for name in known) + "}"


_DESCRIPTIONS = {
    "loss": ("$losses or Loss", "What training makes small. $loss_notes"),
    "hidden_layer_sizes": (
        "int, array-like of int or str",
        "Units of each hidden layer. ``()`` has none: a linear, logistic or Poisson model. "
        "``'64x3'`` is three layers of 64.",
    ),
    "n_hidden_layers": (
        "int or None",
        "With an int as ``hidden_layer_sizes``, how many layers of that size; None is one. For "
        "tuners that know only numbers.",
    ),
    "class_weight": (
        "dict, list of dict, 'balanced' or None",
        "Weights of the classes, ``{label: weight}``; for multilabel targets one dict a label. "
        "``'balanced'`` gives each class the same total weight. They multiply "
        "``sample_weight``.",
    ),
    "activation": (
        f"{names(ACTIVATIONS)} or Activation",
        "Activation of the hidden layers.",
    ),
    "output_activation": (
        f"'auto', {names(OUTPUT_ACTIVATIONS)} or Activation",
        "Activation of the output layer. ``'auto'`` is the one that belongs to the loss: the "
        "identity, or the exponential for Poisson. A bounded one keeps predictions in its range.",
    ),
    "solver": (
        f"{names(OPTIMIZERS)}, Optimizer or LBFGS",
        "How weights are updated. ``'sgd'``, ``'adam'`` and ``'adamw'`` go batch by batch, "
        "``'lbfgs'`` takes all samples at once and suits small data. An instance such as "
        "``AdamW(weight_decay=0.02)`` brings its own parameters.",
    ),
    "alpha": (
        "float",
        "L2 penalty: ``alpha / 2`` times the sum of squared weights (not biases), divided by "
        "the number of samples, is added to the objective.",
    ),
    "batch_size": (
        "int or 'auto'",
        "Samples in a step of a stochastic solver; at most all. ``'auto'`` is "
        "``min(200, n_samples)``.",
    ),
    "learning_rate": (
        f"{names(SCHEDULES)}, Schedule or float",
        "How the step size goes on from ``learning_rate_init``: constant; "
        "``learning_rate_init / (t + 1)**power_t`` after t samples; divided by 5 whenever "
        "training stalls; or along a curve over ``max_iter`` epochs. Works with every "
        "stochastic solver. A float is a constant rate of that size, a function maps the "
        "fraction of training done to a multiplier.",
    ),
    "learning_rate_init": ("float", "The initial step size of a stochastic solver."),
    "power_t": ("float", "Exponent of ``learning_rate='invscaling'``."),
    "max_iter": (
        "int",
        "Largest number of epochs (passes over the data), or of L-BFGS iterations.",
    ),
    "shuffle": ("bool", "Whether a stochastic solver reads the samples in a new order each epoch."),
    "random_state": (
        "int, RandomState instance or None",
        "Source of the initial weights, the validation split and the shuffling. An int makes "
        "the fit repeatable.",
    ),
    "tol": (
        "float",
        "Gain in the loss, or in the validation score, that counts as progress; for L-BFGS "
        "the largest entry of the gradient at which it has converged.",
    ),
    "verbose": ("bool or int", "Print a line every so many epochs; False prints none."),
    "warm_start": ("bool", "Whether ``fit`` goes on from the weights of the last ``fit``."),
    "momentum": ("float in [0, 1]", "Momentum of ``solver='sgd'``."),
    "nesterovs_momentum": ("bool", "Whether ``solver='sgd'`` uses Nesterov's momentum."),
    "early_stopping": (
        "bool",
        "Whether to score a validation set after each epoch, stop when the score no longer "
        "improves, and keep the best epoch's weights.",
    ),
    "validation_fraction": (
        "float in [0, 1)",
        "Share of the samples set aside by ``early_stopping``, unless ``fit`` is given a "
        "validation set.",
    ),
    "beta_1": ("float in [0, 1)", "Decay of Adam's first moment."),
    "beta_2": ("float in [0, 1)", "Decay of Adam's second moment."),
    "epsilon": ("float", "Keeps Adam's division finite."),
    "n_iter_no_change": (
        "int, inf or 'cycle'",
        "Training stops after more than this many epochs in a row without progress. ``'cycle'`` "
        "is for ``early_stopping`` and a schedule of several cycles, ``'coslog4'``: it stops at "
        "the end of one, of ten epochs or more, that brought nothing.",
    ),
    "max_fun": ("int", "Largest number of evaluations of the objective by L-BFGS."),
    "initializer": (
        f"{names(INITIALIZERS)} or Initializer",
        "How initial weights are drawn. ``'auto'`` is scikit-learn's variant of Glorot's.",
    ),
    "standardize": (
        "bool",
        "Whether to train on features of mean 0 and variance 1 (sparse ones are only scaled)"
        "$target_notes. The fitted ``coefs_`` and ``intercepts_`` take raw X all the same. "
        "``alpha``, ``tol`` and the reported losses are in the standardized units.",
    ),
    "dtype": (
        "{'auto', 'float32', 'float64'}",
        "Precision of the computation; ``'auto'`` is that of X.",
    ),
    "scoring": (
        "'loss', str, callable, list, dict or None",
        "What ``early_stopping`` scores the validation set by: minus the loss, any scorer's "
        "name, a callable ``scorer(estimator, X, y)``, or None for $default_score. Of "
        "several (a list of names or a dict) the first decides, and all are in ``history_``.",
    ),
    "dropout": (
        "float or array-like of float in [0, 1)",
        "Share of hidden units silenced at random in each step, for all hidden layers or for "
        "each. Prediction uses all units.",
    ),
    "max_grad_norm": (
        "float or None",
        "Largest Euclidean norm of the whole gradient; a longer one is shortened to it.",
    ),
    "max_time": (
        "float or None",
        "Seconds after which training ends, at the end of an epoch, with the best weights so far.",
    ),
}


INDENT = " " * 4


ATTRIBUTES = """\
coefs_, intercepts_ : list of ndarray
    Weights, of shape (fan_in, fan_out), and biases, of shape (fan_out,), of each
    layer. They take raw X, whatever ``standardize`` is.
n_iter_ : int
    Epochs of the last ``fit`` and of ``partial_fit`` since.
t_ : int
    Samples trained on, repetitions included.
loss_, best_loss_ : float
    The objective of the last epoch, and the lowest (None with early stopping).
loss_curve_ : list of float
    The objective of each epoch, for every solver.
validation_scores_, best_validation_score_ : list of float, float
    Score of each epoch, and the best; None without early stopping.
history_ : dict of list
    A record of each epoch: loss, scores, learning rate, gradient norm, seconds.
n_layers_, n_outputs_ : int
    Number of layers, those of inputs and outputs included; and of outputs.
out_activation_ : str
    Name of the output activation.
n_features_in_ : int
    Number of features.
feature_names_in_ : ndarray of shape (n_features,)
    Their names, where X had some."""
"""What a fit leaves behind, as both estimators say it."""


def document_parameters(descriptions=None, **texts):
    """Return a class decorator that writes the "Parameters" section of a docstring.

    Parameters
    ----------
    descriptions : dict of str to (str, str), default=None
        What each parameter may be, and what it is; None takes the shared descriptions.
    **texts : str
        Fill the gaps (``$name``) in the shared descriptions. The section replaces the
        line ``$parameters`` in the class's docstring, and ``$attributes`` those that both
        estimators have.
    """
    known = _DESCRIPTIONS if descriptions is None else descriptions

    def decorate(cls):
        lines = ["Parameters", "----------"]
        for parameter in list(inspect.signature(cls.__init__).parameters.values())[1:]:
            kind, description = (Template(text).substitute(texts) for text in known[parameter.name])
            lines.append(f"{parameter.name} : {kind}, default={parameter.default!r}")
            lines.append(fill(description, 88, initial_indent=INDENT, subsequent_indent=INDENT))
            lines.append("")
        # Python 3.13 strips a docstring's indentation itself, earlier ones do not
        cls.__doc__ = inspect.cleandoc(cls.__doc__).replace(
            "$parameters", "\n".join(lines).rstrip()
        )
        cls.__doc__ = cls.__doc__.replace("$attributes", ATTRIBUTES)
        return cls

    return decorate
