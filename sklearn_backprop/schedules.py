"""Learning-rate schedules: the rate of the next epoch.

To add one: subclass ``Schedule``, write ``next_rate``, and put the class into
``SCHEDULES``. Schedules work with every stochastic solver.
"""

from numbers import Real

from sklearn.utils._param_validation import Interval

from .components import Component, registry


class Schedule(Component):
    """Base class: a constant rate, and the end of training when it stalls."""

    def next_rate(self, initial, current, samples_seen):
        """Return the rate of the next epoch.

        Parameters
        ----------
        initial : float
            ``learning_rate_init``.
        current : float
            The rate of the epoch that has just ended.
        samples_seen : int
            Training samples passed so far, repetitions included (``t_``).
        """
        return current

    def after_plateau(self, current):
        """Return the rate to go on with when training has stalled, or None to stop."""
        return None


class Constant(Schedule):
    """``learning_rate_init``, always."""

    name = "constant"


class InverseScaling(Schedule):
    """``learning_rate_init / (t + 1)**power_t``, t the samples seen so far.

    Parameters
    ----------
    power_t : float, default=0.5
        Exponent. Non-negative.
    """

    name = "invscaling"
    _parameter_constraints = {"power_t": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, power_t=0.5):
        self.power_t = power_t

    def next_rate(self, initial, current, samples_seen):
        """Return the rate by the formula."""
        return initial / (samples_seen + 1) ** self.power_t


class Adaptive(Schedule):
    """Divide the rate by 5 whenever training stalls; stop once it is 1e-6 or less."""

    name = "adaptive"

    def after_plateau(self, current):
        """Return a fifth of the rate, or None when it is already tiny."""
        return None if current <= 1e-6 else current / 5.0


SCHEDULES = registry(Constant, InverseScaling, Adaptive)
"""All schedules, by name."""
