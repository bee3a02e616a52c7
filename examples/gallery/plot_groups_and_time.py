"""
Rows that know one another: groups and time
===========================================

Rows of one patient, shop or day are alike. Where those to be predicted are of new ones, rows
held out at random tell too good a story: about the epoch to stop at, and about the noise that
``predict(X, return_std=True)`` adds. ``fit(groups=)`` and ``fit(time=)`` say so in a word.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit

from sklearn_backprop import TabularRegressor

# %%
# A hundred patients, twelve visits each. A patient can be told by height and age, and has a level
# of his own, which says nothing about other patients.
random = np.random.default_rng(0)
patient = np.repeat(np.arange(100), 12)
visits = pd.DataFrame(
    {
        "height": random.normal(170, 9, 100)[patient].round(1),
        "age": random.integers(20, 80, 100)[patient],
        "dose": random.uniform(0, 10, 1200),
    }
)
pressure = 120 + 2 * visits["dose"] + random.normal(0, 12, 100)[patient] + random.normal(0, 3, 1200)

# %%
# How many of the new patients' visits lie within two standard deviations? It should be 95 %.
((known, new),) = GroupShuffleSplit(1, test_size=0.5, random_state=0).split(visits, groups=patient)
settings = {"n_estimators": 3, "max_iter": 64, "random_state": 0}
results = {}
for name, groups in {"rows at random": None, "whole patients": patient[known]}.items():
    model = TabularRegressor(**settings).fit(visits.iloc[known], pressure[known], groups=groups)
    mean, std = model.predict(visits.iloc[new], return_std=True)
    errors = np.abs(pressure.iloc[new] - mean)
    results[name] = model.noise_, errors
    print(f"{name} held out: noise {model.noise_:4.1f}, inside {np.mean(errors < 2 * std):.0%}")

# %%
# The bars are what each model believes of its errors, the boxes the errors on new patients.
# For time it is the same: ``fit(X, y, time=day)`` holds out blocks that are later than what is
# trained on, and from the last member the last block.
_, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
noises = [noise for noise, _ in results.values()]
ax.bar(range(2), noises, width=0.6, color="C0", alpha=0.4, label="noise_, what it believes")
ax.boxplot([errors for _, errors in results.values()], positions=range(2), showfliers=False)
ax.set_xticks(range(2), [f"{name}\nheld out" for name in results])
ax.set(ylabel="|error| on new patients")
ax.legend()
plt.show()
