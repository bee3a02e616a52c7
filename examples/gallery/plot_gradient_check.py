"""
Is my own activation right?
===========================

An activation of your own is two methods: the function and its slope. Is the slope right?
``check_gradients`` compares backpropagation with differences of the objective, layer by
layer, and says where a mistake must be.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes

from sklearn_backprop import BackpropRegressor
from sklearn_backprop.activations import Activation
from sklearn_backprop.inspection import check_gradients


# %%
# Softsign is ``f(z) = z / (1 + |z|)``. Its slope is ``(1 - |f(z)|)²``, and forgetting the
# square is a mistake that training would hide: the network would still learn something.
class Softsign(Activation):
    def forward(self, Z, out):
        np.divide(Z, 1 + np.abs(Z), out=out)

    def backward(self, Z, A, delta):
        delta *= np.square(1 - np.abs(A))


class WrongSoftsign(Softsign):
    def backward(self, Z, A, delta):
        delta *= 1 - np.abs(A)


# %%
# Both learn. A few rows are enough for the check, and nothing has to be fitted.
X, y = load_diabetes(return_X_y=True)
checks = {}
for activation in (WrongSoftsign(), Softsign()):
    network = BackpropRegressor(hidden_layer_sizes=(8, 8), activation=activation, random_state=0)
    network.set_params(learning_rate="cosine", learning_rate_init=0.01, max_iter=50)
    name = type(activation).__name__
    checks[name] = check_gradients(network, X[:20], y[:20])
    print(f"{name}: R² {network.fit(X, y).score(X, y):.2f}\n    {checks[name].diagnosis()}")

# %%
# Above the wrong slopes, in the output layer, the gradient is right; below it is not.
fig, ax = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
for (name, check), offset, hatch in zip(checks.items(), [-0.2, 0.2], ["//", ""], strict=True):
    names = [f"layer {array.layer}\n{array.kind}" for array in check.arrays]
    differences = [array.difference for array in check.arrays]
    ax.bar(np.arange(len(names)) + offset, differences, width=0.4, hatch=hatch, label=name)
ax.axhline(check.rtol, color="k", linestyle="--", label="largest that passes")
wrong, right = (check.max_difference for check in checks.values())
ax.set(yscale="log", ylabel="largest relative difference", ylim=(None, 100))
ax.set_title(f"Off by {wrong:.0%} with the wrong slope, by {right:.0e} with the right one")
ax.set_xticks(range(len(names)), names)
ax.legend(ncols=3)
plt.show()
