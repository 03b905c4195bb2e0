"""A Dask cluster does the work: the same calls, on workers that see the same folders."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import distributed
from onnxport.artifacts import Unreachable
from onnxport.sources.dask_cluster import LOST, dask_client, scheduler_gone

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from .runners import Done

_SUBMITTED: Final = 1000
_KEPT: Final = "Finished parts are kept: start the scheduler and run the same command again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The workers of a Dask scheduler; a call whose worker dies is done again by another.

    Attributes:
        client: A `distributed.Client`.
    """

    client: Any

    def __call__(self, calls: Sequence[Callable[[], Done]], /) -> Iterator[Done]:
        """What each call returned, as they end.

        Raises:
            Unreachable: The scheduler has gone, or workers die of a call again and again.
        """
        futures = self.client.map(_call, calls, pure=False, key="onnxport-score", batch_size=_SUBMITTED)
        try:
            for future, done in distributed.as_completed(futures, loop=self.client.loop, with_results=True):
                if future.status != "finished":  # it is cancelled where the scheduler has gone
                    raise scheduler_gone("the connection was lost", _KEPT)
                future.release()  # else it is done again when the worker dies that remembers its result
                yield done
        except distributed.KilledWorker as error:
            raise Unreachable(
                f"workers died of one task again and again, the last was {error.last_worker}",
                hint="Look at the workers' logs, their memory first. Finished parts are kept: run it again.",
            ) from error
        except LOST as error:
            raise scheduler_gone(str(error), _KEPT) from error
        finally:
            if self.client.status == "running":
                self.client.cancel([future for future in futures if not future.done()], force=True)


def _call(call: Callable[[], Done]) -> Done:
    return call()


@contextmanager
def connected(address: str) -> Generator[Cluster]:
    """The cluster behind the scheduler at `address`.

    Raises:
        Unreachable: The scheduler does not answer, or has no workers.
    """
    with dask_client(address) as client:
        yield Cluster(client=client)
