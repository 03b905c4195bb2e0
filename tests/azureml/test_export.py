"""The main job from Azure ML to Blob storage, through the unmodified SDK, by the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from .resources import GROUP, SUBSCRIPTION, WORKSPACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.storage.blob import ContainerClient

FLAGS = ["--subscription", SUBSCRIPTION, "--resource-group", GROUP, "--workspace", WORKSPACE]


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    frame = pd.DataFrame(np.random.default_rng(6).normal(size=(1200, 3)), columns=["a", "b", "c"])
    frame.to_parquet(tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


@pytest.mark.parametrize("reference", ["azureml:risk-scoring:3", "azureml:risk-scoring@latest"])
def test_a_registered_model_becomes_a_verified_release(
    azure: Any,
    booster: Path,
    sample: Path,
    onnxport: Callable[..., tuple[int, dict[str, Any]]],
    reference: str,
) -> None:
    azure.upload("three/model.json", booster.read_bytes())
    azure.ml.add("risk-scoring", "three", version="3")
    store = f"{azure.azurite.url}/from-azure-ml/{reference[-1]}"
    arguments = ["export", reference, "--name", "risk-scoring", "--sample", sample, "--store", store, *FLAGS]
    code, document = onnxport(*arguments, "--alias", "production")
    assert (code, document.get("created")) == (0, True), document
    code, shown = onnxport("show", "risk-scoring@production", "--store", store)
    assert (code, shown["source"]["kind"], shown["source"]["version"]) == (0, "azureml", "3")
    assert onnxport("verify", "risk-scoring@production", "--store", store, "--golden")[0] == 0
    assert onnxport(*arguments)[1]["created"] is False


def test_one_choice_of_sign_in_serves_azure_ml_and_the_store(
    azure: Any,
    secured_account: ContainerClient,
    booster: Path,
    sample: Path,
    onnxport: Callable[..., tuple[int, dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The environment is made for a workload identity, which is not set up; `--auth` names another for both."""
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", "not-there")
    azure.upload("three/model.json", booster.read_bytes())
    azure.ml.add("risk", "three", version="3")
    store = f"{secured_account.url.partition('?')[0]}/models"
    arguments = ["export", "azureml:risk:3", "--name", "risk", "--sample", sample, "--store", store, *FLAGS]
    code, document = onnxport(*arguments, "--auth", "environment")
    assert (code, document.get("created")) == (0, True), document
    assert any(name.endswith("manifest.json") for name in secured_account.list_blob_names())
    assert onnxport("verify", "risk:1", "--store", store, "--auth", "environment")[0] == 0
    code, document = onnxport("verify", "risk:1", "--store", store)
    assert code == 6
    assert "workload-identity" in document["error"]["message"]


def test_a_model_that_is_not_registered_exits_2(
    sample: Path,
    onnxport: Callable[..., tuple[int, dict[str, Any]]],
) -> None:
    arguments = ["--name", "x", "--sample", sample, "--store", "store", *FLAGS]
    code, document = onnxport("export", "azureml:nowhere:1", *arguments)
    assert code == 2
    assert "nowhere" in document["error"]["message"]
    assert not Path("store").exists()
