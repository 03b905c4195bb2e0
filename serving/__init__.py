"""The scoring service."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .scorer import RowsRefused, Scorer
    from .settings import Settings, load_settings
    from .workers import serve

__all__ = ["RowsRefused", "Scorer", "Settings", "load_settings", "serve"]

# onnxruntime 1.32 for Linux reports to its maker from its import on; only this stops it, in this process and its
# children (docs/adr/0006-no-telemetry.md).
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # ruff: ignore[TID251] - set before the import, not read

_HOMES = {
    "RowsRefused": ".scorer",
    "Scorer": ".scorer",
    "Settings": ".settings",
    "load_settings": ".settings",
    "serve": ".workers",
}


def __getattr__(name: str) -> Any:  # ruff: ignore[ANN401] - the runtime loads when somebody scores
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
