"""Trains by recipe: read, search, fit, measure, save, register."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from onnxport.artifacts import OnnxportError, OverBudget, UsageError, check_name

from .dataset import Dataset, read_dataset
from .estimators import assembled, columns_step, estimator, is_classifier
from .metrics import check_gates, classification, regression
from .mlflow_client import connected
from .mlflow_logging import Training, existing, log
from .model_card import Segments, model_card
from .saving import save_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from onnxport.artifacts import Progress

    from .access import TrainAccess, Trained
    from .recipe import Recipe

Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fitted:
    model: Any
    params: Mapping[str, Any]


def train(recipe: Recipe, access: TrainAccess, progress: Progress) -> Trained:
    """The recipe's model is trained, measured, logged to MLflow and, when asked for, registered.

    Raises:
        UsageError: The data does not fit the recipe.
        OverBudget: A metric is beyond its gate: the run is logged as failed, nothing is registered.
        Unreachable: MLflow does not answer.
    """
    if access.register is not None:
        check_name("a model", access.register)
    dataset = read_dataset(recipe, access, progress)
    progress.step("read", len(dataset.train) + len(dataset.test), None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries, about data that the recipe's metrics will judge
        fitted = _fit(dataset, progress)
        metrics = _measure(dataset, fitted.model, dataset.test)
        segments = _segments(dataset, fitted.model)
    card = model_card(dataset, fitted.params, metrics, segments)
    progress.step("measure", len(metrics), len(metrics))
    with (
        tempfile.TemporaryDirectory(prefix="onnxport-") as scratch,
        connected(access.tracking_uri, None, access.timeout_seconds) as client,
    ):
        folder = Path(scratch) / "model"
        rows = dataset.features(dataset.train)
        sha256 = save_model(fitted.model, rows, fitted.model.predict(rows.head(100)), folder)
        training = Training(
            recipe=recipe,
            data=dataset.file,
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


def _fit(dataset: Dataset, progress: Progress) -> _Fitted:
    recipe = dataset.recipe
    try:
        params = _search(dataset, progress) if recipe.search else {}
        if recipe.early_stopping:
            params = {**params, "n_estimators": _trees(dataset, params)}
        progress.step("fit", 0, 1)
        model = assembled(recipe, params, calibrated=True)
        model.fit(dataset.features(dataset.train), dataset.target(dataset.train))
    except OnnxportError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise UsageError(
            f"{recipe.model.estimator} cannot be trained on this data: {reason}",
            hint="Strings need preprocessing.categorical; missing values may need preprocessing.numeric.impute.",
        ) from error
    progress.step("fit", 1, 1)
    return _Fitted(model=model, params=params)


def _search(dataset: Dataset, progress: Progress) -> dict[str, Any]:
    """The parameters with the best mean log loss, or RMSE, over the folds; the first among equals."""
    from sklearn.model_selection import ParameterGrid, ParameterSampler  # ruff: ignore[PLC0415] - loads only for a search

    search = dataset.recipe.search
    if search is None:
        raise AssertionError("called only where there is a search")
    grid = ParameterGrid(search.params)
    trials = (
        list(grid)
        if len(grid) <= search.trials
        else list(ParameterSampler(search.params, n_iter=search.trials, random_state=dataset.recipe.seed))
    )
    folds = list(dataset.folds(search.cv))
    losses: list[float] = []
    for number, params in enumerate(trials):
        progress.step("search", number, len(trials))
        losses.append(float(np.mean([_fold_loss(dataset, params, fit, measure) for fit, measure in folds])))
    progress.step("search", len(trials), len(trials))
    return dict(trials[int(np.argmin(losses))])


def _fold_loss(dataset: Dataset, params: Mapping[str, Any], fit: Numbers, measure: Numbers) -> float:
    model = assembled(dataset.recipe, params, calibrated=False)
    rows = dataset.train.iloc[fit]
    model.fit(dataset.features(rows), dataset.target(rows))
    found = _measure(dataset, model, dataset.train.iloc[measure])
    return found["log_loss" if is_classifier(dataset.recipe) else "rmse"]


def _trees(dataset: Dataset, params: Mapping[str, Any]) -> int:
    """How many trees are best on the validation part; the model is then trained with that number on all rows."""
    recipe = dataset.recipe
    stopping = recipe.early_stopping
    if stopping is None:
        raise AssertionError("called only where there is early stopping")
    held_out = np.zeros(len(dataset.train), dtype=bool)
    count = max(1, round(stopping.validation * len(held_out)))
    if recipe.split.by == "time":
        held_out[-count:] = True
    else:
        held_out[np.random.default_rng(recipe.seed).permutation(len(held_out))[:count]] = True
    fit, validation = dataset.train[~held_out], dataset.train[held_out]
    rows, unseen = dataset.features(fit), dataset.features(validation)
    if recipe.preprocessing is not None:
        columns = columns_step(recipe.preprocessing, recipe.features, recipe.seed)
        rows, unseen = columns.fit_transform(rows, dataset.target(fit)), columns.transform(unseen)
    model = estimator(recipe, params)
    model.set_params(early_stopping_rounds=stopping.rounds)
    model.fit(rows, dataset.target(fit), eval_set=[(unseen, dataset.target(validation))], verbose=False)
    return int(model.best_iteration) + 1


def _measure(dataset: Dataset, model: Any, frame: pd.DataFrame) -> dict[str, float]:  # ruff: ignore[ANN401] - an estimator
    rows, target = dataset.features(frame), dataset.target(frame)
    clip = dataset.recipe.clip
    if is_classifier(dataset.recipe):
        probabilities = np.asarray(model.predict_proba(rows), dtype=np.float64)
        return classification(target, probabilities if clip is None else probabilities.clip(*clip), model.classes_)
    prediction = np.asarray(model.predict(rows), dtype=np.float64)
    return regression(target, prediction if clip is None else prediction.clip(*clip))


def _segments(dataset: Dataset, model: Any) -> Segments:  # ruff: ignore[ANN401] - an estimator
    found: Segments = {}
    for column in dataset.recipe.segments:
        groups = dataset.test.groupby(column, dropna=False, sort=True, observed=True)
        found[column] = {
            _shown(value): {
                "rows": float(len(rows)),
                **_measure(dataset, model, rows),
            }
            for value, rows in groups
        }
    return found


def _shown(value: object) -> str:
    return "(missing)" if value is None or value != value else str(value)  # ruff: ignore[PLR0124] - NaN
