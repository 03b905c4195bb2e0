"""What the caller allows and knows: given by the command line, never read from the environment here."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from onnxport.artifacts import UsageError
from onnxport.storage import StoreAccess

from .azure_access import UNNAMED, AzureAccess

if TYPE_CHECKING:
    from pathlib import Path

    from onnxport.artifacts import Signature

DEFAULT_TRACKING_URI = "sqlite:///mlflow.db"
Registry = Literal["mlflow", "azureml"]
NO_STORE = StoreAccess()
"""Nobody said anything about Blob storage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAccess:
    """How sources may be opened.

    Attributes:
        allow_pickle: Whether pickles may be opened, through onnxport's own allow-list.
        allow_modules: The user's own modules, with submodules, whose classes and functions a model may hold.
        tracking_uri: MLflow's tracking server or database, for `models:/` and `runs:/`.
        registry_uri: MLflow's model registry where it is elsewhere; `None`: the tracking server's.
        timeout_seconds: How long one request to a server may take.
        azure: Workspace and credential, for `azureml:`.
    """

    allow_pickle: bool = False
    allow_modules: tuple[str, ...] = ()
    tracking_uri: str = DEFAULT_TRACKING_URI
    registry_uri: str | None = None
    timeout_seconds: int = 30
    azure: AzureAccess = UNNAMED

    def __post_init__(self) -> None:
        """Refuse to allow what would open every door.

        Raises:
            UsageError: A module of the standard library was allowed.
        """
        for module in self.allow_modules:
            if module.partition(".")[0] in {*sys.stdlib_module_names, ""}:
                raise UsageError(
                    f"module {module!r} cannot be allowed in models: it is not a module of your own",
                    hint="Name the module that defines the model's own classes, such as `features.encoders`.",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainAccess:
    """Where training logs and registers.

    Attributes:
        tracking_uri: MLflow's tracking server or database.
        register: Name to register the model under; `None`: only the run is logged.
        registry: Where it is registered; the run is logged to MLflow in any case.
        azure: Workspace and credential, for the registry `azureml`.
        data: A file to train on in the place of the recipe's: a path, or a location in Blob storage.
        store: Accounts and credentials for data in Blob storage.
        scheduler: Address of the Dask scheduler on whose workers the model is fitted; `None`: in this process.
        keep: Folder for the model's files as well; `None`: only MLflow has them.
        git_commit: Commit of the training code, kept with the run.
        timeout_seconds: How long one request to a server may take.
    """

    tracking_uri: str = DEFAULT_TRACKING_URI
    register: str | None = None
    registry: Registry = "mlflow"
    azure: AzureAccess = UNNAMED
    data: str | None = None
    store: StoreAccess = NO_STORE
    scheduler: str | None = None
    keep: Path | None = None
    git_commit: str | None = None
    timeout_seconds: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A model that was trained, or was there already.

    Attributes:
        uri: `models:/NAME/VERSION` or `azureml:NAME:VERSION` when it was registered, else `runs:/RUN/model`.
        sha256: Digest of the model's files: equal for equal recipes, data, seeds and package versions.
        created: Whether this training made it; false when the newest registered version has the same digest.
        run_id: The MLflow run that made it.
        metrics: On rows that the model has not seen, by name.
        card: The model card, Markdown.
    """

    uri: str
    sha256: str
    created: bool
    run_id: str
    metrics: dict[str, float] = field(default_factory=dict)
    card: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxRegistration:
    """A graph to register.

    Attributes:
        name: Name of the model in the registry.
        model: Bytes of `model.onnx`.
        signature: Its inputs and outputs.
        tags: What is known about it: release, store, parity.
        description: For people.
    """

    name: str
    model: bytes
    signature: Signature
    tags: dict[str, str] = field(default_factory=dict[str, str])
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxRegistered:
    """A graph that stands in the registry.

    Attributes:
        uri: `models:/NAME/VERSION`.
        created: Whether this call made it; false when the newest version is this very graph.
    """

    uri: str
    created: bool
