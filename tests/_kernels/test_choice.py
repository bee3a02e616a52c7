"""Which set of kernels computes, and who says so."""

import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import make_classification

from sklearn_backprop import BackpropClassifier, show_versions
from sklearn_backprop._engine.network import Network
from sklearn_backprop._engine.outputs import predict
from sklearn_backprop._kernels import choice
from sklearn_backprop.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS, Activation

X, Y = make_classification(120, 6, n_informative=4, n_classes=3, random_state=0)
each_set = pytest.mark.parametrize("name", choice.SETS)
compiled_only = pytest.mark.skipif(
    "compiled" not in choice.SETS, reason="needs the compiled kernels"
)


def asked_for(value):
    """Return how a process ended in which the variable has a value, and what it printed."""
    code = "from sklearn_backprop._kernels import choice; print(choice.chosen())"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {choice.VARIABLE: value},
        capture_output=True,
        text=True,
    )
    return run.stdout.strip() or run.stderr.strip().splitlines()[-1]


def test_the_environment_can_ask_for_a_set():
    fastest = "compiled" if "compiled" in choice.SETS else "numpy"
    assert asked_for("") == fastest
    assert asked_for("numpy") == "numpy"
    assert asked_for("fast").startswith(f"ValueError: {choice.VARIABLE}='fast'")


@each_set
def test_networks_made_in_a_block_keep_their_kernels(name):
    identity = ACTIVATIONS["identity"]()
    before = choice.chosen()
    with choice.using(name):
        network, stack = (Network((2, 1), identity, identity, n_networks=n) for n in (None, 3))
        assert choice.chosen() == name
    assert choice.chosen() == before
    assert (network.kernels, stack.kernels) == choice.SETS[name]


@compiled_only
def test_products_of_large_layers_are_numpys():
    identity = ACTIVATIONS["identity"]()
    with choice.using("compiled"):
        small, large = (Network((100, n, 2), identity, identity) for n in (327, 328))
    assert (small.kernels.leaves_large, large.kernels.leaves_large) == (False, True)
    rows, weights, biases = np.ones((3, 100)), large.weights, large.biases
    weights[0][...] = weights[1][...] = 1
    assert predict(rows, weights, biases, identity, identity).tolist() == [[32800.0] * 2] * 3


def test_a_set_that_there_is_not():
    with pytest.raises(KeyError), choice.using("fast"):
        pass


@compiled_only
def test_every_activation_is_compiled():
    from sklearn_backprop._kernels.compiled import known_activations

    assert set(known_activations()) == set(ACTIVATIONS) | set(OUTPUT_ACTIVATIONS)


@each_set
def test_versions_say_which_kernels_run(name, capsys):
    with choice.using(name):
        show_versions()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("sklearn_backprop: ")
    assert lines[1].startswith(f"kernels: {name}")
    assert any(line.startswith("numpy: ") for line in lines)


class Sine(Activation):
    """``f(z) = sin(z)``, which no kernel knows."""

    def forward(self, Z, out):
        """Write ``sin(z)``."""
        np.sin(Z, out=out)

    def backward(self, Z, A, delta):
        """Multiply by ``cos(z)``."""
        delta *= np.cos(Z)


SETTINGS = {
    "defaults": {},
    "dropout": {"dropout": 0.3, "activation": "mish"},
    "clipping": {"max_grad_norm": 0.1, "activation": "selu"},
    "sgd": {"solver": "sgd", "learning_rate": "adaptive", "activation": "gelu"},
    "lbfgs": {"solver": "lbfgs"},
    "a loss that is not canonical": {"loss": "focal"},
    "an activation of one's own": {"activation": Sine()},
}


@compiled_only
@pytest.mark.filterwarnings("ignore:Maximum iterations", "ignore:L-BFGS reached")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_a_few_steps_of_both_sets_agree_to_rounding(settings, dtype):
    weights = []
    for name in ("numpy", "compiled"):
        with choice.using(name):
            network = BackpropClassifier(
                hidden_layer_sizes=(8, 8), max_iter=3, tol=0, random_state=0
            )
            network.set_params(**settings, alpha=0.1, scoring=None)
            network.fit(X.astype(dtype), Y)
            weights.append(np.concatenate([W.ravel() for W in network.coefs_]))
    # 3 steps of Adam: a gradient's rounding is at most as large as its step; in L-BFGS
    # and in steps of nearly no gradient it may be more
    rounding = 1e3 * np.finfo(dtype).eps
    np.testing.assert_allclose(*weights, rtol=rounding, atol=100 * rounding)
