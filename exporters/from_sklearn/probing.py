"""What the source itself says to unusual rows: asked, not guessed."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas import DataFrame

    from .foreign import Estimator, Foreign
    from .inputs import Described

_UNSEEN = "onnxport-unseen"
_LONG = "x" * 10_000


def accepts_missing(model: Estimator, sample: DataFrame, described: list[Described]) -> list[bool]:
    """For each column, whether the source answers a row in which its value is missing."""
    row = _ordinary(sample)
    able = [_can_be_missing(row, index, one) for index, one in enumerate(described)]
    everywhere = [index for index, can in enumerate(able) if can]
    if _answer(model, _missing(row, everywhere, described)) is not None:
        return able
    return [
        can and _answer(model, _missing(row, [index], described)) is not None for index, can in enumerate(able)
    ]


def refused_values(model: Estimator, sample: DataFrame, described: list[Described]) -> tuple[str, ...]:
    """The kinds of values that make the source raise, as entries of `ConversionPlan.accepted`.

    A graph has no way to raise: it answers such rows, and the plan says so.
    """
    row = _ordinary(sample)
    floats = [index for index, dtype in enumerate(row.dtypes) if getattr(dtype, "kind", "") == "f"]
    integers = [index for index, dtype in enumerate(row.dtypes) if getattr(dtype, "kind", "") in "iu"]
    texts = [index for index, one in enumerate(described) if one.dtype == "string" and one.categories is None]
    tried: dict[str, tuple[Sequence[int], Any]] = {
        "infinite": (floats, np.inf),
        "extreme": (floats, np.finfo(np.float32).max),
        "large-integer": (integers, 2**24 + 1),
        "unseen-category": (texts, _UNSEEN),
        "empty-string": (texts, ""),
        "long-string": (texts, _LONG),
    }
    return tuple(
        f"{kind}: the source raises for such a value, the graph answers"
        for kind, (places, value) in tried.items()
        if _answer(model, _with(row, places, value)) is None
    )


def answer_shape(model: Estimator, sample: DataFrame) -> tuple[int | None, ...]:
    """The shape of the source's prediction; `None` is the number of rows."""
    answer = _answer(model, sample.iloc[:1])
    return (None,) if answer is None else (None, *np.shape(answer)[1:])


def _ordinary(sample: DataFrame) -> DataFrame:
    """One row of the sample, without missing values if there is such a row."""
    whole = sample.dropna()
    return (whole if len(whole) else sample).iloc[[0]]


def _can_be_missing(row: DataFrame, index: int, described: Described) -> bool:
    dtype = row.dtypes.iloc[index]
    plain = isinstance(dtype, np.dtype)
    return described.dtype == "string" or described.categories is not None or not plain or dtype.kind in "fO"


def _missing(row: DataFrame, indices: Sequence[int], described: list[Described]) -> DataFrame:
    changed = row.copy()
    for index in indices:
        name = changed.columns[index]
        if described[index].marker is None:
            changed[name] = np.array([None], dtype=object)
        else:
            changed[name] = changed[name].mask(np.array([True]))
    return changed


def _with(row: DataFrame, indices: Sequence[int], value: Foreign) -> DataFrame:
    changed = row.copy()
    for index in indices:
        name = changed.columns[index]
        changed[name] = changed[name].map(lambda _, value=value: value).astype(row.dtypes.iloc[index])
    return changed


def _answer(model: Estimator, rows: DataFrame) -> Foreign:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return np.asarray(model.predict(rows))
        except Exception:  # ruff: ignore[BLE001] - whatever the source raises is its answer: no
            return None
