"""Processes that end in the middle of something, and stores that end them."""

from __future__ import annotations

import multiprocessing
import os
import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onnxport.storage import BlobInfo, BlobStore

FORK = multiprocessing.get_context("fork")


class Crash(BaseException):
    """The process would have ended here."""


def kill() -> None:
    """End this process as a power failure would."""
    os.kill(os.getpid(), signal.SIGKILL)


def crash() -> None:
    raise Crash


class Dying:
    """A store that calls `end` instead of its operation number `after + 1`."""

    def __init__(self, store: BlobStore, after: int, end: Callable[[], None] = kill) -> None:
        self._store = store
        self._left = after
        self._end = end
        self.url = store.url

    def _operate(self, name: str, *arguments: Any) -> Any:
        if self._left == 0:
            self._end()
        self._left -= 1
        return getattr(self._store, name)(*arguments)

    def read(self, key: str) -> Any:
        return self._operate("read", key)

    def stream(self, key: str) -> Iterator[bytes]:
        return iter(list(self._operate("stream", key)))

    def create(self, *arguments: Any) -> None:
        self._operate("create", *arguments)

    def replace(self, *arguments: Any) -> None:
        self._operate("replace", *arguments)

    def touch(self, key: str) -> None:
        self._operate("touch", key)

    def delete(self, info: BlobInfo) -> None:
        self._operate("delete", info)

    def list(self, folder: str) -> Iterator[BlobInfo]:
        return iter(list(self._operate("list", folder)))

    def children(self, folder: str) -> Iterator[str]:
        return iter(list(self._operate("children", folder)))


def dies_at(step: int, *functions: tuple[Any, str]) -> None:
    """From now on this process ends before call number `step + 1` of any of the `functions` (owner and name)."""
    left = iter(range(step))

    def dying(original: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if next(left, None) is None:
            kill()
        return original(*arguments, **named)

    for owner, name in functions:
        setattr(owner, name, _wrapped(dying, getattr(owner, name)))


def _wrapped(around: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **named: Any) -> Any:  # a function, so that it binds where it stands in a class
        return around(original, *arguments, **named)

    return wrapped


def run(job: Callable[[], None]) -> int:
    """The exit code of `job` in a process of its own; -9 where it was killed."""
    process = FORK.Process(target=job)
    process.start()
    process.join()
    code = process.exitcode
    assert code is not None
    return code


def run_all(jobs: list[Callable[[], int]]) -> list[int]:
    """The exit codes of `jobs`, which start together in a process each and answer with theirs."""
    barrier = FORK.Barrier(len(jobs))

    def start(job: Callable[[], int]) -> None:
        barrier.wait()
        os._exit(job())

    processes = [FORK.Process(target=start, args=(job,)) for job in jobs]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode if process.exitcode is not None else -1 for process in processes]
