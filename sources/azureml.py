"""Brings models that are registered in Azure ML, in a workspace or a registry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from onnxport.artifacts import UnsupportedModel, UsageError

from .azure_client import connect
from .azure_names import parse_azure_name
from .files import KINDS, MODEL_FILES, describe_path, model_in, nearest

if TYPE_CHECKING:
    from pathlib import Path

    from .access import SourceAccess
    from .azure_names import AzureModelName
    from .azure_versions import AzureModelVersion
    from .brought import Brought
    from .reference import SourceText

_MLMODEL = "MLmodel"


def bring_azureml(source: SourceText, access: SourceAccess, folder: Path) -> Brought:
    """The files of the model that is registered in Azure ML as `source` lie in `folder`.

    Raises:
        UsageError: There is no such model, it is archived, nobody names a workspace, or the SDK is not installed.
        UnsupportedModel: It is of a type or format that onnxport does not open.
        UntrustedModel: Its files would leave their folder, or name a class that is no model's.
        IntegrityError: Its files changed while they were downloaded.
        Unreachable: Azure refuses us or does not answer.
    """
    version = _bring(parse_azure_name(source.text), access, folder)
    file = _find(folder, version)
    brought = describe_path(file, source.text)
    tags = {**(brought.reference.tags or {}), **version.lineage, "azureml.format": brought.reference.kind}
    if file != folder:
        tags["azureml.file"] = file.relative_to(folder).as_posix()
    reference = brought.reference.model_copy(
        update={
            "uri": source.text,
            "kind": "azureml",
            "version": version.version,
            "run_id": version.job or brought.reference.run_id,
            "git_commit": version.git_commit or brought.reference.git_commit,
            "tags": tags,
            "card": version.description,
        }
    )
    return replace(brought, reference=reference, root=folder)


def _bring(name: AzureModelName, access: SourceAccess, folder: Path) -> AzureModelVersion:
    azure = connect(name, access.azure)
    # these import the SDK, which `connect` has found to be there
    from .azure_download import download  # ruff: ignore[PLC0415]
    from .azure_location import locate_in_registry, locate_in_workspace  # ruff: ignore[PLC0415]
    from .azure_versions import find_version  # ruff: ignore[PLC0415]

    version = find_version(azure, name)
    _check_type(version)
    if name.registry is None:
        location = locate_in_workspace(azure, version)
    else:
        location = locate_in_registry(azure, name.registry, version)
    download(location, folder, access.azure.patience, f"model {version.name}, version {version.version}")
    return version


def _check_type(version: AzureModelVersion) -> None:
    if version.kind not in {"custom_model", "mlflow_model"}:
        raise UnsupportedModel(
            f"model {version.name}, version {version.version}, is a {version.kind}; onnxport opens custom_model "
            "(scikit-learn and XGBoost files) and mlflow_model",
            hint="A triton_model is a graph already; register the trained model itself.",
        )


def _find(folder: Path, version: AzureModelVersion) -> Path:
    """The model in `folder`, found as a scoring script would.

    That is: MLflow's folder, or else what `model_in` finds.

    Raises:
        UsageError: It is an `mlflow_model` without `MLmodel`.
        UnsupportedModel: There is no model, or several that it could be.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    described = nearest([path for path in files if path.name == _MLMODEL])
    if len(described) == 1:
        return described[0].parent
    found = ", ".join(path.relative_to(folder).as_posix() for path in files[:10])
    if version.kind == "mlflow_model":
        raise UsageError(
            f"model {version.name}, version {version.version}, is an mlflow_model with "
            f"{'several' if described else 'no'} {_MLMODEL} files; it has {found}",
            hint="Register the folder that holds MLmodel.",
        )
    file = model_in(folder)
    if file is not None:
        return file
    several = any(path.suffix.lower() in KINDS for path in files)
    raise UnsupportedModel(
        f"model {version.name}, version {version.version}, has {'several' if several else 'no'} files that "
        f"could be the model: {found}; looked for {', '.join(MODEL_FILES)}, then for a single {', '.join(KINDS)}",
        hint="Register the model's file itself, or a folder in which it has one of these names.",
    )
