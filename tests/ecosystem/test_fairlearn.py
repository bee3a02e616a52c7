"""fairlearn: rates by group, thresholds by group, and a reduction over weighted networks."""

import pytest
from data import DIABETES, classifier
from sklearn.metrics import accuracy_score

pytest.importorskip("fairlearn")
from fairlearn.metrics import MetricFrame, demographic_parity_difference
from fairlearn.postprocessing import ThresholdOptimizer
from fairlearn.reductions import DemographicParity, ExponentiatedGradient

X, progression = DIABETES
GROUP = (X["age"] > 50).astype(int)
y = (progression > progression.median()).astype(int)


def unfairness(predicted):
    return demographic_parity_difference(y, predicted, sensitive_features=GROUP)


@pytest.fixture(scope="module")
def plain():
    return classifier().fit(X, y)


def test_metrics_by_group(plain):
    frame = MetricFrame(
        metrics=accuracy_score, y_true=y, y_pred=plain.predict(X), sensitive_features=GROUP
    )
    assert (frame.by_group > 0.7).all()


def test_thresholds_by_group(plain):
    model = ThresholdOptimizer(
        estimator=plain, constraints="demographic_parity", prefit=True,
        predict_method="predict_proba",
    ).fit(X, y, sensitive_features=GROUP)  # fmt: skip
    fair = model.predict(X, sensitive_features=GROUP, random_state=0)
    assert unfairness(fair) < unfairness(plain.predict(X)) / 2
    assert accuracy_score(y, fair) > 0.65


def test_a_reduction_trains_weighted_networks(plain):
    reduction = ExponentiatedGradient(classifier(), DemographicParity(), max_iter=8)
    fair = reduction.fit(X, y, sensitive_features=GROUP).predict(X, random_state=0)
    assert unfairness(fair) < unfairness(plain.predict(X)) / 2
    assert accuracy_score(y, fair) > 0.65
