"""Rows and outputs as JSON: what reports and golden rows hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxport.artifacts import Outputs, Rows

_LONGEST = 120


def plain(value: Any) -> Any:  # ruff: ignore[ANN401] - any scalar or nested list
    """`value` as JSON: NaN is `None`, infinities are the strings `"inf"` and `"-inf"`."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None if np.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


def record(rows: Rows, index: int) -> dict[str, Any]:
    """Row `index` by column, long strings cut."""
    return {name: _cut(plain(column[index])) for name, column in rows.columns.items()}


def outputs_at(outputs: Outputs, index: int) -> dict[str, Any]:
    """The outputs of row `index` by name."""
    return {name: _cut(plain(values[index].tolist())) for name, values in _arrays(outputs).items()}


def _arrays(outputs: Outputs) -> dict[str, NDArray[Any]]:
    return {
        name: values[:, None] if values.ndim == 1 and values.dtype == object else values
        for name, values in outputs.items()
    }


def _cut(value: Any) -> Any:  # ruff: ignore[ANN401] - any scalar
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]}… ({len(value):,} characters)"
    return value
