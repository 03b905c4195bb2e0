"""The manifest: what a release is, and the proof that it may exist."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from .digest import is_digest
from .document import Document
from .onnx_artifact import Conversion, Graph
from .parity import THREADS, ParityReport, Tolerances
from .plan import ConversionPlan
from .signature import Signature
from .source import SourceReference

MANIFEST_SCHEMA_VERSION = 1
MODEL_FILE = "model.onnx"
PARITY_FILE = "parity.json"
GOLDEN_FILE = "golden.json"
SOURCE_FILE = "source.ubj"


class ModelName(Document):
    """Name and version of a release."""

    name: str
    version: int = Field(ge=1)


class FileEntry(Document):
    """One file of a release.

    Attributes:
        name: `model.onnx`, `parity.json`, `parity.html`, `golden.json`; on request `source.ubj`,
            the source booster.
        path: Where it lies, relative to the model's folder in the store: `objects/<sha256>`.
        size: Bytes.
        sha256: Digest of the bytes.
    """

    name: str
    path: str
    size: int = Field(ge=0)
    sha256: str

    @field_validator("sha256")
    @classmethod
    def _hex(cls, value: str) -> str:
        if not is_digest(value):
            raise ValueError("not a SHA-256 in lower-case hex")
        return value

    def model_post_init(self, context: object, /) -> None:  # ruff: ignore[ARG002] - pydantic's signature
        """Files lie by content, nowhere else.

        Raises:
            ValueError: The path is not that of the digest, or the name is not a plain file name.
        """
        if self.path != f"objects/{self.sha256}":
            raise ValueError(f"path must be objects/{self.sha256}, found {self.path!r}")
        if self.name != self.name.strip() or "/" in self.name or "\\" in self.name or self.name in {"", ".", ".."}:
            raise ValueError(f"{self.name!r} is not a plain file name")


class ParitySummary(Document):
    """What the manifest keeps of a passed parity report.

    Attributes:
        passed: Always true: a release without proof cannot be written down.
        rows: How many of the user's rows were compared.
        probes: How many rows of each kind of probe.
        tolerances: What was allowed.
        worst: Largest absolute difference found.
        threads: How many intra-op threads the runtime had: serve with as many.
    """

    passed: Literal[True]
    rows: int
    probes: dict[str, int]
    tolerances: Tolerances
    worst: float
    threads: int = Field(default=THREADS, ge=1)


class Budget(Document):
    """What one row costs, measured in a fresh process on the machine that published.

    Attributes:
        p50_us: Median latency of one row, microseconds.
        p95_us: 95th percentile, microseconds.
        load_ms: Time to load the graph, milliseconds.
        rss_mb: Resident memory that the loaded graph adds, MiB.
        bytes: Size of `model.onnx`.
    """

    p50_us: float
    p95_us: float
    load_ms: float
    rss_mb: float
    bytes: int


class Provenance(Document):
    """Who made the release, when, with what.

    Attributes:
        created_at: RFC 3339, UTC.
        created_by: User or CI identity.
        tool: `onnxport 0.1.0`.
        packages: Versions that made the graph.
    """

    created_at: str
    created_by: str
    tool: str
    packages: dict[str, str]


class Manifest(Document):
    """`releases/<version>/manifest.json`, the commit point of a release.

    Law: a manifest names a graph whose parity report passed; there is no other way to build or to read one.
    """

    schema_version: int = MANIFEST_SCHEMA_VERSION
    model: ModelName
    files: tuple[FileEntry, ...]
    graph: Graph
    source: SourceReference
    signature: Signature
    plan: ConversionPlan
    parity: ParitySummary
    budget: Budget | None = None
    provenance: Provenance

    @field_validator("schema_version")
    @classmethod
    def _known(cls, value: int) -> int:
        if value > MANIFEST_SCHEMA_VERSION:
            raise ValueError(
                f"format {value} is newer than this onnxport, which reads up to {MANIFEST_SCHEMA_VERSION}"
            )
        return value

    @property
    def digest(self) -> str:
        """The release's digest: that of `model.onnx`.

        Raises:
            KeyError: There is no `model.onnx`.
        """
        return self.file(MODEL_FILE).sha256

    def file(self, name: str) -> FileEntry:
        """The entry of the file `name`.

        Raises:
            KeyError: The release has no such file.
        """
        for entry in self.files:
            if entry.name == name:
                return entry
        raise KeyError(name)

    def for_version(self, version: int) -> Manifest:
        """This manifest under another version number."""
        return self.model_copy(update={"model": self.model.model_copy(update={"version": version})})


def summarize(report: ParityReport, conversion: Conversion) -> ParitySummary:
    """What a manifest keeps of `report`: the only way to a `ParitySummary`.

    Raises:
        ValueError: The report did not pass, or is about another graph or another source.
    """
    if not report.passed:
        raise ValueError("a failed parity report cannot become a release")
    if report.graph_sha256 != conversion.sha256 or report.source_sha256 != conversion.source.sha256:
        raise ValueError("the parity report is about another graph or another source")
    return ParitySummary(
        passed=True,
        rows=report.rows,
        probes=report.probes,
        tolerances=report.tolerances,
        worst=report.worst,
        threads=report.threads,
    )
