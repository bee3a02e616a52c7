"""The two estimators beside scikit-learn's own, on data sets that ship with scikit-learn.

First raw data and default parameters, for those who scale nothing: what a
StandardScaler adds for scikit-learn, this package does by itself, for targets too.
Then the same pipeline and grid search with one class exchanged: scaled alike, both
learn the same network, and the difference is the time.
"""

import time
import warnings

from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_backprop import BackpropClassifier, BackpropRegressor

# the defaults may stop at 200 epochs, for both packages alike
warnings.simplefilter("ignore", ConvergenceWarning)

print("Raw data, default parameters, mean of 5 folds\n")
print(f"{'':18}{'MLP':>10}{'MLP after':>17}{'Backprop':>11}")
print(f"{'':18}{'raw data':>10}{'StandardScaler':>17}{'raw data':>11}")
for name, load, theirs, ours in (
    ("wine, accuracy", load_wine, MLPClassifier, BackpropClassifier),
    ("diabetes, R²", load_diabetes, MLPRegressor, BackpropRegressor),
):
    X, y = load(return_X_y=True)
    mlp, backprop = theirs(random_state=0), ours(random_state=0)
    folds = KFold(5, shuffle=True, random_state=0)
    models = mlp, make_pipeline(StandardScaler(), mlp), backprop
    scores = [cross_val_score(model, X, y, cv=folds).mean() for model in models]
    print(f"{name:18}{scores[0]:>10.2f}{scores[1]:>17.2f}{scores[2]:>11.2f}")

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
grid = {"network__hidden_layer_sizes": [(20,), (50, 50)], "network__alpha": [1e-4, 1.0]}

print("\nGrid search over a pipeline, breast cancer: 4 candidates, 3 folds\n")
print(f"{'':20}{'test accuracy':>14}{'seconds':>9}   best parameters")
for estimator in (MLPClassifier, BackpropClassifier):
    network = estimator(max_iter=100, random_state=0)
    pipeline = Pipeline([("scale", StandardScaler()), ("network", network)])
    start = time.perf_counter()
    search = GridSearchCV(pipeline, grid, cv=3).fit(X_train, y_train)
    seconds = time.perf_counter() - start
    best = ", ".join(f"{k.split('__')[1]}={v}" for k, v in search.best_params_.items())
    accuracy = search.score(X_test, y_test)
    print(f"{estimator.__name__:20}{accuracy:>14.3f}{seconds:>9.1f}   {best}")
