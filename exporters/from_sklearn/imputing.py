"""Imputers and missing-value indicators."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .columns import Block, Columns, beside, numbers
from .converter import Converter
from .scope import is_missing
from .tensor import join

if TYPE_CHECKING:
    from .foreign import Estimator, Foreign
    from .scope import Scope
    from .tensor import Tensor


def missing_mask(scope: Scope, block: Block, missing_values: object) -> Tensor:
    """Where the block holds `missing_values`, as the source sees it, shape `(n, width)`, bool."""
    if not block.is_text:
        if isinstance(missing_values, int | float) and not np.isnan(missing_values):
            return block.tensor.equals(missing_values)
        return block.tensor.is_nan()
    if isinstance(missing_values, str):
        return is_string(block.tensor, missing_values)
    nothing = block.missing is None
    if nothing or (missing_values is None) != (block.marker is None):
        return is_string(block.tensor, block.missing or "") & scope.constant([[False]], "bool")
    return is_string(block.tensor, str(block.missing))


def is_string(tensor: Tensor, text: str) -> Tensor:
    """Where a string tensor holds `text`, bool."""
    found = tensor.op(
        "LabelEncoder",
        domain="ai.onnx.ml",
        keys_strings=[text],
        values_int64s=[1],
        default_int64=0,
        dtype="int64",
    )
    return found.cast("bool")


def _simple(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    statistics = estimator.statistics_
    blocks = _grouped(columns)
    kept: list[Columns] = []
    masks: list[Tensor] = []
    start = 0
    for block in blocks:
        fill = statistics[start : start + block.width]
        start += block.width
        mask = missing_mask(scope, block, estimator.missing_values)
        masks.append(mask)
        empty = [is_missing(value) and not estimator.keep_empty_features for value in fill]
        columns_kept = [index for index in range(block.width) if not empty[index]]
        if columns_kept:
            kept.append(
                _filled(
                    scope,
                    block.select(columns_kept),
                    mask.columns(columns_kept),
                    fill[columns_kept],
                    sparse=columns.sparse,
                )
            )
    result = beside(kept, sparse=columns.sparse)
    if estimator.add_indicator:
        result = beside([result, indicated(estimator.indicator_, masks)], sparse=columns.sparse)
    return result


def _filled(scope: Scope, block: Block, mask: Tensor, fill: Foreign, *, sparse: bool) -> Columns:
    if block.is_text:
        if any(not isinstance(value, str) for value in fill):
            raise scope.refuse(
                f"missing strings are replaced by {fill[0]!r}, which is no string",
                "Use a string as fill_value for columns of strings.",
            )
        filled = mask.where(block.tensor.constant([list(map(str, fill))], "string"), block.tensor)
        block = Block(
            tensor=filled, width=block.width, origin="string", missing=block.missing, marker=block.marker
        )
        return Columns(blocks=(block,))
    values = np.asarray([0.0 if value is None else value for value in fill], dtype=np.float64)
    if sparse and (values == 0).any():
        raise scope.refuse(
            "zeros are imputed into a sparse matrix, where a stored zero is not the same as an absent one",
            "Make the matrix dense before the imputer (sparse_output=False, sparse_threshold=0).",
        )
    origin = estimator_origin(block.origin)
    return numbers(
        mask.where(block.tensor.constant([values], block.tensor.dtype), block.tensor), block.width, origin=origin
    )


def estimator_origin(origin: str) -> str:
    """The dtype that the source has after validation to floats: float32 stays, all others are float64."""
    return origin if origin == "float32" else "float64"


def _grouped(columns: Columns) -> list[Block]:
    """The blocks, neighbouring numeric ones of one dtype joined."""
    groups: list[list[Block]] = []
    for block in columns.blocks:
        same = groups and not block.is_text and not groups[-1][-1].is_text
        if same and groups[-1][-1].tensor.dtype == block.tensor.dtype:
            groups[-1].append(block)
        else:
            groups.append([block])
    return [_merged(group) for group in groups]


def _merged(group: list[Block]) -> Block:
    if len(group) == 1:
        return group[0]
    origin = str(np.result_type(*[np.dtype(block.origin) for block in group]))
    width = sum(block.width for block in group)
    return Block(tensor=join([block.tensor for block in group]), width=width, origin=origin)


def indicated(indicator: Estimator, masks: list[Tensor]) -> Columns:
    """The indicator's columns: 1 where a value is missing in a column that it watches."""
    chosen = indicator.features_
    mask = join(masks).columns(chosen)
    return numbers(mask.cast("float64"), len(chosen), origin="bool")


def _indicator(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    masks = [missing_mask(scope, block, estimator.missing_values) for block in _grouped(columns)]
    sparse = estimator.sparse is True or (estimator.sparse == "auto" and columns.sparse)
    result = indicated(estimator, masks)
    return Columns(blocks=result.blocks, sparse=sparse)


CONVERTERS = {
    "SimpleImputer": Converter(transform=_simple),
    "MissingIndicator": Converter(transform=_indicator),
}
