"""What callers feel while Redis is killed, frozen, or answers garbage: at most 5 ms more at the 99th percentile.

    python benchmarks/redis_faults.py

Needs Debian's wrk and redis-server. One worker with `--cache on` and no memory tier, so that every request asks
Redis; four clients, rows that differ. Each phase is compared with the healthy one before it. The command fails
when a caller gets an error, or when p99 grows by more than that in the median of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.append(str(Path(__file__).resolve().parents[1]))  # after this folder, whose serving.py is meant

from serving import Plan, Server, load, make, start, stop
from tests.support.real_redis import RealRedis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

ALLOWED_MS: Final = 5.0
CLIENTS: Final = 4


def main() -> None:
    """Print p50 and p99 of each phase; fail where a fault costs too much."""
    parser = argparse.ArgumentParser(description="Load the scoring service while Redis fails.")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.exit("wrk is missing (Debian: apt-get install wrk)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, 1, mlflow=False)
        redis = RealRedis(folder)
        servers: list[Server] = []
        try:
            start(folder, servers, [_plan(folder, redis)], 1)
            costs = _phases(wrk, folder, servers[0], redis, seconds=given.seconds, rounds=given.rounds)
        finally:
            for server in servers:
                stop(server)
            redis.kill()
    dear = {name: cost for name, cost in costs.items() if cost > ALLOWED_MS}
    print(f"more than {ALLOWED_MS:g} ms: {dear}" if dear else f"p99 grows by at most {max(costs.values()):.2f} ms")
    sys.exit(1 if dear else 0)


def _plan(folder: Path, redis: RealRedis) -> Plan:
    cache = {"mode": "on", "memory_mb": 0, "redis": {"enabled": True, "url": redis.url}}
    (folder / "onnxport.yaml").write_text(json.dumps({"cache": cache}), encoding="utf-8")
    command = [sys.executable, "-m", "onnxport.serving.main", "--store", str(folder / "store")]
    return Plan("onnxport", "/score/bench", [*command, "--model", "bench@production", "--port", "PORT"])


def _phases(
    wrk: str, folder: Path, server: Server, redis: RealRedis, *, seconds: float, rounds: int
) -> dict[str, float]:
    faults: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "killed": lambda: _killed(redis),
        "frozen (SIGSTOP)": lambda: _frozen(redis),
        "answering garbage": lambda: _garbage(redis),
    }
    costs: dict[str, list[float]] = {name: [] for name in faults}
    for _ in range(rounds):
        for name, fault in faults.items():
            healthy = load(wrk, folder, server, clients=CLIENTS, seconds=seconds)
            with fault():
                failing = load(wrk, folder, server, clients=CLIENTS, seconds=seconds)
            costs[name].append(failing["p99"] - healthy["p99"])
            print(
                f"{name:18} {healthy['rate']:7.0f} req/s -> {failing['rate']:7.0f},  p50 {healthy['p50']:.2f} -> "
                f"{failing['p50']:.2f} ms,  p99 {healthy['p99']:.2f} -> {failing['p99']:.2f} ms",
                flush=True,
            )
    return {name: statistics.median(found) for name, found in costs.items()}


@contextmanager
def _killed(redis: RealRedis) -> Iterator[None]:
    redis.kill()
    try:
        yield
    finally:
        redis.start()


@contextmanager
def _frozen(redis: RealRedis) -> Iterator[None]:
    redis.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        redis.signal(signal.SIGCONT)


@contextmanager
def _garbage(redis: RealRedis) -> Iterator[None]:
    """Who listens at Redis's address answers each request with random bytes."""
    with _killed(redis), socket.create_server(("127.0.0.1", redis.port)) as server:
        server.settimeout(0.1)
        ended = threading.Event()

        def answer(caller: socket.socket) -> None:
            with caller, suppress(OSError):
                while caller.recv(65_536):
                    caller.sendall(os.urandom(64))

        def accept() -> None:
            while not ended.is_set():
                with suppress(TimeoutError):
                    threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


if __name__ == "__main__":
    main()
