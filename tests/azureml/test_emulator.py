"""The emulator keeps what the unmodified SDK expects, its traps included; it also refuses strangers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import pytest
from azure.core.exceptions import HttpResponseError
from azure.identity import EnvironmentCredential

from .resources import GROUP, REGISTRY, SUBSCRIPTION, WORKSPACE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from azure.ai.ml import MLClient


@pytest.fixture
def client(azure: Any) -> MLClient:
    """The SDK as its documentation shows it."""
    from azure.ai.ml import MLClient

    del azure
    return MLClient(EnvironmentCredential(), SUBSCRIPTION, GROUP, WORKSPACE, show_progress=False)


def test_the_workspace_is_there(client: MLClient) -> None:
    assert client.workspaces.get(WORKSPACE).location == "eastus"


def test_versions_are_listed_newest_first_over_several_pages(client: MLClient, azure: Any) -> None:
    from azure.ai.ml.constants import ListViewType

    for number in range(1, 46):
        azure.ml.add("m", "m", version=str(number), archived=number % 9 == 0)

    active = [model.version for model in client.models.list(name="m")]
    archived = [model.version for model in client.models.list(name="m", list_view_type=ListViewType.ARCHIVED_ONLY)]

    assert active == [str(number) for number in range(45, 0, -1) if number % 9]
    assert archived == ["45", "36", "27", "18", "9"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_local_file_becomes_a_version_that_the_sdk_brings_back(
    client: MLClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from azure.ai.ml.entities import Model

    (tmp_path / "model.json").write_bytes(b"{}")

    made = client.models.create_or_update(Model(name="m", path=tmp_path / "model.json"))
    client.models.download("m", made.version, download_path=tmp_path / "out")

    assert made.version == "1"
    assert [path.name for path in (tmp_path / "out").rglob("*.json")] == ["model.json"]
    capsys.readouterr()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_sdks_own_download_falls_into_the_trap_that_ours_avoids(
    client: MLClient, azure: Any, tmp_path: Path
) -> None:
    azure.upload("models/m/model.json", b"{}")
    azure.upload("models/m_sibling/evil.txt", b"evil")
    azure.ml.add("m", "models/m")

    client.models.download("m", "1", download_path=tmp_path)

    assert "evil.txt" in {path.name for path in tmp_path.rglob("*")}


def test_the_files_of_a_version_never_change(client: MLClient, azure: Any) -> None:
    from azure.ai.ml.entities import Model

    azure.ml.add("m", "one")
    other = Model(name="m", version="1", path="azureml://datastores/workspaceblobstore/paths/other")

    with pytest.raises(HttpResponseError, match="Asset paths cannot be updated"):
        client.models.create_or_update(other)


def test_a_registry_answers_the_sdk(azure: Any) -> None:
    from azure.ai.ml import MLClient

    azure.ml.share("m", "m", version="7")
    registry = MLClient(EnvironmentCredential(), registry_name=REGISTRY)

    assert registry.models.get("m", version="7").version == "7"
    assert [model.version for model in registry.models.list(name="m")] == ["7"]


def test_hosts_that_are_not_azures_are_refused(azure: Any, ignored: Callable[[], list[str]]) -> None:
    proxy = ProxyHandler({"https": f"http://127.0.0.1:{azure.front.port}"})

    with pytest.raises(URLError, match="502"):
        build_opener(proxy).open("https://example.invalid/", timeout=5)
    assert ignored() == ["example.invalid"]


@pytest.fixture
def ignored(azure: Any) -> Callable[[], list[str]]:
    """The hosts that were refused, forgotten afterwards."""

    def take() -> list[str]:
        refused = list(azure.front.refused)
        azure.front.refused.clear()
        return refused

    return take


def test_the_smoke_test_for_a_real_workspace_runs_against_the_emulator(
    azure: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from .smoke import main

    del azure
    main(
        [
            "--subscription",
            SUBSCRIPTION,
            "--resource-group",
            GROUP,
            "--workspace",
            WORKSPACE,
            "--auth",
            "environment",
        ]
    )

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok  registered azureml:onnxport-smoke:1"
    assert lines[-1].endswith("is archived")
