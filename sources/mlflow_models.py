"""Reads folders with an `MLmodel` file, without MLflow's own loaders: those trust what the model says."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import yaml
from onnxport.artifacts import SourceKind, SourceReference, UnsupportedModel, UntrustedModel, UsageError

from .brought import Brought
from .files import digest_of, read_bytes
from .mlflow_signature import input_columns, input_example
from .trust import XGBOOST_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

MLMODEL = "MLmodel"
_MAX_MLMODEL = 16 << 20
_FLAVORS = ("xgboost", "lightgbm", "sklearn")
_LIGHTGBM_BOOSTER = "lightgbm.basic.Booster"
_SERIALIZATIONS: Mapping[str, SourceKind] = {"skops": "skops", "pickle": "pickle", "cloudpickle": "pickle"}


def describe_folder(folder: Path, uri: str) -> Brought:
    """The model in `folder`, with the columns of its signature and its input example; nothing of it was run.

    The digest is that of the model file alone: `MLmodel` holds time stamps and run ids.

    Raises:
        UsageError: It holds no `MLmodel`, or one that is damaged.
        UnsupportedModel: The model is of a flavor that onnxport does not open.
        UntrustedModel: It names a class that is no model's, or reaches outside the folder.
    """
    described = _describe(folder, uri)
    flavors = _mapping(described.get("flavors"), f"{uri}: flavors in {MLMODEL}")
    opener = next((flavor for flavor in _FLAVORS if flavor in flavors), None)
    if opener is None:
        raise _unsupported(uri, flavors)
    flavor = _mapping(flavors[opener], f"{uri}: flavor {opener}")
    file = model_file(folder, uri, flavor)
    columns = input_columns(described, uri)
    return Brought(
        reference=SourceReference(
            uri=uri,
            kind="mlflow",
            sha256=digest_of(file),
            run_id=_text(described.get("run_id")),
            tags={"flavor": opener, "file": file.name},
        ),
        root=folder,
        file=file,
        kind=_kind(uri, opener, flavor),
        name=uri,
        model_class=_xgboost_class(uri, flavor) if opener == "xgboost" else None,
        columns=tuple(columns) or None,
        sample=input_example(folder, described, uri, columns),
    )


def model_file(folder: Path, uri: str, flavor: Mapping[str, Any]) -> Path:
    """The file that holds the model of `flavor`.

    Raises:
        UsageError: The flavor names none, or it is not there.
        UntrustedModel: The name leads out of the folder.
    """
    name = flavor.get("data") or flavor.get("pickled_model")
    if not isinstance(name, str):
        raise UsageError(f"{uri}: its {MLMODEL} names no model file")
    return inside(folder, name, uri)


def inside(folder: Path, name: str, uri: str) -> Path:
    """The file `name` of `folder`.

    Raises:
        UsageError: It is not there.
        UntrustedModel: It lies outside the folder, by its name or through a link.
    """
    relative = PurePosixPath(name)
    path = folder / relative
    if relative.is_absolute() or ".." in relative.parts or not path.resolve().is_relative_to(folder.resolve()):
        raise UntrustedModel(f"{uri}: its {MLMODEL} names {name!r}, which lies outside the model's folder")
    if not path.is_file():
        raise UsageError(
            f"{uri}: its {MLMODEL} names {name!r}, and there is no such file", hint="Download it again."
        )
    return path


def _describe(folder: Path, uri: str) -> dict[str, Any]:
    if not (folder / MLMODEL).exists():
        found = ", ".join(sorted(path.name for path in folder.iterdir())[:10]) or "nothing"
        raise UsageError(
            f"{uri} is a folder without an {MLMODEL} file; it holds {found}",
            hint="Name the model file itself, or the folder that holds MLmodel.",
        )
    path = inside(folder, MLMODEL, uri)
    if path.stat().st_size > _MAX_MLMODEL:
        raise UsageError(f"{uri}: its {MLMODEL} is larger than {_MAX_MLMODEL >> 20} MiB")
    try:
        return _mapping(yaml.safe_load(read_bytes(path)), f"{uri}: {MLMODEL}")
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UsageError(f"{uri}: its {MLMODEL} is no YAML: {' '.join(str(error).split())[:200]}") from error


def _mapping(found: Any, name: str) -> dict[str, Any]:  # ruff: ignore[ANN401] - whatever YAML held
    if not isinstance(found, dict):
        raise UsageError(f"{name} must be a mapping, found {str(found)[:60]!r}")
    return found


def _text(found: Any) -> str | None:  # ruff: ignore[ANN401] - whatever YAML held
    return str(found) if found else None


def _xgboost_class(uri: str, flavor: Mapping[str, Any]) -> str:
    kind = flavor.get("model_class", "xgboost.core.Booster")
    if kind not in XGBOOST_TYPES:
        raise UntrustedModel(
            f"{uri}: its {MLMODEL} calls the model a {kind!r}, none of {', '.join(sorted(XGBOOST_TYPES))}",
            hint="Log the model again with XGBoost's own class.",
        )
    return str(kind).rpartition(".")[2]


def _kind(uri: str, opener: str, flavor: Mapping[str, Any]) -> SourceKind:
    if opener == "xgboost":
        return "xgboost"
    if opener == "lightgbm" and flavor.get("model_class", _LIGHTGBM_BOOSTER) == _LIGHTGBM_BOOSTER:
        return "lightgbm"
    return _serialization(uri, flavor)


def _serialization(uri: str, flavor: Mapping[str, Any]) -> SourceKind:
    serialization = flavor.get("serialization_format", "pickle")
    kind = _SERIALIZATIONS.get(str(serialization))
    if kind is None:
        raise UnsupportedModel(
            f"{uri} is serialized as {serialization!r}; onnxport opens {', '.join(_SERIALIZATIONS)}",
            hint="Log the model again with serialization_format='skops'.",
        )
    return kind


def _unsupported(uri: str, flavors: Mapping[str, Any]) -> UnsupportedModel:
    wrapped = flavors.get("python_function")
    loader = wrapped.get("loader_module") if isinstance(wrapped, dict) else None
    what = (
        f"a python_function around {loader}" if loader else f"of flavor {', '.join(map(str, flavors)) or '(none)'}"
    )
    return UnsupportedModel(
        f"{uri} is {what}: what it computes is Python code that no graph can be proven to follow"
        if loader in {"mlflow.pyfunc.model", "mlflow.pyfunc.loaders.code_model"}
        else f"{uri} is {what}; onnxport opens the flavors {', '.join(_FLAVORS)}",
        hint="Log the estimator inside it with mlflow.sklearn, mlflow.xgboost or mlflow.lightgbm.",
    )
