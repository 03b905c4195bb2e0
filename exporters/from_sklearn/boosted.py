"""XGBoost's models as steps of a scikit-learn model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from onnxport.exporters.from_xgboost import add_booster
from onnxport.exporters.from_xgboost.estimator import read_estimator

from .categories import codes, lookup
from .converter import Converter
from .tensor import Tensor, join

if TYPE_CHECKING:
    from onnxport.artifacts import Dtype
    from onnxport.exporters.from_xgboost import ModelOutputs

    from .columns import Columns
    from .foreign import Estimator
    from .scope import Scope

_UNSEEN = "a category that was not seen counts as missing; XGBoost takes a neighbouring one (dmlc/xgboost#12189)"


def _outputs(scope: Scope, estimator: Estimator, columns: Columns) -> ModelOutputs:
    """What the model answers: computed once for all of its methods."""
    key = (id(estimator), "booster", tuple(block.tensor.name for block in columns.blocks), columns.sparse)
    if key not in scope.journal.done:
        answer, step = add_booster(scope.builder, _matrix(scope, estimator, columns).name, estimator, scope.path)
        scope.journal.steps[scope.path] = step
        scope.journal.done[key] = answer
        scope.journal.alive.append(estimator)
    outputs: ModelOutputs = scope.journal.done[key]
    return outputs


def _matrix(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    if any(block.categories is not None for block in columns.blocks):
        return _with_categories(scope, estimator, columns)
    scope.numbers(columns)
    matrix = columns.matrix("float32")
    if columns.sparse:  # XGBoost takes the absent entries of a sparse matrix for missing ones
        matrix = matrix.equals(0.0).where(matrix.like(np.nan), matrix)
    return matrix


def _with_categories(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    """Categories as the codes of the vocabulary that the model keeps; unknown and missing ones as NaN."""
    core = read_estimator(estimator, scope.path).model.core
    known = getattr(core, "vocabularies", ())
    parts = []
    for index, block in enumerate(columns.split()):
        if block.categories is None:
            parts.append(block.tensor.cast("float32"))
            continue
        vocabulary = known[index] if known else None
        categories = None if vocabulary is None else vocabulary.categories(block.categories)
        if categories is None:
            raise scope.refuse(
                "it keeps no vocabulary that says which code each category had in training",
                "Train again with XGBoost 3.1 or later, on a data frame with columns of dtype category.",
            )
        scope.accept("unseen-category differs", _UNSEEN)
        places = np.arange(len(categories), dtype=np.float32)
        parts.append(lookup(codes(scope, block, categories), places, np.nan))
    return join(parts)


def _tensor(scope: Scope, name: str | None, dtype: Dtype) -> Tensor:
    if name is None:
        raise scope.refuse("it has no such answer", "Ask for one that it has.")
    return Tensor(builder=scope.builder, name=name, dtype=dtype)


def _prediction(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    return _tensor(scope, _outputs(scope, estimator, columns).prediction, "float32")


def _shares(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    return _tensor(scope, _outputs(scope, estimator, columns).probabilities, "float32")


def _label(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    outputs = _outputs(scope, estimator, columns)
    if list(outputs.classes) != list(range(len(outputs.classes))) or not outputs.classes:
        raise scope.refuse("its classes are not 0, 1, 2, …", "Encode the classes as 0, 1, 2, … before training.")
    return _tensor(scope, outputs.label, "int64")


_CLASSIFIER = Converter(precision="float32", predict=_label, predict_proba=_shares)
_REGRESSOR = Converter(precision="float32", predict=_prediction)

CONVERTERS = {
    "XGBClassifier": _CLASSIFIER,
    "XGBRFClassifier": replace(_CLASSIFIER),
    "XGBRegressor": _REGRESSOR,
    "XGBRFRegressor": _REGRESSOR,
    "XGBRanker": _REGRESSOR,
}
