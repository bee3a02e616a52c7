"""First-order optimizers: what one step does with a gradient.

An optimizer is configuration; what it remembers between steps is a dict of arrays,
made by ``init`` and changed in place by ``update``. The learning rate is not its
business: it comes from the schedule at each step.

All parameters of a network are one flat vector, so a step is a handful of passes
over four arrays. The passes go over blocks that stay in the cache. Each goes element by
element, in exact operations and roundings: what becomes of a parameter does not depend on
where it stands, and so not on whether its network is one of a stack.

To add one: subclass ``Optimizer``, write ``slots`` and ``step``, and put the class
into ``OPTIMIZERS``; ``tests/optimizers/test_optimizers.py`` then covers it.
"""

import math

import numpy as np

from ..components import Component

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
