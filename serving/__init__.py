"""The scoring service."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .scorer import RowsRefused, Scorer

__all__ = ["RowsRefused", "Scorer"]

_HOMES = {"RowsRefused": ".scorer", "Scorer": ".scorer"}


def __getattr__(name: str) -> Any:  # ruff: ignore[ANN401] - the runtime loads when somebody scores
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
