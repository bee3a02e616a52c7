"""shap: what its explainers say adds up to the network's outputs."""

import numpy as np
import pytest
from data import CANCER, DIABETES, classifier, regressor

from sklearn_backprop.tabular import TabularRegressor

shap = pytest.importorskip("shap")


def test_permutations_explain_a_probability():
    X, y = CANCER
    model = classifier().fit(X, y)
    explainer = shap.Explainer(model.predict_proba, shap.sample(X, 20, random_state=0), seed=0)
    values = explainer(X.iloc[:4])
    assert values.shape == (4, 30, 2)
    total = values.values.sum(axis=1) + values.base_values
    np.testing.assert_allclose(total, model.predict_proba(X.iloc[:4]), atol=1e-6)


@pytest.mark.parametrize(
    "model",
    [regressor(), TabularRegressor(n_estimators=1, max_iter=8, hidden_layer_sizes=8)],
    ids=["network", "table"],
)
def test_kernels_explain_a_number(model):
    X, y = DIABETES
    model.set_params(random_state=0).fit(X.to_numpy(), y)
    background = X.sample(15, random_state=0).to_numpy()
    explainer = shap.KernelExplainer(model.predict, background)
    explained = X.iloc[:2].to_numpy()
    values = explainer.shap_values(explained, nsamples=200, silent=True)
    total = values.sum(axis=1) + explainer.expected_value
    np.testing.assert_allclose(total, model.predict(explained), rtol=1e-4)
