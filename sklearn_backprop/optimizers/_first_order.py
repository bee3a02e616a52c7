"""Gradient descent with momentum, Adam, and Adam with decoupled decay."""

from numbers import Real

import numpy as np

from .._sklearn import Interval
from ._base import Optimizer, of_dtype, root


class SGD(Optimizer):
    """Stochastic gradient descent with momentum, ``w ← w + v``, ``v ← μ v - η g``.

    With ``nesterovs_momentum`` the step is ``μ v - η g`` with the new ``v``, which
    looks ahead (Nesterov 1983; in this form Sutskever et al., "On the importance of
    initialization and momentum in deep learning", ICML 2013).

    Parameters
    ----------
    momentum : float in [0, 1], default=0.9
        The share μ of the last step that is taken again.
    nesterovs_momentum : bool, default=True
        Whether to look ahead.
    weight_decay : float, default=0.0
        Decoupled decay λ: ``w ← (1 - η λ) w`` before each step. Biases do not decay.
    """

    name = "sgd"
    slots = ("velocity",)
    _parameter_constraints = {
        "momentum": [Interval(Real, 0, 1, closed="both"), np.ndarray],
        "nesterovs_momentum": ["boolean"],
        "weight_decay": [Interval(Real, 0, None, closed="left"), np.ndarray],
    }

    def __init__(self, momentum=0.9, nesterovs_momentum=True, weight_decay=0.0):
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.weight_decay = weight_decay

    def decay_factor(self, learning_rate):
        """Return ``1 - η λ``, or None where λ is zero."""
        if isinstance(self.weight_decay, np.ndarray) or self.weight_decay:
            return 1 - learning_rate * self.weight_decay
        return None

    def hyperparameters(self):
        """Return ``(μ,)``."""
        return (self.momentum,)

    def constants(self, state, learning_rate):
        """Return μ, η, and whether to look ahead."""
        return *state.rounded, learning_rate, self.nesterovs_momentum

    def step(self, constants, scratch, parameters, gradient, velocity):
        """``v ← μ v - η g``, then add ``v``, or ``-η g`` again and ``μ v``."""
        momentum, learning_rate, looks_ahead = constants
        np.multiply(gradient, of_dtype(learning_rate, gradient.dtype), out=scratch)
        np.multiply(velocity, momentum, out=velocity)
        np.subtract(velocity, scratch, out=velocity)
        if looks_ahead:
            np.subtract(parameters, scratch, out=parameters)
            np.multiply(velocity, momentum, out=scratch)
            np.add(parameters, scratch, out=parameters)
        else:
            np.add(parameters, velocity, out=parameters)


class Adam(Optimizer):
    """Adam: steps scaled by running moments of the gradient.

    ``m ← β₁ m + (1 - β₁) g``, ``v ← β₂ v + (1 - β₂) g²``,
    ``w ← w - η √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + ε)``
    (Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, the
    efficient form at the end of section 2, as in scikit-learn).

    The slots hold ``m / (1 - β₁)`` and ``v / (1 - β₂)``, which saves three passes
    over memory; the two factors go into the step size and into ε.

    Parameters
    ----------
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.999
        Decay rates of the first and the second moment.
    epsilon : float, default=1e-8
        Keeps the division finite. Positive.
    """

    name = "adam"
    slots = ("m", "v")
    counts = {"beta_1_power": 1.0, "beta_2_power": 1.0}  # β₁ᵗ and β₂ᵗ
    _parameter_constraints = {
        "beta_1": [Interval(Real, 0, 1, closed="left"), np.ndarray],
        "beta_2": [Interval(Real, 0, 1, closed="left"), np.ndarray],
        "epsilon": [Interval(Real, 0, None, closed="neither"), np.ndarray],
    }

    def __init__(self, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def hyperparameters(self):
        """Return β₁, β₂, and ε for the scaled slots."""
        return self.beta_1, self.beta_2, self.epsilon / root(1 - self.beta_2)

    def begin_step(self, state):
        """Advance t."""
        # powers by repeated multiplication: pow() rounds differently for arrays
        state.beta_1_power = state.beta_1_power * self.beta_1
        state.beta_2_power = state.beta_2_power * self.beta_2

    def constants(self, state, learning_rate):
        """Return β₁, β₂, ε and the step size, for the scaled slots."""
        return *state.rounded, self.rate(state, learning_rate)

    def rate(self, state, learning_rate):
        """Return the step size at the state's t, for the scaled slots."""
        first, second = state.beta_1_power, state.beta_2_power
        size = root(1 - second) / (1 - first) * (1 - self.beta_1) / root(1 - self.beta_2)
        return learning_rate * size

    def step(self, constants, scratch, parameters, gradient, m, v):
        """Take ten passes over the block: the moments, then the step."""
        beta_1, beta_2, epsilon, rate = constants
        np.multiply(m, beta_1, out=m)
        np.add(m, gradient, out=m)
        np.square(gradient, out=scratch)
        np.multiply(v, beta_2, out=v)
        np.add(v, scratch, out=v)
        np.sqrt(v, out=scratch)
        np.add(scratch, epsilon, out=scratch)
        np.divide(m, scratch, out=scratch)
        np.multiply(scratch, of_dtype(rate, scratch.dtype), out=scratch)
        np.subtract(parameters, scratch, out=parameters)


class AdamW(Adam):
    """Adam with decoupled weight decay: ``w ← (1 - η λ) w`` before each step.

    The decay does not pass through the moments, so it means the same for every
    weight, batch size and number of samples (Loshchilov and Hutter, "Decoupled
    weight decay regularization", ICLR 2019, algorithm 2). Biases do not decay.

    Parameters
    ----------
    beta_1, beta_2, epsilon : float
        As in ``Adam``.
    weight_decay : float, default=0.01
        The λ. Non-negative.
    """

    name = "adamw"
    _parameter_constraints = Adam._parameter_constraints | {
        "weight_decay": [Interval(Real, 0, None, closed="left"), np.ndarray]
    }

    def __init__(self, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.01):
        super().__init__(beta_1, beta_2, epsilon)
        self.weight_decay = weight_decay

    def decay_factor(self, learning_rate):
        """Return ``1 - η λ``."""
        return 1 - learning_rate * self.weight_decay
