"""Answers that any process gave before, in Redis: within a few milliseconds, or not at all."""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from onnxport.artifacts import UsageError, digest_bytes
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ..breaker import Breaker
from ..logs import log
from ..metrics import CACHE, COST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..metrics import Metrics
    from ..settings import Redis as RedisSettings
    from .memory import Row

_CHECK: Final = 16
_MOST_WRITES: Final = 64
_CONNECTIONS: Final = 32
_MEASURE_SECONDS: Final = 10.0
_PROBES: Final = 5
_SMOOTH: Final = 0.2


class Shared:
    """The tier that processes share.

    No method raises or takes longer than the budget: what goes wrong is a miss, and after three failures in a row
    Redis is left alone for two seconds.
    """

    def __init__(self, settings: RedisSettings, metrics: Metrics) -> None:
        """Nothing is connected yet.

        Raises:
            UsageError: The URL is none.
        """
        self._budget = settings.budget_ms / 1000
        self._ttl = settings.ttl_seconds
        self._metrics = metrics
        self._breaker = Breaker()
        self._writes: set[asyncio.Task[None]] = set()
        self.lookup_us = float("inf")
        try:
            self._redis: Redis = Redis.from_url(
                settings.url,
                retry=Retry(NoBackoff(), 0),
                socket_timeout=1.0,
                socket_connect_timeout=1.0,
                max_connections=_CONNECTIONS,
            )
        except (ValueError, RedisError) as error:
            raise UsageError(f"cache.redis.url is no Redis URL: {error}") from error

    async def find(self, model: str, keys: Sequence[bytes], outputs: int) -> list[Row | None]:
        """For each key the outputs that are kept under it, or `None`: one request for all."""
        nothing: list[Row | None] = [None] * len(keys)
        if not self._breaker.allows():
            self._count(model, "skipped", len(keys))
            return nothing
        try:
            start = perf_counter()
            values: Any = await asyncio.wait_for(self._redis.mget(keys), self._budget)
            self._measured((perf_counter() - start) * 1e6)
        except Exception as error:  # ruff: ignore[BLE001] - what answers garbage makes the client raise anything
            self._failed(error)
            self._count(model, "error", len(keys))
            return nothing
        if not isinstance(values, list) or len(values) != len(keys):
            self._failed(RedisError("the answer to MGET has another form"))
            self._count(model, "garbage", len(keys))
            return nothing
        self._breaker.succeeded()
        found = [_opened(key, value, outputs) for key, value in zip(keys, values, strict=True)]
        hits = sum(row is not None for row in found)
        garbage = sum(row is None and value is not None for row, value in zip(found, values, strict=True))
        for result, count in (("hit", hits), ("garbage", garbage), ("miss", len(keys) - hits - garbage)):
            if count:
                self._count(model, result, count)
        return found

    def keep(self, keys: Sequence[bytes], rows: Sequence[Row]) -> None:
        """The rows are written soon, unless too much is being written or Redis does not answer."""
        if len(self._writes) >= _MOST_WRITES or not self._breaker.allows():
            return
        task = asyncio.get_running_loop().create_task(self._write(list(zip(keys, rows, strict=True))))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def measure(self) -> None:
        """Every ten seconds: what a lookup costs, so that it is asked only where it saves time."""
        while True:
            for _ in range(_PROBES):
                if self._breaker.allows():
                    await self.find("", [b"ml:onnxport-probe"], 0)
            self._metrics.counter(COST, model="", what="redis").set(
                self.lookup_us if self.lookup_us != float("inf") else -1
            )
            await asyncio.sleep(_MEASURE_SECONDS)

    async def close(self) -> None:
        """No connection and no write is left."""
        for task in list(self._writes):
            task.cancel()
        await asyncio.gather(*self._writes, return_exceptions=True)
        await self._redis.aclose()

    async def _write(self, entries: list[tuple[bytes, Row]]) -> None:
        try:
            pipeline = self._redis.pipeline(transaction=False)
            for key, row in entries:
                pipeline.set(key, _sealed(key, row), ex=self._ttl)
            await asyncio.wait_for(pipeline.execute(), max(self._budget, 0.05))
        except Exception as error:  # ruff: ignore[BLE001] - what answers garbage makes the client raise anything
            self._failed(error)

    def _measured(self, microseconds: float) -> None:
        known = self.lookup_us != float("inf")
        self.lookup_us = self.lookup_us + _SMOOTH * (microseconds - self.lookup_us) if known else microseconds

    def _failed(self, error: Exception) -> None:
        self._breaker.failed()
        self.lookup_us = float("inf")
        if not self._breaker.allows():
            log(logging.WARNING, "Redis is left alone for a while", reason=repr(error)[:200])

    def _count(self, model: str, result: str, rows: int) -> None:
        self._metrics.counter(CACHE, model=model, tier="redis", result=result).add(rows)


def _sealed(key: bytes, row: Row) -> bytes:
    payload = b"\n".join(row)  # JSON in one line holds no line feed
    return digest_bytes(key + b"\n" + payload)[:_CHECK].encode() + payload


def _opened(key: bytes, value: object, outputs: int) -> Row | None:
    """The row in `value`, if it is whole and was kept under this key."""
    if not isinstance(value, bytes):
        return None
    payload = value[_CHECK:]
    if value[:_CHECK] != digest_bytes(key + b"\n" + payload)[:_CHECK].encode():
        return None
    row = tuple(payload.split(b"\n"))
    return row if len(row) == outputs else None
