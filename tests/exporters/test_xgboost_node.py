"""The graphs answer in onnxruntime-node to the last bit as in Python."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from exporting import exported
from onnxport.sources import rows_of
from xgboost_cases import CASES
from xgboost_parity import Graph

if TYPE_CHECKING:
    from onnxport.artifacts import Column

ROOT = Path(__file__).resolve().parents[2]
NAMES = (
    "binary, early stopping, 4 parallel trees",
    "binary, gblinear",
    "classes, softmax",
    "labels, multi_output_tree",
    "several targets, dart",
    "Tweedie",
    "quantiles",
    "missing -999",
    "names with blanks and accents",
    "categories, large sets",
    "categories, binary",
    "categories with accents",
    "Booster, multi:softmax",
)


def packed(values: Column) -> dict[str, Any]:
    if values.dtype == object:
        return {"type": "string", "dims": values.shape, "data": values.ravel().tolist()}
    data = base64.b64encode(values.astype(values.dtype.newbyteorder("<")).tobytes()).decode()
    return {"type": str(values.dtype), "dims": values.shape, "data": data}


def unpacked(value: dict[str, Any]) -> Column:
    return np.frombuffer(base64.b64decode(value["data"]), dtype=value["type"]).reshape(value["dims"])


def test_node_answers_to_the_last_bit_as_python_does(node: str, tmp_path: Path) -> None:
    jobs, wanted = [], []
    for index, name in enumerate(NAMES):
        model, frame = CASES[name]()
        rows = frame.head(200)
        artifact = exported(model, rows)
        path = tmp_path / f"{index}.onnx"
        path.write_bytes(artifact.model)
        feeds = artifact.conversion.signature.feeds(rows_of(rows))
        jobs.append({"model": str(path), "feeds": {key: packed(value) for key, value in feeds.items()}})
        wanted.append({key: value for key, value in Graph(artifact).run(rows).items() if key != "margin"})
    (tmp_path / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
    script = Path(__file__).with_name("run_graphs.js")
    done = subprocess.run(
        [node, str(script), str(tmp_path / "jobs.json")],
        env={"NODE_PATH": str(ROOT / "node_modules")},
        check=True,
        capture_output=True,
        text=True,
    )
    for name, found, expected in zip(NAMES, json.loads(done.stdout), wanted, strict=True):
        assert found.keys() == expected.keys()
        for output, values in expected.items():
            assert np.array_equal(unpacked(found[output]), values), (name, output)
