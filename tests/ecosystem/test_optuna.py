"""Optuna: a study over a pipeline, with pruning by epoch."""

import pytest
from data import CANCER, classifier
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

optuna = pytest.importorskip("optuna")


@pytest.fixture
def study():
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=0),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=3),
    )


def test_a_study_finds_a_good_network(study):
    X, y = CANCER

    def objective(trial):
        network = classifier(
            hidden_layer_sizes=trial.suggest_int("hidden_layer_sizes", 2, 16),
            n_hidden_layers=trial.suggest_int("n_hidden_layers", 0, 2),
            activation=trial.suggest_categorical("activation", ["relu", "tanh"]),
            alpha=trial.suggest_float("alpha", 1e-5, 10, log=True),
        )
        return cross_val_score(make_pipeline(MinMaxScaler(), network), X, y, cv=3).mean()

    study.optimize(objective, n_trials=6)
    assert len(study.trials) == 6 and study.best_value > 0.95


def test_trials_are_pruned_by_a_callback(study):
    X, X_val, y, y_val = train_test_split(*CANCER, random_state=0)

    def objective(trial):
        def report(record):
            trial.report(record["validation_score"], record["epoch"])
            return trial.should_prune()

        rate = [0.02, 0.01, 1e-7, 1e-7][trial.number]
        network = classifier(early_stopping=True, scoring="accuracy", learning_rate_init=rate)
        network.set_callbacks(report).fit(X, y, X_val=X_val, y_val=y_val)
        if network.n_iter_ < 20:
            raise optuna.TrialPruned
        return network.best_validation_score_

    study.optimize(objective, n_trials=4)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 2 + ["PRUNED"] * 2
