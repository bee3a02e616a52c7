"""Many cores: ``n_jobs`` spreads stacks over processes, and changes no result.

An ensemble and a search, in this process and on two. Data this small gain nothing from
a second process; what is to be seen is that the results are the same.
"""

import time

import numpy as np
from sklearn.datasets import load_diabetes

from sklearn_backprop import BackpropEnsembleRegressor, BackpropRegressor
from sklearn_backprop.model_selection import GridSearchCV

X, y = load_diabetes(return_X_y=True)
network = BackpropRegressor(
    hidden_layer_sizes=16, batch_size=32, learning_rate="cosine", max_iter=20, random_state=0
)
ensemble = BackpropEnsembleRegressor(network, n_estimators=16, bootstrap=True, random_state=0)
search = GridSearchCV(network, {"alpha": [0.1, 1.0, 10.0], "activation": ["relu", "tanh"]})

print(f"{'processes':>9}{'ensemble, R²':>15}{'seconds':>9}{'search, R²':>13}{'seconds':>9}")
predictions, scores = [], []
for n_jobs in (1, 2):
    start = time.perf_counter()
    ensemble.set_params(n_jobs=n_jobs).fit(X, y)
    middle = time.perf_counter()
    search.set_params(n_jobs=n_jobs).fit(X, y)
    end = time.perf_counter()
    predictions.append(ensemble.predict(X))
    scores.append(search.cv_results_["mean_test_score"])
    print(
        f"{n_jobs:>9}{ensemble.score(X, y):>15.3f}{middle - start:>9.2f}"
        f"{search.best_score_:>13.3f}{end - middle:>9.2f}"
    )
print("same predictions:", np.array_equal(*predictions))
print("same scores:     ", np.array_equal(*scores))
