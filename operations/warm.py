"""`endpoint warm`: a bounded number of requests to an endpoint, at a bounded pace, outside of quiet hours."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import time as clock_time
from typing import TYPE_CHECKING, Any, Final

from onnxport.artifacts import UsageError

from .workspace import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from onnxport.artifacts import Progress

    from .azure import Azure
    from .workspace import Found, OnlineEndpoint

MOST_REQUESTS: Final = 10_000
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_OK: Final = 200
SAVES_NOTHING: Final = (
    "this saves nothing: the instances of a managed endpoint run and are paid for whether they are asked or not; "
    "what it can do is wake caches of the scoring script after a deployment or a scale-out"
)
KUBERNETES: Final = (
    "on Kubernetes it keeps pods that an autoscaler would remove: the nodes are paid for as long as it runs"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """What is asked.

    Attributes:
        endpoint: An online endpoint.
        body: Of each request, JSON.
        deployment: One of its deployments; empty: by the endpoint's traffic.
    """

    endpoint: str
    body: bytes
    deployment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How often an endpoint is asked.

    Attributes:
        requests: At most so many.
        every_seconds: From the beginning of one to the beginning of the next.
        quiet: Hours in which nobody is asked, `HH:MM-HH:MM` in local time; empty: there are none.
        timeout_seconds: How long an answer is waited for.
    """

    requests: int
    every_seconds: float
    quiet: str = ""
    timeout_seconds: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what has no bound.

        Raises:
            UsageError: There are no requests, too many, or the hours are none.
        """
        if not 1 <= self.requests <= MOST_REQUESTS:
            raise UsageError(f"between 1 and {MOST_REQUESTS} requests can be sent, found {self.requests}")
        if not 0 <= self.every_seconds < float("inf") or not 0 < self.timeout_seconds < float("inf"):
            raise UsageError("pause and timeout must be seconds, and the timeout more than none")
        if self.quiet and not _HOURS.fullmatch(self.quiet):
            raise UsageError(f"{self.quiet!r} are no hours", hint="Write them as 22:00-06:00.")

    def is_quiet(self, now: datetime) -> bool:
        """Whether nobody is asked at this time of the day."""
        found = _HOURS.fullmatch(self.quiet)
        if found is None:
            return False
        start, end = clock_time(int(found[1]), int(found[2])), clock_time(int(found[3]), int(found[4]))
        at = now.time()
        return start <= at < end if start < end else at >= start or at < end


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time as it passes, given from outside."""

    now: Callable[[], datetime]
    seconds: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(slots=True, kw_only=True)
class Warmed:
    """What was sent, and what came back.

    Attributes:
        endpoint: Which.
        note: What it is good for, truthfully.
        answered: Durations of answers with status 200, seconds, in order.
        failed: Other answers, by status.
        quiet: How many were not sent because of quiet hours.
    """

    endpoint: str
    note: str
    answered: list[float] = field(default_factory=list[float])
    failed: dict[int, int] = field(default_factory=dict[int, int])
    quiet: int = 0

    def document(self) -> dict[str, Any]:
        """The same as JSON."""
        times = [round(seconds * 1_000, 1) for seconds in self.answered]
        return {
            "endpoint": self.endpoint,
            "sent": len(times) + sum(self.failed.values()),
            "answered": len(times),
            "failed": {str(status): number for status, number in sorted(self.failed.items())},
            "not_sent_in_quiet_hours": self.quiet,
            "first_ms": times[0] if times else None,
            "median_of_others_ms": sorted(times[1:])[len(times[1:]) // 2] if times[1:] else None,
            "saves": None,
            "note": self.note,
        }


def warm(ping: Ping, budget: Budget, *, azure: Azure, clock: Clock, progress: Progress) -> Warmed:
    """The endpoint was asked within the budget.

    A request that falls into quiet hours is not sent, and not made up for.

    Raises:
        UsageError: There is no such endpoint or deployment.
        Unreachable: Azure, or the endpoint, does not answer.
    """
    found = _endpoint(read(azure), ping.endpoint, ping.deployment)
    headers = {"Authorization": f"Bearer {azure.keys(found.name, found.auth)}"}
    if ping.deployment:
        headers["azureml-model-deployment"] = ping.deployment
    warmed = Warmed(endpoint=found.name, note=SAVES_NOTHING if found.kind == "managed" else KUBERNETES)
    begin = clock.seconds()
    for number in range(budget.requests):
        progress.step("requests", number, budget.requests)
        clock.sleep(max(0.0, begin + number * budget.every_seconds - clock.seconds()))
        if budget.is_quiet(clock.now()):
            warmed.quiet += 1
            continue
        started = clock.seconds()
        status = azure.post(found.scoring_uri, ping.body, headers, budget.timeout_seconds)
        if status == _OK:
            warmed.answered.append(clock.seconds() - started)
        else:
            warmed.failed[status] = warmed.failed.get(status, 0) + 1
    progress.step("requests", budget.requests, budget.requests)
    return warmed


def _endpoint(found: Found, name: str, deployment: str) -> OnlineEndpoint:
    endpoint = found.online.get(name)
    if endpoint is None or not endpoint.scoring_uri:
        known = ", ".join(sorted(found.online)) or "none"
        raise UsageError(f"there is no online endpoint {name} that can be asked; there are: {known}")
    if deployment and deployment not in endpoint.deployments:
        known = ", ".join(sorted(endpoint.deployments)) or "none"
        raise UsageError(f"endpoint {name} has no deployment {deployment}; it has: {known}")
    if not endpoint.deployments:
        raise UsageError(f"endpoint {name} has no deployment, so nobody would answer")
    return endpoint
