"""A child process that runs graphs: what takes the runtime down ends the child, and the next call a new one."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from onnxport.artifacts import IntegrityError, UsageError

from .child import TIMEOUT, Child, ChildGone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnxport.artifacts import Outputs


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
        self._child: Child | None = None

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
        child, self._child = self._child, None
        if child is not None:
            child.close()

    def _ready(self) -> Child:
        """The child runs and holds every graph, after an abort too."""
        if self._child is None:
            self._child = Child("onnxport.validation.worker", timeout=self._timeout)
            for number, model in self._models.items():
                self._load(number, model)
        return self._child

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
        try:
            return self._ready().exchange(header, arrays)
        except ChildGone as gone:
            self._child = None
            found = (
                f"the runtime gave no answer in {self._timeout:g} s"
                if gone.hung
                else f"the runtime aborted ({gone.how})"
            )
            raise GraphAborted(found, hint="Take the failing rows from the report.") from gone
