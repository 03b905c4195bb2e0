"""Who does the work: threads of this process; `cluster` has the workers of Dask."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from threading import Thread
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from .part import Digested, PartDone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")

Done = PartDone | Digested


class Runner(Protocol):
    """Something that does calls."""

    def begin(self, calls: Sequence[Callable[[], Done]], prepare: Callable[[], object], /) -> None:
        """`calls` are begun while the caller does something else; what they return comes with the next ones.

        Args:
            calls: The calls.
            prepare: Loads what the next calls need; other processes do it meanwhile. What it raises is forgotten.
        """
        ...

    def do(self, call: Callable[[], T], /) -> T:
        """What `call` returned, where the next calls are done.

        Raises:
            OnnxportError: It raised it.
        """
        ...

    def __call__(self, calls: Sequence[Callable[[], Done]], /) -> Iterator[Done]:
        """What each call returned, and each that was begun, as they end.

        Raises:
            OnnxportError: A call raised it; calls that were not begun are not.
        """
        ...


class Threads:
    """Threads of this process: the libraries let go of the interpreter while they work."""

    def __init__(self, count: int) -> None:
        """Nothing is begun.

        Args:
            count: How many work at the same time.
        """
        self._count: Final = count
        self._begun: list[Future[Done]] = []

    def begin(self, calls: Sequence[Callable[[], Done]], _prepare: Callable[[], object], /) -> None:
        """`calls` are begun; they end with the process, and hold nobody up who needs them no more."""
        waiting: deque[tuple[Callable[[], Done], Future[Done]]] = deque((call, Future()) for call in calls)
        self._begun += [future for _, future in waiting]
        for _ in range(min(self._count, len(waiting))):
            Thread(target=_work, args=(waiting,), name="beside", daemon=True).start()

    def do(self, call: Callable[[], T], /) -> T:
        """What `call` returned."""
        return call()

    def __call__(self, calls: Sequence[Callable[[], Done]], /) -> Iterator[Done]:
        """What each call returned, and each that was begun, as they end."""
        with ThreadPoolExecutor(self._count, thread_name_prefix="scoring") as pool:
            futures = [*self._begun, *(pool.submit(call) for call in calls)]
            self._begun = []
            try:
                for future in as_completed(futures):
                    yield future.result()
            finally:
                pool.shutdown(cancel_futures=True)


def _work(waiting: deque[tuple[Callable[[], Done], Future[Done]]]) -> None:
    while True:
        try:
            call, future = waiting.popleft()
        except IndexError:
            return
        try:
            future.set_result(call())
        except Exception as error:  # ruff: ignore[BLE001] - raised where the result is asked for
            future.set_exception(error)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
