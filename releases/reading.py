"""What a store holds: models, releases, manifests and aliases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onnxport.artifacts import Alias, IntegrityError, ReleaseRef, UsageError
from onnxport.storage import BlobNotFound

from . import layout
from .sealing import unseal

if TYPE_CHECKING:
    from datetime import datetime

    from onnxport.artifacts import Manifest
    from onnxport.storage import BlobStore

_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRelease:
    """A release as the listing of a model shows it.

    Attributes:
        version: Its number.
        published: When it came into this store, by the store's clock, UTC.
        aliases: The aliases that point at it, in order of the alphabet.
    """

    version: int
    published: datetime
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAlias:
    """An alias with what it takes to replace it.

    Attributes:
        alias: The document.
        etag: Names its state in the store.
    """

    alias: Alias
    etag: str


def models(store: BlobStore) -> list[str]:
    """The names of the models that have a release, in order of the alphabet."""
    found = (layout.model_in(child) for child in store.children(""))
    names = sorted(name for name in found if name is not None)
    return [name for name in names if next(store.children(layout.releases_folder(name)), None) is not None]


def versions(store: BlobStore, name: str) -> list[int]:
    """The versions of a model, oldest first; one request for each 5,000 of them."""
    found = (layout.version_in(child) for child in store.children(layout.releases_folder(name)))
    return sorted(version for version in found if version is not None)


def releases(store: BlobStore, name: str) -> list[ListedRelease]:
    """The releases of a model, newest first, without opening any: a request for each 5,000, and one an alias.

    Raises:
        UsageError: There is no release of that name.
    """
    published: dict[int, datetime] = {}
    for info in store.list(layout.releases_folder(name)):
        version = layout.version_in(info.key.split("/")[-2])
        if version is not None and info.key == layout.manifest_key(name, version):
            published[version] = info.modified
    if not published:
        raise _no_model(store, name)
    pointing = aliases(store, name)
    return [
        ListedRelease(
            version=version,
            published=published[version],
            aliases=tuple(alias.alias for alias in pointing if alias.version == version),
        )
        for version in sorted(published, reverse=True)
    ]


def aliases(store: BlobStore, name: str) -> list[Alias]:
    """The aliases of a model, in order of the alphabet.

    Raises:
        IntegrityError: An alias is not what it should be.
    """
    found = (layout.alias_in(child) for child in store.children(layout.aliases_folder(name)))
    held = (find_alias(store, name, alias) for alias in sorted(alias for alias in found if alias is not None))
    return [one.alias for one in held if one is not None]


def find_alias(store: BlobStore, name: str, alias: str) -> HeldAlias | None:
    """The alias as the store holds it; `None` where it holds none.

    Raises:
        IntegrityError: It is about something else, or no alias at all.
    """
    key = layout.alias_key(name, alias)
    try:
        blob = store.read(key)
    except BlobNotFound:
        return None
    document = Alias.parse(blob.data, name=key)
    last = document.move
    if (document.model, document.alias) != (name, alias):
        raise IntegrityError(f"{key} is the alias {document.model}@{document.alias}")
    if (document.version, document.sequence) != (last.to_version, last.sequence):
        raise IntegrityError(
            f"{key} contradicts itself: version {document.version}, last move to {last.to_version}"
        )
    return HeldAlias(alias=document, etag=blob.etag)


def get_alias(store: BlobStore, name: str, alias: str) -> HeldAlias:
    """The alias as the store holds it.

    Raises:
        UsageError: It holds none.
        IntegrityError: It is about something else, or no alias at all.
    """
    held = find_alias(store, name, alias)
    if held is None:
        there = ", ".join(one.alias for one in aliases(store, name)) or "none"
        raise UsageError(
            f"{name} has no alias {alias!r} in {store.url}; there: {there}",
            hint=f"Set it: onnxport promote {name}:VERSION {alias}.",
        )
    return held


def find_manifest(store: BlobStore, name: str, version: int) -> Manifest | None:
    """The manifest of a release; `None` where there is no such release.

    Raises:
        IntegrityError: It was changed, or is about another release.
    """
    key = layout.manifest_key(name, version)
    try:
        data = store.read(key).data
    except BlobNotFound:
        return None
    return unseal(data, name=key, model=name, version=version)


def resolve(store: BlobStore, ref: ReleaseRef) -> Manifest:
    """The manifest that `ref` means: of the newest release where it names a model alone.

    It costs one request by version and two otherwise, however many releases there are (a model alone: one more for
    each 5,000).

    Raises:
        UsageError: There is no such model, release or alias.
        IntegrityError: A document was changed, or the alias points at what is not there.
    """
    if ref.alias is not None:
        return _resolve_alias(store, ref.name, ref.alias)
    version = ref.version
    if version is None:
        version = max(versions(store, ref.name), default=0)
    manifest = find_manifest(store, ref.name, version) if version else None
    if manifest is None:
        raise _no_release(store, ref)
    return manifest


def _resolve_alias(store: BlobStore, name: str, alias: str) -> Manifest:
    held = get_alias(store, name, alias)
    version, digest = held.alias.version, held.alias.digest
    manifest = find_manifest(store, name, version)
    if manifest is None:
        raise IntegrityError(
            f"{layout.alias_key(name, alias)} points at {name}:{version}, which is not in {store.url}",
            hint=f"Point it at a release that is: onnxport promote {name}:VERSION {alias}.",
        )
    if manifest.digest != digest:
        raise IntegrityError(
            f"{layout.alias_key(name, alias)} says that {name}:{version} is {digest}, "
            f"its manifest says {manifest.digest}"
        )
    return manifest


def _no_release(store: BlobStore, ref: ReleaseRef) -> UsageError:
    there = versions(store, ref.name)
    if not there:
        return _no_model(store, ref.name)
    return UsageError(
        f"there is no {ref} in {store.url}; the newest is {ref.name}:{there[-1]}",
        hint=f"`onnxport list {ref.name}` lists them all.",
    )


def _no_model(store: BlobStore, name: str) -> UsageError:
    there = models(store)
    shown = ", ".join(there[:_SHOWN]) + (", …" if len(there) > _SHOWN else "")
    return UsageError(
        f"there is no release of {name} in {store.url}; it holds {shown or 'no releases at all'}",
        hint="Check name and --store, or publish it: onnxport export … --name NAME.",
    )
