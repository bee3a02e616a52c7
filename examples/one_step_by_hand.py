"""One step of backpropagation, table by table, and two mistakes worth knowing.

Three samples go through a 4-3-1 network of ReLUs: forward, error, delta, backward,
update. The weights are those of the document that this package grew from, with one
misprinted entry mended. Its step has the wrong sign, and multiplies the learning rate
in twice; the last lines show what either costs.
"""

import numpy as np

from sklearn_backprop._engine.network import Network
from sklearn_backprop.activations import ReLU
from sklearn_backprop.losses import SquaredError

X = np.array([[1.0, 0, 1, 0], [1, 0, 1, 1], [0, 1, 0, 1]])
Y, RATE = np.array([[1.0], [1], [0]]), 0.1
network, loss = Network((4, 3, 1), ReLU(), ReLU()), SquaredError()
(W1, W2), (b1, b2) = network.weights, network.biases  # views: to fill them is to set the network
W1[...] = [[0.83, -0.14, 0.19], [1.73, 0.06, 0.92], [-0.21, 0.44, -1.58], [-0.57, -0.53, 1.39]]
b1[...] = [-0.94, -0.17, 0.27]
W2[...] = [[-0.58], [0.83], [0.63]]
b2[...] = 0.47


def show(title, table):
    print(f"\n{title}")
    for row in np.atleast_2d(table) + 0.0:  # makes 0 of -0
        print("   " + "".join(f"{value:9.4f}" for value in row))


outputs = network.forward(X)
delta = network.output_delta(Y, loss, share=1.0)  # dL/dZ: minus the document's error × slope
network.backward(X, delta)
hidden, _ = network.layers

show("Net input of the hidden layer, X W1 + b1", X @ W1 + b1)
show("Hidden activation, max(0, net input)", hidden.A)
show("Output, target, error = target - output", np.hstack([outputs, Y, Y - outputs]))
show("Output delta, error × slope × 0.1", -RATE * delta)
show("Hidden error, delta W2ᵀ", -RATE * delta @ W2.T)
show("Hidden delta, error × slope", -RATE * hidden.delta)

start, step, before = network.parameters.copy(), -RATE * network.gradient, loss.sum(Y, outputs)
network.parameters += step
show("W1 after the update", W1)
show("b1, W2 and b2 after the update", np.hstack([b1, W2[:, 0], b2]))

print(f"\nHalf the squared error is {before:.4f}, and after")
is_weight = np.arange(start.size) < network.n_weights
for what, change in (
    ("this step", step),
    ("the rate multiplied in twice", RATE * step),
    ("and the wrong sign, as in its code", -RATE * step),
    ("or for the weights alone, its table", np.where(is_weight, -RATE, RATE) * step),
):
    network.parameters[...] = start + change
    after = loss.sum(Y, network.forward(X))
    print(f"    {what:36}{after:.4f}  {'rises' if after > before else 'falls'}")
