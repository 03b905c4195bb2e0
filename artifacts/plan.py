"""The conversion plan: what was decided on the way from source model to graph, and why."""

from __future__ import annotations

from typing import Literal

from .document import Document

Precision = Literal["float32", "float64", "int64", "string", "none"]


class PlanStep(Document):
    """One step of the source model and how it was converted.

    Attributes:
        path: Where the step stands in the source: `model`, `pipeline.scaler`, `calibrated[2].estimator`.
        estimator: Its class, with module: `sklearn.preprocessing.StandardScaler`.
        converter: Who wrote its nodes: `onnxport`, `skl2onnx`, or `foreign` in a graph that we did not make.
        precision: In what precision the graph computes it, which is the precision of the source.
        note: Why, or what else a reader should know.
    """

    path: str
    estimator: str
    converter: Literal["onnxport", "skl2onnx", "foreign"]
    precision: Precision
    note: str = ""


class PostProcessing(Document):
    """What the source's scorer does after the model, made part of the graph.

    Attributes:
        clip: Lower and upper bound for the scores, or `None`.
    """

    clip: tuple[float, float] | None = None


class ConversionPlan(Document):
    """How a source model became a graph.

    Attributes:
        exporter: `xgboost` or `sklearn`.
        layout: Why this input layout: one sentence.
        steps: Every step of the source, in order of computation.
        post: Post-processing inside the graph.
        opsets: Operator-set versions by domain (`""` is ONNX's own).
        ir_version: The graph's IR version.
        runtime: The requirement that bounded both: `onnxruntime>=1.17`.
        accepted: Where the graph need not do as the source does, each with its reason, in one of two forms.
            `KIND: reason`: the graph may answer rows of this kind although the source raises.
            `KIND differs: reason`: the source's answer to rows of this kind is no reference; nothing is compared.
            KIND is a kind of generated probe: `missing`, `all-missing`, `infinite` (also finite values that
            overflow on the way: rows of kind `extreme`), `extreme`, `denormal`, `large-integer`,
            `unseen-category`, `empty-string`, `long-string`. The user's own rows and the threshold probes are
            always compared; `infinite: ...` and `missing: ...` also cover a row of theirs that the source raises
            for and that holds such a value.
    """

    exporter: str
    layout: str
    steps: tuple[PlanStep, ...]
    post: PostProcessing = PostProcessing()
    opsets: dict[str, int]
    ir_version: int
    runtime: str
    accepted: tuple[str, ...] = ()

    def render(self) -> str:
        """The plan as plain text, one step a line."""
        lines = [f"exporter {self.exporter}; runtime {self.runtime}; IR {self.ir_version}; opsets {self.opsets}"]
        lines += [f"inputs: {self.layout}"]
        lines += [
            f"  {step.path}: {step.estimator} by {step.converter} in {step.precision}"
            + (f" ({step.note})" if step.note else "")
            for step in self.steps
        ]
        if self.post.clip is not None:
            lines.append(f"  post: clip to [{self.post.clip[0]}, {self.post.clip[1]}]")
        lines += [f"  accepted: {reason}" for reason in self.accepted]
        return "\n".join(lines)
