"""Who does something, when, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What stands beside every change.

    Attributes:
        at: RFC 3339, UTC.
        by: User or CI identity.
        reason: Why; empty when nobody said.
    """

    at: str
    by: str
    reason: str = ""
