"""Learning from a stream: handwritten digits, 45 raw images at a time.

Each call of ``partial_fit`` takes one pass over a chunk, which may then be thrown
away. Mean and scale of every pixel are running statistics, so nothing has to be
known of the stream beforehand. Each chunk is predicted before it is learned, so no
image is scored by a network that has seen it. A network saved and loaded in the
middle goes on as if nothing had happened.
"""

import pickle

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from sklearn.utils import gen_even_slices, shuffle

from sklearn_backprop import BackpropClassifier

X, y = shuffle(*load_digits(return_X_y=True), random_state=0)
chunks = list(gen_even_slices(len(X), 40))
settings = {"learning_rate_init": 0.01, "random_state": 0}
networks = [MLPClassifier(**settings), BackpropClassifier(**settings)]
for network in networks:
    network.partial_fit(X[chunks[0]], y[chunks[0]], classes=np.unique(y))

print("Accuracy on the images of the stream, each predicted before it was learned\n")
print(f"{'images':>12}{'MLPClassifier':>16}{'BackpropClassifier':>21}")
hits, start = np.zeros(2), chunks[0].stop
for chunk in chunks[1:]:
    hits += [np.sum(network.predict(X[chunk]) == y[chunk]) for network in networks]
    for network in networks:
        network.partial_fit(X[chunk], y[chunk])
    if chunk is chunks[len(chunks) // 2]:
        saved = pickle.dumps(networks[1])
    if chunk.stop - start >= 300 or chunk is chunks[-1]:
        accuracy = hits / (chunk.stop - start)
        print(f"{start + 1:>5} – {chunk.stop:<4}{accuracy[0]:>16.3f}{accuracy[1]:>21.3f}")
        hits[:], start = 0, chunk.stop

resumed = pickle.loads(saved)
for chunk in chunks[len(chunks) // 2 + 1 :]:
    resumed.partial_fit(X[chunk], y[chunk])
same = all(map(np.array_equal, resumed.coefs_, networks[1].coefs_))
print(f"\nSaved half way ({len(saved) / 1024:.0f} KiB), loaded, and trained on the second half:")
print("the weights are", "the same to the last bit." if same else "DIFFERENT.")
