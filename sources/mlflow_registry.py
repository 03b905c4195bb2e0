"""Models that MLflow knows: registered versions, aliases, and the models of runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxport.artifacts import UntrustedModel, UsageError

from .mlflow_client import connected, shown
from .mlflow_models import describe_folder

if TYPE_CHECKING:
    from .access import SourceAccess
    from .brought import Brought
    from .reference import SourceText


_CHECK = "Check the name and --tracking-uri."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Where a registered model's files lie, and what MLflow says of them."""

    location: str
    version: str | None = None
    run_id: str | None = None
    tags: dict[str, str] | None = None
    card: str | None = None


def bring_registered(source: SourceText, access: SourceAccess, folder: Path) -> Brought:
    """The files of the model that MLflow knows as `source` lie in `folder`.

    Raises:
        UsageError: MLflow does not know it, or its files are damaged.
        UnsupportedModel: It is of a flavor that onnxport does not open.
        UntrustedModel: It reaches outside its folder, or names a class that is no model's.
        Unreachable: MLflow does not answer.
    """
    with connected(access.tracking_uri, access.registry_uri, access.timeout_seconds) as client:
        found = _find(client, source)
        root = _download(found, access, folder)
        commit = _git_commit(client, found.run_id)
    check_tree(root, source.text)
    brought = describe_folder(root, source.text)
    reference = brought.reference.model_copy(
        update={
            "version": found.version,
            "run_id": found.run_id or brought.reference.run_id,
            "git_commit": commit,
            "card": found.card,
            "tags": {**(brought.reference.tags or {}), **(found.tags or {})},
        }
    )
    return replace(brought, reference=reference)


def check_tree(folder: Path, uri: str) -> None:
    """Nothing below `folder` leads out of it.

    Raises:
        UntrustedModel: It holds a link.
    """
    link = next((path for path in folder.rglob("*") if path.is_symlink()), None)
    if link is not None:
        raise UntrustedModel(f"{uri} holds a link, {link.name!r}: a model's files lie in its own folder")


def _find(client: Any, source: SourceText) -> _Found:  # ruff: ignore[ANN401] - an MlflowClient
    if source.scheme == "runs":
        return _Found(location=_of_run(client, source.name, source.inside), run_id=source.name)
    if source.version is None and source.alias is None:
        logged = client.get_logged_model(source.name)
        return _Found(location=logged.artifact_location, run_id=logged.source_run_id)
    version = _version(client, source)
    location = client.get_model_version_download_uri(version.name, version.version)
    if location.startswith("models:/m-"):
        location = client.get_logged_model(location.removeprefix("models:/")).artifact_location
    return _Found(
        location=location,
        version=str(version.version),
        run_id=version.run_id or None,
        tags={str(key): str(value) for key, value in version.tags.items()},
        card=version.description or None,
    )


def _of_run(client: Any, run_id: str, path: str) -> str:  # ruff: ignore[ANN401] - an MlflowClient
    """Where `path` of the run lies: in a model that the run logged (MLflow 3), or among its artifacts."""
    from mlflow.exceptions import MlflowException  # ruff: ignore[PLC0415] - loads only when MLflow is asked

    run = client.get_run(run_id)
    name, _, rest = path.partition("/")
    try:
        logged = client.search_logged_models([run.info.experiment_id], filter_string=f"name = '{_escaped(name)}'")
    except MlflowException as error:
        if error.error_code not in {"ENDPOINT_NOT_FOUND", "RESOURCE_DOES_NOT_EXIST", "NOT_IMPLEMENTED"}:
            raise
        logged = []  # a server of MLflow 2
    found = next((model.artifact_location for model in logged if model.source_run_id == run_id), None)
    base, inside = (run.info.artifact_uri, path) if found is None else (found, rest)
    return f"{base}/{inside}" if inside else str(base)


def _escaped(name: str) -> str:
    return name.replace("'", "\\'")


def _version(client: Any, source: SourceText) -> Any:  # ruff: ignore[ANN401] - MLflow's client and ModelVersion
    if source.alias is not None:
        return client.get_model_version_by_alias(source.name, source.alias)
    if source.version != "latest":
        return client.get_model_version(source.name, source.version)
    newest = newest_version(client, source.name)
    if newest is None:
        raise UsageError(f"MLflow knows no version of a model {source.name!r}", hint=_CHECK)
    return newest


def newest_version(client: Any, name: str) -> Any:  # ruff: ignore[ANN401] - MLflow's client and ModelVersion
    """The registered version of `name` with the highest number; `None` where there is none."""
    versions = client.search_model_versions(f"name='{_escaped(name)}'", max_results=1000)
    return max(versions, key=lambda version: int(version.version), default=None)


def _download(found: _Found, access: SourceAccess, scratch: Path) -> Path:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository  # ruff: ignore[PLC0415] - slow

    repository = get_artifact_repository(
        found.location, tracking_uri=access.tracking_uri, registry_uri=access.registry_uri or access.tracking_uri
    )
    try:
        folder = Path(repository.download_artifacts("", str(scratch)))
    except FileNotFoundError as error:
        raise UsageError(f"{shown(found.location)} is not there", hint=_CHECK) from error
    if not folder.is_dir() or not folder.resolve().is_relative_to(scratch.resolve()):
        raise UsageError(f"{shown(found.location)} is no folder of model files", hint=_CHECK)
    return folder


def _git_commit(client: Any, run_id: str | None) -> str | None:  # ruff: ignore[ANN401] - an MlflowClient
    if run_id is None:
        return None
    from mlflow.exceptions import MlflowException  # ruff: ignore[PLC0415] - loads only when MLflow is asked

    try:
        commit = client.get_run(run_id).data.tags.get("mlflow.source.git.commit")
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":  # the run was deleted, its model was not
            return None
        raise
    return str(commit) if commit else None
