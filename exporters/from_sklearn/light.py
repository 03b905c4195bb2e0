"""LightGBM's models as steps of a scikit-learn model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnxport.exporters.from_lightgbm.estimator import plan_step, read_estimator
from onnxport.exporters.from_lightgbm.heads import add_estimator
from onnxport.exporters.from_lightgbm.matrix import add_matrix
from onnxport.exporters.from_sklearn.converter import Converter

if TYPE_CHECKING:
    from onnxport.exporters.from_lightgbm.heads import ModelOutputs
    from onnxport.exporters.from_sklearn.columns import Columns
    from onnxport.exporters.from_sklearn.scope import Scope
    from onnxport.exporters.from_sklearn.tensor import Tensor


def _outputs(scope: Scope, estimator: Any, columns: Columns) -> ModelOutputs:
    """What the model answers: computed once for all of its methods."""
    key = (id(estimator), "lightgbm", tuple(block.tensor.name for block in columns.blocks), columns.sparse)
    if key not in scope.journal.done:
        read = read_estimator(estimator, scope.path)
        _check_integers(scope, columns)
        outputs = add_estimator(add_matrix(scope, columns, read.model), read, scope.path)
        scope.journal.steps[scope.path] = plan_step(estimator, read, scope.path)
        scope.journal.done[key] = outputs
        scope.journal.alive.append(estimator)
    found: ModelOutputs = scope.journal.done[key]
    return found


def _check_integers(scope: Scope, columns: Columns) -> None:
    """LightGBM casts an array of integers to float32, but a frame of them to float64."""
    origins = {block.origin for block in columns.blocks}
    if "category" not in origins and all(np.dtype(origin).kind in "iu" for origin in origins):
        wide = [origin for origin in origins if np.dtype(origin).itemsize > 2]  # ruff: ignore[PLR2004] - float32 holds 16 bits
        if wide:
            raise scope.refuse(
                f"all its columns are {' and '.join(sorted(wide))}: LightGBM rounds them to float32 where they "
                "come as an array, and not where they come as a frame",
                "Cast the columns to float64 before training.",
            )


def _answer(scope: Scope, found: Tensor | None) -> Tensor:
    if found is None:
        raise scope.refuse("it has no such answer", "Ask for one that it has.")
    return found


def _label(scope: Scope, estimator: Any, columns: Columns) -> Tensor:
    return _answer(scope, _outputs(scope, estimator, columns).label)


def _shares(scope: Scope, estimator: Any, columns: Columns) -> Tensor:
    return _answer(scope, _outputs(scope, estimator, columns).probabilities)


def _prediction(scope: Scope, estimator: Any, columns: Columns) -> Tensor:
    return _outputs(scope, estimator, columns).prediction


def _scores(scope: Scope, estimator: Any, columns: Columns) -> Tensor:
    return _outputs(scope, estimator, columns).scores


CONVERTERS = {
    "LGBMClassifier": Converter(predict=_label, predict_proba=_shares, decision_function=_scores),
    "LGBMRegressor": Converter(predict=_prediction),
    "LGBMRanker": Converter(predict=_prediction),
}
