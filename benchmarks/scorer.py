"""One row through the Python API beside a bare `session.run` of the same graph.

    python benchmarks/scorer.py

The model of benchmarks/serving.py; 4,096 different rows in turn, since the same row again and again runs a third
faster (branch prediction). All ways take turns in each round; the table holds the fastest round of each, and the
ratio's median over the rounds.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from serving import FEATURES, make

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS, ROUNDS = 4096, 15


def main() -> None:
    """Print what a row costs each way."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, 1, mlflow=False)
        ways = _ways(folder)
        took: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way, (call, given) in ways.items():
                start = time.process_time()
                for one in given:
                    call(one)
                took[way].append((time.process_time() - start) / ROWS * 1e6)
    bare = next(iter(took.values()))
    for way, rounds in took.items():
        ratio = statistics.median(one / other for one, other in zip(rounds, bare, strict=True))
        print(f"{way:44} {min(rounds):6.1f} us {ratio:6.2f} x")


def _ways(folder: Path) -> dict[str, tuple[Callable[[Any], Any], list[Any]]]:
    import onnxruntime
    from onnxport.serving import Scorer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(folder / "pulled" / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    scorer = Scorer.open(folder / "store", "bench@production")
    matrix = np.random.default_rng(1).normal(size=(ROWS, 1, len(FEATURES))).astype(np.float32)
    records: list[Any] = [[dict(zip(FEATURES, row[0].tolist(), strict=True))] for row in matrix]
    return {
        "session.run, a matrix that is there already": (
            lambda row: session.run(["label", "probabilities"], {"features": row}),
            list(matrix),
        ),
        "session.run, a matrix made of a record": (
            lambda record: session.run(
                ["label", "probabilities"],
                {"features": np.array([[record[0][name] for name in FEATURES]], dtype=np.float32)},
            ),
            records,
        ),
        "Scorer.score, a record": (scorer.score, records),
        "Scorer.score_matrix, a matrix": (scorer.score_matrix, list(matrix)),
    }


if __name__ == "__main__":
    main()
