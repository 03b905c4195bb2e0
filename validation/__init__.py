"""Does the graph answer like the model?"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .budget import measure
    from .child import Child, ChildGone
    from .forest import read_forests
    from .gate import CheckOptions, check
    from .golden import Candidates, choose_golden, golden_rows, replay_golden
    from .host import GraphAborted, GraphRefused, GraphUnloadable
    from .inspection import check_graph
    from .replying import reply_on_pipes
    from .report_html import render_html
    from .same import outputs_agree
    from .session import GraphProcess, LocalGraph, open_graph
    from .timing import latencies, resident
    from .tolerances import DEFAULT, STRICT, default_tolerances, load_tolerances

__all__ = [
    "DEFAULT",
    "STRICT",
    "Candidates",
    "CheckOptions",
    "Child",
    "ChildGone",
    "GraphAborted",
    "GraphProcess",
    "GraphRefused",
    "GraphUnloadable",
    "LocalGraph",
    "check",
    "check_graph",
    "choose_golden",
    "default_tolerances",
    "golden_rows",
    "latencies",
    "load_tolerances",
    "measure",
    "open_graph",
    "outputs_agree",
    "read_forests",
    "render_html",
    "replay_golden",
    "reply_on_pipes",
    "resident",
]

# onnxruntime 1.32 for Linux reports to its maker from its import on; only this stops it, in this process and its
# children (docs/adr/0006-no-telemetry.md).
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # ruff: ignore[TID251] - set before the import, not read

_HOMES = {
    "DEFAULT": "tolerances",
    "STRICT": "tolerances",
    "Candidates": "golden",
    "CheckOptions": "gate",
    "Child": "child",
    "ChildGone": "child",
    "GraphAborted": "host",
    "GraphProcess": "session",
    "GraphRefused": "host",
    "GraphUnloadable": "host",
    "LocalGraph": "session",
    "check": "gate",
    "check_graph": "inspection",
    "choose_golden": "golden",
    "default_tolerances": "tolerances",
    "golden_rows": "golden",
    "latencies": "timing",
    "load_tolerances": "tolerances",
    "measure": "budget",
    "open_graph": "session",
    "outputs_agree": "same",
    "read_forests": "forest",
    "render_html": "report_html",
    "replay_golden": "golden",
    "reply_on_pipes": "replying",
    "resident": "timing",
}


def __getattr__(name: str) -> object:
    """What `__all__` promises, imported when it is first asked for: the child of a check needs none of it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value
