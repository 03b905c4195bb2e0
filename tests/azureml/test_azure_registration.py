"""Trained models become versions in a workspace, each once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import LostRace, Unreachable, UsageError, digest_file
from onnxport.sources import AzureRegistration, SourceAccess, load, register_azureml

from .front import BlobTrouble

if TYPE_CHECKING:
    from pathlib import Path

    from onnxport.sources import AzureAccess


@pytest.fixture
def folder(tmp_path: Path, booster: Path) -> Path:
    """A folder with a model and something beside it."""
    made = tmp_path / "trained"
    (made / "metadata").mkdir(parents=True)
    (made / "model.json").write_bytes(booster.read_bytes())
    (made / "metadata" / "card.md").write_text("# card\n", encoding="utf-8")
    return made


def _model(files: Path, **details: Any) -> AzureRegistration:
    return AzureRegistration(name="risk", files=files, kind="custom_model", **details)


def test_the_first_registration_is_version_1_and_can_be_loaded(
    azure: Any, access: AzureAccess, sources: SourceAccess, folder: Path
) -> None:
    made = register_azureml(
        _model(folder, tags={"team": "risk"}, properties={"git_commit": "abc"}, description="what it is for"),
        access,
    )

    assert (made.uri, made.version, made.created) == ("azureml:risk:1", "1", True)
    reference = load(made.uri, sources).reference
    assert reference.sha256 == digest_file(folder / "model.json")
    assert reference.git_commit == "abc"
    assert reference.tags is not None
    assert reference.tags["team"] == "risk"
    assert [version.version for version in azure.ml.models] == ["1"]


@pytest.mark.usefixtures("azure")
def test_a_single_file_is_registered_as_a_file(access: AzureAccess, sources: SourceAccess, booster: Path) -> None:
    made = register_azureml(_model(booster), access)

    assert load(made.uri, sources).reference.sha256 == digest_file(booster)


def test_the_same_files_are_registered_once(azure: Any, access: AzureAccess, folder: Path) -> None:
    first = register_azureml(_model(folder), access)
    again = register_azureml(_model(folder), access)

    assert (again.version, again.created) == (first.version, False)
    assert len(azure.ml.models) == 1


@pytest.mark.usefixtures("azure")
def test_other_files_are_the_next_version(access: AzureAccess, folder: Path) -> None:
    register_azureml(_model(folder), access)
    (folder / "metadata" / "card.md").write_text("# another card\n", encoding="utf-8")

    assert register_azureml(_model(folder), access).uri == "azureml:risk:2"


def test_two_that_register_at_once_get_two_versions(
    azure: Any, access: AzureAccess, folder: Path, booster: Path
) -> None:
    made: list[str] = []

    def register(files: Path) -> None:
        made.append(register_azureml(_model(files), access).version)

    azure.script.faults.append(_slow_put())
    threads = [threading.Thread(target=register, args=(files,)) for files in (folder, booster)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(made) == ["1", "2"]


def test_losing_the_next_version_again_and_again_is_a_lost_race(
    fault: Any, access: AzureAccess, folder: Path
) -> None:
    fault(path=r"PUT .*/versions/1$", status=409)

    with pytest.raises(LostRace, match="others took the next version of model risk"):
        register_azureml(_model(folder), access)


def test_a_registration_that_broke_off_leaves_no_version_and_a_second_one_works(
    azure: Any, access: AzureAccess, folder: Path
) -> None:
    azure.front.trouble = BlobTrouble(cut_after=1, cuts=1000)
    with pytest.raises(Unreachable):
        register_azureml(_model(folder), access)
    assert azure.ml.models == []

    azure.front.heal()
    assert register_azureml(_model(folder), access).created


def test_refusals_say_what_to_do(fault: Any, access: AzureAccess, folder: Path) -> None:
    fault(path=r"PUT .*/versions/1$", status=403)

    with pytest.raises(Unreachable, match="a new version of model risk in workspace ml-prod") as error:
        register_azureml(_model(folder), access)
    assert "AzureML Data Scientist" in error.value.hint


@pytest.mark.parametrize("name", ["risk scoring", "", "../risk", "a:b"])
def test_a_name_that_azure_ml_does_not_take_is_refused_without_a_request(
    name: str, azure: Any, access: AzureAccess, folder: Path
) -> None:
    with pytest.raises(UsageError):
        register_azureml(AzureRegistration(name=name, files=folder, kind="custom_model"), access)
    assert azure.script.seen == []


def test_nothing_to_register_is_said(azure: Any, access: AzureAccess, tmp_path: Path) -> None:
    del azure
    with pytest.raises(UsageError, match="there are no files at"):
        register_azureml(_model(tmp_path / "nowhere"), access)


def _slow_put() -> Any:
    from .emulator import Fault

    return Fault(path=r"PUT .*/versions/", status=200, delay_seconds=0.5)
