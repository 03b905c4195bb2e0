"""Folders for what is only needed for a moment, gone even when the process is killed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

_SWEEPER = "import shutil, sys; sys.stdin.buffer.read(); shutil.rmtree(sys.argv[1], ignore_errors=True)"


@contextmanager
def scratch_folder(beside: Path | None = None) -> Generator[Path]:
    """A new, private folder that is gone afterwards, whatever happens: an error, a signal, `kill -9`.

    A small process of its own removes it as soon as this one ends; it sees that by the end of its standard input.

    Args:
        beside: The folder lies beside this path, so that what is in it can be renamed to it; `None`: among the
            system's temporary files.
    """
    if beside is not None:
        beside.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".onnxport-", dir=None if beside is None else beside.absolute().parent))
    command = [sys.executable, "-I", "-S", "-c", _SWEEPER, str(folder)]
    with subprocess.Popen(  # ruff: ignore[S603] - our own interpreter and text
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={},  # it removes a folder: it need not know this process's secrets
        start_new_session=True,
    ):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
