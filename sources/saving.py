"""Writes a trained model as an MLflow folder whose model file is the same for the same model.

The forms are those that open again without a pickle: XGBoost's own UBJSON, and skops.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from onnxport.artifacts import digest_file

from .trust import SKOPS_TYPES

if TYPE_CHECKING:
    from pathlib import Path

    from pandas import DataFrame

_EPOCH = (1980, 1, 1, 0, 0, 0)
_EXAMPLE_ROWS = 20


def save_model(model: Any, frame: DataFrame, answer: Any, folder: Path) -> str:  # ruff: ignore[ANN401] - an estimator, an array
    """`model` lies in the new `folder` with its signature and 20 rows of `frame`; returns its digest.

    Law: equal models have equal digests, whatever process wrote them.
    """
    from mlflow.models import infer_signature  # ruff: ignore[PLC0415] - loads only when a model is saved

    described: dict[str, Any] = {
        "signature": infer_signature(frame, answer),
        "input_example": frame.head(_EXAMPLE_ROWS),
        "pip_requirements": [f"{name}=={version(name)}" for name in ("numpy", "scikit-learn", "xgboost")],
    }
    if _is_plain_xgboost(model):
        from mlflow import xgboost  # ruff: ignore[PLC0415] - as above

        xgboost.save_model(model, str(folder), model_format="ubj", **described)
        return digest_file(folder / "model.ubj")
    from mlflow import sklearn  # ruff: ignore[PLC0415] - as above

    sklearn.save_model(
        model, str(folder), serialization_format="skops", skops_trusted_types=sorted(SKOPS_TYPES), **described
    )
    file = folder / "model.skops"
    file.write_bytes(normalized(file.read_bytes()))
    return digest_file(file)


def _is_plain_xgboost(model: Any) -> bool:  # ruff: ignore[ANN401] - an estimator
    """Whether XGBoost's own file says all: it forgets what stands for a missing value."""
    return type(model).__module__ == "xgboost.sklearn" and math.isnan(model.missing)


def normalized(data: bytes) -> bytes:
    """The skops file `data` without what differs from run to run: memory addresses, random names, time stamps.

    Law: the object in it stays the same, shared parts included.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = json.loads(archive.read("schema.json"))
        files = {name: archive.read(name) for name in archive.namelist() if name != "schema.json"}
    names = _renumber(schema)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for old, new in names.items():
            archive.writestr(_entry(new), files[old])
        archive.writestr(_entry("schema.json"), json.dumps(schema, separators=(",", ":")))
    return target.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _renumber(schema: Any) -> dict[str, str]:  # ruff: ignore[ANN401] - JSON
    """Ids and file names count up in the order in which they are met; returns old file name to new."""
    ids: dict[int, int] = {}
    names: dict[str, str] = {}
    stack = [schema]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if "__id__" in node:
                node["__id__"] = ids.setdefault(node["__id__"], len(ids) + 1)
            if "__loader__" in node and isinstance(node.get("file"), str):
                suffix = node["file"].rpartition(".")[2]
                node["file"] = names.setdefault(node["file"], f"{len(names) + 1}.{suffix}")
            stack.extend(reversed(list(node.values())))
        elif isinstance(node, list):
            stack.extend(reversed(node))
    return names
