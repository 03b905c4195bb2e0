"""The graphs load and answer the same in the oldest runtime that they promise: really installed, not assumed."""

from __future__ import annotations

import subprocess
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from exporting import exported, session
from onnxport.sources import rows_of
from sklearn_data import TRAINED, frame
from sklearn_wholes import cases
from test_xgboost_node import NAMES
from xgboost_cases import CASES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onnxport.artifacts import OnnxArtifact

ROOT = Path(__file__).resolve().parents[2]
FLOOR = ROOT / ".venv-floor" / "bin" / "python"
ROWS = 200


def of_xgboost() -> Iterator[tuple[str, OnnxArtifact, Any]]:
    for name in NAMES:
        model, rows = CASES[name]()
        rows = rows.head(ROWS)
        yield name, exported(model, rows), rows


def of_sklearn() -> Iterator[tuple[str, OnnxArtifact, Any]]:
    data = frame()
    for name, (model, columns, target) in cases().items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(data[columns][:TRAINED], data[target][:TRAINED])
            artifact = exported(model, data[columns][:TRAINED])
        yield name, artifact, data[columns][TRAINED:].head(ROWS)


@pytest.mark.parametrize("graphs", [of_xgboost, of_sklearn], ids=["XGBoost", "scikit-learn"])
def test_the_oldest_runtime_answers_as_the_newest_does(
    graphs: Callable[[], Iterator[tuple[str, OnnxArtifact, Any]]],
    tmp_path: Path,
) -> None:
    assert FLOOR.is_file(), "the oldest runtime is not installed: run `make parts`"
    wanted: dict[str, tuple[str, dict[str, Any]]] = {}
    for index, (name, artifact, rows) in enumerate(graphs()):
        feeds = artifact.conversion.signature.feeds(rows_of(rows))
        (tmp_path / f"{index}.onnx").write_bytes(artifact.model)
        plain = {key: value.astype(str) if value.dtype == object else value for key, value in feeds.items()}
        np.savez(tmp_path / f"{index}.npz", **plain)
        newest = session(artifact.model)
        outputs = [output.name for output in newest.get_outputs()]
        wanted[str(index)] = name, dict(zip(outputs, newest.run(outputs, feeds), strict=True))
    script = Path(__file__).with_name("run_on_floor.py")
    done = subprocess.run([FLOOR, script, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(("1.17.", "1.20."))
    for index, (name, answers) in wanted.items():
        found = np.load(tmp_path / f"{index}.answers.npz")
        for output, values in answers.items():
            if values.dtype.kind == "f":
                np.testing.assert_allclose(
                    found[output], values, rtol=1e-6, atol=1e-9, err_msg=f"{name}: {output}"
                )
            else:
                np.testing.assert_array_equal(found[output], values.astype(found[output].dtype), err_msg=name)
