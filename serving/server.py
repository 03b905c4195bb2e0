"""One process of the service: its loop, its socket, its watchers, from start to drained."""

from __future__ import annotations

import asyncio
import signal
import ssl
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import uvloop
from onnxport.artifacts import UsageError

from .copies import Copies
from .fallback.endpoint import Endpoint
from .fallback.identity import Identity
from .logs import log
from .models import Served
from .remembering import Remembering
from .scorer import releases_in
from .service import Service
from .watching import Watcher
from .wire import Listener

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from .cache.shared import Shared
    from .loading import Loaded
    from .metrics import Metrics
    from .models import Model
    from .settings import Settings, Tls
    from .tracing import Tracing
    from .wire import Exchange

_INFO: Final = 20
_PATIENCE_SECONDS: Final = 1.0
"""Callers wait so long for the first look at the store, then they are told that no release is loaded."""


class Server:
    """One process of the service."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self.stop = asyncio.Event()

    async def run(self, sock: socket.socket, ready: Callable[[], None] | None = None) -> None:
        """Answers on `sock` until `stop` is set, then drains; `ready` is called when all models were looked for.

        Raises:
            UsageError: The store's location is none, or the certificate cannot be read.
        """
        settings, loop = self._settings, asyncio.get_running_loop()
        limits = settings.onnx.limits
        shared, endpoints = self._shared(), self._endpoints()
        remembering = Remembering(shared, measured=settings.cache.mode == "auto") if shared is not None else None
        service = Service(
            settings, self._metrics, loop, tokens=self._tokens(), remembering=remembering, endpoints=endpoints
        )
        tracing = self._tracing()
        listener = Listener(service.handle, _answered(service, tracing), limits, loop)
        service.listener = listener
        watchers = self._watchers(service, listener)
        tls = settings.onnx.security.tls
        context = _tls(tls) if tls is not None else None
        looks = asyncio.gather(*(watcher.look(serve) for watcher, serve in watchers))
        await asyncio.wait({looks}, timeout=_PATIENCE_SECONDS)
        await listener.listen(sock, context)
        await looks
        tasks = [loop.create_task(watcher.watch(serve)) for watcher, serve in watchers]
        if shared is not None:
            tasks.append(loop.create_task(shared.measure()))
        if ready is not None:
            ready()
        await self.stop.wait()
        log(_INFO, "draining", connections=listener.connections)
        await listener.drain(limits.drain_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await service.predictions.close()
        if shared is not None:
            await shared.close()
        for model in service.models.values():
            if model.shadow is not None:
                await model.shadow.close()
        for endpoint in endpoints.values():
            endpoint.close()
        if tracing is not None:
            await asyncio.to_thread(tracing.close)

    def _watchers(self, service: Service, listener: Listener) -> list[tuple[Watcher, Callable[[Loaded], Served]]]:
        settings = self._settings
        if not settings.onnx.enabled:
            return []
        releases = releases_in(settings.store, settings.access)
        copies = Copies(settings.onnx.state, releases.store.url) if settings.onnx.state is not None else None

        def serve(model: Model, loaded: Loaded) -> Served:
            return Served(loaded, model.settings, cache=settings.cache, metrics=self._metrics, turn=listener.turn)

        return [
            (
                Watcher(
                    model,
                    releases,
                    copies=copies,
                    metrics=self._metrics,
                    poll_seconds=settings.onnx.poll_seconds,
                ),
                partial(serve, model),
            )
            for model in service.models.values()
        ]

    def _endpoints(self) -> dict[str, Endpoint]:
        settings = self._settings
        found: dict[str, Endpoint] = {}
        for name, one in settings.endpoints.items():
            if name in settings.onnx.models:
                token = Identity(settings.access.auth) if one.auth == "entra" else None
                # where ONNX is switched off, the endpoint is the model
                given = one if settings.onnx.enabled else one.model_copy(update={"compatible": True})
                found[name] = Endpoint(name, given, self._metrics, token)
        return found

    def _shared(self) -> Shared | None:
        cache = self._settings.cache
        if cache.mode == "off" or not cache.redis.enabled:
            return None
        from .cache.shared import Shared as Tier  # ruff: ignore[PLC0415] - the client loads only when needed

        return Tier(cache.redis, self._metrics)

    def _tracing(self) -> Tracing | None:
        if not self._settings.onnx.tracing:
            return None
        from .tracing import Tracing as Spans  # ruff: ignore[PLC0415] - an extra

        return Spans(version("onnxport"))

    def _tokens(self) -> Any:  # ruff: ignore[ANN401] - the class loads only where tokens are accepted
        entra = self._settings.onnx.security.entra
        if entra is None:
            return None
        from .tokens import Tokens  # ruff: ignore[PLC0415] - its cryptography loads only when needed

        return Tokens(entra)


def run_process(
    settings: Settings, metrics: Metrics, sock: socket.socket, ready: Callable[[], None] | None = None
) -> None:
    """Answers on `sock` until SIGTERM or SIGINT, then drains.

    Raises:
        UsageError: The store's location is none, or the certificate cannot be read.
    """

    async def main() -> None:
        server = Server(settings, metrics)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.stop.set)
        await server.run(sock, ready)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def _answered(service: Service, tracing: Tracing | None) -> Callable[[Exchange], None]:
    """Who is told of each answer: the service, and where there is tracing that too."""
    if tracing is None:
        return service.answered

    def both(exchange: Exchange) -> None:
        service.answered(exchange)
        tracing.answered(exchange, service.paths)

    return both


def _tls(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.private_key)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"the certificate {tls.certificate} cannot be used: {error}") from error
    return context
