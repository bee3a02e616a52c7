"""
A million rows that do not fit in memory
========================================

Can a network learn from more rows than memory holds? Yes: give ``partial_fit`` one chunk
after another. Mean and scale of every column are running ones, so chunks can be raw, and
what is needed at a time is a chunk, however many there are.
"""

import tracemalloc

import matplotlib.pyplot as plt
import numpy as np

from sklearn_backprop import BackpropRegressor

# %%
# The rows are made up, chunk by chunk, as a file or a database would hand them out. The
# noise leaves an R² of 0.86 to the best model there could be.
N_CHUNKS, CHUNK, N_FEATURES = 100, 10_000, 20


def chunk(seed):
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((CHUNK, N_FEATURES), dtype=np.float32)
    noise = rng.standard_normal(CHUNK, dtype=np.float32)
    return 100 + 15 * Z, np.sin(2 * Z[:, 0]) + Z[:, 1] * Z[:, 2] + 0.5 * noise


# %%
# Every chunk is seen once, and thrown away. The held-out rows are a chunk of their own.
# Memory is measured over ten chunks, since measuring takes time; the others are no larger.
tracemalloc.start()
X_test, y_test = chunk(seed=N_CHUNKS)
network = BackpropRegressor(hidden_layer_sizes=32, learning_rate_init=0.01, random_state=0)
scores = []
for seed in range(N_CHUNKS):
    network.partial_fit(*chunk(seed))
    scores.append(network.score(X_test, y_test))
    if seed == 9:
        peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()

seen = CHUNK * np.arange(1, N_CHUNKS + 1)
whole = seen[-1] * N_FEATURES * X_test.itemsize / 1e6
print(f"All rows would take {whole:.0f} MB; at most {peak:.1f} MB were in use.")

# %%
fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
ax.semilogx(seen, scores, "o-", markersize=3, label="network")
ax.axhline(1 - 0.25 / y_test.var(), color="k", linestyle="--", label="best possible")
ax.set(xlabel="rows seen", ylabel="R² on held-out rows", ylim=(0, 1))
ax.set_title(f"R² {scores[-1]:.2f} after a million rows, {peak:.1f} of {whole:.0f} MB at a time")
ax.legend(loc="lower right")
plt.show()
