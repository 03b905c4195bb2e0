"""The scoring service side by side with what users run today: same model, rows and client, one process each.

    python benchmarks/serving.py                                what this environment holds
    python benchmarks/serving.py --azureml ENV/bin/azmlinfsrv   and Azure ML's inference server from another one
    python benchmarks/serving.py --mlflow                       and mlflow models serve (onnx flavor)
    python benchmarks/serving.py --triton ENV/bin/python        and Triton, where nvidia-pytriton is installed
    python benchmarks/serving.py --workers 2 --rows 1000        two processes each, 1,000 rows a request

Needs Debian's wrk. The model: XGBClassifier, 300 trees of depth 6, 20 float features; rows that differ from
request to request, in Azure ML's form where the server takes it. All servers run at once and are loaded one after
the other in each round, so that a busy machine is busy for all; the table holds medians over the rounds. Each
server starts twice: the second start, with its bytecode and files in the cache, is the one that counts. Ratios
mean something, absolute figures belong to the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PEERS = Path(__file__).parent / "serving_peers"
FEATURES = [f"f{number}" for number in range(20)]
TICK = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Plan:
    """How a server is started and asked; PORT stands for its port."""

    name: str
    path: str
    command: list[str]
    form: str = "azureml"


@dataclass
class Server:
    """A running server and what was measured."""

    plan: Plan
    port: int
    process: subprocess.Popen[bytes]
    start_seconds: float = 0.0
    figures: dict[int, list[dict[str, float]]] = field(default_factory=dict)


def main() -> None:
    """Start the servers, load them in turn, print the table."""
    parser = argparse.ArgumentParser(description="Benchmark the scoring service.")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--rows", type=int, default=1, help="rows a request")
    parser.add_argument("--workers", type=int, default=1, help="processes a server")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--starts", type=int, default=2, help="of each server; the last one counts")
    parser.add_argument("--azureml", metavar="AZMLINFSRV", help="the command of azureml-inference-server-http")
    parser.add_argument("--triton", metavar="PYTHON", help="a Python with nvidia-pytriton and onnxruntime")
    parser.add_argument("--mlflow", action="store_true", help="also mlflow models serve")
    given = parser.parse_args()
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.exit("wrk is missing (Debian: apt-get install wrk)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the servers end with us
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, given.rows, mlflow=given.mlflow)
        servers: list[Server] = []
        try:
            start(folder, servers, _plans(folder, given), given.rows, starts=given.starts)
            for _ in range(given.rounds):
                for clients in given.clients:
                    for server in servers:
                        figures = load(wrk, folder, server, clients=clients, seconds=given.seconds)
                        server.figures.setdefault(clients, []).append(figures)
            _print(servers, given)
        finally:
            for server in servers:
                stop(server)


def make(folder: Path, rows: int, *, mlflow: bool) -> None:
    """Model, release, rows."""
    import joblib
    import numpy as np
    import pandas as pd
    import xgboost

    generator = np.random.default_rng(0)
    values = generator.normal(size=(5000, len(FEATURES))).astype(np.float32)
    labels = (values[:, 0] + values[:, 1] * values[:, 2] + generator.normal(size=5000) / 2 > 0).astype(int)
    frame = pd.DataFrame(values, columns=FEATURES)
    model = xgboost.XGBClassifier(n_estimators=300, max_depth=6, n_jobs=1).fit(frame, labels)
    joblib.dump(model, folder / "model.joblib")
    frame.to_parquet(folder / "sample.parquet")
    command = [Path(sys.executable).parent / "onnxport", "export", folder / "model.joblib", "--allow-pickle"]
    command += ["--name", "bench", "--sample", folder / "sample.parquet", "--store", folder / "store"]
    subprocess.run([*map(str, command), "--alias", "production"], check=True, capture_output=True, cwd=folder)
    pulled = [Path(sys.executable).parent / "onnxport", "pull", "bench", "--out", folder / "pulled"]
    subprocess.run(
        [*map(str, pulled), "--store", str(folder / "store")], check=True, capture_output=True, cwd=folder
    )
    _write_bodies(folder, generator.normal(size=(max(64, 4096 // rows), rows, len(FEATURES))).round(4))
    if mlflow:
        import mlflow.onnx
        import onnx

        graph = onnx.load(folder / "pulled" / "model.onnx")
        mlflow.onnx.save_model(graph, folder / "mlflow-model")


def _write_bodies(folder: Path, requests: Any) -> None:  # ruff: ignore[ANN401] - an array
    """A body a line, the same rows in the form of each kind of server."""
    tensor = {"name": "features", "shape": list(requests.shape[1:]), "datatype": "FP32"}
    forms: dict[str, Callable[[Any], Any]] = {
        "azureml": lambda rows: {"input_data": {"columns": FEATURES, "data": rows.tolist()}},
        "mlflow": lambda rows: {"inputs": {"features": rows.tolist()}},  # its onnx flavor takes a matrix so
        "v2": lambda rows: {"inputs": [tensor | {"data": rows.ravel().tolist()}]},
    }
    for form, body in forms.items():
        (folder / f"{form}.rows").write_text("".join(f"{json.dumps(body(rows))}\n" for rows in requests))


def _plans(folder: Path, given: argparse.Namespace) -> list[Plan]:
    """Ours first."""
    python, model, workers = sys.executable, str(folder / "pulled" / "model.onnx"), str(given.workers)
    store = ["--store", str(folder / "store"), "--model", "bench@production", "--state", str(folder / "state")]
    uvicorn = [python, "-m", "uvicorn", "--no-access-log", "--http", "httptools", "--loop", "uvloop"]
    uvicorn += ["--workers", workers, "--port", "PORT"]
    ours = [python, "-m", "onnxport.serving.main", *store, "--workers", workers, "--port", "PORT"]
    plans = [
        Plan("onnxport", "/score/bench", ours),
        Plan("hand-written loop", "/", [python, str(PEERS / "handwritten.py"), model, "PORT", workers]),
        Plan("bare ASGI, uvicorn", "/", [*uvicorn, "asgi_app:app"]),
        Plan("FastAPI + pydantic", "/score", [*uvicorn, "fastapi_app:app"]),
    ]
    if given.azureml is not None:
        entry = ["--entry_script", str(PEERS / "azureml_score.py"), "--port", "PORT", "--worker_count", workers]
        plans.append(Plan("azureml-inference-server-http, joblib", "/score", [given.azureml, *entry]))
    if given.mlflow:
        command = [python, "-m", "mlflow", "models", "serve", "-m", str(folder / "mlflow-model")]
        command += ["--env-manager", "local", "--workers", workers, "--port", "PORT"]
        plans.append(Plan("mlflow models serve, onnx flavor", "/invocations", command, "mlflow"))
    if given.triton is not None:
        command = [given.triton, str(PEERS / "pytriton_server.py"), model, "PORT"]
        plans.append(Plan("Triton (PyTriton)", "/v2/models/bench/infer", command, "v2"))
    return plans


def start(folder: Path, servers: list[Server], plans: list[Plan], rows: int, *, starts: int = 2) -> None:
    """Every server runs and has answered; those that run are in `servers`, whatever happens."""
    environment = {
        **os.environ,  # ruff: ignore[TID251] - children get ours
        "MODEL": str(folder / "pulled" / "model.onnx"),
        "SOURCE": str(folder / "model.joblib"),
        "PYTHONPATH": str(PEERS),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # installers write it; without it every start compiles
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"  # mlflow looks for uvicorn there
    for plan in plans:
        for _ in range(starts):
            port = _free_port()
            output = (folder / f"{port}.log").open("wb")
            started = time.perf_counter()
            process = subprocess.Popen(
                [part.replace("PORT", str(port)) for part in plan.command],
                stdout=output,
                stderr=output,
                env=environment,
                cwd=folder,
                start_new_session=True,
            )
            server = Server(plan, port, process)
            servers.append(server)
            _wait(server, (folder / f"{plan.form}.rows").open().readline().encode(), folder / f"{port}.log", rows)
            server.start_seconds = time.perf_counter() - started
            print(f"{plan.name} answers after {server.start_seconds:.2f} s", flush=True)
            if len(servers) > 1 and servers[-2].plan is plan:
                stop(servers.pop(-2))


def stop(server: Server) -> None:
    """The server and its children are gone."""
    os.killpg(server.process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        server.process.wait(20)
    with suppress(ProcessLookupError):  # what a server left behind
        os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _wait(server: Server, body: bytes, log: Path, rows: int) -> None:
    """Until the server has answered `body`, with as many values as it has rows."""
    url, headers = f"http://127.0.0.1:{server.port}{server.plan.path}", {"content-type": "application/json"}
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as reply:
                if reply.read().count(b",") >= rows - 1:
                    return
        except OSError:
            time.sleep(0.005)
    sys.exit(f"{server.plan.name} does not answer: {log.read_text()[-2000:]}")


def load(wrk: str, folder: Path, server: Server, *, clients: int, seconds: float) -> dict[str, float]:
    """Requests a second, p50 and p99 in ms, CPU us a request, resident MiB; no answer may be an error."""
    environment = {"ROWS": str(folder / f"{server.plan.form}.rows"), "TARGET": server.plan.path}
    before = _cpu(server.process.pid)
    done = subprocess.run(
        [wrk, "-t1", f"-c{clients}", f"-d{seconds:g}s", "--latency", "-s", str(PEERS / "rows.lua"),
         f"http://127.0.0.1:{server.port}"],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    if "Non-2xx" in done.stdout:
        sys.exit(f"{server.plan.name}: {done.stdout}")
    requests = float(_found(r"(\d+) requests in", done.stdout))
    return {
        "rate": float(_found(r"Requests/sec:\s+([\d.]+)", done.stdout)),
        "p50": _milliseconds(_found(r"(?m)^\s+50%\s+(\S+)", done.stdout)),
        "p99": _milliseconds(_found(r"(?m)^\s+99%\s+(\S+)", done.stdout)),
        "cpu": (_cpu(server.process.pid) - before) / requests * 1e6,
        "rss": _rss(server.process.pid),
    }


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        sys.exit(f"wrk said something else: {text}")
    return match[1]


def _milliseconds(text: str) -> float:
    for unit, factor in (("us", 1e-3), ("ms", 1.0), ("s", 1e3)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    sys.exit(f"wrk gave a time of {text}")


def _family(pid: int) -> list[int]:
    """The process and its children."""
    found = subprocess.run(["/usr/bin/pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [pid, *(one for child in found.stdout.split() for one in _family(int(child)))]


def _cpu(pid: int) -> float:
    fields = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in _family(pid)]
    return sum(int(one[11]) + int(one[12]) for one in fields) * TICK


def _rss(pid: int) -> float:
    pages = [int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in _family(pid)]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def _print(servers: list[Server], given: argparse.Namespace) -> None:
    ours = servers[0]
    print(f"workers: {given.workers}; rows a request: {given.rows}")
    for count in given.clients:
        print(f"\n{count:2} clients{'':30} req/s   p50 ms   p99 ms   CPU us   RSS MB  start s   onnxport is")
        for server in servers:
            middle = {
                key: statistics.median(one[key] for one in server.figures[count])
                for key in server.figures[count][0]
            }
            ratios = [
                one["rate"] / other["rate"]
                for one, other in zip(ours.figures[count], server.figures[count], strict=True)
            ]
            print(
                f"{server.plan.name:38} {middle['rate']:7.0f} {middle['p50']:8.2f} {middle['p99']:8.2f} "
                f"{middle['cpu']:8.0f} {middle['rss']:8.0f} {server.start_seconds:8.1f}   "
                f"{statistics.median(ratios):6.2f} x"
            )


if __name__ == "__main__":
    main()
