"""What is trained here is registered in Azure ML, once, and exported from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import yaml
from onnxport.artifacts import digest_file

from .resources import GROUP, SUBSCRIPTION, WORKSPACE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, dict[str, Any]]]

FLAGS = ("--subscription", SUBSCRIPTION, "--resource-group", GROUP, "--workspace", WORKSPACE)
TRAIN = ("train", "recipe.yaml", "--register", "win", "--registry", "azureml", *FLAGS)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    random = np.random.default_rng(2)
    frame = pd.DataFrame(random.normal(size=(1200, 2)), columns=["a", "b"])
    frame.assign(won=(frame["a"] > 0).astype(int)).to_parquet(tmp_path / "rows.parquet")
    content = {
        "name": "win",
        "purpose": "What is won.",
        "data": {"path": "rows.parquet"},
        "features": ["a", "b"],
        "target": "won",
        "model": {"estimator": "xgboost.XGBClassifier", "params": {"n_estimators": 3, "max_depth": 2}},
        "gates": {"auc": {"min": 0.5}},
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_what_is_trained_here_is_exported_from_azure_ml(recipe: Path, azure: Any, onnxport: Run) -> None:
    code, trained = onnxport(*TRAIN)
    assert (code, trained.get("uri"), trained.get("created")) == (0, "azureml:win:1", True), trained
    exported = ("export", "azureml:win:1", "--name", "win", "--sample", "rows.parquet", "--store", "store", *FLAGS)
    code, done = onnxport(*exported)
    assert (code, done.get("created")) == (0, True), done
    code, manifest = onnxport("show", "win:1", "--store", "store")
    source = manifest["source"]
    assert (source["kind"], source["sha256"]) == ("azureml", trained["sha256"])
    assert source["card"].startswith("# win\n\nWhat is won.\n")
    assert source["tags"]["onnxport.data_sha256"] == digest_file(recipe.parent / "rows.parquet")
    assert azure.ml.models[0].name == "win"


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_the_same_training_is_registered_once(recipe: Path, azure: Any, onnxport: Run) -> None:
    first, again = onnxport(*TRAIN)[1], onnxport(*TRAIN)[1]
    assert (again["uri"], again["created"], again["run_id"]) == ("azureml:win:1", False, first["run_id"])
    changed = yaml.safe_load(recipe.read_text())
    changed["model"]["params"]["n_estimators"] = 4
    recipe.write_text(yaml.safe_dump(changed))
    assert onnxport(*TRAIN)[1]["uri"] == "azureml:win:2"
    assert len(azure.ml.models) == 2


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_a_failed_gate_registers_nothing(recipe: Path, azure: Any, onnxport: Run) -> None:
    changed = yaml.safe_load(recipe.read_text())
    changed["gates"] = {"auc": {"max": 0.5}}
    recipe.write_text(yaml.safe_dump(changed))
    code, document = onnxport(*TRAIN)
    assert (code, document["error"]["code"]) == (9, "over-budget")
    assert azure.ml.models == []
