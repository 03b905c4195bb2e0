"""A Dask cluster does the work: the same calls, on workers that see the same folders."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import uuid4

import distributed
from onnxport.artifacts import Unreachable
from onnxport.sources.dask_cluster import LOST, dask_client, scheduler_gone, worker_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from .runners import Done

T = TypeVar("T")

_SUBMITTED: Final = 1000
_KEPT: Final = "Finished parts are kept: start the scheduler and run the same command again."


class Cluster:
    """The workers of a Dask scheduler; a call whose worker dies is done again by another.

    Attributes:
        client: A `distributed.Client`.
    """

    def __init__(self, client: Any) -> None:  # ruff: ignore[ANN401] - a Client, which has no types
        """Nothing is begun."""
        self.client: Final = client
        self._begun: list[Any] = []
        self._prepared: list[Any] = []

    def begin(self, calls: Sequence[Callable[[], Done]], prepare: Callable[[], object], /) -> None:
        """`calls` are begun, and each worker that is there now prepares itself.

        Raises:
            Unreachable: The scheduler has gone.
        """
        for address in worker_threads(self.client):
            future = self.client.submit(prepare, workers=address, pure=False, key=f"onnxport-prepare-{uuid4()}")
            future.add_done_callback(_forget)
            self._prepared.append(future)
        self._begun = self._mapped(calls)

    def do(self, call: Callable[[], T], /) -> T:
        """What `call` returned on one of the workers.

        Raises:
            Unreachable: The scheduler has gone, or workers die of it again and again.
        """
        with _explained():
            result: T = self.client.submit(call, pure=False, priority=1).result()
        return result

    def __call__(self, calls: Sequence[Callable[[], Done]], /) -> Iterator[Done]:
        """What each call returned, and each that was begun, as they end.

        Raises:
            Unreachable: The scheduler has gone, or workers die of a call again and again.
        """
        futures, self._begun = [*self._begun, *self._mapped(calls)], []
        try:
            with _explained():
                for future, done in distributed.as_completed(futures, loop=self.client.loop, with_results=True):
                    if future.status != "finished":  # it is cancelled where the scheduler has gone
                        raise scheduler_gone("the connection was lost", _KEPT)
                    _forget(future)
                    yield done
        finally:
            if self.client.status == "running":
                waiting = [future for future in (*futures, *self._prepared) if not future.done()]
                self.client.cancel(waiting, force=True)

    def _mapped(self, calls: Sequence[Callable[[], Done]]) -> list[Any]:
        futures: list[Any] = self.client.map(_call, calls, pure=False, key="onnxport-score", batch_size=_SUBMITTED)
        return futures


def _forget(future: Any) -> None:  # ruff: ignore[ANN401] - a Future, which has no types
    """What it gave is not made again when the worker dies that remembers it."""
    future.release()


def _call(call: Callable[[], Done]) -> Done:
    return call()


@contextmanager
def _explained() -> Generator[None]:
    try:
        yield
    except distributed.KilledWorker as error:
        raise Unreachable(
            f"workers died of one task again and again, the last was {error.last_worker}",
            hint="Look at the workers' logs, their memory first. Finished parts are kept: run it again.",
        ) from error
    except LOST as error:
        raise scheduler_gone(str(error), _KEPT) from error


@contextmanager
def connected(address: str) -> Generator[Cluster]:
    """The cluster behind the scheduler at `address`.

    Raises:
        Unreachable: The scheduler does not answer, or has no workers.
    """
    with dask_client(address) as client:
        yield Cluster(client)
