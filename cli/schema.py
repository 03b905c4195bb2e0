"""`onnxport schema`: the JSON Schemas of onnxport's documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .invocation import current
from .options import Json

if TYPE_CHECKING:
    from onnxport.artifacts import Document


def schema(
    context: typer.Context,
    document: Annotated[str, typer.Argument(metavar="DOCUMENT", help="manifest, alias, move, parity, golden, …")],
    json: Json = False,
) -> None:
    """Print the JSON Schema of a document that onnxport writes."""
    from onnxport.artifacts import UsageError

    del json
    known = documents()
    if document not in known:
        raise UsageError(f"no schema {document!r}; there are {', '.join(known)}")
    import json as text

    printed = known[document].model_json_schema()
    current(context).screen.show(
        printed, lambda: text.dumps(printed, indent=2, sort_keys=True, ensure_ascii=False)
    )


def documents() -> dict[str, type[Document]]:
    """The documents by name."""
    from onnxport.artifacts import Alias, Conversion, Golden, Manifest, Move, ParityReport, Tolerances
    from onnxport.releases import Policy, Statement

    return {
        "manifest": Manifest,
        "alias": Alias,
        "move": Move,
        "parity": ParityReport,
        "golden": Golden,
        "conversion": Conversion,
        "tolerances": Tolerances,
        "policy": Policy,
        "statement": Statement,
    }
