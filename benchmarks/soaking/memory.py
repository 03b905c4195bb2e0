"""Resident memory of a process over time, and whether it is flat."""

from __future__ import annotations

import os
import statistics
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from soaking.callers import State

ALLOWED_MIB = 8.0
"""What the median of the last third may lie above that of the third before: less than one small graph."""
_EVERY_SECONDS = 1.0


class Samples(threading.Thread):
    """Resident MiB of the process that `pid` names, every second; a new process starts a new list."""

    def __init__(self, state: State, pid: Callable[[], int]) -> None:
        super().__init__(daemon=True, name="memory")
        self._state = state
        self._pid = pid
        self._of = 0
        self.points: list[tuple[float, float]] = []

    def run(self) -> None:
        """Until the end."""
        while not self._state.stop.wait(_EVERY_SECONDS):
            pid = self._pid()
            try:
                pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
            except OSError:
                continue  # between two processes
            if pid != self._of:
                self._of, self.points = pid, []
            self.points.append((time.monotonic(), pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)))

    def growth_mib(self) -> float:
        """Median of the last third less that of the third before; what came first is warm-up."""
        third = len(self.points) // 3
        if not third:
            return 0.0
        values = [size for _, size in self.points]
        return statistics.median(values[-third:]) - statistics.median(values[-2 * third : -third])

    def slope_mib_an_hour(self) -> float:
        """Least squares over the last two thirds."""
        points = self.points[len(self.points) // 3 :]
        if len(points) < 2:  # ruff: ignore[PLR2004] - no line through one point
            return 0.0
        return statistics.linear_regression(*zip(*points, strict=True)).slope * 3600

    def summary(self) -> str:
        """Smallest, median, largest, slope."""
        values = [size for _, size in self.points] or [0.0]
        return (
            f"resident MiB over {len(values)} s: {min(values):.1f} to {max(values):.1f}, "
            f"median {statistics.median(values):.1f}, growth {self.growth_mib():+.2f} (allowed {ALLOWED_MIB:g}), "
            f"slope {self.slope_mib_an_hour():+.2f} an hour"
        )
