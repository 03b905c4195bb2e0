"""Recording and alert rules for Prometheus, from the objective.

The alerts on the objective follow "Alerting on SLOs" in Google's Site Reliability Workbook: one fires when the
budget of slow requests is used too fast over a long window, and still is over a short one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from onnxport.artifacts import UsageError
from onnxport.artifacts.metric_names import DURATION, FALLBACK, PREDICTIONS, REFUSED, SHADOW, SWAPS

from .objective import seconds
from .slo import selector, title

if TYPE_CHECKING:
    from .objective import Objective

RATIO: Final = "onnxport:slow_requests:ratio_rate"
"""Share of slow requests by model; the window follows, as in `…ratio_rate1h`."""
COUNT: Final = "onnxport:requests:increase"
RUNBOOK: Final = "docs/operations.md"
_MODEL, _NUMBER = "{{ $labels.model }}", "{{ $value | humanize }}"
_SHORTEST: Final = "3d"
_MOST_SLOW: Final = 0.9
"""An alert above this share of slow requests would hardly ever fire, whatever the budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a budget may be used before somebody is told.

    Attributes:
        severity: `page`: wake somebody; `ticket`: look at it in working hours.
        long: The window over which the budget is used.
        short: The window that tells that it still is.
        share: Of the budget, used within `long`.
    """

    severity: str
    long: str
    short: str
    share: float


PACES: Final = (
    Pace(severity="page", long="1h", short="5m", share=0.02),
    Pace(severity="page", long="6h", short="30m", share=0.05),
    Pace(severity="ticket", long="1d", short="2h", share=0.10),
    Pace(severity="ticket", long="3d", short="6h", share=0.10),
)
"""The workbook's; for a window of 30 days they are burn rates of 14.4, 6, 3 and 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnAlert:
    """An alert on the objective.

    Attributes:
        pace: Its windows and severity.
        burn: The burn rate above which it fires, at least 1: below that the objective is kept.
        slow: The same as a share of slow requests.
    """

    pace: Pace
    burn: float
    slow: float


def burn_alerts(objective: Objective) -> tuple[BurnAlert, ...]:
    """The alerts that tell something of their own, the most urgent first.

    Raises:
        UsageError: The window is too short for them.
    """
    window = seconds(objective.window)
    if window < seconds(_SHORTEST):
        raise UsageError(
            f"a window of {objective.window} is too short for burn rate alerts, found windows below {_SHORTEST}",
            hint="Take --window 7d or 30d; `slo check` takes any window.",
        )
    found: list[BurnAlert] = []
    for pace in PACES:
        burn = max(1.0, pace.share * window / seconds(pace.long))
        slow = min(_MOST_SLOW, burn * objective.budget)
        if all(other.burn > burn for other in found):  # an earlier one with this rate tells it sooner
            found.append(BurnAlert(pace=pace, burn=round(burn, 6), slow=round(slow, 6)))
    return tuple(found)


def rules(objective: Objective) -> dict[str, Any]:
    """A rules file of Prometheus, as YAML writes it.

    Raises:
        UsageError: The threshold is no edge of the buckets, or the window is too short.
    """
    alerts = burn_alerts(objective)
    windows = sorted({w for alert in alerts for w in (alert.pace.long, alert.pace.short)}, key=seconds)
    recording = [_ratio(objective, window) for window in [*windows, objective.window]]
    recording += [
        _count(objective, window) for window in (*(alert.pace.long for alert in alerts), objective.window)
    ]
    return {
        "groups": [
            {"name": "onnxport-recording", "interval": "1m", "rules": recording},
            {
                "name": "onnxport-objective",
                "rules": [*(_burning(objective, one) for one in alerts), _breached(objective)],
            },
            {"name": "onnxport-service", "rules": _service(objective)},
        ]
    }


def slow_share(objective: Objective, window: str, models: str) -> str:
    """The expression for the share of slow requests by model; `models` is a label matcher in braces."""
    edge = objective.edge()
    text = f"{edge:g}"
    bucket = f'le=~"{text}|{text}\\\\.0"' if edge.is_integer() else f'le="{text}"'  # Prometheus 3 writes 1.0
    fast = f"sum by (model) (rate({DURATION}_bucket{models[:-1]},{bucket}}}[{window}]))"
    return f"1 - {fast} / sum by (model) (rate({DURATION}_count{models}[{window}]))"


def _ratio(objective: Objective, window: str) -> dict[str, str]:
    return {"record": RATIO + window, "expr": slow_share(objective, window, selector(objective.models))}


def _count(objective: Objective, window: str) -> dict[str, str]:
    counted = f"sum by (model) (increase({DURATION}_count{selector(objective.models)}[{window}]))"
    return {"record": COUNT + window, "expr": counted}


def _burning(objective: Objective, alert: BurnAlert) -> dict[str, Any]:
    pace = alert.pace
    over = " and on (model) ".join(f"{RATIO}{window} > {alert.slow:g}" for window in (pace.long, pace.short))
    return _alert(
        "OnnxportBurningFast" if pace.severity == "page" else "OnnxportBurning",
        f"{over} and on (model) {COUNT}{pace.long} >= {objective.min_requests}",
        pace.severity,
        f"{_MODEL}: {{{{ $value | humanizePercentage }}}} of requests in {pace.long} took longer than "
        f"{objective.threshold_ms:g} ms, {alert.burn:g} times the budget or more",
        labels={"long": pace.long},
    )


def _breached(objective: Objective) -> dict[str, Any]:
    return _alert(
        "OnnxportObjectiveBreached",
        f"{RATIO}{objective.window} > {round(objective.budget, 6):g} and on (model) "
        f"{COUNT}{objective.window} >= {objective.min_requests}",
        "ticket",
        f"{_MODEL} breaches its objective: {title(objective)}",
        wait="15m",
    )


def _service(objective: Objective) -> list[dict[str, Any]]:
    models = selector(objective.models)
    passed_on = selector(objective.models, 'served_by="azureml"')
    fallen = f"sum by (model) (rate({PREDICTIONS}{passed_on}[15m]))"
    answered = f"sum by (model) (rate({PREDICTIONS}{models}[15m]))"
    failed = selector(objective.models, 'purpose="fallback"', 'result!="answered"')
    disagree = selector(objective.models, 'result="disagree"')
    refused = selector(objective.models, 'result="refused"')
    unanswered = selector(objective.models, 'reason="no-answer"')
    return [
        *(_absent(model) for model in objective.models),
        _alert(
            "OnnxportNoAnswer",
            f"sum by (model) (increase({REFUSED}{unanswered}[5m])) > 0",
            "page",
            f"{_MODEL}: neither ONNX nor the Azure ML endpoint answered {_NUMBER} requests",
        ),
        _alert(
            "OnnxportFallback",
            f"{fallen} / {answered} > 0.01",
            "ticket",
            f"{_MODEL}: the Azure ML endpoint answers {{{{ $value | humanizePercentage }}}} of the rows, not ONNX",
            wait="15m",
        ),
        _alert(
            "OnnxportFallbackFails",
            f"sum by (model) (increase({FALLBACK}{failed}[15m])) > 0",
            "ticket",
            f"{_MODEL}: the Azure ML endpoint failed {_NUMBER} requests that ONNX passed on",
        ),
        _alert(
            "OnnxportReleaseRefused",
            f"sum by (model) (increase({SWAPS}{refused}[1h])) > 0",
            "ticket",
            f"{_MODEL}: the newest release was refused, the one before it goes on answering",
        ),
        _alert(
            "OnnxportShadowDisagrees",
            f"sum by (model) (increase({SHADOW}{disagree}[1h])) > 0",
            "ticket",
            f"{_MODEL}: ONNX and the Azure ML endpoint answered {_NUMBER} rows differently",
        ),
    ]


def _absent(model: str) -> dict[str, Any]:
    return _alert(
        "OnnxportNotSeen",
        f"absent({DURATION}_count{selector((model,))})",
        "ticket",
        f"{model}: no service that answers for it is scraped, or none was asked since it started",
        wait="15m",
        labels={"model": model},
    )


def _alert(
    name: str,
    expression: str,
    severity: str,
    summary: str,
    *,
    wait: str = "2m",
    labels: dict[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "alert": name,
        "expr": expression,
        "for": wait,
        "labels": {"severity": severity, **(labels or {})},
        "annotations": {"summary": summary, "runbook": f"{RUNBOOK}#{name.lower()}"},
    }
