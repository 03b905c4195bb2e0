"""The child process of a check: it loads a graph and answers until its parent goes."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .replying import reply_on_pipes

if TYPE_CHECKING:
    from onnxport.artifacts import Outputs

    from .replying import Answer

MEBIBYTE = 1 << 20


class Worker:
    """What the child process holds: sessions by number."""

    def __init__(self) -> None:
        self._sessions: dict[int, Any] = {}

    def load(self, header: dict[str, Any], arrays: Outputs) -> Answer:
        """The session is open; the answer says what that took."""
        from .runtime import open_session  # ruff: ignore[PLC0415] - the import is not part of what loading costs

        model = arrays["model"].tobytes()
        before, start = _resident(), time.perf_counter()
        self._sessions[header["graph"]] = open_session(model)
        return {
            "load_ms": (time.perf_counter() - start) * 1e3,
            "rss_mb": max(0.0, (_resident() - before) / MEBIBYTE),
        }, {}

    def unload(self, header: dict[str, Any], arrays: Outputs) -> Answer:  # ruff: ignore[ARG002] - one form for all
        """The session is gone."""
        del self._sessions[header["graph"]]
        return {}, {}

    def run(self, header: dict[str, Any], arrays: Outputs) -> Answer:
        """The graph's outputs."""
        from .runtime import run_session  # ruff: ignore[PLC0415] - loaded by `load`

        outputs = run_session(self._sessions[header["graph"]], arrays)
        return {}, {name: np.asarray(value) for name, value in outputs.items()}

    def time(self, header: dict[str, Any], arrays: Outputs) -> Answer:
        """Latencies of `repeats` calls with one row each, microseconds."""
        from .runtime import run_session  # ruff: ignore[PLC0415] - loaded by `load`

        session, rows = self._sessions[header["graph"]], len(next(iter(arrays.values())))
        single = [{name: array[row : row + 1] for name, array in arrays.items()} for row in range(rows)]
        for feeds in single[: header["warmup"]]:
            run_session(session, feeds)
        latencies = np.empty(header["repeats"])
        for index in range(header["repeats"]):
            start = time.perf_counter()
            run_session(session, single[index % rows])
            latencies[index] = (time.perf_counter() - start) * 1e6
        return {}, {"latencies": latencies}


def _resident() -> int:
    """Resident memory of this process, bytes."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    import resource  # ruff: ignore[PLC0415] - not there on every system

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """Serve on standard input and output; what libraries print goes to standard error."""
    worker = Worker()
    operations = {"load": worker.load, "unload": worker.unload, "run": worker.run, "time": worker.time}
    reply_on_pipes(operations, lambda error: {"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main()
