"""A request for predictions on its way: what this process remembers, then the graph, or the reason why not."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from traceback import extract_tb
from typing import TYPE_CHECKING, Any, Final

from .answers import CACHED, ENDPOINT, ONNX, Answer
from .engine import GraphFailed
from .fault import INTERNAL, TOO_LARGE, Fault
from .logs import describe, log
from .metrics import CACHE, REFUSED
from .outputs import Rendered
from .remembering import answer_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from .dialects import Dialect, Reply, Request
    from .fallback.endpoint import Endpoint
    from .features import Table
    from .metrics import Metrics
    from .models import Model, Served
    from .remembering import Remembering
    from .settings import Limits
    from .wire import Exchange

OFFLOAD_BYTES: Final = 64 * 1024
"""Bodies beyond this are read off the loop: parsing them takes more than half a millisecond."""
OFFLOAD_US: Final = 1_500.0
"""Likewise runs of the graph that take longer than this."""
_MOST_TENANT: Final = 128
_ERROR: Final = 40


class Ticket:
    """A request that waits for its answer."""

    __slots__ = ("dialect", "exchange", "keys", "model", "predictions", "request", "served", "tenant")

    def __init__(  # ruff: ignore[PLR0917] - made once for every request: keywords cost
        self,
        predictions: Predictions,
        exchange: Exchange,
        model: Model,
        served: Served | None,
        dialect: Dialect,
        request: Request,
    ) -> None:
        self.predictions = predictions
        self.exchange = exchange
        self.model = model
        self.served = served
        self.dialect = dialect
        self.request = request
        self.keys: Sequence[bytes] = ()
        self.tenant = b""

    def done(self, answer: Answer | GraphFailed) -> None:
        """The graph has answered, or failed."""
        try:
            if isinstance(answer, GraphFailed):
                self.predictions.graph_failed(self, answer)
                return
            served = self.served
            if self.keys and served is not None and served.memory is not None:
                served.memory.keep(self.tenant, self.keys, rows_of(answer, served))
            self.predictions.reply(self, answer)
        except Exception as error:  # ruff: ignore[BLE001] - one request's failure is not its neighbours'
            self.predictions.failed(self.exchange, self.dialect, error)


class Predictions:
    """Answers requests for predictions."""

    def __init__(
        self,
        limits: Limits,
        metrics: Metrics,
        loop: asyncio.AbstractEventLoop,
        remembering: Remembering | None = None,
    ) -> None:
        self._remembering = remembering
        self._limits = limits
        self._metrics = metrics
        self._loop = loop
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="onnxport-batch")
        self._tasks: set[asyncio.Task[None]] = set()

    def predict(self, exchange: Exchange, model: Model, dialect: Dialect) -> None:
        """The request is answered: at once, at the end of this turn of the loop, or by a task."""
        try:
            self._predict(exchange, model, dialect)
        except Exception as error:  # ruff: ignore[BLE001] - the last line before the loop
            self.failed(exchange, dialect, error)

    def reply(self, ticket: Ticket, answer: Answer) -> None:
        """The answer goes out."""
        replier = ticket.served.replier if ticket.served is not None else ticket.model.replier
        self._send(ticket, ticket.dialect.write(ticket.request, answer, replier), answer)

    def refuse(self, exchange: Exchange, model: Model, dialect: Dialect, fault: Fault) -> None:
        """The caller is told why not."""
        self._metrics.counter(REFUSED, model=model.name, reason=fault.code).add()
        dialect.refuse(exchange, fault)

    def graph_failed(self, ticket: Ticket, error: GraphFailed) -> None:
        """The graph takes these rows by its signature, and fails on them."""
        log(_ERROR, "the graph failed", model=ticket.model.name, reason=error.message[:500])
        endpoint = ticket.model.stand_in()
        if endpoint is not None:
            self._spawn(ticket.exchange, ticket.dialect, self._fall_back(ticket, endpoint))
            return
        fault = Fault(status=422, code="graph-failed", message="the model's graph does not take these rows")
        self.refuse(ticket.exchange, ticket.model, ticket.dialect, fault)

    def failed(self, exchange: Exchange, dialect: Dialect, error: Exception) -> None:
        """A bug: logged with the places of its traceback; its message may hold feature values."""
        places = [f"{place.filename}:{place.lineno} {place.name}" for place in extract_tb(error.__traceback__)]
        log(_ERROR, "unexpected failure", **describe(exchange), error=type(error).__name__, places=places)
        dialect.refuse(
            exchange, Fault(status=INTERNAL, code="internal", message="unexpected failure; see the log")
        )

    async def close(self) -> None:
        """No work is left behind."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _predict(self, exchange: Exchange, model: Model, dialect: Dialect) -> None:
        served = model.served
        if served is None:
            self._without_release(exchange, model, dialect)
            return
        if len(exchange.body) > OFFLOAD_BYTES:
            self._spawn(exchange, dialect, self._large(exchange, model, served, dialect))
            return
        request = dialect.read(exchange)
        if isinstance(request, Fault):
            self.refuse(exchange, model, dialect, request)
            return
        table = self._table(request, served, exchange.body)
        if isinstance(table, Fault):
            self.refuse(exchange, model, dialect, table)
            return
        ticket = Ticket(self, exchange, model, served, dialect, request)
        if not table.rows or self._remembered(ticket, served, table):
            if not table.rows:
                ticket.done(Answer(Rendered(served.loaded.engine(table.tensors)), 0, 0, ONNX))
            return
        if self._remembering is not None and self._remembering.pays(served, table.rows):
            self._spawn(exchange, dialect, self._through_redis(ticket, served, table))
        elif _is_long(served, table):
            self._spawn(exchange, dialect, self._apart(ticket, served, table))
        else:
            served.joiner.submit(table, ticket.done)

    def _without_release(self, exchange: Exchange, model: Model, dialect: Dialect) -> None:
        endpoint = model.stand_in()
        if endpoint is None:
            self.refuse(exchange, model, dialect, model.missing())
            return
        request = dialect.read(exchange)
        if isinstance(request, Fault):
            self.refuse(exchange, model, dialect, request)
            return
        ticket = Ticket(self, exchange, model, None, dialect, request)
        self._spawn(exchange, dialect, self._fall_back(ticket, endpoint))

    async def _fall_back(self, ticket: Ticket, endpoint: Endpoint) -> None:
        """The Azure ML endpoint answers in the graph's place."""
        frame = ticket.request.rows.frame()
        if not isinstance(frame, Fault) and len(frame[1]) > self._limits.rows:
            frame = self._too_many(len(frame[1]))
        order = ticket.model.manifest.signature.columns if ticket.model.manifest is not None else None
        found = frame if isinstance(frame, Fault) else await endpoint.ask(frame, order)
        if isinstance(found, Fault):
            self.refuse(ticket.exchange, ticket.model, ticket.dialect, found)
            return
        rows = len(found.fragments(endpoint.answer))
        self.reply(ticket, Answer(found, 0, rows, ENDPOINT))

    def _too_many(self, rows: int) -> Fault:
        message = f"at most {self._limits.rows} rows are taken, found {rows}"
        return Fault(status=TOO_LARGE, code="too-many-rows", message=message)

    def _table(self, request: Request, served: Served, body: bytes) -> Table | Fault:
        table = request.rows.table(served.features, body)
        if not isinstance(table, Fault) and table.rows > self._limits.rows:
            return self._too_many(table.rows)
        return table

    def _remembered(self, ticket: Ticket, served: Served, table: Table) -> bool:
        """Whether this process remembers the answers; the request is answered then."""
        ticket.tenant = ticket.exchange.headers.get(b"x-tenant-id", b"")[:_MOST_TENANT]
        memory = served.memory
        if memory is None or table.rows > self._limits.rows // 10 or not memory.awake():
            return False
        keys = table.vectors()
        found = memory.find(ticket.tenant, keys)
        result = "miss" if found is None else "hit"
        self._metrics.counter(CACHE, model=ticket.model.name, tier="memory", result=result).add(table.rows)
        if found is None:
            ticket.keys = keys
            return False
        self.reply(ticket, answer_of(found, served, CACHED))
        return True

    async def _through_redis(self, ticket: Ticket, served: Served, table: Table) -> None:
        if self._remembering is not None:
            ticket.done(await self._remembering.answer(served, table, ticket.tenant, self._score))

    async def _score(self, served: Served, table: Table) -> Answer | GraphFailed:
        """The graph's answer, joined with others or off the loop."""
        if not _is_long(served, table):
            future: asyncio.Future[Answer | GraphFailed] = self._loop.create_future()
            served.joiner.submit(table, future.set_result)
            return await future
        try:
            arrays = await self._loop.run_in_executor(self._pool, served.loaded.engine, table.tensors)
        except GraphFailed as error:
            return error
        return Answer(Rendered(arrays), 0, table.rows, ONNX)

    async def _apart(self, ticket: Ticket, served: Served, table: Table) -> None:
        """A run that takes long leaves the loop to others."""

        def run() -> tuple[Answer, Reply | Fault]:
            answer = Answer(Rendered(served.loaded.engine(table.tensors)), 0, table.rows, ONNX)
            return answer, ticket.dialect.write(ticket.request, answer, served.replier)

        try:
            answer, reply = await self._loop.run_in_executor(self._pool, run)
        except GraphFailed as error:
            self.graph_failed(ticket, error)
            return
        self._send(ticket, reply, answer)

    async def _large(self, exchange: Exchange, model: Model, served: Served, dialect: Dialect) -> None:
        """A large body is read off the loop, and then answered as any other."""

        def read() -> tuple[Request, Table] | Fault:
            request = dialect.read(exchange)
            if isinstance(request, Fault):
                return request
            table = self._table(request, served, exchange.body)
            return table if isinstance(table, Fault) else (request, table)

        found = await self._loop.run_in_executor(self._pool, read)
        if isinstance(found, Fault):
            self.refuse(exchange, model, dialect, found)
            return
        request, table = found
        await self._apart(Ticket(self, exchange, model, served, dialect, request), served, table)

    def _send(self, ticket: Ticket, reply: Reply | Fault, answer: Answer) -> None:
        exchange = ticket.exchange
        if isinstance(reply, Fault):
            self.refuse(exchange, ticket.model, ticket.dialect, reply)
            return
        served, shadow = ticket.served, ticket.model.shadow
        meter = served.meter(answer.served_by) if served is not None else ticket.model.meter
        head = b"%bcontent-type: %b\r\n%b" % (meter.head, reply.content_type, reply.headers)
        exchange.send(200, head, reply.body)
        meter.duration.observe(perf_counter() - exchange.started)
        meter.rows.add(answer.stop - answer.start)
        if shadow is not None and served is not None and answer.served_by == ONNX and shadow.wanted():
            shadow.compare(served.loaded.manifest, ticket.request.rows.frame(), answer)

    def _spawn(self, exchange: Exchange, dialect: Dialect, work: Coroutine[Any, Any, None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except Exception as error:  # ruff: ignore[BLE001] - the last line before the loop
                self.failed(exchange, dialect, error)

        task = self._loop.create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class NotedPredictions(Predictions):
    """Predictions that leave in the exchange's notes which release answered, for log lines and spans."""

    def _send(self, ticket: Ticket, reply: Reply | Fault, answer: Answer) -> None:
        exchange = ticket.exchange
        exchange.notes = {
            **(exchange.notes or {}),
            "model": ticket.model.name,
            "version": ticket.served.replier.version if ticket.served is not None else None,
            "served_by": answer.served_by,
        }
        super()._send(ticket, reply, answer)


def _is_long(served: Served, table: Table) -> bool:
    """Whether the run would hold the loop up."""
    loaded = served.loaded
    return (loaded.alone_us if table.rows == 1 else table.rows * loaded.row_us) > OFFLOAD_US
