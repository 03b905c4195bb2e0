"""`slo check`: is the objective kept, and if not, what is to be done?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from onnxport.artifacts.metric_names import DURATION

from .latency import Between, Verdict, histograms, judge
from .objective import duration, seconds

if TYPE_CHECKING:
    from .latency import Finding, Histogram
    from .objective import Objective
    from .prometheus import Prometheus, Sample

SERVED_BY: Final = "served_by"
_RECENT: Final = "1h"
_LOOKS: Final = 100
"""How finely it is looked for when there were data: hundredths of the window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The verdicts on all models.

    Attributes:
        objective: What is promised.
        findings: One for each of its models, in their order.
    """

    objective: Objective
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst: a breach is one whatever the others say, and what is not known is no pass."""
        verdicts = {finding.verdict for finding in self.findings}
        return next(one for one in (Verdict.BREACHED, Verdict.UNKNOWN, Verdict.WITHIN) if one in verdicts)

    def document(self) -> dict[str, Any]:
        """The check as JSON; an infinite edge is `null`."""
        objective = self.objective
        return {
            "verdict": self.verdict.value,
            "objective": {
                "quantile": objective.quantile,
                "threshold_ms": objective.threshold_ms,
                "window": objective.window,
                "min_requests": objective.min_requests,
            },
            "models": [_document(finding) for finding in self.findings],
        }


def check(objective: Objective, prometheus: Prometheus) -> Check:
    """What `prometheus` knows about each model of `objective`.

    Counts are Prometheus's `increase`: extrapolated to the ends of the window, restarts of the service included.

    Raises:
        Unreachable: It does not answer, or with something else than whole histograms.
    """
    whole = _buckets(prometheus, objective, objective.window)
    recent = _buckets(prometheus, objective, min(_RECENT, objective.window, key=seconds))
    observed = _observed(prometheus, objective)
    findings = [
        judge(
            objective,
            model,
            window=whole.get(model, {}),
            recent=recent.get(model, {}),
            observed_seconds=observed.get(model, 0.0),
        )
        for model in objective.models
    ]
    return Check(objective=objective, findings=tuple(findings))


def selector(models: tuple[str, ...], *more: str) -> str:
    """The label matchers, in braces, for `models` and whatever else is demanded."""
    pattern = "|".join(re.escape(model) for model in models).replace("\\", "\\\\").replace('"', '\\"')
    return "{" + ",".join([f'model=~"{pattern}"', *more]) + "}"


def advice(finding: Finding) -> str:
    """What is to be done about `finding`; empty where nothing is."""
    if finding.verdict is Verdict.WITHIN:
        return ""
    if finding.verdict is Verdict.UNKNOWN:
        return f"no verdict: {finding.reason}"
    answerer = max(finding.slow_by, key=lambda name: finding.slow_by[name])
    share, name = finding.slow_by[answerer], finding.model
    match answerer:
        case "onnx":
            todo = f"the graph or its machine is slow: onnxport bench {name}@production; more onnx.workers"
        case "cache":
            todo = "answers from the cache are slow, so the service has no free processor: more onnx.workers"
        case "azureml":
            todo = f"serve it from ONNX: onnxport export azureml:{name}@latest --name {name} --alias production …"
        case _:
            todo = f"serve it from ONNX (onnxport export … --name {name} --alias production), or scale out"
    lately = finding.recent_burn
    over = (
        "" if lately is None or lately.high > 1 else f"; the last hour kept the objective (burn {_burn(lately)})"
    )
    by = f"{share:.0%} of the slow requests were answered by {answerer}: " if answerer else ""
    return f"{by}{todo}{over}"


def rows(found: Check) -> list[tuple[str, ...]]:
    """The check as a table: a row for each model, after the headings."""
    objective = found.objective
    headings = ("model", "verdict", f"{objective.name}, ms", f"above {objective.threshold_ms:g} ms")
    table = [(*headings, "burn rate", "last hour", "requests", "data for")]
    return [*table, *(_cells(finding, objective.window) for finding in found.findings)]


def title(objective: Objective) -> str:
    """The objective in a sentence."""
    return f"{objective.quantile:.6g} of requests within {objective.threshold_ms:g} ms over {objective.window}"


def markdown(found: Check) -> str:
    """The check as a page for a pull request or a job's summary."""
    heading, *rest = rows(found)
    lines = [f"## Objective {found.verdict.value}: {title(found.objective)}", ""]
    lines += [_row(heading), _row(("---",) * len(heading)), *(_row(row) for row in rest)]
    if todo := todos(found):
        lines += ["", *(f"* {line}" for line in todo)]
    return "\n".join(lines) + "\n"


def todos(found: Check) -> list[str]:
    """What is to be done, a line for each model that has something to do."""
    return [f"{finding.model}: {todo}" for finding in found.findings if (todo := advice(finding))]


def _cells(finding: Finding, window: str) -> tuple[str, ...]:
    return (
        finding.model,
        finding.verdict.value,
        "-" if finding.quantile is None else _range(finding.quantile),
        "-" if finding.slow is None else _share(finding.slow),
        "-" if finding.burn is None else _burn(finding.burn),
        "-" if finding.recent_burn is None else _burn(finding.recent_burn),
        f"{finding.requests:,.0f}",
        f"{_observed_for(finding, window)} of {window}",
    )


def _observed_for(finding: Finding, window: str) -> str:
    if finding.requests and not finding.observed_seconds:
        return f"< {duration(_step(window))}"
    return duration(finding.observed_seconds)


def _step(window: str) -> int:
    return max(1, round(seconds(window) / _LOOKS))


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _buckets(prometheus: Prometheus, objective: Objective, window: str) -> dict[str, dict[str, Histogram]]:
    asked = f"increase({DURATION}_bucket{selector(objective.models)}[{window}])"
    by_model: dict[str, list[Sample]] = {}
    for sample in prometheus.query(asked):
        by_model.setdefault(sample.labels.get("model", ""), []).append(sample)
    return {model: histograms(samples, SERVED_BY) for model, samples in by_model.items()}


def _observed(prometheus: Prometheus, objective: Objective) -> dict[str, float]:
    """For how many seconds of the window Prometheus has data, by model; 0 for less than a hundredth of it."""
    window = seconds(objective.window)
    step = _step(objective.window)
    counted = f"count by (model) ({DURATION}_count{selector(objective.models)})"
    found = prometheus.query(f"count_over_time(({counted})[{objective.window}:{step}s])")
    return {sample.labels.get("model", ""): min(window, sample.value * step) for sample in found}


def _document(finding: Finding) -> dict[str, Any]:
    quantile = finding.quantile
    return {
        "model": finding.model,
        "verdict": finding.verdict.value,
        "requests": round(finding.requests, 3),
        "observed_seconds": finding.observed_seconds,
        "quantile_ms": None if quantile is None else _pair(quantile.times(1_000)),
        "slow": None if finding.slow is None else {**_pair(finding.slow), "exact": finding.slow.exact},
        "burn_rate": None if finding.burn is None else _pair(finding.burn),
        "recent_burn_rate": None if finding.recent_burn is None else _pair(finding.recent_burn),
        "slow_by": dict(finding.slow_by),
        "what_to_do": advice(finding),
    }


def _pair(between: Between) -> dict[str, float | None]:
    return {
        "low": round(between.low, 9),
        "high": None if between.high == float("inf") else round(between.high, 9),
    }


def _range(quantile: Between) -> str:
    low, high = quantile.low * 1_000, quantile.high * 1_000
    return f"> {low:g}" if high == float("inf") else f"{low:g}..{high:g}"


def _share(share: Between) -> str:
    return f"{share.low:.3%}" if share.exact else f"{share.low:.3%}..{share.high:.3%}"


def _burn(burn: Between) -> str:
    return f"{burn.low:.2f}" if burn.exact else f"{burn.low:.2f}..{burn.high:.2f}"
