"""Versions, manifests and aliases of models in one store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from onnxport.artifacts import Progress, Silent

from . import copying, moving, pruning, publishing, pulling, reading, signing, verifying
from .objects import Objects
from .policy import Policy, read_policy, write_policy
from .stamp import Stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, timedelta
    from pathlib import Path

    from onnxport.artifacts import Alias, Manifest, Move, Release, ReleaseRef
    from onnxport.storage import BlobInfo, BlobStore

    from .bundles import Signer
    from .draft import Draft
    from .policy import Trust
    from .reading import ListedRelease
    from .verifying import Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """The releases in a store, published and moved in somebody's name.

    Every method raises `Unreachable` where the store does not answer or refuses us, and `UsageError` for names
    that no model or alias can have.

    Attributes:
        store: The store.
        clock: The time, UTC.
        actor: User or CI identity.
        progress: Told of bytes as they move.
        signer: Signs what is published; `None` publishes unsigned.
    """

    store: BlobStore
    clock: Callable[[], datetime]
    actor: str
    progress: Progress = field(default_factory=Silent)
    signer: Signer | None = None

    def publish(self, draft: Draft, files: Mapping[str, Path | bytes]) -> Release:
        """The draft as a release: a new one, or the one of the same source and graph that was there already.

        With a signer, only one that the signer's key signed counts as there already.

        Args:
            draft: What is published, with its proof.
            files: File name to content, `model.onnx` among them; `parity.json` comes from the draft.

        Raises:
            UsageError: A file cannot be read or has no plain name, or there is no `model.onnx`.
            IntegrityError: `model.onnx` is not the graph that was checked, or the store is damaged.
        """
        return publishing.publish(self._objects(draft.name), draft, files, self._stamp(""), signer=self.signer)

    def models(self) -> list[str]:
        """The names of the models that have a release, in order of the alphabet."""
        return reading.models(self.store)

    def releases(self, name: str) -> list[ListedRelease]:
        """The releases of a model, newest first, without opening their manifests.

        Raises:
            UsageError: There is no release of that name.
            IntegrityError: An alias is not what it should be.
        """
        return reading.releases(self.store, name)

    def aliases(self, name: str) -> list[Alias]:
        """The aliases of a model, in order of the alphabet.

        Raises:
            IntegrityError: An alias is not what it should be.
        """
        return reading.aliases(self.store, name)

    def resolve(self, ref: ReleaseRef) -> Manifest:
        """The manifest that `ref` means: of the newest release where it names a model alone.

        Raises:
            UsageError: There is no such model, release or alias.
            IntegrityError: A document was changed, or the alias points at what is not there.
        """
        return reading.resolve(self.store, ref)

    def promote(self, ref: ReleaseRef, alias: str, *, reason: str = "") -> Alias:
        """The alias, which points at the release `ref`; unchanged where it did already.

        Raises:
            UsageError: There is no such release.
            IntegrityError: A document was changed, or the release has no signature that the policy demands.
            LostRace: Somebody else moved the alias at the same time; nothing was changed.
        """
        return moving.promote(self.store, ref, alias, self._stamp(reason), admit=self._admit(ref.name))

    def rollback(self, name: str, alias: str, *, reason: str = "") -> Alias:
        """The alias, which points again where it did before its last move; twice is back and forth.

        Raises:
            UsageError: There is no such alias, or it was moved only once.
            IntegrityError: A document was changed, or the release before is gone, or has no signature that the
                policy demands.
            LostRace: Somebody else moved the alias at the same time; nothing was changed.
        """
        return moving.rollback(self.store, name, alias, self._stamp(reason), admit=self._admit(name))

    def history(self, name: str, alias: str) -> list[Move]:
        """The moves of the alias, the first one first.

        Raises:
            UsageError: There is no such alias.
            IntegrityError: A move is missing, or not what it should be.
        """
        return moving.history(self.store, name, alias)

    def pull(self, ref: ReleaseRef, out: Path, cache: Path | None = None) -> Manifest:
        """The manifest of the release whose files lie in `out` now, every one checked, `manifest.json` last.

        What `out` or `cache` (a folder of files by digest) holds already is not fetched again.

        Raises:
            UsageError: There is no such release, or a folder cannot be written.
            IntegrityError: The store holds something else than the manifest says; the message names the file.
        """
        manifest = self.resolve(ref)
        pulling.pull(self._objects(ref.name), manifest, out, cache)
        return manifest

    def verify(self, ref: ReleaseRef, trust: Trust | None = None) -> Verification:
        """The release, read in full and found whole, and signed where `trust` or the store's policy demands it.

        Raises:
            UsageError: There is no such release, or signatures are demanded and the extra `sign` is not installed.
            IntegrityError: Something is not what it should be; the message names the file.
        """
        return verifying.verify(self._objects(ref.name), self.resolve(ref), trust)

    def policy(self) -> Policy:
        """What the store demands of releases.

        Raises:
            IntegrityError: The policy is damaged, or of a newer format.
        """
        return read_policy(self.store)

    def set_policy(self, policy: Policy) -> None:
        """The store demands what `policy` says; releases and aliases stay as they are.

        Raises:
            LostRace: Somebody else changed the policy at the same time; theirs stands.
        """
        write_policy(self.store, policy)

    def copy(self, ref: ReleaseRef, target: Releases) -> Release:
        """The release in another store, byte for byte, under the same name and number.

        Raises:
            UsageError: There is no such release.
            IntegrityError: A file is not what the manifest says, here or there.
            LostRace: The other store holds another release under this number; it was left alone.
        """
        return copying.copy(self._objects(ref.name), self.resolve(ref), target._objects(ref.name))

    def prunable(self, name: str, grace: timedelta) -> list[BlobInfo]:
        """What `prune` would delete: the model's objects that no release names and that are older than `grace`.

        Raises:
            UsageError: `grace` is shorter than an hour, in which a publish may be under way.
            IntegrityError: A manifest was changed, so that nobody knows what it named.
        """
        return pruning.prunable(self.store, name, self.clock(), grace)

    def prune(self, name: str, grace: timedelta) -> list[BlobInfo]:
        """The objects that were deleted: those that `prunable` answers and nobody has used again since.

        Raises:
            UsageError: `grace` is shorter than an hour, in which a publish may be under way.
            IntegrityError: A manifest was changed, so that nobody knows what it named.
        """
        return pruning.delete(self.store, self.prunable(name, grace))

    def _admit(self, name: str) -> Callable[[Manifest], object]:
        return lambda manifest: signing.enforce(self._objects(name), manifest)

    def _objects(self, name: str) -> Objects:
        return Objects(store=self.store, name=name, progress=self.progress)

    def _stamp(self, reason: str) -> Stamp:
        at = self.clock().isoformat().replace("+00:00", "Z")
        return Stamp(at=at, by=self.actor, reason=reason)
