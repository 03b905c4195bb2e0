"""The Azure ML scoring script, called as Azure ML calls it: `init` with the model's folder, `run` with paths."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from onnxport.artifacts import IntegrityError, ReleaseRef, UsageError

from tests.scoring.conftest import FEATURES, make_frame

if TYPE_CHECKING:
    from tests.scoring.conftest import Shop

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "azureml" / "batch_score.py"


@pytest.fixture
def script() -> Any:
    specification = importlib.util.spec_from_file_location("batch_score", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def model_dir(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that Azure ML mounts: the registered one lies below it."""
    shop.releases.pull(ReleaseRef.parse("risk"), tmp_path / "model" / "risk")
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(tmp_path / "model"))
    return tmp_path / "model"


@pytest.mark.usefixtures("model_dir")
def test_a_mini_batch_has_an_answer_for_each_row_of_each_file(shop: Shop, script: Any, tmp_path: Path) -> None:
    frames = [make_frame(70, seed=1), make_frame(30, seed=2)]
    frames[0].to_parquet(tmp_path / "a.parquet")
    frames[1].to_csv(tmp_path / "b.csv", index=False)
    script.init()
    found = script.run([str(tmp_path / "a.parquet"), str(tmp_path / "b.csv")])
    assert isinstance(found, pd.DataFrame)
    assert found["file"].tolist() == ["a.parquet"] * 70 + ["b.csv"] * 30
    assert found["id"].tolist() == [*range(70), *range(30)]
    expected = shop.risk.predict(pd.concat(frames)[list(FEATURES)])
    np.testing.assert_allclose(found["prediction"], expected, rtol=1e-5, atol=1e-6)


def test_a_changed_model_answers_nothing(script: Any, model_dir: Path) -> None:
    graph = model_dir / "risk" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError, match=r"model\.onnx is not what the manifest says"):
        script.init()


def test_a_folder_without_a_release_is_refused(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(tmp_path))
    with pytest.raises(UsageError, match="holds 0 releases"):
        script.init()


@pytest.mark.usefixtures("model_dir")
def test_a_file_that_does_not_fit_fails_its_mini_batch(script: Any, tmp_path: Path) -> None:
    make_frame(5).drop(columns="f3").to_parquet(tmp_path / "a.parquet")
    script.init()
    with pytest.raises(UsageError, match="missing columns: 'f3'"):
        script.run([str(tmp_path / "a.parquet")])
