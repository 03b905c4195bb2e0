"""From a graph with named values to the finished artifact: inputs, output heads, metadata, check."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnxport.artifacts import (
    MATRIX_TENSOR,
    Conversion,
    ConversionPlan,
    Graph,
    InputColumn,
    Missing,
    OnnxArtifact,
    OutputTensor,
    PlanStep,
    PostProcessing,
    Signature,
    digest_bytes,
)

from .graph import GraphBuilder
from .options import target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onnxport.artifacts import Dtype, SourceModel

    from .options import ExportOptions

_GRAPH_NAME = "onnxport"
_PACKAGES = ("numpy", "onnx", "onnxport")
_OUTPUT_NAMES = frozenset({"label", "probabilities", "prediction"})
_SCORES = frozenset({"probabilities", "prediction"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One output of the graph.

    Attributes:
        name: `label`, `probabilities` or `prediction`.
        value: The graph's value that holds it.
        dtype: Its element type.
        shape: Its shape; `None` is the number of rows.
        classes: For `probabilities` the class of each column, for `label` the classes that it may take.
    """

    name: str
    value: str
    dtype: Dtype
    shape: tuple[int | None, ...]
    classes: tuple[str | int | float | bool, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an exporter has decided, when all nodes but the heads' post-processing stand.

    Attributes:
        exporter: `xgboost` or `sklearn`.
        layout_reason: Why this input layout: one sentence.
        inputs: The feature columns, in order.
        heads: The outputs, in order.
        steps: Every step of the source, in order of computation.
        accepted: Where the graph answers although the source raises, each with its reason.
        packages: Distributions whose versions made the graph, besides ours.
    """

    exporter: str
    layout_reason: str
    inputs: tuple[InputColumn, ...]
    heads: tuple[Head, ...]
    steps: tuple[PlanStep, ...]
    accepted: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


def new_builder(options: ExportOptions) -> GraphBuilder:
    """An empty graph for the runtime that `options` asks for.

    Raises:
        UsageError: The runtime is not understood or too old.
    """
    runtime = target(options.runtime)
    return GraphBuilder(opsets=runtime.opsets, ir_version=runtime.ir_version)


def matrix_column(name: str, dtype: Dtype, width: int, *, missing: bool) -> InputColumn:
    """A column of layout `matrix` with `width` columns; `missing` says whether NaN is accepted."""
    return InputColumn(
        name=name,
        tensor=MATRIX_TENSOR,
        dtype=dtype,
        shape=(None, width),
        missing=Missing(allowed=missing, encoding="nan"),
    )


def tensor_name(column: str) -> str:
    """The graph input for `column` in layout `columns`: its own name, unless that is empty or an output's."""
    return f"input:{column}" if not column or column in _OUTPUT_NAMES or column.startswith("input:") else column


def add_inputs(builder: GraphBuilder, inputs: Sequence[InputColumn]) -> dict[str, str]:
    """The graph takes `inputs`; call it before any node is added.

    Returns:
        Column name to the value that carries it: `features` for all, or `(n, 1)` each.
    """
    for tensor, column in {column.tensor: column for column in inputs}.items():
        builder.input(tensor, column.dtype, column.shape)
    return {column.name: column.tensor for column in inputs}


def finish(builder: GraphBuilder, source: SourceModel, options: ExportOptions, draft: Draft) -> OnnxArtifact:
    """The artifact: heads with their post-processing, metadata, checked bytes, and all that was decided.

    Raises:
        UsageError: The runtime is not understood or too old.
        onnx.checker.ValidationError: The graph is not valid ONNX: an error of ours.
    """
    for head in draft.heads:
        value = _clip(builder, head, options.clip)
        builder.output(value, head.name, head.dtype, head.shape)
    check_graph(builder.outline(name=_GRAPH_NAME))
    model = builder.build(name=_GRAPH_NAME, metadata=_properties(source))
    runtime = target(options.runtime)
    plan = ConversionPlan(
        exporter=draft.exporter,
        layout=draft.layout_reason,
        steps=draft.steps,
        post=PostProcessing(clip=options.clip),
        opsets=builder.opsets,
        ir_version=builder.ir_version,
        runtime=options.runtime,
        accepted=draft.accepted,
    )
    conversion = Conversion(
        sha256=digest_bytes(model),
        source=source.reference,
        signature=signature(draft),
        plan=plan,
        graph=Graph(opsets=builder.opsets, ir_version=builder.ir_version, min_onnxruntime=runtime.min_onnxruntime),
        packages=_versions((*_PACKAGES, *draft.packages)),
    )
    return OnnxArtifact(model=model, conversion=conversion)


def signature(draft: Draft) -> Signature:
    """Inputs and outputs of the graph that `draft` describes."""
    matrix = all(column.tensor == MATRIX_TENSOR for column in draft.inputs)
    return Signature(
        layout="matrix" if matrix else "columns",
        inputs=draft.inputs,
        outputs=tuple(
            OutputTensor(name=head.name, dtype=head.dtype, shape=head.shape, classes=head.classes)
            for head in draft.heads
        ),
    )


def add_labels(
    builder: GraphBuilder, index: str, classes: Sequence[str | int | float | bool]
) -> tuple[str, Dtype]:
    """The class at each int64 `index`, shape `(n,)`, and its dtype: int64, string, float64 or bool."""
    values = np.asarray(classes)
    dtype: Dtype = {"i": "int64", "u": "int64", "f": "float64", "b": "bool"}.get(values.dtype.kind, "string")  # type: ignore[assignment]
    table = builder.constant([str(value) for value in classes] if dtype == "string" else values, dtype)
    return builder.add("Gather", table, index, axis=0), dtype


def check_graph(model: bytes) -> None:
    """`model` is valid ONNX, by `onnx.checker` in full mode.

    The checker holds a copy of the model in memory that is many times its size, and looks at no entry of a long
    attribute: `finish` gives it an outline.

    Raises:
        onnx.checker.ValidationError: It is not.
    """
    onnx.checker.check_model(model, full_check=True)


def class_path(model: Any) -> str:  # ruff: ignore[ANN401] - any estimator
    """Module and name of the model's class: `xgboost.sklearn.XGBClassifier`."""
    return f"{type(model).__module__}.{type(model).__qualname__}"


def _clip(builder: GraphBuilder, head: Head, bounds: tuple[float, float] | None) -> str:
    """Where instead of Clip: NaN must stay NaN, and Clip's answer to it differs between builds of the runtime."""
    if bounds is None or head.name not in _SCORES:
        return head.value
    low, high = (builder.constant(bound, head.dtype) for bound in bounds)
    raised = builder.add("Where", builder.add("Less", head.value, low), low, head.value)
    return builder.add("Where", builder.add("Greater", raised, high), high, raised)


def _properties(source: SourceModel) -> Mapping[str, str]:
    return {
        "onnxport.model": class_path(source.model),
        "onnxport.source_sha256": source.reference.sha256,
        "onnxport.version": _version("onnxport"),
    }


def _versions(distributions: Sequence[str]) -> dict[str, str]:
    return {name: _version(name) for name in sorted(set(distributions))}


@cache
def _version(distribution: str) -> str:
    return metadata.version(distribution)
