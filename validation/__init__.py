"""Does the graph answer like the model?"""

from .budget import measure
from .check import CheckOptions, check
from .golden import choose_golden, golden_rows, replay_golden
from .report_html import render_html
from .session import (
    GraphAborted,
    GraphProcess,
    GraphRefused,
    GraphUnloadable,
    LocalGraph,
    open_graph,
)
from .tolerances import DEFAULT, STRICT, default_tolerances, load_tolerances

__all__ = [
    "DEFAULT",
    "STRICT",
    "CheckOptions",
    "GraphAborted",
    "GraphProcess",
    "GraphRefused",
    "GraphUnloadable",
    "LocalGraph",
    "check",
    "choose_golden",
    "default_tolerances",
    "golden_rows",
    "load_tolerances",
    "measure",
    "open_graph",
    "render_html",
    "replay_golden",
]
