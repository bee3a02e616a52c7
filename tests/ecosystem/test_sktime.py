"""sktime: a network as a forecaster, and as the end of a classifier of series."""

import numpy as np
import pandas as pd
import pytest
from data import classifier, regressor

pytest.importorskip("sktime")
from sktime.classification.compose import SklearnClassifierPipeline
from sktime.forecasting.compose import make_reduction
from sktime.transformations.panel.reduce import Tabularizer


@pytest.mark.parametrize("strategy", ["recursive", "direct"])
def test_a_seasonal_series_goes_on(strategy):
    t = np.arange(132)
    noise = np.random.RandomState(0).normal(size=132)
    values = 100 + 0.5 * t + 20 * np.sin(2 * np.pi * t / 12) + noise
    series = pd.Series(values, index=pd.period_range("2010-01", periods=132, freq="M"))
    forecaster = make_reduction(regressor(), window_length=12, strategy=strategy)
    forecast = forecaster.fit(series[:-12], fh=np.arange(1, 13)).predict()
    assert forecast.index.equals(series.index[-12:])
    assert np.abs(forecast - series[-12:]).mean() < 8  # a flat line is off by 13


def test_series_are_told_apart():
    random, t = np.random.RandomState(0), np.arange(24)
    kinds = random.randint(0, 2, 60)
    waves = np.sin(np.where(kinds, 0.4, 0.7)[:, None] * t) + 0.3 * random.normal(size=(60, 24))
    model = SklearnClassifierPipeline(classifier(), [Tabularizer()])
    model.fit(waves[:40, None], kinds[:40])
    assert (model.predict(waves[40:, None]) == kinds[40:]).mean() > 0.9
