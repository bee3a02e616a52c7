"""The order of the examples: first what everybody asks, last what few do."""

ORDER = [
    "your_dataframe",
    "huge_targets",
    "learning_rate",
    "when_to_stop",
    "halving",
    "imbalanced_classes",
    "prediction_intervals",
    "how_sure",
    "which_inputs",
    "what_learned",
    "step_by_step",
    "vanishing_gradients",
    "gradient_check",
    "larger_than_memory",
    "from_pytorch",
]


class GalleryOrder:
    """Sort key of sphinx-gallery: a file's place in ``ORDER``; new ones come last."""

    def __init__(self, src_dir):
        pass

    def __call__(self, filename):
        """Return the place of ``plot_<name>.py``."""
        name = filename.removeprefix("plot_").removesuffix(".py")
        return (ORDER.index(name), "") if name in ORDER else (len(ORDER), name)
