"""A request on its way through Redis: found there, or scored once for all who ask the same at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from .answers import CACHED, ONNX, Answer
from .cache.keys import key_of
from .engine import GraphFailed
from .outputs import Rendered

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .cache.memory import Row
    from .cache.shared import Shared
    from .features import Table
    from .models import Served

    Score = Callable[[Served, Table], Awaitable[Answer | GraphFailed]]

_MARGIN: Final = 1.2
"""Redis is asked in mode `auto` where scoring costs this many times a lookup."""


class Remembering:
    """Redis before the graph."""

    def __init__(self, shared: Shared, *, measured: bool) -> None:
        self._shared = shared
        self._measured = measured
        self._flights: dict[bytes, asyncio.Future[Row | GraphFailed]] = {}

    def pays(self, served: Served, rows: int) -> bool:
        """Whether asking Redis is cheaper than scoring; with many rows it is asked once for all of them."""
        if not self._measured:
            return True
        cost = served.loaded.alone_us if rows == 1 else rows * served.loaded.row_us
        return cost > _MARGIN * self._shared.lookup_us

    async def answer(self, served: Served, table: Table, tenant: bytes, score: Score) -> Answer | GraphFailed:
        """The outputs for `table`: kept ones from Redis, the others scored and kept."""
        manifest = served.loaded.manifest
        keys = [key_of(manifest.model.name, manifest.digest, tenant, vector) for vector in table.vectors()]
        if table.rows == 1:
            return await self._one(served, table, keys[0], score)
        found = await self._shared.find(manifest.model.name, keys, len(served.outputs))
        missing = [number for number, row in enumerate(found) if row is None]
        if missing:
            answer = await score(served, table.take(missing))
            if isinstance(answer, GraphFailed):
                return answer
            for number, row in zip(missing, rows_of(answer, served), strict=True):
                found[number] = row
            self._shared.keep([keys[number] for number in missing], rows_of(answer, served))
        rows = [row for row in found if row is not None]
        return answer_of(rows, served, ONNX if missing else CACHED)

    async def _one(self, served: Served, table: Table, key: bytes, score: Score) -> Answer | GraphFailed:
        """Equal requests that are under way at the same time cost one lookup and one run."""
        flight = self._flights.get(key)
        if flight is not None:
            row = await asyncio.shield(flight)
            return row if isinstance(row, GraphFailed) else answer_of([row], served, CACHED)
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        try:
            (kept,) = await self._shared.find(served.replier.name, [key], len(served.outputs))
            if kept is not None:
                flight.set_result(kept)
                return answer_of([kept], served, CACHED)
            answer = await score(served, table)
            if isinstance(answer, GraphFailed):
                flight.set_result(answer)
                return answer
            rows = rows_of(answer, served)
            flight.set_result(rows[0])
            self._shared.keep([key], rows)
            return answer
        finally:
            del self._flights[key]
            if not flight.done():
                flight.set_result(GraphFailed("the request that was under way was given up"))


def rows_of(answer: Answer, served: Served) -> list[Row]:
    """The outputs of each row as JSON fragments, in the order of the signature."""
    return list(zip(*(answer.fragments(name) for name in served.outputs), strict=True))


def answer_of(rows: list[Row], served: Served, served_by: str) -> Answer:
    """Kept rows as an answer."""
    columns: Any = zip(*rows, strict=True)
    fragments = {name: list(column) for name, column in zip(served.outputs, columns, strict=True)}
    return Answer(Rendered.of_fragments(fragments), 0, len(rows), served_by)
