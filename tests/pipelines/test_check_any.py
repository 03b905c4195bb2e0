"""`check` on any pair: graphs of other converters against models, and graphs against graphs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

COLUMNS = ["amount in €", "age", "score"]
FLOAT32 = ("--tolerance", "float32.yaml")  # skl2onnx's Sigmoid rounds small probabilities to steps of 6e-8


@pytest.fixture
def logistic(tmp_path: Path, onnxport: Callable[..., Any]) -> tuple[Path, Path, Any]:
    """A classifier on disk, the rows it was trained on, and itself."""
    assert onnxport  # it has changed into the folder of the test
    import joblib
    from sklearn.linear_model import LogisticRegression

    frame = pd.DataFrame(np.random.default_rng(5).normal(size=(1200, 3)), columns=COLUMNS)
    model = LogisticRegression().fit(frame, (frame["age"] + frame["score"] > 0).astype(int))
    joblib.dump(model, tmp_path / "model.joblib")
    frame.to_parquet(tmp_path / "rows.parquet")
    Path("float32.yaml").write_text("probabilities: {atol: 1.0e-6, rtol: 1.0e-5, reason: float32 Sigmoid}")
    return tmp_path / "model.joblib", tmp_path / "rows.parquet", model


def foreign(model: Any, path: Path, **options: Any) -> Path:
    """What skl2onnx makes of the model: another input name, other output names, a ZipMap unless told otherwise."""
    from skl2onnx import to_onnx

    graph = to_onnx(model, np.zeros((1, 3), np.float32), target_opset=17, options=options.get("options"))
    path.write_bytes(graph.SerializeToString())
    return path


def test_a_good_graph_of_another_converter_passes(
    logistic: tuple[Path, Path, Any], onnxport: Callable[..., Any]
) -> None:
    source, rows, model = logistic
    graph = foreign(model, Path("other.onnx"))
    done = onnxport("check", graph, "--against", source, "--sample", rows, "--allow-pickle", *FLOAT32, "--json")
    assert done.code == 0, done.err
    assert done.document["rows"] == 1200
    assert Path("parity.html").is_file()


def test_a_wrong_graph_of_another_converter_fails(
    logistic: tuple[Path, Path, Any], onnxport: Callable[..., Any]
) -> None:
    source, rows, model = logistic
    model.coef_ = model.coef_ * 1.001
    graph = foreign(model, Path("other.onnx"))
    done = onnxport(
        "check", graph, "--against", source, "--sample", rows, "--allow-pickle", "--out", "report", "--json"
    )
    assert done.code == 3
    assert "probabilities" in done.document["error"]["message"]
    assert Path("report/parity.json").is_file()


def test_two_graphs_are_compared(logistic: tuple[Path, Path, Any], onnxport: Callable[..., Any]) -> None:
    _, rows, model = logistic
    one = foreign(model, Path("one.onnx"))
    other = foreign(model, Path("other.onnx"), options={"zipmap": False})
    assert onnxport("check", one, "--against", other, "--sample", rows, *FLOAT32, "--json").code == 0
    model.intercept_ = model.intercept_ + 0.01
    foreign(model, Path("other.onnx"))
    assert onnxport("check", one, "--against", other, "--sample", rows, *FLOAT32, "--json").code == 3


@pytest.mark.parametrize(("content", "said"), [(b"", "no valid ONNX graph"), (b"hello", "no valid ONNX graph")])
def test_what_is_no_graph_is_said_so(
    logistic: tuple[Path, Path, Any],
    onnxport: Callable[..., Any],
    content: bytes,
    said: str,
) -> None:
    source, rows, _ = logistic
    Path("other.onnx").write_bytes(content)
    done = onnxport("check", "other.onnx", "--against", source, "--sample", rows, "--allow-pickle", "--json")
    assert done.code == 7
    assert said in done.document["error"]["message"]


def test_a_graph_with_other_columns_is_refused(
    logistic: tuple[Path, Path, Any], onnxport: Callable[..., Any]
) -> None:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    source, rows, model = logistic
    inputs = [(name, FloatTensorType([None, 1])) for name in ("a", "b", "c")]
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline

    frame = pd.DataFrame(np.eye(3), columns=["a", "b", "c"])
    passing = ColumnTransformer([("all", "passthrough", ["a", "b", "c"])])
    pipeline = make_pipeline(passing, type(model)()).fit(frame, [0, 1, 1])
    Path("other.onnx").write_bytes(to_onnx(pipeline, initial_types=inputs).SerializeToString())
    done = onnxport("check", "other.onnx", "--against", source, "--sample", rows, "--allow-pickle", "--json")
    assert done.code == 2
    assert "amount in €" in done.document["error"]["message"]
