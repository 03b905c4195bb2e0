"""A piece of a file that can be read apart from the rest."""

from __future__ import annotations

from onnxport.artifacts import Document
from pydantic import Field


class Span(Document):
    """Rows that stand together in a file.

    Attributes:
        begin: The first row group (Parquet), record batch (Arrow) or byte (CSV).
        end: The one after the last.
        skip: Rows at its beginning that belong to another span.
        rows: How many rows it has; `None` where only reading tells (CSV).
    """

    begin: int = Field(ge=0)
    end: int = Field(ge=0)
    skip: int = Field(default=0, ge=0)
    rows: int | None = None
