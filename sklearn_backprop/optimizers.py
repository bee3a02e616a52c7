"""First-order optimizers: what one step does with a gradient.

An optimizer is configuration; what it remembers between steps is a dict of arrays,
made by ``init`` and changed in place by ``update``. The learning rate is not its
business: it comes from the schedule at each step.

All parameters of a network are one flat vector, so a step is a handful of passes
over four arrays. The passes go over blocks that stay in the cache.

To add one: subclass ``Optimizer``, write ``slots`` and ``step``, and put the class
into ``OPTIMIZERS``; ``tests/test_optimizers.py`` then covers it.
"""

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from .components import Component, registry
from .lbfgs import LBFGS
from .vectors import add_scaled

__all__ = ["LBFGS", "OPTIMIZERS", "SGD", "Adam", "AdamW", "Optimizer"]

BLOCK = 32768
"""Parameters updated at a time: few calls, and a block stays in the cache from call to call."""


def _of_dtype(value, dtype):
    """Round an array to the parameters' dtype, as a Python float is by itself."""
    return value.astype(dtype) if isinstance(value, np.ndarray) else value


def _blocks(n_parameters, rate_factors):
    """Yield the start, the stop and the rate's factor of blocks that fit into the cache."""
    for first, last, factor in rate_factors or [(0, n_parameters, None)]:
        for start in range(first, last, BLOCK):
            yield start, min(start + BLOCK, last), factor


def _at_rate(constants, factor):
    """Return a step's constants with another rate, which is the last of them."""
    if isinstance(constants, tuple):
        return *constants[:-1], constants[-1] * factor
    return constants * factor


class Optimizer(Component):
    """Base class of the first-order optimizers.

    Attributes
    ----------
    slots : tuple of str
        Names of the arrays, as long as the parameters, that the state starts with
        as zeros.
    """

    slots = ()
    stochastic = True

    def init(self, parameters, n_weights=None):
        """Return the state for a vector of parameters.

        Parameters
        ----------
        parameters : ndarray of shape (..., n_parameters)
            The flat vector, or one for each network of a stack.
        n_weights : int, default=None
            How many leading parameters are weights, which decay; the rest are
            biases, which do not. None means all are weights.

        Returns
        -------
        dict
            Under ``"rate_factors"`` a list of parts of the parameters, each a start, a stop
            and what the learning rate is multiplied by there; None leaves it everywhere.
            Under ``"first_layer"`` the shape of its weights, which come first; None if there
            is no network.
        """
        state = {slot: np.zeros_like(parameters) for slot in self.slots}
        state["n_weights"] = parameters.shape[-1] if n_weights is None else n_weights
        state["rate_factors"] = state["first_layer"] = None
        self.prepare(state, parameters.dtype)
        return state

    def prepare(self, state, dtype):
        """Round ``hyperparameters`` to a dtype, once for all steps with this ``state``.

        To be called again where they change. A ufunc call with an array without axes
        costs a third less than one with a Python float.
        """
        state["rounded"] = [np.asarray(value, dtype) for value in self.hyperparameters()]

    def hyperparameters(self):
        """Return numbers that ``step`` needs in the parameters' dtype."""
        return ()

    def update(self, parameters, gradient, state, learning_rate, before_block=None):
        """Take one step: change ``parameters`` and ``state`` in place.

        Parameters
        ----------
        parameters, gradient : ndarray of shape (..., n_parameters)
            The point, and the gradient of the objective there.
        state : dict
            From ``init``.
        learning_rate : float or ndarray of shape (n_networks, 1)
            Step size, one a network.
        before_block : callable, default=None
            Called with the start and the stop of each block of parameters before they
            change; may still change their gradient.
        """
        constants = self.constants(state, learning_rate)
        shrink = self.decay_factor(learning_rate)
        arrays = [parameters, gradient, *[state[slot] for slot in self.slots]]
        n_parameters = parameters.shape[-1]
        scratch = np.empty_like(parameters[..., :BLOCK])
        for start, stop, factor in _blocks(n_parameters, state["rate_factors"]):
            if before_block is not None:
                before_block(start, stop)
            if shrink is not None and start < state["n_weights"]:
                weights = parameters[..., start : min(stop, state["n_weights"])]
                np.multiply(weights, _of_dtype(shrink, weights.dtype), out=weights)
            blocks = arrays
            if stop - start < n_parameters:
                blocks = [array[..., start:stop] for array in arrays]
            here = constants if factor is None else _at_rate(constants, factor)
            self.step(here, scratch[..., : stop - start], *blocks)

    def decay_factor(self, learning_rate):
        """Return what the weights, but not the biases, are multiplied by; None leaves them."""
        return None

    def constants(self, state, learning_rate):
        """Return what is the same for all parameters of this step, the rate last."""
        return learning_rate

    def step(self, constants, scratch, parameters, gradient, *slots):
        """Update one block of parameters and its slots in place; ``scratch`` is as long."""
        raise NotImplementedError


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
        """Return ``(μ, η)``."""
        return *state["rounded"], learning_rate

    def step(self, constants, scratch, parameters, gradient, velocity):
        """``v ← μ v - η g``, then add ``v``, or ``μ v - η g`` again."""
        momentum, learning_rate = constants
        np.multiply(velocity, momentum, out=velocity)
        add_scaled(gradient, -learning_rate, out=velocity)
        if self.nesterovs_momentum:
            np.multiply(velocity, momentum, out=scratch)
            np.add(parameters, scratch, out=parameters)
            add_scaled(gradient, -learning_rate, out=parameters)
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
    _parameter_constraints = {
        "beta_1": [Interval(Real, 0, 1, closed="left"), np.ndarray],
        "beta_2": [Interval(Real, 0, 1, closed="left"), np.ndarray],
        "epsilon": [Interval(Real, 0, None, closed="neither"), np.ndarray],
    }

    def __init__(self, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def init(self, parameters, n_weights=None):
        """Return zero moments, and the powers ``β₁ᵗ`` and ``β₂ᵗ`` for t = 0."""
        state = super().init(parameters, n_weights)
        return state | {"beta_1_power": 1.0, "beta_2_power": 1.0}

    def hyperparameters(self):
        """Return β₁, β₂, and ε for the scaled slots."""
        return self.beta_1, self.beta_2, self.epsilon / (1 - self.beta_2) ** 0.5

    def constants(self, state, learning_rate):
        """Return β₁, β₂, ε and the step size, for the scaled slots, and advance t."""
        # powers by repeated multiplication: pow() rounds differently for arrays
        state["beta_1_power"] = state["beta_1_power"] * self.beta_1
        state["beta_2_power"] = state["beta_2_power"] * self.beta_2
        return *state["rounded"], self.rate(state, learning_rate)

    def rate(self, state, learning_rate):
        """Return the step size at the state's t, for the scaled slots."""
        first, second = state["beta_1_power"], state["beta_2_power"]
        root = (1 - self.beta_2) ** 0.5
        return learning_rate * (1 - second) ** 0.5 / (1 - first) * (1 - self.beta_1) / root

    def step(self, constants, scratch, parameters, gradient, m, v):
        """Take nine passes over the block: the moments, then the step."""
        beta_1, beta_2, epsilon, rate = constants
        np.multiply(m, beta_1, out=m)
        np.add(m, gradient, out=m)
        np.square(gradient, out=scratch)
        np.multiply(v, beta_2, out=v)
        np.add(v, scratch, out=v)
        np.sqrt(v, out=scratch)
        np.add(scratch, epsilon, out=scratch)
        np.divide(m, scratch, out=scratch)
        add_scaled(scratch, -rate, out=parameters)


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


OPTIMIZERS = registry(SGD, Adam, AdamW, LBFGS)
"""All solvers, by name."""
