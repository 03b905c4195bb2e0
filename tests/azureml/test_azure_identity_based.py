"""A datastore without a secret of its own is read and written as the user who is signed in."""

from __future__ import annotations

import base64
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.storage.blob import ContainerClient
from onnxport.sources import AzureRegistration, SourceAccess, load, register_azureml

if TYPE_CHECKING:
    from collections.abc import Iterator

AZURITE = Path(__file__).resolve().parents[2] / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
ACCOUNT = "secured"
HOST = f"{ACCOUNT}.blob.core.windows.net"
KEY = base64.b64encode(b"a key that nobody uses").decode()


@pytest.fixture
def secured(azure: Any, node: str, tmp_path: Path) -> Iterator[ContainerClient]:
    """The container of a storage account that takes tokens; the workspace's datastore has no secret for it."""
    certificate, key = azure.front.certify(HOST, tmp_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        node,
        str(AZURITE),
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
        str(port),
        "--silent",
        "--disableTelemetry",
    ]
    command += ["--inMemoryPersistence", "--skipApiVersionCheck", "--oauth", "basic"]
    with subprocess.Popen(
        [*command, "--cert", str(certificate), "--key", str(key)],
        env={"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"},
        stdout=subprocess.DEVNULL,
    ) as process:
        _wait(port)
        azure.front.tunnels[HOST] = ("127.0.0.1", port)
        azure.ml.account, azure.ml.secret = (ACCOUNT, KEY), "None"
        with ContainerClient(f"https://{HOST}", azure.ml.container, credential=KEY) as container:
            container.create_container()
            yield container
        del azure.front.tunnels[HOST]
        azure.ml.account = (azure.azurite.account_name, azure.azurite.account_key)
        process.kill()


def _wait(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("Azurite was not ready after 60 s")


def test_models_are_read_with_the_users_token(
    secured: ContainerClient, azure: Any, sources: SourceAccess, booster: Path
) -> None:
    secured.upload_blob("m/model.json", booster.read_bytes())
    azure.ml.add("m", "m")

    assert load("azureml:m:1", sources).model.num_boosted_rounds() == 4
    assert not any("listSecrets" in asked for asked in azure.script.seen)


def test_models_are_registered_with_the_users_token(
    secured: ContainerClient, access: Any, sources: SourceAccess, booster: Path
) -> None:
    made = register_azureml(AzureRegistration(name="m", files=booster, kind="custom_model"), access)

    assert load(made.uri, sources).model.num_boosted_rounds() == 4
    assert next(blob.name for blob in secured.list_blobs()).startswith("onnxport/m/")
