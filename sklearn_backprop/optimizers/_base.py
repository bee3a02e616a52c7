"""First-order optimizers: what one step does with a gradient.

An optimizer is configuration; what it remembers between steps is a ``State``, made by
``init`` and changed in place by ``update``. The learning rate is not its business: it
comes from the schedule at each step.

All parameters of a network are one flat vector, so a step is a handful of passes
over four arrays. The passes go over blocks that stay in the cache. Each goes element by
element, in exact operations and roundings: what becomes of a parameter does not depend on
where it stands, and so not on whether its network is one of a stack.
"""

import math
from copy import deepcopy
from numbers import Number
from typing import Any

import numpy as np

from .._numerics.memo import shallow_copy
from .._numerics.plain import plain
from ..components import Component

BLOCK = 32768
"""Parameters updated at a time: few calls, and a block stays in the cache from call to call."""


def of_dtype(value, dtype):
    """Round an array to the parameters' dtype, as a Python float is by itself."""
    return value.astype(dtype, copy=False) if isinstance(value, np.ndarray) else value


def root(value):
    """Return the square root; a power of ½ may round otherwise for floats than for arrays."""
    return np.sqrt(value) if isinstance(value, np.ndarray) else math.sqrt(value)


def is_one_each(learning_rate):
    """Tell whether there is a learning rate for each parameter."""
    is_array = isinstance(learning_rate, np.ndarray)  # np.ndim would cost half a microsecond
    return is_array and learning_rate.ndim > 0 and learning_rate.shape[-1] > 1


@plain("optimizer_state")
class State:
    """What an optimizer remembers between steps, and what it is told of the parameters.

    Beside the attributes below it has the optimizer's ``slots`` and ``counts`` by name, and
    whatever else its ``init`` sets.

    Attributes
    ----------
    n_weights : int
        How many leading parameters are weights, which decay; the rest are biases.
    first_layer : tuple of int or None
        Shape of the first layer's weights, which come first; None if there is no network.
    rate_factors : list of tuple or None
        Parts of the parameters, each a start, a stop and what the learning rate is
        multiplied by there; None leaves it everywhere.
    learning_rate : float or ndarray or None
        The rate before any part's factor, where ``update`` is given one for each parameter.
    rounded : list of ndarray
        The optimizer's ``hyperparameters`` in the parameters' dtype.
    """

    TOLD = "n_weights", "first_layer", "rate_factors", "learning_rate", "rounded"

    def __init__(self, n_weights, first_layer=None, rate_factors=None):
        self.n_weights = n_weights
        self.first_layer = first_layer
        self.rate_factors = rate_factors
        self.learning_rate: float | np.ndarray | None = None
        self.rounded: list[np.ndarray] = []

    def remembered(self):
        """Return by name what is remembered: all but what it was told."""
        return {name: value for name, value in vars(self).items() if name not in self.TOLD}

    def own(self) -> dict[str, Any]:
        """Return the numbers and arrays that are remembered, by name."""
        return {k: v for k, v in self.remembered().items() if isinstance(v, (Number, np.ndarray))}

    def copy(self):
        """Return a copy that can take a step without changing this one."""
        other = shallow_copy(self)
        for name, value in self.remembered().items():
            # deepcopy takes four times as long for an array
            is_array = isinstance(value, np.ndarray)
            setattr(other, name, value.copy() if is_array else deepcopy(value))
        return other

    def unscaled(self, learning_rate):
        """Return the learning rate before any part's factor, which decay does not know."""
        return self.learning_rate if is_one_each(learning_rate) else learning_rate


class Optimizer(Component):
    """Base class of the first-order optimizers.

    Attributes
    ----------
    slots : tuple of str
        Names of the arrays, as long as the parameters, that the state starts with
        as zeros.
    counts : dict of str to float
        Numbers that the state starts with, by name; ``begin_step`` advances them.
    applies_rate_factors : bool
        Whether ``update`` multiplies the rate by the state's ``rate_factors``. A class
        that writes an ``update`` of its own is taken not to, unless it says so, and is
        given a rate for each parameter where the rates differ.
    reparametrizes : bool
        Whether ``begin`` and ``end`` change the parameters: to others that learn in their
        place, and back.
    """

    slots: tuple = ()
    counts: dict = {}
    stochastic = True
    applies_rate_factors = True
    reparametrizes = False

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "update" in cls.__dict__ and "applies_rate_factors" not in cls.__dict__:
            cls.applies_rate_factors = False

    def init(self, parameters, n_weights=None, first_layer=None, rate_factors=None):
        """Return the state for a vector of parameters.

        Parameters
        ----------
        parameters : ndarray of shape (..., n_parameters)
            The flat vector, or one for each network of a stack.
        n_weights : int, default=None
            How many of them are weights; None means all.
        first_layer, rate_factors : tuple, list, default=None
            What there is to know of them: see ``State``.

        Returns
        -------
        State
        """
        n_weights = parameters.shape[-1] if n_weights is None else n_weights
        state = State(n_weights, first_layer, rate_factors)
        for slot in self.slots:
            setattr(state, slot, np.zeros_like(parameters))
        for name, value in self.counts.items():
            setattr(state, name, value)
        self.prepare(state, parameters.dtype)
        return state

    def prepare(self, state, dtype):
        """Round ``hyperparameters`` to a dtype, once for all steps with this ``state``.

        To be called again where they change. A ufunc call with an array without axes
        costs a third less than one with a Python float.
        """
        state.rounded = [np.asarray(value, dtype) for value in self.hyperparameters()]

    def hyperparameters(self):
        """Return numbers that ``step`` needs in the parameters' dtype."""
        return ()

    def update(self, parameters, gradient, state, learning_rate):
        """Take one step: change ``parameters`` and ``state`` in place.

        Parameters
        ----------
        parameters, gradient : ndarray of shape (..., n_parameters)
            The point, and the gradient of the objective there, penalty included.
        state : State
            From ``init``.
        learning_rate : float or ndarray of shape (n_networks, 1) or (..., n_parameters)
            Step size: one for all, one a network, or one a parameter.
        """
        kept = self.begin(parameters, gradient, state)
        n_parameters = parameters.shape[-1]
        size = n_parameters if is_one_each(learning_rate) else BLOCK
        arrays = [parameters, gradient, *[getattr(state, slot) for slot in self.slots]]
        for start, stop, constants, shrink in self.parts(state, learning_rate, n_parameters):
            self._step_part(constants, shrink, arrays, state.n_weights, start, stop, size)
        self.end(kept, parameters, gradient, state, learning_rate)

    def begin(self, parameters, gradient, state):
        """Begin a step, before any parameter moves; what is returned ``end`` is given."""
        self.begin_step(state)

    def end(self, kept, parameters, gradient, state, learning_rate):
        """End a step, after all parameters have moved."""

    def parts(self, state, learning_rate, n_parameters):
        """Return the parts of the parameters that learn at one rate.

        Each as where it starts and stops, its ``constants``, and the factor by which its
        weights decay, or None.
        """
        shrink = self.decay_factor(state.unscaled(learning_rate))
        if not state.rate_factors or is_one_each(learning_rate):
            return [(0, n_parameters, self.constants(state, learning_rate), shrink)]
        return [
            (start, stop, self.constants(state, learning_rate * factor), shrink)
            for start, stop, factor in state.rate_factors
        ]

    def _step_part(self, constants, shrink, arrays, n_weights, start, stop, size):
        """Take the step of a part of the parameters, in blocks of so many."""
        n_parameters = arrays[0].shape[-1]
        scratch = np.empty_like(arrays[0][..., : min(size, stop - start)])
        for first in range(start, stop, size):
            last = min(first + size, stop)
            if shrink is not None and first < n_weights:
                weights = arrays[0][..., first : min(last, n_weights)]
                np.multiply(weights, of_dtype(shrink, weights.dtype), out=weights)
            blocks, room = arrays, scratch
            if last - first < n_parameters:
                blocks = [array[..., first:last] for array in arrays]
                room = scratch[..., : last - first]
            self.step(constants, room, *blocks)

    def decay_factor(self, learning_rate):
        """Return what the weights, but not the biases, are multiplied by; None leaves them."""
        return None

    def begin_step(self, state):
        """Advance the counts of the state by a step; called once before each."""

    def constants(self, state, learning_rate):
        """Return what is the same for all parameters that learn at this rate in this step."""
        return learning_rate

    def step(self, constants, scratch, parameters, gradient, *slots):
        """Update one block of parameters and its slots in place; ``scratch`` is as long."""
        raise NotImplementedError
