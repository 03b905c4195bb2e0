"""An Azure ML workspace's management plane: documents come and go as they are.

Not through the entities of azure-ai-ml: what they read and write back loses fields that they do not know, such as
a deployment's `modelMountPath` (docs/adr/0008). Pipeline, retries and long-running operations are Azure's SDK's.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from azure.core.configuration import Configuration
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline import policies
from azure.core.polling import LROPoller
from azure.core.rest import HttpRequest
from onnxport.artifacts import Unreachable, UsageError
from onnxport.sources.azure_access import WORKSPACE_HINT
from onnxport.sources.azure_errors import describe, is_absent, translated
from onnxport.storage.azure_identity import sign_in
from onnxport.storage.azure_pipeline import bounded, one_line

if TYPE_CHECKING:
    from collections.abc import Generator

    from onnxport.sources import AzureAccess

Json = dict[str, Any]
API_VERSION: Final = "2024-10-01"
_MANAGEMENT: Final = "https://management.azure.com"
_SCORING: Final = "https://ml.azure.com/.default"
_PROVIDER: Final = "providers/Microsoft.MachineLearningServices"
_READ_ONLY: Final = ("id", "name", "type", "systemData", "etag")
_READ_ONLY_PROPERTIES: Final = ("provisioningState", "scoringUri", "swaggerUri")
_ERRORS, _ABSENT = 400, 404
_LONGEST_SECONDS: Final = 3_600
INSTALL: Final = "Install it: pip install 'onnxport[azureml]'."


class Azure:
    """A workspace, signed in.

    Attributes:
        workspace: Which one.
        path: Its ARM id.
    """

    def __init__(self, access: AzureAccess) -> None:
        """Raises `UsageError` where nobody names a workspace, or the SDK is not installed."""
        if access.workspace is None:
            raise UsageError("nobody says in which Azure ML workspace the endpoints are", hint=WORKSPACE_HINT)
        self.workspace = access.workspace
        group = f"/subscriptions/{self.workspace.subscription_id}/resourceGroups/{self.workspace.resource_group}"
        self.path = f"{group}/{_PROVIDER}/workspaces/{self.workspace.workspace_name}"
        self._access = access
        logging.getLogger("azure").addHandler(logging.NullHandler())
        with _installed():
            from azure.mgmt.core import ARMPipelineClient  # ruff: ignore[PLC0415] - in the extra `azureml`
            from azure.mgmt.core.policies import (  # ruff: ignore[PLC0415] - likewise
                ARMChallengeAuthenticationPolicy,
            )
            from azure.mgmt.monitor import MonitorManagementClient  # ruff: ignore[PLC0415] - likewise

            self._credential = credential = sign_in(access.auth, access.identity_client_id, access.patience)
        options = bounded(access.patience)
        config: Configuration[Any, Any] = Configuration(**options)
        config.retry_policy = policies.RetryPolicy(**options)
        config.custom_hook_policy = policies.CustomHookPolicy(**options)
        config.user_agent_policy = policies.UserAgentPolicy("onnxport")
        config.authentication_policy = ARMChallengeAuthenticationPolicy(credential, f"{_MANAGEMENT}/.default")
        self._client: Any = ARMPipelineClient(_MANAGEMENT, config=config, **options)
        self._monitor: Any = MonitorManagementClient(credential, self.workspace.subscription_id, **options)

    def __str__(self) -> str:
        return f"workspace {self.workspace}"

    def get(self, path: str) -> Json | None:
        """The document at `path` below the workspace, or `None`.

        Raises:
            Unreachable: Azure refuses us or does not answer.
        """
        with translated(f"{path.strip('/')} in {self}"):
            try:
                return self._json(self._send("GET", self.path + path))
            except HttpResponseError as error:
                if is_absent(error):
                    return None
                raise

    def location(self) -> str:
        """The workspace's region.

        Raises:
            UsageError: There is no such workspace.
            Unreachable: Azure refuses us or does not answer.
        """
        found = self.get("")
        if found is None:
            raise UsageError(f"there is no Azure ML {self}", hint="`az ml workspace list` shows yours.")
        return str(found["location"])

    def collect(self, path: str) -> list[Json]:
        """All documents of the collection at `path` below the workspace.

        Raises:
            UsageError: There is no such workspace.
            Unreachable: Azure refuses us or does not answer.
        """
        found: list[Json] = []
        with translated(f"{path.strip('/')} of {self}"):
            page = self._json(self._send("GET", self.path + path))
            found += page["value"]
            while page.get("nextLink"):
                page = self._json(self._send("GET", page["nextLink"], version=False))
                found += page["value"]
        return found

    def put(self, path: str, document: Json) -> None:
        """The document stands at `path`; what takes time is waited for.

        Raises:
            UsageError: Azure does not take it.
            Unreachable: Azure refuses us, does not answer, or fails.
        """
        with translated(f"{path.strip('/')} in {self}"):
            self._finish(path, self._send("PUT", self.path + path, written(document)))

    def delete(self, path: str) -> None:
        """There is nothing at `path`, whether there was or not.

        Raises:
            Unreachable: Azure refuses us, does not answer, or fails.
        """
        with translated(f"{path.strip('/')} in {self}"):
            try:
                self._finish(path, self._send("DELETE", self.path + path))
            except HttpResponseError as error:
                if not is_absent(error):
                    raise

    def autoscale_settings(self) -> list[Json]:
        """All autoscale settings of the resource group, as Azure Monitor writes them.

        Raises:
            Unreachable: Azure refuses us or does not answer.
        """
        group = self.workspace.resource_group
        with translated(f"autoscale settings of resource group {group}"):
            settings = self._monitor.autoscale_settings.list_by_resource_group(group)
            return [{**setting.serialize(keep_readonly=True), "name": setting.name} for setting in settings]

    def put_autoscale(self, name: str, setting: Json) -> None:
        """The setting stands under `name`.

        Raises:
            UsageError: Azure Monitor does not take it.
            Unreachable: Azure refuses us or does not answer.
        """
        from azure.mgmt.monitor.models import AutoscaleSettingResource  # ruff: ignore[PLC0415] - see above

        with translated(f"autoscale setting {name}"):
            parameters = AutoscaleSettingResource.deserialize(setting)
            self._monitor.autoscale_settings.create_or_update(self.workspace.resource_group, name, parameters)

    def delete_autoscale(self, name: str) -> None:
        """There is no such setting, whether there was or not.

        Raises:
            Unreachable: Azure refuses us or does not answer.
        """
        with translated(f"autoscale setting {name}"):
            self._monitor.autoscale_settings.delete(self.workspace.resource_group, name)

    def requests(self, endpoint: str, deployment: str, hours: int) -> float:
        """How many requests the deployment answered in the last hours, as Azure Monitor averages them.

        Raises:
            Unreachable: Azure refuses us or does not answer.
        """
        from datetime import UTC, datetime, timedelta  # ruff: ignore[PLC0415] - only here

        now = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
        with translated(f"requests of endpoint {endpoint}"):
            answer = self._monitor.metrics.list(
                f"{self.path}/onlineEndpoints/{endpoint}".lstrip("/"),
                timespan=f"{(now - timedelta(hours=hours)).isoformat()}Z/{now.isoformat()}Z",
                interval="PT1H",
                metricnames="RequestsPerMinute",
                aggregation="Average",
                filter=f"deployment eq '{deployment}'",
            )
            points = [p for metric in answer.value for series in metric.timeseries for p in series.data or ()]
            return float(sum((point.average or 0.0) * 60.0 for point in points))

    def keys(self, endpoint: str, auth: str) -> str:
        """What signs requests to the endpoint: its key, its token, or ours.

        Raises:
            Unreachable: Azure refuses us or does not answer.
        """
        if auth.lower() == "aadtoken":
            return self._credential.get_token(_SCORING).token
        action = "listkeys" if auth.lower() == "key" else "token"
        with translated(f"{action} of endpoint {endpoint}"):
            found = self._json(self._send("POST", f"{self.path}/onlineEndpoints/{endpoint}/{action}"))
            return str(found["primaryKey"] if action == "listkeys" else found["accessToken"])

    def post(self, url: str, body: bytes, headers: dict[str, str], seconds: float) -> int:
        """The status of an endpoint's answer; it is asked once.

        Raises:
            Unreachable: It does not answer.
        """
        from azure.core import PipelineClient  # ruff: ignore[PLC0415] - only here

        request = HttpRequest("POST", url, content=body, headers={"Content-Type": "application/json", **headers})
        with translated(url), PipelineClient[Any, Any](url, policies=[policies.ProxyPolicy()]) as client:
            answer = client.send_request(request, connection_timeout=seconds, read_timeout=seconds)
            return int(answer.status_code)

    def _send(self, method: str, url: str, body: Json | None = None, *, version: bool = True) -> Any:  # ruff: ignore[ANN401] - azure-core's PipelineResponse
        parameters = {"api-version": API_VERSION} if version else {}
        request = HttpRequest(method, url if "://" in url else _MANAGEMENT + url, params=parameters, json=body)
        found = self._client.send_request(request, _return_pipeline_response=True)
        if found.http_response.status_code >= _ERRORS:
            from azure.mgmt.core.exceptions import ARMErrorFormat  # ruff: ignore[PLC0415] - see above

            raise HttpResponseError(response=found.http_response, error_format=ARMErrorFormat)
        return found

    def _finish(self, path: str, started: Any) -> None:  # ruff: ignore[ANN401] - see above
        """Waits for what Azure does in the background."""
        from azure.mgmt.core.polling.arm_polling import ARMPolling  # ruff: ignore[PLC0415] - see above

        pause = self._access.patience.pause_seconds
        poller: LROPoller[None] = LROPoller(
            self._client, started, lambda _found: None, ARMPolling(timeout=pause * 10)
        )
        try:
            poller.wait(_LONGEST_SECONDS)
            if not poller.done():
                raise Unreachable(
                    f"Azure is still working on {path.strip('/')} after {_LONGEST_SECONDS} seconds",
                    hint="`onnxport endpoint plan` shows later whether it came to an end.",
                )
            poller.result()
        except HttpResponseError as error:
            if (
                error.status_code is not None and error.status_code < _ERRORS
            ):  # it took the request, and failed then
                raise Unreachable(
                    f"Azure could not finish {path.strip('/')}: {one_line(describe(error))}",
                    hint="A failed deployment can still cost money: `az ml online-deployment get-logs` says why.",
                ) from error
            raise

    @staticmethod
    def _json(found: Any) -> Json:  # ruff: ignore[ANN401] - see above
        document: Json = found.http_response.json()
        return document


def written(document: Json) -> Json:
    """`document` without what only Azure writes."""
    properties = {k: v for k, v in document.get("properties", {}).items() if k not in _READ_ONLY_PROPERTIES}
    return {**{k: v for k, v in document.items() if k not in _READ_ONLY}, "properties": properties}


@contextmanager
def _installed() -> Generator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(
            f"endpoints need the Azure SDK, and {error.name} is not installed", hint=INSTALL
        ) from error
