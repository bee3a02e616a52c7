"""mlflow: the recipe of the user guide, and what ``autolog`` records of a search."""

import re
from pathlib import Path

import pytest
from data import CANCER, classifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer

from sklearn_backprop.model_selection import GridSearchCV

pytest.importorskip("mlflow", exc_type=ImportError)
PAGE = Path(__file__).parents[2] / "docs" / "user_guide" / "serving.md"

pytestmark = [
    pytest.mark.filterwarnings("ignore:::mlflow"),
    # its connections to SQLite are closed when they are collected
    pytest.mark.filterwarnings("ignore:.*unclosed database:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")  # it would use the network
    monkeypatch.chdir(tmp_path)
    import mlflow

    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    yield mlflow
    mlflow.sklearn.autolog(disable=True)


def test_the_recipe_of_the_user_guide(mlflow):
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (recipe,) = (block for block in blocks if "import mlflow" in block)
    exec(compile(recipe, str(PAGE), "exec"), {"__name__": "__main__"})


def test_a_search_records_its_candidates(mlflow):
    mlflow.sklearn.autolog(log_models=False, silent=True)
    pipeline = make_pipeline(PowerTransformer(), classifier())
    grid = {"backpropclassifier__alpha": [1e-3, 1.0, 1000.0]}
    with mlflow.start_run() as run:
        search = GridSearchCV(pipeline, grid, cv=3).fit(*CANCER)
    recorded = mlflow.get_run(run.info.run_id).data
    best = search.best_params_["backpropclassifier__alpha"]
    assert recorded.params["best_backpropclassifier__alpha"] == str(best)
    assert recorded.metrics["best_cv_score"] == pytest.approx(search.best_score_)
    below = mlflow.search_runs(
        filter_string=f"tags.mlflow.parentRunId = '{run.info.run_id}'", output_format="list"
    )
    alphas = {run.data.params["backpropclassifier__alpha"] for run in below}
    assert alphas == {"0.001", "1.0", "1000.0"}
