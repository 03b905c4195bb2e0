"""Encoders of categories: one-hot, ordinal, target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .categories import codes, lookup
from .columns import Columns, beside, numbers
from .converter import Converter
from .tensor import join

if TYPE_CHECKING:
    from onnxport.artifacts import Dtype

    from .foreign import Estimator, Foreign
    from .scope import Scope


def _one_hot(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    parts = []
    width = 0
    for index, block in enumerate(columns.split()):
        places, unknown, size = _one_hot_places(estimator, index)
        code = lookup(codes(scope, block, estimator.categories_[index]), places, unknown)
        if size:
            parts.append(code.equals(np.arange(size)[None, :]).cast("float64"))
            width += size
    if not parts:
        raise scope.refuse("it answers no column at all", "Leave the encoder out.")
    return _of_dtype(numbers(join(parts), width, sparse=bool(estimator.sparse_output)), estimator.dtype)


def _one_hot_places(estimator: Estimator, index: int) -> tuple[Any, int, int]:
    """Output column of each category (-1: none), that of an unknown one, and how many columns there are."""
    grouping = _grouping(estimator, index)
    places = np.arange(len(estimator.categories_[index])) if grouping is None else np.asarray(grouping)
    size = int(places.max()) + 1
    unknown = -1
    if grouping is not None and estimator.handle_unknown in {"infrequent_if_exist", "warn"}:
        unknown = size - 1
    dropped = estimator._drop_idx_after_grouping  # ruff: ignore[SLF001] - the public drop_idx_ is that before grouping
    if dropped is not None and dropped[index] is not None:
        places, unknown = (_dropped(np.asarray(place), int(dropped[index])) for place in (places, unknown))
        size -= 1
    return np.asarray(places, dtype=np.int64), int(unknown), size


def _dropped(places: Foreign, drop: int) -> Foreign:
    return np.where(places == drop, -1, np.where(places > drop, places - 1, places))


def _grouping(estimator: Estimator, index: int) -> Foreign:
    """New index of each category where infrequent ones are grouped, or `None`."""
    if not getattr(estimator, "_infrequent_enabled", False):
        return None
    return estimator._default_to_infrequent_mappings[index]  # ruff: ignore[SLF001] - the only record of the grouping


def _ordinal(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    missing = estimator._missing_indices  # ruff: ignore[SLF001] - which category is NaN
    parts = []
    for index, block in enumerate(columns.split()):
        grouping = _grouping(estimator, index)
        values = np.arange(len(estimator.categories_[index])).astype(np.float64)
        if grouping is not None:  # a missing value, always last, is never grouped and has no entry
            values[: len(grouping)] = grouping
        if index in missing:
            values[missing[index]] = estimator.encoded_missing_value
        unknown = np.nan if estimator.handle_unknown == "error" else estimator.unknown_value
        parts.append(lookup(codes(scope, block, estimator.categories_[index]), values, unknown))
    return _of_dtype(numbers(join(parts), len(parts)), estimator.dtype)


def _of_dtype(columns: Columns, dtype: Foreign) -> Columns:
    """Small whole numbers in the encoder's dtype: float32 or float64 tensors, whatever the source calls it."""
    name = np.dtype(dtype).name
    held: Dtype = "float32" if name == "float32" else "float64"
    (block,) = columns.blocks
    return numbers(block.tensor.cast(held), block.width, sparse=columns.sparse, origin=name)


def _target(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    several = estimator.target_type_ == "multiclass"
    encodings = estimator.encodings_
    means = np.atleast_1d(estimator.target_mean_)
    parts = []
    for index, block in enumerate(columns.split()):
        code = codes(scope, block, estimator.categories_[index])
        for place in range(len(means) if several else 1):
            values = encodings[index * len(means) + place if several else index]
            parts.append(lookup(code, np.asarray(values, dtype=np.float64), means[place]))
    return beside([numbers(part, 1) for part in parts])


CONVERTERS = {
    "OneHotEncoder": Converter(precision="string", transform=_one_hot),
    "OrdinalEncoder": Converter(precision="string", transform=_ordinal),
    "TargetEncoder": Converter(transform=_target),
}
