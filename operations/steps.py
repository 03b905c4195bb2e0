"""The single changes of a plan: what each does to Azure, and the `az` command that does the same."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from onnxport.artifacts import Unreachable

from .wanted import DAYS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnxport.sources import AzureWorkspace

    from .azure import Azure
    from .prices import Cost
    from .specs import Specs
    from .wanted import Autoscale, Schedule

Json = dict[str, Any]
_TIERS: Final = {"dedicated": "Dedicated", "low_priority": "LowPriority"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SetInstances:
    """A deployment has so many instances."""

    endpoint: str
    deployment: str
    instances: int

    def apply(self, azure: Azure, _specs: Specs) -> None:
        """Only the number is written; all else stays as it is at that moment."""
        path = deployment_path(self.endpoint, self.deployment)
        document = _present(azure, path)
        sku = {**(document.get("sku") or {"name": "Default"}), "capacity": self.instances}
        azure.put(path, {**document, "sku": sku})

    def az(self, at: AzureWorkspace) -> tuple[str, ...]:
        """The same by hand."""
        names = f"--name {self.deployment} --endpoint-name {self.endpoint}"
        return (f"az ml online-deployment update {names} --set instance_count={self.instances} {_in(at)}",)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAutoscale:
    """A deployment is scaled by Azure Monitor.

    Attributes:
        name: Of the setting.
        resource: ARM id of the deployment.
        setting: As Azure Monitor takes it.
        wanted: The same as the user says it.
        replaces: Whether there is a setting.
    """

    name: str
    resource: str
    setting: Json
    wanted: Autoscale
    replaces: bool

    def apply(self, azure: Azure, _specs: Specs) -> None:
        """The setting stands."""
        azure.put_autoscale(self.name, self.setting)

    def az(self, at: AzureWorkspace) -> tuple[str, ...]:
        """The same by hand."""
        group, wanted, named = _group(at), self.wanted, f"--autoscale-name {self.name}"
        remove = (f"az monitor autoscale delete --name {self.name} {group}",) if self.replaces else ()
        rule = f"az monitor autoscale rule create {named} {group} --cooldown 5 --condition"
        counts = f"--min-count {wanted.min} --max-count {wanted.max} --count {wanted.min}"
        return (
            *remove,
            f"az monitor autoscale create --name {self.name} --resource {self.resource} {counts} {group}",
            f'{rule} "CpuUtilizationPercentage > {wanted.scale_out_above_cpu:g} avg 5m" --scale out 1',
            f'{rule} "CpuUtilizationPercentage < {wanted.scale_in_below_cpu:g} avg 5m" --scale in 1',
            *(self._profile(schedule, f"{named} {group}") for schedule in wanted.schedules),
        )

    def _profile(self, schedule: Schedule, where: str) -> str:
        days = " ".join(day[:3].lower() for day in sorted(schedule.days, key=DAYS.index))
        counts = f"--min-count {schedule.min} --max-count {schedule.max or schedule.min} --count {schedule.min}"
        hours = f'--start {schedule.start} --end {schedule.end} --timezone "{self.wanted.time_zone}"'
        when = f"--recurrence week {days} {hours} --copy-rules default"
        return f'az monitor autoscale profile create --name "{schedule.name}" {where} {counts} {when}'


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAutoscale:
    """A deployment is not scaled by Azure Monitor."""

    name: str

    def apply(self, azure: Azure, _specs: Specs) -> None:
        """The setting is gone."""
        azure.delete_autoscale(self.name)

    def az(self, at: AzureWorkspace) -> tuple[str, ...]:
        """The same by hand."""
        return (f"az monitor autoscale delete --name {self.name} {_group(at)}",)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepSpec:
    """The specification of a deployment is kept, so that it can be made again."""

    endpoint: str
    deployment: str
    traffic: int

    def apply(self, azure: Azure, specs: Specs) -> None:
        """It is kept as it is at that moment."""
        document = _present(azure, deployment_path(self.endpoint, self.deployment))
        specs.keep(self.endpoint, self.deployment, document, self.traffic)

    def az(self, at: AzureWorkspace) -> tuple[str, ...]:
        """The same by hand."""
        names = f"--name {self.deployment} --endpoint-name {self.endpoint}"
        return (f"az ml online-deployment show {names} {_in(at)} > {self.endpoint}.{self.deployment}.yaml",)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTraffic:
    """An endpoint shares its requests among its deployments, in percent; nothing is mirrored to `unmirrored`."""

    endpoint: str
    traffic: Mapping[str, int]
    unmirrored: str | None = None

    def apply(self, azure: Azure, _specs: Specs) -> None:
        """Only traffic is written; all else stays as it is at that moment."""
        path = f"/onlineEndpoints/{self.endpoint}"
        document = _present(azure, path)
        properties = {**document["properties"], "traffic": {k: v for k, v in self.traffic.items() if v}}
        if self.unmirrored is not None:
            mirrored = properties.get("mirrorTraffic") or {}
            properties["mirrorTraffic"] = {k: v for k, v in mirrored.items() if k != self.unmirrored}
        azure.put(path, {**document, "properties": properties})

    def az(self, at: AzureWorkspace) -> tuple[str, ...]:
        """The same by hand."""
        shares = " ".join(f"{name}={share}" for name, share in self.traffic.items())
        mirror = "" if self.unmirrored is None else f' --mirror-traffic "{self.unmirrored}=0"'
        return (f'az ml online-endpoint update --name {self.endpoint} --traffic "{shares}"{mirror} {_in(at)}',)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDeployment:
    """A deployment is gone; its endpoint, URL and keys stay."""

    endpoint: str
    deployment: str

    def apply(self, azure: Azure, specs: Specs) -> None:
        """Gone, if its specification is kept.

        Raises:
            Unreachable: It is not: nobody could make it again.
        """
        if specs.read(self.endpoint, self.deployment) is None:
            raise Unreachable(
                f"the specification of {self.endpoint}/{self.deployment} is not in {specs.where}, so it stays",
                hint="Run `onnxport endpoint plan` again.",
            )
        azure.delete(deployment_path(self.endpoint, self.deployment))

    def az(self, at: AzureWorkspace) -> tuple[str, ...]:
        """The same by hand."""
        names = f"--name {self.deployment} --endpoint-name {self.endpoint}"
        return (f"az ml online-deployment delete {names} --yes {_in(at)}",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """A deployment is made again from the specification that was kept."""

    endpoint: str
    deployment: str
    document: Json

    def apply(self, azure: Azure, _specs: Specs) -> None:
        """It answers again when this returns; that takes Azure some ten minutes."""
        azure.put(deployment_path(self.endpoint, self.deployment), self.document)

    def az(self, at: AzureWorkspace) -> tuple[str, ...]:
        """The same by hand."""
        names = f"--name {self.deployment} --endpoint-name {self.endpoint}"
        return (f"az ml online-deployment create {names} --file {self.endpoint}.{self.deployment}.yaml {_in(at)}",)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCluster:
    """A cluster scales between two numbers of nodes.

    Attributes:
        name: Of the cluster.
        least: Nodes that are kept without work.
        most: Most nodes.
        idle_seconds: How long a node without work is kept.
        made: What it is made of, where it is new: size and tier.
    """

    name: str
    least: int
    most: int
    idle_seconds: int
    made: tuple[str, str] | None = None
    location: str = ""

    def apply(self, azure: Azure, _specs: Specs) -> None:
        """Only the scale is written; all else stays as it is at that moment."""
        path = f"/computes/{self.name}"
        scale = {
            "minNodeCount": self.least,
            "maxNodeCount": self.most,
            "nodeIdleTimeBeforeScaleDown": f"PT{self.idle_seconds}S",
        }
        if self.made is None:
            document = _present(azure, path)
            properties = document["properties"]
            inner = {**properties["properties"], "scaleSettings": scale}
        else:
            size, tier = self.made
            document = {"location": self.location}
            properties = {"computeType": "AmlCompute"}
            inner = {"vmSize": size, "vmPriority": _TIERS[tier], "scaleSettings": scale}
        azure.put(path, {**document, "properties": {**properties, "properties": inner}})

    def az(self, at: AzureWorkspace) -> tuple[str, ...]:
        """The same by hand."""
        scale = (
            f"--min-instances {self.least} --max-instances {self.most} "
            f"--idle-time-before-scale-down {self.idle_seconds}"
        )
        if self.made is None:
            return (f"az ml compute update --name {self.name} {scale} {_in(at)}",)
        size, tier = self.made
        made = f"--type AmlCompute --size {size} --tier {tier}"
        return (f"az ml compute create --name {self.name} {made} {scale} {_in(at)}",)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveBatch:
    """A batch deployment runs on another compute."""

    endpoint: str
    deployment: str
    compute: str

    def apply(self, azure: Azure, _specs: Specs) -> None:
        """Only the compute is written; all else stays as it is at that moment."""
        path = f"/batchEndpoints/{self.endpoint}/deployments/{self.deployment}"
        document = _present(azure, path)
        compute = f"{azure.path}/computes/{self.compute}"
        azure.put(path, {**document, "properties": {**document["properties"], "compute": compute}})

    def az(self, at: AzureWorkspace) -> tuple[str, ...]:
        """The same by hand."""
        names = f"--name {self.deployment} --endpoint-name {self.endpoint}"
        return (f"az ml batch-deployment update {names} --set compute=azureml:{self.compute} {_in(at)}",)


Change = (
    SetInstances
    | SetAutoscale
    | DeleteAutoscale
    | KeepSpec
    | SetTraffic
    | DeleteDeployment
    | Restore
    | SetCluster
    | MoveBatch
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change, and what the user is told of it.

    Attributes:
        target: What is changed: `online win/blue`, `compute cpu`.
        before: How it is.
        after: How it will be.
        change: What is done.
        cost: What it costs a month; `None` where it changes nothing, or no price is known.
        priced: Whether it changes what is paid.
    """

    target: str
    before: str
    after: str
    change: Change
    cost: Cost | None = None
    priced: bool = field(default=False)


def deployment_path(endpoint: str, deployment: str) -> str:
    """Where an online deployment stands below its workspace."""
    return f"/onlineEndpoints/{endpoint}/deployments/{deployment}"


def shares(traffic: Mapping[str, int]) -> str:
    """Traffic in a line."""
    return json.dumps({name: share for name, share in sorted(traffic.items()) if share})


def _present(azure: Azure, path: str) -> Json:
    found = azure.get(path)
    if found is None:
        raise Unreachable(
            f"{path.strip('/')} is not in {azure} any more: somebody removed it since the plan was made",
            hint="Run `onnxport endpoint plan` again.",
        )
    return found


def _group(at: AzureWorkspace) -> str:
    return f"--resource-group {at.resource_group} --subscription {at.subscription_id}"


def _in(at: AzureWorkspace) -> str:
    return f"--workspace-name {at.workspace_name} {_group(at)}"
