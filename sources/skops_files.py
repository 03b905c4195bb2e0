"""Opens skops files: arrays and estimators without a pickle, by onnxport's list of types."""

from __future__ import annotations

import io
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

from onnxport.artifacts import UntrustedModel, UsageError

from .compressed import expansion_limit
from .trust import SKOPS_TYPES, is_users

if TYPE_CHECKING:
    from .access import SourceAccess

_SCHEMA = "schema.json"
_MAX_SCHEMA = 256 << 20


def open_skops(data: bytes, name: str, access: SourceAccess) -> Any:  # ruff: ignore[ANN401] - what the file holds
    """The object in the skops file `data`; `name` says in errors which one was read.

    Raises:
        UntrustedModel: It holds a type that is on neither skops' nor onnxport's list, or it is a zip bomb.
        UsageError: It is no skops file, or a damaged one.
    """
    _check_archive(data, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _open(data, name, access)
    except (UntrustedModel, UsageError):
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise UsageError(
            f"{name} is not a skops file that can be opened: {reason}",
            hint="It is damaged, or other package versions wrote it.",
        ) from error


def _open(data: bytes, name: str, access: SourceAccess) -> Any:  # ruff: ignore[ANN401] - what the file holds
    import skops.io  # ruff: ignore[PLC0415] - loads only when such a file is opened

    unknown = skops.io.get_untrusted_types(data=data)
    strange = [kind for kind in unknown if kind not in SKOPS_TYPES]
    refused = [kind for kind in strange if not is_users(kind.rpartition(".")[0], access)]
    if refused:
        raise UntrustedModel(
            f"{name} holds {', '.join(refused)}, which is not on onnxport's list of what a model may hold",
            hint="If that is your own class, allow its module by name with --allow-module; "
            "else do not open this file.",
        )
    if "xgboost.core.Booster" in unknown:
        _check_boosters(data, name)
    return skops.io.loads(data, trusted=unknown)


def _check_boosters(data: bytes, name: str) -> None:
    """Every XGBoost model in the file is one that XGBoost can read without harm."""
    from .xgboost_files import check_snapshot  # ruff: ignore[PLC0415] - loads only when an XGBoost model is opened

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.namelist():
            if member.endswith(".bin"):
                check_snapshot({"handle": archive.read(member)}, name)


def _check_archive(data: bytes, name: str) -> None:
    if not data:
        raise UsageError(f"{name} is empty", hint="Write the model again, then name the new file.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise UsageError(
            f"{name} is not a skops file: {error}", hint="Write it again with skops.io.dump, or download it again."
        ) from error
    total = sum(member.file_size for member in members)
    schema = sum(member.file_size for member in members if member.filename == _SCHEMA)
    if total > expansion_limit(len(data)) or schema > _MAX_SCHEMA:
        raise UntrustedModel(f"{name} grows to {total >> 20} MiB when it is expanded: no model does that")
    if len({member.filename for member in members}) != len(members):
        raise UntrustedModel(f"{name} holds two files of one name: what is checked might not be what is opened")
