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
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from onnxport.artifacts import Progress

    from .access import TrainAccess
    from .recipe import Filter, Recipe

Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a model card says about the rows.

    Attributes:
        recipe: What cut them.
        file: The file that they are from; it may be gone.
        train: How many rows trained.
        test: How many were held out.
        classes: Of a classifier: label to its share of the training rows, in order of the labels; else `None`.
        missing: Feature to the share of training rows without a value, in the recipe's order.
    """

    recipe: Recipe
    file: TableFile
    train: int
    test: int
    classes: Mapping[Any, float] | None
    missing: Mapping[str, float]


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

    def facts(self) -> Facts:
        """What the model card says about the rows."""
        labels = self.train[self.recipe.target]
        shares = labels.value_counts(normalize=True).sort_index() if is_classifier(self.recipe) else None
        return Facts(
            recipe=self.recipe,
            file=self.file,
            train=len(self.train),
            test=len(self.test),
            classes=None if shares is None else dict(shares.items()),
            missing={str(name): share for name, share in self.features(self.train).isna().mean().items()},
        )

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
    with data_file(recipe, access, progress) as file:
        return split(recipe, file, read_sample(file.path))


def data_file(recipe: Recipe, access: TrainAccess, progress: Progress) -> AbstractContextManager[TableFile]:
    """The recipe's file, or `access.data` in its place, on this machine while the context lasts.

    Raises:
        UsageError: There is no such file.
        IntegrityError: It was written while it was brought here.
        Unreachable: The storage does not answer or refuses us.
    """
    location, folder = (recipe.data.path, recipe.folder) if access.data is None else (access.data, Path())
    return table_file(location, folder, access.store, progress)


def split(recipe: Recipe, file: TableFile, frame: pd.DataFrame) -> Dataset:
    """The rows in `frame`, which are those of `file`, filtered and split.

    Raises:
        UsageError: `frame` lacks a column, or has too few rows.
    """
    check_columns(recipe, list(frame.columns), file.location)
    frame = kept_rows(recipe, frame)
    held_out = held_out_rows(recipe, frame[recipe.split.column] if recipe.split.column else None, len(frame))
    train, test = frame[~held_out], frame[held_out]
    if recipe.split.by == "time":
        train = train.sort_values(str(recipe.split.column), kind="stable")
    check_rows(file, len(train), len(test))
    return Dataset(recipe=recipe, file=file, train=train.reset_index(drop=True), test=test.reset_index(drop=True))


def wanted_columns(recipe: Recipe) -> list[str]:
    """The columns that the recipe names, each once: features, target, segments, and those that choose rows."""
    wanted = [*recipe.features, recipe.target, *recipe.segments, *(part.column for part in recipe.data.filters)]
    return list(dict.fromkeys([*wanted, recipe.split.column] if recipe.split.column else wanted))


def check_columns(recipe: Recipe, names: Sequence[str], path: str) -> None:
    """The file at `path`, which has the columns `names`, has all that the recipe names.

    Raises:
        UsageError: It lacks one.
    """
    missing = sorted(set(wanted_columns(recipe)) - set(names))
    if missing:
        raise UsageError(
            f"{path} lacks {', '.join(map(repr, missing))}, which the recipe names; it has "
            f"{', '.join(map(repr, names))}",
            hint="Correct the recipe, or name other data with --data.",
        )


def check_rows(file: TableFile, train: int, test: int) -> None:
    """There are rows to train on and rows to measure on.

    Raises:
        UsageError: There are not.
    """
    if train < 2 or test < 1:  # ruff: ignore[PLR2004] - one row has no variance
        raise UsageError(
            f"{file.location} leaves {train} rows to train on and {test} to measure on",
            hint="Look at the recipe's filters and its split.",
        )


def kept_rows(recipe: Recipe, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of `frame` that have a target and for which the recipe's filters hold, numbered from 0.

    Raises:
        UsageError: A filter does not fit its column.
    """
    for condition in recipe.data.filters:
        frame = frame[_kept(frame, condition)]
    return frame[frame[recipe.target].notna()].reset_index(drop=True)


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


def held_out_rows(recipe: Recipe, column: pd.Series[Any] | None, rows: int) -> Numbers:
    """Which of the `rows` kept rows are measured on, shape `(rows,)`; `column` is what the recipe splits by.

    Law: equal columns give equal answers; the order of the rows counts, their other columns do not.

    Raises:
        UsageError: `column` has missing values.
    """
    held_out = np.zeros(rows, dtype=bool)
    if not rows:
        return held_out
    split = recipe.split
    count = max(1, round(split.test * rows))
    random = np.random.default_rng(recipe.seed)
    if column is None:
        held_out[random.permutation(rows)[:count]] = True
        return held_out
    if column.isna().any():
        raise UsageError(f"{int(column.isna().sum())} rows have no {split.column!r}, by which the recipe splits")
    if split.by == "time":
        held_out[np.argsort(column.to_numpy(), kind="stable")[-count:]] = True
        return held_out
    groups = random.permutation(np.sort(column.unique()))
    sizes = column.value_counts()
    reached = np.cumsum([sizes[group] for group in groups])
    return column.isin(groups[: 1 + int(np.searchsorted(reached, count))]).to_numpy()


def validation_rows(recipe: Recipe, rows: int) -> Numbers:
    """Which of the `rows` training rows, in their order, tell early stopping how many trees are best: `(rows,)`.

    The others are those that it fits on.
    """
    stopping = recipe.early_stopping
    if stopping is None:
        raise AssertionError("called only where there is early stopping")
    chosen = np.zeros(rows, dtype=bool)
    count = max(1, round(stopping.validation * rows))
    if recipe.split.by == "time":
        chosen[-count:] = True
    else:
        chosen[np.random.default_rng(recipe.seed).permutation(rows)[:count]] = True
    return chosen
