"""Opens model files and MLmodel folders on this machine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxport.artifacts import SourceKind, SourceModel, SourceReference, UsageError, digest_bytes

from .reference import FORMS, SourceText

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .access import SourceAccess

KINDS: Mapping[str, SourceKind] = {
    ".joblib": "joblib",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".skops": "skops",
    ".json": "xgboost",
    ".ubj": "xgboost",
}
"""File suffix to what is expected in the file."""


def open_path(source: SourceText, access: SourceAccess, keep: Path | None) -> SourceModel:
    """The model in the file or folder `source.path`.

    Raises:
        UsageError: Nothing is there, it cannot be read, or it is not a model file.
        UnsupportedModel: It is a folder that holds a model of another kind.
        UntrustedModel: Opening it would run code that nobody allowed.
    """
    path = source.path or Path(source.text)
    if not path.exists():
        raise UsageError(f"there is no file or folder {path}", hint=f"A source is {FORMS}.")
    if path.is_dir():
        from .mlflow_models import open_folder  # ruff: ignore[PLC0415] - loads only for folders

        model = open_folder(path, path.name or source.text, access)
    else:
        model = open_file(path, access)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, keep, dirs_exist_ok=True)
        else:
            shutil.copyfile(path, keep / path.name)
    return model


def open_file(path: Path, access: SourceAccess) -> SourceModel:
    """The model in the file `path`, by its suffix.

    Raises:
        UsageError: It cannot be read, or it is not a model file.
        UntrustedModel: Opening it would run code that nobody allowed.
    """
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise UsageError(
            f"{path.name} has the suffix {path.suffix!r}; a model file has one of {', '.join(KINDS)}",
            hint=f"A source is {FORMS}.",
        )
    data = read_bytes(path)
    found = open_bytes(data, path.name, kind, access)
    model, columns = unpack(found, path.name)
    reference = SourceReference(uri=path.name, kind=kind, sha256=digest_bytes(data))
    return SourceModel(reference=reference, model=model, feature_columns=columns)


def read_bytes(path: Path) -> bytes:
    """The bytes of `path`.

    Raises:
        UsageError: They cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error


def open_bytes(data: bytes, name: str, kind: SourceKind, access: SourceAccess) -> Any:  # ruff: ignore[ANN401] - a model
    """What the model file `data` of `kind` holds; `name` says in errors which one was read.

    Raises:
        UsageError: It is not such a file.
        UntrustedModel: Opening it would run code that nobody allowed.
    """
    if kind == "xgboost":
        from .xgboost_files import open_xgboost  # ruff: ignore[PLC0415] - loads only for such files

        return open_xgboost(data, name)
    if kind == "skops":
        from .skops_files import open_skops  # ruff: ignore[PLC0415] - loads only for such files

        return open_skops(data, name, access)
    from .pickles import open_pickle  # ruff: ignore[PLC0415] - loads only for such files

    return open_pickle(data, name, access)


def unpack(found: Any, name: str) -> tuple[Any, tuple[str, ...] | None]:  # ruff: ignore[ANN401] - whatever the file held
    """The model in `found`, and its columns where `found` is a bundle `{"model", "feature_columns"}`.

    Raises:
        UsageError: `found` holds no model.
    """
    columns: tuple[str, ...] | None = None
    if isinstance(found, dict):
        if "model" not in found:
            raise UsageError(
                f"{name} holds a dict with the keys {', '.join(map(repr, found)) or '(none)'}, without 'model'",
                hint='A bundle is a dict {"model": …, "feature_columns": [...]}.',
            )
        columns = _columns(found.get("feature_columns"), name)
        found = found["model"]
    if not callable(getattr(found, "predict", None)):
        raise UsageError(
            f"{name} holds a {type(found).__module__}.{type(found).__qualname__}, no model: it has no predict",
            hint='Save the fitted estimator, or a dict {"model": …, "feature_columns": [...]}.',
        )
    return found, columns


def _columns(found: Any, name: str) -> tuple[str, ...] | None:  # ruff: ignore[ANN401] - whatever the file held
    if found is None:
        return None
    try:
        columns = tuple(found)
    except TypeError:
        columns = ()
    if isinstance(found, str) or not columns or not all(isinstance(column, str) for column in columns):
        raise UsageError(f"{name}: 'feature_columns' must be column names, found {str(found)[:100]!r}")
    if len(set(columns)) != len(columns):
        raise UsageError(f"{name}: 'feature_columns' names a column twice")
    return tuple(str(column) for column in columns)
