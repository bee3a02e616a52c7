"""
Which columns matter?
=====================

A table has numbers, categories, dates and gaps, and the network sees none of them: it sees
several hundred columns that the encoder made. ``attributions`` add up what those of a feature
add to a prediction, so the answer is in the columns of your frame, and the bars, the price of
one house and scikit-learn's permutation importance can be held beside one another.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.inspection import permutation_importance

from sklearn_backprop import TabularRegressor
from sklearn_backprop.inspection import attributions
from sklearn_backprop.plotting import AttributionDisplay

# %%
# Houses of which we know what makes the price: area, city, the year of the sale, and a garden
# in Oslo only. The color of the door is noise, and some areas are not known.
random = np.random.default_rng(0)
n = 1200
houses = pd.DataFrame(
    {
        "area": random.lognormal(4.5, 0.4, n).round(),
        "city": random.choice(["Rome", "Oslo", "Bern"], n),
        "garden": random.random(n) < 0.4,
        "sold": pd.Timestamp("2015-01-01") + pd.to_timedelta(random.integers(0, 3650, n), "D"),
        "door": random.choice(["red", "green", "blue"], n),
    }
)
price = 3 * houses["area"] * (1 + 0.5 * (houses["city"] == "Oslo"))
price += 80 * (houses["garden"] & (houses["city"] == "Oslo"))
price += 15 * (houses["sold"].dt.year - 2015) + random.normal(0, 15, n)
houses.loc[::10, "area"] = np.nan
train, test = slice(0, 1000), slice(1000, n)
model = TabularRegressor(n_estimators=2, max_iter=64, random_state=0)
model.fit(houses[train], price[train])
print(f"R² on {n - 1000} new houses {model.score(houses[test], price[test]):.2f}")

# %%
# The values of a row add up to its prediction minus the mean one: here those of one house.
found = attributions(model, houses[test])
one = pd.Series(found.values[0], found.feature_names)
print(f"{found.base_values[0]:.0f} on average, for this house {one.sum():+.0f}:")
print(one.round().to_string())

# %%
# Both name the same columns. Permutations need a score, and say what a column is worth to it;
# attributions need no targets, and say what it does to each prediction.
permuted = permutation_importance(model, houses[test], price[test], n_repeats=10, random_state=0)
_, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
AttributionDisplay.from_attributions(found, ax=left)
order = np.argsort(permuted.importances_mean)
right.barh(houses.columns[order], permuted.importances_mean[order], color="C1")
right.set(xlabel="loss of R² where the column is shuffled")
plt.show()
