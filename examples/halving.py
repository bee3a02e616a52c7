"""Which hyperparameters? Successive halving asks many candidates, and trains few to the end.

With the name of a picture, as in ``python examples/halving.py run.png``, it draws the
rungs as well, which needs matplotlib.
"""

import sys

from scipy.stats import loguniform
from sklearn.datasets import load_breast_cancer

from sklearn_backprop import BackpropClassifier
from sklearn_backprop.model_selection import SuccessiveHalvingSearchCV


def main():
    """Search, print, draw."""
    X, y = load_breast_cancer(return_X_y=True)
    network = BackpropClassifier(hidden_layer_sizes=16, learning_rate="cosine", random_state=0)
    distributions = {
        "alpha": loguniform(1e-5, 10),
        "learning_rate_init": loguniform(1e-4, 1e-1),
        "activation": ["relu", "tanh"],
    }
    search = SuccessiveHalvingSearchCV(
        network, distributions, n_candidates=27, max_epochs=54, cv=5, random_state=0
    ).fit(X, y)
    for n_candidates, n_epochs in zip(search.n_candidates_, search.n_resources_, strict=True):
        print(f"{n_candidates:>3} candidates up to epoch {n_epochs:>2}")
    print(f"best: {search.best_score_:.3f} accuracy with")
    for name, value in search.best_params_.items():
        print(f"  {name} = {value:.3g}" if isinstance(value, float) else f"  {name} = {value}")
    if len(sys.argv) > 1:
        import matplotlib.pyplot as plt

        from sklearn_backprop.plotting import SearchDisplay

        figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
        SearchDisplay.from_search(search, ax=ax)
        figure.savefig(sys.argv[1], dpi=120)


if __name__ == "__main__":
    main()
