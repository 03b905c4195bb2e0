"""From the columns of a data frame to XGBoost's float32 matrix, as XGBoost itself reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from onnxport.artifacts import InputColumn, Missing, UsageError
from onnxport.exporters.assemble import matrix_column, tensor_name
from onnxport.exporters.graph import ML
from onnxport.exporters.refused import Refused

from .booster import Trees

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnxport.exporters.graph import GraphBuilder
    from pandas import DataFrame

    from .booster import Model
    from .estimator import Estimator
    from .vocabulary import Categories

_NO_INTEGER = np.iinfo(np.int64).min
"""Stands for "missing" among integer categories; as a float64 no category can be it."""


def columns_of(model: Model, sample: DataFrame) -> tuple[InputColumn, ...]:
    """The graph's inputs for the columns of `sample`: one matrix, or a tensor each where there are categories.

    Raises:
        Refused: A categorical column's codes cannot be known.
        UsageError: The columns are not those that the model was trained on, or hold what XGBoost does not take.
    """
    names = [str(name) for name in sample.columns]
    _check_names(model, names)
    categories = [
        _categories(model, dtype, index, name)
        for index, (name, dtype) in enumerate(zip(names, sample.dtypes, strict=True))
    ]
    if not any(categories):
        return tuple(matrix_column(name, "float32", len(names), missing=True) for name in names)
    return tuple(map(_input, names, categories))


def add_matrix(builder: GraphBuilder, inputs: Sequence[InputColumn]) -> str:
    """The float32 matrix `(n, features)` of the graph's `inputs`, categories as codes, missing values as NaN."""
    if inputs[0].categories is None and len({column.tensor for column in inputs}) < len(inputs):
        return inputs[0].tensor
    parts = [column.tensor if column.categories is None else _add_codes(builder, column) for column in inputs]
    return builder.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]


def _check_names(model: Model, names: list[str]) -> None:
    if model.feature_names is not None and tuple(names) != model.feature_names:
        unexpected = [name for name in names if name not in model.feature_names]
        absent = [name for name in model.feature_names if name not in names]
        raise UsageError(
            f"the model was trained on the columns {', '.join(map(repr, model.feature_names))}; "
            f"of the sample's {unexpected or 'no'} are unknown and {absent or 'none'} are missing",
            hint="Give a sample with the model's columns, in the model's order.",
        )
    if len(names) != model.features:
        raise UsageError(
            f"the model was trained on {model.features} columns, the sample has {len(names)}",
            hint="Name the model's columns in its order with --features.",
        )
    if len(set(names)) < len(names):
        raise UsageError("the sample has several columns of the same name", hint="Rename them.")


def _categories(
    model: Model,
    dtype: Any,  # ruff: ignore[ANN401] - numpy's, pandas' or Arrow's
    index: int,
    name: str,
) -> Categories | None:
    """The categories by code where the column brings categories; `None` where it brings numbers."""
    if not isinstance(dtype, pd.CategoricalDtype):
        if not (pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)):
            raise UsageError(
                f"column {name!r} of the sample has dtype {dtype}, XGBoost takes numbers, booleans and categories",
                hint="Give a sample with the dtypes that the model was trained on.",
            )
        return None
    known = model.core.vocabularies if isinstance(model.core, Trees) else ()
    vocabulary = known[index] if known else None
    if vocabulary is None:
        raise Refused(
            f"input {name!r}",
            "the sample brings categories, but the model holds no vocabulary that says which code each of them "
            "had in training: XGBoost keeps one since 3.1, for data frames with columns of dtype category",
            "Train again with XGBoost 3.1 or later, or give the integer codes that the model was trained on.",
        )
    here = list(dtype.categories)
    if vocabulary.strings != all(isinstance(category, str) for category in here):
        raise UsageError(
            f"column {name!r} of the sample has the categories {here[:3]}, "
            f"the model was trained on {'strings' if vocabulary.strings else 'integers'}",
            hint="Give a sample whose categories are of the type that the model was trained on.",
        )
    if (categories := vocabulary.categories(here)) is None:
        raise Refused(
            f"input {name!r}",
            "XGBoost cuts category names in the middle that are not plain ASCII, so that the model does not say "
            "which code they had, and the sample's categories are not in the order of training",
            "Give a sample whose categories are those of the training data, in the same order.",
        )
    return categories


def _input(name: str, categories: Categories | None) -> InputColumn:
    text = categories is not None and isinstance(categories[0], str)
    return InputColumn(
        name=name,
        tensor=tensor_name(name),
        dtype="string" if text else "float32" if categories is None else "float64",
        shape=(None, 1),
        categories=categories,
        missing=Missing(allowed=True, encoding=_absent(categories) if text else "nan"),
    )


def _absent(categories: Categories | None) -> str:
    """A string that is no category: the empty one, if it is none."""
    text = ""
    while text in (categories or ()):
        text += "\N{REPLACEMENT CHARACTER}"
    return text


def _add_codes(builder: GraphBuilder, column: InputColumn) -> str:
    """The code of each category, float32 `(n, 1)`; NaN where it is missing or was not seen in training."""
    categories = column.categories or ()
    codes = [float(code) for code in range(len(categories))]
    unknown: dict[str, Any] = {"values_floats": codes, "default_float": float("nan"), "domain": ML}
    if column.dtype == "string":
        return builder.add("LabelEncoder", column.tensor, keys_strings=list(categories), **unknown)
    value = column.tensor
    whole = builder.add("Equal", value, builder.add("Floor", value))
    bound = builder.constant(float(2**63), "float64")
    valid = builder.add("And", whole, builder.add("Less", builder.add("Abs", value), bound))
    absent = builder.constant(float(_NO_INTEGER), "float64")
    number = builder.cast(builder.add("Where", valid, value, absent), "int64")
    return builder.add("LabelEncoder", number, keys_int64s=[int(key) for key in categories], **unknown)


def check_missing(estimator: Estimator, inputs: Sequence[InputColumn]) -> None:
    """Nothing, if the model's `missing` cannot be the code of a category.

    Raises:
        Refused: It can: XGBoost compares it with the codes of the frame at hand, which are not the model's.
    """
    value = estimator.missing
    if value is None or value < 0 or all(column.categories is None for column in inputs):
        return
    raise Refused(
        "model.missing",
        f"missing={value} also strikes out the category that has this code in the frame at hand, whichever it is",
        "Train with missing=nan, or with a negative number.",
    )
