"""First-order optimizers: what one step does with a gradient.

An optimizer is configuration; what it remembers between steps is a dict of arrays,
made by ``init`` and changed in place by ``update``. The learning rate is not its
business: it comes from the schedule at each step.

All parameters of a network are one flat vector, so a step is a handful of passes
over four arrays. The passes go over blocks that stay in the cache. Each goes element by
element, in exact operations and roundings: what becomes of a parameter does not depend on
where it stands, and so not on whether its network is one of a stack.

To add one: subclass ``Optimizer``, write ``slots`` and ``step``, and put the class
into ``OPTIMIZERS``; ``tests/test_optimizers.py`` then covers it.
"""

import math
from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from .components import Component, registry
from .lbfgs import LBFGS

__all__ = ["LBFGS", "OPTIMIZERS", "SGD", "Adam", "AdamW", "Optimizer"]

BLOCK = 32768
"""Parameters updated at a time: few calls, and a block stays in the cache from call to call."""


def _of_dtype(value, dtype):
    """Round an array to the parameters' dtype, as a Python float is by itself."""
    return value.astype(dtype, copy=False) if isinstance(value, np.ndarray) else value


def _root(value):
    """Return the square root; a power of ½ may round otherwise for floats than for arrays."""
    return np.sqrt(value) if isinstance(value, np.ndarray) else math.sqrt(value)


def is_one_each(learning_rate):
    """Tell whether there is a learning rate for each parameter."""
    is_array = isinstance(learning_rate, np.ndarray)  # np.ndim would cost half a microsecond
    return is_array and learning_rate.ndim > 0 and learning_rate.shape[-1] > 1


def unscaled_rate(state, learning_rate):
    """Return the learning rate before any part's factor, which decay does not know."""
    return state["learning_rate"] if is_one_each(learning_rate) else learning_rate


class Optimizer(Component):
    """Base class of the first-order optimizers.

    Attributes
    ----------
    slots : tuple of str
        Names of the arrays, as long as the parameters, that the state starts with
        as zeros.
    applies_rate_factors : bool
        Whether ``update`` multiplies the rate by the state's ``"rate_factors"``. A class
        that writes an ``update`` of its own is taken not to, unless it says so, and is
        given a rate for each parameter where the rates differ.
    """

    slots = ()
    stochastic = True
    applies_rate_factors = True

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "update" in cls.__dict__ and "applies_rate_factors" not in cls.__dict__:
            cls.applies_rate_factors = False

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

    def update(self, parameters, gradient, state, learning_rate):
        """Take one step: change ``parameters`` and ``state`` in place.

        Parameters
        ----------
        parameters, gradient : ndarray of shape (..., n_parameters)
            The point, and the gradient of the objective there, penalty included.
        state : dict
            From ``init``.
        learning_rate : float or ndarray of shape (n_networks, 1) or (..., n_parameters)
            Step size: one for all, one a network, or one a parameter.
        """
        n_parameters = parameters.shape[-1]
        one_each = is_one_each(learning_rate)
        shrink = self.decay_factor(state["learning_rate"] if one_each else learning_rate)
        arrays = [parameters, gradient, *[state[slot] for slot in self.slots]]
        parts = None if one_each else state["rate_factors"]
        if not parts:
            constants = self.constants(state, learning_rate)
            size = n_parameters if one_each else BLOCK
            self._step_part(constants, shrink, arrays, state, 0, n_parameters, size)
            return
        # ``constants`` may count, also in place; all parts are in the same step
        counts = [name for name, value in state.items()
                  if isinstance(value, np.ndarray) and name not in self.slots]  # fmt: skip
        for start, stop, factor in parts:
            here = state | {name: state[name].copy() for name in counts}
            constants = self.constants(here, learning_rate * factor)
            self._step_part(constants, shrink, arrays, state, start, stop, BLOCK)
        state.update(here)

    def _step_part(self, constants, shrink, arrays, state, start, stop, size):
        """Take the step of a part of the parameters, in blocks of so many."""
        n_parameters = arrays[0].shape[-1]
        scratch = np.empty_like(arrays[0][..., : min(size, stop - start)])
        for first in range(start, stop, size):
            last = min(first + size, stop)
            if shrink is not None and first < state["n_weights"]:
                weights = arrays[0][..., first : min(last, state["n_weights"])]
                np.multiply(weights, _of_dtype(shrink, weights.dtype), out=weights)
            blocks, room = arrays, scratch
            if last - first < n_parameters:
                blocks = [array[..., first:last] for array in arrays]
                room = scratch[..., : last - first]
            self.step(constants, room, *blocks)

    def decay_factor(self, learning_rate):
        """Return what the weights, but not the biases, are multiplied by; None leaves them."""
        return None

    def constants(self, state, learning_rate):
        """Return what is the same for all parameters that learn at this rate in this step.

        Called once for each rate, with the same ``state``: a count that is advanced here
        goes up by one a step.
        """
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
        """``v ← μ v - η g``, then add ``v``, or ``-η g`` again and ``μ v``."""
        momentum, learning_rate = constants
        np.multiply(gradient, _of_dtype(learning_rate, gradient.dtype), out=scratch)
        np.multiply(velocity, momentum, out=velocity)
        np.subtract(velocity, scratch, out=velocity)
        if self.nesterovs_momentum:
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
        return self.beta_1, self.beta_2, self.epsilon / _root(1 - self.beta_2)

    def constants(self, state, learning_rate):
        """Return β₁, β₂, ε and the step size, for the scaled slots, and advance t."""
        # powers by repeated multiplication: pow() rounds differently for arrays
        state["beta_1_power"] = state["beta_1_power"] * self.beta_1
        state["beta_2_power"] = state["beta_2_power"] * self.beta_2
        return *state["rounded"], self.rate(state, learning_rate)

    def rate(self, state, learning_rate):
        """Return the step size at the state's t, for the scaled slots."""
        first, second = state["beta_1_power"], state["beta_2_power"]
        size = _root(1 - second) / (1 - first) * (1 - self.beta_1) / _root(1 - self.beta_2)
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
        np.multiply(scratch, _of_dtype(rate, scratch.dtype), out=scratch)
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


OPTIMIZERS = registry(SGD, Adam, AdamW, LBFGS)
"""All solvers, by name."""
