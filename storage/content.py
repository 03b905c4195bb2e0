"""What is written to a store: bytes in memory, or a file that is streamed."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from onnxport.artifacts import UsageError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@contextmanager
def opened(data: bytes | Path) -> Generator[BinaryIO]:
    """`data` as a binary stream at its start, open for as long as the block runs.

    Raises:
        UsageError: It is a path whose file cannot be opened.
    """
    if isinstance(data, bytes):
        yield io.BytesIO(data)
        return
    try:
        file = data.open("rb")
    except OSError as error:
        raise UsageError(f"{data} cannot be read: {error.strerror}") from error
    with file:
        yield file
