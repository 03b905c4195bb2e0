"""Opens model files and MLmodel folders on this machine."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from onnxport.artifacts import SourceReference, UsageError, digest_file

from .brought import Brought
from .reference import FORMS

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from onnxport.artifacts import SourceKind

    from .access import SourceAccess

KINDS: Mapping[str, SourceKind] = {
    ".joblib": "joblib",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".skops": "skops",
    ".json": "xgboost",
    ".ubj": "xgboost",
    ".lgb": "lightgbm",
    ".cbm": "catboost",
}
"""File suffix to what is expected in the file."""

MODEL_FILES = ("model.joblib", "model.pkl", "model.json", "model.ubj")
"""What a scoring script opens in the folder of a `custom_model`, in this order."""


def describe_path(path: Path, text: str) -> Brought:
    """The model in the file or folder `path`, which the user named `text`; nothing of it was run.

    Raises:
        UsageError: Nothing is there, it cannot be read, or it is not a model file.
        UnsupportedModel: It is a folder that holds a model of another kind.
        UntrustedModel: It names what lies outside of it, or a class that is no model's.
    """
    if not path.exists():
        raise UsageError(f"there is no file or folder {path}", hint=f"A source is {FORMS}.")
    if path.is_dir():
        from .mlflow_models import MLMODEL, describe_folder  # ruff: ignore[PLC0415] - loads only for folders

        # Azure ML hands a `custom_model` to a pipeline's step as the folder that holds its file
        file = None if (path / MLMODEL).exists() else model_in(path)
        return describe_folder(path, path.name or text) if file is None else describe_path(file, text)
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise UsageError(
            f"{path.name} has the suffix {path.suffix!r}; a model file has one of {', '.join(KINDS)}",
            hint=f"A source is {FORMS}.",
        )
    reference = SourceReference(uri=path.name, kind=kind, sha256=digest_of(path))
    return Brought(reference=reference, root=path, file=path, kind=kind, name=path.name)


def model_in(folder: Path) -> Path | None:
    """The model file in `folder`, as a scoring script would find it; `None`: none, or several that it could be.

    That is: in the folder nearest to the top that has one, the first of `MODEL_FILES`; the only file that can be a
    model.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    named = nearest([path for path in files if path.name in MODEL_FILES])
    named.sort(key=lambda path: MODEL_FILES.index(path.name))
    if len({path.parent for path in named}) == 1:
        return named[0]
    candidates = [path for path in files if path.suffix.lower() in KINDS]
    return candidates[0] if len(candidates) == 1 else None


def nearest(paths: list[Path]) -> list[Path]:
    """Those of `paths` that lie nearest to the top."""
    depth = min((len(path.parts) for path in paths), default=0)
    return [path for path in paths if len(path.parts) == depth]


def digest_of(path: Path) -> str:
    """The digest of the file `path`.

    Raises:
        UsageError: It cannot be read.
    """
    with _readable(path):
        return digest_file(path)


def read_bytes(path: Path) -> bytes:
    """The bytes of `path`.

    Raises:
        UsageError: They cannot be read.
    """
    with _readable(path):
        return path.read_bytes()


@contextmanager
def _readable(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error


def open_bytes(data: bytes, brought: Brought, access: SourceAccess) -> Any:  # ruff: ignore[ANN401] - a model
    """What `data`, the bytes of the model file, holds.

    Raises:
        UsageError: It is not such a file.
        UntrustedModel: Opening it would run code that nobody allowed.
    """
    name, kind = brought.name, brought.kind
    if kind == "xgboost":
        from .xgboost_files import open_xgboost  # ruff: ignore[PLC0415] - loads only for such files

        return open_xgboost(data, name, kind=brought.model_class)
    if kind == "lightgbm":
        from .lightgbm_files import open_lightgbm  # ruff: ignore[PLC0415] - loads only for such files

        return open_lightgbm(data, name)
    if kind == "catboost":
        from .catboost_files import open_catboost  # ruff: ignore[PLC0415] - loads only for such files

        return open_catboost(data, name)
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
