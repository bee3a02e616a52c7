"""A weight means the same wherever it comes from and whatever the batch size is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.utils.class_weight import compute_sample_weight

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.optimizers import SGD

random = np.random.RandomState(0)
N = 40
X = random.standard_normal((N, 3))
SPECIES = np.array(["ant", "bee", "cow"])[random.choice(3, N, p=[0.6, 0.3, 0.1])]
LABELS = random.randint(0, 2, (N, 2))
SAMPLE_WEIGHT = random.uniform(0.1, 2.0, N)
BY_NAME = {"ant": 0.5, "cow": 4.0}  # a bee weighs 1
# standardize=False: features are standardized by sample weights, but not by class weights
SETTINGS = {"standardize": False, "hidden_layer_sizes": 4, "max_iter": 4, "learning_rate": "cosine"}
SETTINGS |= {"random_state": 0, "learning_rate_init": 0.01, "batch_size": 7}


def same(ours, theirs, rtol=1e-10):
    for a, b in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-12)


def weights_by_hand(y, class_weight):
    """Return each sample's weight: looked up, counted, or a product over labels."""
    if isinstance(class_weight, list):
        columns = zip(y.T, class_weight, strict=True)
        return np.prod([[w.get(v, 1) for v in column] for column, w in columns], axis=0)
    if class_weight == "balanced":
        columns = y.T if y.ndim == 2 else [y]
        shares = [[len(c) / (len(set(c)) * np.sum(c == v)) for v in c] for c in columns]
        return np.prod(shares, axis=0)
    return np.array([class_weight.get(label, 1) for label in y])


CLASS_WEIGHTS = {
    "dict": (SPECIES, BY_NAME),
    "balanced": (SPECIES, "balanced"),
    "two classes": ((SPECIES == "ant").astype(int), {1: 3.0}),
    "list of dicts": (LABELS, [{0: 2.0, 1: 0.5}, {1: 3.0}]),
    "balanced multilabel": (LABELS, "balanced"),
}
over_class_weights = pytest.mark.parametrize(
    ("y", "class_weight"), CLASS_WEIGHTS.values(), ids=CLASS_WEIGHTS
)


# class weights


@over_class_weights
@pytest.mark.parametrize("extra", [None, SAMPLE_WEIGHT], ids=["alone", "times sample_weight"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_class_weights_are_sample_weights_in_fit(y, class_weight, extra, solver):
    by_hand = weights_by_hand(y, class_weight) * (1 if extra is None else extra)
    parameters = SETTINGS | {"solver": solver}
    if solver == "lbfgs":
        parameters |= {"max_iter": 200, "tol": 0.1}
    ours = BackpropClassifier(class_weight=class_weight, **parameters).fit(X, y, extra)
    theirs = BackpropClassifier(**parameters).fit(X, y, by_hand)
    same(ours, theirs)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-12)


@pytest.mark.parametrize("name", ["dict", "two classes", "list of dicts"])
def test_class_weights_are_sample_weights_in_partial_fit(name):
    y, class_weight = CLASS_WEIGHTS[name]
    classes = np.unique(y) if y.ndim == 1 else np.arange(2)
    ours = BackpropClassifier(class_weight=class_weight, **SETTINGS)
    theirs = BackpropClassifier(**SETTINGS)
    for rows in np.array_split(np.arange(N), 4):
        by_hand = weights_by_hand(y[rows], class_weight) * SAMPLE_WEIGHT[rows]
        ours.partial_fit(X[rows], y[rows], SAMPLE_WEIGHT[rows], classes=classes)
        theirs.partial_fit(X[rows], y[rows], by_hand, classes=classes)
    same(ours, theirs)


def test_a_chunk_need_not_have_the_classes_that_have_weights():
    rows = SPECIES == "bee"
    ours = BackpropClassifier(class_weight={"cow": 9.0}, **SETTINGS)
    ours.partial_fit(X[rows], SPECIES[rows], classes=["ant", "bee", "cow"])
    plain = BackpropClassifier(**SETTINGS)
    same(ours, plain.partial_fit(X[rows], SPECIES[rows], classes=["ant", "bee", "cow"]))


def test_no_class_weight_and_weights_of_one_change_nothing():
    plain = BackpropClassifier(**SETTINGS).fit(X, SPECIES)
    same(BackpropClassifier(class_weight={}, **SETTINGS).fit(X, SPECIES), plain)
    ones = BackpropClassifier(class_weight=dict.fromkeys(BY_NAME, 1), **SETTINGS).fit(X, SPECIES)
    same(ones, plain)


def test_standardized_features_do_not_depend_on_class_weights():
    """As with ``StandardScaler`` before a classifier with class weights."""
    from sklearn.preprocessing import StandardScaler

    scaled = StandardScaler().fit_transform(3 * X + 1)
    plain = BackpropClassifier(class_weight="balanced", **SETTINGS).fit(scaled, SPECIES)
    ours = BackpropClassifier(class_weight="balanced", **SETTINGS | {"standardize": True})
    ours.fit(3 * X + 1, SPECIES)
    np.testing.assert_allclose(
        ours.predict_proba(3 * X + 1), plain.predict_proba(scaled), rtol=1e-9
    )


def test_balanced_in_partial_fit_says_what_to_pass():
    with pytest.raises(ValueError, match=r"partial_fit.*Pass a dict.*compute_class_weight"):
        BackpropClassifier(class_weight="balanced").partial_fit(X, SPECIES, classes=list(BY_NAME))


@pytest.mark.parametrize(
    ("y", "bad", "message"),
    [
        (SPECIES, {"dog": 2.0}, r"weights for \['dog'\].*not in the classes"),
        (SPECIES, {"ant": -1.0}, "must not be negative"),
        (SPECIES, {"ant": np.inf}, "must not be negative"),
        (SPECIES, [{"ant": 1.0}], "must be a dict"),
        (LABELS, {0: 2.0}, "list of 2 dicts"),
        (LABELS, [{0: 2.0}], "list of 2 dicts"),
        (LABELS, [{7: 2.0}, {}], r"weights for \[7\]"),
        (SPECIES, "even", "class_weight"),
        (SPECIES, dict.fromkeys(["ant", "bee", "cow"], 0), "weight zero"),
    ],
)
def test_unusable_class_weights_are_refused(y, bad, message):
    with pytest.raises(ValueError, match=message):
        BackpropClassifier(class_weight=bad).fit(X, y)


def test_weights_that_cancel_each_other_out_are_refused():
    only_ants = (SPECIES == "ant").astype(float)
    with pytest.raises(ValueError, match="weight zero"):
        BackpropClassifier(class_weight={"ant": 0.0}, **SETTINGS).fit(X, SPECIES, only_ants)


def test_balanced_finds_more_of_a_rare_class():
    data, y = load_breast_cancer(return_X_y=True)
    rare = np.r_[np.flatnonzero(y == 0)[:25], np.flatnonzero(y == 1)]
    data, y = data[:, :4], y  # four features: not so easy
    recalls = [
        recall_score(
            y,
            BackpropClassifier(
                class_weight=weight, **SETTINGS | {"standardize": True, "max_iter": 40}
            )
            .fit(data[rare], y[rare])
            .predict(data),
            pos_label=0,
        )
        for weight in (None, "balanced")
    ]
    assert recalls[1] > recalls[0] + 0.1


@pytest.mark.filterwarnings("ignore:scipy.optimize:DeprecationWarning")  # older scikit-learn's own
def test_weighted_logistic_regression_is_scikit_learns():
    ours = BackpropClassifier(
        hidden_layer_sizes=(), solver="lbfgs", alpha=1.0, tol=1e-9, standardize=False, max_iter=500,
        class_weight=BY_NAME, random_state=0,
    ).fit(X, SPECIES, SAMPLE_WEIGHT)  # fmt: skip
    theirs = LogisticRegression(C=1.0, class_weight=BY_NAME, tol=1e-9, max_iter=500)
    theirs.fit(X, SPECIES, SAMPLE_WEIGHT)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-4)


# weighted batches

BATCH_SIZES = [1, 5, N]
over_batch_sizes = pytest.mark.parametrize("batch_size", BATCH_SIZES)
y_binary = (X[:, 0] + random.standard_normal(N) > 0).astype(int)
STEP = {"solver": SGD(momentum=0.0), "hidden_layer_sizes": (), "standardize": False}
STEP |= {"shuffle": False, "learning_rate": 0.1, "initializer": "zeros", "random_state": 0}
few_examples = settings(derandomize=True, max_examples=12, deadline=None)
some_weights = st.lists(
    st.one_of(st.just(0.0), st.floats(0.01, 100)), min_size=N, max_size=N
).filter(any)


def epoch_by_hand(weights, batch_size, alpha):
    """One epoch of plain SGD for a logistic model, by the formula of the objective."""
    w, b, mean_weight, losses = np.zeros(3), 0.0, np.mean(weights), []
    for start in range(0, N, batch_size):
        rows = slice(start, start + batch_size)
        A, Y, W = expit(X[rows] @ w + b), y_binary[rows], np.asarray(weights[rows])
        share = 1 / (len(Y) * mean_weight)
        loss = -(W * (Y * np.log(A) + (1 - Y) * np.log(1 - A))).sum() + alpha / 2 * w @ w
        losses.append(loss * share * len(Y))
        gradient = X[rows].T @ (W * (A - Y)) + alpha * w, W @ (A - Y)
        w, b = w - 0.1 * share * gradient[0], b - 0.1 * share * gradient[1]
    return w, b, sum(losses) / N


@over_batch_sizes
@few_examples
@given(weights=some_weights, alpha=st.sampled_from([0.0, 0.5]))
def test_an_epoch_follows_the_formula(batch_size, weights, alpha):
    model = BackpropClassifier(batch_size=batch_size, alpha=alpha, **STEP)
    model.partial_fit(X, y_binary, weights, classes=[0, 1])
    w, b, loss = epoch_by_hand(weights, batch_size, alpha)
    np.testing.assert_allclose(model.coefs_[0][:, 0], w, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(model.intercepts_[0], b, rtol=1e-9, atol=1e-12)
    assert model.loss_ == pytest.approx(loss, rel=1e-9)


@over_batch_sizes
@few_examples
@given(weights=some_weights, factor=st.floats(0.001, 1000))
def test_only_relative_weights_matter_without_a_penalty(batch_size, weights, factor):
    parameters = SETTINGS | {"batch_size": batch_size, "alpha": 0.0, "max_iter": 2}
    parameters["solver"] = "sgd"
    weights = np.array(weights)
    one, other = (BackpropClassifier(**parameters).fit(X, SPECIES, w)
                  for w in (weights, factor * weights))  # fmt: skip
    same(one, other, rtol=1e-6)


@over_batch_sizes
def test_a_weight_has_an_effect_at_every_batch_size(batch_size):
    parameters = STEP | {"batch_size": batch_size, "alpha": 0.0}
    weights = np.where(y_binary, 5.0, 1.0)
    heavy = BackpropClassifier(**parameters).partial_fit(X, y_binary, weights, classes=[0, 1])
    plain = BackpropClassifier(**parameters).partial_fit(X, y_binary, classes=[0, 1])
    assert (heavy.predict_proba(X)[:, 1] > plain.predict_proba(X)[:, 1]).all()


@over_batch_sizes
def test_samples_of_weight_zero_leave_no_trace(batch_size):
    """Whole batches of them are no step; their labels and features are of no account."""
    weights = np.r_[np.ones(20), np.zeros(20)]
    other_X, other_y = X.copy(), y_binary.copy()
    other_X[20:] *= -100
    other_y[20:] = 1 - other_y[20:]
    parameters = STEP | {"batch_size": batch_size, "alpha": 0.0}
    models = [
        BackpropClassifier(**parameters).partial_fit(*data, weights, classes=[0, 1])
        for data in ((X, y_binary), (other_X, other_y))
    ]
    same(*models)
    assert np.isfinite(models[0].coefs_[0]).all()
    if batch_size < N:  # the same steps as on half of the samples, but twice the size
        half = BackpropClassifier(**parameters | {"learning_rate": 0.2})
        same(models[0], half.partial_fit(X[:20], y_binary[:20], classes=[0, 1]))


@few_examples
@given(repeats=st.lists(st.integers(0, 3), min_size=N, max_size=N).filter(any))
def test_a_weight_of_two_counts_as_the_row_twice_at_full_batch(repeats):
    parameters = {"hidden_layer_sizes": 3, "solver": "sgd", "max_iter": 3, "random_state": 0}
    parameters |= {"batch_size": 1000, "learning_rate": "cosine", "learning_rate_init": 0.1}
    y = X @ [1.0, 2.0, 3.0]
    weighted = BackpropRegressor(**parameters).fit(X, y, np.array(repeats, dtype=float))
    rows = np.repeat(np.arange(N), repeats)
    repeated = BackpropRegressor(**parameters).fit(X[rows], y[rows])
    # the penalty is divided by the sum of the weights in both
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-7, atol=1e-7)


def test_the_mean_weight_of_partial_fit_is_that_of_all_weights_so_far():
    """Chunks of weight 1, then 3: the second chunk's steps are 3 / 2 of what they would be."""
    model = BackpropClassifier(batch_size=10, alpha=0.0, **STEP)
    model.partial_fit(X[:10], y_binary[:10], np.ones(10), classes=[0, 1])
    w, b = model.coefs_[0][:, 0].copy(), model.intercepts_[0][0]
    model.partial_fit(X[10:20], y_binary[10:20], np.full(10, 3.0))
    error = expit(X[10:20] @ w + b) - y_binary[10:20]
    expected = w - 0.1 * 3 / 2 * X[10:20].T @ error / 10
    np.testing.assert_allclose(model.coefs_[0][:, 0], expected, rtol=1e-12)
    # a fit begins anew
    model.set_params(max_iter=1, tol=1e9, learning_rate="cosine", learning_rate_init=0.1)
    again = model.fit(X, y_binary, np.full(N, 3.0)).loss_
    assert again == pytest.approx(np.log(2), rel=0.1)


def test_balanced_weights_are_scikit_learns():
    expected = compute_sample_weight("balanced", SPECIES)
    np.testing.assert_allclose(weights_by_hand(SPECIES, "balanced"), expected)


def test_validation_loss_is_weighted_by_classes_too():
    halves = {"X_val": X, "y_val": SPECIES}
    parameters = SETTINGS | {"early_stopping": True}
    ours = BackpropClassifier(class_weight=BY_NAME, **parameters).fit(X, SPECIES, **halves)
    by_hand = weights_by_hand(SPECIES, BY_NAME)
    theirs = BackpropClassifier(**parameters)
    theirs.fit(X, SPECIES, by_hand, **halves, sample_weight_val=by_hand)
    np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, rtol=1e-10)
