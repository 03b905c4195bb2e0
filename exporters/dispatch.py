"""Which exporter takes which model: by the package that its class comes from."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from onnxport.artifacts import OnnxArtifact, Refusal

from .assemble import class_path
from .refused import Refused

if TYPE_CHECKING:
    from onnxport.artifacts import SourceModel
    from pandas import DataFrame

    from .options import ExportOptions

# Package of one of the class's ancestors to our module; the first that fits: the wrappers of XGBoost and LightGBM
# descend from scikit-learn's classes too.
_EXPORTERS = {
    "xgboost": ".from_xgboost",
    "lightgbm": ".from_lightgbm",
    "catboost": ".from_catboost",
    "sklearn": ".from_sklearn",
}


class _Export(Protocol):
    def __call__(
        self, source: SourceModel, sample: DataFrame, options: ExportOptions, /
    ) -> OnnxArtifact | Refusal: ...


def export_model(source: SourceModel, sample: DataFrame, options: ExportOptions) -> OnnxArtifact | Refusal:
    """`source` as a graph, by the first exporter that knows an ancestor of its class.

    Raises:
        UsageError: The options or the sample's columns do not fit the model.
    """
    packages = {base.__module__.partition(".")[0] for base in type(source.model).__mro__}
    for package, module in _EXPORTERS.items():
        if package in packages:
            exporter: _Export = import_module(module, __package__).export
            try:
                return exporter(source, sample, options)
            except Refused as refused:
                return refused.refusal
    return Refusal(
        step="model",
        reason=f"{class_path(source.model)} is no model of XGBoost, LightGBM, CatBoost or scikit-learn",
        instead="Export the estimator or Booster itself; models of these four libraries are supported.",
    )
