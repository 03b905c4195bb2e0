"""What changed from one release to another: columns, trees, predictions, parity, costs, packages."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnxport.artifacts import GOLDEN_FILE, MODEL_FILE, Golden, ReleaseRef, UsageError
from onnxport.artifacts.changes import signature_changes
from onnxport.validation import golden_rows, open_graph, read_forests

if TYPE_CHECKING:
    from onnxport.artifacts import Manifest, Outputs
    from onnxport.artifacts.changes import Change
    from onnxport.releases import Releases


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How two releases differ.

    Attributes:
        before: The older manifest.
        after: The newer manifest.
        changes: Differences of inputs and outputs.
        trees: For each of the two, trees and splits; and how many splits stand in one of them only.
        predictions: Output name to how the answers to the golden rows of both releases moved: largest and mean
            absolute difference, or flipped labels.
        figures: Parity and budget figures, before and after.
        packages: Package to its two versions, where they differ.
    """

    before: Manifest
    after: Manifest
    changes: tuple[Change, ...]
    trees: dict[str, tuple[int, int]]
    predictions: dict[str, dict[str, float]]
    figures: dict[str, tuple[float | None, float | None]]
    packages: dict[str, tuple[str | None, str | None]]

    @property
    def breaking(self) -> tuple[Change, ...]:
        """The changes that break callers."""
        return tuple(change for change in self.changes if change.breaking)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pulled:
    manifest: Manifest
    model: bytes
    golden: Golden


def diff(before: ReleaseRef, after: ReleaseRef, releases: Releases) -> Difference:
    """How `after` differs from `before`; both are pulled and verified.

    Raises:
        UsageError: There is no such release.
        IntegrityError: A release is not what its manifest says.
        Unreachable: The store does not answer.
    """
    old, new = _pull(before, releases), _pull(after, releases)
    return Difference(
        before=old.manifest,
        after=new.manifest,
        changes=signature_changes(old.manifest.signature, new.manifest.signature),
        trees=_trees(old.model, new.model),
        predictions=_predictions(old, new),
        figures=_figures(old.manifest, new.manifest),
        packages=_packages(old.manifest, new.manifest),
    )


def require_compatible(ref: ReleaseRef, alias: str, releases: Releases) -> None:
    """Callers of the alias's release can call `ref` as well; any release will do for an alias that is new.

    Raises:
        UsageError: They cannot: the message names what breaks them.
        Unreachable: The store does not answer.
    """
    moved = next((known for known in releases.aliases(ref.name) if known.alias == alias), None)
    if moved is None:
        return
    current = releases.resolve(ReleaseRef(name=ref.name, version=moved.version))
    changes = signature_changes(current.signature, releases.resolve(ref).signature)
    broken = [str(change) for change in changes if change.breaking]
    if broken:
        raise UsageError(
            f"{ref} breaks callers of {ref.name}@{alias}, which is release {moved.version}: {'; '.join(broken)}",
            hint="Change the callers first, or promote to another alias; --breaking promotes all the same.",
        )


def _pull(ref: ReleaseRef, releases: Releases) -> _Pulled:
    with tempfile.TemporaryDirectory(prefix="onnxport-") as folder:
        manifest = releases.pull(ref, Path(folder))
        golden = Golden.parse((Path(folder) / GOLDEN_FILE).read_bytes(), name=f"{ref} {GOLDEN_FILE}")
        return _Pulled(manifest=manifest, model=(Path(folder) / MODEL_FILE).read_bytes(), golden=golden)


def _trees(old: bytes, new: bytes) -> dict[str, tuple[int, int]]:
    (was, before), (now, after) = _splits(old), _splits(new)
    gone, come = before - after, after - before
    return {
        "trees": (was, now),
        "splits": (before.total(), after.total()),
        "splits in this one only": (gone.total(), come.total()),
    }


def _splits(model: bytes) -> tuple[int, Counter[tuple[int, int, float]]]:
    """The number of trees, and how often each split occurs: node of the graph, column of its input, threshold."""
    forests = read_forests(onnx.load_model_from_string(model))
    splits: Counter[tuple[int, int, float]] = Counter()
    for node, forest in enumerate(forests):
        inner = ~forest.leaf
        columns, thresholds = forest.feature[inner].tolist(), forest.threshold[inner].tolist()
        splits.update((node, column, threshold) for column, threshold in zip(columns, thresholds, strict=True))
    return sum(len(forest.roots) for forest in forests), splits


def _predictions(old: _Pulled, new: _Pulled) -> dict[str, dict[str, float]]:
    """Both graphs answer the golden rows of both, as far as their columns allow."""
    moved: dict[str, list[np.ndarray[Any, Any]]] = {}
    columns = set(old.manifest.signature.columns) & set(new.manifest.signature.columns)
    if columns != set(old.manifest.signature.columns) | set(new.manifest.signature.columns):
        return {}
    with (
        open_graph(old.model, old.manifest.signature) as before,
        open_graph(new.model, new.manifest.signature) as after,
    ):
        for golden in (old.golden, new.golden):
            rows = golden_rows(golden)
            for name, difference in _moves(before(rows), after(rows)).items():
                moved.setdefault(name, []).append(difference)
    return {name: _summary(name, np.concatenate(parts)) for name, parts in moved.items()}


def _moves(before: Outputs, after: Outputs) -> dict[str, np.ndarray[Any, Any]]:
    return {
        name: (before[name] != after[name]).astype(float)
        if name == "label"
        else np.abs(after[name].astype(float) - before[name].astype(float))
        .reshape(len(before[name]), -1)
        .max(axis=1)
        for name in before
        if name in after and before[name].shape == after[name].shape
    }


def _summary(name: str, moves: np.ndarray[Any, Any]) -> dict[str, float]:
    if name == "label":
        return {"rows": len(moves), "flipped": float(moves.sum())}
    return {"rows": len(moves), "largest": float(moves.max(initial=0)), "mean": float(moves.mean())}


def _figures(old: Manifest, new: Manifest) -> dict[str, tuple[float | None, float | None]]:
    figures: dict[str, tuple[float | None, float | None]] = {"parity worst": (old.parity.worst, new.parity.worst)}
    for name in ("p50_us", "p95_us", "load_ms", "rss_mb", "bytes"):
        figures[name] = (getattr(old.budget, name, None), getattr(new.budget, name, None))
    return figures


def _packages(old: Manifest, new: Manifest) -> dict[str, tuple[str | None, str | None]]:
    was, now = old.provenance.packages, new.provenance.packages
    return {
        name: (was.get(name), now.get(name)) for name in sorted({*was, *now}) if was.get(name) != now.get(name)
    }
