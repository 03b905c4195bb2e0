"""A Dask cluster: connected to, or said why not; and work that ends when a worker does not come back."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import distributed
from distributed.client import FutureCancelledError
from distributed.comm.core import CommClosedError
from onnxport.artifacts import OnnxportError, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

T = TypeVar("T")

LOST: Final = (CommClosedError, FutureCancelledError)
"""What Dask raises where the scheduler has gone."""
_AGAIN: Final = "Nothing was logged or written: run the same command again."
_SECONDS: Final = 15
_LOOK_SECONDS: Final = 0.5
_LATE_SECONDS: Final = 5
"""An error may be here before the scheduler knows of the dead worker that caused it."""


@contextmanager
def dask_client(address: str) -> Generator[Any]:
    """A `distributed.Client` of the scheduler at `address`, which has a worker.

    Raises:
        Unreachable: The scheduler does not answer, or has no workers.
    """
    try:
        client: Any = distributed.Client(address, timeout=_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise Unreachable(
            f"the Dask scheduler at {address} does not answer: {error}",
            hint="Start one with `dask scheduler`, and name its address: tcp://HOST:8786.",
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_SECONDS)
        except TimeoutError as error:
            raise Unreachable(
                f"the Dask scheduler at {address} has no workers", hint="Start some: dask worker ADDRESS."
            ) from error
        yield client


def scheduler_gone(reason: str, hint: str) -> Unreachable:
    """What to say where the scheduler has gone in the middle."""
    return Unreachable(f"the scheduler has gone: {reason}", hint=hint)


def worker_threads(client: Any) -> dict[str, int]:  # ruff: ignore[ANN401] - a Client, which has no types
    """Address of each worker that is there now to the number of its threads.

    Raises:
        Unreachable: The scheduler has gone.
    """
    try:
        return dict(client.nthreads())
    except (OSError, TimeoutError, *LOST) as error:
        raise scheduler_gone(str(error), _AGAIN) from error


def watched(client: Any, call: Callable[[], T]) -> T:  # ruff: ignore[ANN401] - as above
    """What `call` returns; it has the time that it needs, as long as all workers that are there now stay there.

    XGBoost's workers wait for each other, and Dask keeps work for a worker that may come back: somebody must look.

    Raises:
        Unreachable: A worker or the scheduler has gone.
        Exception: What `call` raises.
    """
    workers = set(worker_threads(client))
    found: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            found.append(call())
        except Exception as error:  # ruff: ignore[BLE001] - raised again below, in the caller's thread
            errors.append(error)

    # A daemon: where a worker has gone it may never end, and must not keep the process.
    thread = threading.Thread(target=run, name="onnxport-dask", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_LOOK_SECONDS)
            if gone := workers - set(worker_threads(client)):
                _end(client, thread)
                raise _gone(gone, len(workers))
    except KeyboardInterrupt:
        _end(client, thread)
        raise
    for error in errors:
        if not isinstance(error, OnnxportError):
            _blame(client, workers, error)
        raise error
    return found[0]


def _end(client: Any, thread: threading.Thread) -> None:  # ruff: ignore[ANN401] - as above
    """What waits for the cluster waits no more: it gives back XGBoost's lock on the workers; nobody else can."""
    if not thread.is_alive():
        return
    pending = [key for key, state in list(client.futures.items()) if state.status == "pending"]
    # The last is what the others are for; the scheduler breaks off with a client that cancels all of them.
    client.cancel([distributed.Future(key, client) for key in pending[-1:]])
    thread.join(_LATE_SECONDS)


def _blame(client: Any, workers: set[str], error: Exception) -> None:  # ruff: ignore[ANN401] - as above
    """Nothing, unless `error` comes of a worker or scheduler that has gone.

    Raises:
        Unreachable: It does.
    """
    if isinstance(error, LOST):
        raise scheduler_gone(str(error), _AGAIN) from error
    end = time.monotonic() + _LATE_SECONDS
    while time.monotonic() < end:
        if gone := workers - set(worker_threads(client)):
            raise _gone(gone, len(workers))
        time.sleep(_LOOK_SECONDS)


def _gone(workers: set[str], count: int) -> Unreachable:
    return Unreachable(
        f"{len(workers)} of {count} workers have gone in the middle: {', '.join(sorted(workers))}",
        hint="Look at the workers' logs, their memory first. Start those that are left anew: XGBoost may wait "
        f"for the others there. {_AGAIN}",
    )
