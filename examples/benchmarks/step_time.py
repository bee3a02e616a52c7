"""Where a training step spends its time: each equation, in NumPy and compiled.

One thread; Adam and ReLU on the cases of fit_time.py. Beside them the step's matrix
products alone, which nothing can undercut.

    python examples/benchmarks/step_time.py                    # a table
    python examples/benchmarks/step_time.py --picture FILE     # and a picture, with matplotlib
    python examples/benchmarks/step_time.py --quick            # does it run?
"""

import argparse
import time
from statistics import median

import numpy as np
from fit_time import CASES, products
from threadpoolctl import threadpool_limits

from sklearn_backprop._engine.network import Network
from sklearn_backprop._engine.objective import Objective
from sklearn_backprop._engine.samples import Samples
from sklearn_backprop._engine.training import Learner, step, update
from sklearn_backprop._kernels import choice
from sklearn_backprop.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS
from sklearn_backprop.losses import LOSSES
from sklearn_backprop.optimizers import OPTIMIZERS

EQUATIONS = "forward", "output delta", "gradient and back", "update"


def microseconds(functions, seconds):
    """Return the median microseconds of a call of each, called in turn."""
    counts = []
    for function in functions:
        start = time.perf_counter()
        function()
        function()
        counts.append(max(1, int(seconds / 5 / (time.perf_counter() - start))))
    times = [[] for _ in functions]
    for _ in range(9):
        for each, function, count in zip(times, functions, counts, strict=True):
            start = time.perf_counter()
            for _ in range(count):
                function()
            each.append((time.perf_counter() - start) / count * 1e6)
    return [median(each) for each in times]


def learner_and_batch(case, dtype):
    """Return what trains a case's network, and a batch."""
    is_regression = case.n_outputs == 1
    loss = LOSSES["squared_error" if is_regression else "log_loss"]()
    output = OUTPUT_ACTIVATIONS[loss.output_activation]()
    network = Network(case.sizes, ACTIVATIONS["relu"](), output, dtype)
    random = np.random.RandomState(0)
    network.parameters[...] = random.uniform(-0.1, 0.1, network.parameters.size)
    learner = Learner(network, Objective(loss, 1e-4), OPTIMIZERS["adam"](), 1e-6)
    learner.restart_optimizer()
    X, y = case.data(dtype)
    Y = y[:, None] if is_regression else (y[:, None] == np.arange(case.n_outputs)).astype(dtype)
    samples = Samples(X[: case.batch_size], Y[: case.batch_size])
    return learner, next(iter(samples.batches(learner.objective, case.batch_size)))


def parts_of_a_step(case, dtype):
    """Return a function for each equation, and one for the whole step."""
    learner, batch = learner_and_batch(case, dtype)
    step(learner, batch)
    network, loss = learner.network, learner.objective.loss
    delta = network.layers[-1].delta
    return [
        lambda: network.forward(batch.X),
        lambda: network.output_delta(batch.Y, loss, batch.share),
        lambda: network.backward(batch.X, delta),
        lambda: update(learner, batch),
        lambda: step(learner, batch),
    ]


def measure(case, dtype, seconds):
    """Return by the name of a set of kernels the microseconds of its parts, and the products'."""
    sets = [name for name in ("numpy", "compiled") if name in choice.SETS]
    functions = []
    for name in sets:
        with choice.using(name):
            functions += parts_of_a_step(case, dtype)
    *times, alone = microseconds([*functions, products(case, dtype)], seconds)
    n_parts = len(EQUATIONS) + 1
    return {name: times[i * n_parts : (i + 1) * n_parts] for i, name in enumerate(sets)}, alone


def draw(measured, path):
    """Draw a bar for each set of kernels: what each equation adds to the products."""
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "step"
    figure, axes = plt.subplots(1, len(measured), figsize=(2.1 * len(measured), 3.6))
    colors = "#4477aa", "#66ccee", "#228833", "#ccbb44"
    for ax, (name, (sets, alone)) in zip(axes, measured.items(), strict=True):
        for x, times in enumerate(sets.values()):
            bottom = 0.0
            for label, height, color in zip(EQUATIONS, times, colors, strict=False):
                ax.bar(x, height, bottom=bottom, color=color, label=label if x == 0 else None)
                bottom += height
        ax.axhline(alone, color="#aa3377", linestyle="--", label="products alone")
        ax.set(title=name, xticks=range(len(sets)), ylim=(0, None))
        ax.set_xticklabels(["NumPy" if name == "numpy" else name for name in sets])
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("µs a step")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="lower center", ncols=5, frameon=False)
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    figure.savefig(path, dpi=150)


def main():
    """Measure all cases, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="does it run? figures mean nothing")
    parser.add_argument("--picture", help="where to draw float32's table, such as step.png")
    arguments = parser.parse_args()
    cases, seconds = (CASES[:1], 0.001) if arguments.quick else (CASES, 0.05)
    columns = f"{'forward':>9}{'delta':>8}{'back':>8}{'update':>8}{'a step':>9}{'products':>10}"
    print(f"{'microseconds':<33}{columns}")
    measured = {}
    for case in cases:
        for dtype in (np.float64, np.float32):
            with threadpool_limits(1, user_api="blas"):
                sets, alone = measure(case, dtype, seconds)
            for name, (forward, delta, back, moved, whole) in sets.items():
                print(
                    f"{case.name:<12}{np.dtype(dtype).name:<10}{name:<11}{forward:>9.1f}"
                    f"{delta:>8.1f}{back:>8.1f}{moved:>8.1f}{whole:>9.1f}{alone:>10.1f}",
                    flush=True,
                )
        measured[case.name] = sets, alone
    if arguments.picture:
        draw(measured, arguments.picture)


if __name__ == "__main__":
    main()
