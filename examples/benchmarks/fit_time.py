"""Training and prediction time beside scikit-learn's MLP and PyTorch.

Every comparison runs in one process, the contestants in turn, several times over;
the figure is the median of the ratios, so a machine whose speed drifts does not
matter. The same data, hyperparameters and number of steps on all sides. Whole fits are
measured with the compiled kernels and with NumPy's.

    python examples/benchmarks/fit_time.py              # everything, about 15 minutes
    python examples/benchmarks/fit_time.py --quick      # does it run? figures mean nothing
    python examples/benchmarks/fit_time.py --only fit   # fit, other, predict, standardize, import

PyTorch is compared where it is installed (``pip install torch``).
"""

import argparse
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from statistics import median

import numpy as np
import scipy.sparse
import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

import sklearn_backprop
from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop._kernels import choice

try:
    import torch
except ImportError:
    torch = None


@dataclass
class Case:
    """One training problem, and how many times faster than scikit-learn it must be."""

    name: str
    n_samples: int
    n_features: int
    hidden: tuple
    batch_size: int
    n_epochs: int
    n_outputs: int = 3  # 1 is regression
    # float64, float32: how many times faster than scikit-learn it must be, compiled and in NumPy
    floor: tuple = (1.0, 1.0)
    numpy_floor: tuple = (1.0, 1.0)
    torch_floor: float = 1.0  # than PyTorch, compiled

    def data(self, dtype):
        """Return X and y: numbers from a normal distribution, labels or a noisy target."""
        rng = np.random.RandomState(0)
        X = rng.standard_normal((self.n_samples, self.n_features)).astype(dtype)
        signal = X @ rng.standard_normal((self.n_features, self.n_outputs))
        if self.n_outputs == 1:
            return X, np.sin(signal[:, 0]).astype(dtype)
        return X, signal.argmax(axis=1)

    @property
    def sizes(self):
        """Units of each layer."""
        return (self.n_features, *self.hidden, self.n_outputs)

    @property
    def n_steps(self):
        """Steps of a whole fit."""
        return self.n_epochs * -(-self.n_samples // self.batch_size)


CASES = [
    Case("tiny", 1000, 20, (16,), 32, 20, 3, (11, 12), (3.7, 4.2), 10),
    Case("small", 2000, 30, (32, 32), 64, 12, 3, (7, 9), (3.3, 4.0), 7),
    Case("default", 10000, 50, (100,), 200, 6, 3, (2.8, 3.8), (1.9, 2.7), 2.5),
    Case("regression", 10000, 20, (100, 100), 200, 5, 1, (2.6, 4.5), (1.9, 2.9), 2.5),
    Case("wide", 10000, 784, (256, 128), 128, 2, 10, (1.6, 2.0), (1.3, 1.6), 1.3),
]


def seconds(function):
    """Return the seconds one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def side_by_side(functions, n_rounds):
    """Time functions in turn; return for each the list of its seconds.

    The order turns round from one to the next, so that none always follows the same.
    """
    for function in functions:
        function()
    times = [[] for _ in functions]
    for i in range(n_rounds):
        for k in range(len(functions)) if i % 2 else reversed(range(len(functions))):
            times[k].append(seconds(functions[k]))
    return times


def ratio(times, others):
    """Return the median of pairwise ratios."""
    return median(b / a for a, b in zip(times, others, strict=True))


def settings(case, **more):
    """Return the hyperparameters that both packages get."""
    return {
        "hidden_layer_sizes": case.hidden,
        "batch_size": case.batch_size,
        "max_iter": case.n_epochs,
        "tol": 0.0,
        "n_iter_no_change": 10**6,
        "random_state": 0,
    } | more


def fits(case, X, y, ours=None, **more):
    """Return two functions that fit this package's estimator and scikit-learn's."""
    regression = case.n_outputs == 1
    mine = BackpropRegressor if regression else BackpropClassifier
    theirs = MLPRegressor if regression else MLPClassifier
    own = {"standardize": False, "scoring": None} | (ours or {})
    return (
        lambda: mine(**settings(case, **more), **own).fit(X, y),
        lambda: theirs(**settings(case, **more)).fit(X, y),
    )


def torch_fit(case, X, y):
    """Return a function that trains the same network with PyTorch's fused Adam."""
    X, Y = torch.from_numpy(X), torch.from_numpy(y)
    Y = Y[:, None] if case.n_outputs == 1 else Y
    n_samples, batch_size = len(X), case.batch_size

    def fit():
        torch.manual_seed(0)
        layers = []
        for fan_in, fan_out in pairwise(case.sizes):
            layers += [torch.nn.Linear(fan_in, fan_out, dtype=X.dtype), torch.nn.ReLU()]
        model = torch.nn.Sequential(*layers[:-1])
        loss = torch.nn.MSELoss() if case.n_outputs == 1 else torch.nn.CrossEntropyLoss()
        decay = 1e-4 / batch_size
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=decay, fused=True)
        for _ in range(case.n_epochs):
            order = torch.randperm(n_samples)
            for start in range(0, n_samples, batch_size):
                rows = order[start : start + batch_size]
                optimizer.zero_grad()
                loss(model(X[rows]), Y[rows]).backward()
                optimizer.step()

    return fit


def products(case, dtype):
    """Return a function that does one step's matrix products and nothing else."""
    rng = np.random.RandomState(0)
    layers = []
    for fan_in, fan_out in pairwise(case.sizes):
        A = rng.standard_normal((case.batch_size, fan_in)).astype(dtype)
        W = rng.standard_normal((fan_in, fan_out)).astype(dtype)
        Z = np.empty((case.batch_size, fan_out), dtype)
        layers.append((A, W, Z, np.empty_like(W), np.empty_like(A)))

    def run():
        for i, (A, W, Z, gradient, error) in enumerate(layers):
            np.dot(A, W, out=Z)
            np.dot(A.T, Z, out=gradient)
            if i:
                np.dot(Z, W.T, out=error)

    return run


class Report:
    """Prints rows of a table and remembers which figures fell short."""

    def __init__(self):
        self.short = []

    def title(self, *lines):
        """Print a headline."""
        print("\n" + "\n".join(lines), flush=True)

    def floor(self, what, value, least):
        """Return a mark for a figure that must reach a floor."""
        if value < least:
            self.short.append(f"{what}: {value:.2f} < {least:.2f}")
            return "!"
        return " "


def bench_fit(report, cases, n_rounds, threads):
    """Compare whole fits over the table of cases."""
    for n_threads in threads:
        name = "the machine's default number of threads" if n_threads is None else "one BLAS thread"
        report.title(
            f"Adam, ReLU, {name}",
            f"{'':<21}{'compiled kernels':^42}  {'NumPy':^19}{'products':>9}",
            f"{'case':<12}{'dtype':<9}{'us/step':>8}{'x scikit-learn':>16}{'(least)':>8}"
            f"{'x PyTorch':>10}  {'us/step':>8}{'x sk-l':>7}{'':4}{'us/step':>9}",
        )
        for case in cases:
            for column, dtype in enumerate((np.float64, np.float32)):
                bench_case(report, case, dtype, column, n_rounds, n_threads)


def with_kernels(name, function):
    """Return a function that does the same with one set of kernels."""

    def run():
        with choice.using(name):
            function()

    return run


def bench_case(report, case, dtype, column, n_rounds, n_threads):
    """Time one case and print its row; without a compiler both sets are NumPy's."""
    X, y = case.data(dtype)
    ours, theirs = fits(case, X, y)
    compiled = "compiled" if "compiled" in choice.SETS else "numpy"
    functions = [with_kernels(compiled, ours), with_kernels("numpy", ours), theirs]
    if torch is not None:
        torch.set_num_threads(n_threads or torch_threads)
        functions.append(torch_fit(case, X, y))
    with threadpool_limits(n_threads, user_api="blas"):
        fast, plain, theirs, *torchs = side_by_side(functions, n_rounds)
    with threadpool_limits(n_threads, user_api="blas"):
        step = products(case, dtype)
        alone = median(seconds(step) for _ in range(200))
    name = f"{case.name} {np.dtype(dtype).name}"
    floors = [case.floor[column], case.numpy_floor[column], case.torch_floor]
    least, numpy_least, torch_least = floors if n_threads == 1 else [1.0] * 3
    gain, numpy_gain = ratio(fast, theirs), ratio(plain, theirs)
    mark = report.floor(f"{name} against scikit-learn", gain, least)
    numpy_mark = report.floor(f"{name} in NumPy against scikit-learn", numpy_gain, numpy_least)
    beside = "       n/a"
    if torchs:
        torch_gain = ratio(fast, torchs[0])
        torch_mark = report.floor(f"{name} against PyTorch", torch_gain, torch_least)
        beside = f"{torch_gain:>9.2f}{torch_mark}"
    microseconds = [median(times) / case.n_steps * 1e6 for times in (fast, plain)]
    print(
        f"{case.name:<12}{np.dtype(dtype).name:<9}{microseconds[0]:>8.1f}{gain:>15.2f}{mark}"
        f"{least:>8.1f}{beside}  {microseconds[1]:>8.1f}{numpy_gain:>6.2f}{numpy_mark}"
        f"{'':4}{alone * 1e6:>9.1f}",
        flush=True,
    )


def bench_threads(report, cases, n_rounds):
    """Compare the machine's default number of threads with one."""
    report.title("Default number of threads against one", f"{'case':<12}{'times faster':>13}")
    for case in cases:
        X, y = case.data(np.float64)
        fit, _ = fits(case, X, y)

        def one_thread(fit=fit):
            with threadpool_limits(1, user_api="blas"):
                fit()

        default, one = side_by_side([fit, one_thread], n_rounds)
        gain = ratio(default, one)
        # 5 % is what two runs of the very same code differ by here
        mark = report.floor(f"{case.name} at default threads", gain, 0.95)
        print(f"{case.name:<12}{gain:>13.2f}{mark}", flush=True)


def bench_other(report, n_rounds):
    """Compare solvers and options other than the table's."""
    case = Case("default", 5000, 50, (100,), 200, 5)
    tiny = Case("tiny", 1000, 20, (16,), 32, 10)
    sparse = Case("sparse", 5000, 1000, (50,), 200, 3)
    variants = [
        ("SGD", case, {"solver": "sgd"}, None),
        ("SGD, tiny", tiny, {"solver": "sgd"}, None),
        ("L-BFGS", case, {"solver": "lbfgs", "max_iter": 20}, None),
        ("L-BFGS, tiny", tiny, {"solver": "lbfgs", "max_iter": 50}, None),
        ("logistic", case, {"activation": "logistic"}, None),
        ("tanh", case, {"activation": "tanh"}, None),
        ("identity", case, {"activation": "identity"}, None),
        ("early stopping", case, {"early_stopping": True}, None),
        ("full batch", case, {"batch_size": 5000}, None),
        ("not shuffled", case, {"shuffle": False}, None),
        ("sparse, 1 %", sparse, {}, 0.01),
        ("sparse, 10 %", sparse, {}, 0.1),
    ]
    report.title("Other settings, float64 and float32", f"{'setting':<17}{'x scikit-learn':>16}")
    for name, problem, options, density in variants:
        gains = []
        for dtype in (np.float64, np.float32):
            X, y = problem.data(dtype)
            if density:
                X = scipy.sparse.random_array(
                    X.shape, density=density, rng=np.random.default_rng(0), dtype=dtype
                ).tocsr()
            gains.append(ratio(*side_by_side(fits(problem, X, y, **options), n_rounds)))
        marks = [report.floor(name, gain, 1.0) for gain in gains]
        cells = "".join(f"{g:>8.2f}{m}" for g, m in zip(gains, marks, strict=True))
        print(f"{name:<17}{cells}", flush=True)


def predict_often(model, rows, repeat):
    """Predict the same rows several times."""
    for _ in range(repeat):
        model.predict(rows)


def bench_predict(report, n_rounds):
    """Compare prediction on one row and on many."""
    report.title("predict, default case", f"{'rows':<9}{'x scikit-learn (float64, float32)':>34}")
    case = Case("default", 2000, 50, (100,), 200, 2)
    for n_rows, repeat in ((1, 300), (1000, 50), (100_000, 1)):
        gains = []
        for dtype in (np.float64, np.float32):
            X, y = case.data(dtype)
            rows = np.resize(X, (n_rows, X.shape[1]))
            models = [fit() for fit in fits(case, X, y)]
            calls = [partial(predict_often, model, rows, repeat) for model in models]
            gains.append(ratio(*side_by_side(calls, n_rounds)))
        marks = [report.floor(f"predict {n_rows}", gain, 1.0) for gain in gains]
        cells = "".join(f"{g:>8.2f}{m}" for g, m in zip(gains, marks, strict=True))
        print(f"{n_rows:<9}{cells}", flush=True)


def bench_standardize(report, cases, n_rounds):
    """Measure what standardize=True adds to a fit of 20 epochs; at most 10 % is allowed."""
    report.title("standardize=True, a fit of 20 epochs", f"{'case':<12}{'added (f64, f32)':>17}")
    for case in cases:
        cells = ""
        for dtype in (np.float64, np.float32):
            X, y = case.data(dtype)
            plain, _ = fits(case, X, y, max_iter=20)
            scaled, _ = fits(case, X, y, ours={"standardize": True}, max_iter=20)
            # a short fit is told apart from noise by more rounds
            times = side_by_side([plain, scaled], n_rounds if X.size > 10**6 else 4 * n_rounds)
            added = 1 / ratio(times[1], times[0]) - 1
            mark = report.floor(f"standardize {case.name}", 0.10 - added, 0.0)
            cells += f"{added:>9.1%}{mark}"
        print(f"{case.name:<12}{cells}", flush=True)


def bench_import(report, n_rounds):
    """Compare the import with that of scikit-learn's module; 10 % more is allowed."""
    report.title("import, in fresh processes")
    modules = ("sklearn_backprop", "sklearn.neural_network")
    calls = [lambda m=m: subprocess.run([sys.executable, "-c", f"import {m}"]) for m in modules]
    ours, theirs = side_by_side(calls, n_rounds)
    cost = 1 / ratio(ours, theirs)
    mark = report.floor("import", 1.10 - cost, 0.0)
    print(f"{median(ours):.2f} s, {cost:.2f}{mark} times sklearn.neural_network", flush=True)


def main():
    """Run the sections asked for; exit with 1 if a figure falls short."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one round of tiny problems")
    parser.add_argument("--only", action="append", help="sections to run; default all")
    parser.add_argument("--case", action="append", help="cases to run; default all")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    n_rounds = 1 if arguments.quick else arguments.rounds
    cases = [case for case in CASES if not arguments.case or case.name in arguments.case]
    cases = cases[:1] if arguments.quick else cases
    report = Report()
    print(
        f"sklearn_backprop {sklearn_backprop.__version__}, scikit-learn {sklearn.__version__}, "
        f"NumPy {np.__version__}, PyTorch {torch.__version__ if torch else 'not installed'}, "
        f"kernels {choice.chosen()}"
    )
    sections = {
        "fit": lambda: bench_fit(report, cases, n_rounds, (1, None)),
        "threads": lambda: bench_threads(report, cases, n_rounds),
        "other": lambda: bench_other(report, n_rounds),
        "predict": lambda: bench_predict(report, n_rounds),
        "standardize": lambda: bench_standardize(report, cases, max(1, n_rounds // 2)),
        "import": lambda: bench_import(report, n_rounds),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # limits reached, by design
        for name in arguments.only or sections:
            sections[name]()
    if report.short and not arguments.quick:
        print("\nFell short:", *report.short, sep="\n  ")
        sys.exit(1)


torch_threads = torch.get_num_threads() if torch else None

if __name__ == "__main__":
    main()
