"""What stands in an Azure ML workspace: endpoints, deployments, computes, and how they scale."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from .autoscale import limits
from .prices import Machines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .azure import Azure
    from .wanted import Tier

Json = dict[str, Any]
CLUSTER: Final = "AmlCompute"
_DURATION: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A deployment behind an online endpoint.

    Attributes:
        endpoint: Its endpoint.
        name: Its name.
        kind: Where it runs: Azure ML's own machines, or the user's Kubernetes.
        size: Of its machines.
        instances: How many there are.
        traffic: Percent of the endpoint's requests that come to it.
        mirrored: Percent of the endpoint's requests that are copied to it.
        document: As Azure writes it.
        autoscale: Its autoscale setting as Azure Monitor writes it, or `None`.
    """

    endpoint: str
    name: str
    kind: Literal["managed", "kubernetes"]
    size: str | None
    instances: int
    traffic: int
    mirrored: int
    document: Json
    autoscale: Json | None

    @property
    def machines(self) -> Machines:
        """How many machines it keeps; those of the user's Kubernetes are not counted."""
        if self.kind == "kubernetes":
            return Machines(size=None, least=0, most=0)
        least, most = (self.instances, self.instances) if self.autoscale is None else limits(self.autoscale)
        return Machines(size=self.size, least=least, most=most)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineEndpoint:
    """An online endpoint with its deployments.

    Attributes:
        name: Its name.
        kind: Where its deployments run.
        traffic: Percent of the requests by deployment.
        scoring_uri: Where requests go.
        auth: How they are signed: `Key`, `AMLToken`, `AADToken`.
        location: Its region.
        deployments: By name.
    """

    name: str
    kind: Literal["managed", "kubernetes"]
    traffic: Mapping[str, int]
    scoring_uri: str
    auth: str
    location: str
    deployments: Mapping[str, Deployment]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDeployment:
    """A deployment behind a batch endpoint.

    Attributes:
        endpoint: Its endpoint.
        name: Its name.
        compute: Name of the compute that it runs on.
        document: As Azure writes it.
    """

    endpoint: str
    name: str
    compute: str
    document: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A compute cluster.

    Attributes:
        name: Its name.
        size: Of its nodes.
        tier: Whether its nodes can be taken away.
        min_instances: Nodes that are kept without work.
        max_instances: Most nodes.
        idle_seconds: How long a node without work is kept.
        document: As Azure writes it.
    """

    name: str
    size: str
    tier: Tier
    min_instances: int
    max_instances: int
    idle_seconds: int
    document: Json

    @property
    def machines(self) -> Machines:
        """How many machines it keeps."""
        return Machines(size=self.size, least=self.min_instances, most=self.max_instances, tier=self.tier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What stands in a workspace.

    Attributes:
        online: Online endpoints by name.
        batch: Batch deployments by endpoint and name.
        batch_endpoints: Names of the batch endpoints.
        clusters: Compute clusters by name.
        others: Names of computes that are no clusters, with their kinds.
    """

    online: Mapping[str, OnlineEndpoint]
    batch: Mapping[tuple[str, str], BatchDeployment]
    batch_endpoints: frozenset[str]
    clusters: Mapping[str, Cluster]
    others: Mapping[str, str]


def read(azure: Azure) -> Found:
    """What stands in the workspace; nothing is changed.

    Raises:
        UsageError: There is no such workspace.
        Unreachable: Azure refuses us or does not answer.
    """
    scales = {
        str(setting["properties"].get("targetResourceUri", "")).lower(): setting
        for setting in azure.autoscale_settings()
    }
    online = [_endpoint(azure, document, scales) for document in azure.collect("/onlineEndpoints")]
    names = [str(document["name"]) for document in azure.collect("/batchEndpoints")]
    batch = [
        _batch(name, document)
        for name in names
        for document in azure.collect(f"/batchEndpoints/{name}/deployments")
    ]
    computes = azure.collect("/computes")
    clusters = [_cluster(document) for document in computes if _kind(document) == CLUSTER]
    return Found(
        online={endpoint.name: endpoint for endpoint in online},
        batch={(one.endpoint, one.name): one for one in batch},
        batch_endpoints=frozenset(names),
        clusters={cluster.name: cluster for cluster in clusters},
        others={str(one["name"]): _kind(one) for one in computes if _kind(one) != CLUSTER},
    )


def _endpoint(azure: Azure, document: Json, scales: Mapping[str, Json]) -> OnlineEndpoint:
    name, properties = str(document["name"]), document["properties"]
    traffic = {str(key): int(value) for key, value in (properties.get("traffic") or {}).items()}
    mirrored = {str(key): int(value) for key, value in (properties.get("mirrorTraffic") or {}).items()}
    kind: Literal["managed", "kubernetes"] = "kubernetes" if properties.get("compute") else "managed"
    found = {
        str(one["name"]): Deployment(
            endpoint=name,
            name=str(one["name"]),
            kind=kind,
            size=one["properties"].get("instanceType"),
            instances=int((one.get("sku") or {}).get("capacity") or 1),
            traffic=traffic.get(str(one["name"]), 0),
            mirrored=mirrored.get(str(one["name"]), 0),
            document=one,
            autoscale=scales.get(str(one["id"]).lower()),
        )
        for one in azure.collect(f"/onlineEndpoints/{name}/deployments")
    }
    return OnlineEndpoint(
        name=name,
        kind=kind,
        traffic=traffic,
        scoring_uri=str(properties.get("scoringUri") or ""),
        auth=str(properties.get("authMode") or "Key"),
        location=str(document.get("location") or ""),
        deployments=found,
    )


def _batch(endpoint: str, document: Json) -> BatchDeployment:
    compute = str(document["properties"].get("compute") or "")
    return BatchDeployment(
        endpoint=endpoint,
        name=str(document["name"]),
        compute=compute.rpartition("/")[2].removeprefix("azureml:"),
        document=document,
    )


def _cluster(document: Json) -> Cluster:
    properties = document["properties"]["properties"]
    scale = properties.get("scaleSettings") or {}
    return Cluster(
        name=str(document["name"]),
        size=str(properties.get("vmSize") or ""),
        tier="low_priority" if str(properties.get("vmPriority")).lower() == "lowpriority" else "dedicated",
        min_instances=int(scale.get("minNodeCount") or 0),
        max_instances=int(scale.get("maxNodeCount") or 0),
        idle_seconds=_seconds(str(scale.get("nodeIdleTimeBeforeScaleDown") or "")),
        document=document,
    )


def _kind(document: Json) -> str:
    return str(document["properties"].get("computeType"))


def _seconds(duration: str) -> int:
    """An ISO 8601 duration in seconds; 0 where it is none."""
    found = _DURATION.fullmatch(duration)
    if found is None:
        return 0
    days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest
