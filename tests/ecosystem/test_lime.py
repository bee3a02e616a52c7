"""lime: local explanations name the features that a network goes by."""

import pytest
from data import CANCER, DIABETES, classifier, regressor

pytest.importorskip("lime")
from lime.lime_tabular import LimeTabularExplainer


@pytest.mark.parametrize("mode", ["classification", "regression"])
def test_a_local_explanation(mode):
    X, y = CANCER if mode == "classification" else DIABETES
    model = (classifier() if mode == "classification" else regressor()).fit(X.to_numpy(), y)
    ask = model.predict_proba if mode == "classification" else model.predict
    explainer = LimeTabularExplainer(
        X.to_numpy(), feature_names=list(X.columns), mode=mode, random_state=0
    )
    explanation = explainer.explain_instance(X.to_numpy()[0], ask, num_features=5, num_samples=500)
    named = explanation.as_list()
    assert len(named) == 5 and all(weight for _, weight in named)
    assert any(name in condition for condition, _ in named for name in ("bmi", "s5", "worst"))
