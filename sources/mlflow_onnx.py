"""Writes a proven graph back into MLflow's registry, as a model of the flavor `onnx`."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from onnxport.artifacts import MODEL_FILE, digest_bytes

from .access import OnnxRegistered
from .mlflow_client import connected
from .mlflow_logging import DIGEST_TAG, MODEL_PATH, experiment, register_version
from .mlflow_registry import newest_version
from .scratch import scratch_folder

if TYPE_CHECKING:
    from pathlib import Path

    from onnxport.artifacts import Signature

    from .access import OnnxRegistration, SourceAccess

COLUMNS_KEY = "onnxport.columns"
"""Where the metadata of the model keeps the real names of the feature columns, in order."""


def register_onnx(graph: OnnxRegistration, access: SourceAccess) -> OnnxRegistered:
    """The graph is a version in the registry, a new one unless the newest is this very graph.

    Its file there has the bytes of the release, so the digests are the same.

    Raises:
        UsageError: The experiment was deleted, or the name cannot name a model.
        Unreachable: MLflow does not answer or refuses us.
    """
    sha256 = digest_bytes(graph.model)
    with (
        scratch_folder() as scratch,
        connected(access.tracking_uri, access.registry_uri, access.timeout_seconds) as client,
    ):
        newest = newest_version(client, graph.name)
        if newest is not None and newest.tags.get(DIGEST_TAG) == sha256:
            return OnnxRegistered(uri=f"models:/{graph.name}/{newest.version}", created=False)
        folder = scratch / MODEL_PATH
        _save(graph, folder)
        tags = {**graph.tags, DIGEST_TAG: sha256}
        run = client.create_run(
            experiment(client, graph.name, access.tracking_uri), run_name=f"{graph.name} to ONNX", tags=tags
        )
        finished = False
        try:
            client.log_artifacts(run.info.run_id, str(folder), MODEL_PATH)
            finished = True
        finally:
            client.set_terminated(run.info.run_id, "FINISHED" if finished else "FAILED")
        uri = register_version(client, graph.name, run, tags=tags, description=graph.description)
    return OnnxRegistered(uri=uri, created=True)


def _save(graph: OnnxRegistration, folder: Path) -> None:
    import onnx  # ruff: ignore[PLC0415] - loads only when a graph is registered
    from mlflow import onnx as flavor  # ruff: ignore[PLC0415] - as above

    flavor.save_model(
        onnx.load_model_from_string(graph.model),
        str(folder),
        signature=_signature(graph.signature),
        pip_requirements=[f"{name}=={version(name)}" for name in ("numpy", "onnx", "onnxruntime")],
        metadata={**graph.tags, COLUMNS_KEY: json.dumps(graph.signature.columns, ensure_ascii=False)},
        save_as_external_data=False,
    )
    (folder / MODEL_FILE).write_bytes(graph.model)  # MLflow serialises it anew, which changes the digest


def _signature(signature: Signature) -> Any:  # ruff: ignore[ANN401] - MLflow's ModelSignature
    from mlflow.models import ModelSignature  # ruff: ignore[PLC0415] - loads only when a graph is registered
    from mlflow.types import Schema, TensorSpec  # ruff: ignore[PLC0415] - as above

    def spec(name: str, dtype: str, shape: tuple[int | None, ...]) -> Any:  # ruff: ignore[ANN401] - a TensorSpec
        kind = np.dtype(np.str_ if dtype == "string" else dtype)
        return TensorSpec(kind, tuple(-1 if length is None else length for length in shape), name)

    if signature.layout == "matrix":
        first = signature.inputs[0]
        inputs = [spec(first.tensor, first.dtype, (None, len(signature.inputs)))]
    else:
        inputs = [spec(column.tensor, column.dtype, (None, 1)) for column in signature.inputs]
    outputs = [spec(output.name, output.dtype, output.shape) for output in signature.outputs]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))
