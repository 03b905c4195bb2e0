"""Outputs as JSON, a fragment a row: rendered once for all rows that one run answered, in one form of floats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnxport.artifacts import Column, Outputs

LABEL: Final = "label"
PROBABILITIES: Final = "probabilities"
PREDICTION: Final = "prediction"
_NUMPY: Final = orjson.OPT_SERIALIZE_NUMPY


class Rendered:
    """The outputs of one run, as arrays and, when somebody asks, as JSON fragments.

    Attributes:
        arrays: The outputs; empty where they are JSON already.
        names: The outputs that there are.
    """

    __slots__ = ("_fragments", "arrays", "names")

    def __init__(self, arrays: Outputs) -> None:
        self.arrays = arrays
        self.names = tuple(arrays)
        self._fragments: dict[str, list[bytes]] = {}

    @classmethod
    def of_fragments(cls, fragments: dict[str, list[bytes]]) -> Rendered:
        """Outputs that are JSON already."""
        found = cls({})
        found.names = tuple(fragments)
        found._fragments = fragments
        return found

    def fragments(self, name: str) -> list[bytes]:
        """The output `name`, a fragment of JSON for each row."""
        found = self._fragments.get(name)
        if found is None:
            found = self._fragments[name] = render(self.arrays[name])
        return found


def render(values: Column) -> list[bytes]:
    """`values`, shape `(n,)` or `(n, T)`, as JSON, a fragment for each row.

    Floats are written with the fewest digits that give back the same float of their own width. NaN is `null`,
    infinities are the strings `"inf"` and `"-inf"`, as in golden rows.
    """
    if not len(values):
        return []
    if values.dtype == object:
        return [orjson.dumps(_plain(value)) for value in values.tolist()]
    text = orjson.dumps(np.ascontiguousarray(values), option=_NUMPY)
    if b"null" in text:
        return [orjson.dumps(_plain(row), option=_NUMPY) for row in values]
    if values.ndim == 1:
        return text[1:-1].split(b",")
    return [b"[%b]" % row for row in text[2:-2].split(b"],[")]


def _plain(value: Any) -> Any:  # ruff: ignore[ANN401] - a scalar, a row, or nested lists
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating) and not np.isfinite(value):
        return None if np.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


def array(fragments: Sequence[bytes]) -> bytes:
    """A JSON array of the fragments."""
    return b"[%b]" % b",".join(fragments)
