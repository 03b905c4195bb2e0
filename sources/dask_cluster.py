"""A Dask cluster: connected to, or said why not; and work that ends when a worker does not come back."""

from __future__ import annotations

import threading
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
