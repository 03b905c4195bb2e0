"""CatBoost's models as steps of a scikit-learn model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxport.exporters.from_catboost.estimator import plan_step, read_estimator
from onnxport.exporters.from_catboost.heads import add_estimator
from onnxport.exporters.from_sklearn.converter import Converter

if TYPE_CHECKING:
    from onnxport.exporters.from_catboost.heads import ModelOutputs
    from onnxport.exporters.from_sklearn.columns import Columns
    from onnxport.exporters.from_sklearn.foreign import Estimator
    from onnxport.exporters.from_sklearn.scope import Scope
    from onnxport.exporters.from_sklearn.tensor import Tensor


def _outputs(scope: Scope, estimator: Estimator, columns: Columns) -> ModelOutputs:
    """What the model answers: computed once for all of its methods."""
    key = (id(estimator), "catboost", tuple(block.tensor.name for block in columns.blocks), columns.sparse)
    if key not in scope.journal.done:
        read = read_estimator(estimator, scope.path)
        if read.several:
            raise scope.refuse("it predicts several labels a row", "Export it without the pipeline.")
        scope.numbers(columns)
        scope.journal.done[key] = add_estimator(columns.matrix("float32"), read)
        scope.journal.steps[scope.path] = plan_step(estimator, read, scope.path)
        scope.journal.alive.append(estimator)
    found: ModelOutputs = scope.journal.done[key]
    return found


def _label(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    label = _outputs(scope, estimator, columns).label
    if label is None:
        raise scope.refuse("it has no labels", "Ask for an answer that it has.")
    return label


def _answer(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    return _outputs(scope, estimator, columns).answer


CONVERTERS = {
    "CatBoostClassifier": Converter(predict=_label, predict_proba=_answer),
    "CatBoostRegressor": Converter(predict=_answer),
    "CatBoostRanker": Converter(predict=_answer),
}
