"""Time and memory of conversion, side by side with what users would pick instead, each in a fresh process.

    python benchmarks/convert.py                     100x6 1000x6 5000x6 100x10 1000x10 forest
    python benchmarks/convert.py 100x6 5000x10       these sizes (trees x depth, all trees full); onnxmltools wants
                                                     5 minutes and 10 GB for 5000x10
    python benchmarks/convert.py forest              a random forest of about two million nodes

Time is processor time, which other work on the machine changes least (all converters use one thread): the best
of the runs that fit into ten seconds, after a small model has loaded all libraries. Memory is the peak of the
resident set during the first conversion, above what the process held before it, the model included.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOREST = "forest"
SIZES = ("100x6", "1000x6", "5000x6", "100x10", "1000x10", FOREST)
PATIENCE_S = 10.0
Convert = Callable[[Any], bytes]


def main(sizes: list[str]) -> None:
    """Print a line for each size."""
    print(f"{'model':>9} {'':12} {'seconds':>9} {'file MB':>9} {'peak MB':>9} {'peak/file':>9} {'faster':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            path = _make(size, Path(folder))
            other = "skl2onnx" if size == FOREST else "onnxmltools"
            theirs = _measured(other, size, path)
            ours = _measured("onnxport", size, path)
            for name, figures, faster in (
                (other, theirs, ""),
                ("onnxport", ours, f"{theirs['seconds'] / ours['seconds']:.0f} x"),
            ):
                ratio = figures["peak_mb"] / figures["file_mb"]
                print(
                    f"{size:>9} {name:12} {figures['seconds']:9.4f} {figures['file_mb']:9.2f} "
                    f"{figures['peak_mb']:9.1f} {ratio:9.1f} {faster:>8}",
                    flush=True,
                )


def _make(size: str, folder: Path) -> Path:
    """A file of that model, made by a process of its own."""
    path = folder / (f"{size}.pkl" if size == FOREST else f"{size}.ubj")
    subprocess.run([sys.executable, __file__, "make", size, str(path)], check=True)
    return path


def _measured(converter: str, size: str, path: Path) -> dict[str, float]:
    command = [sys.executable, "-W", "ignore", __file__, "measure", converter, size, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def make(size: str, path: Path) -> None:
    """Write the model of that size."""
    if size == FOREST:
        import joblib
        import numpy as np
        from sklearn.ensemble import RandomForestClassifier

        rng = np.random.default_rng(0)
        rows = rng.normal(size=(10_000, 20))
        model = RandomForestClassifier(n_estimators=500, random_state=0, n_jobs=2)
        joblib.dump(model.fit(rows, rng.integers(0, 2, len(rows))), path)
        return
    from full_forests import write_full_forest

    trees, _, depth = size.partition("x")
    write_full_forest(path, trees=int(trees), depth=int(depth))


def measure(converter: str, size: str, path: Path) -> None:
    """Print the figures of one converter on one model, as JSON."""
    load, convert = _converter(converter, forest=size == FOREST)
    with tempfile.TemporaryDirectory() as folder:
        if size == FOREST:
            from sklearn.ensemble import RandomForestClassifier

            convert(RandomForestClassifier(n_estimators=2).fit([[0.0] * 20, [1.0] * 20], [0, 1]))
        else:
            make("3x3", Path(folder) / "small.ubj")
            convert(load(Path(folder) / "small.ubj"))
    model = load(path)
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak is counted from here
    seconds, file_mb, peak = [], 0.0, 0.0
    while not seconds or sum(seconds) + seconds[-1] < PATIENCE_S:
        start = time.process_time()
        graph = convert(model)
        seconds.append(time.process_time() - start)
        file_mb = len(graph) / 1e6
        peak = peak or _resident("VmHWM") - before
        del graph
    print(json.dumps({"seconds": min(seconds), "file_mb": file_mb, "peak_mb": peak}))


def _converter(name: str, *, forest: bool) -> tuple[Callable[[Path], Any], Convert]:
    """How to load a model, and how to convert it."""
    if forest:
        import joblib

        load: Callable[[Path], Any] = joblib.load
    else:
        import xgboost

        def load(path: Path) -> xgboost.Booster:
            booster = xgboost.Booster()
            booster.load_model(path)
            return booster

    if name == "onnxport":
        return load, _ours(forest=forest)
    return load, _skl2onnx if forest else _onnxmltools


def _ours(*, forest: bool) -> Convert:
    import numpy as np
    import pandas as pd
    from onnxport.artifacts import OnnxArtifact, SourceModel, SourceReference
    from onnxport.exporters import ExportOptions, export

    names = [f"f{index}" for index in range(20)]
    sample = pd.DataFrame(np.zeros((2, 20)), columns=names)
    reference = SourceReference(uri="model", kind="joblib" if forest else "xgboost", sha256="0" * 64)

    def convert(model: object) -> bytes:
        result = export(SourceModel(reference=reference, model=model), sample, ExportOptions())
        if not isinstance(result, OnnxArtifact):
            raise TypeError(result)
        return result.model

    return convert


def _onnxmltools(model: object) -> bytes:
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    inputs = [("features", FloatTensorType([None, 20]))]
    return bytes(convert_xgboost(model, initial_types=inputs, target_opset=15).SerializeToString())


def _skl2onnx(model: object) -> bytes:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    inputs = [("features", FloatTensorType([None, 20]))]
    return bytes(to_onnx(model, initial_types=inputs, options={"zipmap": False}).SerializeToString())


def _resident(field: str) -> float:
    """`VmRSS` or `VmHWM` of this process, MB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) / 1e3


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", size, path]:
            make(size, Path(path))
        case ["measure", converter, size, path]:
            measure(converter, size, Path(path))
        case sizes:
            main(sizes or list(SIZES))
