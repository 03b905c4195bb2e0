"""What an export is asked for: post-processing, and the oldest runtime that must load the graph."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onnxport.artifacts import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_RUNTIME = "onnxruntime>=1.17"

# The first onnxruntime that implements an opset and reads an IR version, from the version matrix at
# https://onnxruntime.ai/docs/reference/compatibility.html and the IR versions in onnx/docs/Versioning.md. Nothing
# newer is written than our nodes need; ai.onnx.ml stays at 3, because the tree operator of version 5 ignores its
# post-transform and answers wrongly for leaves with several targets.
_RUNTIMES: dict[tuple[int, int], tuple[dict[str, int], int]] = {
    (1, 14): ({"": 18, "ai.onnx.ml": 3}, 8),
    (1, 16): ({"": 19, "ai.onnx.ml": 3}, 9),
    (1, 17): ({"": 20, "ai.onnx.ml": 3}, 9),
}
_REQUIREMENT = re.compile(r"onnxruntime\s*>=\s*(\d+)\.(\d+)(?:\.\d+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What the user asks for.

    Attributes:
        clip: Lower and upper bound that the source's scorer puts on its scores, or `None`.
        runtime: The oldest onnxruntime that must load the graph, as a requirement.
    """

    clip: tuple[float, float] | None = None
    runtime: str = DEFAULT_RUNTIME

    def __post_init__(self) -> None:
        """Refuse bounds that are none.

        Raises:
            UsageError: The lower bound is not below the upper one.
        """
        if self.clip is not None and not self.clip[0] < self.clip[1]:
            raise UsageError(f"clip takes a lower and a higher bound, found {self.clip[0]} and {self.clip[1]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a graph may use.

    Attributes:
        opsets: Operator-set versions by domain (`""` is ONNX's own).
        ir_version: The IR version.
        min_onnxruntime: The oldest onnxruntime that loads it: `1.17`.
    """

    opsets: Mapping[str, int]
    ir_version: int
    min_onnxruntime: str


def target(runtime: str) -> Target:
    """What the oldest onnxruntime that `runtime` allows can load.

    Raises:
        UsageError: `runtime` is no requirement that we can read, or allows a version that is too old.
    """
    match = _REQUIREMENT.fullmatch(runtime.strip())
    if match is None:
        raise UsageError(f"runtime {runtime!r} is not understood", hint=f"Write it as {DEFAULT_RUNTIME!r}.")
    version = int(match[1]), int(match[2])
    known = [entry for entry in _RUNTIMES if entry <= version]
    if not known:
        oldest = ".".join(map(str, min(_RUNTIMES)))
        raise UsageError(
            f"runtime {runtime!r} allows versions that are too old; graphs need onnxruntime>={oldest}",
            hint=f"Write it as {DEFAULT_RUNTIME!r}, and bring the serving side to that version.",
        )
    opsets, ir_version = _RUNTIMES[max(known)]
    return Target(opsets=opsets, ir_version=ir_version, min_onnxruntime=f"{version[0]}.{version[1]}")
