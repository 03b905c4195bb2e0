"""What every JSON document of onnxport has in common: canonical bytes, and unknown fields that survive."""

from __future__ import annotations

import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import IntegrityError


def canonical_json(value: Any) -> bytes:  # ruff: ignore[ANN401] - any JSON value
    """UTF-8 JSON with sorted keys, two spaces of indentation and one LF at the end.

    Law: equal values have equal bytes, on every platform. NaN and infinities are refused, as JSON has none.
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, indent=2, allow_nan=False)
    return text.encode() + b"\n"


class Document(BaseModel):
    """A frozen JSON document that keeps the fields that it does not know.

    Law: `parse(document.to_bytes()) == document`, unknown fields included.
    """

    model_config = ConfigDict(
        frozen=True, extra="allow", ser_json_inf_nan="strings", protected_namespaces=(), defer_build=True
    )

    @classmethod
    def parse(cls, data: bytes, *, name: str) -> Self:
        """The document in `data`; `name` says in errors which one was read.

        Raises:
            IntegrityError: `data` is not JSON, or not a document of this kind.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the document"
            raise IntegrityError(
                f"{name} is not a valid {cls.__name__}: {where}: {first['msg']}",
                hint=f"`onnxport schema {cls.__name__.lower()}` prints the expected form.",
            ) from error

    def to_bytes(self) -> bytes:
        """The canonical bytes of this document; infinities and NaN are written as strings."""
        return canonical_json(json.loads(self.model_dump_json(exclude_none=True)))
