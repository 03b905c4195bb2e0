"""The files that DATA names, and what tells that they are still the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import pyarrow as pa
from onnxport.artifacts import Document, IntegrityError, UsageError, digest_bytes
from pydantic import Field

from .formats import FORMATS, format_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from onnxport.sources.spans import Span

_EDGE: Final = 1 << 20
_NOTHING: Final = "__HIVE_DEFAULT_PARTITION__"


class DataFile(Document):
    """One input file.

    Attributes:
        path: Absolute path.
        size: Bytes.
        modified_ns: When it was last written, nanoseconds since 1970.
        edges: SHA-256 of its first and its last MiB, which hold the header or the footer.
        keys: Columns that its folders say, `year=2026/`, with their values.
    """

    path: str
    size: int
    modified_ns: int
    edges: str
    keys: dict[str, str | int | None] = Field(default_factory=dict)

    def require_unchanged(self) -> None:
        """The file is as it was when the run began.

        Raises:
            IntegrityError: It is not.
        """
        try:
            found = Path(self.path).stat()
        except OSError as error:
            raise IntegrityError(f"{self.path} is gone: {error.strerror}", hint=_AGAIN) from error
        if (found.st_size, found.st_mtime_ns) != (self.size, self.modified_ns):
            raise IntegrityError(f"{self.path} was changed while it was scored", hint=_AGAIN)

    def columns(self, given: Mapping[str, pa.DataType]) -> pa.Schema:
        """The file's columns and those of its folders.

        Raises:
            UsageError: It cannot be read.
        """
        path = Path(self.path)
        try:
            found = format_of(path).schema(path, given)
        except (pa.ArrowException, OSError) as error:
            raise unreadable(path, error) from error
        for name, value in self.keys.items():
            if name not in found.names:
                found = found.append(pa.field(name, pa.scalar(value).type))
        return found

    def spans(self) -> list[Span]:
        """The whole file, each row in exactly one span.

        Raises:
            UsageError: It cannot be read.
        """
        path = Path(self.path)
        try:
            return format_of(path).spans(path)
        except (pa.ArrowException, OSError) as error:
            raise unreadable(path, error) from error

    def batches(self, span: Span, columns: pa.Schema, size: int) -> Iterator[pa.RecordBatch]:
        """The span's rows with exactly `columns`, in that order, up to `size` at a time.

        Raises:
            UsageError: It cannot be read.
        """
        path = Path(self.path)
        inside = pa.schema([field for field in columns if field.name not in self.keys])
        try:
            for batch in format_of(path).batches(path, span, inside, size):
                arrays = [
                    pa.repeat(pa.scalar(self.keys[field.name], field.type), len(batch))
                    if field.name in self.keys
                    else batch.column(field.name)
                    for field in columns
                ]
                yield pa.RecordBatch.from_arrays(arrays, names=list(columns.names))
        except (pa.ArrowException, OSError) as error:
            raise unreadable(path, error) from error


_AGAIN: Final = "Nothing was finished; run again with --restart to score the data as it is now."


def find_files(paths: Sequence[Path]) -> list[DataFile]:
    """The files that `paths` name: themselves, or all below a folder, in order of their names.

    Files and folders whose names begin with `.` or `_` are left out.

    Raises:
        UsageError: There is nothing of that name, or no file that can be read, or files of several formats.
    """
    found = [file for path in paths for file in (_in_folder(path) if path.is_dir() else [_described(path, {})])]
    names = [file.path for file in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"{twice[0]} is named twice", hint="Its rows would be scored twice.")
    if len({type(format_of(Path(file.path))) for file in found}) > 1:
        raise UsageError("the files of DATA have several formats", hint="Score them apart.")
    return found


def _in_folder(folder: Path) -> list[DataFile]:
    inside = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part[0] in "._" for part in path.relative_to(folder).parts)
    )
    files = [path for path in inside if path.suffix.lower() in FORMATS]
    if not files:
        raise UsageError(
            f"{folder} holds no file that rows are read from; those are {', '.join(FORMATS)}",
            hint=f"Found: {', '.join(sorted({path.suffix or path.name for path in inside})) or 'nothing'}.",
        )
    keys = [_keys(path.relative_to(folder).parts[:-1]) for path in files]
    texts = {
        name for found in keys for name, value in found.items() if value is not None and not _is_number(value)
    }
    return [
        _described(path, {name: _typed(value, text=name in texts) for name, value in found.items()})
        for path, found in zip(files, keys, strict=True)
    ]


def _keys(folders: Sequence[str]) -> dict[str, str | None]:
    """What the folders say in Hive's form, `year=2026`."""
    pairs = [unquote(folder).partition("=") for folder in folders]
    return {name: None if value == _NOTHING else value for name, mark, value in pairs if mark}


def _is_number(text: str) -> bool:
    return text.isascii() and text.removeprefix("-").isdigit() and str(int(text)) == text


def _typed(value: str | None, *, text: bool) -> str | int | None:
    return value if text or value is None else int(value)


def _described(path: Path, keys: dict[str, str | int | None]) -> DataFile:
    format_of(path)
    try:
        stat = path.stat()
        with path.open("rb") as file:
            edges = file.read(_EDGE)
            file.seek(max(0, stat.st_size - _EDGE))
            edges += file.read(_EDGE)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint="Name a file or a folder.") from error
    if not stat.st_size:
        raise UsageError(f"{path} is empty: it has neither columns nor rows", hint="Was it written to its end?")
    return DataFile(
        path=str(path.absolute()),
        size=stat.st_size,
        modified_ns=stat.st_mtime_ns,
        edges=digest_bytes(edges),
        keys=keys,
    )


def unreadable(path: Path, error: Exception) -> UsageError:
    """What to say where a file cannot be read."""
    reason = " ".join(str(error).split())[:300]
    return UsageError(
        f"{path} cannot be read as {path.suffix.lstrip('.')}: {reason}",
        hint="The suffix must say what the file is; write it again if it is damaged.",
    )
