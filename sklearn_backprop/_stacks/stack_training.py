"""The learner of a stack: what its networks' own learners have, along a leading axis."""

from dataclasses import dataclass

import numpy as np

from .._engine.dropout import stacked_dropout
from .._engine.network import Network
from .._engine.objective import Objective
from .._engine.training import Learner


@dataclass
class StackObjective(Objective):
    """The objectives of a stack's networks.

    Attributes
    ----------
    dtype : numpy.dtype
        Of the networks: a share is rounded to it, as a Python float is by itself.
    """

    dtype: np.dtype = np.dtype(np.float64)  # noqa: RUF009  # is immutable

    def __post_init__(self):
        self._shares = {}  # by number of samples: they are the same at nearly every step

    def shares(self, n_samples):
        """Return a sample's and the penalty's share, numbers or one a network."""
        if n_samples not in self._shares:
            self._shares[n_samples] = self._shares_of(n_samples)
        return self._shares[n_samples]

    def _shares_of(self, n_samples):
        share = 1 / (n_samples * self.mean_weight)
        penalty_share = self.alpha * share if self.has_penalty else None
        if isinstance(share, np.ndarray):
            share = share[:, None].astype(self.dtype)  # an axis for samples, one for outputs
        return share, penalty_share

    def value(self, loss, half_square, n_samples):
        """Return each network's objective, as an array of shape (n_networks,)."""
        alpha, mean_weight = np.ravel(self.alpha), np.ravel(self.mean_weight)
        return (loss + alpha * half_square) / (n_samples * mean_weight)


def stacked_learner(learners, network):
    """Return the learner of a stack out of its networks' own.

    Parameters
    ----------
    learners : list of Learner
        Of one structure.
    network : Network
        The stack.
    """
    first = learners[0]
    network.training_activations = stacked_dropout(
        [learner.network.training_activations for learner in learners]
    )
    objective = StackObjective(
        first.objective.loss,
        column([learner.objective.alpha for learner in learners]),
        column([learner.objective.mean_weight for learner in learners]),
        network.dtype,
    )
    optimizer = _stacked_optimizer([learner.optimizer for learner in learners])
    max_grad_norm = None
    if first.max_grad_norm is not None:
        max_grad_norm = column([learner.max_grad_norm for learner in learners])
    return Learner(
        network,
        objective,
        optimizer,
        column([learner.learning_rate for learner in learners]),
        _stacked_state(optimizer, network, [learner.state for learner in learners]),
        max_grad_norm,
        first.rate_factors,
    )


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
    stacked = states[0].copy()
    optimizer.prepare(stacked, network.dtype)
    for name in stacked.own():
        values = [getattr(state, name) for state in states]
        setattr(stacked, name, np.stack(values) if np.ndim(values[0]) else column(values))
    return stacked


def spread(state, n_networks):
    """Make columns of the numbers that the networks have in common; return the names of all."""
    numbers = {name: value for name, value in state.own().items() if np.ndim(value) == 0}
    for name, value in numbers.items():
        setattr(state, name, np.full((n_networks, 1), value))
    return list(numbers)


def join(state, names):
    """Make numbers of columns again where the networks have them in common."""
    for name in names:
        values = getattr(state, name)
        if (values == values[0]).all():
            setattr(state, name, values[0, 0].item())


def hand_back(state, states):
    """Give each network its part of a stack's state."""
    for k, each in enumerate(states):
        for name, value in state.own().items():
            if np.ndim(getattr(each, name, 0)):
                setattr(each, name, value[k].copy())
            else:
                setattr(each, name, value[k].item() if np.ndim(value) else value)
