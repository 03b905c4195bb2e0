"""A loopback Azure ML with Azurite behind it, for the unmodified SDK."""

from __future__ import annotations

import http.client
import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest
from azure.storage.blob import ContainerClient
from onnxport.cli.main import run
from onnxport.sources import AzureAccess, AzureWorkspace, SourceAccess
from onnxport.storage import Patience

from tests.support.azurite import running_azurite

from .emulator import Fault, Script, make_handler
from .front import Front
from .resources import GROUP, SUBSCRIPTION, WORKSPACE, AzureMl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HERE = AzureWorkspace(subscription_id=SUBSCRIPTION, resource_group=GROUP, workspace_name=WORKSPACE)
HASTY = Patience(attempts=3, connect_seconds=2.0, read_seconds=2.0, pause_seconds=0.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loopback:
    """Azure as the tests see it.

    Attributes:
        ml: What the workspace and the registry hold.
        script: What goes wrong, and what was asked.
        front: The way to it, and what is wrong with the way to Blob storage.
        azurite: Where blobs are.
    """

    ml: AzureMl
    script: Script
    front: Front
    azurite: Any

    def upload(self, path: str, data: bytes, metadata: dict[str, str] | None = None) -> None:
        """A blob of the default datastore holds `data`."""
        self._put(self.ml.container, path, data, metadata)

    def upload_as_named(self, name: str, data: bytes) -> None:
        """The same for names that clients tidy up, such as `a/../b`: the service takes them as they are."""
        address = urlsplit(self.azurite.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port)
        path = f"{address.path}/{self.ml.container}/{quote(name, safe='')}?{self.ml.signature(self.ml.container)}"
        connection.request("PUT", path, data, {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2024-11-04"})
        answer = connection.getresponse()
        assert answer.status == 201, answer.read()
        connection.close()

    def share(self, path: str, data: bytes) -> None:
        """A blob of the registry's container holds `data`."""
        self._put(self.ml.shared_container, path, data, None)

    def containers(self) -> list[ContainerClient]:
        """The default datastore's and the registry's."""
        names = (self.ml.container, self.ml.shared_container)
        return [ContainerClient(self.azurite.url, name, credential=self.azurite.account_key) for name in names]

    def _put(self, container: str, path: str, data: bytes, metadata: dict[str, str] | None) -> None:
        with ContainerClient(self.azurite.url, container, credential=self.azurite.account_key) as client:
            client.upload_blob(path, data, overwrite=True, metadata=metadata)


@pytest.fixture(scope="session", autouse=True)
def _sdk() -> None:
    """The SDK is imported before any test measures how long it takes; its own code warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import azure.ai.ml
    del azure


@pytest.fixture(scope="session")
def _azure(azurite: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loopback]:
    folder = tmp_path_factory.mktemp("azure")
    ml, script = AzureMl(account=(azurite.account_name, azurite.account_key)), Script()
    address = urlsplit(azurite.url)
    front = Front(
        blobs=(address.hostname or "", address.port or 0),
        handler=make_handler(ml, script),
        ca_file=folder / "ca.pem",
    )
    stop = front.start()
    yield Loopback(ml=ml, script=script, front=front, azurite=azurite)
    stop()


@pytest.fixture
def environment(_azure: Loopback) -> dict[str, str]:
    """What a process needs to reach Azure over loopback, signed in as a service principal."""
    proxy = f"http://127.0.0.1:{_azure.front.port}"
    return {
        "HTTPS_PROXY": proxy,
        "https_proxy": proxy,
        "REQUESTS_CA_BUNDLE": str(_azure.front.ca_file),
        "AZURE_TENANT_ID": "99999999-0000-0000-0000-000000000000",
        "AZURE_CLIENT_ID": "88888888-0000-0000-0000-000000000000",
        "AZURE_CLIENT_SECRET": "not a secret",
        "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
        "NO_PROXY": "127.0.0.1,localhost",
    }


@pytest.fixture
def azure(_azure: Loopback, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """An empty workspace in a healthy Azure, and a process that reaches it."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    _azure.ml.clear()
    _azure.script.clear()
    _azure.front.heal()
    for container in _azure.containers():
        container.create_container()
    account = _azure.ml.account
    yield _azure
    _azure.ml.account = account
    _azure.front.heal()
    for container in _azure.containers():
        container.delete_container()
    assert _azure.front.refused == [], "the SDK asked for hosts that the emulator does not know"


@pytest.fixture
def secured_account(azure: Loopback, node: str, tmp_path: Path) -> Iterator[ContainerClient]:
    """The workspace's container in an account of its own, over TLS under its public name, which takes tokens."""
    account = "secured"
    host = f"{account}.blob.core.windows.net"
    with running_azurite(node, account, azure.front.certify(host, tmp_path)) as service:
        azure.front.tunnels[host] = ("127.0.0.1", service.port)
        with ContainerClient(f"https://{host}", azure.ml.container, credential=service.account_key) as container:
            container.create_container()
            yield container
        del azure.front.tunnels[host]


@pytest.fixture
def access() -> AzureAccess:
    """How the tests reach the workspace: signed in by the environment, with little patience."""
    return AzureAccess(workspace=HERE, auth="environment", patience=HASTY)


@pytest.fixture
def sources(access: AzureAccess) -> SourceAccess:
    """The same for `onnxport.sources`."""
    return SourceAccess(azure=access)


@pytest.fixture
def fault(azure: Loopback) -> Callable[..., None]:
    """Something goes wrong, as `Fault` says."""
    return lambda **details: azure.script.faults.append(Fault(**details))


@pytest.fixture(scope="session")
def booster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small XGBoost model in its own format."""
    import numpy as np
    import xgboost

    generator = np.random.default_rng(5)
    rows = generator.normal(size=(200, 3)).astype(np.float32)
    matrix = xgboost.DMatrix(rows, label=(rows[:, 0] > 0).astype(np.float32), feature_names=["a", "b", "c"])
    path = tmp_path_factory.mktemp("booster") / "model.json"
    xgboost.train({"objective": "binary:logistic", "seed": 5, "nthread": 1}, matrix, 4).save_model(path)
    return path


@pytest.fixture
def onnxport(
    azure: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Run `onnxport ARGUMENTS --json` in an empty folder: the exit code and the document."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azure.azurite.connection_string)

    def call(*arguments: object) -> tuple[int, dict[str, Any]]:
        with pytest.raises(SystemExit) as exited:
            run([*map(str, arguments), "--json"])
        document: dict[str, Any] = json.loads(capfd.readouterr().out)
        return int(exited.value.code or 0), document

    return call
