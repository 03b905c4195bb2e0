"""Who does the work: threads of this process; `cluster` has the workers of Dask."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .part import Digested, PartDone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Done = PartDone | Digested


class Runner(Protocol):
    """Something that does calls."""

    def __call__(self, calls: Sequence[Callable[[], Done]], /) -> Iterator[Done]:
        """What each call returned, as they end.

        Raises:
            OnnxportError: A call raised it; calls that were not begun are not.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads:
    """Threads of this process: the libraries let go of the interpreter while they work.

    Attributes:
        count: How many.
    """

    count: int

    def __call__(self, calls: Sequence[Callable[[], Done]], /) -> Iterator[Done]:
        """What each call returned, as they end."""
        with ThreadPoolExecutor(self.count, thread_name_prefix="scoring") as pool:
            futures = [pool.submit(call) for call in calls]
            try:
                for future in as_completed(futures):
                    yield future.result()
            finally:
                pool.shutdown(cancel_futures=True)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
