"""A process that is killed anywhere in publish, promote or rollback loses nothing and leaves nothing half done."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import ReleaseRef
from onnxport.storage import MemoryStore, StoreAccess, open_store

from tests.releases.crashing import Dying, dies_at, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnxport.releases import Releases
    from onnxport.storage import BlobStore

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
NAME = "win-probability"
PRODUCTION = ReleaseRef(name=NAME, alias="production")
LARGE = 5 << 19  # 2.5 MiB: blocks on Azure


def version(number: int) -> ReleaseRef:
    return ReleaseRef(name=NAME, version=number)


Place = tuple[str, StoreAccess]


@pytest.fixture
def before(on: Any, draft: Any) -> dict[str, bytes]:
    """What a store holds with releases 1 and 2, and `production` at 2 by way of 1."""
    store = MemoryStore()
    releases = on(store)
    for seed in (1, 2):
        releases.publish(*draft(seed))
        releases.promote(version(seed), "production")
    return {info.key: store.read(info.key).data for info in store.list("")}


def dying_store(place: Place, how: str, step: int) -> BlobStore:
    """In the child: the store at `place`; the process is killed at `step` of the given kind."""
    store = open_store(*place)
    if how == "operation":
        return Dying(store, step)
    if how == "system call":
        dies_at(step, *((os, name) for name in ("fsync", "link", "unlink", "rename", "replace", "mkdir", "utime")))
        return store
    from azure.core.pipeline.transport import RequestsTransport

    dies_at(step, (RequestsTransport, "send"))
    return store


CASES = [
    ("local", "operation"),
    ("local", "system call"),
    pytest.param("azure", "request", marks=pytest.mark.azurite),
]


@pytest.fixture
def killed_everywhere(location: Place, on: Any, before: dict[str, bytes]) -> Callable[..., int]:
    """What kills an action at each of its steps in turn, checks what is left, and answers how many there are."""

    def kill_everywhere(how: str, action: Callable[[Releases], object], check: Callable[[Releases], None]) -> int:
        for step in range(500):
            place = (f"{location[0]}/step-{step}", location[1])
            store = open_store(*place)
            for key, data in before.items():
                store.create(key, data)
            code = run(lambda place=place, step=step: action(on(dying_store(place, how, step), actor="killed")))
            assert code in {0, -signal.SIGKILL}
            assert all(store.read(key).data == data for key, data in before.items() if "/aliases/" not in key)
            check(on(store))
            if code == 0:
                return step
        raise AssertionError("the action has no end")

    return kill_everywhere


@pytest.mark.parametrize(("location", "how"), CASES, indirect=["location"])
def test_publish_may_be_killed_anywhere(killed_everywhere: Any, draft: Any, how: str) -> None:
    third = draft(3, size=LARGE if how == "request" else 0)

    def check(releases: Releases) -> None:
        versions = [listed.version for listed in releases.releases(NAME)]
        assert versions in ([2, 1], [3, 2, 1])
        for number in versions:
            releases.verify(version(number))
        assert releases.resolve(PRODUCTION).model.version == 2
        again = releases.publish(*third)
        assert again.manifest.model.version == 3
        assert again.created == (versions == [2, 1])
        releases.verify(version(3))
        assert not releases.publish(*third).created

    assert killed_everywhere(how, lambda releases: releases.publish(*third), check) >= 10


@pytest.mark.parametrize(("location", "how"), CASES, indirect=["location"])
@pytest.mark.parametrize("alias", ["production", "staging"])
def test_promote_may_be_killed_anywhere(killed_everywhere: Any, how: str, alias: str) -> None:
    def act(releases: Releases) -> None:
        releases.promote(version(1), alias, reason="act")

    def check(releases: Releases) -> None:
        check_moves(releases, alias, act)

    assert killed_everywhere(how, act, check) >= 4


@pytest.mark.parametrize(("location", "how"), CASES, indirect=["location"])
def test_rollback_may_be_killed_anywhere(killed_everywhere: Any, how: str) -> None:
    def check(releases: Releases) -> None:
        def redo(again: Releases) -> None:
            if again.resolve(PRODUCTION).model.version != 1:
                again.rollback(NAME, "production", reason="act")

        check_moves(releases, "production", redo)

    def act(releases: Releases) -> None:
        releases.rollback(NAME, "production", reason="act")

    assert killed_everywhere(how, act, check) >= 4


def check_moves(releases: Releases, alias: str, redo: Callable[[Releases], None]) -> None:
    """The alias is where it was or where it was going; done again, it is there, by one move."""
    assert releases.resolve(PRODUCTION).model.version in {1, 2}
    before = [1, 2] if alias == "production" else []
    moves = [move.to_version for move in releases.history(NAME, alias)] if aliased(releases, alias) else []
    assert moves in (before, [*before, 1])
    redo(releases)
    assert releases.resolve(ReleaseRef(name=NAME, alias=alias)).model.version == 1
    assert [move.to_version for move in releases.history(NAME, alias)] == [*before, 1]
    releases.promote(version(2), alias)
    recorded = [info.key for info in releases.store.list(f"{NAME}/history/{alias}")]
    assert len(recorded) == len(before) + 2


def aliased(releases: Releases, alias: str) -> bool:
    return alias in {found.alias for found in releases.aliases(NAME)}
