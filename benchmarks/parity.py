"""What a parity check costs, beside the two lines that a user would write instead.

Run `python benchmarks/parity.py [ROWS]` (default 1,000,000, of 50 features). Two models: 100 trees against ROWS
streamed rows, and 1,000 trees against 20,000 rows with every threshold probe. The memory is this process's peak.
"""

from __future__ import annotations

import resource
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pandas as pd
from onnxport.artifacts import OnnxArtifact, PostProcessing, SourceModel, SourceReference
from onnxport.exporters import ExportOptions, export
from onnxport.sources import rows_of, scorer
from onnxport.validation import check
from xgboost import XGBClassifier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnxport.artifacts import Rows

CHUNK = 50_000
REFERENCE = SourceReference(uri="benchmark.ubj", kind="xgboost", sha256="0" * 64)


def frame(rows: int, features: int, seed: int) -> pd.DataFrame:
    """Normal columns named `f0`, `f1` and so on."""
    values = np.random.default_rng(seed).normal(size=(rows, features)).astype(np.float32)
    return pd.DataFrame(values, columns=[f"f{index}" for index in range(features)])


def chunks(rows: int, features: int) -> Iterator[Rows]:
    """`rows` rows, a chunk at a time."""
    for seed in range(0, rows, CHUNK):
        yield rows_of(frame(min(CHUNK, rows - seed), features, seed))


def model(trees: int, features: int) -> tuple[XGBClassifier, OnnxArtifact]:
    """A classifier of that size, with its graph."""
    sample = frame(20_000, features, 1)
    target = sample["f0"] * sample["f1"] + sample["f2"] > 0
    fitted = XGBClassifier(n_estimators=trees, max_depth=6, n_jobs=2, learning_rate=0.05).fit(sample, target)
    artifact = export(SourceModel(reference=REFERENCE, model=fitted), sample, ExportOptions())
    if not isinstance(artifact, OnnxArtifact):
        raise SystemExit(artifact.reason)
    return fitted, artifact


def by_hand(fitted: XGBClassifier, artifact: OnnxArtifact, rows: pd.DataFrame) -> bool:
    """Predict on random rows with both, and compare: no threshold, no missing value, no single row."""
    session = onnxruntime.InferenceSession(artifact.model)
    (found,) = session.run(["probabilities"], {"features": rows.to_numpy()})
    return bool(np.isclose(found, fitted.predict_proba(rows), rtol=1e-5, atol=1e-6).all())


def measure(name: str, trees: int, features: int, rows: int) -> None:
    """Print one line of the table."""
    fitted, artifact = model(trees, features)
    start = time.perf_counter()
    for seed in range(0, rows, CHUNK):
        by_hand(fitted, artifact, frame(min(CHUNK, rows - seed), features, seed))
    hand = time.perf_counter() - start
    source = SourceModel(reference=REFERENCE, model=fitted)
    predict = scorer(source, frame(100, features, 0), artifact.conversion.signature, PostProcessing())
    start = time.perf_counter()
    report = check(predict, artifact, chunks(rows, features))
    took = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    probes = sum(report.probes.values()) - report.probes.get("sample", 0)
    verdict = "passed" if report.passed else "FAILED"
    cells: tuple[Any, ...] = (name, f"{rows:,}", f"{probes:,}", verdict, f"{took:.1f}", f"{hand:.1f}")
    print("| " + " | ".join(map(str, cells)) + f" | {took / hand:.1f} | {peak:,.0f} |")


if __name__ == "__main__":
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print("| model | rows | probes | verdict | check, s | by hand, s | ratio | peak MiB |")
    print("|---|---|---|---|---|---|---|---|")
    measure("100 trees x 50 features", 100, 50, most)
    measure("1,000 trees x 20 features", 1000, 20, 20_000)
