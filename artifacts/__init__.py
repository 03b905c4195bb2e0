"""The values that travel between the stages; no I/O."""

from .digest import digest_blocks, digest_bytes, digest_file, digest_folder, is_digest
from .document import Document, canonical_json
from .errors import (
    IntegrityError,
    LostRace,
    OnnxportError,
    OverBudget,
    ParityFailed,
    Unreachable,
    UnsupportedModel,
    UntrustedModel,
    UsageError,
)
from .golden import MAX_GOLDEN_ROWS, Golden
from .manifest import (
    MANIFEST_SCHEMA_VERSION,
    MODEL_FILE,
    Budget,
    FileEntry,
    Manifest,
    ModelName,
    ParitySummary,
    Provenance,
    summarize,
)
from .onnx_artifact import Conversion, Graph, OnnxArtifact, Outputs, Predict, Refusal
from .parity import Distribution, ParityReport, Tolerance, Tolerances, Verdict, WorstRow
from .plan import ConversionPlan, PlanStep, PostProcessing, Precision
from .progress import Progress, Silent
from .release import Alias, Move, Release, ReleaseRef, check_name
from .rows import Column, Rows, concatenate
from .signature import MATRIX_TENSOR, Dtype, InputColumn, Layout, Missing, OutputTensor, Signature
from .source import SourceKind, SourceModel, SourceReference

__all__ = [
    "MANIFEST_SCHEMA_VERSION",
    "MATRIX_TENSOR",
    "MAX_GOLDEN_ROWS",
    "MODEL_FILE",
    "Alias",
    "Budget",
    "Column",
    "Conversion",
    "ConversionPlan",
    "Distribution",
    "Document",
    "Dtype",
    "FileEntry",
    "Golden",
    "Graph",
    "InputColumn",
    "IntegrityError",
    "Layout",
    "LostRace",
    "Manifest",
    "Missing",
    "ModelName",
    "Move",
    "OnnxArtifact",
    "OnnxportError",
    "OutputTensor",
    "Outputs",
    "OverBudget",
    "ParityFailed",
    "ParityReport",
    "ParitySummary",
    "PlanStep",
    "PostProcessing",
    "Precision",
    "Predict",
    "Progress",
    "Provenance",
    "Refusal",
    "Release",
    "ReleaseRef",
    "Rows",
    "Signature",
    "Silent",
    "SourceKind",
    "SourceModel",
    "SourceReference",
    "Tolerance",
    "Tolerances",
    "Unreachable",
    "UnsupportedModel",
    "UntrustedModel",
    "UsageError",
    "Verdict",
    "WorstRow",
    "canonical_json",
    "check_name",
    "concatenate",
    "digest_blocks",
    "digest_bytes",
    "digest_file",
    "digest_folder",
    "is_digest",
    "summarize",
]
