"""A workspace and a plan for people and as JSON, with what is true of scaling to zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .prices import UNKNOWN, amount, currency

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxport.sources import AzureWorkspace

    from .plan import Plan
    from .prices import Machines, Prices
    from .steps import Step
    from .wanted import Tier, Wanted
    from .workspace import Found

NO_ZERO: Final = (
    "managed online deployments cannot scale to zero: each has one instance at least, and none is low priority. "
    "What can be had instead: fewer instances at certain hours (autoscale with schedules), remove_while for a "
    "deployment that ONNX replaces, or a batch endpoint on a cluster with min_instances: 0"
)


def document(plan: Plan) -> dict[str, Any]:
    """The plan as JSON."""
    at = plan.workspace
    return {
        "workspace": {
            "subscription_id": at.subscription_id,
            "resource_group": at.resource_group,
            "workspace_name": at.workspace_name,
        },
        "changes": len(plan.steps),
        "steps": [step_document(step, at) for step in plan.steps],
        "blocked": list(plan.blocked),
        "notes": list(plan.notes),
        "inventory": [
            dict(zip(("kind", "name", "machines", "monthly"), line, strict=True)) for line in plan.inventory
        ],
    }


def step_document(step: Step, at: AzureWorkspace) -> dict[str, Any]:
    """A step as JSON; `cost` is `null` where it changes nothing or no price is known."""
    return {
        "target": step.target,
        "change": type(step.change).__name__,
        "before": step.before,
        "after": step.after,
        "cost": None if step.cost is None else step.cost.document(),
        "saves": saving(step),
        "az": list(step.change.az(at)),
    }


def saving(step: Step) -> str:
    """What a step saves a month, for people; empty where it changes nothing that is paid."""
    if not step.priced:
        return ""
    if step.cost is None:
        return UNKNOWN
    return amount(step.cost.saves, step.cost.currency)


def lines(plan: Plan) -> list[str]:
    """The steps as a difference, what cannot be done, and what the user should know."""
    found: list[str] = [""]
    for number, step in enumerate(plan.steps, 1):
        found += [f"{number}. {step.target}", f"   - {step.before}", f"   + {step.after}"]
        found += [f"   saves a month: {saving(step)}"] if step.priced else []
        found += [f"   $ {command}" for command in step.change.az(plan.workspace)]
    found += [] if plan.steps else ["nothing to do"]
    found += [f"cannot be done: {reason}" for reason in plan.blocked]
    return found + [f"note: {note}" for note in plan.notes]


def inventory(found: Found, prices: Prices | None) -> Iterator[tuple[str, str, str, str]]:
    """A line for each that costs money: kind, name, machines, cost a month."""
    for endpoint in found.online.values():
        for deployment in endpoint.deployments.values():
            name = f"{endpoint.name}/{deployment.name}"
            state = str(deployment.document["properties"].get("provisioningState") or "Succeeded")
            failed = "" if state == "Succeeded" else f", {state}: it may be billed"
            machines = f"{_range(deployment.machines)}, traffic {deployment.traffic} %{failed}"
            if deployment.kind == "kubernetes":
                yield "online on Kubernetes", name, f"{count(deployment.instances)} on the user's nodes", "-"
            else:
                yield "managed online", name, machines, monthly(deployment.machines, prices)
    for (name, part), batch in found.batch.items():
        yield "batch", f"{name}/{part}", f"on {batch.compute}", "-"
    for cluster in found.clusters.values():
        machines = f"{cluster.tier} {_range(cluster.machines)}, idle {cluster.idle_seconds} s"
        yield "cluster", cluster.name, machines, monthly(cluster.machines, prices)
    for name, kind in found.others.items():
        yield "compute", name, kind, "-"


def offers(wanted: Wanted, found: Found) -> Iterator[str]:
    """What is true and what could be had, beyond what is wanted already."""
    if any(endpoint.kind == "managed" and endpoint.deployments for endpoint in found.online.values()):
        yield NO_ZERO
    for endpoint in found.online.values():
        for deployment in endpoint.deployments.values():
            named = deployment.name in wanted.online.get(endpoint.name, {})
            if not named and endpoint.kind == "managed" and not deployment.traffic and not deployment.mirrored:
                yield (
                    f"online {endpoint.name}/{deployment.name} gets no traffic and is paid for: "
                    "remove_while, or a smaller number of instances"
                )
    for cluster in found.clusters.values():
        if cluster.name not in wanted.computes and cluster.min_instances:
            yield (
                f"compute {cluster.name} keeps {count(cluster.min_instances)} without work: "
                f"--scale-to-zero {cluster.name}"
            )


def monthly(machines: Machines, prices: Prices | None) -> str:
    """What machines cost a month, for people."""
    found = machines.monthly(prices)
    if found is None or prices is None:
        return UNKNOWN
    return amount(found, currency(prices))


def hourly(prices: Prices | None, size: str | None, tier: Tier) -> str:
    """What a machine costs an hour, for people."""
    found = None if prices is None else prices.hour(size, tier)
    return UNKNOWN if found is None or prices is None else f"{found:g} {currency(prices)} an hour for a node"


def count(instances: int) -> str:
    """A number of instances."""
    return f"{instances} instance{'' if instances == 1 else 's'}"


def scale(least: int, most: int, idle_seconds: int) -> str:
    """How a cluster scales."""
    return f"{least}..{most} nodes, idle {idle_seconds} s"


def _range(machines: Machines) -> str:
    number = f"{machines.least}" if machines.least == machines.most else f"{machines.least}..{machines.most}"
    return f"{number} x {machines.size}"
