"""Golden rows: a few rows with the source's answers, for any consumer in any language to prove parity again."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from .document import Document
from .parity import Tolerance

GOLDEN_SCHEMA_VERSION = 1
MAX_GOLDEN_ROWS = 64


class Golden(Document):
    """`golden.json`.

    Attributes:
        schema_version: Version of this format.
        rows: Up to 64 records by column name; `None` where a value is missing.
        outputs: Output name to the source's values, a row each; infinities are the strings `"inf"`, `"-inf"`.
        tolerance: How far a consumer's outputs may be off, by output name.
    """

    schema_version: int = GOLDEN_SCHEMA_VERSION
    rows: tuple[dict[str, Any], ...] = Field(max_length=MAX_GOLDEN_ROWS)
    outputs: dict[str, list[Any]]
    tolerance: dict[str, Tolerance]
