"""Training a batch as training does, and keeping what passes by.

Nothing of backpropagation is written here a second time: a network's activations are
wrapped in ones that keep what they are given, and then `backpropagate` and `update`, the
two halves of a step, run as they always do.
"""

from copy import copy, deepcopy

import numpy as np
from sklearn.utils import check_random_state

from .._engine.dropout import DroppedActivation
from .._engine.network import split
from .._engine.objective import Total
from .._engine.samples import as_batch
from .._engine.training import backpropagate, update
from .._estimators.prepare import set_dropout
from .._kernels.choice import kernels_for
from ..activations import Activation
from ._trace import LayerTrace, StepTrace


def independent_copy(estimator):
    """Return a copy of an estimator that can be trained without touching the original.

    Its random draws are those that the original would make next.
    """
    twin = copy(estimator)
    twin.random_state = deepcopy(check_random_state(estimator.random_state))
    return twin


def independent_training(estimator, training):
    """Return a training that stands where another does, and can take a step of its own."""
    own = training.continued()
    own.learner.network = deepcopy(training.network)
    own.progress.dropout_generator = deepcopy(training.progress.dropout_generator)
    set_dropout(own, estimator.dropout)
    return own


class Recorded(Activation):
    """An activation that keeps what passes through it, and does what the one it wraps does.

    Parameters
    ----------
    activation : Activation
        What computes.
    """

    has_side_effects = True

    def __init__(self, activation):
        self.activation = activation
        self.needs_net_input = activation.needs_net_input
        self.known_as = activation.known_as  # so that shortcuts are taken as without recording
        self.kernels = kernels_for(stacked=False)

    def forward(self, Z, out):
        """Keep the net input, and what becomes of it."""
        self.net_input = Z.copy()
        self.kernels.activate(self.activation, Z, out)
        self.output = out.copy()

    def backward(self, Z, A, delta):
        """Keep the error before the slope is multiplied in."""
        self.error = delta.copy()
        self.kernels.times_slope(self.activation, Z, A, delta)

    @property
    def mask(self):
        """What dropout multiplied the activation by; None without dropout."""
        if isinstance(self.activation, DroppedActivation):
            return self.activation.mask.copy()
        return None

    def slope(self):
        """Return ``f'(Z)`` of the last ``forward``; None if f is not element-wise.

        Found by what ``backward`` makes of errors of 1, dropout's mask included. It is
        element-wise if errors of either sign are multiplied alike, which those of a
        softmax are not.
        """
        ones = np.ones_like(self.net_input)
        signs = ones.copy()
        signs[..., ::2] = -1
        slope, signed = ones, signs.copy()
        for error in (slope, signed):
            self.kernels.times_slope(
                self.activation, self.net_input.copy(), self.output.copy(), error
            )
        return slope if np.array_equal(signed, signs * slope, equal_nan=True) else None


def record_activations(network):
    """Wrap the activations that a network trains with; return the wrappers, one a layer."""
    recorded = [Recorded(f) for f in network.training_activations]
    network.training_activations = recorded
    return recorded


def trace_batch(estimator, training, part):
    """Take a step and return what there was to see; ``training`` is changed by it.

    Parameters
    ----------
    estimator : BaseBackprop
        Whose training it is; for the names of its columns.
    training : Training
        Takes the step. Its network has recorded nothing before.
    part : Part
        The batch in the coordinates of training.

    Returns
    -------
    StepTrace
    """
    network, learner = training.network, training.learner
    if training.settings.schedule.by_step:
        training.set_rate(0.0)  # nothing of this epoch comes before
    recorded = record_activations(network)
    batch = as_batch(part, learner.objective)
    vectors = {"before": network.parameters.copy()}
    with np.errstate(all="ignore"):  # what is not finite is shown as such
        total = Total(learner.objective)
        total.weigh(network)
        total.add(batch, backpropagate(learner, batch))
        passed = _passed(learner, recorded, batch)
        vectors["penalty"] = _penalty_gradient(network, batch)
        vectors["gradient"] = network.gradient + vectors["penalty"]
        if learner.optimizer.stochastic:
            update(learner, batch)
            vectors["after"] = network.parameters.copy()
            vectors["update"] = vectors["after"] - vectors["before"]
        else:
            network.penalize(batch.penalty_share)
        objective = _objective(total, len(batch.Y))
        objective |= {"objective_after": _objective_after(learner, batch)}
    return StepTrace(
        layers=_layers(network, passed, vectors),
        inputs=batch.X.copy(),
        targets=batch.Y.copy(),
        outputs=batch.outputs.copy(),
        **objective,
        **_facts(training, batch),
        **_norms(vectors["gradient"], network.gradient),
        feature_names=feature_names(estimator, batch.X.shape[1]),
        output_names=output_names(estimator, batch.Y.shape[1]),
    )


def _passed(learner, recorded, batch):
    """Return what has passed through each layer, forward and back, as a dict a layer."""
    output_error = learner.objective.loss.gradient(batch.Y, batch.outputs) * batch.share
    errors = [*(f.error for f in recorded[:-1]), output_error]
    return [
        {
            "net_input": f.net_input,
            "activation": f.output,
            "mask": f.mask,
            "slope": f.slope(),
            "error": error,
            "delta": layer.delta.copy(),
        }
        for f, error, layer in zip(recorded, errors, learner.network.layers, strict=True)
    ]


def _penalty_gradient(network, batch):
    """Return what the penalty adds to the network's gradient, which stays as it is."""
    gradient = network.gradient.copy()
    network.gradient[...] = 0
    network.penalize(batch.penalty_share)
    penalty = network.gradient.copy()
    network.gradient[...] = gradient
    return penalty


def _objective(total, n_samples):
    """Return the batch's objective and its two parts."""
    parts = {}
    for name, loss, half_square in (
        ("loss", total.loss, 0.0),
        ("penalty", 0.0, total.half_square),
        ("objective", total.loss, total.half_square),
    ):
        parts[name] = total.objective.value(loss, half_square, n_samples)
    return parts


def _objective_after(learner, batch):
    """Return the batch's objective at the parameters as they are now; None under dropout."""
    network = learner.network
    drops = any(f.mask is not None for f in network.training_activations)
    if drops or not learner.optimizer.stochastic:
        return None
    total, room = Total(learner.objective), batch.outputs.copy()
    total.weigh(network)
    again = batch._replace(outputs=room, completes=batch.completes._replace(outputs=room))
    total.add(again, network.predict(batch.X))
    return total.value(len(batch.Y))


def _facts(training, batch):
    """Return what there is to say of the batch as a whole."""
    loss, output_activation = training.loss, training.network.output_activation
    learner = training.learner
    stochastic = learner.optimizer.stochastic
    return {
        "residuals": batch.Y - batch.outputs,
        "losses": loss.pointwise(batch.Y, batch.outputs),
        "share": np.broadcast_to(batch.share, (len(batch.Y), 1)).copy(),
        "learning_rate": float(learner.learning_rate) if stochastic else None,
        "optimizer": repr(learner.optimizer),
        "loss_function": loss.name,
        "feature_scaler": training.statistics.feature_scaler,
        "output_scaler": training.output_scaler,
        "is_canonical": loss.canonical and output_activation.known_as == loss.output_activation,
    }


def _norms(gradient, clipped):
    """Return the Euclidean norms of the gradient and of what the optimizer was given."""
    norms = (float(np.sqrt(np.vecdot(vector, vector))) for vector in (gradient, clipped))
    return dict(zip(("gradient_norm", "clipped_norm"), norms, strict=True))


def _layers(network, passed, vectors):
    """Return the layers' traces: what has passed through, and the parts of flat vectors."""
    parts = {name: split(vector, network.layer_sizes) for name, vector in vectors.items()}

    def part(name, kind, layer):
        return parts[name][kind][layer] if name in parts else None

    return [
        LayerTrace(
            number=i + 1,
            function=network.activations[i].name,
            **quantities,
            gradient_weights=part("gradient", 0, i),
            gradient_biases=part("gradient", 1, i),
            penalty_weights=part("penalty", 0, i),
            weights_before=part("before", 0, i),
            biases_before=part("before", 1, i),
            update_weights=part("update", 0, i),
            update_biases=part("update", 1, i),
            weights_after=part("after", 0, i),
            biases_after=part("after", 1, i),
        )
        for i, quantities in enumerate(passed)
    ]


def feature_names(estimator, n_features):
    """Return the names of the features, or x0, x1, …."""
    names = getattr(estimator, "feature_names_in_", None)
    return [f"x{i}" for i in range(n_features)] if names is None else list(map(str, names))


def output_names(estimator, n_outputs):
    """Return what each output speaks for: a class, or a target by number."""
    classes = getattr(estimator, "classes_", None)
    if classes is not None:
        return [str(label) for label in classes[-n_outputs:]]
    return ["y"] if n_outputs == 1 else [f"y{i}" for i in range(n_outputs)]
