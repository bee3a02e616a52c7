"""Candidates: other configurations of the networks, the best of which are kept beside them.

A candidate is trained as the networks are, on the same rows, so what is held out from a member
is held out from its candidates, which are weighed with it and its companions. The space follows
that of RealMLP (Holzmüller, Grinsztajn and Steinwart, NeurIPS 2024, appendix C); the selection
is successive halving, once (Jamieson and Talwalkar, AISTATS 2016).
"""

from inspect import signature
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.model_selection import ParameterSampler

from ..initializers import NeuralTangent
from ..losses import LogLoss
from ..optimizers import AdamW, InputScaledAdamW
from ._companions import NETWORK

SPACE: dict[str, Any] = {
    "hidden_layer_sizes": [(128, 128, 128)] * 4 + [(256, 256), (256,), (256,), (64,) * 5],
    "activation": ["mish", "mish", "selu", "selu", "relu"],
    "learning_rate_init": loguniform(0.5, 3.0),
    "dropout": [0.0, 0.0, 0.15, 0.15, 0.15],
    "weight_decay": [0.0, 1.0, 5.0],
    "label_smoothing": [0.0, 1.0],
    "with_bins": [False, True],
    "scales_inputs": [False, True],
    "data_driven": [False, True],
}
"""What is drawn; what is a number is a factor of the networks' own, but for dropout."""

FIRST_SHARE = 0.2
"""Of the members, for which all candidates are trained."""

N_KEPT = 5
"""Candidates that are trained for the other members, too."""


class Candidate(NamedTuple):
    """A configuration.

    Attributes
    ----------
    name : str
        ``"network-2"`` and so on; ``"network"`` is the configuration of the networks.
    drawn : dict
        What was drawn of ``SPACE``.
    columns : ndarray of int or None
        The encoded columns that its networks are given; None means all.
    """

    name: str
    drawn: dict
    columns: Any


def is_network(name):
    """Tell whether a companion of a name is a network, and one of a candidate's."""
    return name.startswith(f"{NETWORK}-")


def draw(estimator, random_state, without_bins):
    """Return the candidates of an estimator, but for its own configuration.

    Parameters
    ----------
    estimator : TabularClassifier or TabularRegressor
        What of it is not at its default is not drawn.
    random_state : RandomState
        Source of what is drawn.
    without_bins : ndarray of int or None
        The encoded columns that are no bins; None if there are none.
    """
    defaults = {name: p.default for name, p in signature(type(estimator)).parameters.items()}
    given = estimator.get_params(deep=False)
    fixed = {name for name in defaults if not _is(given[name], defaults[name])}
    fixed |= {"label_smoothing"} - set(defaults)
    if without_bins is None:
        fixed.add("with_bins")
    space = {name: values for name, values in SPACE.items() if name not in fixed}
    drawn = ParameterSampler(space, estimator.n_candidates - 1, random_state=random_state)
    return [
        Candidate(f"{NETWORK}-{k}", own, None if own.get("with_bins", True) else without_bins)
        for k, own in enumerate(drawn, start=2)
    ]


def _is(value, default):
    return type(value) is type(default) and value == default


def with_drawn(member, drawn):
    """Return an unfitted network as a member is, but for what was drawn."""
    network = clone(member)
    own = {name: drawn[name] for name in AS_DRAWN if name in drawn}
    rate = member.learning_rate_init * drawn.get("learning_rate_init", 1.0)
    decay = member.solver.weight_decay * drawn.get("weight_decay", 1.0)
    optimizer = InputScaledAdamW if drawn["scales_inputs"] else AdamW
    if "label_smoothing" in drawn:
        smoothing = member.loss.label_smoothing * drawn["label_smoothing"]
        own["loss"] = LogLoss(label_smoothing=smoothing)
    return network.set_params(
        learning_rate_init=float(rate),
        solver=optimizer(beta_2=member.solver.beta_2, weight_decay=decay),
        initializer=NeuralTangent(data_driven=drawn["data_driven"]),
        **own,
    )


AS_DRAWN = "hidden_layer_sizes", "activation", "dropout"
"""What of the drawn is a parameter of the network."""


def train_candidates(candidates, training, loss_of, after_epoch=None, n_jobs=None):
    """Train all candidates for some members, and the best of them for the others.

    Parameters
    ----------
    candidates : list of Candidate
        What to train.
    training : Training
        The members, fitted, and what each trains on.
    loss_of : callable
        Returns the loss, on what is held out from the first members, of networks that are given
        some columns.
    after_epoch, n_jobs : object
        As in ``fit_many``.

    Returns
    -------
    networks : dict of str to list of BaseBackprop
        Of those kept, for each member.
    losses : dict of str to float
        Of all for which there was time, and of the networks that are no candidate's.
    """
    n_members = len(training.members)
    n_first = n_first_members(n_members)

    def fit(chosen, members, n_rounds):
        """Return the networks of each; None where there was no time for all."""
        fitted: dict = {}
        columns = {id(candidate.columns): candidate.columns for candidate in chosen}
        for n_done, key in enumerate(columns):
            alike = [candidate for candidate in chosen if id(candidate.columns) == key]
            left = training.time_left()
            max_time = None if left is None else left / (n_rounds * len(columns) - n_done)
            networks = iter(
                training.fit_more(
                    [with_drawn(training.members[k], c.drawn) for c in alike for k in members],
                    [*members] * len(alike),
                    columns[key],
                    max_time=max_time,
                    after_epoch=after_epoch,
                    n_jobs=n_jobs,
                )
            )
            for candidate in alike:
                own = [next(networks) for _ in members]
                fitted[candidate.name] = None if None in own else own
        return fitted

    first = fit(candidates, range(n_first), n_rounds=2)
    losses = {
        c.name: loss_of(first[c.name], c.columns) for c in candidates if first[c.name] is not None
    }
    best = sorted(losses, key=lambda name: losses[name])[:N_KEPT]
    losses[NETWORK] = loss_of(training.members[:n_first], None)
    kept = [candidate for candidate in candidates if candidate.name in best]
    others = fit(kept, range(n_first, n_members), n_rounds=1)
    complete = {c.name: first[c.name] + others[c.name] for c in kept if others[c.name] is not None}
    return complete, losses


def n_first_members(n_members):
    """Return for how many members all candidates are trained."""
    return max(1, round(FIRST_SHARE * n_members))


def n_networks(n_candidates, n_members):
    """Return how many networks are trained."""
    n_others, n_first = n_candidates - 1, n_first_members(n_members)
    return n_members + n_others * n_first + min(n_others, N_KEPT) * (n_members - n_first)


def table_of(candidates, member, losses, weights):
    """Return the candidates as a dict of columns, as ``cv_results_`` is one.

    Parameters
    ----------
    candidates : list of Candidate
        All that were drawn.
    member : BaseBackprop
        The first member.
    losses, weights : dict of str to float
        Of some of them, and of the networks.
    """
    rows = {NETWORK: settings_of(member)}
    for candidate in candidates:
        rows[candidate.name] = settings_of(with_drawn(member, candidate.drawn))
    if any("with_bins" in candidate.drawn for candidate in candidates):
        for name, columns in [(NETWORK, None), *((c.name, c.columns) for c in candidates)]:
            rows[name]["with_bins"] = columns is None
    table = {"name": list(rows)}
    table |= {name: [row[name] for row in rows.values()] for name in rows[NETWORK]}
    table["loss"] = [losses.get(name, np.nan) for name in rows]
    table["weight"] = [weights.get(name, 0.0) for name in rows]
    return table


def settings_of(network):
    """Return what a network has of all that may be drawn."""
    own = {name: getattr(network, name) for name in (*AS_DRAWN, "learning_rate_init")}
    own |= {"solver": network.solver.name, "weight_decay": network.solver.weight_decay}
    if isinstance(network.loss, LogLoss):
        own["label_smoothing"] = network.loss.label_smoothing
    return own | {"data_driven": network.initializer.data_driven}
