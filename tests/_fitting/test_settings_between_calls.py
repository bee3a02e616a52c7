"""Settings that change between calls of ``partial_fit`` act from the next step on."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from sklearn_backprop import BackpropRegressor

# a single epoch, to compare with a single pass
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_diabetes(return_X_y=True)
PLAIN = {
    "hidden_layer_sizes": (4,),
    "batch_size": len(X),
    "standardize": False,
    "learning_rate_init": 1e-6,
    "alpha": 0.0,
    "random_state": 0,
}


@pytest.mark.parametrize(
    "solver", [{"solver": "sgd", "nesterovs_momentum": False}, {"solver": "adam"}], ids=str
)
def test_a_moment_that_is_no_longer_kept_is_forgotten(solver):
    """With momentum or β₁ of 0 the next step goes along the gradient of its own batch alone."""
    off = {"momentum": 0.0} if solver["solver"] == "sgd" else {"beta_1": 0.0}
    moved = BackpropRegressor(**PLAIN, **solver).partial_fit(X, y).partial_fit(X, y)
    # targets that turn every gradient round: what was remembered would point the other way
    turned = 2 * moved.predict(X) - y
    before = [W.copy() for W in moved.coefs_]
    moved.set_params(**off).partial_fit(X, turned)
    alone = BackpropRegressor(**PLAIN, **solver, **off, max_iter=1, tol=0.0)
    alone.fit(X, turned, coefs_init=before, intercepts_init=_intercepts_before(solver))
    for W, start, W_alone in zip(moved.coefs_, before, alone.coefs_, strict=True):
        step, expected = W - start, W_alone - start
        np.testing.assert_array_equal(np.sign(step), np.sign(expected))


def _intercepts_before(solver):
    return BackpropRegressor(**PLAIN, **solver).partial_fit(X, y).partial_fit(X, y).intercepts_
