"""Batch scoring without a store: a release in a folder, and one file at a time, as batch services call it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import pyarrow as pa
from onnxport.artifacts import GOLDEN_FILE, Golden, UsageError, tiled
from onnxport.releases import read_pulled
from onnxport.validation import golden_rows

from .scoring.choice import Choice, choose
from .scoring.files import find_files
from .scoring.job import Job, Part
from .scoring.part import BATCH_ROWS, answers, output_schema
from .scoring.planning import columns_to_read, kept_columns

if TYPE_CHECKING:
    from pathlib import Path

    from onnxport.artifacts import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchScorer:
    """A release that answers files.

    Attributes:
        manifest: The release.
        folder: Where its files are.
        choice: What answers, and why.
    """

    manifest: Manifest
    folder: Path
    choice: Choice

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The release that `onnxport pull` left in `folder`, or in the one folder below it that holds one.

        Its files are verified, its graph is proven on its golden rows. Where it carries its booster and both
        answer those alike, the one that is faster on them is chosen.

        Raises:
            UsageError: There is no release.
            IntegrityError: A file is not what the manifest says, or the graph does not answer as its source did.
        """
        found = [path.parent for path in sorted(folder.rglob("manifest.json"))]
        if len(found) != 1:
            raise UsageError(
                f"{folder} holds {len(found)} releases, one is expected",
                hint="Register the folder that `onnxport pull NAME@ALIAS --out FOLDER` writes.",
            )
        manifest = read_pulled(found[0])
        golden = Golden.parse((found[0] / GOLDEN_FILE).read_bytes(), name=str(found[0] / GOLDEN_FILE))
        rows = tiled(golden_rows(golden), BATCH_ROWS)
        return cls(manifest=manifest, folder=found[0], choice=choose("auto", found[0], manifest, rows))

    def __call__(self, path: Path, /) -> pa.Table:
        """The answers for the rows of the file `path`, in order, beside its columns that are no features.

        Raises:
            UsageError: The file cannot be read, or its columns do not fit the model.
        """
        (file,) = find_files([path])
        signature = self.manifest.signature
        ids = kept_columns(file, signature, None, "")
        job = Job(
            manifest=self.manifest,
            release=self.folder,
            engine=self.choice.name,
            columns=columns_to_read(file, signature, ids),
            ids=ids,
            prefix="",
            kind="file",
            parts=self.folder,
            temporary=self.folder,
        )
        parts = [Part(number=number, file=file, span=span) for number, span in enumerate(file.spans())]
        batches = [batch for part in parts for batch in answers(job, part)]
        return pa.Table.from_batches(batches, schema=output_schema(job))
