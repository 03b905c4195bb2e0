"""A real Prometheus on a free port, something that answers in its place, and the command line in this process."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.azureml.conftest import _azure, access, azure, environment, fault
from tests.azureml.resources import GROUP, SUBSCRIPTION, WORKSPACE
from tests.serving.support import publish, quote, releases_in
from tests.support.command_line import onnxport

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from tests.azureml.endpoints import Endpoints

SECONDS = 60
WHERE = ["--subscription", SUBSCRIPTION, "--resource-group", GROUP, "--workspace", WORKSPACE]
PRICES = {
    "currency": "EUR",
    "source": "the contract of 2026-01-01",
    "hourly": {"Standard_DS3_v2": {"dedicated": 0.5, "low_priority": 0.1}},
}
__all__ = ["_azure", "access", "azure", "environment", "fault", "onnxport"]


@pytest.fixture(scope="session")
def scoring_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of `onnxport serve` with the model `quote`."""
    folder = tmp_path_factory.mktemp("service")
    store = releases_in(folder / "store")
    publish(store, quote())
    with served(store.store.url, folder) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def served(store: str, folder: Path) -> Generator[int]:
    """The port of `onnxport serve` with the model `quote`, once it is ready."""
    command = [sys.executable, "-m", "onnxport.cli.main", "serve", "--store", store, "--port", "0"]
    command += ["--model", "quote@production"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=folder
    ) as process:
        assert process.stderr is not None
        try:
            lines = [json.loads(process.stderr.readline())]
            while lines[-1]["event"] != "ready":
                lines.append(json.loads(process.stderr.readline()))
            yield int(lines[0]["url"].rpartition(":")[2])
        finally:
            process.terminate()
            process.communicate(timeout=60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def scraping(folder: Path, target: int | None = None, **more: Any) -> Generator[str]:
    """A Prometheus that scrapes `127.0.0.1:target` every second; its URL."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.fail("there is no prometheus: run `make parts` as root, or install Debian's prometheus")
    jobs = [{"job_name": "onnxport", "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}] if target else []
    settings = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "scrape_configs": jobs, **more}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    port = free_port()
    command = [program, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=folder) as process:
        try:
            wait_for(lambda: _is_ready(process, url))
            yield url
        finally:
            process.terminate()
            process.communicate(timeout=SECONDS)


def wait_for(done: Callable[[], bool]) -> None:
    """`done` is true; it is asked again and again, for a minute at most."""
    deadline = time.monotonic() + SECONDS
    while not done():
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.1)


def _is_ready(process: subprocess.Popen[bytes], url: str) -> bool:
    if process.poll() is not None:
        assert process.stderr is not None
        pytest.fail(f"Prometheus ended with {process.returncode}: {process.stderr.read().decode()}")
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=5) as answer:  # ruff: ignore[S310] - loopback
            return int(answer.status) == 200
    except OSError:
        return False


@pytest.fixture(scope="session")
def empty_prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that has seen nothing."""
    with scraping(tmp_path_factory.mktemp("prometheus")) as url:
        yield url


@pytest.fixture
def answering() -> Iterator[Callable[..., str]]:
    """Starts something on loopback that answers every request alike: status, body, headers; answers its URL."""
    with ExitStack() as stack:

        def start(status: int, body: bytes, *, promised: int | None = None, pause: float = 0.0) -> str:
            class Handler(BaseHTTPRequestHandler):
                def do_POST(self) -> None:
                    self.rfile.read(int(self.headers.get("Content-Length") or 0))
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body) if promised is None else promised))
                    self.end_headers()
                    for at in range(0, len(body), 8):
                        self.wfile.write(body[at : at + 8])
                        time.sleep(pause)

                def do_GET(self) -> None:
                    self.do_POST()

                def log_message(self, *_said: Any) -> None:
                    """Nothing is printed."""

            server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}"

        yield start


@pytest.fixture
def stands(azure: Any) -> Endpoints:
    """A workspace that nobody looked after."""
    found: Endpoints = azure.ml.endpoints
    found.online("win", traffic={"blue": 20, "green": 80})
    found.deploy("win", "blue", instances=2)
    found.deploy("win", "green", instances=4)
    found.scale("win", "blue", "by-hand")
    found.online("risk", traffic={"only": 100})
    found.deploy("risk", "only", instances=3)
    found.cluster("cpu", least=2)
    found.batch("nightly", "default", "cpu")
    return found


@pytest.fixture
def configure(tmp_path: Path) -> Callable[..., None]:
    """`onnxport.yaml` and `prices.yaml` stand in the working folder."""

    def write(section: dict[str, Any], onnx_url: str | None = None, prices: dict[str, Any] = PRICES) -> None:
        document: dict[str, Any] = {"endpoints": section}
        if onnx_url is not None:
            document["services"] = {"onnx_serving": {"url": onnx_url}}
        (tmp_path / "work" / "onnxport.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
        (tmp_path / "work" / "prices.yaml").write_text(yaml.safe_dump(prices))

    return write


@pytest.fixture
def endpoint(onnxport: Callable[..., Any]) -> Callable[..., Any]:
    """`onnxport endpoint COMMAND … --json` in the workspace."""
    return lambda command, *rest: onnxport("endpoint", command, *WHERE, *rest, "--json")
