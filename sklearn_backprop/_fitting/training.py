"""All that must go on from one epoch to the next, and from one call of fit to the next.

Four things, each for itself: what a step needs (``Learner``), what a fit counts
(``Progress``), what is known of the data (``Statistics``), what the user set (``Settings``).
"""

from dataclasses import dataclass, field

import numpy as np

from .._engine.training import Learner
from .._numerics.memo import shallow_copy
from .._numerics.moments import Moments
from .._numerics.outliers import Screen
from .._numerics.plain import plain
from .._numerics.standardization import Scaler
from ..schedules import Schedule
from .best_epoch import BestEpoch
from .history import History


@plain("settings")
@dataclass
class Settings:
    """What the user set, as far as the epochs depend on it.

    Attributes
    ----------
    schedule : Schedule
        Where the learning rate goes from ``learning_rate_init``.
    learning_rate_init : float
        Where it begins.
    max_iter : int
        Epochs that a schedule plans for.
    kept_dtype : str
        Of the weights that are kept; L-BFGS trains in a wider one.
    valid_params : list
        The estimator's parameters as they were found to be valid.
    """

    schedule: Schedule
    learning_rate_init: float
    max_iter: int = 200
    kept_dtype: str = "float64"
    valid_params: list = field(default_factory=list)


@plain("progress")
@dataclass
class Progress:
    """What a fit counts.

    Attributes
    ----------
    random_state : RandomState
        The only source of chance, but for dropout's.
    dropout_generator : numpy.random.Generator or None
        Of the masks.
    is_trained : bool
        By an earlier call.
    n_iter, samples_seen : int
        Epochs, and samples, repetitions included.
    kept_epoch : int
        The one whose weights the network has.
    history : History
        A record an epoch.
    monitored : {"loss", "validation"}
        What ``best`` is the best of.
    best : BestEpoch
        So far.
    validation_scores : list of float
        One an epoch.
    """

    random_state: np.random.RandomState
    dropout_generator: np.random.Generator | None = None
    is_trained: bool = False
    n_iter: int = 0
    samples_seen: int = 0
    kept_epoch: int = 0
    history: History = field(default_factory=History)
    monitored: str = "loss"
    best: BestEpoch = field(default_factory=BestEpoch)
    validation_scores: list = field(default_factory=list)

    @property
    def loss_curve(self):
        """The objective of each epoch."""
        return self.history.columns["loss"]

    def monitor(self, what):
        """Follow the training loss or a validation score; the best of another is void."""
        if self.monitored != what:
            self.best = BestEpoch()
            self.monitored = what

    def begin_again(self, random_state):
        """Count another fit's epochs from zero, with nothing to beat yet."""
        self.random_state = random_state
        self.n_iter = 0
        self.best = BestEpoch()


@plain("statistics")
@dataclass
class Statistics:
    """What is known of the data.

    Attributes
    ----------
    feature_moments, target_moments : Moments or None
        Means and squared deviations; None where nothing is standardized.
    feature_scaler, target_scaler : Scaler or None
        What follows from them.
    feature_screen, target_screen : Screen or None
        What finds bad readings in a stream.
    total_weight, n_weighted : float, int
        Sum of the weights, and number of samples, so far.
    """

    feature_moments: Moments | None = None
    target_moments: Moments | None = None
    feature_scaler: Scaler | None = None
    target_scaler: Scaler | None = None
    feature_screen: Screen | None = None
    target_screen: Screen | None = None
    total_weight: float = 0.0
    n_weighted: int = 0

    def add_weights(self, samples, incremental):
        """Return the mean weight of these samples, or with ``incremental`` of all so far.

        Raises
        ------
        ValueError
            If all weights are zero.
        """
        total, n = (self.total_weight, self.n_weighted) if incremental else (0.0, 0)
        total += samples.mean_weight * samples.n_samples
        if total == 0:
            raise ValueError(
                "Every sample to train on has the weight zero (sample_weight times class_weight): "
                "there is nothing to learn from."
            )
        self.total_weight, self.n_weighted = total, n + samples.n_samples
        return total / self.n_weighted


@plain("training")
@dataclass
class Training:
    """A network in training.

    Attributes
    ----------
    learner : Learner
        What a step needs.
    settings : Settings
        What the user set.
    progress : Progress
        What a fit counts.
    statistics : Statistics
        What is known of the data.
    """

    learner: Learner
    settings: Settings
    progress: Progress
    statistics: Statistics = field(default_factory=Statistics)

    @property
    def network(self):
        """What is trained."""
        return self.learner.network

    @property
    def loss(self):
        """What it is trained for, without the penalty."""
        return self.learner.objective.loss

    @property
    def output_scaler(self):
        """How the outputs are scaled; None where the targets are not."""
        scaler = self.statistics.target_scaler
        return None if scaler is None else self.loss.output_scaler(scaler)

    def continued(self):
        """Return a training that goes on from here and leaves this one as it is.

        Only the history and the random streams are shared: see ``Bookmark``. The network
        is not changed but replaced.
        """
        learner, progress = shallow_copy(self.learner), shallow_copy(self.progress)
        progress.best = shallow_copy(progress.best)
        if learner.state is not None:
            learner.state = learner.state.copy()
        settings, statistics = shallow_copy(self.settings), shallow_copy(self.statistics)
        return Training(learner, settings, progress, statistics)

    def restart_optimizer(self):
        """Forget the optimizer's state and go back to the initial learning rate."""
        self.learner.learning_rate = self.settings.learning_rate_init
        self.learner.restart_optimizer()

    def reconfigure(self, learner, settings):
        """Go on with another learner and other settings; what no longer fits starts anew."""
        old, new_rate = self.learner, settings.learning_rate_init
        same_kind = type(old.optimizer) is type(learner.optimizer)
        learner.learning_rate = old.learning_rate
        if self.settings.learning_rate_init != new_rate:
            learner.learning_rate = new_rate
        self.learner, self.settings = learner, settings
        if same_kind and old.state is not None:
            learner.state = old.state
            learner.prepare_optimizer()
        else:
            self.restart_optimizer()

    def set_rate(self, share_of_epoch):
        """Set the learning rate of a step that so much of this epoch comes before."""
        settings = self.settings
        n_epochs = min(settings.max_iter, 2**53)  # by an int beyond all floats none is divided
        fraction = min(1.0, (self.progress.n_iter + share_of_epoch) / n_epochs)
        factor = float(settings.schedule.factor(fraction))  # an np.float64 would not stay float32
        self.learner.learning_rate = settings.learning_rate_init * factor

    def weigh(self, samples, incremental):
        """Take the mean weight from these samples, or with ``incremental`` from all so far.

        From here on the objective is in the samples' unit of weights.
        """
        objective, unit = self.learner.objective, samples.weight_unit
        objective.mean_weight = self.statistics.add_weights(samples, incremental) / unit
        objective.alpha /= unit

    def finish(self, dtype, keeps_state):
        """Let go of what no later training goes on from.

        The optimizer's state fits the last step's weights; where an earlier epoch's were
        restored, or L-BFGS did its own bookkeeping, it is of no use.
        """
        self.progress.is_trained = True
        self.learner.network = self.network.astype(dtype)
        if not keeps_state:
            self.learner.state = None
