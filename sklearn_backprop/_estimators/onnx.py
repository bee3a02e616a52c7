"""Export to ONNX: a chain of matrix products and activations for other runtimes.

Two precisions, so that the answers are those of ``predict``. What may be large beside
its own spread (raw features; the outputs, whose bias carries their mean) is handled in
double precision; the layers between, in single precision. Where no standardization is
known (it was off, or this is a ``slim()`` copy), the first layer takes raw features, so
it is in double precision as well.
"""

import json

import numpy as np

from ..activations import OUTPUT_ACTIVATIONS
from ..losses import LOSSES
from ..losses._base import Loss
from .fitted import has_folded_weights, serving, training_of

OPSETS, IR_VERSION = {"": 20, "ai.onnx.ml": 4}, 10
"""Operators of ONNX 1.15, the first with Gelu, and a file format that runtimes know since
2024. What the onnx package writes by default may be newer than any released runtime."""

SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


class Graph:
    """Collects nodes and constants. A value is known by its name, and has a dtype.

    Parameters
    ----------
    onnx : module
        The package onnx.
    dtypes : dict of str to numpy.dtype
        The inputs.
    """

    def __init__(self, onnx, dtypes):
        self.onnx = onnx
        self.dtypes = dict(dtypes)
        self.nodes = []
        self.constants = []

    def constant(self, values, dtype):
        """Add a constant and return its name."""
        name = f"constant_{len(self.constants)}"
        while name in self.dtypes:
            name += "_"
        values = np.asarray(values, dtype)
        self.constants.append(self.onnx.numpy_helper.from_array(values, name))
        return name

    def add(self, operator, *inputs, n_results=1, dtype=None, **attributes):
        """Add a node and return the name of its first result, by default like its input."""
        name = f"{operator}_{len(self.nodes)}"
        while name in self.dtypes:  # an input may be called so
            name += "_"
        names = [name, *(f"{name}_{i}" for i in range(1, n_results))]
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, names, name, **attributes))
        self.dtypes[name] = self.dtypes[inputs[0]] if dtype is None else dtype
        return name

    def combine(self, operator, value, values):
        """Add a node of two inputs, a value and a constant of its dtype."""
        return self.add(operator, value, self.constant(values, self.dtypes[value]))

    def cast(self, value, dtype):
        """Return a value in a dtype."""
        if self.dtypes[value] == dtype:
            return value
        return self.add("Cast", value, dtype=dtype, to=self.element_type(dtype))

    def clip(self, value, low, high):
        """Return a value within limits."""
        limits = [self.constant(limit, self.dtypes[value]) for limit in (low, high)]
        return self.add("Clip", value, *limits)

    def element_type(self, dtype):
        """Return ONNX's number for a dtype."""
        return self.onnx.helper.np_dtype_to_tensor_dtype(dtype)

    def tensor(self, name, *shape):
        """Describe an input or an output."""
        element_type = self.element_type(self.dtypes[name])
        return self.onnx.helper.make_tensor_value_info(name, element_type, shape)


def _operator(name, **attributes):
    """Return what adds an activation that ONNX has an operator for.

    ``attributes`` maps ONNX's names to those of the activation's parameters.
    """

    def nodes(graph, Z, activation):
        values = {key: float(getattr(activation, own)) for key, own in attributes.items()}
        return graph.add(name, graph.cast(Z, SINGLE), **values)

    return nodes


def _silu(graph, Z, activation):
    Z = graph.cast(Z, SINGLE)
    return graph.add("Mul", Z, graph.add("Sigmoid", Z))


def _mish(graph, Z, activation):
    Z = graph.cast(Z, SINGLE)
    return graph.add("Mul", Z, graph.add("Tanh", graph.add("Softplus", Z)))


def _exp(graph, Z, activation):
    # in double precision, so that it overflows no sooner than ours
    limits = np.finfo(DOUBLE)
    low, high = 0.999 * np.log(limits.tiny), 0.999 * np.log(limits.max)
    return graph.add("Exp", graph.clip(graph.cast(Z, DOUBLE), low, high))


ACTIVATION_NODES = {
    "identity": lambda graph, Z, activation: Z,
    "logistic": _operator("Sigmoid"),
    "tanh": _operator("Tanh"),
    "relu": _operator("Relu"),
    "leaky_relu": _operator("LeakyRelu", alpha="negative_slope"),
    "elu": _operator("Elu", alpha="alpha"),
    "selu": _operator("Selu", alpha="alpha", gamma="scale"),
    "gelu": _operator("Gelu"),
    "silu": _silu,
    "mish": _mish,
    "softplus": _operator("Softplus"),
    "exp": _exp,
    "softmax": _operator("Softmax"),
}
"""What adds an activation to a graph: a function of the graph, the name of its net input,
and the activation."""


def _means(graph, outputs, loss, n_outputs):
    """Return the first half of the columns."""
    start, end, axis = (graph.constant([i], np.int64) for i in (0, n_outputs // 2, 1))
    return graph.add("Slice", outputs, start, end, axis), n_outputs // 2


def _sorted(graph, outputs, loss, n_outputs):
    """Sort several quantiles of one target; one quantile of several targets stays."""
    if np.size(loss.quantile) > 1:
        k = graph.constant([n_outputs], np.int64)
        outputs = graph.add("TopK", outputs, k, n_results=2, axis=1, largest=0, sorted=1)
    return outputs, n_outputs


PREDICTION_NODES = {"gaussian": _means, "quantile": _sorted}
"""What makes ``loss.predictions`` of the outputs, for the losses that have their own:
a function that returns the name of the predictions, and their number."""


def export(estimator, path=None):
    """Return the ONNX model of a fitted estimator, and write it to a file.

    Parameters
    ----------
    estimator : BackpropClassifier or BackpropRegressor
        Fitted.
    path : str or path-like, default=None
        Where to; None writes no file.

    Returns
    -------
    onnx.ModelProto
        Input ``X``, a double tensor of shape (N, n_features); output ``probabilities``
        or ``predictions``, a double tensor of the shape that ``predict_proba`` or
        ``predict`` returns.

    Raises
    ------
    ImportError
        If the package onnx is missing.
    ValueError
        If the network has an activation or a loss that this package does not bring.
    """
    graph = Graph(import_onnx(), {"X": DOUBLE})
    inputs = {"X": ["N", estimator.n_features_in_]}
    outputs = network(graph, estimator, "X")
    if not hasattr(estimator, "classes_"):
        value, shape = as_predicted(graph, *prediction_columns(graph, outputs, estimator))
        return finish(graph, estimator, inputs, {"predictions": (value, shape)}, path)
    probabilities = probability_columns(graph, outputs, estimator)
    return finish(graph, estimator, inputs, {"probabilities": probabilities}, path)


def finish(graph, estimator, inputs, outputs, path=None):
    """Return the model of a graph that is complete, checked, and write it to a file.

    Parameters
    ----------
    graph : Graph
        All nodes.
    estimator : object
        Whose name it gets, and whose classes, if it has some, are in the metadata.
    inputs : dict of str to list
        The shapes of the inputs.
    outputs : dict of str to tuple
        For each output the name of its value, and its shape.
    path : str or path-like, default=None
        Where to; None writes no file.
    """
    onnx = graph.onnx
    for name, (value, _) in outputs.items():
        graph.nodes.append(onnx.helper.make_node("Identity", [value], [name]))
        graph.dtypes[name] = graph.dtypes[value]
    made = onnx.helper.make_graph(
        graph.nodes,
        type(estimator).__name__,
        [graph.tensor(name, *shape) for name, shape in inputs.items()],
        [graph.tensor(name, *shape) for name, (_, shape) in outputs.items()],
        graph.constants,
    )
    opsets = [onnx.helper.make_opsetid(*opset) for opset in OPSETS.items()]
    used = {node.domain for node in graph.nodes}
    opsets = [opset for opset in opsets if opset.domain in used]
    model = onnx.helper.make_model(made, opset_imports=opsets, ir_version=IR_VERSION)
    if hasattr(estimator, "classes_"):
        classes = json.dumps(estimator.classes_.tolist(), default=str)
        onnx.helper.set_model_props(model, {"classes": classes})
    onnx.checker.check_model(model, full_check=True)
    if path is not None:
        onnx.save(model, path)
    return model


def import_onnx():
    """Return the package onnx, or raise ``ImportError`` that names the extra."""
    try:
        import onnx
    except ImportError as error:
        raise ImportError(
            "to_onnx needs the package onnx. Install it with pip install onnx."
        ) from error
    return onnx


def network(graph, estimator, value, as_net_inputs=False):
    """Add all layers; return the name of the outputs, in double precision.

    Parameters
    ----------
    graph : Graph
        To add to.
    estimator : BackpropClassifier or BackpropRegressor
        Fitted.
    value : str
        The features.
    as_net_inputs : bool, default=False
        Leave the output activation out: logits.
    """
    weights, biases, features, scaler, is_raw = _weights_and_scalers(estimator)
    served = estimator._served
    if features is not None:
        value = graph.combine("Sub", value, features.center)
        value = graph.combine("Div", value, features.scale)
    last = len(weights) - 1
    for layer, (W, b) in enumerate(zip(weights, biases, strict=True)):
        takes_raw_features = layer == 0 and is_raw
        dtype = DOUBLE if takes_raw_features or layer == last else SINGLE
        W, b = graph.constant(W, dtype), graph.constant(b, dtype)
        value = graph.add("Gemm", graph.cast(value, dtype), W, b)
        if layer < last:
            value = _add_activation(graph, value, served.activation)
        elif not as_net_inputs:
            value = _add_activation(graph, value, served.output_activation)
    value = graph.cast(value, DOUBLE)
    if scaler is not None:
        value = graph.combine("Mul", value, scaler.scale)
        value = graph.combine("Add", value, scaler.center)
    return value


def _weights_and_scalers(estimator):
    """Return weights, biases, scalers before and after, and whether features stay raw.

    The network in standardized coordinates if that is known, else the one that predicts.
    """
    training = training_of(estimator)
    scaler = None if training is None else training.statistics.feature_scaler
    if scaler is None or not has_folded_weights(estimator):
        weights, biases, centred = serving(estimator)
        if centred is None:
            return weights, biases, None, None, True
        return weights, biases, centred.before, centred.after, True
    network = training.network
    return network.weights, network.biases, scaler, training.output_scaler, False


def _add_activation(graph, Z, activation):
    name = activation.name
    # a class of the user's own may bear a known name
    if name not in ACTIVATION_NODES or type(activation) is not OUTPUT_ACTIVATIONS[name]:
        raise ValueError(
            f"The activation {activation!r} cannot be exported to ONNX: it is not one of this "
            f"package's, which are {', '.join(map(repr, ACTIVATION_NODES))}."
        )
    return ACTIVATION_NODES[name](graph, Z, activation)


def prediction_columns(graph, outputs, estimator):
    """Add what ``predict`` does with the outputs; return the name and the number of columns."""
    loss, n_outputs = estimator._served.loss, estimator.n_outputs_
    if type(loss).predictions is Loss.predictions:
        return outputs, n_outputs
    if loss.name not in PREDICTION_NODES or type(loss) is not LOSSES[loss.name]:
        raise ValueError(
            f"The loss {loss!r} cannot be exported to ONNX: it has predictions of its own, "
            "which only this package's losses are known to make."
        )
    return PREDICTION_NODES[loss.name](graph, outputs, loss, n_outputs)


def as_predicted(graph, value, n_columns):
    """Return predictions, and their shape; a single column has no axis of its own."""
    if n_columns == 1:
        return graph.add("Squeeze", value, graph.constant([1], np.int64)), ["N"]
    return value, ["N", n_columns]


def probability_columns(graph, outputs, estimator):
    """Add what ``predict_proba`` does with the outputs; return the name and the shape."""
    n_classes, P = len(estimator.classes_), outputs
    if n_classes == 1:  # nothing else to choose from
        return graph.clip(P, 1, 1), ["N", 1]
    if estimator._targets.kind == "binary":
        P = both_classes(graph, P)
    eps = np.finfo(estimator._dtype).eps
    return graph.clip(P, eps, 1 - eps), ["N", n_classes]


def both_classes(graph, P):
    """Return a column of probabilities with that of the other class before it."""
    one = graph.constant([[1.0]], DOUBLE)
    return graph.add("Concat", graph.add("Sub", one, P, dtype=DOUBLE), P, axis=1)


def mean_of(graph, values):
    """Return the mean of values of one shape."""
    total = values[0] if len(values) == 1 else graph.add("Sum", *values)
    return graph.combine("Div", total, len(values))


def export_ensemble(ensemble, path=None):
    """Return the ONNX model of a fitted ensemble, with the input and output of a member's.

    Parameters
    ----------
    ensemble : BackpropEnsembleClassifier or BackpropEnsembleRegressor
        Fitted.
    path : str or path-like, default=None
        As for ``export``, whose errors it raises.
    """
    graph = Graph(import_onnx(), {"X": DOUBLE})
    inputs = {"X": ["N", ensemble.n_features_in_]}
    last = probability_columns if hasattr(ensemble, "classes_") else prediction_columns
    each = [last(graph, network(graph, member, "X"), member) for member in ensemble.estimators_]
    value, shape = mean_of(graph, [value for value, _ in each]), each[0][1]
    if hasattr(ensemble, "classes_"):
        return finish(graph, ensemble, inputs, {"probabilities": (value, shape)}, path)
    return finish(graph, ensemble, inputs, {"predictions": as_predicted(graph, value, shape)}, path)
