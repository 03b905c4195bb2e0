"""The recipe's rows on the workers of a cluster: the same rows as in memory, and no process has them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from . import dask_tasks as tasks
from .dataset import Facts, check_columns, check_rows, held_out_rows, validation_rows
from .dtypes import ColumnType
from .parts import names_of, parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .parts import Part
    from .recipe import Recipe
    from .tables import TableFile

Numbers = np.ndarray[Any, np.dtype[Any]]

HEAD: Final = 100
"""First training rows that the model's signature and example rows are taken from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Workers with a share of the parts each, always the same: what they add up is added in the same order.

    Attributes:
        client: A `distributed.Client`.
        addresses: Of the workers, in order of their names.
    """

    client: Any
    addresses: tuple[str, ...]

    def submit(self, number: int, task: Callable[..., Any], *arguments: Any) -> Any:  # ruff: ignore[ANN401] - a Future
        """The future of `task(*arguments)` on the worker that has part `number`."""
        worker = self.addresses[number % len(self.addresses)]
        return self.client.submit(task, *arguments, workers=[worker], pure=False, key=None)

    def gather(self, futures: Sequence[Any]) -> list[Any]:
        """What the tasks returned, in order.

        Raises:
            OnnxportError: A task raised it.
        """
        return list(self.client.gather(list(futures)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DaskRows:
    """Rows to train on and rows to measure on; here are only a bool, and what they are split by, for each.

    Law: they are the rows of the `Dataset` of the same recipe and file, with the same dtypes.

    Attributes:
        workers: Who reads them.
        parts: All parts of the file.
        reading: How they are read.
        file: The file that they are from.
        kept: Number of rows of each part that count.
        held_out: Which of the kept rows are measured on, shape `(sum(kept),)`.
        order: Numbers of the kept rows that train, in the order in which they train.
    """

    workers: Workers
    parts: tuple[Part, ...]
    reading: tasks.Reading
    file: TableFile
    kept: tuple[int, ...]
    held_out: Numbers
    order: Numbers

    def pairs(self, chosen: Numbers) -> dict[int, Any]:
        """Part to the future of its `chosen` rows' features and target; parts without such rows are left out."""
        return {
            number: self.workers.submit(number, tasks.rows, self.parts[number], self.reading, mask)
            for number, mask in enumerate(self._by_part(chosen))
            if mask.any()
        }

    def validation(self) -> Numbers:
        """Which of the kept rows tell early stopping how many trees are best, shape `(sum(kept),)`."""
        chosen = np.zeros(len(self.held_out), dtype=bool)
        chosen[self.order[validation_rows(self.reading.recipe, len(self.order))]] = True
        return chosen

    def described(self) -> tuple[Facts, tasks.Pair, pd.DataFrame]:
        """What the model card says about the rows; the first training rows; and features that show all gaps."""
        recipe = self.reading.recipe
        masks = self._by_part(~self.held_out)
        heads = self._heads(masks)
        found: list[tasks.PartFacts] = self.workers.gather(
            [
                self.workers.submit(number, tasks.facts, self.parts[number], self.reading, mask, heads[number])
                for number, mask in enumerate(masks)
                if mask.any()
            ]
        )
        facts = Facts(
            recipe=recipe,
            file=self.file,
            train=len(self.order),
            test=int(self.held_out.sum()),
            classes=_shares([part.labels for part in found if part.labels is not None]) or None,
            missing=_missing(found, len(self.order)),
        )
        features = pd.concat([part.head[0] for part in found], ignore_index=True)
        target = pd.concat([part.head[1] for part in found], ignore_index=True)
        first = self.order[:HEAD]
        ranks = np.argsort(np.argsort(first))  # parts gave them in the file's order
        head = (features.iloc[ranks].reset_index(drop=True), target.iloc[ranks].reset_index(drop=True))
        gaps = pd.concat([part.gaps for part in found], ignore_index=True)
        return facts, head, _showing(head[0], gaps)

    def answered(self, model: Any) -> tuple[pd.DataFrame, Numbers]:  # ruff: ignore[ANN401] - an estimator
        """Target and segments of the held-out rows, numbered from 0, and what `model` answers on them."""
        sent = self.workers.client.scatter(model, broadcast=True, hash=False)
        found = self.workers.gather(
            [
                self.workers.submit(number, tasks.answered, self.parts[number], self.reading, mask, sent)
                for number, mask in enumerate(self._by_part(self.held_out))
                if mask.any()
            ]
        )
        frame = pd.concat([part for part, _ in found], ignore_index=True)
        return frame, np.concatenate([answers for _, answers in found])

    def _heads(self, masks: list[Numbers]) -> list[Numbers]:
        """For each part, the numbers among its training rows that the first training rows of all have."""
        wanted = np.zeros(len(self.held_out), dtype=bool)
        wanted[self.order[:HEAD]] = True
        return [np.flatnonzero(part[mask]) for part, mask in zip(self._by_part(wanted), masks, strict=True)]

    def _by_part(self, chosen: Numbers) -> list[Numbers]:
        return list(np.split(chosen, np.cumsum(self.kept)[:-1]))


def read_on_dask(recipe: Recipe, file: TableFile, workers: Workers) -> DaskRows:
    """The recipe's rows in `file`, which all workers see: filtered and split, and still where they are.

    Raises:
        UsageError: The file cannot be read in parts, lacks a column, or has too few rows.
        IntegrityError: The file was changed.
    """
    check_columns(recipe, names_of(file.path), file.location)
    parts = parts_of(file.path)
    reading = _surveyed(recipe, parts, workers)
    found: list[tasks.Kept] = workers.gather(
        [workers.submit(number, tasks.describe, part, reading) for number, part in enumerate(parts)]
    )
    column = _joined([part.column for part in found if part.column is not None])
    held_out = held_out_rows(recipe, column, sum(part.rows for part in found))
    train = np.flatnonzero(~held_out)
    check_rows(file, len(train), int(held_out.sum()))
    if recipe.split.by == "time" and column is not None:
        train = train[np.argsort(column.to_numpy()[train], kind="stable")]
    return DaskRows(
        workers=workers,
        parts=tuple(parts),
        reading=reading,
        file=file,
        kept=tuple(part.rows for part in found),
        held_out=held_out,
        order=train,
    )


def _surveyed(recipe: Recipe, parts: Sequence[Part], workers: Workers) -> tasks.Reading:
    """How to read the parts so that a column is the same in all, also where texts look like numbers in some."""
    texts = frozenset[str]()
    while True:
        columns: dict[str, ColumnType] = {}
        for found in workers.gather(
            [workers.submit(number, tasks.survey, part, recipe, texts) for number, part in enumerate(parts)]
        ):
            for name, column in found.items():
                columns.setdefault(name, ColumnType()).join(column)
        mixed = frozenset(name for name, column in columns.items() if column.mixed)
        if texts or not mixed or not parts[0].path.lower().endswith(".csv"):
            dtypes = {name: column.dtype for name, column in columns.items()}
            return tasks.Reading(recipe=recipe, texts=texts, dtypes=dtypes)
        texts = mixed


def _joined(columns: Sequence[pd.Series[Any]]) -> pd.Series[Any] | None:
    if not columns:
        return None
    if isinstance(columns[0].dtype, pd.CategoricalDtype):
        return pd.Series(union_categoricals(list(columns)))
    return pd.concat(list(columns), ignore_index=True)


def _shares(labels: Sequence[pd.Series[Any]]) -> dict[Any, float]:
    if not labels:
        return {}
    counts = pd.concat(list(labels)).groupby(level=0, sort=True).sum()
    return dict((counts / counts.sum()).items())


def _missing(found: Sequence[tasks.PartFacts], rows: int) -> dict[str, float]:
    total = pd.concat([part.missing for part in found], axis=1).sum(axis=1)
    return {str(name): float(count) / rows for name, count in total.items()}


def _showing(head: pd.DataFrame, gaps: pd.DataFrame) -> pd.DataFrame:
    """The rows of `head`, and of `gaps` the first that shows each feature without a value that `head` does not."""
    wanted = [name for name in head.columns if not head[name].isna().any() and gaps[name].isna().any()]
    more = sorted({int(gaps[name].isna().to_numpy().argmax()) for name in wanted})
    return pd.concat([head, gaps.iloc[more]], ignore_index=True)
