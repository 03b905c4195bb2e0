"""Dask clusters of several processes, for tests that kill some of them."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    local = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=2, threads_per_worker=1, **local) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""
"""A scheduler with two worker processes, which are started again when they die; as a script of its own."""

BARE = """
import asyncio, sys
from distributed import Scheduler
async def main():
    async with Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
        print(scheduler.address, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
asyncio.run(main())
"""
"""A scheduler without workers."""


def started(*arguments: str) -> subprocess.Popen[str]:
    """A Python process, in a group of its own, that prints an address and ends with its standard input."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def address_of(process: subprocess.Popen[str]) -> str:
    """The address that it prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


@contextmanager
def running(script: str) -> Iterator[str]:
    """The address that the Python file `script` prints; its process ends with the context."""
    process = started(script)
    try:
        yield address_of(process)
    finally:
        process.communicate("")
