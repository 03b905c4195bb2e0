"""The Azure ML pipeline's steps run from the YAML's own command lines, their outputs handed on as folders."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.homes.agents import azureml_command, bash, load

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(900)  # each step is a process that loads all libraries

FOLDER = "examples/azureml"
RECIPE = """
name: win-probability
data: {path: given-by-the-pipeline.parquet}
features: [amount, probability, sentiment_score]
target: target_win
model:
  estimator: xgboost.XGBClassifier
  params: {n_estimators: 12, max_depth: 3}
"""


def run_pipeline(given: dict[str, str], folder: Path) -> dict[str, Path]:
    """Every job of pipeline.yaml in its order; returns job to its output folder."""
    pipeline = load(f"{FOLDER}/pipeline.yaml")
    known = {f"parent.inputs.{name}": str(value) for name, value in {**pipeline["inputs"], **given}.items()}
    outputs: dict[str, Path] = {}
    for name, job in pipeline["jobs"].items():
        component = load(f"{FOLDER}/{job['component']}")
        inputs = {key: known.get(str(text).strip("${} "), str(text)) for key, text in job["inputs"].items()}
        work, outputs[name] = folder / name / "work", folder / name / "out"
        work.mkdir(parents=True)
        outputs[name].mkdir()  # as Azure ML has it: there, and empty
        known[f"parent.jobs.{name}.outputs.out"] = str(outputs[name])
        done = bash(azureml_command(component, inputs, {"out": str(outputs[name])}), work, {})
        assert done.returncode == 0, f"{name}: {done.stderr}"
    return outputs


@pytest.fixture(scope="module")
def ran(opportunities: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("azure ml")  # a blank in every path
    (folder / "recipe.yaml").write_text(RECIPE)
    given = {
        "recipe": str(folder / "recipe.yaml"),
        "data": str(opportunities),
        "store": str(folder / "store"),
    }
    return {**run_pipeline(given, folder), "store": folder / "store"}


def test_the_steps_end_in_a_promoted_release_and_a_second_proof(ran: dict[str, Path]) -> None:
    alias = json.loads((ran["store"] / "win-probability" / "aliases" / "staging.json").read_text())
    assert alias["version"] == 1
    report = json.loads((ran["check"] / "parity.json").read_text())
    assert report["passed"] is True
    assert report["seed"] == 1


def test_the_release_is_of_the_model_that_the_first_step_trained(ran: dict[str, Path]) -> None:
    from onnxport.artifacts import digest_file

    manifest = json.loads((ran["store"] / "win-probability" / "releases" / "1" / "manifest.json").read_text())
    assert manifest["source"]["sha256"] == digest_file(ran["train"] / "model.ubj")


def test_a_folder_with_one_model_file_is_a_source(booster: Path, opportunities: Path, tmp_path: Path) -> None:
    """So a custom_model that was registered as a file arrives."""
    model = tmp_path / "in" / "INPUT_source_folder"
    model.mkdir(parents=True)
    shutil.copy(booster, model)
    inputs = {
        "source_folder": str(model),
        "sample": str(opportunities),
        "name": "win",
        "store": str(tmp_path / "s"),
    }
    component = load(f"{FOLDER}/component.yaml")
    done = bash(azureml_command(component, inputs, {"out": str(tmp_path / "out")}), tmp_path, {})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "model.onnx").exists()


def test_flags_reach_the_command_as_booleans(opportunities: Path, tmp_path: Path) -> None:
    """`False` is no permission, `True` is one; without a source at all it is exit 2."""
    component = load(f"{FOLDER}/component.yaml")
    base = {"name": "win", "store": str(tmp_path / "s"), "sample": str(opportunities)}
    (tmp_path / "model.pkl").write_bytes(b"no pickle")
    source = {"source": str(tmp_path / "model.pkl")}
    assert _code(component, base, tmp_path) == 2
    assert _code(component, {**base, **source}, tmp_path) == 5
    assert _code(component, {**base, **source, "allow_pickle": "True"}, tmp_path) == 2


def _code(component: dict[str, Any], inputs: dict[str, str], folder: Path) -> int:
    return bash(azureml_command(component, inputs, {"out": os.devnull}), folder, {}).returncode
