"""How long calls take, one by one: the same loop for a graph and for its source."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


_SECONDS: Final = 10.0
_FEWEST: Final = 20
_Input = TypeVar("_Input")


def latencies(
    call: Callable[[_Input], object], inputs: Sequence[_Input], *, warmup: int, repeats: int
) -> NDArray[np.float64]:
    """Microseconds of each of up to `repeats` calls; the inputs take turns, after `warmup` calls.

    After ten seconds it is enough, with at least twenty calls: a slow model is known by then.
    """
    for index in range(warmup):
        call(inputs[index % len(inputs)])
    found: list[float] = []
    begun = time.perf_counter()
    while len(found) < repeats and (len(found) < _FEWEST or time.perf_counter() - begun < _SECONDS):
        value = inputs[len(found) % len(inputs)]
        start = time.perf_counter()
        call(value)
        found.append((time.perf_counter() - start) * 1e6)
    return np.array(found)


def resident() -> int:
    """Resident memory of this process, bytes."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    import resource  # ruff: ignore[PLC0415] - not there on every system

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
