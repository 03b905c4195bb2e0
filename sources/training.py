"""Trains by recipe: read, search, fit, measure, save, register."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxport.artifacts import OverBudget, check_name

from .fitting import Fitted, fitted_here
from .measuring import by_segment, measured
from .metrics import check_gates
from .mlflow_client import connected
from .mlflow_logging import Training, existing, log
from .model_card import model_card
from .saving import save_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnxport.artifacts import Progress

    from .access import TrainAccess, Trained
    from .recipe import Recipe


def train(recipe: Recipe, access: TrainAccess, progress: Progress) -> Trained:
    """The recipe's model is trained, measured, logged to MLflow and, when asked for, registered.

    Raises:
        UsageError: The data does not fit the recipe, or the recipe cannot be trained on a cluster.
        IntegrityError: The data was written while it was read.
        OverBudget: A metric is beyond its gate: the run is logged as failed, nothing is registered.
        Unreachable: MLflow does not answer, or the cluster does not, or a worker has gone.
    """
    if access.register is not None:
        check_name("a model", access.register)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries, about data that the recipe's metrics will judge
        fitted = _fitted(recipe, access, progress)
        metrics = measured(recipe, fitted.model, fitted.test[recipe.target].to_numpy(), fitted.answers)
        segments = by_segment(recipe, fitted.model, fitted.test, fitted.answers)
    card = model_card(fitted.facts, fitted.params, metrics, segments)
    progress.step("measure", len(metrics), len(metrics))
    with (
        tempfile.TemporaryDirectory(prefix="onnxport-") as scratch,
        connected(access.tracking_uri, None, access.timeout_seconds) as client,
    ):
        folder = Path(scratch) / "model"
        sha256 = save_model(fitted.model, fitted.rows, fitted.model.predict(fitted.rows.head(100)), folder)
        training = Training(
            recipe=recipe,
            data=fitted.facts.file,
            params=fitted.params,
            metrics=metrics,
            card=card,
            sha256=sha256,
            folder=folder,
        )
        failure = _failure(recipe, metrics)
        trained = _written_down(client, access, training, failed=failure is not None)
        if access.keep is not None and failure is None:
            shutil.copytree(folder, access.keep, dirs_exist_ok=True)
    progress.step("log", 1, 1)
    if failure is not None:
        raise failure
    return trained


def _fitted(recipe: Recipe, access: TrainAccess, progress: Progress) -> Fitted:
    if access.scheduler is None:
        return fitted_here(recipe, access, progress)
    from .dask_fitting import fitted_on_dask  # ruff: ignore[PLC0415] - in the extra `batch`

    return fitted_on_dask(recipe, access, access.scheduler, progress)


def _written_down(client: Any, access: TrainAccess, training: Training, *, failed: bool) -> Trained:  # ruff: ignore[ANN401] - an MlflowClient
    if failed or access.registry == "mlflow" or access.register is None:
        known = None if failed else existing(client, access, training)
        return known or log(client, access, training, failed=failed)
    from .azure_training import existing_in_azure, register_in_azure  # ruff: ignore[PLC0415] - in the extra `azureml`

    known = existing_in_azure(access.register, access, training)
    return known or register_in_azure(
        access.register, access, training, log(client, access, training, failed=False)
    )


def _failure(recipe: Recipe, metrics: Mapping[str, float]) -> OverBudget | None:
    try:
        check_gates(metrics, recipe.gates)
    except OverBudget as error:
        return error
    return None
