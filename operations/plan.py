"""`endpoint plan`: from what stands in Azure to what is wanted, as single steps; nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .autoscale import describe, effect, limits, setting
from .inventory import count, hourly, inventory, offers, scale
from .onnx_service import why_not_served
from .prices import Machines, cost
from .steps import (
    DeleteAutoscale,
    DeleteDeployment,
    KeepSpec,
    MoveBatch,
    Restore,
    SetAutoscale,
    SetCluster,
    SetInstances,
    SetTraffic,
    Step,
    shares,
)
from .workspace import read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnxport.sources import AzureWorkspace

    from .azure import Azure
    from .prices import Prices
    from .specs import Specs
    from .steps import Change
    from .wanted import Autoscale, Compute, Online, Wanted
    from .workspace import Deployment, Found, OnlineEndpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a plan is made with.

    Attributes:
        azure: The workspace.
        specs: Where specifications are kept.
        prices: What machines cost; `None`: nobody says it.
        onnx_url: Where the scoring service is; `None`: nobody says it.
    """

    azure: Azure
    specs: Specs
    prices: Prices | None = None
    onnx_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done.

    Attributes:
        workspace: Where.
        steps: In the order in which they are done.
        blocked: What is wanted and cannot be done, with reasons; while there is any, nothing is done.
        notes: What the user should know.
        inventory: What stands there: kind, name, machines, and what they cost a month.
    """

    workspace: AzureWorkspace
    steps: tuple[Step, ...]
    blocked: tuple[str, ...]
    notes: tuple[str, ...]
    inventory: tuple[tuple[str, str, str, str], ...]


def plan(wanted: Wanted, around: Surroundings) -> Plan:
    """What must be done so that the workspace is as it is wanted.

    Law: after all steps are done, there are none.

    Raises:
        UsageError: There is no such workspace, or a release's name is none.
        Unreachable: Azure, the store of specifications or the metrics do not answer.
    """
    found = read(around.azure)
    maker = _Maker(wanted, around, found)
    maker.make()
    return Plan(
        workspace=around.azure.workspace,
        steps=tuple(maker.steps),
        blocked=tuple(maker.blocked),
        notes=(*maker.notes, *offers(wanted, found)),
        inventory=tuple(inventory(found, around.prices)),
    )


class _Maker:
    """Collects steps, in order."""

    def __init__(self, wanted: Wanted, around: Surroundings, found: Found) -> None:
        self.steps: list[Step] = []
        self.blocked: list[str] = []
        self.notes: list[str] = []
        self._wanted = wanted
        self._around = around
        self._found = found
        self._traffic = {name: dict(endpoint.traffic) for name, endpoint in found.online.items()}

    def make(self) -> None:
        """Clusters first, because batch deployments move onto them."""
        for name, cluster in self._wanted.computes.items():
            self._cluster(name, cluster)
        for endpoint, deployments in self._wanted.batch.items():
            for name, batch in deployments.items():
                self._batch(endpoint, name, batch.compute)
        for endpoint, parts in self._wanted.online.items():
            found = self._found.online.get(endpoint)
            if found is None:
                self.blocked.append(
                    f"there is no online endpoint {endpoint}: it is made with its first deployment"
                )
                continue
            for name, online in parts.items():
                self._online(found, name, online)

    def _online(self, endpoint: OnlineEndpoint, name: str, online: Online) -> None:
        deployment = endpoint.deployments.get(name)
        if online.remove_while is not None:
            if deployment is not None:
                self._remove(endpoint, deployment, online.remove_while)
        elif deployment is None:
            self._restore(endpoint, name, online)
        elif online.instances is not None:
            self._instances(deployment, online.instances)
        elif online.autoscale is not None:
            self._autoscale(endpoint, deployment, online.autoscale)

    def _instances(self, deployment: Deployment, number: int) -> None:
        target = _target(deployment)
        if deployment.autoscale is not None:
            before = describe(deployment.autoscale)
            self.steps.append(
                Step(
                    target=target,
                    before=before,
                    after="no autoscale",
                    change=DeleteAutoscale(name=str(deployment.autoscale["name"])),
                )
            )
        if deployment.instances != number or deployment.autoscale is not None:
            self._add(
                target,
                f"{count(deployment.instances)} of {deployment.size}",
                f"{count(number)} of {deployment.size}",
                SetInstances(endpoint=deployment.endpoint, deployment=deployment.name, instances=number),
                (deployment.machines, Machines(size=deployment.size, least=number, most=number)),
            )

    def _autoscale(self, endpoint: OnlineEndpoint, deployment: Deployment, wanted: Autoscale) -> None:
        if deployment.kind == "kubernetes":
            self.blocked.append(f"{_target(deployment)} runs on Kubernetes, which Azure Monitor does not scale")
            return
        resource = str(deployment.document["id"])
        made = setting(wanted, resource, endpoint.location)
        before = deployment.autoscale
        if before is not None and effect(before) == effect(made):
            return
        name = str(before["name"]) if before else f"onnxport-{deployment.endpoint}-{deployment.name}"
        least, most = limits(made)
        self._add(
            _target(deployment),
            describe(before) if before else f"{count(deployment.instances)}, no autoscale",
            describe(made),
            SetAutoscale(name=name, resource=resource, setting=made, wanted=wanted, replaces=before is not None),
            (deployment.machines, Machines(size=deployment.size, least=least, most=most)),
        )

    def _remove(self, endpoint: OnlineEndpoint, deployment: Deployment, reference: str) -> None:
        target = _target(deployment)
        if reason := self._why_kept(deployment, reference):
            self.notes.append(f"{target} is kept: {reason}")
            return
        names = {"endpoint": deployment.endpoint, "deployment": deployment.name}
        if not self._around.specs.holds(deployment.endpoint, deployment.name, deployment.document):
            keep = KeepSpec(**names, traffic=deployment.traffic)
            self._add(target, "specification not kept", f"kept in {self._around.specs.where}", keep)
        if deployment.traffic or deployment.mirrored:
            before, after = self._traffic[endpoint.name], without(self._traffic[endpoint.name], deployment.name)
            self._traffic[endpoint.name] = after
            unmirrored = deployment.name if deployment.mirrored else None
            move = SetTraffic(endpoint=endpoint.name, traffic=after, unmirrored=unmirrored)
            self._add(f"online {endpoint.name}", f"traffic {shares(before)}", f"traffic {shares(after)}", move)
        if deployment.autoscale is not None:
            gone = DeleteAutoscale(name=str(deployment.autoscale["name"]))
            self._add(target, describe(deployment.autoscale), "no autoscale", gone)
        machines = (deployment.machines, Machines(size=deployment.size, least=0, most=0))
        stands = f"{count(deployment.instances)} of {deployment.size}"
        self._add(target, stands, "removed; ONNX answers", DeleteDeployment(**names), machines)

    def _why_kept(self, deployment: Deployment, reference: str) -> str:
        if reason := why_not_served(self._around.onnx_url, reference):
            return reason
        hours = self._wanted.idle_hours
        asked = self._around.azure.requests(deployment.endpoint, deployment.name, hours)
        return f"it answered about {asked:,.0f} requests in the last {hours} hours" if asked else ""

    def _restore(self, endpoint: OnlineEndpoint, name: str, online: Online) -> None:
        target = f"online {endpoint.name}/{name}"
        spec = self._around.specs.read(endpoint.name, name)
        if spec is None:
            where = self._around.specs.where
            self.blocked.append(f"there is no {target}, and no specification of it in {where} to make it from")
            return
        document = dict(spec.document)
        if online.instances is not None:
            document["sku"] = {**(document.get("sku") or {"name": "Default"}), "capacity": online.instances}
        number = int((document.get("sku") or {}).get("capacity") or 1)
        size = document["properties"].get("instanceType")
        self._add(
            target,
            "removed",
            f"{count(number)} of {size}, as it was kept",
            Restore(endpoint=endpoint.name, deployment=name, document=document),
            (Machines(size=size, least=0, most=0), Machines(size=size, least=number, most=number)),
        )
        if spec.traffic and not any(self._traffic[endpoint.name].values()):
            self._traffic[endpoint.name] = {name: 100}
            move = SetTraffic(endpoint=endpoint.name, traffic={name: 100})
            self._add(f"online {endpoint.name}", "traffic {}", f"traffic {shares({name: 100})}", move)
        if online.autoscale is not None:
            resource = f"{self._around.azure.path}/onlineEndpoints/{endpoint.name}/deployments/{name}"
            made = setting(online.autoscale, resource, endpoint.location)
            change = SetAutoscale(
                name=f"onnxport-{endpoint.name}-{name}",
                resource=resource,
                setting=made,
                wanted=online.autoscale,
                replaces=False,
            )
            self._add(target, "no autoscale", describe(made), change)

    def _cluster(self, name: str, wanted: Compute) -> None:
        target, found = f"compute {name}", self._found.clusters.get(name)
        if name in self._found.others:
            self.blocked.append(f"{target} is a {self._found.others[name]}: only clusters (AmlCompute) scale")
            return
        if found is None:
            self._new_cluster(name, wanted)
            return
        for key, is_, want in (("size", found.size, wanted.size), ("tier", found.tier, wanted.tier)):
            if want is not None and want.lower() != is_.lower():
                self.blocked.append(
                    f"{target} has {key} {is_}, wanted is {want}: Azure changes neither on a cluster that stands; "
                    "name another cluster, and move the batch deployments onto it"
                )
                return
        most = wanted.max_instances or found.max_instances
        before = (found.min_instances, found.max_instances, found.idle_seconds)
        after = (wanted.min_instances, most, wanted.idle_seconds)
        if before == after:
            return
        change = SetCluster(name=name, least=after[0], most=after[1], idle_seconds=after[2])
        machines = Machines(size=found.size, least=after[0], most=after[1], tier=found.tier)
        self._add(target, scale(*before), scale(*after), change, (found.machines, machines))

    def _new_cluster(self, name: str, wanted: Compute) -> None:
        target = f"compute {name}"
        if wanted.size is None or wanted.max_instances is None:
            self.blocked.append(f"there is no {target}: to make it, its size and max_instances must be said")
            return
        tier = wanted.tier or "dedicated"
        after = (wanted.min_instances, wanted.max_instances, wanted.idle_seconds)
        self._add(
            target,
            "none",
            f"{tier} {wanted.size}, {scale(*after)}",
            SetCluster(
                name=name,
                least=after[0],
                most=after[1],
                idle_seconds=after[2],
                made=(wanted.size, tier),
                location=self._around.azure.location(),
            ),
            (
                Machines(size=wanted.size, least=0, most=0),
                Machines(size=wanted.size, least=after[0], most=after[1], tier=tier),
            ),
        )

    def _batch(self, endpoint: str, name: str, compute: str) -> None:
        found = self._found.batch.get((endpoint, name))
        if found is None:
            self.blocked.append(f"there is no batch deployment {endpoint}/{name}")
        elif compute not in self._found.clusters and compute not in self._wanted.computes:
            self.blocked.append(f"batch {endpoint}/{name} is wanted on {compute}, and there is no such cluster")
        elif found.compute != compute:
            change = MoveBatch(endpoint=endpoint, deployment=name, compute=compute)
            before, after = (self._node(cluster) for cluster in (found.compute, compute))
            self._add(f"batch {endpoint}/{name}", f"runs on {before}", f"runs on {after}", change)

    def _node(self, name: str) -> str:
        """A cluster with what a node of it costs, which is what moving a batch deployment changes."""
        stands, made = self._found.clusters.get(name), self._wanted.computes.get(name)
        size = stands.size if stands else made.size if made else None
        tier = stands.tier if stands else made.tier if made else None
        return f"{name} ({tier or 'dedicated'} {size}, {hourly(self._around.prices, size, tier or 'dedicated')})"

    def _add(  # ruff: ignore[PLR0917] - the columns of a plan
        self,
        target: str,
        before: str,
        after: str,
        change: Change,
        machines: tuple[Machines, Machines] | None = None,
    ) -> None:
        costs = None if machines is None else cost(self._around.prices, *machines)
        self.steps.append(
            Step(target=target, before=before, after=after, change=change, cost=costs, priced=machines is not None)
        )


def _target(deployment: Deployment) -> str:
    return f"online {deployment.endpoint}/{deployment.name}"


def without(traffic: Mapping[str, int], name: str) -> dict[str, int]:
    """The traffic when nothing comes to `name`: the others share it as they did, 100 percent or nothing in sum."""
    others = {other: share for other, share in traffic.items() if other != name and share}
    whole = sum(others.values())
    found = {other: share * 100 // whole for other, share in others.items()}
    for other in list(found)[: 100 - sum(found.values())]:
        found[other] += 1
    return {**found, name: 0}
