"""A registered model's files come here, with what is known about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxport.sources import fetch as bring

from .folder import write_file
from .opened import try_out

if TYPE_CHECKING:
    from pathlib import Path

    from onnxport.artifacts import SourceReference
    from onnxport.sources import SourceAccess

SOURCE_FILE = "source.json"


def fetch(uri: str, out: Path, access: SourceAccess) -> SourceReference:
    """`out` holds the files of the model at `uri`, and `source.json` with their digest and lineage.

    Raises:
        UsageError: There is no such model.
        Unreachable: The registry does not answer.
    """
    reference = bring(uri, out, access, try_out)
    write_file(out / SOURCE_FILE, reference.to_bytes())
    return reference
