"""A proven graph in MLflow's registry: the same bytes, the same answers, once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnxport.artifacts import OnnxArtifact, SourceModel, SourceReference, digest_file
from onnxport.exporters import ExportOptions, export
from onnxport.sources import OnnxRegistration, SourceAccess, register_onnx
from onnxport.sources.mlflow_onnx import COLUMNS_KEY

from .conftest import FEATURES

if TYPE_CHECKING:
    import pandas as pd

    from .conftest import Models

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own, while it loads what was written


@pytest.fixture(params=["database", "server"])
def uri(request: pytest.FixtureRequest) -> str:
    """A registry of either kind."""
    found: str = request.getfixturevalue("mlflow_uri" if request.param == "database" else "mlflow_server")
    return found


def _graph(model: Any, rows: pd.DataFrame) -> OnnxArtifact:
    reference = SourceReference(uri="m.json", kind="xgboost", sha256="0" * 64)
    made = export(SourceModel(reference=reference, model=model), rows, ExportOptions())
    assert isinstance(made, OnnxArtifact)
    return made


def _registration(name: str, graph: OnnxArtifact) -> OnnxRegistration:
    tags = {"onnxport.release": "risk:3", "onnxport.parity": '{"passed":true}'}
    return OnnxRegistration(
        name=name,
        model=graph.model,
        signature=graph.conversion.signature,
        tags=tags,
        description="the graph of m.json",
    )


def _client(uri: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(uri, uri)


def _downloaded(uri: str, model: str) -> Path:
    name, version = model.removeprefix("models:/").split("/")
    location = _client(uri).get_model_version_download_uri(name, version)
    from mlflow.artifacts import download_artifacts

    return Path(download_artifacts(location, tracking_uri=uri))


def test_mlflow_loads_the_graph_and_it_answers_the_same(uri: str, models: Models, table: pd.DataFrame) -> None:
    import mlflow.pyfunc

    rows = table[FEATURES]
    graph = _graph(models.classifier, rows)
    made = register_onnx(_registration("answers", graph), SourceAccess(tracking_uri=uri))
    assert (made.uri, made.created) == ("models:/answers/1", True)
    folder = _downloaded(uri, made.uri)
    assert digest_file(folder / "model.onnx") == graph.conversion.sha256
    loaded = mlflow.pyfunc.load_model(str(folder))
    found = loaded.predict({"features": rows.to_numpy(np.float32)})
    np.testing.assert_allclose(found["probabilities"], models.classifier.predict_proba(rows), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found["label"], models.classifier.predict(rows))
    assert json.loads(loaded.metadata.metadata[COLUMNS_KEY]) == FEATURES


def test_strings_and_numbers_keep_their_columns(mlflow_uri: str, table: pd.DataFrame) -> None:
    import mlflow.pyfunc
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    rows = table[["amount", "f3"]].assign(region=np.where(table["f1"] > 0, "north", "süd"))
    encoder = make_column_transformer((OneHotEncoder(), ["region"]), remainder="passthrough")
    model = make_pipeline(encoder, LogisticRegression(max_iter=2000)).fit(rows, table["won"])
    graph = _graph(model, rows)
    made = register_onnx(_registration("mixed", graph), SourceAccess(tracking_uri=mlflow_uri))
    loaded = mlflow.pyfunc.load_model(str(_downloaded(mlflow_uri, made.uri)))
    tensors = {column.name: column.tensor for column in graph.conversion.signature.inputs}
    asked = {tensors[name]: rows[[name]].to_numpy() for name in ("amount", "f3")}
    asked[tensors["region"]] = rows[["region"]].to_numpy(str)
    np.testing.assert_allclose(loaded.predict(asked)["probabilities"], model.predict_proba(rows), rtol=1e-5)


def test_a_version_says_release_digest_and_parity(uri: str, models: Models, table: pd.DataFrame) -> None:
    graph = _graph(models.booster, table[FEATURES])
    register_onnx(_registration("tagged", graph), SourceAccess(tracking_uri=uri))
    version = _client(uri).get_model_version("tagged", "1")
    assert version.tags["onnxport.sha256"] == graph.conversion.sha256
    assert version.tags["onnxport.release"] == "risk:3"
    assert json.loads(version.tags["onnxport.parity"]) == {"passed": True}
    assert version.description == "the graph of m.json"
    assert _client(uri).get_run(version.run_id).info.status == "FINISHED"


def test_the_same_graph_is_registered_once_and_another_is_the_next_version(
    uri: str, models: Models, table: pd.DataFrame
) -> None:
    access = SourceAccess(tracking_uri=uri)
    first, other = (_graph(model, table[FEATURES]) for model in (models.booster, models.regressor))
    made = [register_onnx(_registration("once", graph), access) for graph in (first, first, other)]
    assert [(found.uri, found.created) for found in made] == [
        ("models:/once/1", True), ("models:/once/1", False), ("models:/once/2", True),
    ]  # fmt: skip
