"""Where aliases point, and how they got there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxport.artifacts import Alias, IntegrityError, LostRace, Move, ReleaseRef, UsageError
from onnxport.storage import BlobChanged, BlobExists

from . import layout
from .reading import find_alias, get_alias, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnxport.artifacts import Manifest
    from onnxport.storage import BlobStore

    from .reading import HeldAlias
    from .stamp import Stamp

    Admit = Callable[[Manifest], object]
    """Raises where the store's policy does not let an alias point at the release."""


def promote(store: BlobStore, ref: ReleaseRef, alias: str, stamp: Stamp, *, admit: Admit) -> Alias:
    """The alias, which points at the release `ref`; unchanged where it did already.

    The alias document is the truth and says its own last move. Whoever replaces it first makes sure that this move
    stands in the history, and writes their own after: a crash loses none.

    Raises:
        UsageError: There is no such release, or the alias has no proper name.
        IntegrityError: A document was changed, or `admit` refuses the release.
        LostRace: Somebody else moved the alias at the same time; nothing was changed.
    """
    manifest = resolve(store, ref)
    admit(manifest)
    held = find_alias(store, manifest.model.name, alias)
    if held is not None:
        _record(store, held.alias)
        if held.alias.version == manifest.model.version:
            return held.alias
    return _move(store, manifest, alias, held=held, stamp=stamp)


def rollback(store: BlobStore, name: str, alias: str, stamp: Stamp, *, admit: Admit) -> Alias:
    """The alias, which points again where it did before its last move; twice is back and forth.

    Raises:
        UsageError: There is no such alias, or it was never moved.
        IntegrityError: A document was changed, or the release before is gone, or `admit` refuses it.
        LostRace: Somebody else moved the alias at the same time; nothing was changed.
    """
    held = get_alias(store, name, alias)
    before = held.alias.move.from_version
    if before is None:
        raise UsageError(
            f"{name}@{alias} points at {name}:{held.alias.version} since its first move: there is nothing before",
            hint=f"Name the release: onnxport promote {name}:VERSION {alias}.",
        )
    manifest = resolve(store, ReleaseRef(name=name, version=before))
    admit(manifest)
    _record(store, held.alias)
    return _move(store, manifest, alias, held=held, stamp=stamp)


def history(store: BlobStore, name: str, alias: str) -> list[Move]:
    """The moves of the alias, the first one first; the last one even where a crash kept it from the history.

    Raises:
        UsageError: There is no such alias.
        IntegrityError: A move is missing, or not what it should be.
    """
    last = get_alias(store, name, alias).alias.move
    keys = sorted(info.key for info in store.list(layout.history_folder(name, alias)))
    moves = [Move.parse(store.read(key).data, name=key) for key in keys[: last.sequence]]
    if len(moves) == last.sequence - 1:
        moves.append(last)
    sequences = [move.sequence for move in moves]
    linked = [None, *(move.to_version for move in moves[:-1])] == [move.from_version for move in moves]
    if sequences != list(range(1, last.sequence + 1)) or not linked or moves[-1] != last:
        raise IntegrityError(
            f"{layout.history_folder(name, alias)} holds moves {sequences}, not the {last.sequence} that led "
            "from one to the next up to where the alias points"
        )
    return moves


def _move(store: BlobStore, manifest: Manifest, alias: str, *, held: HeldAlias | None, stamp: Stamp) -> Alias:
    name, version = manifest.model.name, manifest.model.version
    move = Move(
        sequence=held.alias.sequence + 1 if held else 1,
        from_version=held.alias.version if held else None,
        to_version=version,
        at=stamp.at,
        by=stamp.by,
        reason=stamp.reason,
    )
    moved = Alias(
        model=name,
        alias=alias,
        version=version,
        digest=manifest.digest,
        updated_at=stamp.at,
        updated_by=stamp.by,
        reason=stamp.reason,
        sequence=move.sequence,
        move=move,
    )
    key = layout.alias_key(name, alias)
    try:
        if held is None:
            store.create(key, moved.to_bytes())
        else:
            store.replace(key, moved.to_bytes(), held.etag)
    except (BlobExists, BlobChanged) as error:
        raise _lost(store, name, alias) from error
    _record(store, moved)
    return moved


def _record(store: BlobStore, alias: Alias) -> None:
    """The alias's last move stands in the history."""
    try:
        store.create(layout.move_key(alias.model, alias.alias, alias.sequence), alias.move.to_bytes())
    except BlobExists:
        return


def _lost(store: BlobStore, name: str, alias: str) -> LostRace:
    return LostRace(
        f"somebody else moved {name}@{alias} in {store.url} at the same time; nothing was changed by this call",
        hint=f"See where it points now: onnxport history {name}@{alias}.",
    )
