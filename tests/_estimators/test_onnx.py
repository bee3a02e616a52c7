"""ONNX models answer as the estimators they were made from."""

import json
import sys

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError

from sklearn_backprop import BackpropClassifier, BackpropRegressor
from sklearn_backprop.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS, ReLU
from sklearn_backprop.losses import Loss, Quantile, SquaredError

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

# trained just long enough to have weights that are not as they were drawn
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SHORT = {"max_iter": 30, "learning_rate_init": 0.01, "random_state": 0}

X_iris, y_iris = load_iris(return_X_y=True)
X_diabetes, y_diabetes = load_diabetes(return_X_y=True)
Y_diabetes = np.c_[y_diabetes, y_diabetes**2 / 100]


def run(model, X):
    """Return what onnxruntime makes of X."""
    model = model if isinstance(model, str) else model.SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (outputs,) = session.run(None, {"X": np.asarray(X, dtype=np.float64)})
    return outputs


def assert_same_answers(estimator, X):
    """Compare within 1e-5 of each output's standard deviation."""
    is_classifier = isinstance(estimator, BackpropClassifier)
    expected = estimator.predict_proba(X) if is_classifier else estimator.predict(X)
    outputs = run(estimator.to_onnx(), X)
    assert outputs.shape == expected.shape and outputs.dtype == np.float64
    spread = expected.std(axis=0)
    assert np.min(spread) > 0
    assert np.max(np.abs(outputs - expected) / spread) < 1e-5


@pytest.mark.parametrize("shift", [0, 2000])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_hidden_activation(activation, shift):
    network = {"hidden_layer_sizes": (20, 10), "activation": activation, **SHORT}
    X = X_diabetes + shift * X_diabetes.std(axis=0)
    Y = Y_diabetes + shift * Y_diabetes.std(axis=0)
    for y in (Y[:, 0], Y):
        regressor = BackpropRegressor(**network).fit(X, y)
        assert_same_answers(regressor, X)
    assert_same_answers(regressor.slim(), X)
    X = X_iris + shift * X_iris.std(axis=0)
    for y in (y_iris, y_iris > 0, np.c_[y_iris > 0, y_iris > 1]):
        classifier = BackpropClassifier(**network).fit(X, y)
        assert_same_answers(classifier, X)
    assert_same_answers(classifier.slim(), X)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_without_standardization(activation):
    network = {"activation": activation, "standardize": False, **SHORT}
    X = (X_iris - X_iris.mean(axis=0)) / X_iris.std(axis=0)
    assert_same_answers(BackpropClassifier(**network).fit(X, y_iris), X)


# a single softmax output is constant; so it gets two
@pytest.mark.parametrize("activation", OUTPUT_ACTIVATIONS)
def test_every_output_activation(activation):
    model = BackpropRegressor(output_activation=activation, **SHORT)
    model.fit(X_diabetes, Y_diabetes / Y_diabetes.max(axis=0))
    assert_same_answers(model, X_diabetes)


@pytest.mark.parametrize(
    "loss", ["poisson", "gamma", "gaussian", "quantile", "huber", Quantile([0.1, 0.5, 0.9])]
)
def test_losses(loss):
    model = BackpropRegressor(loss=loss, **SHORT).fit(X_diabetes, y_diabetes)
    assert_same_answers(model, X_diabetes)
    assert_same_answers(model.slim(), X_diabetes)


def test_several_quantiles_are_sorted():
    loss = Quantile([0.4, 0.5, 0.6])
    model = BackpropRegressor(loss=loss, max_iter=1, random_state=0).fit(X_diabetes, y_diabetes)
    outputs = X_diabetes @ model.coefs_[0] + model.intercepts_[0]
    outputs = np.maximum(outputs, 0) @ model.coefs_[1] + model.intercepts_[1]
    assert (np.diff(outputs) < 0).any()  # they cross
    assert (np.diff(run(model.to_onnx(), X_diabetes)) >= 0).all()


def test_no_hidden_layer():
    for hidden in ((), (5, 5, 5)):
        model = BackpropClassifier(hidden_layer_sizes=hidden, **SHORT).fit(X_iris, y_iris)
        assert_same_answers(model, X_iris)


def test_one_class():
    model = BackpropClassifier(max_iter=2).fit(X_iris, np.zeros(150))
    np.testing.assert_array_equal(run(model.to_onnx(), X_iris), model.predict_proba(X_iris))


def test_float32_and_sparse_training():
    model = BackpropRegressor(**SHORT).fit(X_diabetes.astype(np.float32), y_diabetes)
    assert_same_answers(model, X_diabetes)
    model = BackpropRegressor(**SHORT).fit(csr_matrix(X_diabetes), y_diabetes)
    assert_same_answers(model, X_diabetes)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("offset", [0.0, 1e9])
@pytest.mark.parametrize("cls", [BackpropClassifier, BackpropRegressor])
def test_far_from_zero_and_constant_at_first(cls, offset, dtype):
    """The seconds of a minute, and a constant that is another later; in slim copies, too."""
    random = np.random.RandomState(0)
    X = np.column_stack([1.7e9 + random.uniform(0, 60, 200), random.normal(size=200)])
    X = np.column_stack([X, np.full(200, 1.7e9)])
    y = np.sin((X[:, 0] - 1.7e9) / 10) + X[:, 1]
    model = cls(dtype=dtype, **SHORT).fit(X, y + offset if cls is BackpropRegressor else y > 0)
    later = X + np.array([0, 0, 86_400])
    assert_same_answers(model, later)
    assert_same_answers(model.slim(), later)


def test_weights_changed_by_hand_are_exported():
    model = BackpropRegressor(**SHORT).fit(X_diabetes, y_diabetes)
    before = model.predict(X_diabetes)
    model.coefs_[0][0] = 0
    assert np.abs(model.predict(X_diabetes) - before).max() > 1
    assert_same_answers(model, X_diabetes)


def test_the_file(tmp_path):
    path = tmp_path / "model.onnx"
    model = BackpropClassifier(**SHORT).fit(X_iris, np.array(["a", "b", "c"])[y_iris])
    made = model.to_onnx(path)
    np.testing.assert_array_equal(run(str(path), X_iris), run(made, X_iris))
    (properties,) = made.metadata_props
    assert (properties.key, json.loads(properties.value)) == ("classes", ["a", "b", "c"])
    assert (made.ir_version, made.opset_import[0].version) == (10, 20)
    np.testing.assert_array_equal(run(made, X_iris[:1]), run(made, X_iris)[:1])


class OwnReLU(ReLU):
    """Another function under a known name."""

    name = "relu"

    def forward(self, Z, out):
        np.clip(Z, 0, 6, out=out)


class OwnLoss(SquaredError):
    """Predicts something else."""

    def predictions(self, A):
        return 2 * A


def test_what_cannot_be_exported_is_named():
    model = BackpropRegressor(activation=OwnReLU(), **SHORT).fit(X_diabetes, y_diabetes)
    with pytest.raises(ValueError, match=r"activation OwnReLU\(\) cannot be exported"):
        model.to_onnx()
    model = BackpropRegressor(loss=OwnLoss(), **SHORT).fit(X_diabetes, y_diabetes)
    with pytest.raises(ValueError, match=r"loss OwnLoss\(\) cannot be exported"):
        model.to_onnx()
    with pytest.raises(NotFittedError):
        BackpropRegressor().to_onnx()


def test_a_loss_of_ones_own_with_plain_predictions(monkeypatch):
    monkeypatch.setattr(OwnLoss, "predictions", Loss.predictions)
    assert_same_answers(
        BackpropRegressor(loss=OwnLoss(), **SHORT).fit(X_diabetes, y_diabetes), X_diabetes
    )


def test_missing_package_is_named(monkeypatch):
    model = BackpropRegressor(max_iter=1).fit(X_diabetes, y_diabetes)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match="pip install onnx"):
        model.to_onnx()
