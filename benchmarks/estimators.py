"""How many of scikit-learn's estimators answer the same from their graph: onnxport beside bare skl2onnx.

Run `python benchmarks/estimators.py`. Models and rows are those of tests/exporters/test_sklearn_estimators.py; a
transformer stands in front of a model. skl2onnx gets the rows as float32 and as float64, the better one counts. It
is asked about ordinary rows alone, onnxport about missing values, thresholds and extremes too.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import onnxruntime

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "exporters"))

from onnxport.exporters.from_sklearn.refusals import REASONS
from sklearn.base import is_classifier
from sklearn_estimators import TRAINED, estimators, features, models
from sklearn_parity import ATOL, RTOL, compare

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["exact", "wrong", "refused or failed"]


def main() -> None:
    """Print a line for each estimator on which the two differ, then the counts."""
    warnings.simplefilter("ignore")
    onnxruntime.set_default_logger_severity(4)
    counts: dict[str, Counter[str]] = {"onnxport": Counter(), "skl2onnx": Counter()}
    names = sorted(estimators())
    for name in names:
        ours, theirs = onnxport(name), skl2onnx(name)
        counts["onnxport"][ours] += 1
        counts["skl2onnx"][theirs] += 1
        if ours != theirs:
            print(f"{name:32} onnxport: {ours:18} skl2onnx: {theirs}", flush=True)
    for tool, found in counts.items():
        print(f"{tool}: " + ", ".join(f"{count} {verdict}" for verdict, count in found.most_common()))


def onnxport(name: str) -> Verdict:
    """What the tests say, on rows of all kinds."""
    if name in REASONS:
        return "refused or failed"
    rows = features(name)
    fine = all(compare(model, rows[:TRAINED], rows[TRAINED:]).wrong == 0 for model in models(name))
    return "exact" if fine else "wrong"


def skl2onnx(name: str) -> Verdict:
    """The better verdict of both precisions on the rows that were not trained on."""
    try:
        rows, found = features(name), models(name)
    except Exception:  # ruff: ignore[BLE001] - it cannot be fitted here
        return "refused or failed"
    each = [_worst([_usual(model, rows, dtype) for model in found]) for dtype in ("float32", "float64")]
    return "exact" if "exact" in each else "wrong" if "wrong" in each else "refused or failed"


def _worst(verdicts: list[Verdict]) -> Verdict:
    return next((verdict for verdict in ("wrong", "refused or failed") if verdict in verdicts), "exact")


def _usual(model: Any, rows: pd.DataFrame, dtype: str) -> Verdict:  # ruff: ignore[ANN401] - an estimator
    import skl2onnx

    numbers = all(kind.kind in "fiub" for kind in rows.dtypes)
    asked = rows[TRAINED:]
    try:
        options = {"zipmap": False} if hasattr(model, "predict_proba") else None
        first = rows[:1].to_numpy(dtype) if numbers else rows[:1]
        graph = skl2onnx.to_onnx(model, first, options=options, target_opset={"": 18, "ai.onnx.ml": 3})
        session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
        inputs = session.get_inputs()
        matrix = {inputs[0].name: asked.to_numpy(dtype)}
        feeds = matrix if numbers else {one.name: asked[[one.name]].to_numpy() for one in inputs}
        outputs = session.run(None, feeds)
    except Exception:  # ruff: ignore[BLE001] - the converter's and the runtime's errors have no common base
        return "refused or failed"
    methods = ["predict", "predict_proba"] if is_classifier(model) else ["predict"]
    expected = [np.asarray(getattr(model, method)(asked)) for method in methods if hasattr(model, method)]
    return "exact" if all(map(_alike, outputs, expected)) else "wrong"


def _alike(found: Any, expected: Any) -> bool:  # ruff: ignore[ANN401] - arrays
    found = np.asarray(found).reshape(expected.shape) if np.size(found) == expected.size else np.asarray(found)
    if found.shape != expected.shape:
        return False
    if expected.dtype.kind == "f" and found.dtype.kind == "f":
        return bool(np.isclose(found, expected, rtol=RTOL, atol=ATOL, equal_nan=True).all())
    return bool((found.astype(str) == expected.astype(str)).all())


if __name__ == "__main__":
    main()
