"""What a histogram says of an objective, and no more than that: edges of buckets, never a value between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from onnxport.artifacts import Unreachable

from .objective import same

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .objective import Objective
    from .prometheus import Sample

_ROUNDING: Final = 1e-9
"""Prometheus sums doubles: what differs by less is equal."""
_INFINITE: Final = float("inf")


class Verdict(StrEnum):
    """Whether the objective is kept."""

    WITHIN = "within"
    BREACHED = "breached"
    UNKNOWN = "not enough data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """A number that lies in `[low, high]`; exact where the two are equal."""

    low: float
    high: float

    @property
    def exact(self) -> bool:
        """Whether it is one number."""
        return self.low == self.high

    def times(self, factor: float) -> Between:
        """The same multiplied by `factor`, which is not negative."""
        return Between(low=self.low * factor, high=self.high * factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Requests by how long they took.

    Attributes:
        edges: Upper edges of the buckets in seconds, ascending; the last is infinite.
        counts: Requests up to each edge, never falling.
    """

    edges: tuple[float, ...]
    counts: tuple[float, ...]

    @property
    def total(self) -> float:
        """All requests."""
        return self.counts[-1]

    def quantile(self, share: float) -> Between:
        """The edges of the bucket that holds the quantile, seconds; `total` must not be zero."""
        rank = share * self.total * (1 - _ROUNDING)
        at = next(number for number, count in enumerate(self.counts) if count >= rank)
        return Between(low=self.edges[at - 1] if at else 0.0, high=self.edges[at])

    def above(self, threshold: float) -> Between:
        """How many requests took longer than `threshold` seconds: exact where that is an edge."""
        surely = next(
            (self.total - count for edge, count in self._pairs() if edge >= threshold or same(edge, threshold)),
            0.0,
        )
        below = [count for edge, count in self._pairs() if edge <= threshold or same(edge, threshold)]
        return Between(low=surely, high=self.total - (below[-1] if below else 0.0))

    def _pairs(self) -> zip[tuple[float, float]]:
        return zip(self.edges, self.counts, strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found of one model.

    Attributes:
        model: Its name.
        verdict: Whether it keeps the objective.
        requests: How many were answered in the window, as Prometheus extrapolates it.
        observed_seconds: For how much of the window there are data; 0 for less than a hundredth of it.
        quantile: The edges of the bucket that holds the objective's quantile, seconds; `None` without requests.
        slow: Share of the requests above the threshold; `None` without requests.
        burn: How many times as fast as allowed the budget of slow requests is used, over the window.
        recent_burn: The same over the last hour; `None` without requests in it.
        slow_by: Share of the slow requests by who answered: `onnx`, `cache`, `azureml`.
        reason: Why there is no verdict; empty where there is one.
    """

    model: str
    verdict: Verdict
    requests: float
    observed_seconds: float
    quantile: Between | None = None
    slow: Between | None = None
    burn: Between | None = None
    recent_burn: Between | None = None
    slow_by: Mapping[str, float] = field(default_factory=dict[str, float])
    reason: str = ""


def histograms(samples: Sequence[Sample], by: str) -> dict[str, Histogram]:
    """The histograms of one model's `samples`, summed by the label `by`, on the edges that all of them have.

    Each sample is the count of one bucket; those of a series differ in `le` only. Instances with other buckets are
    added on the edges that they share, which is exact.

    Raises:
        Unreachable: A histogram has no last bucket, or one that is no number: the data are partial.
    """
    series: dict[tuple[str, frozenset[tuple[str, str]]], dict[float, float]] = {}
    for sample in samples:
        rest = frozenset((key, text) for key, text in sample.labels.items() if key != "le")
        series.setdefault((sample.labels.get(by, ""), rest), {})[_edge(sample)] = sample.value
    for counts in series.values():
        if _INFINITE not in counts:
            raise Unreachable(
                'Prometheus answers with part of a histogram: the bucket le="+Inf" is missing',
                hint="A relabelling rule may drop buckets; the whole histogram is needed.",
            )
    shared = sorted(set[float].intersection(*(set(counts) for counts in series.values()))) if series else []
    groups: dict[str, list[float]] = {}
    for (group, _), counts in series.items():
        rising = accumulate((counts[edge] for edge in shared), max)  # extrapolation may let them fall a little
        before = groups.get(group, [0.0] * len(shared))
        groups[group] = [one + other for one, other in zip(before, rising, strict=True)]
    return {group: Histogram(edges=tuple(shared), counts=tuple(counts)) for group, counts in groups.items()}


def total(found: Mapping[str, Histogram]) -> Histogram | None:
    """All of `found`, which have the same edges, in one; `None` where there is nothing."""
    if not found:
        return None
    one = next(iter(found.values()))
    sums = [sum(counts) for counts in zip(*(each.counts for each in found.values()), strict=True)]
    return Histogram(edges=one.edges, counts=tuple(sums))


def judge(
    objective: Objective,
    model: str,
    *,
    window: Mapping[str, Histogram],
    recent: Mapping[str, Histogram],
    observed_seconds: float,
) -> Finding:
    """What the histograms of `model` say, by who answered: over the window, and over the last hour."""
    whole = total(window)
    if whole is None or not whole.total:
        said = "Prometheus has no requests of this model in the window"
        return Finding(
            model=model, verdict=Verdict.UNKNOWN, requests=0.0, observed_seconds=observed_seconds, reason=said
        )
    slow = whole.above(objective.threshold).times(1 / whole.total)
    verdict, reason = _verdict(objective, whole, slow)
    lately = total(recent)
    return Finding(
        model=model,
        verdict=verdict,
        reason=reason,
        requests=whole.total,
        observed_seconds=observed_seconds,
        quantile=whole.quantile(objective.quantile),
        slow=slow,
        burn=slow.times(1 / objective.budget),
        recent_burn=_burn(objective, lately) if lately and lately.total else None,
        slow_by=_slow_by(objective, window),
    )


def _verdict(objective: Objective, whole: Histogram, slow: Between) -> tuple[Verdict, str]:
    if round(whole.total) < objective.min_requests:
        return Verdict.UNKNOWN, f"{whole.total:.0f} requests, a verdict needs {objective.min_requests}"
    if slow.high <= objective.budget + _ROUNDING:
        return Verdict.WITHIN, ""
    if slow.low > objective.budget + _ROUNDING:
        return Verdict.BREACHED, ""
    edges = ", ".join(f"{edge * 1_000:g}" for edge in whole.edges[:-1])
    return Verdict.UNKNOWN, (
        f"the buckets cannot tell: {objective.threshold_ms:g} ms lies inside one, whose edges are {edges} ms"
    )


def _burn(objective: Objective, histogram: Histogram) -> Between:
    return histogram.above(objective.threshold).times(1 / histogram.total / objective.budget)


def _slow_by(objective: Objective, window: Mapping[str, Histogram]) -> dict[str, float]:
    counts = {group: histogram.above(objective.threshold).high for group, histogram in window.items()}
    slow = sum(counts.values())
    return {group: count / slow for group, count in sorted(counts.items()) if count} if slow else {}


def _edge(sample: Sample) -> float:
    text = sample.labels.get("le", "")
    try:
        return float(text)
    except ValueError:
        raise Unreachable(
            f"Prometheus answers with a bucket whose edge is no number: le={text!r}",
            hint="The metric must be a Prometheus histogram in seconds.",
        ) from None
