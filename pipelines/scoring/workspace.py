"""The work folder beside an output: one run at a time, finished parts that survive, the output by rename."""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from onnxport.artifacts import LostRace, UsageError
from onnxport.pipelines.folder import write_file

from .record import ScoringManifest, State

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from .job import Kind

_STATE: Final = "state.json"
_MANIFEST: Final = "manifest.json"
_LOCK: Final = "lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Where a run keeps what it has done: `.NAME.scoring/` beside the output `NAME`.

    Attributes:
        out: The output, a file or a folder.
        folder: The work folder.
    """

    out: Path
    folder: Path

    @property
    def release(self) -> Path:
        """Folder of the release's files."""
        return self.folder / "release"

    @property
    def parts(self) -> Path:
        """Folder of finished parts."""
        return self.folder / "parts"

    @property
    def temporary(self) -> Path:
        """Folder of what is not finished."""
        return self.folder / "temporary"

    @property
    def joined(self) -> Path:
        """The one file of the output, before it is moved."""
        return self.temporary / "output.parquet"

    @property
    def manifest(self) -> Path:
        """The manifest beside the output."""
        return self.out.with_name(f"{self.out.name}.manifest.json")

    def read_state(self) -> State | None:
        """What the finished parts are parts of; `None` where no run was begun.

        Raises:
            IntegrityError: The state is damaged.
        """
        path = self.folder / _STATE
        return State.parse(path.read_bytes(), name=str(path)) if path.is_file() else None

    def begin(self, state: State) -> None:
        """A new run is begun: no part is finished."""
        shutil.rmtree(self.parts, ignore_errors=True)
        (self.folder / _MANIFEST).unlink(missing_ok=True)
        self.make_folders()
        write_file(self.folder / _STATE, state.to_bytes())

    def make_folders(self) -> None:
        """There are folders for parts, and what was not finished is gone."""
        shutil.rmtree(self.temporary, ignore_errors=True)
        for folder in (self.parts, self.temporary):
            folder.mkdir(parents=True, exist_ok=True)

    def discard(self) -> None:
        """What earlier runs left here is gone; the output of a finished one stays until it is replaced."""
        for path in (self.folder / _STATE, self.folder / _MANIFEST):
            path.unlink(missing_ok=True)
        for folder in (self.parts, self.temporary, self.release):
            shutil.rmtree(folder, ignore_errors=True)

    def finished(self) -> ScoringManifest | None:
        """The manifest of the finished output, or `None`.

        Raises:
            IntegrityError: It is damaged.
        """
        path = self.manifest
        return ScoringManifest.parse(path.read_bytes(), name=str(path)) if path.is_file() else None

    def seal(self, manifest: ScoringManifest) -> None:
        """All is there but its names: what stands after this call needs no scoring."""
        write_file(self.folder / _MANIFEST, manifest.to_bytes())

    def sealed(self) -> ScoringManifest | None:
        """The manifest of a run that was sealed, of which only the moves may be missing; else `None`.

        Raises:
            IntegrityError: It is damaged.
        """
        path = self.folder / _MANIFEST
        return ScoringManifest.parse(path.read_bytes(), name=str(path)) if path.is_file() else None

    def move(self, kind: Kind) -> None:
        """Output and manifest have their names; what a run that died in between has moved stays.

        Raises:
            UsageError: They cannot be moved.
        """
        source = self.joined if kind == "file" else self.parts
        try:
            if source.exists():
                self._replace(source)
            (self.folder / _MANIFEST).replace(self.manifest)
            self.discard()
        except OSError as error:
            raise UsageError(f"cannot write {self.out}: {error.strerror or error}") from error

    def _replace(self, source: Path) -> None:
        if self.out.is_dir():
            old = self.folder / "replaced"
            shutil.rmtree(old, ignore_errors=True)
            self.out.replace(old)
        elif source.is_dir():
            self.out.unlink(missing_ok=True)
        source.replace(self.out)


def workspace_of(out: Path) -> Workspace:
    """The workspace of the output `out`."""
    out = out.absolute()
    return Workspace(out=out, folder=out.with_name(f".{out.name}.scoring"))


@contextmanager
def opened(workspace: Workspace) -> Generator[None]:
    """Nobody else works on this output; the work folder is there, and gone afterwards where nothing was begun.

    The lock is the operating system's: it ends with the process, however that ends.

    Raises:
        LostRace: Somebody else works on it.
        UsageError: The folder cannot be made.
    """
    try:
        lock = _locked(workspace)
    except OSError as error:
        raise UsageError(f"cannot write beside {workspace.out}: {error.strerror or error}") from error
    try:
        yield
    finally:
        if not (workspace.folder / _STATE).exists():
            shutil.rmtree(workspace.folder, ignore_errors=True)
        os.close(lock)


def _locked(workspace: Workspace) -> int:
    """An open lock file that still has its name: a run that has just ended removes the one it had."""
    path = workspace.folder / _LOCK
    while True:
        workspace.folder.mkdir(parents=True, exist_ok=True)
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:  # removed between the two calls
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.path.samestat(path.stat(), os.fstat(lock)):
                return lock
        except BlockingIOError as error:
            os.close(lock)
            raise LostRace(
                f"another process is writing {workspace.out}",
                hint="Let it end, or name another --out; what it has done is kept either way.",
            ) from error
        os.close(lock)
