"""From columns to LightGBM's float64 matrix: categories as the codes that they had in training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnxport.exporters.from_sklearn.categories import codes, lookup
from onnxport.exporters.from_sklearn.tensor import join

if TYPE_CHECKING:
    from onnxport.exporters.from_sklearn.columns import Columns
    from onnxport.exporters.from_sklearn.scope import Scope
    from onnxport.exporters.from_sklearn.tensor import Tensor

    from .saved import Model


def add_matrix(scope: Scope, columns: Columns, model: Model) -> Tensor:
    """The features, float64 `(n, features)`; a category that was not seen in training is NaN, as in LightGBM.

    Raises:
        Refused: A column holds strings that are no categories, or other categories than the model has.
    """
    categorical = [block for block in columns.blocks if block.categories is not None]
    if any(block.is_text and block.categories is None for block in columns.blocks):
        raise scope.refuse(
            "a column of strings reaches LightGBM, which takes numbers, booleans and categories",
            "Give a sample with the dtypes that the model was trained on.",
        )
    if len(categorical) != len(model.categories):
        raise scope.refuse(
            f"it was trained on {len(model.categories)} columns of dtype category, the sample has "
            f"{len(categorical)}: LightGBM itself refuses such a frame",
            "Give a sample with the dtypes that the model was trained on.",
        )
    if not categorical:
        return columns.matrix("float64")
    known = iter(model.categories)
    parts = []
    for block in columns.blocks:
        if block.categories is None:
            parts.append(block.tensor.cast("float64"))
            continue
        categories = next(known)
        places = np.arange(len(categories), dtype=np.float64)
        parts.append(lookup(codes(scope, block, categories), places, np.nan))
    return join(parts)
