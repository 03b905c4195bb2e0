"""What one row costs in a fresh process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from onnxport.artifacts import Budget, UsageError

from .session import open_graph

if TYPE_CHECKING:
    from onnxport.artifacts import Conversion, Rows

ROWS: Final = 100
WARMUP: Final = 20
REPEATS: Final = 500


def measure(model: bytes, conversion: Conversion, rows: Rows) -> Budget:
    """Latency of single rows on one thread, time and memory to load, measured in a process of its own.

    Args:
        model: Bytes of `model.onnx`.
        conversion: How rows become tensors.
        rows: Rows that the graph answers; the first 100 take turns.

    Raises:
        UsageError: There are no rows.
        GraphUnloadable: The runtime does not load the graph.
        GraphAborted: The graph took the runtime down.
        GraphRefused: The graph refuses a row.
    """
    if not len(rows):
        raise UsageError("there are no rows to measure", hint="Give a sample with at least one row.")
    with open_graph(model, conversion.signature) as graph:
        timed = graph.latencies(rows.take(slice(0, ROWS)), warmup=WARMUP, repeats=REPEATS)
        p50, p95 = np.percentile(timed["latencies"], [50, 95]).tolist()
        return Budget(
            p50_us=round(p50, 1),
            p95_us=round(p95, 1),
            load_ms=round(graph.load_ms, 2),
            rss_mb=round(graph.rss_mb, 2),
            bytes=len(model),
        )
