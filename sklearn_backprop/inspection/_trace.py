"""What a step of backpropagation is made of: every quantity, and how it is shown."""

from dataclasses import dataclass, field

import numpy as np

from ._quantities import frames_of, sections_of
from ._tables import as_html, as_text


@dataclass(frozen=True, repr=False, eq=False)
class LayerTrace:
    """What one layer computes in one step.

    n samples come in from the layer below, whose ``fan_in`` units (or features) meet this
    layer's ``fan_out`` units. All derivatives are those of the batch's objective.

    Attributes
    ----------
    number : int
        1 for the first layer above the inputs.
    function : str
        Name of the activation function f.
    net_input : ndarray of shape (n, fan_out)
        ``Z = A_below @ W + b``.
    activation : ndarray of shape (n, fan_out)
        ``A = f(Z)``, after dropout.
    mask : ndarray of shape (n, fan_out) or None
        What dropout multiplied the activation by; None without dropout.
    slope : ndarray of shape (n, fan_out) or None
        ``f'(Z)``, times the mask; None for softmax, whose outputs depend on one another.
    error : ndarray of shape (n, fan_out)
        ``dL/dA``: of the loss in the output layer, propagated down in the others,
        ``delta_above @ W_above.T``.
    delta : ndarray of shape (n, fan_out)
        ``dL/dZ``: error × slope.
    gradient_weights, gradient_biases : ndarray of shape (fan_in, fan_out) and (fan_out,)
        ``A_below.T @ delta`` with the penalty's part added, and ``delta.sum(axis=0)``;
        before ``max_grad_norm`` shortens them.
    penalty_weights : ndarray of shape (fan_in, fan_out)
        The part of ``gradient_weights`` that comes from the L2 penalty ``alpha``.
    weights_before, biases_before : ndarray of shape (fan_in, fan_out) and (fan_out,)
        As the step found them.
    update_weights, update_biases : ndarray or None
        What the optimizer added to them; None for ``solver="lbfgs"``.
    weights_after, biases_after : ndarray or None
        As the step left them; None for ``solver="lbfgs"``.
    """

    number: int
    function: str
    net_input: np.ndarray
    activation: np.ndarray
    mask: np.ndarray | None
    slope: np.ndarray | None
    error: np.ndarray
    delta: np.ndarray
    gradient_weights: np.ndarray
    gradient_biases: np.ndarray
    penalty_weights: np.ndarray
    weights_before: np.ndarray
    biases_before: np.ndarray
    update_weights: np.ndarray | None
    update_biases: np.ndarray | None
    weights_after: np.ndarray | None
    biases_after: np.ndarray | None

    def __repr__(self):
        """Say which layer of which size."""
        fan_in, fan_out = self.weights_before.shape
        return f"LayerTrace(layer {self.number}, {fan_in}-{fan_out}, {self.function})"


@dataclass(frozen=True, repr=False, eq=False)
class StepTrace:
    """One step on one batch of n samples, from `trace_step`.

    ``print`` shows it as tables, a notebook too; ``to_frames`` returns them as DataFrames.

    Attributes
    ----------
    layers : list of LayerTrace
        From the first hidden layer to the outputs.
    inputs : ndarray or CSR matrix of shape (n, n_features)
        The batch as the first layer takes it: standardized, where the estimator does that.
    targets, outputs : ndarray of shape (n, n_outputs)
        What the network should say, in the coordinates of its outputs, and what it says.
    residuals : ndarray of shape (n, n_outputs)
        ``targets - outputs``, which the textbook calls the error E.
    losses : ndarray of shape (n, n_losses)
        The loss of each output of each sample.
    share : ndarray of shape (n, 1)
        Each sample's share in the objective: its weight / (n × the mean weight).
    loss, penalty, objective : float
        The weighted mean loss, the L2 penalty in it, and their sum, before the step.
    objective_after : float or None
        The objective of the same batch after the step; None for ``solver="lbfgs"`` and
        under dropout, which draws another mask each time.
    gradient_norm : float
        Euclidean norm of the whole gradient.
    clipped_norm : float
        The same after ``max_grad_norm``; equal to it where nothing was shortened.
    learning_rate : float or None
        Of this step; None for ``solver="lbfgs"``.
    optimizer, loss_function : str
        What took the step, and what it makes smaller.
    feature_scaler, output_scaler : Scaler or None
        How inputs and outputs are standardized (``center`` and ``scale``), or None.
    feature_names, output_names : list of str
        What the columns of ``inputs`` and ``outputs`` stand for.
    is_canonical : bool
        Whether loss and output activation belong together, so that the output delta is
        computed as ``(outputs - targets) * share`` and not as error × slope.
    """

    layers: list
    inputs: np.ndarray
    targets: np.ndarray
    outputs: np.ndarray
    residuals: np.ndarray
    losses: np.ndarray
    share: np.ndarray
    loss: float
    penalty: float
    objective: float
    objective_after: float | None
    gradient_norm: float
    clipped_norm: float
    learning_rate: float | None
    optimizer: str
    loss_function: str
    feature_scaler: object = None
    output_scaler: object = None
    feature_names: list = field(default_factory=list)
    output_names: list = field(default_factory=list)
    is_canonical: bool = False

    def __repr__(self):
        """Say what was traced, in a line."""
        return (
            f"StepTrace({sizes_of(self)} network, {len(self.targets)} sample(s), "
            f"{self.loss_function}, objective {self.objective:.6g})"
        )

    def __str__(self):
        """Return all quantities as aligned tables."""
        return self.to_text()

    def to_text(self, precision=4, max_rows=12, max_columns=10, width=100):
        """Return all quantities as aligned tables.

        Parameters
        ----------
        precision : int, default=4
            Significant digits of the largest number of a table.
        max_rows, max_columns : int, default=12 and 10
            Larger tables are cut in their middle.
        width : int, default=100
            Characters a line; tables stand side by side where they fit.

        Returns
        -------
        str
        """
        return as_text(sections_of(self), precision, max_rows, max_columns, width)

    def _repr_html_(self):
        """Return the tables for a notebook."""
        return as_html(sections_of(self), title=repr(self))

    def to_frames(self):
        """Return all quantities as DataFrames.

        Returns
        -------
        dict of str to pandas.DataFrame
            ``X``, ``Y``, ``E`` (``Y`` minus the outputs) and ``loss``; and of each layer
            l ``Z{l}``, ``A{l}``, ``slope{l}``, ``error{l}``, ``delta{l}``, and ``W{l}``,
            ``gradient_W{l}``, ``update_W{l}`` and ``W{l}_after``, whose last row is the
            bias. What a step does not have is left out.

        Raises
        ------
        ImportError
            If pandas is missing.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "to_frames() needs pandas: pip install pandas. The arrays are there without it: "
                "trace.layers[0].delta."
            ) from error
        return frames_of(self, pd.DataFrame)


def sizes_of(trace):
    """Return the number of features and of each layer's units, as ``2-3-1``."""
    sizes = [trace.layers[0].weights_before.shape[0]]
    sizes += [layer.weights_before.shape[1] for layer in trace.layers]
    return "-".join(map(str, sizes))
