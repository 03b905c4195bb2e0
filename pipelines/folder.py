"""The working folder between the stages: what `convert`, `check` and `publish` hand to each other on disk."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from onnxport.artifacts import (
    GOLDEN_FILE,
    MODEL_FILE,
    PARITY_FILE,
    SOURCE_FILE,
    Conversion,
    Golden,
    IntegrityError,
    OnnxArtifact,
    ParityReport,
    UsageError,
    digest_bytes,
)

from .proof import Proof

CONVERSION_FILE = "conversion.json"
REPORT_FILE = "parity.html"


def write_artifact(folder: Path, artifact: OnnxArtifact, booster: bytes | None = None) -> None:
    """`folder` holds the graph and what was decided about it; a proof of an earlier graph is gone.

    With `booster`, XGBoost's own file of the source, that as well.

    Raises:
        UsageError: The folder cannot be written.
    """
    for stale in (CONVERSION_FILE, PARITY_FILE, REPORT_FILE, GOLDEN_FILE, SOURCE_FILE):
        (folder / stale).unlink(missing_ok=True)
    write_file(folder / MODEL_FILE, artifact.model)
    write_file(folder / CONVERSION_FILE, artifact.conversion.to_bytes())
    if booster is not None:
        write_file(folder / SOURCE_FILE, booster)


def read_booster(folder: Path) -> bytes:
    """XGBoost's own file of the source in `folder`.

    Raises:
        UsageError: `convert --with-source` did not write it.
    """
    return _read(folder, SOURCE_FILE, "convert --with-source")


def read_artifact(folder: Path) -> OnnxArtifact:
    """The graph in `folder` with what was decided about it.

    Raises:
        UsageError: `convert` did not write this folder.
        IntegrityError: The graph is not the one that was converted.
    """
    conversion = Conversion.parse(_read(folder, CONVERSION_FILE, "convert"), name=str(folder / CONVERSION_FILE))
    model = _read(folder, MODEL_FILE, "convert")
    if (found := digest_bytes(model)) != conversion.sha256:
        raise IntegrityError(
            f"{folder / MODEL_FILE} has the digest {found}, {CONVERSION_FILE} says {conversion.sha256}",
            hint="The graph was changed after its conversion: run `onnxport convert` again.",
        )
    return OnnxArtifact(model=model, conversion=conversion)


def write_proof(folder: Path, proof: Proof) -> None:
    """`folder` holds the report, for machines and people, and the golden rows of a passed check."""
    if proof.golden is None:
        (folder / GOLDEN_FILE).unlink(missing_ok=True)
    else:
        write_file(folder / GOLDEN_FILE, proof.golden.to_bytes())
    write_file(folder / REPORT_FILE, proof.page.encode())
    write_file(folder / PARITY_FILE, proof.report.to_bytes())


def read_proof(folder: Path) -> Proof:
    """The report in `folder`, with its golden rows.

    Raises:
        UsageError: `check` did not write this folder.
        IntegrityError: A file of it is not valid.
    """
    report = ParityReport.parse(_read(folder, PARITY_FILE, "check"), name=str(folder / PARITY_FILE))
    golden = None
    if report.passed:
        golden = Golden.parse(_read(folder, GOLDEN_FILE, "check"), name=str(folder / GOLDEN_FILE))
    return Proof(report=report, golden=golden, page=_read(folder, REPORT_FILE, "check").decode())


def write_file(path: Path, data: bytes) -> None:
    """`path` holds `data`, entirely or not at all.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).chmod(0o644)
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error


def _read(folder: Path, name: str, made_by: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read {folder / name}: {error.strerror or error}",
            hint=f"`onnxport {made_by}` writes it.",
        ) from error
