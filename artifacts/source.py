"""A model as it came from its source, and what is known about where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .document import Document

if TYPE_CHECKING:
    from .rows import Rows

SourceKind = Literal["joblib", "pickle", "skops", "xgboost", "lightgbm", "catboost", "mlflow", "azureml", "onnx"]


class SourceReference(Document):
    """Where a model came from.

    Attributes:
        uri: What the user wrote, without a path of this machine: a file's name, `models:/NAME/3`.
        kind: What was found there.
        version: The registry's version, where there is one.
        sha256: Digest of the model's bytes; of a folder, over its model files.
        run_id: The MLflow or Azure ML run that made it.
        git_commit: The commit of the training code.
        tags: Further lineage: job, data, tags of the registry.
        card: What the registry says about this version in words, Markdown: for what was trained here, the model
            card.
    """

    uri: str
    kind: SourceKind
    version: str | None = None
    sha256: str
    run_id: str | None = None
    git_commit: str | None = None
    tags: dict[str, str] | None = None
    card: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceModel:
    """A trained model in memory.

    Attributes:
        reference: Where it came from.
        model: The estimator or Booster; only exporters and sources look inside.
        feature_columns: The columns that the model's scorer selects, in order, where the source says so.
        sample: Rows that came with the model (MLflow's input example), or `None`.
    """

    reference: SourceReference
    model: Any
    feature_columns: tuple[str, ...] | None = None
    sample: Rows | None = None
