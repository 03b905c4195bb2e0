"""Models on number columns, each with its exact graph."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnxport.artifacts import OnnxArtifact, Rows, Signature

from tests.validation.models.forests import F32, Trees, grow, tree_node
from tests.validation.models.graphs import CLASSIFIED, PREDICTION, artifact_of, matrix_signature, model_of

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A model with its exact graph.

    Attributes:
        trees: The model.
        names: Columns.
        sample: The user's rows.
        source: The model's predict.
        model: The right graph.
        signature: Its inputs and outputs.
        scale: Mean and scale by column, in float64, or `None`.
    """

    trees: Trees
    names: list[str]
    sample: Rows
    source: Callable[[Rows], dict[str, np.ndarray]]
    model: onnx.ModelProto
    signature: Signature
    scale: tuple[np.ndarray, np.ndarray] | None = None

    def artifact(self, model: onnx.ModelProto | None = None, *, accepted: tuple[str, ...] = ()) -> OnnxArtifact:
        """The right graph, or another one in its place."""
        return artifact_of(self.model if model is None else model, self.signature, accepted=accepted)


def matrix(rows: Rows, names: list[str]) -> np.ndarray:
    """`(n, F)` in float64, columns found by name."""
    return np.stack([rows.columns[name].astype(np.float64) for name in names], axis=1)


def regression_graph(trees: Trees, features: int) -> onnx.ModelProto:
    """Float32 features straight into the trees."""
    return model_of(
        [
            tree_node(trees, "features", "margins"),
            helper.make_node("Reshape", ["margins", "flat"], ["prediction"], name="flatten"),
        ],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, features])],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None])],
        {"flat": np.array([-1])},
    )


def regression_case(seed: int, *, features: int = 6, trees: int = 8, depth: int = 3, rows: int = 1_200) -> Case:
    """A regressor on float32 columns with missing values."""
    random = np.random.default_rng(seed)
    names = [f"column {index}" for index in range(features)]
    data = random.normal(size=(rows, features)).astype(F32)
    data[:, 0] = np.round(data[:, 0] * 3)
    data[random.random(data.shape) < 0.03] = np.nan
    model = grow(seed, features=features, trees=trees, depth=depth, data=data)
    return Case(
        trees=model,
        names=names,
        sample=Rows(columns={name: data[:, index] for index, name in enumerate(names)}),
        source=lambda rows: {"prediction": model.margins(matrix(rows, names))},
        model=regression_graph(model, features),
        signature=matrix_signature(names, PREDICTION),
    )


def sigmoid(margins: np.ndarray) -> np.ndarray:
    """Float32, from an exact float64 exponential."""
    return (1 / (1 + np.exp(-margins.astype(np.float64)))).astype(F32)


def classify(margins: np.ndarray) -> dict[str, np.ndarray]:
    """Label and probabilities of two classes."""
    positive = sigmoid(margins)
    return {
        "label": (margins > 0).astype(np.int64),
        "probabilities": np.stack([(1 - positive).astype(F32), positive], axis=1),
    }


def head() -> list[onnx.NodeProto]:
    """From `margins` (n, 1) to `label` (n,) and `probabilities` (n, 2)."""
    return [
        helper.make_node("Neg", ["margins"], ["negative"], name="negate"),
        helper.make_node("Exp", ["negative"], ["exponential"], name="exp"),
        helper.make_node("Add", ["exponential", "one"], ["sum"], name="add"),
        helper.make_node("Div", ["one", "sum"], ["positive"], name="divide"),
        helper.make_node("Sub", ["one", "positive"], ["other"], name="complement"),
        helper.make_node("Concat", ["other", "positive"], ["probabilities"], axis=1, name="join"),
        helper.make_node("Greater", ["margins", "zero"], ["is_positive"], name="decide"),
        helper.make_node("Cast", ["is_positive"], ["labels"], to=TensorProto.INT64, name="label"),
        helper.make_node("Reshape", ["labels", "flat"], ["label"], name="flatten"),
    ]


HEAD_CONSTANTS = {"one": np.array(1, F32), "zero": np.array(0, F32), "flat": np.array([-1])}
HEAD_OUTPUTS = [
    helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
    helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
]


def scaled_graph(trees: Trees, mean: np.ndarray, scale: np.ndarray) -> onnx.ModelProto:
    """Scaling in the dtype of `mean`, then one cast to float32, then trees and a sigmoid."""
    double = mean.dtype == np.float64
    kind = TensorProto.DOUBLE if double else TensorProto.FLOAT
    return model_of(
        [
            helper.make_node("Cast", ["features"], ["cast"], to=kind, name="enter"),
            helper.make_node("Sub", ["cast", "mean"], ["centred"], name="centre"),
            helper.make_node("Div", ["centred", "scale"], ["scaled"], name="scale"),
            helper.make_node("Cast", ["scaled"], ["narrow"], to=TensorProto.FLOAT, name="narrow"),
            tree_node(trees, "narrow", "margins"),
            *head(),
        ],
        [helper.make_tensor_value_info("features", TensorProto.DOUBLE, [None, len(mean)])],
        HEAD_OUTPUTS,
        {"mean": mean, "scale": scale, **HEAD_CONSTANTS},
    )


def scaled_case(
    seed: int, *, features: int = 5, trees: int = 10, depth: int = 3, rows: int = 1_200, base: float = 0.25
) -> Case:
    """A classifier behind a float64 scaler; the first column is about 1e6 with a spread of 1e4."""
    random = np.random.default_rng(seed)
    names = [f"f{index}" for index in reversed(range(features))]
    mean = random.normal(size=features)
    scale = random.uniform(0.5, 4, size=features)
    mean[0], scale[0] = 1e6, 1e4
    data = random.normal(size=(rows, features)) * scale + mean
    data[random.random(data.shape) < 0.02] = np.nan
    model = replace(
        grow(seed, features=features, trees=trees, depth=depth, data=(data - mean) / scale), base=F32(base)
    )

    def source(rows: Rows) -> dict[str, np.ndarray]:
        with np.errstate(over="ignore"):
            return classify(model.margins((matrix(rows, names) - mean) / scale))

    return Case(
        trees=model,
        names=names,
        sample=Rows(columns={name: data[:, index] for index, name in enumerate(names)}),
        source=source,
        model=scaled_graph(model, mean, scale),
        signature=matrix_signature(names, CLASSIFIED, "float64"),
        scale=(mean, scale),
    )


def regression_of(case: Case, **changed: Any) -> onnx.ModelProto:
    """The regression graph with some arrays of its trees replaced."""
    return regression_graph(replace(case.trees, **changed), len(case.names))
