"""
What happens in one step?
=========================

``trace_step`` takes one step of training on a copy of the network and keeps every number of
it: forward, error, backward, update. Here is the first step of a network of two hidden units
on XOR, and how far the gradient can be trusted.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_backprop import BackpropClassifier
from sklearn_backprop.inspection import trace_step

# %%
# Plain gradient descent on all four samples, with a rate of 1.
X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
network = BackpropClassifier(
    hidden_layer_sizes=2,
    activation="tanh",
    solver="sgd",
    momentum=0,
    learning_rate_init=1,
    alpha=0,
    standardize=False,
    random_state=0,
)
trace = trace_step(network, X, y)
print(trace)

# %%
# The same step with other rates. The gradient promises that the objective falls in proportion
# to the rate, by rate × the gradient's squared norm. That holds for small rates.
rates = np.geomspace(0.01, 30, 60)
objectives = [
    trace_step(network.set_params(learning_rate_init=rate), X, y).objective_after for rate in rates
]
promised = trace.objective - rates * trace.gradient_norm**2
after = network.set_params(learning_rate_init=1).partial_fit(X, y, classes=[0, 1])

# %%
# One step moves all four outputs towards one half: XOR takes many more.
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
names = [f"{a} xor {b}" for a, b in X]
left.plot(names, y, "kx", markersize=9, label="target")
left.plot(names, trace.outputs, "o", label="output before")
left.plot(names, after.predict_proba(X)[:, 1], "s", label="output after")
left.set(ylabel="probability of 1", title="Outputs before and after the step")
right.semilogx(rates, promised, "k--", label="promised by the gradient")
right.plot(rates, objectives, color="C0", label="as it is")
right.plot(1, trace.objective_after, "s", color="C1", label="the step on the left")
right.axhline(trace.objective, color="0.5", linestyle=":", label="before the step")
right.set(xlabel="learning rate", ylabel="objective after the step", ylim=(0.5, 1.6))
harmful = rates[np.array(objectives) > trace.objective].min()
right.set_title(f"A rate of 1 helps, {harmful:.0f} or more does harm")
left.legend()
right.legend()
plt.show()
