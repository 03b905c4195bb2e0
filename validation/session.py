"""A graph as something that answers rows: in a child process for checks, in this one for serving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from onnxport.artifacts import UsageError

from .child import TIMEOUT
from .host import GraphRefused, GraphUnloadable, Host

if TYPE_CHECKING:
    from onnxport.artifacts import Outputs, Rows, Signature


def open_graph(model: bytes, signature: Signature, *, timeout: float = TIMEOUT) -> GraphProcess:
    """The graph in a child process, as a context manager.

    Args:
        model: Bytes of `model.onnx`.
        signature: How rows become tensors.
        timeout: Seconds that one call may take.

    Raises:
        GraphUnloadable: The runtime does not load it.
        GraphAborted: Loading it took the process down.
    """
    host = Host(timeout=timeout)
    try:
        return GraphProcess(host, model, signature)
    except BaseException:
        host.close()
        raise


class LocalGraph:
    """A graph in this process: fast, and for graphs that were checked before."""

    def __init__(self, model: bytes, signature: Signature) -> None:
        """The graph is loaded.

        Raises:
            GraphUnloadable: The runtime does not load it.
        """
        from .runtime import open_session  # ruff: ignore[PLC0415] - the runtime loads when a graph does

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
        from .runtime import run_session  # ruff: ignore[PLC0415] - loaded already

        try:
            return run_session(self._session, self._signature.feeds(rows))
        except UsageError:
            raise
        except Exception as error:  # the runtime's errors have no common base
            raise GraphRefused(f"the graph refuses the rows: {error}") from error


class GraphProcess:
    """A graph in a child process: an abort of the runtime is an error here, and the next call works again.

    Attributes:
        load_ms: Time that loading took, milliseconds.
        rss_mb: Resident memory that loading added, MiB.
        resident_mb: Resident memory of the whole process after the last `latencies`, MiB; 0 before.
    """

    def __init__(self, host: Host, model: bytes, signature: Signature) -> None:
        """The host has loaded the graph.

        Raises:
            GraphUnloadable: The runtime does not load it.
            GraphAborted: Loading it took the process down.
        """
        self._host = host
        self._signature = signature
        self._number, cost = host.load(model)
        self.load_ms: float = cost["load_ms"]
        self.rss_mb: float = cost["rss_mb"]
        self.resident_mb: float = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._host.unload(self._number)

    def __call__(self, rows: Rows, /) -> Outputs:
        """The graph's outputs for `rows`.

        Raises:
            UsageError: A column is missing, or a value does not fit it.
            GraphRefused: The runtime refuses the rows.
            GraphAborted: The rows took the runtime down.
        """
        return self._host.request(self._number, "run", self._signature.feeds(rows))[1]

    def beside(self, model: bytes) -> GraphProcess:
        """Another graph with the same inputs, in the same child process, as a context manager.

        Raises:
            GraphUnloadable: The runtime does not load it.
            GraphAborted: Loading it took the process down.
        """
        return GraphProcess(self._host, model, self._signature)

    def latencies(self, rows: Rows, *, warmup: int, repeats: int, batch: int = 1) -> Outputs:
        """Microseconds of each of up to `repeats` calls with `batch` of the rows, `{"latencies": (calls,)}`.

        Raises:
            UsageError: A column is missing, or a value does not fit it.
            GraphRefused: The runtime refuses the rows.
            GraphAborted: The rows took the runtime down.
        """
        feeds = self._signature.feeds(rows)
        options = {"warmup": warmup, "repeats": repeats, "batch": batch}
        header, outputs = self._host.request(self._number, "time", feeds, **options)
        self.resident_mb = header["resident_mb"]
        return outputs
