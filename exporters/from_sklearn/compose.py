"""What puts steps together: pipelines, column transformers, unions, and wrappers that only pass on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .columns import Block, Columns, beside
from .converter import Converter
from .projections import SELECTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .foreign import Estimator
    from .scope import Method, Scope
    from .tensor import Tensor


def _steps(estimator: Estimator) -> Iterator[tuple[str, Any]]:
    for name, step in estimator.steps[:-1]:
        if step is not None and step != "passthrough":
            yield name, step


def _before_last(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    for name, step in _steps(estimator):
        columns = scope.at(name).transform(step, columns)
    return columns


def _pipeline_transform(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    columns = _before_last(scope, estimator, columns)
    name, last = estimator.steps[-1]
    if last is None or last == "passthrough":
        return columns
    return scope.at(name).transform(last, columns)


class _Last:
    """A predicting method of the pipeline's last step."""

    def __init__(self, method: Method) -> None:
        self.method: Method = method

    def __call__(self, scope: Scope, estimator: Estimator, columns: Columns, /) -> Tensor:
        columns = _before_last(scope, estimator, columns)
        name, last = estimator.steps[-1]
        return scope.at(name).score(last, self.method, columns)


def _column_transformer(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    weights = estimator.transformer_weights or {}
    parts = []
    for name, step, chosen in estimator.transformers_:
        indices = estimator._transformer_to_input_indices[name]  # ruff: ignore[SLF001] - callables and names, resolved at fit
        if (isinstance(step, str) and step == "drop") or len(indices) == 0:
            continue
        part = columns.select(indices)
        if not isinstance(step, str):
            inner = scope.at(name)
            part = inner.transform(step, part)
        parts.append(_weighted(scope, part, weights.get(name)))
        del chosen
    return beside(parts, sparse=bool(estimator.sparse_output_))


def _weighted(scope: Scope, part: Columns, weight: float | None) -> Columns:
    if weight is None:
        return part
    tensor = scope.doubles(part) * float(weight)
    return Columns(blocks=(Block(tensor=tensor, width=part.width, origin="float64"),), sparse=part.sparse)


def _feature_union(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    weights = estimator.transformer_weights or {}
    parts = []
    for name, step in estimator.transformer_list:
        if isinstance(step, str) and step == "drop":
            continue
        part = columns if isinstance(step, str) else scope.at(name).transform(step, columns)
        parts.append(_weighted(scope, part, weights.get(name)))
    return beside(parts, sparse=any(part.sparse for part in parts))


class Inner:
    """A method of the estimator that a wrapper holds in `attribute`, unchanged."""

    def __init__(self, attribute: str, method: Method) -> None:
        self.attribute = attribute
        self.method: Method = method

    def __call__(self, scope: Scope, estimator: Estimator, columns: Columns, /) -> Tensor:
        """The inner estimator's answer."""
        return scope.at(self.attribute).score(getattr(estimator, self.attribute), self.method, columns)


def wrapper(attribute: str) -> Converter:
    """The converter of an estimator that passes everything on to the one in `attribute`."""

    def transform(scope: Scope, estimator: Estimator, columns: Columns, /) -> Columns:
        return scope.at(attribute).transform(getattr(estimator, attribute), columns)

    return Converter(
        precision="none",
        transform=transform,
        predict=Inner(attribute, "predict"),
        predict_proba=Inner(attribute, "predict_proba"),
        decision_function=Inner(attribute, "decision_function"),
    )


class _Selected(Inner):
    """A method of the estimator that was fitted on the selected columns."""

    def __call__(self, scope: Scope, estimator: Estimator, columns: Columns, /) -> Tensor:
        return super().__call__(scope, estimator, scope.transform(estimator, columns))


_ELIMINATION = Converter(
    precision="none",
    transform=SELECTED,
    predict=_Selected("estimator_", "predict"),
    predict_proba=_Selected("estimator_", "predict_proba"),
    decision_function=_Selected("estimator_", "decision_function"),
)
_SEARCH = wrapper("best_estimator_")

CONVERTERS = {
    "Pipeline": Converter(
        precision="none",
        transform=_pipeline_transform,
        predict=_Last("predict"),
        predict_proba=_Last("predict_proba"),
        decision_function=_Last("decision_function"),
    ),
    "ColumnTransformer": Converter(precision="none", transform=_column_transformer),
    "FeatureUnion": Converter(precision="none", transform=_feature_union),
    "FrozenEstimator": wrapper("estimator"),
    "RFE": _ELIMINATION,
    "RFECV": _ELIMINATION,
    "RANSACRegressor": wrapper("estimator_"),
    "SelfTrainingClassifier": wrapper("estimator_"),
    "GridSearchCV": _SEARCH,
    "RandomizedSearchCV": _SEARCH,
    "HalvingGridSearchCV": _SEARCH,
    "HalvingRandomSearchCV": _SEARCH,
}
