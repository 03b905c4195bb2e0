"""The rows that a recipe trains on and the rows that it measures on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from onnxport.artifacts import UsageError

from .estimators import is_classifier
from .sample import read_sample
from .tables import TableFile, table_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from onnxport.artifacts import Progress

    from .access import TrainAccess
    from .recipe import Filter, Recipe

Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Rows to train on and rows to measure on; no row is in both.

    Attributes:
        recipe: What cut them.
        train: All columns of the training rows; in order of time where the split is by time.
        test: All columns of the held-out rows.
        file: The file that they are from; it may be gone.
    """

    recipe: Recipe
    file: TableFile
    train: pd.DataFrame
    test: pd.DataFrame

    def features(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The feature columns of `frame`, in the recipe's order."""
        return frame.loc[:, list(self.recipe.features)]

    def target(self, frame: pd.DataFrame) -> Numbers:
        """The target of `frame`, shape `(n,)`."""
        return frame[self.recipe.target].to_numpy()

    def folds(self, count: int) -> Iterator[tuple[Numbers, Numbers]]:
        """`count` pairs of row numbers of `train`, to fit on and to measure on, cut as the split is.

        Raises:
            UsageError: There are too few rows or groups.
        """
        from sklearn.model_selection import (  # ruff: ignore[PLC0415] - loads only when a recipe searches
            GroupKFold,
            KFold,
            StratifiedKFold,
            TimeSeriesSplit,
        )

        split, seed = self.recipe.split, self.recipe.seed
        groups = self.train[split.column] if split.by == "group" else None
        if split.by == "time":
            folds: Any = TimeSeriesSplit(count)
        elif split.by == "group":
            folds = GroupKFold(count)
        elif is_classifier(self.recipe):
            folds = StratifiedKFold(count, shuffle=True, random_state=seed)
        else:
            folds = KFold(count, shuffle=True, random_state=seed)
        try:
            yield from folds.split(self.train, self.target(self.train), groups)
        except ValueError as error:
            raise UsageError(
                f"{len(self.train)} training rows cannot be cut into {count} folds: {error}"
            ) from error


def read_dataset(recipe: Recipe, access: TrainAccess, progress: Progress) -> Dataset:
    """The recipe's rows, filtered and split; `access.data` is read in the place of the recipe's file.

    Raises:
        UsageError: The file cannot be read, lacks a column, or has too few rows.
        IntegrityError: The file was written while it was brought here.
        Unreachable: The storage does not answer or refuses us.
    """
    location, folder = (recipe.data.path, recipe.folder) if access.data is None else (access.data, Path())
    with table_file(location, folder, access.store, progress) as file:
        return split(recipe, file, read_sample(file.path))


def split(recipe: Recipe, file: TableFile, frame: pd.DataFrame) -> Dataset:
    """The rows in `frame`, which are those of `file`, filtered and split.

    Raises:
        UsageError: `frame` lacks a column, or has too few rows.
    """
    _check_columns(recipe, frame, file.location)
    for condition in recipe.data.filters:
        frame = frame[_kept(frame, condition)]
    frame = frame[frame[recipe.target].notna()].reset_index(drop=True)
    held_out = _held_out(recipe, frame) if len(frame) else np.zeros(0, dtype=bool)
    train, test = frame[~held_out], frame[held_out]
    if recipe.split.by == "time":
        train = train.sort_values(str(recipe.split.column), kind="stable")
    if len(train) < 2 or len(test) < 1:  # ruff: ignore[PLR2004] - one row has no variance
        raise UsageError(
            f"{file.location} leaves {len(train)} rows to train on and {len(test)} to measure on",
            hint="Look at the recipe's filters and its split.",
        )
    return Dataset(recipe=recipe, file=file, train=train.reset_index(drop=True), test=test.reset_index(drop=True))


def _check_columns(recipe: Recipe, frame: pd.DataFrame, path: str) -> None:
    wanted = [*recipe.features, recipe.target, *recipe.segments, *(part.column for part in recipe.data.filters)]
    wanted += [recipe.split.column] if recipe.split.column else []
    missing = sorted({name for name in wanted if name not in frame.columns})
    if missing:
        raise UsageError(
            f"{path} lacks {', '.join(map(repr, missing))}, which the recipe names; it has "
            f"{', '.join(map(repr, frame.columns))}",
            hint="Correct the recipe, or name other data with --data.",
        )


_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": lambda column, value: column == value,
    "!=": lambda column, value: (column != value) & column.notna(),
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
    "in": lambda column, value: column.isin(value),
    "not in": lambda column, value: ~column.isin(value) & column.notna(),
    "notnull": lambda column, _: column.notna(),
}


def _kept(frame: pd.DataFrame, condition: Filter) -> Numbers:
    column = frame[condition.column]
    try:
        value = pd.Timestamp(str(condition.value)) if column.dtype.kind == "M" else condition.value
        kept = _COMPARISONS[condition.op](column, value)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"the filter {condition.column} {condition.op} {condition.value!r} does not fit {column.dtype}"
        ) from error
    return np.asarray(kept.fillna(value=False), dtype=bool)


def _held_out(recipe: Recipe, frame: pd.DataFrame) -> Numbers:
    split = recipe.split
    count = max(1, round(split.test * len(frame)))
    random = np.random.default_rng(recipe.seed)
    held_out = np.zeros(len(frame), dtype=bool)
    if split.by == "random":
        held_out[random.permutation(len(frame))[:count]] = True
        return held_out
    column = frame[str(split.column)]
    if column.isna().any():
        raise UsageError(f"{int(column.isna().sum())} rows have no {split.column!r}, by which the recipe splits")
    if split.by == "time":
        held_out[np.argsort(column.to_numpy(), kind="stable")[-count:]] = True
        return held_out
    groups = random.permutation(np.sort(column.unique()))
    sizes = column.value_counts()
    reached = np.cumsum([sizes[group] for group in groups])
    return column.isin(groups[: 1 + int(np.searchsorted(reached, count))]).to_numpy()
