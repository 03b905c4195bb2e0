"""The releases prove themselves again in Node, on the real onnxruntime-node, by the example that users copy."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "node-serving" / "dist" / "src" / "replay.js"


@pytest.fixture
def replay(node: str) -> Callable[[str], subprocess.CompletedProcess[str]]:
    def call(folder: str) -> subprocess.CompletedProcess[str]:
        command = [node, str(SCRIPT), str(Path(folder).resolve())]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=SCRIPT.parent)

    return call


def mixed(rows: Path) -> Path:
    """A pipeline over strings with missing values, numbers and integers."""
    import joblib
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from xgboost import XGBClassifier

    numbers, texts = ["amount", "days_to_close", "sentiment_score"], ["stage", "region"]
    frame = pd.read_parquet(rows)
    pipeline = make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            (OneHotEncoder(handle_unknown="ignore"), texts),
        ),
        XGBClassifier(n_estimators=10, max_depth=3, n_jobs=1),
    )
    pipeline.fit(frame[[*numbers, *texts]], frame["target_win"])
    joblib.dump(pipeline, "mixed.joblib")
    return Path("mixed.joblib")


@pytest.fixture(params=["bundle", "booster", "mixed"])
def release(request: pytest.FixtureRequest, legacy: Any, onnxport: Callable[..., Any]) -> str:
    """A pulled release of each kind of model."""
    source = mixed(legacy.sample) if request.param == "mixed" else getattr(legacy, request.param)
    arguments = [
        "export",
        source,
        "--allow-pickle",
        "--name",
        "model",
        "--sample",
        legacy.sample,
        "--store",
        "store",
    ]
    done = onnxport(*arguments)
    assert done.code == 0, done.err
    assert onnxport("pull", "model", "--store", "store", "--out", "release").code == 0
    return "release"


def test_node_answers_the_golden_rows_as_the_source_did(
    release: str,
    replay: Callable[[str], subprocess.CompletedProcess[str]],
) -> None:
    done = replay(release)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "model:1: 64 golden rows, 0 differences"


def test_node_finds_an_answer_that_is_not_the_source_s(
    legacy: Any,
    onnxport: Callable[..., Any],
    replay: Callable[[str], subprocess.CompletedProcess[str]],
) -> None:
    done = onnxport("export", legacy.booster, "--name", "model", "--sample", legacy.sample, "--store", "store")
    assert done.code == 0, done.err
    assert onnxport("pull", "model", "--store", "store", "--out", "release").code == 0
    golden = json.loads(Path("release/golden.json").read_text())
    golden["outputs"]["prediction"][3] += 0.001
    changed = json.dumps(golden).encode()
    Path("release/golden.json").write_bytes(changed)
    assert f"golden.json is {len(changed)} bytes with digest {digest_bytes(changed)}" in replay("release").stderr
    manifest = json.loads(Path("release/manifest.json").read_text())
    for entry in manifest["files"]:
        if entry["name"] == "golden.json":
            digest = digest_bytes(changed)
            entry.update(sha256=digest, path=f"objects/{digest}", size=len(changed))
    Path("release/manifest.json").write_text(json.dumps(manifest))
    replayed = replay("release")
    assert replayed.returncode == 1
    assert "model:1 does not answer its golden rows here: prediction of row 3: " in replayed.stderr
