"""
How sure is it?
===============

Does a network know where it knows little? One does not, but several that disagree do, to
some extent. ``BackpropEnsembleRegressor`` returns a standard deviation with each prediction:
with ``loss="gaussian"`` it holds the noise of the targets and the members' disagreement.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_backprop import BackpropEnsembleRegressor, BackpropRegressor

# %%
# Made-up data, to know the truth: 200 noisy points of a sine, with a gap in the middle.
rng = np.random.default_rng(0)


def noisy_sine(x):
    return np.sin(x) + 0.2 * rng.standard_normal(x.shape)


x = np.concatenate([rng.uniform(-4, -1, 100), rng.uniform(1, 3.5, 100)])
y = noisy_sine(x)

# %%
# Ten networks, trained together. Their seeds differ, and the samples of rows they learn from.
network = BackpropRegressor(loss="gaussian", hidden_layer_sizes=(32, 32), batch_size=32)
network.set_params(learning_rate="cosine", learning_rate_init=0.02, max_iter=60)
ensemble = BackpropEnsembleRegressor(network, n_estimators=10, bootstrap=True, random_state=0)
ensemble.fit(x[:, np.newaxis], y)

# %%
# How many new points lie within two standard deviations? (Of a normal distribution, 95 %.)
x_new = np.linspace(-6, 5.5, 2000)
mean, std = ensemble.predict(x_new[:, np.newaxis], return_std=True)
inside = np.abs(noisy_sine(x_new) - mean) < 2 * std
gap, beyond = np.abs(x_new) < 1, (x_new < -4) | (x_new > 3.5)
for name, part in {"among": ~gap & ~beyond, "in the gap of": gap, "beyond": beyond}.items():
    print(f"{name:>13} the data: ±{2 * std[part].mean():.2f} holds {inside[part].mean():.0%}")

# %%
# The band widens where data are missing. It is right in the gap; far beyond the data it is
# still too narrow. A wide band says "I do not know", and not how far off it may be.
fig, ax = plt.subplots(figsize=(7.5, 4.4), layout="constrained")
ax.plot(x, y, ".", color="0.3", label="data")
ax.plot(x_new, np.sin(x_new), "k--", linewidth=1, label="truth")
ax.plot(x_new, mean, color="C0", label="prediction")
ax.fill_between(x_new, mean - 2 * std, mean + 2 * std, color="C0", alpha=0.25, label="± 2 std")
among, far = inside[~gap & ~beyond].mean(), inside[beyond].mean()
ax.set_title(f"± 2 std holds {among:.0%} of new points among the data, {far:.0%} beyond them")
ax.set(xlabel="x", ylabel="y")
ax.legend(ncols=4, loc="lower center")
plt.show()
