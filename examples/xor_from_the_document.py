"""XOR with two hidden units: the classic from-scratch run, through the estimator.

A 2-2-1 network of sigmoids learns XOR in 10,000 full-batch steps. The document that
this package grew from does it in a hand-written loop; from the same initial weights,
``BackpropRegressor`` arrives at the same outputs, to twelve digits and more.

The loop adds up the gradient over the four samples, the estimator takes their mean.
So the loop's learning rate of 0.1 is 0.4 here.
"""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_backprop import BackpropRegressor

X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])

# the document's draws, in its order
random = np.random.RandomState(42)
weights = [random.rand(2, 2), random.rand(2, 1)]
biases = [random.rand(2), random.rand(1)]

regressor = BackpropRegressor(
    hidden_layer_sizes=(2,),
    activation="logistic",
    output_activation="logistic",
    solver="sgd",
    momentum=0.0,
    learning_rate_init=0.4,
    alpha=0.0,
    max_iter=10_000,
    tol=0.0,
    n_iter_no_change=np.inf,
    shuffle=False,
    standardize=False,
)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # 10,000 epochs and no more, as there
    regressor.fit(X, y, coefs_init=weights, intercepts_init=biases)

print("epoch    half the summed squared error")
for epoch in (1, 10, 100, 1000, 2000, 3000, 5000, 10_000):
    error = 4 * regressor.loss_curve_[epoch - 1]
    print(f"{epoch:>6}   {error:.4f}  {'#' * round(60 * error)}")

document = [0.06028403490133598, 0.9444784005976045, 0.9443731977856975, 0.05996464530429651]
print("\nx1 x2  xor   output            the document's")
for (x1, x2), target, output, expected in zip(X, y, regressor.predict(X), document, strict=True):
    print(f" {x1}  {x2}    {target}   {output:.12f}    {expected:.12f}")

(to_hidden, to_output), (hidden_bias, output_bias) = regressor.coefs_, regressor.intercepts_
print("\nWhat it found, up to the steepness of its sigmoids:")
for unit, name in enumerate(("and", "or")):
    w1, w2 = to_hidden[:, unit]
    print(f"  {name:>3} = sigmoid({w1:.2f} x1 + {w2:.2f} x2 - {-hidden_bias[unit]:.2f})")
(w_and,), (w_or,) = to_output
print(f"  xor = sigmoid({w_or:.2f} or - {-w_and:.2f} and - {-output_bias[0]:.2f})")
