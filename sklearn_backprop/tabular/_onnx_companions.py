"""Export of companions to ONNX: trees as they are, and products with coefficients.

What goes in is in double precision, as in scikit-learn: a threshold decides the same way.
"""

import numpy as np

from .._estimators.onnx import DOUBLE, SINGLE, network
from .._sklearn import trees_of
from ._candidates import is_network
from ._companions import LIMIT, LINEAR, NEARLY_NOTHING, NETWORK, SMALLEST, TREES, UNIT


def pooled_predictions(graph, team, encoded, value):
    """Add the companions' predictions to the network's; return the name of the sum."""
    if not team.companions:
        return value
    return _pooled(graph, team, value, _parts(graph, team, encoded))


def pooled_logits(graph, team, encoded, logits, n_classes):
    """Add the companions' logits to the network's; return the name of the sum.

    Of two classes the logits are one column, of the second one.
    """
    if not team.companions:
        return logits
    parts = {}
    for name, value in _parts(graph, team, encoded).items():
        classes = team.companions[name].classes_
        if len(classes) < n_classes:
            value = _with_the_other_classes(graph, value, classes, n_classes)
        parts[name] = value
    return _pooled(graph, team, logits, parts)


def _pooled(graph, team, value, parts):
    """Add the weighted sum."""
    terms = [graph.combine("Mul", value, team.weights[NETWORK])]
    terms += [graph.combine("Mul", part, team.weights[name]) for name, part in parts.items()]
    return graph.add("Sum", *terms)


def _parts(graph, team, encoded):
    """Add what each companion says; return the names.

    The output of a network that is pooled is its logits, or of squared error as it is.
    """
    parts = {}
    for name, companion in team.companions.items():
        given = encoded
        if name in team.columns:
            columns = graph.constant(team.columns[name], np.dtype(np.int64))
            given = graph.add("Gather", encoded, columns, axis=1)
        if is_network(name):
            parts[name] = network(graph, companion, given, as_net_inputs=True)
            continue
        add = next((add for kinds, add in KINDS.items() if isinstance(companion, kinds)), None)
        if add is None:
            raise ValueError(
                f"The companion {companion!r} cannot be exported to ONNX. Fit with "
                "companions=None, or 'auto'."
            )
        given = FORM_NODES.get(name, _as_it_is)(graph, graph.cast(given, DOUBLE))
        parts[name] = add(graph, given, companion)
    return parts


def _as_it_is(graph, value):
    return value


def _with_unclipped(graph, value):
    """Add what ``with_unclipped`` makes of columns."""
    ratio = graph.combine("Div", value, LIMIT)
    square = graph.combine("Mul", graph.add("Mul", ratio, ratio), -1.0)
    left = graph.combine("Max", graph.combine("Add", square, 1.0), NEARLY_NOTHING)
    unclipped = graph.add("Div", graph.combine("Mul", value, UNIT), graph.add("Sqrt", left))
    return graph.add("Concat", value, unclipped, axis=1)


FORM_NODES = {"linear": _with_unclipped}
"""What adds the columns as a companion of a name takes them."""


def _linear(graph, value, companion):
    """Add a product with the coefficients."""
    coef = graph.constant(np.atleast_2d(companion.coef_).T, DOUBLE)
    return graph.add("Gemm", value, coef, graph.constant(np.ravel(companion.intercept_), DOUBLE))


def _trees(graph, value, companion):
    """Add trees: the nodes of all in one list, each with its number of tree and node."""
    rounds, first = trees_of(companion)
    of_output = [(k, nodes) for round_ in rounds for k, nodes in enumerate(round_)]
    nodes = np.concatenate([nodes for _, nodes in of_output])
    sizes = [len(nodes) for _, nodes in of_output]
    tree = np.repeat(np.arange(len(sizes)), sizes)
    node = np.concatenate([np.arange(size) for size in sizes])
    output = np.repeat([k for k, _ in of_output], sizes)
    leaf = nodes["is_leaf"].astype(bool)

    def tensor(values, name):
        return graph.onnx.numpy_helper.from_array(np.asarray(values, np.float64), name)

    total = graph.add(
        "TreeEnsembleRegressor",
        value,
        dtype=SINGLE,  # of the sum, whatever goes in
        domain="ai.onnx.ml",
        n_targets=len(first),
        base_values_as_tensor=tensor(first, "base_values"),
        nodes_treeids=tree.tolist(),
        nodes_nodeids=node.tolist(),
        nodes_modes=np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        nodes_featureids=np.where(leaf, 0, nodes["feature_idx"]).tolist(),
        nodes_values_as_tensor=tensor(np.where(leaf, 0.0, nodes["num_threshold"]), "values"),
        nodes_truenodeids=np.where(leaf, 0, nodes["left"]).tolist(),
        nodes_falsenodeids=np.where(leaf, 0, nodes["right"]).tolist(),
        target_treeids=tree[leaf].tolist(),
        target_nodeids=node[leaf].tolist(),
        target_ids=output[leaf].tolist(),
        target_weights_as_tensor=tensor(nodes["value"][leaf], "weights"),
    )
    return graph.cast(total, DOUBLE)


KINDS = {
    LINEAR: _linear,
    TREES: _trees,
}
"""What adds a companion to a graph."""


def _with_the_other_classes(graph, value, classes, n_classes):
    """Return log-probabilities of all classes, of a companion that was not shown some of them."""
    if len(classes) == 2:
        value = graph.add("Concat", graph.combine("Mul", value, 0.0), value, axis=1)
    log_P = graph.add("LogSoftmax", value, axis=1)
    axis = graph.constant([1], np.int64)
    zero = graph.combine("Mul", graph.add("ReduceMax", log_P, axis, keepdims=1), 0.0)
    all_columns = graph.add("Concat", log_P, graph.combine("Add", zero, np.log(SMALLEST)), axis=1)
    positions = np.full(n_classes, len(classes))
    positions[classes] = np.arange(len(classes))
    return graph.add("Gather", all_columns, graph.constant(positions, np.int64), axis=1)
