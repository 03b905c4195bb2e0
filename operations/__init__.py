"""When is it time to act, and what does the endpoint cost? Objectives on latency, plans for Azure ML endpoints."""

from .latency import Between, Finding, Verdict
from .objective import Objective
from .prometheus import Prometheus
from .slo import Check

__all__ = ["Between", "Check", "Finding", "Objective", "Prometheus", "Verdict"]

# Plans for endpoints load the Azure SDK, so they are imported where they are: `.plan`, `.apply`, `.warm`.
