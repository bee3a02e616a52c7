"""The training of a stack: what its networks' own trainings have, along a leading axis."""

from numbers import Number

import numpy as np

from .._engine.dropout import stacked_dropout
from .._engine.network import Network
from .._engine.training import Training


class StackTraining(Training):
    """The training of a stack: a share of the objective for each network."""

    @property
    def alpha_of_each(self):
        """Penalties, of shape (n_networks,)."""
        return np.broadcast_to(np.ravel(self.alpha), len(self.network.parameters))

    def shares(self, n_samples):
        """Return a sample's and the penalty's share, numbers or one a network."""
        share = 1 / (n_samples * self.mean_weight)
        if not isinstance(share, np.ndarray):
            return share, self.alpha * share
        return share[:, None].astype(self.network.dtype), self.alpha * share


def stacked_training(trainings, network):
    """Return the training of a stack out of its networks' own.

    Parameters
    ----------
    trainings : list of Training
        Of one structure.
    network : Network
        The stack.
    """
    first = trainings[0]
    network.training_activations = stacked_dropout(
        [training.network.training_activations for training in trainings]
    )
    together = StackTraining(
        network,
        first.loss,
        _stacked_optimizer([training.optimizer for training in trainings]),
        None,
        column([training.alpha for training in trainings]),
        None,
        None,
        max_grad_norm=None
        if first.max_grad_norm is None
        else column([training.max_grad_norm for training in trainings]),
        mean_weight=column([training.mean_weight for training in trainings]),
        rate_factors=first.rate_factors,
    )
    states = [training.state for training in trainings]
    together.state = _stacked_state(together.optimizer, network, states)
    return together


def like(network, n_networks):
    """Return a stack of networks of the same shape, with parameters of its own."""
    return Network(
        network.layer_sizes,
        network.activation,
        network.output_activation,
        network.dtype,
        n_networks,
    )


def column(values):
    """Return what all networks have in common, or a column with one value a network."""
    if all(value == values[0] for value in values):
        return values[0]
    return np.array(values, dtype=np.float64)[:, None]


def _stacked_optimizer(optimizers):
    """Return an optimizer whose hyperparameters are columns where they differ."""
    given = [optimizer.get_params(deep=False) for optimizer in optimizers]
    return type(optimizers[0])(
        **{name: column([params[name] for params in given]) for name in given[0]}
    )


def _stacked_state(optimizer, network, states):
    """Return one state out of each network's."""
    stacked = dict(states[0])
    optimizer.prepare(stacked, network.dtype)
    for name in own(stacked):
        values = [state[name] for state in states]
        stacked[name] = np.stack(values) if np.ndim(values[0]) else column(values)
    return stacked


IN_COMMON = "rounded", "n_weights", "rate_factors", "first_layer", "learning_rate"
"""What of an optimizer's state is told to it, by the settings or at each step."""


def own(state):
    """Return the numbers and arrays of a state that are each network's own."""
    return {
        name: value
        for name, value in state.items()
        if name not in IN_COMMON and isinstance(value, (Number, np.ndarray))
    }


def spread(state, n_networks):
    """Make columns of the numbers that the networks have in common; return the names of all."""
    numbers = {name: value for name, value in own(state).items() if np.ndim(value) == 0}
    state |= {name: np.full((n_networks, 1), value) for name, value in numbers.items()}
    return list(numbers)


def join(state, names):
    """Make numbers of columns again where the networks have them in common."""
    for name in names:
        if (state[name] == state[name][0]).all():
            state[name] = state[name][0, 0].item()


def hand_back(state, states):
    """Give each network its part of a stack's state."""
    for k, each in enumerate(states):
        for name, value in own(state).items():
            if np.ndim(each.get(name, 0)):
                each[name] = value[k].copy()
            else:
                each[name] = value[k].item() if np.ndim(value) else value
