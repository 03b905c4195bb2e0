"""The scoring service side by side with what users run today: same model, rows and client, one process each.

    python benchmarks/serving.py                                what this environment holds
    python benchmarks/serving.py --azureml ENV/bin/azmlinfsrv   and Azure ML's inference server from another one
    python benchmarks/serving.py --mlflow                       and mlflow models serve (onnx flavor)

Needs Debian's wrk. The model: XGBClassifier, 300 trees of depth 6, 20 float features; a row a request in Azure
ML's form, 4,096 different rows. All servers run at once and are loaded one after the other in each round, so that
a busy machine is busy for all; the table holds medians over the rounds. Ratios mean something, absolute figures
belong to the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

PEERS = Path(__file__).parent / "serving_peers"
FEATURES = [f"f{number}" for number in range(20)]
TICK = 1 / os.sysconf("SC_CLK_TCK")


@dataclass
class Server:
    """A running server and what was measured."""

    name: str
    port: int
    path: str
    process: subprocess.Popen[bytes]
    form: str = "azureml"
    start_seconds: float = 0.0
    figures: dict[int, list[dict[str, float]]] = field(default_factory=dict)


def main() -> None:
    """Start the servers, load them in turn, print the table."""
    parser = argparse.ArgumentParser(description="Benchmark the scoring service.")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--azureml", metavar="AZMLINFSRV", help="the command of azureml-inference-server-http")
    parser.add_argument("--mlflow", action="store_true", help="also mlflow models serve")
    given = parser.parse_args()
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.exit("wrk is missing (Debian: apt-get install wrk)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make(folder, mlflow=given.mlflow)
        servers: list[Server] = []
        try:
            _start(folder, servers, given.azureml, mlflow=given.mlflow)
            for _ in range(given.rounds):
                for clients in given.clients:
                    for server in servers:
                        figures = _load(wrk, folder, server, clients=clients, seconds=given.seconds)
                        server.figures.setdefault(clients, []).append(figures)
            _print(servers, given.clients)
        finally:
            for server in servers:
                server.process.terminate()
            for server in servers:
                server.process.wait(30)


def _make(folder: Path, *, mlflow: bool) -> None:
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
    rows = generator.normal(size=(4096, len(FEATURES))).round(4).tolist()
    azure = [{"input_data": {"columns": FEATURES, "data": [row]}} for row in rows]
    tensors = [{"inputs": {"features": [row]}} for row in rows]  # what MLflow's onnx flavor takes for a matrix
    for form, bodies in (("azureml", azure), ("mlflow", tensors)):
        (folder / f"{form}.rows").write_text("".join(f"{json.dumps(body)}\n" for body in bodies))
    if mlflow:
        import mlflow.onnx
        import onnx

        graph = onnx.load(folder / "pulled" / "model.onnx")
        mlflow.onnx.save_model(graph, folder / "mlflow-model")


def _start(folder: Path, servers: list[Server], azureml: str | None, *, mlflow: bool) -> None:
    """Every server runs and has answered; those that run are in `servers`, whatever happens."""
    python, model = sys.executable, str(folder / "pulled" / "model.onnx")
    store = ["--store", str(folder / "store"), "--model", "bench@production", "--state", str(folder / "state")]
    uvicorn = [python, "-m", "uvicorn", "--no-access-log", "--http", "httptools", "--loop", "uvloop", "--port"]
    serve = [python, "-m", "onnxport.serving.main"]
    plans: list[tuple[str, str, list[str], str]] = [
        ("onnxport", "/score/bench", [*serve, *store, "--port", "PORT"], "azureml"),
        ("hand-written loop", "/", [python, str(PEERS / "handwritten.py"), model, "PORT"], "azureml"),
        ("bare ASGI, uvicorn", "/", [*uvicorn, "PORT", "asgi_app:app"], "azureml"),
        ("FastAPI + pydantic", "/score", [*uvicorn, "PORT", "fastapi_app:app"], "azureml"),
    ]
    if azureml is not None:
        entry = ["--entry_script", str(PEERS / "azureml_score.py"), "--port", "PORT", "--worker_count", "1"]
        plans.append(("azureml-inference-server-http, joblib", "/score", [azureml, *entry], "azureml"))
    if mlflow:
        command = [python, "-m", "mlflow", "models", "serve", "-m", str(folder / "mlflow-model")]
        command += ["--env-manager", "local", "--workers", "1", "--port", "PORT"]
        plans.append(("mlflow models serve, onnx flavor", "/invocations", command, "mlflow"))
    environment = {**os.environ, "MODEL": model, "SOURCE": str(folder / "model.joblib"), "PYTHONPATH": str(PEERS)}  # ruff: ignore[TID251] - children get ours
    environment["PATH"] = f"{Path(python).parent}:{environment['PATH']}"  # mlflow looks for uvicorn there
    for name, path, command, form in plans:
        port = _free_port()
        output = (folder / f"{port}.log").open("wb")
        started = time.perf_counter()
        process = subprocess.Popen(
            [part.replace("PORT", str(port)) for part in command],
            stdout=output,
            stderr=output,
            env=environment,
            cwd=folder,
        )
        server = Server(name=name, port=port, path=path, process=process, form=form)
        servers.append(server)
        _wait(server, (folder / f"{form}.rows").open().readline().encode(), folder / f"{port}.log")
        server.start_seconds = time.perf_counter() - started


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _wait(server: Server, body: bytes, log: Path) -> None:
    """Until the server has answered a row."""
    url, headers = f"http://127.0.0.1:{server.port}{server.path}", {"content-type": "application/json"}
    for _ in range(600):
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as reply:
                reply.read()
                return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"{server.name} does not answer: {log.read_text()[-2000:]}")


def _load(wrk: str, folder: Path, server: Server, *, clients: int, seconds: float) -> dict[str, float]:
    environment = {"ROWS": str(folder / f"{server.form}.rows"), "TARGET": server.path}
    before = _cpu(server.process.pid)
    done = subprocess.run(
        [wrk, "-t1", f"-c{clients}", f"-d{seconds:g}s", "--latency", "-s", str(PEERS / "rows.lua"),
         f"http://127.0.0.1:{server.port}"],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    if "Non-2xx" in done.stdout:
        sys.exit(f"{server.name}: {done.stdout}")
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


def _print(servers: list[Server], clients: list[int]) -> None:
    ours = servers[0]
    for count in clients:
        print(f"\n{count} clients{'':31} req/s   p50 ms   p99 ms   CPU us   RSS MB  start s   onnxport is")
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
                f"{server.name:38} {middle['rate']:7.0f} {middle['p50']:8.2f} {middle['p99']:8.2f} "
                f"{middle['cpu']:8.0f} {middle['rss']:8.0f} {server.start_seconds:8.1f}   "
                f"{statistics.median(ratios):6.2f} x"
            )


if __name__ == "__main__":
    main()
