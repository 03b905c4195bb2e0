"""Endpoints, deployments, computes and autoscale settings of the emulated Azure ML, with what Azure refuses.

Documents are kept exactly as they are sent, so that a client that loses a field is found out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Document = dict[str, Any]
SUBSCRIPTION = "00000000-1111-2222-3333-444444444444"
GROUP = "analytics"
WORKSPACE = "ml-prod"
PROVIDER = "providers/Microsoft.MachineLearningServices"
WORKSPACE_PATH = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/{PROVIDER}/workspaces/{WORKSPACE}"
GROUP_PATH = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
REGION = "eastus"
INFERENCE_HOST = re.compile(rf"([a-z0-9-]+)\.{REGION}\.inference\.ml\.azure\.com")
_SOON = {"retry-after-ms": "20"}
_MANAGEMENT = "https://management.azure.com"
Reply = tuple[int, Document, dict[str, str]]


@dataclass(slots=True, kw_only=True)
class Endpoints:
    """What stands there; tests write into it.

    Attributes:
        documents: By path below the workspace: endpoints, deployments and computes.
        autoscale: Settings by name.
        requests: Average requests a minute, by deployment.
        operations: What is under way: how often it was asked for, and how it ends.
        fails: Paths whose changes are taken, and fail later.
        scored: Deployment header and body of each request to an endpoint.
        status: What endpoints answer.
        key: What opens them.
    """

    documents: dict[str, Document] = field(default_factory=dict)
    autoscale: dict[str, Document] = field(default_factory=dict)
    requests: dict[str, float] = field(default_factory=dict)
    operations: list[tuple[str, int]] = field(default_factory=list)
    fails: set[str] = field(default_factory=set)
    scored: list[tuple[str, Any]] = field(default_factory=list)
    status: int = 200
    key: str = "the endpoint's key"

    def online(self, name: str, *, traffic: dict[str, int] | None = None, compute: str | None = None) -> None:
        """An online endpoint stands there."""
        uri = f"https://{name}.{REGION}.inference.ml.azure.com/score"
        properties = {"authMode": "Key", "traffic": traffic or {}, "mirrorTraffic": {}, "scoringUri": uri}
        properties |= {"provisioningState": "Succeeded", "publicNetworkAccess": "Enabled", "properties": {}}
        self._put(f"/onlineEndpoints/{name}", properties | ({"compute": compute} if compute else {}))

    def deploy(self, endpoint: str, name: str, *, instances: int = 1, size: str = "Standard_DS3_v2") -> None:
        """A deployment stands there; `modelMountPath` is a field that the SDK's entities do not know."""
        properties = {
            "endpointComputeType": "Managed",
            "instanceType": size,
            "model": f"{WORKSPACE_PATH}/models/risk/versions/3",
            "modelMountPath": "/var/models",
            "environmentId": f"{WORKSPACE_PATH}/environments/scoring/versions/2",
            "environmentVariables": {"LEVEL": "info"},
            "scaleSettings": {"scaleType": "Default"},
            "provisioningState": "Succeeded",
            "properties": {},
        }
        sku = {"name": "Default", "capacity": instances}
        self._put(f"/onlineEndpoints/{endpoint}/deployments/{name}", properties, sku=sku)

    def batch(self, endpoint: str, name: str, compute: str) -> None:
        """A batch endpoint with a deployment on a compute stands there."""
        self._put(f"/batchEndpoints/{endpoint}", {"authMode": "AADToken", "defaults": {"deploymentName": name}})
        properties = {"compute": f"{WORKSPACE_PATH}/computes/{compute}", "miniBatchSize": 10, "errorThreshold": -1}
        self._put(f"/batchEndpoints/{endpoint}/deployments/{name}", properties)

    def cluster(
        self, name: str, *, least: int, most: int = 4, idle: str = "PT30M", tier: str = "Dedicated"
    ) -> None:
        """A compute cluster stands there."""
        scale = {"minNodeCount": least, "maxNodeCount": most, "nodeIdleTimeBeforeScaleDown": idle}
        inner = {"vmSize": "STANDARD_DS3_V2", "vmPriority": tier, "scaleSettings": scale, "osType": "Linux"}
        self._put(f"/computes/{name}", {"computeType": "AmlCompute", "properties": inner})

    def scale(self, endpoint: str, deployment: str, name: str) -> None:
        """An autoscale setting that somebody made by hand stands there."""
        target = f"{WORKSPACE_PATH}/onlineEndpoints/{endpoint}/deployments/{deployment}"
        capacity = {"minimum": "2", "maximum": "6", "default": "2"}
        profiles = [{"name": "by hand", "capacity": capacity, "rules": []}]
        properties = {"enabled": True, "targetResourceUri": target, "profiles": profiles}
        self.put_autoscale(name, {"location": REGION, "properties": properties})

    def put_autoscale(self, name: str, body: Document) -> Document:
        """The setting stands, with what Azure adds to it."""
        self.autoscale[name] = {
            "id": f"{GROUP_PATH}/providers/Microsoft.Insights/autoscalesettings/{name}",
            **body,
        }
        self.autoscale[name]["name"] = name
        return self.autoscale[name]

    def routes(self) -> dict[str, Callable[..., Any]]:
        """What is asked below the workspace."""
        owned = r"(/(?:online|batch)Endpoints/[^/]+(?:/deployments/[^/]+)?|/computes/[^/]+)"
        return {
            r"GET (/(?:online|batch)Endpoints|/computes|/(?:online|batch)Endpoints/[^/]+/deployments)": (
                lambda _q, _b, path: {"value": self._children(path)}
            ),
            f"GET {owned}": lambda _q, _b, path: self.documents.get(path),
            f"PUT {owned}": lambda _q, body, path: self._change(path, body),
            f"DELETE {owned}": lambda _q, _b, path: self._change(path, None),
            r"POST /onlineEndpoints/[^/]+/listkeys": lambda _q, _b: {
                "primaryKey": self.key,
                "secondaryKey": self.key,
            },
            r"GET /operations/(\d+)": lambda _q, _b, number: self._progress(int(number)),
            r"GET /onlineEndpoints/[^/]+/providers/Microsoft.Insights/metrics": lambda q, _b: self._metric(q),
        }

    def group_routes(self) -> dict[str, Callable[..., Any]]:
        """What is asked below the resource group."""
        root = r"/providers/Microsoft\.Insights/autoscalesettings"
        return {
            f"GET {root}": lambda _q, _b: {"value": list(self.autoscale.values())},
            f"PUT {root}/([^/]+)": lambda _q, body, name: self.put_autoscale(name, body),
            f"DELETE {root}/([^/]+)": lambda _q, _b, name: (200, self.autoscale.pop(name, {}), {}),
        }

    def score(self, headers: Any, body: Any) -> tuple[int, Document]:
        """An endpoint's answer."""
        if headers.get("Authorization") != f"Bearer {self.key}":
            return 401, {"error": "wrong key"}
        self.scored.append((headers.get("azureml-model-deployment", ""), body))
        return self.status, {"predictions": [0.5]}

    def _put(self, path: str, properties: Document, **more: Any) -> None:
        name = path.rpartition("/")[2]
        self.documents[path] = {
            "id": WORKSPACE_PATH + path,
            "name": name,
            "type": "Microsoft.MachineLearningServices/workspaces",
            "location": REGION,
            "tags": {"team": "risk"},
            "properties": properties,
            "systemData": {"createdBy": "somebody"},
            **more,
        }

    def _children(self, path: str) -> list[Document]:
        return [document for key, document in self.documents.items() if key.rpartition("/")[0] == path]

    def _change(self, path: str, body: Document | None) -> str | Reply:
        refused = self._refusal(path, body)
        if refused:
            return refused
        failed = path in self.fails
        if body is None and not failed:
            self.documents.pop(path, None)
        elif body is not None and not failed:
            before = self.documents.get(path, {}).get("properties", {})
            kept = {key: before[key] for key in ("scoringUri", "authMode") if key in before}
            self._put(path, {**kept, **body["properties"], "provisioningState": "Succeeded"})
            self.documents[path] |= {key: value for key, value in body.items() if key != "properties"}
        self.operations.append(("Failed" if failed else "Succeeded", 0))
        where = f"{_MANAGEMENT}{WORKSPACE_PATH}/operations/{len(self.operations) - 1}"
        status = 202 if body is None else 201
        answer = {} if body is None else self.documents.get(path, body)
        under_way = {**answer, "properties": {**answer.get("properties", {}), "provisioningState": "Updating"}}
        return status, under_way if body else {}, {"Azure-AsyncOperation": where, **_SOON}

    def _refusal(self, path: str, body: Document | None) -> str:
        kind, _, rest = path.strip("/").partition("/")
        deployment = kind == "onlineEndpoints" and "/deployments/" in rest
        if body is None and deployment:
            endpoint, _, name = rest.partition("/deployments/")
            traffic = self.documents[f"/onlineEndpoints/{endpoint}"]["properties"].get("traffic") or {}
            return f"Deployment {name} has traffic; set it to 0 first." if traffic.get(name) else ""
        if body is None:
            return ""
        if deployment and int((body.get("sku") or {}).get("capacity") or 0) < 1:
            return "Instance count must be at least 1."
        if kind == "onlineEndpoints" and not deployment:
            whole = sum((body["properties"].get("traffic") or {}).values())
            return "" if whole in {0, 100} else f"Traffic must sum up to 0 or 100, found {whole}."
        if kind == "computes" and path in self.documents:
            before, after = (d["properties"]["properties"] for d in (self.documents[path], body))
            changed = [key for key in ("vmSize", "vmPriority") if before[key] != after.get(key)]
            return f"{changed[0]} of a cluster cannot be changed." if changed else ""
        return ""

    def _progress(self, number: int) -> Reply:
        end, asked = self.operations[number]
        self.operations[number] = (end, asked + 1)
        if not asked:
            return 200, {"status": "InProgress"}, _SOON
        error = {"error": {"code": "OutOfQuota", "message": "Not enough quota."}} if end == "Failed" else {}
        return 200, {"status": end, **error}, {}

    def _metric(self, query: dict[str, str]) -> Document | str:
        found = re.fullmatch(r"deployment eq '([^']+)'", query.get("$filter", ""))
        if found is None or query.get("metricnames") != "RequestsPerMinute":
            return "The metric or its dimension is not known."
        average = self.requests.get(found[1], 0.0)
        data = [{"timeStamp": "2026-01-01T00:00:00Z", "average": average}]
        series = [{"metadatavalues": [], "data": data}] if average else []
        name = {"value": "RequestsPerMinute", "localizedValue": "Requests per minute"}
        metric = {
            "id": "m",
            "type": "Microsoft.Insights/metrics",
            "name": name,
            "unit": "Count",
            "timeseries": series,
        }
        return {"timespan": query["timespan"], "interval": "PT1H", "value": [metric]}
