"""A grid search over a whole pipeline, nested parameters of the solver included.

The diabetes data with their raw columns: age, sex (1 or 2), body mass index, blood
pressure and six serum values. A ColumnTransformer prepares them, a network
predicts the progression of the disease, and one grid searches the network's
layers, its activation and the weight decay of its optimizer.
"""

from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, KFold, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, PowerTransformer, StandardScaler

from sklearn_backprop import BackpropRegressor
from sklearn_backprop.optimizers import AdamW

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

columns = make_column_transformer(
    (OneHotEncoder(drop="if_binary"), ["sex"]),
    (PowerTransformer(), ["bmi", "s1", "s2", "s3", "s4", "s5", "s6"]),  # skewed
    remainder="passthrough",  # age and blood pressure, raw: the network scales its inputs
)
network = BackpropRegressor(
    solver=AdamW(), learning_rate_init=0.003, max_iter=60, tol=0, n_iter_no_change=60,
    random_state=0,
)  # fmt: skip
pipeline = Pipeline([("columns", columns), ("network", network)])
grid = {
    "network__hidden_layer_sizes": [(), (50,), (50, 50)],
    "network__activation": ["relu", "silu"],
    "network__solver__weight_decay": [0.01, 1.0, 10.0],
}
folds = KFold(5, shuffle=True, random_state=0)
search = GridSearchCV(pipeline, grid, cv=folds).fit(X_train, y_train)
