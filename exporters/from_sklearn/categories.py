"""From a category to a number: one lookup a column, the same for all encoders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .scope import is_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .columns import Block
    from .foreign import Foreign
    from .scope import Scope
    from .tensor import Tensor


def codes(scope: Scope, block: Block, categories: Sequence[Any]) -> Tensor:
    """The index in `categories` of each value of a block of one column, `(n, 1)`, int64; -1 where it is none.

    Raises:
        Refused: The column holds strings and the categories are numbers, or the other way round.
    """
    values = [value.item() if isinstance(value, np.generic) else value for value in categories]
    if block.is_text:
        return _text_codes(scope, block, values)
    present = [(index, value) for index, value in enumerate(values) if not is_missing(value) and value is not None]
    if any(isinstance(value, str) for _, value in present):
        raise scope.refuse(
            "it was trained on strings, and the sample has numbers in this column",
            "Give the sample in the dtypes of the training data.",
        )
    missing = [index for index, value in enumerate(values) if is_missing(value) or value is None]
    indices = np.array([index + 1 for index, _ in present], dtype=np.int64)
    found = block.tensor.constant(np.zeros((1, 1)), "int64")
    if present:
        known = np.array([[value for _, value in present]], dtype=np.float64)
        matches = block.tensor.cast("float64").equals(known)
        found = matches.where(found.constant(indices[None, :], "int64"), 0).maximum()
    if missing:
        nan = block.tensor.is_nan()
        found = nan.where(found.constant([[missing[0] + 1]], "int64"), found)
    return found - 1


def _text_codes(scope: Scope, block: Block, values: Sequence[Any]) -> Tensor:
    keys = {value: index for index, value in enumerate(values) if isinstance(value, str)}
    if block.missing in keys:
        raise scope.refuse(
            f"{block.missing!r} is a category, and also how a missing value is written",
            "Rename that category in the training data.",
        )
    for index, value in enumerate(values):
        same = (value is None) if block.marker is None else is_missing(value)
        if same and block.missing is not None:
            keys[block.missing] = index
    if not keys:
        return block.tensor.op("Shape", dtype="int64").op("ConstantOfShape", dtype="float32").cast("int64") - 1
    return block.tensor.op(
        "LabelEncoder",
        domain="ai.onnx.ml",
        keys_strings=list(keys),
        values_int64s=list(keys.values()),
        default_int64=-1,
        dtype="int64",
    )


def lookup(code: Tensor, table: Sequence[Any] | np.ndarray[Any, Any], otherwise: Foreign) -> Tensor:
    """`table[code]`, and `otherwise` where the code is -1; one more axis than `code` where the table has rows."""
    values = np.concatenate([np.asarray([otherwise], dtype=np.asarray(table).dtype), np.asarray(table)])
    return (code + 1).rows_of(values)
