"""Source model to graph, or a named reason why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxport.artifacts import Refusal, UnsupportedModel

if TYPE_CHECKING:
    from onnxport.artifacts import OnnxArtifact
    from onnxport.exporters import ExportOptions

    from .opened import Opened


def convert(opened: Opened, options: ExportOptions) -> OnnxArtifact:
    """The graph of the opened model.

    Raises:
        UnsupportedModel: It cannot be converted exactly.
        UsageError: An option does not fit the model.
        SourceGone: There is no model any more.
    """
    result = opened.convert(options)
    if isinstance(result, Refusal):
        raise UnsupportedModel(
            f"{opened.reference.uri} cannot be converted exactly: {result.step}: {result.reason}",
            hint=result.instead,
        )
    return result
