"""What a release costs beside its source: latency, load time, size and memory, each in a fresh process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnxport.artifacts import GOLDEN_FILE, MODEL_FILE, Golden, UsageError, tiled
from onnxport.sources import bring, frame_of, open_sample, read_sample, rows_of
from onnxport.validation import golden_rows, open_graph

from .isolation import Sampled, open_apart

if TYPE_CHECKING:
    import pandas as pd
    from onnxport.artifacts import Column, Manifest, Progress, ReleaseRef, Rows
    from onnxport.releases import Releases
    from onnxport.sources import SourceAccess

REPEATS: Final = {1: 500, 10: 300, 100: 200, 1000: 60}
"""Calls for each number of rows."""
_WARMUP: Final = 5
_ROWS: Final = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Of calls with so many rows, microseconds.

    Attributes:
        rows: Rows in a call.
        p50_us: The median.
        p95_us: 95th percentile.
        p99_us: 99th percentile.
    """

    rows: int
    p50_us: float
    p95_us: float
    p99_us: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one side costs, in a process that does nothing else.

    Attributes:
        name: The release, or the source.
        load_ms: Time to open the model, its libraries already imported, milliseconds.
        bytes: Size of the model's files.
        resident_mb: Resident memory of the process after the calls, libraries and all, MiB.
        latencies: One for each number of rows.
    """

    name: str
    load_ms: float
    bytes: int
    resident_mb: float
    latencies: tuple[Latency, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchJob:
    """What to measure.

    Attributes:
        reference: The release.
        against: The source, or `None`.
        access: How the source may be opened.
        sample: File with rows; `None` takes the release's golden rows, again and again.
    """

    reference: ReleaseRef
    against: str | None
    access: SourceAccess
    sample: Path | None


def bench(job: BenchJob, releases: Releases, progress: Progress) -> tuple[Manifest, list[Cost]]:
    """What the release costs, and its source after it where one is named.

    Raises:
        UsageError: There is no such release, or the sample does not fit it.
        OnnxportError: The source cannot be opened; the class says why.
    """
    sides = 1 + (job.against is not None)
    with TemporaryDirectory(prefix="onnxport-") as scratch:
        folder = Path(scratch)
        manifest = releases.pull(job.reference, folder)
        model = (folder / MODEL_FILE).read_bytes()
        golden = golden_rows(Golden.parse((folder / GOLDEN_FILE).read_bytes(), name=GOLDEN_FILE))
        rows = golden if job.sample is None else rows_of(read_sample(job.sample, _ROWS))
        rows = rows.select(manifest.signature.columns)
        if not len(rows):
            raise UsageError("there are no rows to measure with", hint="Give some with --sample DATA.")
        progress.step("measured", 0, sides)
        costs = [_graph_cost(manifest, model, tiled(rows, _ROWS))]
        progress.step("measured", 1, sides)
        if job.against is not None:
            _golden_frame(golden, manifest).to_parquet(folder / "rows.parquet")
            costs.append(_source_cost(job, manifest, folder))
            progress.step("measured", 2, sides)
    return manifest, costs


def _graph_cost(manifest: Manifest, model: bytes, rows: Rows) -> Cost:
    with open_graph(model, manifest.signature) as graph:
        found = [
            _latency(batch, graph.latencies(rows, warmup=_WARMUP, repeats=repeats, batch=batch)["latencies"])
            for batch, repeats in REPEATS.items()
        ]
        return Cost(
            name=f"{manifest.model.name}:{manifest.model.version}",
            load_ms=graph.load_ms,
            bytes=len(model),
            resident_mb=graph.resident_mb,
            latencies=tuple(found),
        )


def _source_cost(job: BenchJob, manifest: Manifest, folder: Path) -> Cost:
    """Measured in a process of its own, as pickles are opened: nothing of this one is in its memory."""
    sample = folder / "rows.parquet" if job.sample is None else job.sample
    columns = manifest.signature.columns
    with bring(job.against or "", job.access) as brought:
        sampled = Sampled(sample=open_sample(sample, _ROWS), path=sample, limit=_ROWS, features=columns)
        with open_apart(brought, sampled, job.access) as opened:
            asked: dict[str, Any] = {
                "signature": manifest.signature.to_bytes().decode(),
                "rows": _ROWS,
                "warmup": _WARMUP,
            }
            found, memory = [], 0.0
            for batch, repeats in REPEATS.items():
                answer, arrays = opened.apart.ask("time", **asked, batch=batch, repeats=repeats)
                found.append(_latency(batch, arrays["latencies"]))
                memory = float(answer["resident_mb"])
            load_ms = float(opened.apart.ask("load")[0]["load_ms"])
        return Cost(
            name=brought.reference.uri,
            load_ms=load_ms,
            bytes=_size(brought.root),
            resident_mb=memory,
            latencies=tuple(found),
        )


def _size(root: Path) -> int:
    files = [root] if root.is_file() else [path for path in root.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files)


def _golden_frame(rows: Rows, manifest: Manifest) -> pd.DataFrame:
    """The golden rows with the categories that the model knows, as a scoring script would give them to it."""
    frame = frame_of(rows)
    for column in manifest.signature.inputs:
        if column.categories is not None:
            frame[column.name] = frame[column.name].astype("category").cat.set_categories(list(column.categories))
    return frame


def _latency(rows: int, found: Column) -> Latency:
    p50, p95, p99 = np.percentile(found, [50, 95, 99]).tolist()
    return Latency(rows=rows, p50_us=round(p50, 1), p95_us=round(p95, 1), p99_us=round(p99, 1))
