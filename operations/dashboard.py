"""A dashboard for Grafana, from the objective: the same threshold, the same models, the same names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from onnxport.artifacts.metric_names import (
    CACHE,
    DURATION,
    FALLBACK,
    PREDICTIONS,
    REFUSED,
    RELEASE,
    RESPONSES,
    SHADOW,
    SWAPS,
)

from .rules import slow_share
from .slo import title

if TYPE_CHECKING:
    from .objective import Objective

SCHEMA_VERSION: Final = 39
_WIDTH, _HEIGHT, _COLUMNS = 12, 8, 24
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_MODELS: Final = '{model=~"$model"}'
_RATE: Final = "$__rate_interval"
_ANSWERED: Final = "{{model}} by {{served_by}}"
_QUANTILES: Final = (0.5, 0.95, 0.99)


def dashboard(objective: Objective) -> dict[str, Any]:
    """The dashboard as Grafana imports it; equal objectives give equal documents.

    Raises:
        UsageError: The threshold is no edge of the buckets.
    """
    panels = [*_objective_panels(objective), *_service_panels()]
    for number, panel in enumerate(panels):
        column, row = number % (_COLUMNS // _WIDTH), number // (_COLUMNS // _WIDTH)
        panel["id"] = number + 1
        panel["gridPos"] = {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
    return {
        "title": "onnxport",
        "uid": "onnxport",
        "description": f"Objective: {title(objective)}. Written by `onnxport slo dashboard`.",
        "tags": ["onnxport"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_datasource(), _model(objective)]},
        "panels": panels,
    }


def _objective_panels(objective: Objective) -> list[dict[str, Any]]:
    quantiles = sorted({*_QUANTILES, objective.quantile})
    buckets = f"sum by (model, le) (rate({DURATION}_bucket{_MODELS}[{_RATE}]))"
    whole = slow_share(objective, objective.window, _MODELS)
    return [
        _panel(
            "Requests a second",
            "reqps",
            {_ANSWERED: _rate(f"{DURATION}_count", "model, served_by")},
        ),
        _panel(
            f"Latency, with the objective of {objective.threshold_ms:g} ms",
            "s",
            {
                f"{{{{model}}}} p{round(share * 100, 6):g}": f"histogram_quantile({share:g}, {buckets})"
                for share in quantiles
            },
            line=objective.threshold,
        ),
        _panel(
            f"Slow requests (above {objective.threshold_ms:g} ms)",
            "percentunit",
            {"{{model}}": slow_share(objective, _RATE, _MODELS)},
            line=objective.budget,
        ),
        _panel(
            f"Budget of {objective.window} used",
            "percentunit",
            {"{{model}}": f"({whole}) / {round(objective.budget, 6):g}"},
            line=1.0,
        ),
    ]


def _service_panels() -> list[dict[str, Any]]:
    hits = _matching('result="hit"')
    return [
        _panel(
            "Rows a second, by who answered",
            "rowsps",
            {_ANSWERED: _rate(PREDICTIONS, "model, served_by")},
        ),
        _panel(
            "Cache hits",
            "percentunit",
            {
                "{{model}} in {{tier}}": f"sum by (model, tier) (rate({CACHE}{hits}[{_RATE}])) / "
                + _rate(CACHE, "model, tier")
            },
        ),
        _panel(
            "Passed to the Azure ML endpoint",
            "reqps",
            {"{{model}} {{purpose}}: {{result}}": _rate(FALLBACK, "model, purpose, result")},
        ),
        _panel("Refused", "reqps", {"{{model}}: {{reason}}": _rate(REFUSED, "model, reason")}),
        _panel(
            "Releases that took over, or were refused",
            "short",
            {"{{model}}: {{result}}": f"sum by (model, result) (increase({SWAPS}{_MODELS}[{_RATE}]))"},
        ),
        _panel(
            "Release that answers",
            "short",
            {"{{model}}:{{version}}": f"max by (model, version) ({RELEASE}{_MODELS})"},
        ),
        _panel(
            "Rows compared with the Azure ML endpoint",
            "rowsps",
            {"{{model}}: {{result}}": _rate(SHADOW, "model, result")},
        ),
        _panel("Answers by HTTP status", "reqps", {"{{status}}": f"sum by (status) (rate({RESPONSES}[{_RATE}]))"}),
    ]


def _rate(metric: str, by: str) -> str:
    return f"sum by ({by}) (rate({metric}{_MODELS}[{_RATE}]))"


def _matching(matcher: str) -> str:
    return f"{_MODELS[:-1]},{matcher}}}"


def _panel(name: str, unit: str, queries: dict[str, str], *, line: float | None = None) -> dict[str, Any]:
    """A time series; `line` is drawn across it where something is promised."""
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if line is not None:
        steps.append({"color": "red", "value": line})
    style = {"drawStyle": "line", "fillOpacity": 10, "showPoints": "never"}
    shown = {"thresholdsStyle": {"mode": "line" if line is not None else "off"}}
    return {
        "type": "timeseries",
        "title": name,
        "datasource": _SOURCE,
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "min": 0,
                "custom": style | shown,
                "thresholds": {"mode": "absolute", "steps": steps},
            },
            "overrides": [],
        },
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + number), "datasource": _SOURCE, "expr": expression, "legendFormat": legend}
            for number, (legend, expression) in enumerate(queries.items())
        ],
    }


def _datasource() -> dict[str, Any]:
    return {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}


def _model(objective: Objective) -> dict[str, Any]:
    options = [{"text": model, "value": model, "selected": False} for model in objective.models]
    every = {"text": "All", "value": "$__all", "selected": True}
    return {
        "name": "model",
        "label": "Model",
        "type": "custom",
        "query": ",".join(objective.models),
        "multi": True,
        "includeAll": True,
        "current": every,
        "options": [every, *options],
    }
