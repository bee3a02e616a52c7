"""Losses for classes. Each states its formula first; a is a probability."""

from numbers import Real

import numpy as np

from .._sklearn import Interval
from ..components import overridden
from ._base import FORMULA, Loss

SHARE = Interval(Real, 0, 1, closed="left")


def _clipped(A):
    """Keep probabilities inside (0, 1), so that their logarithms are finite."""
    eps = float(np.finfo(A.dtype).eps)
    return np.clip(A, eps, 1 - eps)


def _nearly_clipped(A):
    """Tell which probabilities ``_clipped`` raises, or would after a small step down."""
    smallest = 2 * float(np.finfo(A.dtype).eps)
    return np.less(A, smallest)


class _ClassLoss(Loss):
    """A loss of one-hot targets and softmax outputs, with a two-sided form.

    The two-sided form takes each output as a yes or no of its own, for two classes
    and for multilabel targets.
    """

    output_activation = "softmax"
    task = "classification"
    two_sided: type | None = None  # set below, once the class exists

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if overridden(cls, Loss) & FORMULA:
            cls.two_sided = None  # that of another formula would train something else

    def for_target(self, target_type):
        """Return the form that fits the kind of target."""
        if target_type == "multiclass":
            return self
        if self.two_sided is None:
            raise ValueError(
                f"loss={self!r} has a formula of its own for several classes, and none for "
                f"{target_type} targets. Give its class a method for_target(target_type) that "
                "returns a loss for them, or use loss='log_loss'."
            )
        return self.two_sided(**self.get_params())

    def is_cut_off(self, Y, A):
        """Tell where a class that a sample has is one of probability 0."""
        return (_nearly_clipped(A) & (Y > 0)).any(axis=-1)


class LogLoss(_ClassLoss):
    """``-Σ_k y_k log a_k``: cross-entropy of one-hot targets and softmax outputs.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0
        Share ε of the target that is spread evenly over the K classes,
        ``y ← (1 - ε) y + ε / K`` (Szegedy et al., "Rethinking the Inception
        architecture for computer vision", CVPR 2016, section 7).
    """

    name = "log_loss"
    canonical = True
    _parameter_constraints = {"label_smoothing": [SHARE]}

    def __init__(self, label_smoothing=0.0):
        self.label_smoothing = label_smoothing

    def prepare_targets(self, Y):
        """Smooth the targets."""
        if not self.label_smoothing:
            return Y
        return Y * (1 - self.label_smoothing) + self.label_smoothing / Y.shape[1]

    def pointwise(self, Y, A):
        """Return ``-y log a``."""
        losses = _clipped(A)
        np.log(losses, out=losses)
        np.multiply(losses, Y, out=losses)
        return np.negative(losses, out=losses)

    def gradient(self, Y, A):
        """Return ``-y / a``."""
        return -Y / _clipped(A)

    def best_constant(self, Y, sample_weight):
        """Return the logarithms of the classes' shares of the weight."""
        return np.log(_clipped(sample_weight @ Y / sample_weight.sum()))


class _TwoSided:
    """What the two-sided forms share."""

    name: str
    output_activation = "logistic"

    def for_target(self, target_type):
        """Return itself; refuse three classes, whose probabilities would not add up to 1."""
        if target_type == "multiclass":
            raise ValueError(
                f"loss={self.name!r} is for two classes and for multilabel targets. Use "
                f"loss={self.name.removeprefix('binary_')!r}, which takes the form that fits y."
            )
        return self

    def is_cut_off(self, Y, A):
        """Tell where an outcome that a sample has is one of probability 0, or nearly.

        ``1 - a`` loses its digits long before it is clipped.
        """
        return ((_nearly_clipped(A) & (Y > 0)) | ((1 - A < 1e-5) & (Y < 1))).any(axis=-1)

    def best_constant(self, Y, sample_weight):
        """Return the weighted log-odds."""
        p = _clipped(sample_weight @ Y / sample_weight.sum())
        return np.log(p / (1 - p))


class BinaryLogLoss(_TwoSided, LogLoss):
    """``-y log a - (1 - y) log(1 - a)``: one yes or no for each output.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0
        ``y ← (1 - ε) y + ε / 2``.
    """

    name = "binary_log_loss"
    canonical = True

    def prepare_targets(self, Y):
        """Smooth the targets."""
        if not self.label_smoothing:
            return Y
        return Y * (1 - self.label_smoothing) + self.label_smoothing / 2

    def pointwise(self, Y, A):
        """Return ``-y log a - (1 - y) log(1 - a)``."""
        A = _clipped(A)
        return -(Y * np.log(A) + (1 - Y) * np.log(1 - A))

    def gradient(self, Y, A):
        """Return ``(a - y) / (a (1 - a))``."""
        A = _clipped(A)
        return (A - Y) / (A * (1 - A))


class Focal(_ClassLoss):
    """``-Σ_k y_k (1 - a_k)^γ log a_k``: the cross-entropy, less of it where it is small.

    Lin, Goyal, Girshick, He and Dollár, "Focal loss for dense object detection",
    ICCV 2017, eq. 4. With γ = 0 it is the log-loss.

    Parameters
    ----------
    gamma : float, default=2.0
        How strongly well-classified samples fade. Non-negative.
    """

    name = "focal"
    _parameter_constraints = {"gamma": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, gamma=2.0):
        self.gamma = gamma

    def _of(self, A):
        """Return ``-(1 - a)^γ log a``."""
        return -((1 - A) ** float(self.gamma)) * np.log(A)

    def _slope_of(self, A):
        """Return the derivative of ``_of``."""
        gamma, rest = float(self.gamma), 1 - A
        return gamma * rest ** (gamma - 1) * np.log(A) - rest**gamma / A

    def _slope_times(self, A):
        """Return ``a`` times ``_slope_of``, which stays finite as a goes to 0."""
        gamma, rest = float(self.gamma), 1 - A
        return gamma * A * rest ** (gamma - 1) * np.log(A) - rest**gamma

    def output_delta(self, Y, Z, A, output_activation, out):
        """Write the derivative by the net input of a softmax, whose slope cancels ``1 / a``.

        So a sample that the network is surely wrong about has the gradient that it has in
        the log-loss, and not none.
        """
        if output_activation.known_as != self.output_activation:
            super().output_delta(Y, Z, A, output_activation, out)
            return
        np.multiply(Y, self._slope_times(_clipped(A)), out=out)
        np.subtract(out, A * np.add.reduce(out, axis=-1, keepdims=True), out=out)

    def pointwise(self, Y, A):
        """Return ``-y (1 - a)^γ log a``."""
        return Y * self._of(_clipped(A))

    def gradient(self, Y, A):
        """Return its derivative by a."""
        return Y * self._slope_of(_clipped(A))


class BinaryFocal(_TwoSided, Focal):
    """``-y (1 - a)^γ log a - (1 - y) a^γ log(1 - a)``: one yes or no for each output.

    Parameters
    ----------
    gamma : float, default=2.0
        How strongly well-classified samples fade. Non-negative.
    """

    name = "binary_focal"

    def output_delta(self, Y, Z, A, output_activation, out):
        """Write the derivative by the net input of the logistic function."""
        if output_activation.known_as != self.output_activation:
            super().output_delta(Y, Z, A, output_activation, out)
            return
        P = _clipped(A)
        yes, no = self._slope_times(P) * (1 - A), self._slope_times(1 - P) * A
        np.copyto(out, Y * yes - (1 - Y) * no)

    def pointwise(self, Y, A):
        """Return the sum of both sides."""
        A = _clipped(A)
        return Y * self._of(A) + (1 - Y) * self._of(1 - A)

    def gradient(self, Y, A):
        """Return its derivative by a."""
        A = _clipped(A)
        return Y * self._slope_of(A) - (1 - Y) * self._slope_of(1 - A)

    def best_constant(self, Y, sample_weight):
        """Return None: there is no closed form."""
        return None


LogLoss.two_sided = BinaryLogLoss
Focal.two_sided = BinaryFocal
