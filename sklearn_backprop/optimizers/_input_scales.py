"""AdamW with a learnable scale for each input, which is part of the first layer's weights.

The first layer's weights are ``W = diag(s) · V``, and s and V learn in place of W. A step
on the scale of an input moves all its weights together, so an input that says nothing is
turned down soon, and one that says much is turned up. Prediction needs W only, so this is
the optimizer's business and no layer of the network.
"""

from numbers import Real

import numpy as np

from .._sklearn import Interval
from ._first_order import AdamW


class InputScaledAdamW(AdamW):
    """AdamW in which each input has a scale that learns at a rate of its own.

    The scales begin at 1 (Holzmüller, Grinsztajn and Steinwart, "Better by default: strong
    pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024, section 3, "scaling
    layer"). They do not decay.

    Parameters
    ----------
    beta_1, beta_2, epsilon, weight_decay : float
        As in ``AdamW``.
    input_rate : float, default=6.0
        What the learning rate of the scales is multiplied by. Non-negative; with 0 they
        stay at 1.
    """

    name = known_as = "input_scaled_adamw"
    # as long as the parameters, as all slots are; of the last four only the beginning is used
    slots = ("m", "v", "unscaled_weights", "scales", "scales_m", "scales_v")
    works_on_stacks = applies_rate_factors = reparametrizes = True
    _parameter_constraints = AdamW._parameter_constraints | {
        "input_rate": [Interval(Real, 0, None, closed="left"), np.ndarray]
    }

    def __init__(self, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.01, input_rate=6.0):
        super().__init__(beta_1, beta_2, epsilon, weight_decay)
        self.input_rate = input_rate

    def begin(self, parameters, gradient, state):
        """Put V in the place of W, and its gradient; return those of W and of the scales."""
        super().begin(parameters, gradient, state)
        W, V, scales, in_rows = _first_layer(parameters, state)
        _begin(W, V, scales)
        of_V = gradient[..., : W.shape[-1]]
        of_W = of_V.copy()
        of_scales = np.vecdot(of_W.reshape(in_rows), V.reshape(in_rows))
        np.multiply(of_W.reshape(in_rows), scales[..., None], out=of_V.reshape(in_rows))
        W[...] = V
        return of_W, of_scales

    def end(self, kept, parameters, gradient, state, learning_rate):
        """Take Adam's step on the scales, and put W back."""
        of_W, of_scales = kept
        W, V, scales, in_rows = _first_layer(parameters, state)
        V[...] = W
        gradient[..., : W.shape[-1]] = of_W
        moments = (slot[..., : scales.shape[-1]] for slot in (state.scales_m, state.scales_v))
        rate = self.rate(state, state.unscaled(learning_rate)) * self.input_rate
        constants = *state.rounded, rate
        self.step(constants, np.empty_like(of_scales), scales, of_scales, *moments)
        np.multiply(V.reshape(in_rows), scales[..., None], out=W.reshape(in_rows))

    def step(self, constants, scratch, parameters, gradient, m, v, *others):
        """Take Adam's step on one block; the slots of the scales have their own."""
        super().step(constants, scratch, parameters, gradient, m, v)


def _first_layer(parameters, state):
    """Return W, V and the scales, flat, and the shape of W with the inputs in rows."""
    n_inputs, n_units = state.first_layer
    n = n_inputs * n_units
    in_rows = (*parameters.shape[:-1], n_inputs, n_units)
    W, V = parameters[..., :n], state.unscaled_weights[..., :n]
    return W, V, state.scales[..., :n_inputs], in_rows


def _begin(W, V, scales):
    """Take over weights that have no scales yet: before the first step."""
    new = ~scales.any(axis=-1, keepdims=True)
    if new.any():
        np.copyto(scales, 1, where=new)
        np.copyto(V, W, where=new)
