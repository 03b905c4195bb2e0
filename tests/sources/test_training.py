from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnxport.artifacts import OverBudget, Silent, Unreachable, UsageError, digest_bytes
from onnxport.sources import SourceAccess, TrainAccess, Trained, load, train
from onnxport.sources.recipe import Recipe
from onnxport.sources.saving import normalized

from .conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from .conftest import Models

NUMERIC = ["amount", "probability", "days_since_last_activity", "sentiment_score"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, opportunities: Callable[[int, int], pd.DataFrame]) -> Path:
    path = tmp_path_factory.mktemp("data") / "opportunities.parquet"
    opportunities(800, 3).to_parquet(path)
    return path


def _recipe(data: Path, **changes: Any) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "win",
            "data": {"path": str(data)},
            "features": NUMERIC,
            "target": "target_win",
            "model": {"estimator": "xgboost.XGBClassifier", "params": {"n_estimators": 8, "max_depth": 3}},
            "seed": 5,
            **changes,
        }
    )


def _train(recipe: Recipe, uri: str, register: str | None = None) -> Trained:
    return train(recipe, TrainAccess(tracking_uri=uri, register=register), Silent())


def _versions(uri: str, name: str) -> int:
    from mlflow import MlflowClient

    return len(MlflowClient(uri, uri).search_model_versions(f"name='{name}'"))


REGRESSOR = {"estimator": "xgboost.XGBRegressor", "params": {"n_estimators": 8, "max_depth": 3}}
CATEGORICAL = {"columns": ["stage", "region"], "impute": "constant", "encode": "onehot"}
RECIPES: dict[str, dict[str, Any]] = {
    "plain classifier": {},
    "plain regressor": {"model": REGRESSOR, "target": "target_risk", "clip": [0, 1]},
    "calibrated": {"calibration": {"method": "isotonic", "cv": 2}},
    "missing is a number": {
        "model": {"estimator": "xgboost.XGBClassifier", "params": {"n_estimators": 3, "missing": -1}}
    },
    "early stopping": {
        "model": {"estimator": "xgboost.XGBClassifier", "params": {"n_estimators": 100}},
        "early_stopping": {"rounds": 3},
        "split": {"by": "time", "column": "created_at"},
    },
    "search": {
        "search": {"params": {"max_depth": [2, 3], "learning_rate": [0.1, 0.3]}, "trials": 3, "cv": 2},
        "split": {"by": "group", "column": "tenant_id"},
    },
    "one-hot and scaled": {
        "features": [*NUMERIC, "stage", "region"],
        "preprocessing": {"numeric": {"impute": "median", "scale": "standard"}, "categorical": CATEGORICAL},
        "model": {"estimator": "sklearn.linear_model.LogisticRegression"},
    },
    "ordinal, calibrated": {
        "features": [*NUMERIC, "stage", "region"],
        "preprocessing": {"categorical": {**CATEGORICAL, "encode": "ordinal"}},
        "calibration": {"method": "sigmoid", "cv": 2},
        "early_stopping": {"rounds": 3},
    },
    "target encoding": {
        "features": [*NUMERIC, "stage", "region"],
        "preprocessing": {"categorical": {**CATEGORICAL, "encode": "target"}, "numeric": {"impute": "mean"}},
        "model": {"estimator": "sklearn.ensemble.RandomForestClassifier", "params": {"n_estimators": 5}},
    },
    "histograms": {
        "model": {"estimator": "sklearn.ensemble.HistGradientBoostingClassifier", "params": {"max_iter": 5}}
    },
    "boosted regression": {
        "model": {"estimator": "sklearn.ensemble.GradientBoostingRegressor", "params": {"n_estimators": 5}},
        "target": "target_risk",
        "preprocessing": {"numeric": {"impute": "mean", "scale": "robust"}},
    },
}


@pytest.mark.parametrize("kind", RECIPES)
def test_what_is_trained_opens_again_without_permission_and_with_the_same_digest(
    kind: str, data: Path, mlflow_uri: str
) -> None:
    recipe = _recipe(data, name=kind.replace(" ", "-").replace(",", ""), **RECIPES[kind])
    trained = _train(recipe, mlflow_uri)
    assert trained.uri == f"runs:/{trained.run_id}/model"
    source = load(trained.uri, SourceAccess(tracking_uri=mlflow_uri))
    assert source.reference.sha256 == trained.sha256
    assert source.feature_columns == recipe.features
    assert source.sample is not None
    assert _train(recipe, mlflow_uri).sha256 == trained.sha256


def test_the_same_training_is_registered_once(data: Path, mlflow_uri: str) -> None:
    first = _train(_recipe(data), mlflow_uri, "registered-once")
    second = _train(_recipe(data), mlflow_uri, "registered-once")
    assert (first.uri, first.created) == ("models:/registered-once/1", True)
    assert (second.uri, second.created) == ("models:/registered-once/1", False)
    assert second.run_id == first.run_id
    assert load(second.uri, SourceAccess(tracking_uri=mlflow_uri)).reference.run_id == first.run_id


def test_another_seed_is_another_version(data: Path, mlflow_uri: str) -> None:
    params = {"n_estimators": 8, "subsample": 0.5}
    model = {"estimator": "xgboost.XGBClassifier", "params": params}
    one = _train(_recipe(data, model=model, seed=1), mlflow_uri, "by-seed")
    two = _train(_recipe(data, model=model, seed=2), mlflow_uri, "by-seed")
    assert (one.uri, two.uri) == ("models:/by-seed/1", "models:/by-seed/2")
    assert one.sha256 != two.sha256


CHILD = """
import sys
from pathlib import Path
from onnxport.artifacts import Silent
from onnxport.sources import TrainAccess, train
from onnxport.sources.recipe import Recipe
recipe = Recipe.model_validate_json(Path("recipe.json").read_text())
print(train(recipe, TrainAccess(tracking_uri=sys.argv[1]), Silent()).sha256)
"""


def test_another_process_with_another_hash_seed_and_more_threads_gives_the_same_digest(
    data: Path, mlflow_uri: str
) -> None:
    recipe = _recipe(data, **RECIPES["ordinal, calibrated"])
    Path("recipe.json").write_text(recipe.model_dump_json())
    environment = {**os.environ, "PYTHONHASHSEED": "77", "OMP_NUM_THREADS": "3"}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, mlflow_uri], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.split() == [_train(recipe, mlflow_uri).sha256]
    assert done.stderr == ""


def test_a_gate_that_does_not_hold_fails_the_run_and_registers_nothing(data: Path, mlflow_uri: str) -> None:
    from mlflow import MlflowClient

    recipe = _recipe(data, name="too-good", gates={"auc": {"min": 0.99}})
    with pytest.raises(OverBudget, match="auc is"):
        _train(recipe, mlflow_uri, "too-good")
    client = MlflowClient(mlflow_uri, mlflow_uri)
    experiment = client.get_experiment_by_name("too-good")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert [run.info.status for run in runs] == ["FAILED"]
    assert "auc" in runs[0].data.metrics
    assert _versions(mlflow_uri, "too-good") == 0


def test_the_run_keeps_parameters_metrics_card_and_commit(data: Path, mlflow_uri: str) -> None:
    from mlflow import MlflowClient

    access = TrainAccess(tracking_uri=mlflow_uri, git_commit="c0ffee")
    trained = train(_recipe(data, **RECIPES["search"]), access, Silent())
    run = MlflowClient(mlflow_uri, mlflow_uri).get_run(trained.run_id)
    assert run.data.params["estimator"] == "xgboost.XGBClassifier"
    assert run.data.params["max_depth"] in {"2", "3"}
    assert run.data.metrics == pytest.approx(trained.metrics)
    assert load(trained.uri, SourceAccess(tracking_uri=mlflow_uri)).reference.git_commit == "c0ffee"
    artifacts = MlflowClient(mlflow_uri, mlflow_uri).list_artifacts(trained.run_id)
    assert {artifact.path for artifact in artifacts} == {"model", "model-card.md"}


def test_the_card_tells_purpose_data_metrics_by_segment_gates_and_limits(data: Path, mlflow_uri: str) -> None:
    recipe = _recipe(
        data, purpose="To rank.", limits=["Not for people."], segments=["region"], gates={"brier": {"max": 0.9}}
    )
    card = _train(recipe, mlflow_uri).card
    for part in (
        "# win",
        "To rank.",
        "Not for people.",
        "640 rows to train on, 160 held out",
        "| DACH |",
        "≤ 0.9",
    ):
        assert part in card
    assert "| (missing) |" in card


def test_clipping_is_seen_by_the_metrics(data: Path, mlflow_uri: str) -> None:
    plain = _train(_recipe(data, model=REGRESSOR, target="target_risk"), mlflow_uri).metrics
    clipped = _train(_recipe(data, model=REGRESSOR, target="target_risk", clip=[0.4, 0.5]), mlflow_uri).metrics
    assert clipped["rmse"] > plain["rmse"]


def test_early_stopping_finds_the_number_of_trees_and_trains_with_it(data: Path, mlflow_uri: str) -> None:
    trained = _train(_recipe(data, **RECIPES["early stopping"]), mlflow_uri)
    model = load(trained.uri, SourceAccess(tracking_uri=mlflow_uri)).model
    assert 1 <= model.get_booster().num_boosted_rounds() < 100
    assert model.get_booster().attr("best_iteration") is None


def test_progress_tells_every_stage(data: Path, mlflow_uri: str) -> None:
    class Steps:
        def __init__(self) -> None:
            self.names: list[str] = []

        def step(self, name: str, done: int, total: int | None) -> None:
            self.names.append(name)
            assert total is None or done <= total

    steps = Steps()
    train(_recipe(data, **RECIPES["search"]), TrainAccess(tracking_uri=mlflow_uri), steps)
    assert list(dict.fromkeys(steps.names)) == ["read", "search", "fit", "measure", "log"]


def test_data_that_the_estimator_cannot_take_is_a_usage_error(data: Path, mlflow_uri: str) -> None:
    with pytest.raises(UsageError, match="cannot be trained on this data") as refused:
        _train(_recipe(data, features=["stage", "amount"]), mlflow_uri)
    assert "preprocessing" in refused.value.hint


def test_a_value_that_a_parameter_cannot_have_is_a_usage_error(data: Path, mlflow_uri: str) -> None:
    model = {"estimator": "xgboost.XGBClassifier", "params": {"max_depth": "deep"}}
    with pytest.raises(UsageError, match="XGBClassifier"):
        _train(_recipe(data, model=model), mlflow_uri)


def test_a_name_that_cannot_be_registered_is_refused_before_anything_is_logged(data: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    with pytest.raises(UsageError, match="Win Rate"):
        _train(_recipe(data), uri, "Win Rate!")
    assert not (tmp_path / "mlflow.db").exists()


def test_a_tracking_server_that_is_away_is_unreachable(data: Path) -> None:
    with pytest.raises(Unreachable):
        _train(_recipe(data), "http://127.0.0.1:9")


def test_artifacts_lie_beside_the_database_and_nothing_else_is_written(data: Path, tmp_path: Path) -> None:
    (tmp_path / "tracking").mkdir()
    (tmp_path / "work").mkdir()
    os.chdir(tmp_path / "work")
    _train(_recipe(data), f"sqlite:///{tmp_path}/tracking/mlflow.db")
    assert sorted(path.name for path in (tmp_path / "tracking").iterdir()) == ["mlartifacts", "mlflow.db"]
    assert list((tmp_path / "work").iterdir()) == []


def test_training_writes_nothing_to_the_screen(
    data: Path, mlflow_uri: str, capfd: pytest.CaptureFixture[str]
) -> None:
    _train(_recipe(data, **RECIPES["one-hot and scaled"]), mlflow_uri, "quiet")
    assert capfd.readouterr() == ("", "")


def test_normalizing_a_skops_file_changes_no_answer_and_is_idempotent(models: Models, table: pd.DataFrame) -> None:
    import skops.io
    from onnxport.sources.skops_files import open_skops

    from .conftest import FEATURES

    once = normalized(skops.io.dumps(models.calibrated))
    again = normalized(skops.io.dumps(models.calibrated))
    assert digest_bytes(once) == digest_bytes(again) == digest_bytes(normalized(once))
    opened = open_skops(once, "model.skops", SourceAccess())
    rows = table[FEATURES]
    assert np.array_equal(opened.predict_proba(rows), models.calibrated.predict_proba(rows))


@pytest.mark.parametrize("name", ["win-probability", "risk-scoring"])
def test_the_examples_recipes_train(
    name: str, mlflow_uri: str, opportunities: Callable[[int, int], pd.DataFrame]
) -> None:
    from onnxport.sources import load_recipe

    opportunities(3000, 7).to_parquet("opportunities.parquet")
    access = TrainAccess(tracking_uri=mlflow_uri, register=name, data="opportunities.parquet")
    trained = train(load_recipe(ROOT / "examples" / name / "recipe.yaml"), access, Silent())
    assert trained.uri == f"models:/{name}/1"
