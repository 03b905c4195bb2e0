"""Which engine answers, and why: both must give the same, then the faster one takes it all."""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Literal

from onnxport.artifacts import (
    GOLDEN_FILE,
    SOURCE_FILE,
    Document,
    Golden,
    IntegrityError,
    OnnxportError,
    ParityFailed,
    UsageError,
)
from onnxport.validation import outputs_agree, replay_golden
from pydantic import Field

from .engines import kept_engine, open_engine
from .job import EngineName

if TYPE_CHECKING:
    from pathlib import Path

    from onnxport.artifacts import Manifest, Predict, Rows


Wanted = Literal["auto", "onnx", "xgboost"]
SAMPLE_ROWS: Final = 1 << 14
_TIMED_ROWS: Final = 1 << 12
_ROUNDS: Final = 3


class Choice(Document):
    """Which engine answers.

    Attributes:
        name: `onnx` or `xgboost`.
        why: A sentence.
        proven_rows: How many rows both engines answered alike, golden ones among them; 0 where one was asked.
        rows_per_second: What each engine did on one thread, where they were measured.
    """

    name: EngineName
    why: str
    proven_rows: int = 0
    rows_per_second: dict[str, int] = Field(default_factory=dict)


def choose(wanted: Wanted, release: Path, manifest: Manifest, rows: Rows) -> Choice:
    """The engine for the release in the folder `release`; the graph has answered its golden rows here.

    Args:
        wanted: What the user asked for.
        release: Folder with the release's files.
        manifest: The release.
        rows: The first rows of the data.

    Raises:
        IntegrityError: The graph does not answer its golden rows on this machine.
        UsageError: `xgboost` was asked for, and the release carries no booster, or XGBoost is not installed.
        ParityFailed: `xgboost` was asked for, and it does not answer as the graph does.
    """
    golden = Golden.parse((release / GOLDEN_FILE).read_bytes(), name=GOLDEN_FILE)
    graph = open_engine("onnx", release, manifest)
    if differences := replay_golden(golden, graph):
        raise IntegrityError(
            f"{manifest.model.name}:{manifest.model.version}: on this machine the graph does not answer its "
            f"golden rows: {differences[0]}",
            hint="Compare this machine's onnxruntime with `graph.min_onnxruntime` in the manifest.",
        )
    if wanted == "onnx":
        return Choice(name="onnx", why="asked for")
    absent = _absent(manifest)
    if absent:
        if wanted == "xgboost":
            raise UsageError(f"the engine xgboost cannot be used: {absent}", hint=_HINT)
        return Choice(name="onnx", why=absent)
    problem, booster = _proven(golden, graph, rows, release=release, manifest=manifest)
    if booster is None:
        if wanted == "xgboost":
            raise ParityFailed(f"the engine xgboost cannot be used: {problem}", hint="Use --engine onnx.")
        return Choice(name="onnx", why=f"XGBoost's own predictor was left out: {problem}")
    proven = len(golden.rows) + len(rows)
    if wanted == "xgboost":
        return Choice(name="xgboost", why="asked for", proven_rows=proven)
    return _faster(graph, booster, rows, proven)


def likely(wanted: Wanted, manifest: Manifest) -> EngineName:
    """What `choose` will say, unless the engines disagree or the graph is faster."""
    return "onnx" if wanted == "onnx" or _absent(manifest) else "xgboost"


_HINT: Final = "Publish the release with --with-source, and install it: pip install 'onnxport[export]'."


def _absent(manifest: Manifest) -> str:
    """Why there is no booster to ask; empty where there is one."""
    if all(entry.name != SOURCE_FILE for entry in manifest.files):
        return f"the release carries no {SOURCE_FILE}"
    if find_spec("xgboost") is None:
        return "xgboost is not installed"
    return ""


def _proven(
    golden: Golden, graph: Predict, rows: Rows, *, release: Path, manifest: Manifest
) -> tuple[str, Predict | None]:
    """The booster, where it answers the golden rows and `rows` as the graph does; else why not."""
    try:
        booster = kept_engine("xgboost", release, manifest)
        differences = replay_golden(golden, booster)
        if not differences and len(rows):
            differences = outputs_agree(graph(rows), booster(rows), manifest.parity.tolerances)
    except OnnxportError as error:
        return error.message, None
    return (differences[0], None) if differences else ("", booster)


def _faster(graph: Predict, booster: Predict, rows: Rows, proven: int) -> Choice:
    if not len(rows):
        return Choice(name="onnx", why="there are no rows to measure on", proven_rows=proven)
    timed = rows.take(slice(0, _TIMED_ROWS))
    speeds = {"onnx": 0, "xgboost": 0}
    for _ in range(_ROUNDS):  # in turn: what the machine does beside hits both
        speeds["onnx"] = max(speeds["onnx"], _speed(graph, timed))
        speeds["xgboost"] = max(speeds["xgboost"], _speed(booster, timed))
    name: EngineName = "xgboost" if speeds["xgboost"] > speeds["onnx"] else "onnx"
    other = "onnx" if name == "xgboost" else "xgboost"
    return Choice(
        name=name,
        why=f"both answer alike; {speeds[name]:,} rows/s on one thread against {speeds[other]:,} of {other}",
        proven_rows=proven,
        rows_per_second=speeds,
    )


def _speed(engine: Predict, rows: Rows) -> int:
    """Rows a second."""
    start = time.perf_counter()
    engine(rows)
    return round(len(rows) / (time.perf_counter() - start))
