"""The routes of the service, and what each does."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import orjson

from .access import ANYBODY, Access, Principal, Rates, may_use
from .dialects import AzureMl, Mlflow, OpenInference, Product
from .dialects.open_inference import metadata
from .fault import NOT_FOUND, WRONG_METHOD, Fault
from .logs import describe, log
from .metrics import RESPONSES
from .models import Model, readiness
from .openapi import document
from .prediction import NotedPredictions, Predictions
from .routes import Routes
from .wire import TEXT, problem_body

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Collection, Mapping

    from .dialects import Dialect
    from .fallback.endpoint import Endpoint
    from .metrics import Counter, Metrics
    from .remembering import Remembering
    from .routes import Route
    from .settings import Settings
    from .tokens import Tokens
    from .wire import Exchange, Listener

_VERSIONED: Final = re.compile(rb"(/v2/models/[^/]+)/versions/([^/]+)(/infer|/ready)?")
_METRICS_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"
_OK, _BAD, _UNAVAILABLE = 200, 400, 503
_PREFIXES: Final[dict[bytes, Dialect]] = {
    b"/v2/": OpenInference(),
    b"/score": AzureMl(),
    b"/invocations": Mlflow(),
    b"/endpoints/": Mlflow(),
}
_INFO: Final = 20


class Service:
    """Answers requests for the models of the settings."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        loop: asyncio.AbstractEventLoop,
        *,
        tokens: Tokens | None = None,
        remembering: Remembering | None = None,
        endpoints: Mapping[str, Endpoint] | None = None,
    ) -> None:
        self.models: Final = {
            name: Model(name, one, metrics, (endpoints or {}).get(name))
            for name, one in settings.onnx.models.items()
        }
        noted = settings.onnx.tracing or settings.onnx.log == "all"
        kind = NotedPredictions if noted else Predictions
        self.predictions: Final = kind(settings.onnx.limits, metrics, loop, remembering)
        self.listener: Listener | None = None
        self._metrics = metrics
        self._access = Access(settings.onnx.security, tokens)
        self._rates = Rates(settings.onnx.limits.per_second)
        self._plain = self._access.open and not settings.onnx.limits.per_second
        self._log = settings.onnx.log
        self._statuses: dict[int, Counter] = {}
        self._product = Product(batch=False)
        self._routes = self._all_routes()

    def handle(self, exchange: Exchange) -> None:
        """The request is answered, now or later."""
        route = self._routes.by_path.get(exchange.path) or self._of_version(exchange.path)
        if route is None:
            nowhere = Fault(status=NOT_FOUND, code="no-such-path", message=self._no_such(exchange))
            self._dialect_of(exchange.path).refuse(exchange, nowhere)
            return
        handler = route.handlers.get(exchange.method)
        if handler is None:
            wrong = Fault(status=WRONG_METHOD, code="wrong-method", message=f"only {route.allowed.decode()}")
            exchange.answer(wrong.status, problem_body(wrong), headers=b"allow: %b\r\n" % route.allowed)
            return
        if not self._plain and not route.public and (fault := self._unwelcome(exchange, route)) is not None:
            (route.dialect or self._product).refuse(exchange, fault)
            return
        handler(exchange)

    def answered(self, exchange: Exchange) -> None:
        """An answer goes out: it is counted, and logged where the settings say so."""
        status = exchange.status
        counter = self._statuses.get(status)
        if counter is None:
            counter = self._statuses[status] = self._metrics.counter(RESPONSES, status=str(status))
        counter.add()
        if self._log == "all" or (self._log == "failures" and status >= _BAD):
            log(_INFO, "answered", **describe(exchange))

    @property
    def paths(self) -> Collection[bytes]:
        """All paths that are answered."""
        return self._routes.by_path

    def _unwelcome(self, exchange: Exchange, route: Route) -> Fault | None:
        found = self._access.principal(exchange.headers)
        if not isinstance(found, Principal):
            return self._rates.check(exchange.peer) or found
        caller = exchange.peer if found is ANYBODY else found.name
        exchange.notes = {"caller": caller}
        fault = self._rates.check(caller)
        if fault is None and route.model is not None:
            fault = may_use(found, route.model.name)
        return fault

    def _no_such(self, exchange: Exchange) -> str:
        shown = exchange.path.decode("utf-8", "replace")[:200]
        return f"nothing answers at {shown}; models: {', '.join(self.models)}; see /openapi.json"

    def _of_version(self, path: bytes) -> Route | None:
        """The route of a model's version, as the Open Inference Protocol has it: only the loaded one is there."""
        found = _VERSIONED.fullmatch(path)
        route = self._routes.by_path.get(found[1] + (found[3] or b"")) if found is not None else None
        if found is None or route is None or route.model is None or route.model.served is None:
            return route
        version = str(route.model.served.replier.version)
        if found[2] == version.encode():
            return route
        asked = found[2].decode("utf-8", "replace")[:20]
        message = f"{route.model.name} answers with version {version}, version {asked} is not loaded"
        fault = Fault(status=NOT_FOUND, code="no-such-version", message=message)
        return replace(route, handlers=dict.fromkeys(route.handlers, partial(OpenInference().refuse, fault=fault)))

    def _dialect_of(self, path: bytes) -> Dialect:
        """Who would have answered at `path`, had it a model."""
        for prefix, dialect in _PREFIXES.items():
            if path.startswith(prefix):
                return dialect
        return self._product

    # -- routes

    def _all_routes(self) -> Routes:
        routes = Routes()
        routes.get("/health/live", lambda exchange: exchange.answer(_OK, b'{"live":true}'), public=True)
        routes.get("/health/ready", self._ready, public=True)
        routes.get("/metrics", lambda exchange: exchange.answer(_OK, self._metrics.expose(), _METRICS_TYPE))
        routes.get("/openapi.json", self._openapi, public=True)
        about = {"name": "onnxport", "version": version("onnxport"), "extensions": ["binary_tensor_data"]}
        routes.get("/v2", partial(_answer_with, about), public=True)
        routes.get("/v2/health/live", lambda exchange: exchange.answer(_OK, b'{"live":true}'), public=True)
        routes.get("/v2/health/ready", self._ready, public=True)
        routes.get("/", self._healthy, public=True)
        routes.get("/ping", self._ready, public=True)
        routes.get("/health", self._ready, public=True)
        routes.get(
            "/version", lambda exchange: exchange.answer(_OK, version("onnxport").encode(), TEXT), public=True
        )
        for model in self.models.values():
            self._model_routes(routes, model)
        if len(self.models) == 1:  # the paths of servers that have one model
            (model,) = self.models.values()
            self._predicts(routes, "/score", model, AzureMl())
            self._predicts(routes, "/invocations", model, Mlflow())
        return routes

    def _model_routes(self, routes: Routes, model: Model) -> None:
        name = model.name
        self._predicts(routes, f"/api/v1/predict/{name}", model, self._product)
        self._predicts(routes, f"/api/v1/predict/batch/{name}", model, Product(batch=True))
        self._predicts(routes, f"/score/{name}", model, AzureMl())
        self._predicts(routes, f"/invocations/{name}", model, Mlflow())
        self._predicts(routes, f"/endpoints/{name}/invocations", model, Mlflow())  # mlflow.deployments' path
        self._predicts(routes, f"/v2/models/{name}/infer", model, OpenInference())
        routes.get(f"/v2/models/{name}", partial(self._metadata, model), model, OpenInference())
        routes.get(f"/v2/models/{name}/ready", partial(self._model_ready, model), model, OpenInference())

    def _predicts(self, routes: Routes, path: str, model: Model, dialect: Dialect) -> None:
        predict = self.predictions.predict

        def handler(exchange: Exchange) -> None:
            predict(exchange, model, dialect)

        routes.post(path, handler, model, dialect)

    def _ready(self, exchange: Exchange) -> None:
        draining = self.listener is not None and self.listener.draining
        ready, body = readiness(self.models, draining=draining)
        exchange.answer(_OK if ready else _UNAVAILABLE, body)

    def _healthy(self, exchange: Exchange) -> None:
        """What Azure ML's server says at its root."""
        ready = all(model.served is not None for model in self.models.values())
        exchange.answer(_OK if ready else _UNAVAILABLE, b"Healthy" if ready else b"Unhealthy", TEXT)

    def _model_ready(self, model: Model, exchange: Exchange) -> None:
        status = _OK if model.served is not None else _UNAVAILABLE
        exchange.answer(status, orjson.dumps({"name": model.name, "ready": model.served is not None}))

    def _metadata(self, model: Model, exchange: Exchange) -> None:
        if model.served is None:
            OpenInference().refuse(exchange, model.missing())
            return
        manifest = model.served.loaded.manifest
        _answer_with(metadata(model.name, manifest.model.version, manifest.signature), exchange)

    def _openapi(self, exchange: Exchange) -> None:
        signatures = {
            name: model.served.loaded.manifest.signature if model.served is not None else None
            for name, model in self.models.items()
        }
        _answer_with(document(signatures, secured=not self._access.open), exchange)


def _answer_with(value: Any, exchange: Exchange) -> None:  # ruff: ignore[ANN401] - any JSON value
    exchange.answer(_OK, orjson.dumps(value))
