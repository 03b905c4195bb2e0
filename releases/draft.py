"""What is about to become a release."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from onnxport.artifacts import (
    MODEL_FILE,
    PARITY_FILE,
    FileEntry,
    IntegrityError,
    Manifest,
    ModelName,
    ParityFailed,
    Provenance,
    UsageError,
    check_name,
    digest_bytes,
    digest_file,
    summarize,
)

from .layout import is_file_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnxport.artifacts import Budget, Conversion, ParityReport, ParitySummary

    from .stamp import Stamp

STATEMENT_FILE = "statement.json"
SIGNATURE_FILE = "signature.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """All that a manifest says but version, files and who published it when.

    Law: there is no draft without a passed parity report on its graph and its source.

    Attributes:
        name: Name of the model.
        conversion: The graph's record.
        report: The parity report that it passed.
        budget: What a row costs, where it was measured.
        tool: What publishes: `onnxport 0.1.0`.
    """

    name: str
    conversion: Conversion
    report: ParityReport
    budget: Budget | None = None
    tool: str

    def __post_init__(self) -> None:
        """Hold the law.

        Raises:
            UsageError: The name cannot name a model.
            ParityFailed: The report did not pass, or is about another graph or another source.
        """
        check_name("a model", self.name)
        self._parity()

    def manifest(self, version: int, files: tuple[FileEntry, ...], stamp: Stamp) -> Manifest:
        """The manifest of this draft as release `version`."""
        return Manifest(
            model=ModelName(name=self.name, version=version),
            files=files,
            graph=self.conversion.graph,
            source=self.conversion.source,
            signature=self.conversion.signature,
            plan=self.conversion.plan,
            parity=self._parity(),
            budget=self.budget,
            provenance=Provenance(
                created_at=stamp.at,
                created_by=stamp.by,
                tool=self.tool,
                packages=self.conversion.packages,
            ),
        )

    def is_published_as(self, manifest: Manifest) -> bool:
        """Whether `manifest` is a release of the same source and the same graph."""
        ours, theirs = self.conversion, manifest
        return (ours.source.sha256, ours.sha256) == (theirs.source.sha256, theirs.digest)

    def _parity(self) -> ParitySummary:
        try:
            return summarize(self.report, self.conversion)
        except ValueError as error:
            raise ParityFailed(
                f"{self.name} is not published: {error}", hint="Run `onnxport check` and publish what it passes."
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file on its way into a release.

    Attributes:
        entry: What the manifest will say about it.
        data: Its bytes, or where they lie.
    """

    entry: FileEntry
    data: bytes | Path


def parts(draft: Draft, files: Mapping[str, bytes | Path]) -> tuple[Part, ...]:
    """The files of the release, the graph first; `parity.json` is the draft's own report, whatever `files` says.

    Raises:
        UsageError: A file cannot be read or has no plain name, or there is no `model.onnx`, or a signature.
        IntegrityError: `model.onnx` is not the graph that was converted and checked.
    """
    if MODEL_FILE not in files:
        raise UsageError(f"{draft.name} has no {MODEL_FILE} to publish", hint="Run `onnxport convert` first.")
    if made_here := sorted({STATEMENT_FILE, SIGNATURE_FILE} & set(files)):
        raise UsageError(f"{made_here[0]} is made when a release is signed", hint="Give a signer instead.")
    named = {MODEL_FILE: files[MODEL_FILE], **files, PARITY_FILE: draft.report.to_bytes()}
    found = tuple(_part(name, data) for name, data in named.items())
    graph = found[0].entry
    if graph.sha256 != draft.conversion.sha256:
        raise IntegrityError(
            f"{MODEL_FILE} is {graph.sha256}, but {draft.conversion.sha256} was converted and checked",
            hint="Run `onnxport check` on this very file.",
        )
    return found


def _part(name: str, data: bytes | Path) -> Part:
    if not is_file_name(name):
        raise UsageError(
            f"{name!r} cannot name a file of a release", hint="Use letters, digits, '.', '_' and '-'."
        )
    try:
        size = data.stat().st_size if isinstance(data, Path) else len(data)
        digest = digest_file(data) if isinstance(data, Path) else digest_bytes(data)
    except OSError as error:
        raise UsageError(f"{data!s} cannot be read: {error.strerror}") from error
    return Part(entry=FileEntry(name=name, path=f"objects/{digest}", size=size, sha256=digest), data=data)
