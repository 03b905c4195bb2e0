"""Small drafts, stores of each kind, and releases on them."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import (
    Conversion,
    ConversionPlan,
    Golden,
    Graph,
    InputColumn,
    Missing,
    OutputTensor,
    ParityReport,
    Signature,
    SourceReference,
    Tolerance,
    Tolerances,
    Verdict,
    digest_bytes,
)
from onnxport.releases import Draft, Releases
from onnxport.storage import BlobStore, MemoryStore, Patience, StoreAccess, open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOLERANCE = Tolerance(atol=1e-6, rtol=1e-6, reason="float32")
HASTY = Patience(attempts=3, connect_seconds=2.0, read_seconds=5.0, pause_seconds=0.01)

Drafted = tuple[Draft, dict[str, bytes]]


def make_draft(seed: int, name: str = "win-probability", source: int | None = None, size: int = 0) -> Drafted:
    """A draft whose graph is made of `seed`, with its files; what is in the graph matters to nobody here."""
    graph = b"graph %d" % seed + random.Random(seed).randbytes(size)  # ruff: ignore[S311] - test data
    reference = SourceReference(
        uri="model.json", kind="xgboost", sha256=digest_bytes(b"source %d" % (seed if source is None else source))
    )
    prediction = OutputTensor(name="prediction", dtype="float32", shape=(None,))
    column = InputColumn(
        name="amount",
        tensor="features",
        dtype="float32",
        shape=(None, 1),
        missing=Missing(allowed=True, encoding="nan"),
    )
    opsets = {"": 17, "ai.onnx.ml": 3}
    conversion = Conversion(
        sha256=digest_bytes(graph),
        source=reference,
        signature=Signature(layout="matrix", inputs=(column,), outputs=(prediction,)),
        plan=ConversionPlan(
            exporter="xgboost",
            layout="all float32",
            steps=(),
            opsets=opsets,
            ir_version=8,
            runtime="onnxruntime>=1.17",
        ),
        graph=Graph(opsets=opsets, ir_version=8, min_onnxruntime="1.17"),
        packages={"xgboost": "3.0.0"},
    )
    report = ParityReport(
        graph_sha256=conversion.sha256,
        source_sha256=reference.sha256,
        passed=True,
        rows=1000,
        probes={"sample": 1000},
        seed=0,
        tolerances=Tolerances(probabilities=TOLERANCE, prediction=TOLERANCE),
        verdicts=(Verdict(name="prediction", passed=True, compared=1000, failed=0, worst=0.0, allowed="1e-6"),),
        worst=0.0,
    )
    golden = Golden(rows=({"amount": 1.0},), outputs={"prediction": [0.5]}, tolerance={"prediction": TOLERANCE})
    files = {"model.onnx": graph, "golden.json": golden.to_bytes(), "parity.html": b"<p>%d</p>" % seed}
    return Draft(name=name, conversion=conversion, report=report, tool="onnxport 0.1.0"), files


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def draft() -> Callable[..., Drafted]:
    """What makes drafts."""
    return make_draft


@pytest.fixture(params=["local", pytest.param("azure", marks=pytest.mark.azurite)])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, StoreAccess]:
    """An empty store that other processes can open too."""
    if request.param == "local":
        return str(tmp_path / "store"), StoreAccess()
    azurite: Any = request.getfixturevalue("azurite")
    return f"{azurite.url}/r-{uuid.uuid4().hex}", StoreAccess(account_key=azurite.account_key, patience=HASTY)


@pytest.fixture
def store(location: tuple[str, StoreAccess]) -> BlobStore:
    """An empty store that other processes can open too."""
    return open_store(*location)


@pytest.fixture
def on() -> Callable[..., Releases]:
    """What makes the releases on a store."""

    def make(store: BlobStore, actor: str = "tester", clock: Callable[[], datetime] = now) -> Releases:
        return Releases(store=store, clock=clock, actor=actor)

    return make


@pytest.fixture
def releases(on: Callable[..., Releases]) -> Releases:
    """Releases in memory."""
    return on(MemoryStore())
