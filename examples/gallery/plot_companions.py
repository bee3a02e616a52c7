"""
Who wins where: networks and their companions
=============================================

Beside each of its networks, ``TabularRegressor`` trains boosted trees and a linear model, and
the rows that are held out decide how much each counts. Three tables, each made for one of them,
show that nobody needs to know beforehand.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score

from sklearn_backprop import TabularRegressor
from sklearn_backprop.plotting import CompanionDisplay

# %%
# A spectrum is wide, its columns are nearly the same, and what is to be predicted is a line.
# Thresholds of two features among ten are all steps. A wave is smooth, and all of its features
# make it together.
random = np.random.default_rng(0)
n = 600
factors = random.normal(size=(n, 5))
spectrum = factors @ random.normal(size=(5, 80)).cumsum(axis=1) / 5
spectrum += 0.01 * random.normal(size=spectrum.shape)
steps, waves = random.random((n, 10)), random.normal(size=(n, 6))
first, second = steps[:, 0], steps[:, 1]
tables = {
    "spectrum": (spectrum, factors @ [1.0, -2.0, 0.5, 3.0, 0.1]),
    "steps": (steps, 3.0 * (first > 0.3) * (second > 0.6) + 2 * (first > 0.8) - (second < 0.2)),
    "wave": (waves, np.sin(waves @ [1.0, 0.5, -1.0, 0.8, -0.5, 0.3])),
}

# %%
# On 450 rows of each, with a little noise; R² on the other 150.
rivals = {
    "RidgeCV": RidgeCV(np.logspace(-6, 4, 21)),
    "HistGradientBoosting": HistGradientBoostingRegressor(random_state=0),
    "networks alone": TabularRegressor(companions=None, max_iter=100, random_state=0),
    "TabularRegressor": TabularRegressor(max_iter=100, random_state=0),
}
scores, fitted = pd.DataFrame(index=list(rivals), columns=list(tables), dtype=float), {}
for name, (X, y) in tables.items():
    y = y + 0.1 * np.std(y) * random.normal(size=n)
    for rival, model in rivals.items():
        scores.loc[rival, name] = r2_score(y[450:], model.fit(X[:450], y[:450]).predict(X[450:]))
    fitted[name] = CompanionDisplay(weights=model.weights_)
print(scores.round(3).to_string())

# %%
# What held-out rows say of each: the weights.
figure, axes = plt.subplots(1, 3, figsize=(10, 2.2), layout="constrained", sharey=True)
for ax, (name, display) in zip(axes, fitted.items(), strict=True):
    display.plot(ax).ax_.set(title=name, xlim=(0, 1.25))
plt.show()
