"""The quantities of a step under the names that textbooks give them, with their formulas.

This is the one place that says what a quantity is called and where it comes from; text,
HTML and DataFrames are made from it.
"""

import numpy as np

from ._tables import Section, Table

SIGNS = (
    "Signs: the error E = Y - output points to where the output should go; dL/dA, delta and the "
    "gradient point the other way, and the update goes against the gradient."
)


def sections_of(trace):
    """Return all quantities of a step, in the order in which they are computed."""
    layers = trace.layers
    forward = [table for layer in layers for table in forward_tables(trace, layer)]
    backward = [table for layer in layers[::-1] for table in backward_tables(trace, layer)]
    sections = [
        Section("One step of backpropagation", facts(trace)),
        Section("Forward", tables=[inputs_table(trace), *forward]),
        Section("Loss", [_objective_line(trace)], loss_tables(trace)),
        Section("Backward", [SIGNS], backward),
    ]
    if layers[0].weights_after is not None:
        update = [table for layer in layers for table in update_tables(trace, layer)]
        sections.append(Section("Update", [_update_line(trace)], update))
    return sections


def facts(trace, seen="all data so far, this batch included"):
    """Return what there is to say before the tables, as lines; ``seen`` had those means."""
    sizes = [len(trace.feature_names), *(len(layer.biases_before) for layer in trace.layers)]
    functions = ", ".join(layer.function for layer in trace.layers)
    lines = [
        f"{'-'.join(map(str, sizes))} network ({functions}), {len(trace.targets)} sample(s), "
        f"loss {trace.loss_function}."
    ]
    if trace.feature_scaler is not None:
        also = " and targets" if trace.output_scaler is not None else ""
        lines.append(
            f"standardize=True: inputs{also} are (value - mean) / scale, with the means and "
            f"scales of {seen}; weights are those of the network in these coordinates, not coefs_."
        )
    if any(layer.mask is not None for layer in trace.layers):
        lines.append("dropout: the masks are those that the next step would draw.")
    if trace.learning_rate is None:
        lines.append(
            "solver='lbfgs' takes no single step: SciPy goes on from this gradient, along a "
            "direction of its own."
        )
    return lines


def _objective_line(trace):
    parts = f"objective {trace.objective:.6g}"
    if trace.penalty:
        parts += f" = mean loss {trace.loss:.6g} + L2 penalty {trace.penalty:.6g}"
    after = trace.objective_after
    return parts + ("" if after is None else f"; after the step {after:.6g}")


def _update_line(trace):
    line = f"{trace.optimizer}, learning rate {trace.learning_rate:.6g}, "
    line += f"gradient norm {trace.gradient_norm:.6g}"
    if trace.clipped_norm < trace.gradient_norm * (1 - 1e-6):
        line += f", shortened to {trace.clipped_norm:.6g} by max_grad_norm"
    return line


def frames_of(trace, DataFrame):
    """Return all quantities as DataFrames, by key."""
    tables = [table for section in sections_of(trace) for table in section.tables]
    return {
        table.key: DataFrame(_dense(table.values), index=table.rows, columns=table.columns)
        for table in tables
    }


def _dense(values):
    return values if isinstance(values, np.ndarray) else values.toarray()


def _samples(trace):
    return [f"sample {i}" for i in range(len(trace.targets))]


def units_of(trace, number):
    """Return the names of the units of a layer; 0 stands for the inputs."""
    if number == 0:
        return trace.feature_names
    if number == len(trace.layers):
        return trace.output_names
    return [f"unit {i}" for i in range(len(trace.layers[number - 1].biases_before))]


def _below(layer):
    return "X" if layer.number == 1 else f"A{layer.number - 1}"


def inputs_table(trace):
    """Return the batch."""
    return Table("X", "X", "inputs", "", _samples(trace), trace.feature_names, trace.inputs)


def _of_samples(trace, layer, key, symbol, name, formula, values):
    units = units_of(trace, layer.number)
    return Table(f"{key}{layer.number}", symbol, name, formula, _samples(trace), units, values)


def _of_weights(trace, layer, key, symbol, name, formula, weights, biases):
    """Return weights with the biases as their last row."""
    rows = [*units_of(trace, layer.number - 1), "bias"]
    columns = units_of(trace, layer.number)
    return Table(key, symbol, name, formula, rows, columns, np.vstack([weights, biases]))


def forward_tables(trace, layer):
    """Return a layer's weights, net input and activation."""
    n, f, below = layer.number, layer.function, _below(layer)
    is_output = n == len(trace.layers)
    before = layer.weights_before, layer.biases_before
    tables = [
        _of_weights(trace, layer, f"W{n}", f"W{n}, b{n}", "weights and biases", "", *before),
        _of_samples(
            trace, layer, "Z", f"Z{n}", "net input", f"{below} W{n} + b{n}", layer.net_input
        ),
    ]
    dropped = "" if layer.mask is None else f" × mask{n}"
    if layer.mask is not None:
        tables.append(
            _of_samples(
                trace, layer, "mask", f"mask{n}", "dropout", "0 or 1 / (1 - rate)", layer.mask
            )
        )
    name = "output" if is_output else "activation"
    tables.append(
        _of_samples(trace, layer, "A", f"A{n}", name, f"{f}(Z{n}){dropped}", layer.activation)
    )
    return tables


def loss_tables(trace):
    """Return targets, errors and losses."""
    rows, names = _samples(trace), trace.output_names
    losses = trace.losses
    columns = names if losses.shape[1] == len(names) else names[: losses.shape[1]]
    output = f"A{len(trace.layers)}"
    return [
        Table("Y", "Y", "targets", "", rows, names, trace.targets),
        Table("E", "E", "error", f"Y - {output}", rows, names, trace.residuals),
        Table("loss", f"l(Y, {output})", trace.loss_function, "", rows, columns, losses),
        Table(
            "share",
            "share",
            "in the objective",
            "weight / (samples × mean weight)",
            rows,
            ["share"],
            trace.share,
        ),
    ]


def backward_tables(trace, layer):
    """Return a layer's error, slope, delta and gradient."""
    n, below = layer.number, _below(layer)
    is_output = n == len(trace.layers)
    if is_output:
        error, name = f"dl/dA{n} × share", "error"
    else:
        error, name = f"delta{n + 1} W{n + 1}ᵀ", "error from the layer above"
    tables = [_of_samples(trace, layer, "error", f"dL/dA{n}", name, error, layer.error)]
    if layer.slope is not None:
        masked = "" if layer.mask is None else f" × mask{n}"
        tables.append(
            _of_samples(
                trace,
                layer,
                "slope",
                f"f'(Z{n})",
                "slope",
                f"{layer.function}'{masked}",
                layer.slope,
            )
        )
    tables.append(
        _of_samples(
            trace, layer, "delta", f"delta{n}", "dL/dZ", delta_formula(trace, layer), layer.delta
        )
    )
    plus = " + penalty" if np.any(layer.penalty_weights) else ""
    tables.append(
        _of_weights(
            trace,
            layer,
            f"gradient_W{n}",
            f"dL/dW{n}, dL/db{n}",
            "gradient",
            f"{below}ᵀ delta{n}{plus}, Σ delta{n}",
            layer.gradient_weights,
            layer.gradient_biases,
        )
    )
    return tables


def delta_formula(trace, layer):
    """Return how a layer's delta is computed."""
    if layer.number == len(trace.layers) and trace.is_canonical:
        return f"(A{layer.number} - Y) × share"
    if layer.slope is None:
        return f"error through the Jacobian of {layer.function}"
    return "error × slope"


def update_tables(trace, layer):
    """Return a layer's update, and its weights after it."""
    n = layer.number
    update = layer.update_weights, layer.update_biases
    after = layer.weights_after, layer.biases_after
    change, new = "update", "weights and biases after the step"
    return [
        _of_weights(trace, layer, f"update_W{n}", f"ΔW{n}, Δb{n}", change, "", *update),
        _of_weights(
            trace, layer, f"W{n}_after", f"W{n}, b{n}", new, f"W{n} + ΔW{n}, b{n} + Δb{n}", *after
        ),
    ]
