"""Objects that nothing needs any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import IntegrityError, ReleaseRef, UsageError
from onnxport.releases import SHORTEST_GRACE
from onnxport.storage import MemoryStore

if TYPE_CHECKING:
    from onnxport.releases import Releases

NAME = "win-probability"
DAY = timedelta(days=1)
ORPHAN = f"{NAME}/objects/{'0' * 64}"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def releases(on: Any, draft: Any, clock: Clock) -> Releases:
    """A release, and an object that no release names, of the same age."""
    found: Releases = on(MemoryStore(clock=clock), clock=clock)
    found.publish(*draft(1))
    found.store.create(ORPHAN, b"left behind")
    return found


def keys(releases: Releases) -> set[str]:
    return {info.key for info in releases.store.list("")}


def test_what_no_release_names_goes_after_the_grace_period(releases: Releases, clock: Clock) -> None:
    before = keys(releases)
    clock.now += 2 * DAY
    assert [info.key for info in releases.prune(NAME, DAY)] == [ORPHAN]
    assert keys(releases) == before - {ORPHAN}
    releases.verify(ReleaseRef(name=NAME, version=1))


def test_what_could_go_is_shown_and_stays(releases: Releases, clock: Clock) -> None:
    before = keys(releases)
    clock.now += 2 * DAY
    assert [(info.key, info.size) for info in releases.prunable(NAME, DAY)] == [(ORPHAN, 11)]
    assert keys(releases) == before


def test_what_is_younger_than_the_grace_period_stays(releases: Releases, clock: Clock) -> None:
    clock.now += DAY
    assert releases.prune(NAME, DAY) == []


def test_the_objects_of_every_release_stay(releases: Releases, draft: Any, clock: Clock) -> None:
    releases.promote(ReleaseRef(name=NAME, version=1), "production")
    releases.publish(*draft(2))
    releases.promote(ReleaseRef(name=NAME, version=2), "production")
    clock.now += 2 * DAY
    releases.prune(NAME, DAY)
    for version in (1, 2):
        releases.verify(ReleaseRef(name=NAME, version=version))
    assert releases.rollback(NAME, "production").version == 1


def test_a_grace_period_in_which_a_publish_may_run_is_refused(releases: Releases) -> None:
    with pytest.raises(UsageError, match="under way"):
        releases.prune(NAME, SHORTEST_GRACE - timedelta(seconds=1))


def test_nothing_goes_while_a_manifest_cannot_be_read(releases: Releases, clock: Clock) -> None:
    clock.now += 2 * DAY
    key = f"{NAME}/releases/1/manifest.json"
    releases.store.replace(key, b"{}", releases.store.read(key).etag)
    with pytest.raises(IntegrityError, match="releases/1/manifest"):
        releases.prune(NAME, DAY)
    assert ORPHAN in keys(releases)


class Publishing:
    """A store on which a publish goes through between a prune's listing and its deletes."""

    def __init__(self, store: Any, publish: Any) -> None:
        self._store, self._publish = store, publish

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def delete(self, info: Any) -> None:
        self._publish()
        self._store.delete(info)


def test_an_old_object_that_a_publish_uses_again_meanwhile_stays(
    releases: Releases, on: Any, draft: Any, clock: Clock
) -> None:
    made, files = draft(2)
    releases.store.create(f"{NAME}/objects/{made.conversion.sha256}", files["model.onnx"])
    clock.now += 2 * DAY
    pruning = on(Publishing(releases.store, lambda: releases.publish(made, files)), clock=clock)
    assert [info.key for info in pruning.prune(NAME, DAY)] == [ORPHAN]
    releases.verify(ReleaseRef(name=NAME, version=2))


def test_an_object_pruned_under_a_publish_is_written_again(releases: Releases, on: Any, draft: Any) -> None:
    made, files = draft(2)
    key = f"{NAME}/objects/{made.conversion.sha256}"
    releases.store.create(key, files["model.onnx"])

    class Pruned:
        """A store whose object is deleted just before it is touched."""

        url = "memory://"

        def __getattr__(self, name: str) -> Any:
            return getattr(releases.store, name)

        def touch(self, touched: str) -> None:
            releases.store.delete(next(info for info in releases.store.list("") if info.key == touched))
            releases.store.touch(touched)

    on(Pruned()).publish(made, files)
    releases.verify(ReleaseRef(name=NAME, version=2))
