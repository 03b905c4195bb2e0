"""A child process that runs graphs: what takes the runtime down ends the child, and the next call a new one."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnxport.artifacts import IntegrityError, UsageError

from .wire import read_message, write_message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnxport.artifacts import Outputs

TIMEOUT: Final = 600.0
"""Seconds that one call may take before the child counts as hung."""
_COMMAND: Final = (sys.executable, "-c", "from onnxport.validation.worker import main; main()")
_TAIL: Final = 400


class GraphUnloadable(IntegrityError):
    """The runtime does not load the graph."""


class GraphRefused(UsageError):
    """The graph does not take these rows."""


class GraphAborted(IntegrityError):
    """The graph took the runtime's process down, or made it hang."""


class Host:
    """The child process and the graphs that it holds, by number."""

    def __init__(self, *, timeout: float = TIMEOUT) -> None:
        """The child starts with its first graph.

        Args:
            timeout: Seconds that one call may take.
        """
        self._timeout = timeout
        self._models: dict[int, bytes] = {}
        self._next = 0
        self._log = tempfile.TemporaryFile()  # ruff: ignore[SIM115] - lives as long as this object
        self._child: subprocess.Popen[bytes] | None = None

    def load(self, model: bytes) -> tuple[int, dict[str, Any]]:
        """The number of the graph, loaded from now on, and what loading it took: `load_ms`, `rss_mb`.

        Raises:
            GraphUnloadable: The runtime does not load it.
            GraphAborted: Loading it took the process down.
        """
        number, self._next = self._next, self._next + 1
        self._ready()
        cost = self._load(number, model)
        self._models[number] = model
        return number, cost

    def unload(self, number: int) -> None:
        """The graph is gone; the child goes with the last one."""
        self._models.pop(number, None)
        if not self._models:
            self.close()
        elif self._child is not None:
            with suppress(GraphAborted):
                self._exchange({"op": "unload", "graph": number}, {})

    def request(
        self, number: int, operation: str, arrays: Outputs, **options: int
    ) -> tuple[dict[str, Any], Outputs]:
        """The child's answer to one of the worker's operations on a graph that is loaded.

        Raises:
            GraphRefused: The runtime raised.
            GraphAborted: The child died or hung over it.
        """
        self._ready()
        header, outputs = self._exchange({"op": operation, "graph": number, **options}, arrays)
        if "error" in header:
            raise GraphRefused(f"the graph refuses the rows: {header['error']}")
        return header, outputs

    def close(self) -> None:
        """The child is gone and its resources are free; closing twice is no error."""
        self._stop()
        self._log.close()

    def _ready(self) -> None:
        """The child runs and holds every graph, after an abort too."""
        if self._child is not None:
            return
        self._log.seek(0)
        self._log.truncate()
        self._child = subprocess.Popen(  # ruff: ignore[S603] - our own interpreter and module
            _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
        )
        for number, model in self._models.items():
            self._load(number, model)

    def _load(self, number: int, model: bytes) -> dict[str, Any]:
        data = np.frombuffer(model, dtype=np.uint8)
        header, _ = self._exchange({"op": "load", "graph": number}, {"model": data})
        if "error" in header:
            raise GraphUnloadable(
                f"onnxruntime does not load the graph: {header['error']}",
                hint="Check the graph's opsets against the runtime that is installed here.",
            )
        return header

    def _exchange(self, header: Mapping[str, Any], arrays: Outputs) -> tuple[dict[str, Any], Outputs]:
        child = self._child
        if child is None or child.stdin is None or child.stdout is None:
            raise GraphAborted("the child process that runs the graph is closed")
        watchdog = threading.Timer(self._timeout, child.kill)
        watchdog.start()
        try:
            write_message(child.stdin, header, arrays)
            return read_message(child.stdout)
        except (EOFError, OSError) as error:
            hung = watchdog.finished.is_set()
            raise GraphAborted(self._obituary(hung=hung), hint="Take the failing rows from the report.") from error
        finally:
            watchdog.cancel()

    def _obituary(self, *, hung: bool) -> str:
        code = self._child.wait() if self._child is not None else 0
        self._stop()
        if hung:
            return f"the runtime gave no answer in {self._timeout:g} s"
        size = self._log.seek(0, 2)
        self._log.seek(max(0, size - _TAIL))
        said = self._log.read().decode(errors="replace").strip().splitlines()
        died = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"the runtime aborted ({died}){': ' + said[-1] if said else ''}"

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
