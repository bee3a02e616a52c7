"""What the parameters of the two estimators for tables mean."""

DESCRIPTIONS = {
    "loss": (
        "str or Loss",
        "What training makes small: ``'squared_error'`` predicts means, ``'absolute_error'`` "
        "medians, ``'quantile'`` or ``Quantile([0.05, 0.95])`` quantiles, ``'gaussian'`` a mean "
        "and a standard deviation; ``'poisson'`` is for counts, ``'gamma'`` for positive "
        "numbers; any other as `BackpropRegressor` takes it.",
    ),
    "quantile": ("float in (0, 1) or None", "Which one, for ``loss='quantile'``; None is 0.5."),
    "n_estimators": (
        "int",
        "Number of members, each with a seed and held-out rows of its own. More of them are "
        "more accurate, in proportionally more time; they leave the first as they are.",
    ),
    "hidden_layer_sizes": ("int, array-like of int or str", "Units of each hidden layer."),
    "learning_rate_init": ("float", "The highest rate of the schedule ``'coslog4'``."),
    "dropout": (
        "float or array-like of float in [0, 1)",
        "Share of hidden units silenced at random in each step.",
    ),
    "weight_decay": ("float", "Decoupled decay of the weights, as in ``AdamW``."),
    "label_smoothing": ("float in [0, 1)", "As in ``LogLoss``."),
    "class_weight": (
        "dict, 'balanced' or None",
        "Weights of the classes, ``{label: weight}``; ``'balanced'`` gives each class the same "
        "total weight. They multiply ``sample_weight``, in the calibration too: probabilities "
        "are then those of a world in which the classes have these weights.",
    ),
    "n_bins": ("int or None", "Bins of each feature of numbers, as in ``TabularEncoder``."),
    "max_iter": ("int", "Epochs."),
    "batch_size": (
        "int",
        "Rows a step, roughly: an epoch is cut into batches of the same size.",
    ),
    "validation_fraction": (
        "float in (0, 0.5]",
        "Share of the rows held out from each member, which decides about the epoch to keep. "
        "With fewer than 20 rows nothing is held out.",
    ),
    "categorical_features": (
        "'auto' or array-like of bool, int or str",
        "Which features are categories, as in ``TabularEncoder``.",
    ),
    "max_categories": ("int or None", "Columns that a feature may become, as there."),
    "max_time": (
        "float or None",
        "Seconds for encoding and all members together. Each member gets the same part, and "
        "keeps its best epoch when that is over; an epoch that has begun is finished.",
    ),
    "n_jobs": ("int or None", "Processes to spread the members over, as in joblib."),
    "verbose": ("bool or int", "Print a line for every so many epochs of each member."),
    "random_state": (
        "int, RandomState instance or None",
        "Source of all that is drawn. An int makes the fit repeatable.",
    ),
}
