"""What `onnxport check` costs, beside the script that a user would write instead.

Run `python benchmarks/parity.py [ROWS]` (default 1,000,000 of 50 features). Two models, each with a Parquet file:
100 trees against ROWS rows, and 1,000 trees against 20,000 rows with every threshold probe. Both ways run as
processes of their own, imports included; the memory is the most that a process and its children hold at once.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

BLOCK = 50_000
ONNXPORT = (sys.executable, "-m", "onnxport.cli.main")


def by_hand(folder: Path) -> None:
    """Predict with both and compare: no threshold, no missing value, no single row."""
    import onnxruntime
    from pyarrow import parquet
    from xgboost import XGBClassifier

    model = XGBClassifier()
    model.load_model(folder / "model.json")
    session = onnxruntime.InferenceSession(folder / "graph" / "model.onnx")
    for batch in parquet.ParquetFile(folder / "rows.parquet").iter_batches(batch_size=BLOCK):
        rows = batch.to_pandas()
        feeds = {"features": rows.to_numpy()}
        found = session.run(["probabilities"], feeds)[0][:, 1]
        expected = model.get_booster().inplace_predict(rows)
        if not np.isclose(found, expected, rtol=1e-5, atol=1e-6).all():
            raise SystemExit("they differ")


def prepare(folder: Path, trees: int, features: int, rows: int) -> None:
    """`folder` holds a model, its rows, and its graph."""
    import pandas as pd
    import pyarrow as pa
    from pyarrow import parquet
    from xgboost import XGBClassifier

    names = [f"f{index}" for index in range(features)]
    generator = np.random.default_rng(0)
    writer: Any = None
    for start in range(0, rows, BLOCK):
        values = generator.normal(size=(min(BLOCK, rows - start), features)).astype(np.float32)
        table = pa.table(dict(zip(names, values.T, strict=True)))
        writer = writer or parquet.ParquetWriter(folder / "rows.parquet", table.schema)
        writer.write_table(table)
    writer.close()
    sample = pd.DataFrame(generator.normal(size=(20_000, features)).astype(np.float32), columns=names)
    target = sample["f0"] * sample["f1"] + sample["f2"] > 0
    fitted = XGBClassifier(n_estimators=trees, max_depth=6, n_jobs=2, learning_rate=0.05).fit(sample, target)
    fitted.save_model(folder / "model.json")
    convert = (*ONNXPORT, "convert", folder / "model.json", "--sample", folder / "rows.parquet")
    subprocess.run((*convert, "--out", folder / "graph"), check=True, capture_output=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a command took: seconds, and MiB of it and its children at once."""

    seconds: float
    mebibytes: float


def cost_of(command: tuple[Any, ...]) -> Cost:
    """Run the command and watch it.

    Raises:
        SystemExit: It failed.
    """
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    most = 0
    while process.poll() is None:
        most = max(most, sum(resident(pid) for pid in family(process.pid)))
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"{command} left with {process.returncode}")
    return Cost(seconds=time.perf_counter() - start, mebibytes=most / (1 << 20))


def family(pid: int) -> list[int]:
    """The process and all below it."""
    try:
        children = [
            int(child)
            for file in Path(f"/proc/{pid}/task").glob("*/children")
            for child in file.read_text().split()
        ]
    except OSError:
        return [pid]
    return [pid, *(below for child in children for below in family(child))]


def resident(pid: int) -> int:
    """Bytes of memory that the process holds; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def measure(trees: int, features: int, rows: int) -> None:
    """Print one line of the table."""
    import json

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, trees, features, rows)
        hand = cost_of((sys.executable, __file__, "--by-hand", folder))
        against = ("--against", folder / "model.json", "--sample", folder / "rows.parquet")
        check = cost_of((*ONNXPORT, "check", folder / "graph", *against, "--json"))
        report = json.loads((folder / "graph" / "parity.json").read_text())
    probes = sum(report["probes"].values())
    cells = (
        f"{trees:,} trees x {features} features",
        f"{report['rows']:,}",
        f"{probes:,}",
        f"{check.seconds:.1f}",
        f"{hand.seconds:.1f}",
        f"{check.seconds / hand.seconds:.1f}",
        f"{check.mebibytes:,.0f}",
        f"{hand.mebibytes:,.0f}",
    )
    print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Print the table."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print("| model | rows | probes | check, s | by hand, s | ratio | check, MiB | by hand, MiB |")
    print("|---|---|---|---|---|---|---|---|")
    measure(100, 50, most)
    measure(1_000, 20, min(most, 20_000))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--by-hand"]:
        by_hand(Path(sys.argv[2]))
    else:
        main()
