"""Autoscale settings of Azure Monitor: what is wanted, as a setting; a setting, as what it does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from .wanted import DAYS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .wanted import Autoscale, Schedule

Json = dict[str, Any]
METRIC: Final = "CpuUtilizationPercentage"
DEFAULT_PROFILE: Final = "default"
_WINDOW: Final = "PT5M"
_GRAIN: Final = "PT1M"


def setting(wanted: Autoscale, resource: str, location: str) -> Json:
    """The setting for the deployment whose ARM id is `resource`, as Azure Monitor takes it.

    A schedule is a pair of profiles: one that begins it, and one that brings the default's limits back at its end.
    """
    rules = [
        _rule(resource, "GreaterThan", wanted.scale_out_above_cpu, "Increase"),
        _rule(resource, "LessThan", wanted.scale_in_below_cpu, "Decrease"),
    ]
    usual = _capacity(wanted.min, wanted.max)
    profiles: list[Json] = []
    for schedule in wanted.schedules:
        limits = _capacity(schedule.min, schedule.max or schedule.min)
        end = json.dumps({"name": DEFAULT_PROFILE, "for": schedule.name})  # how the portal pairs the two
        overnight = schedule.end <= schedule.start
        profiles += [
            _profile(schedule.name, limits, rules, _weekly(wanted.time_zone, schedule, schedule.start)),
            _profile(end, usual, rules, _weekly(wanted.time_zone, schedule, schedule.end, later=overnight)),
        ]
    profiles.append(_profile(DEFAULT_PROFILE, usual, rules, None))
    return {
        "location": location,
        "properties": {"enabled": True, "targetResourceUri": resource, "profiles": profiles},
    }


def effect(document: Mapping[str, Any]) -> Json:
    """What a setting does, without what Azure adds to it: equal effects, equal settings."""
    properties = document.get("properties") or {}
    return {
        "enabled": bool(properties.get("enabled", True)),
        "profiles": [_effect(profile) for profile in properties.get("profiles") or ()],
    }


def limits(document: Mapping[str, Any]) -> tuple[int, int]:
    """Fewest and most instances that a setting allows, at any time."""
    profiles = effect(document)["profiles"]
    least = min((profile["capacity"]["minimum"] for profile in profiles), default=1)
    most = max((profile["capacity"]["maximum"] for profile in profiles), default=1)
    return least, most


def describe(document: Mapping[str, Any]) -> str:
    """A setting in a line."""
    found = effect(document)
    parts: list[str] = []
    for profile in found["profiles"]:
        if profile["name"].startswith("{"):  # the end of a schedule
            continue
        capacity = profile["capacity"]
        least, most = capacity["minimum"], capacity["maximum"]
        count = f"{least}" if least == most else f"{least}..{most}"
        when = profile["recurrence"]
        name = "" if when is None else f" {profile['name']} from {when['hours'][0]:02}:{when['minutes'][0]:02}"
        parts.append(count + name)
    return ("autoscale " if found["enabled"] else "autoscale (switched off) ") + ", ".join(reversed(parts))


def _rule(resource: str, operator: str, threshold: float, direction: str) -> Json:
    return {
        "metricTrigger": {
            "metricName": METRIC,
            "metricResourceUri": resource,
            "timeGrain": _GRAIN,
            "statistic": "Average",
            "timeWindow": _WINDOW,
            "timeAggregation": "Average",
            "operator": operator,
            "threshold": threshold,
        },
        "scaleAction": {"direction": direction, "type": "ChangeCount", "value": "1", "cooldown": _WINDOW},
    }


def _capacity(least: int, most: int) -> Json:
    return {"minimum": str(least), "maximum": str(most), "default": str(least)}


def _profile(name: str, capacity: Json, rules: list[Json], recurrence: Json | None) -> Json:
    found: Json = {"name": name, "capacity": capacity, "rules": rules}
    return found if recurrence is None else found | {"recurrence": recurrence}


def _weekly(time_zone: str, schedule: Schedule, time: str, *, later: bool = False) -> Json:
    days = [DAYS[(DAYS.index(day) + later) % len(DAYS)] for day in schedule.days]
    hour, minute = time.split(":")
    when = {"timeZone": time_zone, "days": days, "hours": [int(hour)], "minutes": [int(minute)]}
    return {"frequency": "Week", "schedule": when}


def _effect(profile: Mapping[str, Any]) -> Json:
    capacity, when = profile.get("capacity") or {}, (profile.get("recurrence") or {}).get("schedule")
    return {
        "name": _name(str(profile.get("name"))),
        "capacity": {key: int(capacity.get(key) or 1) for key in ("minimum", "maximum", "default")},
        "rules": [_rule_effect(rule) for rule in profile.get("rules") or ()],
        "fixed": profile.get("fixedDate"),
        "recurrence": None if when is None else {**when, "days": sorted(when["days"], key=DAYS.index)},
    }


def _name(name: str) -> str:
    """A name that is JSON, in one form."""
    try:
        return json.dumps(json.loads(name), sort_keys=True) if name.startswith("{") else name
    except ValueError:
        return name


def _rule_effect(rule: Mapping[str, Any]) -> Json:
    trigger, action = rule.get("metricTrigger") or {}, rule.get("scaleAction") or {}
    keys = ("metricName", "timeGrain", "statistic", "timeWindow", "timeAggregation", "operator")
    return {
        **{key: trigger.get(key) for key in keys},
        "threshold": float(trigger.get("threshold") or 0),
        **{key: action.get(key) for key in ("direction", "type", "cooldown")},
        "value": str(action.get("value")),
    }
