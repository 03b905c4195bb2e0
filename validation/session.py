"""A graph as something that answers rows: in a child process for checks, in this one for serving."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from onnxport.artifacts import IntegrityError, UsageError

from .wire import read_message, write_message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnxport.artifacts import Outputs, Rows, Signature

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


def open_graph(model: bytes, signature: Signature, *, timeout: float = TIMEOUT) -> GraphProcess:
    """The graph in a child process of its own, as a context manager.

    Args:
        model: Bytes of `model.onnx`.
        signature: How rows become tensors.
        timeout: Seconds that one call may take.

    Raises:
        GraphUnloadable: The runtime does not load it.
        GraphAborted: Loading it took the process down.
    """
    return GraphProcess(model, signature, timeout=timeout)


class LocalGraph:
    """A graph in this process: fast, and for graphs that were checked before."""

    def __init__(self, model: bytes, signature: Signature) -> None:
        """The graph is loaded.

        Raises:
            GraphUnloadable: The runtime does not load it.
        """
        from .runtime import open_session  # noqa: PLC0415 - the runtime loads when a graph does

        self._signature = signature
        try:
            self._session = open_session(model)
        except Exception as error:  # the runtime's errors have no common base
            raise GraphUnloadable(f"onnxruntime does not load the graph: {error}") from error

    def __call__(self, rows: Rows, /) -> Outputs:
        """The graph's outputs for `rows`.

        Raises:
            UsageError: A column is missing, or a value does not fit it.
            GraphRefused: The runtime refuses the rows.
        """
        from .runtime import run_session  # noqa: PLC0415 - loaded already

        try:
            return run_session(self._session, self._signature.feeds(rows))
        except UsageError:
            raise
        except Exception as error:  # the runtime's errors have no common base
            raise GraphRefused(f"the graph refuses the rows: {error}") from error


class GraphProcess:
    """A graph in a child process: what takes the runtime down ends the child, and the next call starts another."""

    def __init__(self, model: bytes, signature: Signature, *, timeout: float = TIMEOUT) -> None:
        """The child runs and has loaded the graph.

        Raises:
            GraphUnloadable: The runtime does not load it.
            GraphAborted: Loading it took the process down.
        """
        self._model = model
        self._signature = signature
        self._timeout = timeout
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this object
        self._child: subprocess.Popen[bytes] | None = None
        self.loaded: dict[str, Any] = {}
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, rows: Rows, /) -> Outputs:
        """The graph's outputs for `rows`.

        Raises:
            UsageError: A column is missing, or a value does not fit it.
            GraphRefused: The runtime refuses the rows.
            GraphAborted: The rows took the runtime down.
        """
        return self.run(self._signature.feeds(rows))

    def run(self, feeds: Outputs) -> Outputs:
        """The graph's outputs for the tensors `feeds`.

        Raises:
            GraphRefused: The runtime refuses them.
            GraphAborted: They took the runtime down.
        """
        header, outputs = self.request({"op": "run"}, feeds)
        if "error" in header:
            raise GraphRefused(f"the graph refuses the rows: {header['error']}")
        return outputs

    def request(self, header: Mapping[str, Any], arrays: Outputs) -> tuple[dict[str, Any], Outputs]:
        """The child's answer to any of the worker's operations.

        Raises:
            GraphAborted: The child died or hung over it.
        """
        if self._child is None:
            self._start()
        return self._exchange(header, arrays)

    def close(self) -> None:
        """The child is gone and its resources are free; closing twice is no error."""
        self._stop()
        self._log.close()

    def _start(self) -> None:
        self._log.seek(0)
        self._log.truncate()
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
        )
        model = np.frombuffer(self._model, dtype=np.uint8)
        header, _ = self._exchange({"op": "load"}, {"model": model})
        if "error" in header:
            raise GraphUnloadable(
                f"onnxruntime does not load the graph: {header['error']}",
                hint="Check the graph's opsets against the runtime that is installed here.",
            )
        self.loaded = header

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
        child = self._child
        code = child.wait() if child is not None else 0
        self._stop()
        if hung:
            return f"the runtime gave no answer in {self._timeout:g} s"
        size = self._log.seek(0, 2)
        self._log.seek(max(0, size - _TAIL))
        said = self._log.read().decode(errors="replace").strip().splitlines()
        return f"the runtime aborted ({_signal(code)}){': ' + said[-1] if said else ''}"

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            child.wait(timeout=2)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _signal(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
