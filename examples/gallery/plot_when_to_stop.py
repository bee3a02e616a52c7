"""
When should training stop?
==========================

When the loss of samples it has not seen ends falling, not when that of the training samples
does. ``early_stopping=True`` sets a tenth of the samples aside, watches their loss, and keeps
the weights of its best epoch. ``history_`` has the numbers. It pays where a network overfits:
here in seven of eight splits. On breast cancer, with two layers of 100 units,
accuracy was 0.97 with it and without, over three times five folds.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from sklearn_backprop import BackpropRegressor
from sklearn_backprop.plotting import LossCurveDisplay

# %%
# With early stopping, and without
# --------------------------------
# By default training ends after 10 epochs without progress. Here it has to be 100, only to
# show what comes after the best epoch. The second network goes on as long as the first, and
# has the samples set aside to learn from as well.

X, y = load_diabetes(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
options = {"learning_rate_init": 0.003, "random_state": 0}
stopped = BackpropRegressor(
    early_stopping=True, scoring=["loss", "r2"], n_iter_no_change=100, **options
).fit(X, y)
history = stopped.history_
n_epochs = history["epoch"][-1]
trained_on = BackpropRegressor(**options, max_iter=n_epochs + 1)
trained_on.set_callbacks(lambda record: record["epoch"] == n_epochs).fit(X, y)
kept = stopped.score(X_test, y_test)
last = trained_on.score(X_test, y_test)
print(f"R² of the test set: {kept:.2f} with early stopping, {last:.2f} after {n_epochs} epochs")

# %%
# What the validation set saw
# ---------------------------
# The loss decides, as the first in ``scoring``; R² agrees with it here. These are 31 patients
# only: that they are easier to predict than those of the test set is chance, and all that
# they are asked for is where the curve turns.

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
display = LossCurveDisplay.from_estimator(stopped, name="", ax=left, color="#0072B2")
left.set_title("The training loss falls on; the validation loss turns,")
right.plot(history["epoch"], history["validation_r2"], color="#0072B2", linestyle="--")
right.axvline(display.kept_epoch, color="0.6", label=f"kept: epoch {display.kept_epoch}")
right.set(xlabel="epoch", ylabel="R² of the validation set", ylim=(0, None))
right.set_title("and R² passes its peak")
right.legend(loc="lower right")
figure.suptitle(f"R² of the test set: {kept:.2f} with early stopping, {last:.2f} without")
plt.show()
