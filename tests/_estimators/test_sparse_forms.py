"""Sparse matrices that hold the same numbers in another way: entries stored twice, or as zeros."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_backprop import (
    BackpropClassifier,
    BackpropEnsembleClassifier,
    BackpropEnsembleRegressor,
    BackpropRegressor,
    BackpropTransformer,
    fit_many,
)
from sklearn_backprop._estimators.checks import summed

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NETWORK = {"hidden_layer_sizes": (6,), "max_iter": 4, "random_state": 0}
RANDOM = np.random.default_rng(0)
DENSE = RANDOM.normal(size=(90, 5)) * (RANDOM.random((90, 5)) < 0.5) + (
    RANDOM.random((90, 5)) < 0.2
)
PLAIN = sp.csr_array(DENSE)
Y = DENSE[:, 0] - DENSE[:, 1] * DENSE[:, 2]


def stored(dense, twice, zeros, shuffled, kind=sp.csr_array, seed=0):
    """Return a matrix with entries stored in halves, as zeros, or out of order."""
    random = np.random.default_rng(seed)
    rows, columns = np.nonzero(dense)
    data = dense[rows, columns]
    if twice:
        rows, columns, data = np.tile(rows, 2), np.tile(columns, 2), np.tile(data / 2, 2)
    if zeros:
        everywhere = np.indices(dense.shape).reshape(2, -1)
        rows, columns = np.append(rows, everywhere[0]), np.append(columns, everywhere[1])
        data = np.append(data, np.zeros(dense.size))
    order = random.permutation(len(rows)) if shuffled else np.arange(len(rows))
    order = order[np.argsort(rows[order], kind="stable")]
    pointers = np.append(0, np.cumsum(np.bincount(rows, minlength=len(dense))))
    return kind((data[order], columns[order], pointers), shape=dense.shape)


FORMS = {
    "twice": stored(DENSE, True, False, False),
    "twice, matrix": stored(DENSE, True, False, False, sp.csr_matrix),
    "twice, columns": stored(DENSE.T, True, False, False).T,
    "out of order": stored(DENSE, False, False, True),
    "zeros": stored(DENSE, False, True, False),
    "all of it": stored(DENSE, True, True, True),
}

USES = {
    "fit": lambda X: BackpropRegressor(**NETWORK).fit(X, Y).predict(DENSE),
    "fit, unscaled": lambda X: (
        BackpropRegressor(**NETWORK, standardize=False).fit(X, Y).predict(DENSE)
    ),
    "lbfgs": lambda X: BackpropRegressor(**NETWORK, solver="lbfgs").fit(X, Y).predict(DENSE),
    "early stopping": lambda X: (
        BackpropRegressor(**NETWORK, early_stopping=True).fit(X, Y).predict(DENSE)
    ),
    "validation set": lambda X: (
        BackpropRegressor(**NETWORK, early_stopping=True)
        .fit(PLAIN, Y, X_val=X, y_val=Y)
        .validation_scores_
    ),
    "partial_fit": lambda X: (
        BackpropRegressor(**NETWORK).partial_fit(X, Y).partial_fit(X, Y).predict(DENSE)
    ),
    "predict": lambda X: BackpropRegressor(**NETWORK).fit(PLAIN, Y).predict(X),
    "predict_proba": lambda X: BackpropClassifier(**NETWORK).fit(PLAIN, Y > 0).predict_proba(X),
    "gradients": lambda X: BackpropRegressor(**NETWORK).fit(PLAIN, Y).input_gradients(X),
    "ensemble": lambda X: (
        BackpropEnsembleRegressor(BackpropRegressor(**NETWORK), n_estimators=2, random_state=0)
        .fit(X, Y)
        .predict(X)
    ),
    "ensemble of classifiers": lambda X: (
        BackpropEnsembleClassifier(BackpropClassifier(**NETWORK), n_estimators=2, random_state=0)
        .fit(X, Y > 0)
        .predict_proba(X)
    ),
    "transformer": lambda X: (
        BackpropTransformer(BackpropRegressor(**NETWORK)).fit(X, Y).transform(X)
    ),
    "fit_many": lambda X: [
        model.predict(X)
        for model in fit_many(
            [BackpropRegressor(**NETWORK)] * 2, X, Y, rows=[np.arange(60), np.arange(30, 90)]
        )
    ],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("use", USES)
def test_the_same_numbers_are_the_same_matrix(use, form):
    X = FORMS[form]
    before = X.copy()
    # statistics add in another order where zeros are among the numbers
    assert_allclose(USES[use](X), USES[use](PLAIN), rtol=1e-10, atol=1e-10)
    for name in ("data", "indices", "indptr"):  # the user's matrix is not put in order
        assert_array_equal(getattr(X, name), getattr(before, name))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.lists(st.integers(-3, 3), min_size=3, max_size=3), min_size=1, max_size=5),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
)
def test_entries_are_summed_and_in_order(dense, twice, zeros, shuffled, seed):
    dense = np.array(dense, float)
    X = stored(dense, twice, zeros, shuffled, seed=seed)
    result = summed(X)
    assert_array_equal(result.toarray(), dense)
    assert result.has_canonical_format
    for row in range(len(dense)):
        columns = result.indices[result.indptr[row] : result.indptr[row + 1]]
        assert (np.diff(columns) > 0).all()
