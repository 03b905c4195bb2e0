"""What a release may cost: measured in a fresh process, and nothing is published beyond it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from onnxport.artifacts import OverBudget

if TYPE_CHECKING:
    from onnxport.artifacts import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that a release may cost; `None` is no limit. Each field is one of `Budget`.

    Attributes:
        p95_us: 95th percentile of the latency of one row, microseconds.
        load_ms: Time to load the graph, milliseconds.
        rss_mb: Resident memory that the loaded graph adds, MiB.
        bytes: Size of `model.onnx`.
    """

    p95_us: float | None = None
    load_ms: float | None = None
    rss_mb: float | None = None
    bytes: int | None = None


def require_within(budget: Budget, limits: Limits, name: str) -> None:
    """The graph costs no more than it may.

    Raises:
        OverBudget: It does; the message has every figure that is beyond its limit.
    """
    pairs = {field.name: (getattr(budget, field.name), getattr(limits, field.name)) for field in fields(limits)}
    beyond = [
        f"{figure} is {found:,.0f}, allowed are {most:,.0f}"
        for figure, (found, most) in pairs.items()
        if most is not None and found > most
    ]
    if beyond:
        raise OverBudget(
            f"{name} costs more than it may: {'; '.join(beyond)}",
            hint="Train fewer or shallower trees, or raise the limit; nothing was published.",
        )
