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
        "int or 'auto'",
        "Number of members, each with a seed and held-out rows of its own. More of them are "
        "more accurate, in proportionally more time; they leave the first as they are. ``'auto'`` "
        "is 5 from 800 rows on, with fewer 4,000 divided by their number, and 20 at most.",
    ),
    "n_candidates": (
        "int",
        "Configurations of the networks to try: their own, and others that are drawn at random. "
        "The others are trained for a fifth of the members, and the best five for all; then "
        "all are weighed together by held-out rows. 16 take about seven times as long as 1, and "
        "are a little more accurate, mostly of numbers; these need ``loss='squared_error'``. What "
        "you have set yourself is not drawn.",
    ),
    "hidden_layer_sizes": (
        "int, array-like of int or str",
        "Units of each hidden layer. ``'auto'`` is three of 128, and for classes from 8,192 rows "
        "on three of 256.",
    ),
    "learning_rate_init": (
        "float or 'auto'",
        "The highest rate of the schedule ``'coslog4'``. ``'auto'`` is 0.04 for classes; for "
        "numbers 0.07, and with more rows up to twice that.",
    ),
    "dropout": (
        "float or array-like of float in [0, 1)",
        "Share of hidden units silenced at random in each step.",
    ),
    "weight_decay": (
        "float or 'auto'",
        "Decoupled decay of the weights, as in ``AdamW``. ``'auto'`` is 0.02; for numbers less "
        "from 2,048 rows on, in proportion.",
    ),
    "label_smoothing": (
        "float in [0, 1) or 'auto'",
        "As in ``LogLoss``. ``'auto'`` is 0.1, and from 2,048 rows on less.",
    ),
    "class_weight": (
        "dict, 'balanced' or None",
        "Weights of the classes, ``{label: weight}``; ``'balanced'`` gives each class the same "
        "total weight. They multiply ``sample_weight``, in the calibration too: probabilities "
        "are then those of a world in which the classes have these weights.",
    ),
    "n_bins": ("int or None", "Bins of each feature of numbers, as in ``TabularEncoder``."),
    "max_iter": (
        "int or 'auto'",
        "Epochs. ``'auto'`` is 256, and from 2,048 rows on less: for classes 46 for 20,000 of "
        "them and 16 for 100,000, for numbers 82 and 37.",
    ),
    "batch_size": (
        "int or 'auto'",
        "Rows a step, roughly: an epoch is cut into batches of the same size. ``'auto'`` is 256, "
        "and from 16,384 rows on more: 1,414 for 500,000.",
    ),
    "validation_fraction": (
        "float in (0, 0.5]",
        "Share of the rows held out from each member, which decides about the epoch to keep. "
        "With fewer than 20 rows nothing is held out.",
    ),
    "early_stopping": (
        "bool",
        "Whether a member's training ends when a cycle of its learning rate (after 1/5 or 7/15 "
        "of the epochs), of ten epochs or more, has brought nothing on the held-out rows, if these "
        "are at least 50. Its best epoch is kept in any case.",
    ),
    "scoring": (
        "str, callable, list, dict or None",
        "What decides about the epoch to keep: ``'loss'``, or a scorer as `BackpropClassifier` "
        "takes it. It sees the encoded table and, for numbers, standardized targets.",
    ),
    "companions": (
        "'auto', list of estimator or None",
        "Models that predict beside the networks, each fitted once for each member on the rows "
        "that it is trained on, and weighed on those held out. ``'auto'`` is "
        "`HistGradientBoostingClassifier` and `LogisticRegression`, for numbers "
        "`HistGradientBoostingRegressor` and `RidgeCV` (`Ridge` from 10,000 rows on), for one "
        "target and, of numbers, ``loss='squared_error'``; None is networks alone. A list has "
        "unfitted estimators, which get the encoded columns (without bins) and numbers of classes "
        "or standardized targets.",
    ),
    "categorical_features": (
        "'auto' or array-like of bool, int or str",
        "Which features are categories, as in ``TabularEncoder``.",
    ),
    "ignored_features": (
        "array-like of bool, int or str, or None",
        "Features to leave out, such as ids that are numbers, as in ``TabularEncoder``.",
    ),
    "max_categories": ("int or None", "Columns that a feature may become, as there."),
    "max_time": (
        "float or None",
        "Seconds for encoding and all members together, which train by turns. When they are "
        "over each keeps its best epoch; an epoch that has begun is finished. A member that has "
        "had none by then is left out, but for one.",
    ),
    "n_jobs": (
        "int or None",
        "Processes to spread the members over, as in joblib. In one process they train in as "
        "many threads as BLAS may use, where that pays.",
    ),
    "verbose": (
        "'auto', bool or int",
        "``'auto'`` shows on a terminal how far a fit of more than ten seconds is, and how long "
        "it will take; a number prints a line for every so many epochs of each member; 0 or "
        "False nothing.",
    ),
    "random_state": (
        "int, RandomState instance or None",
        "Source of all that is drawn. An int makes the fit repeatable.",
    ),
}
