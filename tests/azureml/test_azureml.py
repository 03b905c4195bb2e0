"""Models come from a workspace or a registry: the right version, whole, and nothing else."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import UnsupportedModel, UntrustedModel, UsageError, digest_file
from onnxport.sources import SourceAccess, fetch, load

from .resources import GROUP, REGISTRY, SUBSCRIPTION, WORKSPACE, WORKSPACE_PATH

if TYPE_CHECKING:
    from pathlib import Path

JOB = {
    "id": f"{WORKSPACE_PATH}/jobs/brave_fig",
    "name": "brave_fig",
    "properties": {
        "jobType": "Command",
        "status": "Completed",
        "command": "python train.py",
        "experimentName": "risk",
        "codeId": f"{WORKSPACE_PATH}/codes/c0de/versions/7",
        "environmentId": f"{WORKSPACE_PATH}/environments/sklearn/versions/2",
        "computeId": f"{WORKSPACE_PATH}/computes/cpu",
        "properties": {"azureml.git.commit": "4b825dc642cb6eb9a060e54bf8d69288fbee4904"},
        "inputs": {
            "train": {
                "jobInputType": "uri_file",
                "uri": f"azureml:/{WORKSPACE_PATH}/data/rows/versions/12",
                "mode": "ReadOnlyMount",
            },
            "trees": {"jobInputType": "literal", "value": "300"},
        },
        "outputs": {},
        "services": {},
        "tags": {},
    },
}


@pytest.fixture
def risk(azure: Any, booster: Path) -> bytes:
    """Three versions of `risk-scoring`, the last one newest; only versions 1 and 3 are models."""
    azure.upload("one/model.json", booster.read_bytes())
    azure.upload("two/model.json", b"not the one")
    azure.ml.add("risk-scoring", "one", version="1")
    azure.ml.add("risk-scoring", "two", version="2")
    azure.ml.add("risk-scoring", "one", version="3")
    return booster.read_bytes()


@pytest.mark.parametrize(
    "uri",
    [
        "azureml:risk-scoring:3",
        "azureml:risk-scoring@latest",
        f"azureml:/{WORKSPACE_PATH}/models/risk-scoring/versions/3",
        f"azureml://subscriptions/{SUBSCRIPTION}/resourcegroups/{GROUP}/workspaces/{WORKSPACE}/models/risk-scoring/versions/3",
        f"azureml://subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/workspaces/{WORKSPACE}/models/risk-scoring/labels/latest",
    ],
)
@pytest.mark.usefixtures("risk")
def test_every_way_to_name_a_version_finds_it(uri: str, sources: SourceAccess, booster: Path) -> None:
    found = load(uri, sources)

    assert found.model.num_boosted_rounds() == 4
    reference = found.reference
    assert (reference.uri, reference.kind, reference.version) == (uri, "azureml", "3")
    assert reference.sha256 == digest_file(booster)


@pytest.mark.usefixtures("risk")
def test_a_uri_that_names_its_workspace_needs_no_other(booster: Path, sources: SourceAccess) -> None:
    nowhere = SourceAccess(azure=type(sources.azure)(auth="environment", patience=sources.azure.patience))
    long = f"azureml:/{WORKSPACE_PATH}/models/risk-scoring/versions/1"

    assert load(long, nowhere).reference.sha256 == digest_file(booster)
    with pytest.raises(UsageError, match="does not say in which Azure ML workspace") as error:
        load("azureml:risk-scoring:1", nowhere)
    assert "AZURE_ML_WORKSPACE_NAME" in error.value.hint


def test_fetch_leaves_the_files_and_only_them(
    azure: Any, sources: SourceAccess, booster: Path, tmp_path: Path
) -> None:
    azure.upload("m/sub/notes with spaces é.txt", b"notes")
    azure.upload("m/model.json", booster.read_bytes())
    azure.upload("m/empty", b"")
    azure.ml.add("m", "m/")

    reference = fetch("azureml:m:1", tmp_path / "out", sources)

    files = {
        path.relative_to(tmp_path).as_posix(): path.stat().st_size
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert files == {
        "out/model.json": booster.stat().st_size,
        "out/sub/notes with spaces é.txt": 5,
        "out/empty": 0,
    }
    assert reference.tags is not None
    assert reference.tags["azureml.file"] == "model.json"


def test_files_of_a_sibling_whose_name_begins_alike_stay_away(
    azure: Any, sources: SourceAccess, booster: Path, tmp_path: Path
) -> None:
    azure.upload("models/m/model.json", booster.read_bytes())
    azure.upload("models/m_sibling/model.joblib", b"evil")
    azure.upload("models/m.json", b"evil")
    azure.ml.add("m", "models/m")

    fetch("azureml:m:1", tmp_path / "out", sources)

    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["model.json"]


def test_a_file_does_not_bring_its_siblings(
    azure: Any, sources: SourceAccess, booster: Path, tmp_path: Path
) -> None:
    azure.upload("models/model.json", booster.read_bytes())
    azure.upload("models/model.json.joblib", b"evil")
    azure.ml.add("m", "models/model.json")

    fetch("azureml:m:1", tmp_path / "out", sources)

    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["model.json"]


@pytest.mark.parametrize(
    "name", ["../evil.txt", "a/../../evil.txt", "./evil.txt", "a//evil.txt", "a\\..\\evil.txt", "C:evil", "a\nb"]
)
def test_names_that_lead_out_of_the_folder_are_refused_before_anything_is_written(
    name: str, azure: Any, sources: SourceAccess, booster: Path, tmp_path: Path
) -> None:
    azure.upload("m/model.json", booster.read_bytes())
    azure.upload_as_named(f"m/{name}", b"evil")
    azure.ml.add("m", "m")

    with pytest.raises(UntrustedModel, match="does not belong in a folder"):
        fetch("azureml:m:1", tmp_path / "deep" / "out", sources)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_folder_is_searched_as_a_scoring_script_would(
    azure: Any, sources: SourceAccess, booster: Path
) -> None:
    azure.upload("m/model_dir/model.json", booster.read_bytes())
    azure.upload("m/model_dir/deeper/model.joblib", b"not this one")
    azure.upload("m/model_dir/metrics.json", b"{}")
    azure.ml.add("m", "m")

    assert load("azureml:m:1", sources).model.num_boosted_rounds() == 4


def test_joblib_comes_before_json(azure: Any, sources: SourceAccess, booster: Path) -> None:
    azure.upload("m/model.joblib", pickle.dumps({"model": 1}))
    azure.upload("m/model.json", booster.read_bytes())
    azure.ml.add("m", "m")

    with pytest.raises(UntrustedModel, match=r"model\.joblib is a pickle"):
        load("azureml:m:1", sources)


def test_a_file_of_another_name_is_found_when_it_is_the_only_one(
    azure: Any, sources: SourceAccess, booster: Path
) -> None:
    azure.upload("m/risk.json", booster.read_bytes())
    azure.upload("m/readme.md", b"hello")
    azure.ml.add("m", "m")

    assert load("azureml:m:1", sources).model.num_boosted_rounds() == 4


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["a.json", "b.json"], r"several files that could be the model: a\.json, b\.json"),
        (["a/model.json", "b/model.json"], "several files"),
        (["weights.pt"], r"no files that could be the model: weights\.pt"),
    ],
)
def test_a_folder_without_one_model_is_refused(
    files: list[str], message: str, azure: Any, sources: SourceAccess, booster: Path
) -> None:
    for file in files:
        azure.upload(f"m/{file}", booster.read_bytes())
    azure.ml.add("m", "m")

    with pytest.raises(UnsupportedModel, match=message):
        load("azureml:m:1", sources)


def test_other_types_are_refused_by_name_without_a_download(azure: Any, sources: SourceAccess) -> None:
    azure.ml.add("m", "m", kind="triton_model")

    with pytest.raises(UnsupportedModel, match=r"model m, version 1, is a triton_model"):
        load("azureml:m:1", sources)
    assert not any("listSecrets" in asked for asked in azure.script.seen)


def test_an_mlflow_model_is_opened_by_its_mlmodel(azure: Any, sources: SourceAccess, booster: Path) -> None:
    described = {
        "flavors": {
            "xgboost": {"data": "model.ubj", "model_class": "xgboost.core.Booster", "model_format": "ubj"}
        },
        "run_id": "run-in-mlmodel",
    }
    azure.upload("run/model/MLmodel", json.dumps(described).encode())
    azure.upload("run/model/model.ubj", booster.read_bytes())
    azure.ml.add("m", "run/model", kind="mlflow_model")

    found = load("azureml:m:1", sources)

    assert found.model.num_boosted_rounds() == 4
    assert (found.reference.kind, found.reference.run_id) == ("azureml", "run-in-mlmodel")


def test_an_mlflow_model_without_mlmodel_is_refused(azure: Any, sources: SourceAccess, booster: Path) -> None:
    azure.upload("nomlmodel/model.json", booster.read_bytes())
    azure.ml.add("m", "nomlmodel", kind="mlflow_model")

    with pytest.raises(UsageError, match="is an mlflow_model with no MLmodel files"):
        load("azureml:m:1", sources)


def test_lineage_says_job_data_code_commit_and_tags(azure: Any, sources: SourceAccess, booster: Path) -> None:
    azure.upload("m/model.json", booster.read_bytes())
    azure.ml.jobs["brave_fig"] = JOB
    azure.ml.add("m", "m", job="brave_fig", tags={"team": "risk"})

    reference = load("azureml:m:1", sources).reference

    assert reference.run_id == "brave_fig"
    assert reference.git_commit == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    assert reference.tags is not None
    tags = {key: value.removeprefix("azureml:") for key, value in reference.tags.items()}
    assert tags["team"] == "risk"
    assert tags["azureml.job"] == "brave_fig"
    assert tags["azureml.experiment"] == "risk"
    assert "rows" in tags["azureml.data.train"]
    assert "c0de" in tags["azureml.code"]


@pytest.mark.parametrize("status", [403, 404])
def test_a_job_that_cannot_be_read_does_not_stand_in_the_way(
    status: int, azure: Any, sources: SourceAccess, booster: Path, fault: Any
) -> None:
    azure.upload("m/model.json", booster.read_bytes())
    azure.ml.add("m", "m", job="gone", properties={"mlflow.source.git.commit": "abc"})
    fault(path="GET .*/jobs/gone", status=status)

    reference = load("azureml:m:1", sources).reference

    assert (reference.run_id, reference.git_commit) == ("gone", "abc")
    assert reference.tags is not None
    assert reference.tags["azureml.job.unknown"].startswith(str(status))


@pytest.mark.parametrize("which", ["versions/2", "labels/latest"])
def test_a_model_comes_from_a_registry(
    which: str, azure: Any, sources: SourceAccess, booster: Path, tmp_path: Path
) -> None:
    azure.share("assets/m/model.json", booster.read_bytes())
    azure.share("assets/m2/model.joblib", b"evil")
    azure.ml.share("m", "assets/old", version="1")
    azure.ml.share("m", "assets/m", version="2", tags={"team": "risk"})

    reference = fetch(f"azureml://registries/{REGISTRY}/models/m/{which}", tmp_path / "out", sources)

    assert (reference.version, reference.sha256) == ("2", digest_file(booster))
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["model.json"]


@pytest.mark.parametrize("secret", ["Sas", "AccountKey"])
@pytest.mark.parametrize("kind", ["AzureBlob", "AzureDataLakeGen2"])
def test_datastores_with_a_key_or_a_signature_are_read(
    secret: str, kind: str, azure: Any, sources: SourceAccess, booster: Path
) -> None:
    azure.upload("m/model.json", booster.read_bytes())
    azure.ml.add("m", "m")
    azure.ml.secret, azure.ml.datastore_type = secret, kind

    assert load("azureml:m:1", sources).model.num_boosted_rounds() == 4


def test_file_shares_are_refused(azure: Any, sources: SourceAccess) -> None:
    azure.ml.add("m", "m")
    azure.ml.datastore_type = "AzureFile"

    with pytest.raises(UnsupportedModel, match="onnxport reads Blob storage and Data Lake Gen2"):
        load("azureml:m:1", sources)


def test_markers_of_folders_are_no_files(azure: Any, sources: SourceAccess, booster: Path, tmp_path: Path) -> None:
    azure.upload("marked/model.json", booster.read_bytes())
    azure.upload("marked/sub", b"", metadata={"hdi_isfolder": "true"})
    azure.upload("marked/sub/notes.txt", b"notes")
    azure.ml.add("m", "marked")

    fetch("azureml:m:1", tmp_path / "out", sources)

    assert (tmp_path / "out" / "sub" / "notes.txt").read_bytes() == b"notes"


def test_nothing_is_printed(
    azure: Any, sources: SourceAccess, booster: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    azure.upload("m/model.json", booster.read_bytes())
    azure.ml.add("m", "m")

    load("azureml:m:1", sources)

    assert capsys.readouterr().out == ""
