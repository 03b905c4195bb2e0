"""A graph with all that was decided about it: the value between conversion and release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .digest import digest_bytes
from .document import Document
from .plan import ConversionPlan
from .rows import Column, Rows
from .signature import Signature
from .source import SourceReference

Outputs = dict[str, Column]
"""Output name to array: `label` `(n,)`, `probabilities` `(n, C)`, `prediction` `(n,)` or `(n, T)`."""


class Predict(Protocol):
    """Whatever answers rows with outputs: the source model or the graph."""

    def __call__(self, rows: Rows, /) -> Outputs:
        """The outputs for `rows`, one entry a row each.

        Raises:
            SourceGone: There is no model any more.
            Exception: What the model raises for rows that it does not accept.
        """
        ...


class Graph(Document):
    """What a runtime must know to load the graph.

    Attributes:
        opsets: Operator-set versions by domain (`""` is ONNX's own).
        ir_version: The IR version.
        min_onnxruntime: The oldest onnxruntime that loads it: `1.17`.
    """

    opsets: dict[str, int]
    ir_version: int
    min_onnxruntime: str


class Conversion(Document):
    """`conversion.json`: everything about a converted graph but its bytes.

    Attributes:
        sha256: Digest of `model.onnx`.
        source: Where the model came from.
        signature: Inputs and outputs.
        plan: What was decided.
        graph: What a runtime must know.
        packages: Versions of the packages that made it.
    """

    sha256: str
    source: SourceReference
    signature: Signature
    plan: ConversionPlan
    graph: Graph
    packages: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxArtifact:
    """A converted graph.

    Law: `digest_bytes(model) == conversion.sha256`.

    Attributes:
        model: The bytes of `model.onnx`.
        conversion: Everything else about it.
    """

    model: bytes
    conversion: Conversion

    def __post_init__(self) -> None:
        """Hold the law.

        Raises:
            ValueError: The digest is not that of the bytes.
        """
        if digest_bytes(self.model) != self.conversion.sha256:
            raise ValueError("the digest in the conversion is not that of the graph")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a model is not converted: a "no" with a reason.

    Attributes:
        step: Path of the step in the source: `pipeline.model.objective`.
        reason: What is not possible, and why.
        instead: What the user can do.
    """

    step: str
    reason: str
    instead: str
