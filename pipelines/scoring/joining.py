"""Finished parts become one Parquet file, in order, while others are still being scored."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from onnxport.artifacts import IntegrityError

from .part import output_schema, parquet_writer

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from pyarrow import parquet

    from .job import Job


class Joiner:
    """Writes parts into one file as soon as all before them are there."""

    def __init__(self, job: Job, writer: parquet.ParquetWriter) -> None:
        """Nothing is written.

        Args:
            job: What the parts are of.
            writer: Writes the file.
        """
        self._job = job
        self._writer: Any = writer
        self._next = 0
        self._ready: set[int] = set()

    def add(self, number: int) -> None:
        """The part of this number is finished; what can be written is.

        Raises:
            IntegrityError: It cannot be read again.
        """
        self._ready.add(number)
        while self._next in self._ready:
            self._ready.remove(self._next)
            self._write(self._job.target(self._next))
            self._next += 1

    def _write(self, path: Path) -> None:
        try:
            with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
                table = reader.read_all()
                if len(table):
                    self._writer.write_table(table, row_group_size=len(table))
        except (OSError, pa.ArrowException) as error:
            raise IntegrityError(
                f"the finished part {path} cannot be read: {error}", hint="Run again: it will be scored once more."
            ) from error


@contextmanager
def joining(job: Job, path: Path) -> Generator[Callable[[int], None]]:
    """A function that is told of each finished part; `path` is the one file of the output at the end.

    Where the output is a folder, its parts are its files, and there is nothing to join.
    """
    if job.kind == "folder":
        yield lambda _: None
        return
    with parquet_writer(path, output_schema(job)) as writer:
        yield Joiner(job, writer).add
