"""The child process of a check: it loads a graph and answers until its parent goes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from .replying import reply_on_pipes
from .timing import latencies, resident

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
        before, start = resident(), time.perf_counter()
        self._sessions[header["graph"]] = open_session(model)
        return {
            "load_ms": (time.perf_counter() - start) * 1e3,
            "rss_mb": max(0.0, (resident() - before) / MEBIBYTE),
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
        """Latencies of `repeats` calls with `batch` rows each, microseconds; memory of the process by then."""
        from .runtime import run_session  # ruff: ignore[PLC0415] - loaded by `load`

        session, rows, batch = self._sessions[header["graph"]], len(next(iter(arrays.values()))), header["batch"]
        feeds = [
            {name: array[row : row + batch] for name, array in arrays.items()}
            for row in range(0, max(1, rows - batch + 1), batch)
        ]
        found = latencies(
            lambda tensors: run_session(session, tensors),
            feeds,
            warmup=header["warmup"],
            repeats=header["repeats"],
        )
        return {"resident_mb": resident() / MEBIBYTE}, {"latencies": found}


def main() -> None:
    """Serve on standard input and output; what libraries print goes to standard error."""
    worker = Worker()
    operations = {"load": worker.load, "unload": worker.unload, "run": worker.run, "time": worker.time}
    reply_on_pipes(operations, lambda error: {"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main()
