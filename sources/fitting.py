"""A recipe becomes a fitted model: here, on rows in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from onnxport.artifacts import OnnxportError, UsageError

from .dataset import Dataset, Facts, read_dataset, validation_rows
from .estimators import assembled, columns_step, estimator, is_classifier
from .measuring import answers, measured

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from onnxport.artifacts import Progress

    from .access import TrainAccess
    from .recipe import Recipe

Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A fitted model, and what it takes to judge and to describe it.

    Attributes:
        model: The estimator.
        params: Parameters that were found by search and early stopping.
        facts: What the model card says about the rows.
        rows: Features of training rows: the first 100, and enough to show which columns have missing values.
        test: Target and segments of the held-out rows, numbered from 0.
        answers: The model's answers on them, `(n, classes)` or `(n,)`.
    """

    model: Any
    params: Mapping[str, Any]
    facts: Facts
    rows: pd.DataFrame
    test: pd.DataFrame
    answers: Numbers


def fitted_here(recipe: Recipe, access: TrainAccess, progress: Progress) -> Fitted:
    """The recipe's model, fitted in this process.

    Raises:
        UsageError: The data cannot be read, or does not fit the recipe or the estimator.
        IntegrityError: The data was written while it was brought here.
        Unreachable: The storage does not answer or refuses us.
    """
    dataset = read_dataset(recipe, access, progress)
    progress.step("read", len(dataset.train) + len(dataset.test), None)
    params, model = _fit(dataset, progress)
    return Fitted(
        model=model,
        params=params,
        facts=dataset.facts(),
        rows=dataset.features(dataset.train),
        test=dataset.test[list(dict.fromkeys([recipe.target, *recipe.segments]))],
        answers=answers(recipe, model, dataset.features(dataset.test)),
    )


def unfit(recipe: Recipe, error: Exception) -> UsageError:
    """What to say where the estimator does not take the data."""
    reason = " ".join(str(error).split())[:300]
    return UsageError(
        f"{recipe.model.estimator} cannot be trained on this data: {reason}",
        hint="Strings need preprocessing.categorical; missing values may need preprocessing.numeric.impute.",
    )


def _fit(dataset: Dataset, progress: Progress) -> tuple[dict[str, Any], Any]:
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
        raise unfit(recipe, error) from error
    progress.step("fit", 1, 1)
    return params, model


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
    unseen = dataset.train.iloc[measure]
    found = answers(dataset.recipe, model, dataset.features(unseen))
    metrics = measured(dataset.recipe, model, dataset.target(unseen), found)
    return metrics["log_loss" if is_classifier(dataset.recipe) else "rmse"]


def _trees(dataset: Dataset, params: Mapping[str, Any]) -> int:
    """How many trees are best on the validation part; the model is then trained with that number on all rows."""
    recipe = dataset.recipe
    stopping = recipe.early_stopping
    if stopping is None:
        raise AssertionError("called only where there is early stopping")
    held_out = validation_rows(recipe, len(dataset.train))
    fit, validation = dataset.train[~held_out], dataset.train[held_out]
    rows, unseen = dataset.features(fit), dataset.features(validation)
    if recipe.preprocessing is not None:
        columns = columns_step(recipe.preprocessing, recipe.features, recipe.seed)
        rows, unseen = columns.fit_transform(rows, dataset.target(fit)), columns.transform(unseen)
    model = estimator(recipe, params)
    model.set_params(early_stopping_rounds=stopping.rounds)
    model.fit(rows, dataset.target(fit), eval_set=[(unseen, dataset.target(validation))], verbose=False)
    return int(model.best_iteration) + 1
