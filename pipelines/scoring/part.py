"""One part: rows in, a finished file out. The same for a thread here and for a worker elsewhere."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import pyarrow as pa
from onnxport.artifacts import IntegrityError, UsageError, digest_file
from pyarrow import parquet

from .engines import kept_engine
from .table import answer_arrays, answer_fields, plain_array, plain_field, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .job import Job, Part

BATCH_ROWS: Final = 1 << 14
"""Rows that an engine sees at once: their matrix of twenty columns stays in a processor's cache."""
_WRITTEN_ROWS: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PartDone:
    """A part is finished.

    Attributes:
        number: Which.
        rows: How many rows it has.
    """

    number: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Digested:
    """An input file was read to its end.

    Attributes:
        path: Which.
        sha256: Its digest.
    """

    path: str
    sha256: str


def digest_input(path: str) -> Digested:
    """The digest of the input file `path`.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        return Digested(path=path, sha256=digest_file(Path(path)))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error


def score_part(job: Job, part: Part) -> PartDone:
    """The part's answers lie in its target, by rename.

    Law: however often and wherever it runs, the target holds each of the part's rows once.

    Raises:
        UsageError: The rows cannot be read, or do not fit the model.
        IntegrityError: The release is damaged, or the file has other rows than it had when the run began.
    """
    target = job.target(part.number)
    temporary = job.temporary / f"{target.name}.{secrets.token_hex(8)}"
    try:
        rows = _write(job, part, temporary)
        if part.span.rows not in {None, rows}:
            raise IntegrityError(f"{part.file.path} gave {rows} rows where its index says {part.span.rows}")
        temporary.replace(target)
    except OSError as error:
        raise UsageError(
            f"{socket.gethostname()} cannot write {temporary}: {error.strerror or error}",
            hint="Every worker must see the data and the folder of --out under the same paths.",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return PartDone(number=part.number, rows=rows)


def output_schema(job: Job) -> pa.Schema:
    """The columns of the output: those that are kept, then the answers."""
    kept = [plain_field(job.columns.field(name)) for name in job.ids]
    return pa.schema([*kept, *answer_fields(job.signature, job.prefix)])


def answers(job: Job, part: Part) -> Iterator[pa.RecordBatch]:
    """The part's batches as they are written.

    Raises:
        UsageError: The rows cannot be read, or do not fit the model.
        IntegrityError: The release is damaged.
    """
    engine = kept_engine(job.engine, job.release, job.manifest)
    schema, row = output_schema(job), part.first or 0
    for batch in part.file.batches(part.span, job.columns, BATCH_ROWS):
        try:
            outputs = engine(rows_of(batch, job.signature, row))
        except UsageError as error:
            after = "" if part.first is not None else f", rows counted after byte {part.span.begin}"
            raise UsageError(f"{part.file.path}{after}: {error.message}", hint=error.hint) from error
        kept = [plain_array(batch.column(name)) for name in job.ids]
        yield pa.RecordBatch.from_arrays([*kept, *answer_arrays(outputs, job.signature)], schema=schema)
        row += len(batch)


def part_rows(path: Path) -> int | None:
    """How many rows a finished part has; `None` where there is none, or a damaged one."""
    try:
        if path.suffix == ".parquet":
            return int(parquet.read_metadata(path).num_rows)
        with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
            return sum(len(reader.get_batch(index)) for index in range(reader.num_record_batches))
    except (OSError, pa.ArrowException):
        return None


def parquet_writer(path: Path | IO[bytes], schema: pa.Schema) -> parquet.ParquetWriter:
    """A writer of outputs: dictionaries for text only, since answers hardly repeat."""
    texts: Any = [
        field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    ]
    return parquet.ParquetWriter(path, schema, use_dictionary=texts or False)


def _write(job: Job, part: Part, temporary: Path) -> int:
    schema, rows = output_schema(job), 0
    with temporary.open("wb") as file:
        if job.kind == "folder":
            writer: Any = parquet_writer(file, schema)
        else:
            writer = pa.ipc.new_file(file, schema)
        with writer:
            for batch in _joined(answers(job, part)):
                writer.write(batch)
                rows += len(batch)
        file.flush()
        os.fsync(file.fileno())
    return rows


def _joined(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The same rows in larger pieces, since each has a cost of its own in a file."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(map(len, held)) >= _WRITTEN_ROWS:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)
