"""Batch scoring of 20,000,000 rows beside what a user would write by hand, interrupted, and on a cluster.

Run `python benchmarks/predict.py [--rows N] [--folder DIR]`. The model has 300 trees of depth 6 on 20 float32
columns. By hand: batches of 16,384 rows through a pool with one single-thread predictor for each processor, read
without read-ahead and written in order. Every contender is a process of its own, reads the same file and writes
Parquet; the memory is the peak of that process. The faster script, onnxport, and onnxport on a Dask cluster of two
processes, one of which is killed half-way, take turns, since what the machine does beside changes from minute to
minute: the table holds the median run of each, and the ratio's median over the turns. Then a run that is killed
half-way and started again.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FEATURES = [f"f{index}" for index in range(20)]
GROUP = 1 << 18
BATCH = 1 << 14
WORKERS = os.cpu_count() or 1
TURNS = 3


def make(folder: Path, rows: int) -> None:
    """`rows.parquet`, `model.ubj` and the release `bench:1`, which carries its booster."""
    import xgboost

    def table(count: int, seed: int, first: int) -> pa.Table:
        values = np.random.default_rng(seed).standard_normal((len(FEATURES), count), dtype=np.float32)
        return pa.table({"id": np.arange(first, first + count), **dict(zip(FEATURES, values, strict=True))})

    sample = table(50_000, 1, 0)
    parquet.write_table(sample.slice(0, 5_000), folder / "sample.parquet")
    matrix = np.stack([sample[name].to_numpy() for name in FEATURES], axis=1)
    target = matrix[:, 0] * matrix[:, 1] + matrix[:, 2] + np.sin(3 * matrix[:, 3])
    model = xgboost.XGBRegressor(n_estimators=300, max_depth=6, learning_rate=0.1, n_jobs=WORKERS)
    model.fit(sample.select(FEATURES).to_pandas(), target)
    model.save_model(folder / "model.ubj")
    line = ["export", "model.ubj", "--name", "bench", "--sample", "sample.parquet", "--with-source", "--json"]
    for command in (line, ["pull", "bench", "--out", "pulled"]):
        subprocess.run(onnxport(*command), cwd=folder, check=True, capture_output=True)
    with parquet.ParquetWriter(folder / "rows.parquet", sample.schema) as writer:
        for first in range(0, rows, GROUP):
            writer.write_table(table(min(GROUP, rows - first), 2 + first, first), row_group_size=GROUP)


def onnxport(*arguments: str) -> list[str]:
    """The command line `onnxport ARGUMENTS`."""
    return [sys.executable, "-m", "onnxport.cli.main", *arguments]


def by_hand(folder: Path, engine: str) -> None:
    """What a careful user writes: a pool of single-thread predictors, few batches in flight, written in order."""
    predict = xgboost_engine(folder) if engine == "xgboost" else onnx_engine(folder)
    schema = pa.schema([("id", pa.int64()), ("prediction", pa.float32())])
    with (
        parquet.ParquetFile(folder / "rows.parquet", pre_buffer=False) as file,
        parquet.ParquetWriter(folder / f"{engine}.parquet", schema) as writer,
        ThreadPoolExecutor(WORKERS) as pool,
    ):
        waiting: deque[Any] = deque()
        for answered in in_order(pool, waiting, file, predict):
            writer.write_batch(pa.RecordBatch.from_arrays(answered, schema=schema))


def in_order(
    pool: ThreadPoolExecutor, waiting: deque[Any], file: parquet.ParquetFile, predict: Callable[[Any], Any]
) -> Iterator[list[Any]]:
    """Ids and answers of each batch, in the order of the file."""
    for batch in file.iter_batches(BATCH):
        waiting.append(pool.submit(answer, predict, batch))
        if len(waiting) > 2 * WORKERS:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def answer(predict: Callable[[Any], Any], batch: pa.RecordBatch) -> list[Any]:
    """The batch's ids and answers."""
    matrix = np.empty((len(batch), len(FEATURES)), dtype=np.float32)
    for index, name in enumerate(FEATURES):
        matrix[:, index] = batch.column(name).to_numpy()
    return [batch.column("id"), pa.array(predict(matrix))]


def xgboost_engine(folder: Path) -> Callable[[Any], Any]:
    """XGBoost's own predictor on one thread."""
    import xgboost

    booster = xgboost.Booster(model_file=folder / "model.ubj")
    booster.set_param({"nthread": 1})
    return lambda matrix: booster.inplace_predict(matrix, validate_features=False)


def onnx_engine(folder: Path) -> Callable[[Any], Any]:
    """ONNX Runtime on one thread; a session may be asked by several threads at once."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        folder / "pulled" / "model.onnx", options, providers=["CPUExecutionProvider"]
    )
    return lambda matrix: session.run(["prediction"], {"features": matrix})[0].ravel()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a contender took: seconds, and its peak memory in MiB."""

    seconds: float
    peak: float


def measured(command: list[str], folder: Path) -> Run:
    """The command's time and peak memory.

    Raises:
        SystemExit: It failed.
    """
    start = time.perf_counter()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit((folder / "log").read_text())
    return Run(seconds=time.perf_counter() - start, peak=usage.ru_maxrss / 1024)


def predict_command(out: str, *more: str) -> list[str]:
    """`onnxport predict` into `out`."""
    return onnxport("predict", "bench:1", "rows.parquet", "--out", out, "--json", *more)


def by_hand_run(folder: Path, engine: str) -> Run:
    """What the script of a careful user takes."""
    return measured([sys.executable, __file__, "--by-hand", engine, "--folder", str(folder)], folder)


def killed_and_resumed(folder: Path, rows: int) -> Run:
    """Two runs into one output, the first of which is killed when half of its parts are finished."""
    start = time.perf_counter()
    process = subprocess.Popen(predict_command("resumed.parquet"), cwd=folder, stdout=subprocess.DEVNULL)
    wait_for_half(folder, "resumed.parquet", rows)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = time.perf_counter() - start
    rest = measured(predict_command("resumed.parquet"), folder)
    return Run(seconds=before + rest.seconds, peak=rest.peak)


def wait_for_half(folder: Path, out: str, rows: int) -> None:
    """Half of the parts of `out` are finished."""
    parts = folder / f".{out}.scoring" / "parts"
    while not parts.is_dir() or len(list(parts.iterdir())) < rows / GROUP / 2:
        time.sleep(0.05)


def on_a_cluster(folder: Path, rows: int, out: str) -> Run:
    """A run on two worker processes, one of which is killed when half of the parts are finished."""
    from concurrent.futures import ThreadPoolExecutor as Pool

    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1"
        ) as cluster,
        Client(cluster) as client,
        Pool(1) as pool,
    ):
        command = predict_command(out, "--scheduler", cluster.scheduler_address)
        running = pool.submit(measured, command, folder)
        wait_for_half(folder, out, rows)
        os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
        return running.result()


def check(folder: Path, name: str, rows: int) -> None:
    """Every row is there once, in order, with the answer of XGBoost's own predictor.

    Raises:
        SystemExit: It is not.
    """
    found, own = parquet.ParquetFile(folder / name), parquet.ParquetFile(folder / "xgboost.parquet")
    done = 0
    for ours, theirs in zip(found.iter_batches(BATCH), own.iter_batches(BATCH), strict=True):
        same = np.array_equal(ours["id"], np.arange(done, done + len(ours))) and len(ours) == len(theirs)
        left, right = ours["prediction"].to_numpy(), theirs["prediction"].to_numpy()
        if not same or (np.abs(left - right) > 1e-5 + 1e-5 * np.abs(right)).any():
            raise SystemExit(f"{name} differs near row {done:,}")
        done += len(ours)
    if done != rows:
        raise SystemExit(f"{name} has {done:,} rows of {rows:,}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--folder", type=Path, help="keep data and outputs here; default: a temporary folder")
    parser.add_argument("--by-hand", choices=["xgboost", "onnx"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.by_hand:
        by_hand(given.folder, given.by_hand)
        return
    with tempfile.TemporaryDirectory(prefix="onnxport-bench-") as scratch:
        folder = given.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        make(folder, given.rows)
        table(folder, given.rows)


def table(folder: Path, rows: int) -> None:
    """Measure and print, a line each; the ratio is of the speed of the faster one by hand, then of ours alone."""
    print(f"| {rows:,} rows | seconds | rows/s | peak MiB | speed against |", flush=True)
    print("|---|---|---|---|---|", flush=True)

    def line(name: str, run: Run, against: str) -> None:
        cells = f"{run.seconds:.1f} | {rows / run.seconds:,.0f} | {run.peak:,.0f} | {against}"
        print(f"| {name} | {cells} |", flush=True)

    first = {engine: by_hand_run(folder, engine) for engine in ("xgboost", "onnx")}
    faster, slower = sorted(first, key=lambda engine: first[engine].seconds)
    line(f"by hand, {slower}", first[slower], "")
    hands, ours, clusters = [], [], []
    for turn in range(TURNS):
        hands.append(by_hand_run(folder, faster))
        ours.append(measured(predict_command("ours.parquet", "--restart"), folder))
        clusters.append(on_a_cluster(folder, rows, f"cluster-{turn}.parquet"))
    manifest = json.loads((folder / "ours.parquet.manifest.json").read_bytes())
    line(f"by hand, {faster}", middle(hands), "")
    line(f"onnxport predict ({manifest['engine']['name']})", middle(ours), f"{ratios(hands, ours)} the faster")
    line("Dask, 2 workers, one killed", middle(clusters), f"{ratios(ours, clusters)} undisturbed")
    resumed = killed_and_resumed(folder, rows)
    line("killed half-way, run again", resumed, f"{middle(ours).seconds / resumed.seconds:.2f} x undisturbed")
    for name in ("ours", *(f"cluster-{turn}" for turn in range(TURNS)), "resumed"):
        check(folder, f"{name}.parquet", rows)  # at the end: what is read here counts as the peak of children
    print(f"\nall rows as XGBoost's own predictor answers them; engine: {manifest['engine']['why']}")


def middle(runs: list[Run]) -> Run:
    """The median run."""
    return sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]


def ratios(others: list[Run], runs: list[Run]) -> str:
    """How fast `runs` are against `others`, turn by turn: the median, and all."""
    found = [other.seconds / run.seconds for other, run in zip(others, runs, strict=True)]
    return f"{statistics.median(found):.2f} ({', '.join(f'{ratio:.2f}' for ratio in found)}) x"


if __name__ == "__main__":
    main()
