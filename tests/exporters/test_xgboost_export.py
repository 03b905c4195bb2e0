"""The artifact around an XGBoost model: names, categories, plan, metadata, bounds, the same bytes every time."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from exporting import exported
from onnxport.artifacts import OnnxArtifact, digest_bytes
from onnxport.exporters import ExportOptions
from onnxport.exporters.assemble import new_builder
from onnxport.exporters.from_xgboost import add_booster
from xgboost_cases import CASES
from xgboost_models import with_categories
from xgboost_parity import Graph

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

_EXPORT_ALL = """
import pickle, sys
from pathlib import Path
from onnxport.artifacts import SourceModel, SourceReference
from onnxport.exporters import ExportOptions, export
reference = SourceReference(uri="model.json", kind="xgboost", sha256="0" * 64)
for model, sample in pickle.loads(Path(sys.argv[1]).read_bytes()):
    print(export(SourceModel(reference=reference, model=model), sample, ExportOptions()).conversion.sha256)
"""


def test_two_processes_make_the_same_bytes(tmp_path: Path) -> None:
    cases = [CASES[name]() for name in ("binary", "categories, large sets", "several targets, gblinear")]
    samples = [(model, frame.head(20)) for model, frame in cases]
    path = tmp_path / "models.pkl"
    path.write_bytes(pickle.dumps(samples))
    here = [exported(model, sample).conversion.sha256 for model, sample in samples]
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", _EXPORT_ALL, str(path)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        )
        assert done.stdout.split() == here


def test_numbers_enter_as_one_float32_matrix_under_their_real_names() -> None:
    model, frame = CASES["names with blanks and accents"]()
    signature = exported(model, frame).conversion.signature
    assert signature.layout == "matrix"
    assert signature.columns == tuple(frame.columns)
    assert {(column.tensor, column.dtype, column.shape) for column in signature.inputs} == {
        ("features", "float32", (None, 6))
    }
    assert all(column.missing.allowed for column in signature.inputs)


def test_categories_enter_as_they_are() -> None:
    model, frame = CASES["categories, partitions"]()
    signature = exported(model, frame).conversion.signature
    assert signature.layout == "columns"
    stage, number = signature.inputs[2], signature.inputs[4]
    assert (stage.dtype, stage.categories) == ("string", tuple(frame["stage0"].cat.categories))
    assert (number.dtype, number.categories) == ("float64", tuple(frame["number"].cat.categories))
    assert (stage.missing.encoding, number.missing.encoding) == ("", "nan")


def test_a_column_named_like_an_output_gets_another_tensor() -> None:
    model, frame = with_categories()()
    renamed = frame.rename(columns={"x": "prediction", "stage0": "label"})
    model.get_booster().feature_names = list(renamed.columns)
    artifact = exported(model, renamed)
    assert [column.tensor for column in artifact.conversion.signature.inputs][:3] == [
        "input:prediction",
        "y",
        "input:label",
    ]
    assert len(Graph(artifact).run(renamed.head(3))["prediction"]) == 3


def test_an_unseen_category_counts_as_missing_and_the_plan_says_so() -> None:
    model, frame = CASES["categories, partitions"]()
    artifact = exported(model, frame)
    rows = frame.head(50).astype({"stage0": object, "number": "float64"})
    unseen = rows.assign(stage0="never seen", number=1e9)
    fraction = rows.assign(stage0=None, number=1.5)
    missing = rows.assign(stage0=None, number=np.nan)
    graph = Graph(artifact)
    wanted = graph.run(missing)["prediction"]
    assert np.array_equal(graph.run(unseen)["prediction"], wanted)
    assert np.array_equal(graph.run(fraction)["prediction"], wanted)
    assert any("unseen-category differs:" in reason for reason in artifact.conversion.plan.accepted)


def test_an_empty_string_that_is_a_category_is_not_a_missing_value() -> None:
    def with_empty(frame: pd.DataFrame) -> pd.DataFrame:
        words = frame["stage0"].cat.categories
        return frame.assign(stage0=frame["stage0"].cat.rename_categories({words[0]: ""}))

    model, frame = CASES["categories, partitions"]()
    frame = with_empty(frame)
    model.fit(frame, np.arange(len(frame)) % 7 + frame["stage0"].cat.codes * 3)
    artifact = exported(model, frame)
    encoding = artifact.conversion.signature.inputs[2].missing.encoding
    assert encoding
    assert encoding not in frame["stage0"].cat.categories
    assert np.array_equal(Graph(artifact).run(frame)["prediction"], model.predict(frame))


def test_the_plan_and_the_metadata_say_what_was_exported() -> None:
    model, frame = CASES["binary, early stopping, 4 parallel trees"]()
    artifact = exported(model, frame)
    plan = artifact.conversion.plan
    used = model.best_iteration + 1
    assert f"{4 * used} trees of {used} of {model.get_booster().num_boosted_rounds()} rounds" in plan.steps[0].note
    assert plan.steps[0].estimator == "xgboost.sklearn.XGBClassifier"
    assert (plan.opsets, plan.ir_version) == ({"": 20, "ai.onnx.ml": 3}, 9)
    assert artifact.conversion.graph.min_onnxruntime == "1.17"
    proto = onnx.load_model_from_string(artifact.model)
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    assert metadata["onnxport.model"] == "xgboost.sklearn.XGBClassifier"
    assert metadata["onnxport.source_sha256"] == "0" * 64
    assert {entry.domain: entry.version for entry in proto.opset_import} == plan.opsets
    assert artifact.conversion.sha256 == digest_bytes(artifact.model)
    assert "xgboost" in artifact.conversion.packages


@pytest.mark.parametrize("name", ["squared error", "several targets", "binary", "classes, softmax"])
def test_bounds_are_part_of_the_graph(name: str) -> None:
    model, frame = CASES[name]()
    artifact = exported(model, frame, ExportOptions(clip=(0.2, 0.6)))
    plain, clipped = Graph(exported(model, frame)).run(frame), Graph(artifact).run(frame)
    for output, values in plain.items():
        bounded = output in {"prediction", "probabilities"}
        wanted = np.clip(values, np.float32(0.2), np.float32(0.6)) if bounded else values
        assert np.array_equal(clipped[output], wanted)
    assert artifact.conversion.plan.post.clip == (0.2, 0.6)


def test_an_older_floor_bounds_opset_and_ir() -> None:
    model, frame = CASES["binary"]()
    artifact = exported(model, frame, ExportOptions(runtime="onnxruntime>=1.14"))
    assert artifact.conversion.graph.opsets == {"": 18, "ai.onnx.ml": 3}
    assert artifact.conversion.graph.ir_version == 8
    assert len(Graph(artifact).run(frame.head(2))["label"]) == 2


def test_a_model_inside_a_pipeline_gives_its_values_to_the_graph_around_it() -> None:
    model, _ = CASES["classes"]()
    builder = new_builder(ExportOptions())
    matrix = builder.input("features", "float32", [None, 6])
    outputs, step = add_booster(builder, matrix, model, "pipeline.model")
    assert step.path == "pipeline.model"
    assert outputs.classes == (0, 1, 2, 3)
    assert [head.name for head in outputs.heads()] == ["label", "probabilities"]
    assert outputs.outputs == 4
    assert not outputs.flat


def inputs_of(artifact: OnnxArtifact) -> list[Any]:
    return list(onnx.load_model_from_string(artifact.model).graph.input)


def test_the_graph_has_no_other_inputs_than_its_signature() -> None:
    model, frame = CASES["categories, partitions"]()
    artifact = exported(model, frame)
    tensors = [column.tensor for column in artifact.conversion.signature.inputs]
    assert [value.name for value in inputs_of(artifact)] == tensors
