"""What is promised: a share of a model's requests within a threshold, over a window."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from onnxport.artifacts import UsageError
from onnxport.artifacts.metric_names import BUCKETS

DEFAULT_THRESHOLD_MS: Final = 500.0
DEFAULT_QUANTILE: Final = 0.95
DEFAULT_WINDOW: Final = "7d"
DEFAULT_MIN_REQUESTS: Final = 100
"""Five requests beyond the 95th percentile: fewer, and a single slow request decides."""

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0, "y": 31_536_000.0}
_DURATION: Final = re.compile(r"(?:(\d+)(ms|s|m|h|d|w|y))")
_CLOSE: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """`quantile` of each model's requests are answered within `threshold_ms`, over `window`.

    Attributes:
        models: The latency-critical models, as the label `model` names them; at least one.
        quantile: Share of the requests that must be fast, in (0, 1).
        threshold_ms: How long a fast request takes at most, milliseconds.
        window: A duration of Prometheus, such as `7d`.
        min_requests: How many requests a verdict needs.
    """

    models: tuple[str, ...]
    quantile: float = DEFAULT_QUANTILE
    threshold_ms: float = DEFAULT_THRESHOLD_MS
    window: str = DEFAULT_WINDOW
    min_requests: int = DEFAULT_MIN_REQUESTS

    def __post_init__(self) -> None:
        """Refuse what promises nothing.

        Raises:
            UsageError: No model is named, or a number is out of its range.
        """
        if not self.models:
            raise UsageError(
                "no model is named: the objective is for the latency-critical ones only",
                hint="Give --model NAME, or slo: {models: [NAME, …]} in onnxport.yaml.",
            )
        if not all(self.models):
            raise UsageError("a model without a name is named")
        if not 0 < self.quantile < 1:
            raise UsageError(
                f"the quantile must lie between 0 and 1, found {self.quantile:g}", hint="p95 is 0.95."
            )
        if not 0 < self.threshold_ms < float("inf"):
            raise UsageError(f"the threshold must be positive milliseconds, found {self.threshold_ms:g}")
        if self.min_requests < 1:
            raise UsageError(f"a verdict needs at least one request, found {self.min_requests}")
        seconds(self.window)

    @property
    def budget(self) -> float:
        """Share of the requests that may be slow."""
        return 1.0 - self.quantile

    @property
    def threshold(self) -> float:
        """`threshold_ms` in seconds."""
        return self.threshold_ms / 1_000.0

    @property
    def name(self) -> str:
        """The quantile as people write it: `p95`, `p99.9`."""
        return f"p{round(self.quantile * 100, 6):g}"

    def edge(self) -> float:
        """The threshold as an edge of the service's buckets, seconds.

        Raises:
            UsageError: It is none: what lies above it could not be counted.
        """
        found = next((edge for edge in BUCKETS if same(edge, self.threshold)), None)
        if found is None:
            known = ", ".join(f"{edge * 1_000:g}" for edge in BUCKETS)
            raise UsageError(
                f"{self.threshold_ms:g} ms is no edge of the buckets, so requests above it cannot be counted",
                hint=f"Choose one of {known} ms.",
            )
        return found


def same(edge: float, threshold: float) -> bool:
    """Whether the two mean the same number of seconds."""
    return abs(edge - threshold) <= _CLOSE * threshold


def seconds(duration: str) -> float:
    """How long `duration` is; it is written as Prometheus writes durations: `7d`, `1h30m`, `500ms`.

    Raises:
        UsageError: It is none, or is zero.
    """
    parts = _DURATION.findall(duration)
    found = sum(int(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != duration or not found:
        raise UsageError(
            f"{duration!r} is no duration", hint="Write it as Prometheus does: 7d, 12h, 1h30m; units are ms to y."
        )
    return found


def duration(length: float) -> str:
    """`length` seconds for people, in the largest unit that it fills: `3.1 h`."""
    unit = next((unit for unit in ("d", "h", "m") if length >= _UNITS[unit]), "s")
    return f"{length / _UNITS[unit]:.3g} {unit}"
