"""Learning-rate schedules: the rate of the next epoch, or of the next step.

To add one: subclass ``FractionSchedule`` and write ``factor``, or ``Schedule`` and write
``next_rate``, and put the class into ``SCHEDULES``. Schedules work with every
stochastic solver.
"""

import math
from numbers import Integral, Real

from ._sklearn import Interval
from .components import Component, registry

__all__ = [
    "SCHEDULES",
    "Adaptive",
    "Constant",
    "Cosine",
    "Coslog4",
    "Custom",
    "Exponential",
    "FractionSchedule",
    "InvScaling",
    "OneCycle",
    "Schedule",
    "Step",
]


class Schedule(Component):
    """Base class: a constant rate, and the end of training when it stalls.

    Attributes
    ----------
    by_step : bool
        Whether the rate changes with each step (``factor``), not with each epoch.
    cycle_ends : tuple of float
        The fractions of training, its end left out, at which the rate is back at its lowest:
        where ``n_iter_no_change="cycle"`` may end it.
    """

    by_step = False
    cycle_ends: tuple[float, ...] = ()

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


class InvScaling(Schedule):
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
        """Return the rate by the formula; 0 where the divisor is beyond all floats."""
        try:
            return initial / (samples_seen + 1) ** float(self.power_t)
        except OverflowError:
            return 0.0


class Adaptive(Schedule):
    """Divide the rate by 5 whenever training stalls; stop once it is 1e-6 or less."""

    name = "adaptive"

    def after_plateau(self, current):
        """Return a fifth of the rate, or None when it is already tiny."""
        return None if current <= 1e-6 else current / 5.0


class FractionSchedule(Schedule):
    """Base of the schedules that follow a curve over the whole of training.

    ``factor`` maps the fraction t of training done, 0 to 1, to what
    ``learning_rate_init`` is multiplied by; it is asked before each step. The whole of
    training is ``max_iter`` epochs.
    """

    by_step = True

    def factor(self, fraction):
        """Return the multiplier at a fraction of training."""
        raise NotImplementedError


class Cosine(FractionSchedule):
    """``½ (1 + cos(π t))`` after a linear warm-up.

    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts",
    ICLR 2017, eq. 5, without restarts.

    Parameters
    ----------
    warmup : float in [0, 1), default=0.0
        Fraction of training in which the rate rises from 0.
    final : float in [0, 1], default=0.0
        The multiplier at the end.
    """

    name = "cosine"
    _parameter_constraints = {
        "warmup": [Interval(Real, 0, 1, closed="left")],
        "final": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, warmup=0.0, final=0.0):
        self.warmup = warmup
        self.final = final

    def factor(self, fraction):
        """Return the multiplier."""
        if fraction < self.warmup:
            return fraction / self.warmup
        t = (fraction - self.warmup) / (1 - self.warmup)
        return self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * t))


class OneCycle(FractionSchedule):
    """Rise along a cosine from ``start`` to 1, then fall along one to ``final``.

    Smith and Topin, "Super-convergence: very fast training of neural networks using
    large learning rates", 2018, arXiv:1708.07120; with cosines, as is usual.

    Parameters
    ----------
    peak : float in (0, 1), default=0.3
        Fraction of training at which the rate is highest.
    start : float in [0, 1], default=0.04
        The first multiplier.
    final : float in [0, 1], default=4e-6
        The last multiplier.
    """

    name = "one_cycle"
    _parameter_constraints = {
        "peak": [Interval(Real, 0, 1, closed="neither")],
        "start": [Interval(Real, 0, 1, closed="both")],
        "final": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, peak=0.3, start=0.04, final=4e-6):
        self.peak = peak
        self.start = start
        self.final = final

    def factor(self, fraction):
        """Return the multiplier."""
        if fraction < self.peak:
            low, t = self.start, 1 - fraction / self.peak
        else:
            low, t = self.final, (fraction - self.peak) / (1 - self.peak)
        return low + (1 - low) * 0.5 * (1 + math.cos(math.pi * t))


class Step(FractionSchedule):
    """``gamma`` to the power of the number of steps down taken so far.

    Parameters
    ----------
    n_steps : int, default=3
        Training has this many steps down, evenly apart.
    gamma : float in (0, 1], default=0.1
        What the rate is multiplied by at each.
    """

    name = "step"
    _parameter_constraints = {
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "gamma": [Interval(Real, 0, 1, closed="right")],
    }

    def __init__(self, n_steps=3, gamma=0.1):
        self.n_steps = n_steps
        self.gamma = gamma

    def factor(self, fraction):
        """Return the multiplier."""
        n_steps = min(self.n_steps, MOST_STEPS)
        return self.gamma ** min(n_steps, int(fraction * (n_steps + 1)))


MOST_STEPS = 2**53
"""Whole numbers above it are not all floats, and nobody trains for so many steps."""


class Exponential(FractionSchedule):
    """``final**t``: the same factor each epoch, down to ``final`` at the end.

    Parameters
    ----------
    final : float in (0, 1], default=0.01
        The last multiplier.
    """

    name = "exponential"
    _parameter_constraints = {"final": [Interval(Real, 0, 1, closed="right")]}

    def __init__(self, final=0.01):
        self.final = final

    def factor(self, fraction):
        """Return the multiplier."""
        return self.final**fraction


class Coslog4(FractionSchedule):
    """``½ (1 - cos(2π log₂(1 + 15 t)))``: four cycles, each twice as long as the last.

    Holzmüller, Grinsztajn and Steinwart, "Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data", NeurIPS 2024.
    """

    name = "coslog4"
    cycle_ends = 1 / 15, 3 / 15, 7 / 15

    def factor(self, fraction):
        """Return the multiplier."""
        return 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * fraction)))


class Custom(FractionSchedule):
    """A function of one's own of the fraction of training done.

    Parameters
    ----------
    function : callable
        Maps a float from 0 to 1 to a non-negative multiplier.
    """

    name = "custom"

    def __init__(self, function):
        self.function = function

    def factor(self, fraction):
        """Return the function's value."""
        return float(self.function(fraction))


SCHEDULES = registry(Constant, InvScaling, Adaptive, Cosine, OneCycle, Step, Exponential, Coslog4)
"""All schedules, by name."""
