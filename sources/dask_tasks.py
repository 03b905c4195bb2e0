"""What a worker does with one part of the data: small answers go back, rows stay where they are.

Law: each function gives the same again, on any worker, so Dask may do it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .dataset import kept_rows, wanted_columns
from .dtypes import ColumnType, conformed
from .estimators import is_classifier
from .measuring import answers
from .parts import read_part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .parts import Part
    from .recipe import Recipe

Numbers = np.ndarray[Any, np.dtype[Any]]
Pair = tuple[pd.DataFrame, "pd.Series[Any]"]
"""Features and target of the same rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How every part is read.

    Attributes:
        recipe: Names the columns, and which rows count.
        texts: Columns of a CSV file that are texts.
        dtypes: What the columns are over all parts.
    """

    recipe: Recipe
    texts: frozenset[str]
    dtypes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the split needs to know of a part.

    Attributes:
        rows: How many of its rows count.
        column: What the recipe splits by, shape `(rows,)`; `None`: nothing.
    """

    rows: int
    column: pd.Series[Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFacts:
    """What the model card and the signature need to know of a part's training rows.

    Attributes:
        labels: Of a classifier: label to number of rows.
        missing: Feature to number of rows without a value.
        head: The rows that were asked for, features and target.
        gaps: Features of rows that show, for each feature with missing values, that it has some.
    """

    labels: pd.Series[Any] | None
    missing: pd.Series[Any]
    head: Pair
    gaps: pd.DataFrame


def survey(part: Part, recipe: Recipe, texts: frozenset[str]) -> dict[str, ColumnType]:
    """What the recipe's columns are in this part; nothing where it has no rows.

    Raises:
        UsageError: It cannot be read.
        IntegrityError: The file was changed.
    """
    frame = read_part(part, wanted_columns(recipe), texts)
    return {str(name): ColumnType.of(frame[name]) for name in frame.columns if len(frame)}


def describe(part: Part, reading: Reading) -> Kept:
    """How many rows of the part count, and what the recipe splits them by.

    Raises:
        UsageError: It cannot be read, or a filter does not fit its column.
        IntegrityError: The file was changed.
    """
    frame = _kept(part, reading)
    split = reading.recipe.split
    column = frame[split.column] if split.column else None
    if column is not None and split.by == "group":
        column = column.astype("category")  # a number for each row, and each group's name once
    return Kept(rows=len(frame), column=column)


def facts(part: Part, reading: Reading, chosen: Numbers, head: Numbers) -> PartFacts:
    """What the rows `chosen` are like, and those of them with the numbers `head`."""
    features, target = rows(part, reading, chosen)
    missing = features.isna()
    gaps = sorted({int(missing[name].to_numpy().argmax()) for name in features.columns if missing[name].any()})
    return PartFacts(
        labels=target.value_counts() if is_classifier(reading.recipe) else None,
        missing=missing.sum(),
        head=(features.iloc[head], target.iloc[head]),
        gaps=features.iloc[gaps],
    )


def rows(part: Part, reading: Reading, chosen: Numbers) -> Pair:
    """Features and target of the part's rows that count and are `chosen`, a bool for each of them."""
    frame = _kept(part, reading)[chosen].reset_index(drop=True)
    return frame[list(reading.recipe.features)], frame[reading.recipe.target]


def features_of(pair: Pair) -> pd.DataFrame:
    """The features alone."""
    return pair[0]


def labels_of(pair: Pair) -> pd.Series[Any]:
    """The target alone, as XGBoost keeps it."""
    return pd.Series(np.asarray(pair[1], dtype=np.float32), name=pair[1].name)


def answered(part: Part, reading: Reading, chosen: Numbers, model: Any) -> tuple[pd.DataFrame, Numbers]:  # ruff: ignore[ANN401] - an estimator
    """Target and segments of the rows `chosen`, and what the model answers on them."""
    recipe = reading.recipe
    frame = _kept(part, reading)[chosen].reset_index(drop=True)
    found = answers(recipe, model, frame[list(recipe.features)])
    return frame[list(dict.fromkeys([recipe.target, *recipe.segments]))], found


def _kept(part: Part, reading: Reading) -> pd.DataFrame:
    frame = read_part(part, wanted_columns(reading.recipe), reading.texts)
    return kept_rows(reading.recipe, conformed(frame, reading.dtypes))
