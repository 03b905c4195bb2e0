"""Where does a model come from? Train it here, or fetch it from files and registries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .access import OnnxRegistered, OnnxRegistration, SourceAccess, TrainAccess, Trained
from .azure_access import AzureAccess, AzureRegistered, AzureRegistration, AzureWorkspace, resolve_workspace
from .brought import Brought, open_brought
from .loading import bring, fetch, load
from .scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from onnxport.artifacts import Column, PostProcessing, Predict, Progress, Rows, Signature, SourceModel
    from pandas import DataFrame

    from .recipe import Recipe
    from .sample import Sample

__all__ = [
    "AzureAccess",
    "AzureRegistered",
    "AzureRegistration",
    "AzureWorkspace",
    "Brought",
    "OnnxRegistered",
    "OnnxRegistration",
    "SourceAccess",
    "TrainAccess",
    "Trained",
    "bring",
    "fetch",
    "frame_of",
    "load",
    "load_recipe",
    "on_frames",
    "open_brought",
    "open_sample",
    "open_xgboost",
    "read_sample",
    "register_azureml",
    "register_onnx",
    "resolve_workspace",
    "rows_of",
    "sample_of",
    "save_xgboost",
    "scorer",
    "scratch_folder",
    "select_features",
    "steps",
    "train",
]

# The functions below load pandas, scikit-learn and MLflow, so they import what they run when they run.


def open_sample(path: Path, limit: int | None = None) -> Sample:
    """The rows of a Parquet, CSV, JSON Lines or Arrow/Feather file, in blocks; the first `limit` of them.

    Raises:
        UsageError: There is no such file, it cannot be read, or it has no rows.
    """
    from .sample import open_sample as run  # ruff: ignore[PLC0415] - see above

    return run(path, limit)


def sample_of(frame: DataFrame) -> Sample:
    """The rows of `frame`, which is in memory already."""
    from .sample import sample_of as run  # ruff: ignore[PLC0415] - see above

    return run(frame)


def read_sample(path: Path, limit: int | None = None) -> DataFrame:
    """All rows of such a file in memory; the first `limit` of them.

    Raises:
        UsageError: There is no such file, it cannot be read, or it has no rows.
    """
    from .sample import read_sample as run  # ruff: ignore[PLC0415] - see above

    return run(path, limit)


def open_xgboost(data: bytes, name: str) -> Any:  # ruff: ignore[ANN401] - Booster or wrapper
    """The model in XGBoost's own file `data`, a `Booster` or the wrapper that wrote it; errors say `name`.

    Raises:
        UsageError: It is no XGBoost model, it is truncated, or its parts contradict each other.
    """
    from .xgboost_files import open_xgboost as run  # ruff: ignore[PLC0415] - see above

    return run(data, name)


def save_xgboost(model: Any) -> bytes:  # ruff: ignore[ANN401] - any estimator or Booster
    """XGBoost's own file of `model`, UBJSON; `open_xgboost` opens it as what it was, a Booster or a wrapper.

    Raises:
        UnsupportedModel: It is no model of XGBoost alone, or the file would forget what counts as missing.
    """
    from .xgboost_files import save_xgboost as run  # ruff: ignore[PLC0415] - see above

    return run(model)


def select_features(source: SourceModel, frame: DataFrame, features: Sequence[str] | None) -> DataFrame:
    """Exactly the model's feature columns of `frame`, in the model's order.

    `features` names them where the model does not; where both do, they must be the same.

    Raises:
        UsageError: A column is missing, or nobody says which columns are features.
    """
    from .selecting import select_features as run  # ruff: ignore[PLC0415] - see above

    return run(source, frame, features)


def rows_of(frame: DataFrame) -> Rows:
    """The rows of `frame` without pandas; a missing value is NaN in float columns and `None` in object columns.

    Raises:
        UsageError: A column is neither number, bool, string nor category.
    """
    from .frames import rows_of as run  # ruff: ignore[PLC0415] - see above

    return run(frame)


def frame_of(rows: Rows) -> DataFrame:
    """The data frame that holds `rows`: how a model's own sample becomes the frame that the functions here take.

    Law: `rows_of(frame_of(rows))` equals `rows`.
    """
    from .frames import frame_of as run  # ruff: ignore[PLC0415] - see above

    return run(rows)


def scorer(source: SourceModel, frame: DataFrame, signature: Signature, post: PostProcessing) -> Predict:
    """The source's own answer, an output for each of the signature's; `frame` gives the training data's dtypes.

    Raises:
        UnsupportedModel: The model has no such outputs.
    """
    from .scoring import scorer as run  # ruff: ignore[PLC0415] - see above

    return run(source, frame, signature, post)


def on_frames(source: SourceModel, frame: DataFrame, signature: Signature) -> Callable[[DataFrame], Column]:
    """The source's own predictor on data frames as its scoring script builds them, for one output.

    That is `predict_proba` where the signature has probabilities, else `predict`.
    """
    from .scoring import on_frames as run  # ruff: ignore[PLC0415] - see above

    return run(source, frame, signature)


def steps(source: SourceModel, frame: DataFrame) -> dict[str, Callable[[Rows], Column]]:
    """What each transforming step of a scikit-learn pipeline gives, `(n, k)` each, in order of computation.

    Empty for models that are no pipeline. `frame` gives the training data's dtypes.
    """
    from .scoring import steps as run  # ruff: ignore[PLC0415] - see above

    return run(source, frame)


def load_recipe(path: Path) -> Recipe:
    """The training recipe in the YAML file `path`.

    Raises:
        UsageError: There is none, or it is not valid: the message names file, line and key.
    """
    from .recipe_file import load_recipe as run  # ruff: ignore[PLC0415] - see above

    return run(path)


def train(recipe: Recipe, access: TrainAccess, progress: Progress) -> Trained:
    """The recipe's model is trained, measured, logged to MLflow and, when asked for, registered.

    Law: the same recipe, data, seed and package versions give the same `sha256`, and no second version; on a
    cluster no more than the same rows is promised.

    Raises:
        UsageError: The data does not fit the recipe, or the recipe cannot be trained on a cluster.
        IntegrityError: The data was written while it was read.
        OverBudget: A metric is beyond its gate: the run is logged as failed, nothing is registered.
        Unreachable: MLflow does not answer, or the cluster does not, or a worker has gone.
    """
    from .training import train as run  # ruff: ignore[PLC0415] - see above

    return run(recipe, access, progress)


def register_onnx(graph: OnnxRegistration, access: SourceAccess) -> OnnxRegistered:
    """The graph is a version in MLflow's registry, a new one unless the newest is this very graph.

    Raises:
        UsageError: The experiment was deleted, or the name cannot name a model.
        Unreachable: MLflow does not answer or refuses us.
    """
    from .mlflow_onnx import register_onnx as run  # ruff: ignore[PLC0415] - see above

    return run(graph, access)


def register_azureml(model: AzureRegistration, access: AzureAccess) -> AzureRegistered:
    """The model is a version in the workspace, a new one unless the newest has the same files.

    Raises:
        UsageError: The name cannot name a model, nobody names a workspace, there are no files, or the SDK is not
            installed.
        UnsupportedModel: The workspace's default datastore is no Blob storage.
        LostRace: Others kept taking the next version.
        Unreachable: Azure refuses us or does not answer.
    """
    from .azure_registration import register_azureml as run  # ruff: ignore[PLC0415] - see above

    return run(model, access)
