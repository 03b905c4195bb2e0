"""A model whose files are on this machine, described and not yet opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onnxport.artifacts import IntegrityError, SourceModel, digest_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from onnxport.artifacts import Rows, SourceKind, SourceReference

    from .access import SourceAccess


_FRAGILE: frozenset[SourceKind] = frozenset({"catboost", "lightgbm"})
"""Kinds of files that can take the process down that reads them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A model's files, and what they say about themselves as data.

    Attributes:
        reference: Where it came from; `sha256` is that of `file`.
        root: The file or folder that is the model.
        file: The file in it that is opened.
        kind: What is expected in `file`.
        name: What errors call it.
        model_class: For XGBoost, the class that somebody recorded: `Booster`, `XGBClassifier`; else `None`.
        columns: The feature columns of its signature, in order, or `None`.
        sample: The rows that came with it, or `None`.
    """

    reference: SourceReference
    root: Path
    file: Path
    kind: SourceKind
    name: str
    model_class: str | None = None
    columns: tuple[str, ...] | None = None
    sample: Rows | None = None

    def lives_apart(self, access: SourceAccess) -> bool:
        """Whether it must be opened in a process of its own: it may run code, or its reader may not survive it."""
        return access.allow_pickle or bool(access.allow_modules) or self.kind in _FRAGILE


def open_brought(brought: Brought, access: SourceAccess) -> SourceModel:
    """The model in `brought.file`, in this process.

    Raises:
        UsageError: It is not a model file.
        UntrustedModel: Opening it would run code that nobody allowed.
        IntegrityError: The file is not the one that was described.
    """
    from .files import open_bytes, read_bytes, unpack  # ruff: ignore[PLC0415] - the two modules know each other

    data = read_bytes(brought.file)
    if digest_bytes(data) != brought.reference.sha256:
        raise IntegrityError(f"{brought.name} was changed while it was opened", hint="Run the same command again.")
    found = open_bytes(data, brought, access)
    model, bundled = unpack(found, brought.name)
    return SourceModel(
        reference=brought.reference,
        model=model,
        feature_columns=bundled or brought.columns,
        sample=brought.sample,
    )
