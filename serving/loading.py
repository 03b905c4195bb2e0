"""From a reference to a graph that may answer: resolved, pulled, verified, proven on this machine, warm."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import onnxruntime
from onnxport.artifacts import (
    MODEL_FILE,
    Golden,
    IntegrityError,
    Manifest,
    OnnxportError,
    ReleaseRef,
    UsageError,
    digest_bytes,
)
from onnxport.validation import check_graph, replay_golden

from .engine import MOST_BOUND, Engine
from .fault import Fault
from .features import Features, Table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from onnxport.artifacts import FileEntry, Outputs
    from onnxport.releases import Releases

    ReadFile = Callable[[FileEntry], bytes]

GOLDEN_FILE: Final = "golden.json"
MANIFEST_FILE: Final = "manifest.json"
_ROUNDS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Bytes that are what the manifest says.

    Attributes:
        manifest: The release.
        model: `model.onnx`.
        golden: Its golden rows.
    """

    manifest: Manifest
    model: bytes
    golden: Golden


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A release that answered its golden rows here as its source did.

    Attributes:
        manifest: The release.
        features: Turns rows into tensors.
        engine: The graph.
        row_us: What a row costs in a batch of 64, microseconds.
        alone_us: What a row costs alone, microseconds.
    """

    manifest: Manifest
    features: Features
    engine: Engine
    row_us: float
    alone_us: float

    @property
    def reference(self) -> str:
        """`NAME:VERSION`."""
        return f"{self.manifest.model.name}:{self.manifest.model.version}"


def fetch(releases: Releases, ref: ReleaseRef) -> Verified:
    """The release that `ref` means, read from its store and verified.

    Raises:
        UsageError: There is no such release.
        IntegrityError: A file is not what the manifest says.
        Unreachable: The store does not answer.
    """
    manifest = releases.resolve(ref)
    name = manifest.model.name
    return verify(manifest, lambda entry: b"".join(releases.store.stream(f"{name}/{entry.path}")))


def fetch_to(releases: Releases, manifest: Manifest, folder: Path) -> Verified:
    """Like `fetch`, with the release's files left in `folder`.

    Raises:
        UsageError: The folder cannot be written.
        IntegrityError: A file is not what the manifest says.
        Unreachable: The store does not answer.
    """
    model = manifest.model
    releases.pull(ReleaseRef(name=model.name, version=model.version), folder)
    return read_folder(folder)


def read_folder(folder: Path) -> Verified:
    """The release whose files lie in `folder`, verified.

    Raises:
        IntegrityError: A file is missing, or not what the manifest says.
    """

    def read(name: str) -> bytes:
        try:
            return (folder / name).read_bytes()
        except OSError as error:
            raise IntegrityError(f"{folder / name} cannot be read: {error.strerror}") from error

    manifest = Manifest.parse(read(MANIFEST_FILE), name=str(folder / MANIFEST_FILE))
    return verify(manifest, lambda entry: read(entry.name))


def verify(manifest: Manifest, read: ReadFile) -> Verified:
    """The graph and the golden rows that `read` gives, if they are what the manifest says.

    Raises:
        IntegrityError: They are not, the release has no golden rows, or the graph is not plain ONNX.
        UsageError: The runtime here is older than the graph needs.
    """
    _check_runtime(manifest)
    model = _verified(manifest, MODEL_FILE, read)
    check_graph(model)
    golden = Golden.parse(_verified(manifest, GOLDEN_FILE, read), name=GOLDEN_FILE)
    return Verified(manifest=manifest, model=model, golden=golden)


def load(verified: Verified) -> Loaded:
    """The graph in this process, warm, once it has answered its golden rows as its source did.

    Raises:
        IntegrityError: The runtime does not load it, or it answers otherwise here.
    """
    manifest = verified.manifest
    features, engine = Features(manifest.signature, manifest.plan), Engine(verified.model, manifest.signature)
    table = _golden_table(verified, features)
    _prove(verified, table, engine)
    return Loaded(
        manifest=manifest,
        features=features,
        engine=engine,
        row_us=_cost(engine, _repeated(table, MOST_BOUND)),
        alone_us=_cost(engine, table.take(slice(0, 1))),
    )


def _check_runtime(manifest: Manifest) -> None:
    needed, found = manifest.graph.min_onnxruntime, str(onnxruntime.__version__)
    if _release_numbers(found) < _release_numbers(needed):
        raise UsageError(
            f"{manifest.model.name}:{manifest.model.version} needs onnxruntime {needed}, this is {found}",
            hint="Install a newer onnxruntime, or export for an older one: --runtime 'onnxruntime>=…'.",
        )


def _release_numbers(version: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in version.split("+", maxsplit=1)[0].split(".")[:2])
    except ValueError:
        raise IntegrityError(f"{version!r} is no version of onnxruntime") from None


def _verified(manifest: Manifest, name: str, read: ReadFile) -> bytes:
    where = f"{manifest.model.name}:{manifest.model.version}: {name}"
    try:
        entry = manifest.file(name)
    except KeyError:
        raise IntegrityError(f"{where} is missing", hint="Publish the model again.") from None
    try:
        data = read(entry)
    except UsageError:
        raise
    except OnnxportError as error:
        if error.code == "blob-not-found":
            raise IntegrityError(f"{where} is not in the store") from error
        raise
    if len(data) != entry.size or digest_bytes(data) != entry.sha256:
        raise IntegrityError(
            f"{where} is {len(data)} bytes with digest {digest_bytes(data)}, "
            f"the manifest says {entry.size} bytes with {entry.sha256}"
        )
    return data


def _golden_table(verified: Verified, features: Features) -> Table:
    table = features.from_records(list(verified.golden.rows), "$.rows")
    if isinstance(table, Fault):
        raise _unproven(verified, f"{table.path}: {table.message}")
    if not table.rows:
        raise _unproven(verified, "there are no golden rows")
    return table


def _prove(verified: Verified, table: Table, engine: Engine) -> None:
    """The golden rows are answered as the source did, all at once and one by one."""
    one_by_one: list[Outputs] = [engine(table.take(slice(row, row + 1)).tensors) for row in range(table.rows)]
    joined = {name: np.concatenate([outputs[name] for outputs in one_by_one]) for name in one_by_one[0]}
    for outputs in (engine(table.tensors), joined):
        differences = replay_golden(verified.golden, lambda _, outputs=outputs: outputs)
        if differences:
            raise _unproven(verified, differences[0])


def _unproven(verified: Verified, reason: str) -> IntegrityError:
    model = verified.manifest.model
    return IntegrityError(
        f"{model.name}:{model.version} does not answer its golden rows on this machine: {reason}",
        hint="Compare this machine's onnxruntime with `graph.min_onnxruntime` in the manifest.",
    )


def _repeated(table: Table, rows: int) -> Table:
    return table.take([row % table.rows for row in range(rows)])


def _cost(engine: Engine, table: Table) -> float:
    """Median time of a row, microseconds; the graph is warm after that."""
    took: list[float] = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        engine(table.tensors)
        took.append(time.perf_counter() - start)
    return sorted(took)[_ROUNDS // 2] / table.rows * 1e6
