"""A grid search over a whole pipeline, parameters of the optimizer included.

The diabetes data with their raw columns: age, sex (1 or 2), body mass index, blood
pressure and six serum values. One grid varies the network's layers, its activation and,
one level further down, the weight decay of its optimizer. PowerTransformer takes more
than half of the time: this shows how a search is written, not how fast it is.
"""

from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV, KFold, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, PowerTransformer

from sklearn_backprop import BackpropRegressor
from sklearn_backprop.optimizers import AdamW

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

columns = make_column_transformer(
    (OneHotEncoder(drop="if_binary"), ["sex"]),
    (PowerTransformer(), ["bmi", "s1", "s2", "s3", "s4", "s5", "s6"]),  # skewed
    remainder="passthrough",  # age and blood pressure as they are: the network scales
)
# tol is in units of the standardized target, so 0.001 means the same for any y
network = BackpropRegressor(
    solver=AdamW(), learning_rate_init=0.003, max_iter=500, tol=1e-3, random_state=0
)
pipeline = Pipeline([("columns", columns), ("network", network)])

layers, activations, decays = [(50,), (50, 50)], ["relu", "silu"], [0.01, 1.0, 10.0]
grid = {
    "network__hidden_layer_sizes": layers,
    "network__activation": activations,
    "network__solver__weight_decay": decays,
}
folds = KFold(3, shuffle=True, random_state=0)
search = GridSearchCV(pipeline, grid, cv=folds).fit(X_train, y_train)

scores = {
    tuple(candidate[name] for name in grid): score
    for candidate, score in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    )
}
print("Mean R² of 3 folds of the training data\n")
print(f"{'layers':10}{'activation':12}" + "".join(f"weight_decay={d:<8g}" for d in decays))
for sizes in layers:
    for activation in activations:
        row = "".join(f"{scores[sizes, activation, d]:<21.3f}" for d in decays)
        print(f"{sizes!s:10}{activation:12}{row}")

chosen = {name.removeprefix("network__"): value for name, value in search.best_params_.items()}
unsearched = clone(pipeline).fit(X_train, y_train)
print("\nBest:", ", ".join(f"{name}={value!r}" for name, value in chosen.items()))
print(f"Test R² with the best parameters  {search.score(X_test, y_test):.3f}")
print(f"Test R² before the search         {unsearched.score(X_test, y_test):.3f}")
