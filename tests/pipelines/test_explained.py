"""A failed check of a pipeline names the step at which source and graph part."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import onnx
import pandas as pd
from onnx import numpy_helper
from onnxport.artifacts import OnnxArtifact, digest_bytes
from onnxport.pipelines.folder import read_artifact, write_artifact
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_step_with_a_changed_constant_is_named(onnxport: Callable[..., Any]) -> None:
    frame = pd.DataFrame(np.random.default_rng(8).normal(3, 2, size=(1200, 3)), columns=["a", "b", "c"])
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, frame["a"] > 3)
    joblib.dump(model, "model.joblib")
    frame.to_parquet("rows.parquet")
    sample = ("--sample", "rows.parquet", "--allow-pickle")
    assert onnxport("convert", "model.joblib", *sample, "--out", "kept").code == 0
    assert onnxport("check", "kept", "--against", "model.joblib", *sample).code == 0
    good = read_artifact(Path("kept"))
    graph = onnx.load_from_string(good.model)
    for tensor in graph.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float64 and np.allclose(values.ravel(), model[0].scale_, rtol=1e-12, atol=0.0):
            tensor.CopyFrom(numpy_helper.from_array(values * 1.01, tensor.name))
            break
    else:
        raise AssertionError("the graph has no constant like the scaler's")
    changed = graph.SerializeToString()
    conversion = good.conversion.model_copy(update={"sha256": digest_bytes(changed)})
    write_artifact(Path("kept"), OnnxArtifact(model=changed, conversion=conversion))
    done = onnxport("check", "kept", "--against", "model.joblib", *sample, "--json")
    assert done.code == 3
    assert "pipeline.standardscaler" in done.document["error"]["hint"]
