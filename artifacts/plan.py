"""The conversion plan: what was decided on the way from source model to graph, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from .document import Document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .signature import OutputTensor, Signature

_SHOWN: Final = 20

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

    def render(self, signature: Signature) -> str:
        """The plan as plain text: runtime, the inputs and outputs of `signature`, and a line for each step."""
        opsets = ", ".join(f"{domain or 'opset'} {version}" for domain, version in sorted(self.opsets.items()))
        lines = [f"for {self.runtime}: {opsets}, IR {self.ir_version}; exporter {self.exporter}"]
        lines += [f"inputs: {self.layout}", *_table(_inputs(signature))]
        lines += ["steps, in the order and the precision of the source:", *_table(map(_step, self.steps))]
        if self.post.clip is not None:
            lines.append(f"  then clipped to [{self.post.clip[0]}, {self.post.clip[1]}]")
        lines += ["outputs:", *_table(map(_output, signature.outputs))]
        if self.accepted:
            lines += ["the graph need not do as the source does for rows of the kind", *_indented(self.accepted)]
        return "\n".join(lines)


def _inputs(signature: Signature) -> Iterator[tuple[str, ...]]:
    for column in signature.inputs[:_SHOWN]:
        missing = (
            f"missing as {_written(column.missing.encoding)}" if column.missing.allowed else "no missing values"
        )
        known = () if column.categories is None else (f"{len(column.categories)} categories",)
        yield column.name, column.dtype, missing, *known
    if (more := len(signature.inputs) - _SHOWN) > 0:
        yield (f"and {more} more",)


def _written(encoding: str | None) -> str:
    return "NaN" if encoding in {None, "nan"} else repr(encoding)


def _step(step: PlanStep) -> tuple[str, ...]:
    by = "" if step.converter == "onnxport" else f"by {step.converter}"
    precision = "its parts" if step.precision == "none" else step.precision
    return step.path, step.estimator.rpartition(".")[2], precision, "; ".join(filter(None, (by, step.note)))


def _output(output: OutputTensor) -> tuple[str, ...]:
    shape = ", ".join("N" if size is None else str(size) for size in output.shape)
    return output.name, output.dtype, f"[{shape}]", _classes(output.classes)


def _classes(classes: tuple[object, ...] | None) -> str:
    shown = ", ".join(map(repr, (classes or ())[:_SHOWN]))
    return f"{shown}, …" if classes and len(classes) > _SHOWN else shown


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Each row as a line, its cells below each other; the last cell of a row may be of any length."""
    found = list(rows)
    widths = [
        max(len(row[place]) for row in found if len(row) > place)
        for place in range(max(map(len, found), default=0))
    ]
    return _indented("  ".join(map(str.ljust, row, widths)).rstrip() for row in found)


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)
