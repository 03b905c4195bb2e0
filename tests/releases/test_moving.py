"""Where aliases point, and how they got there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import IntegrityError, LostRace, ReleaseRef, UsageError

if TYPE_CHECKING:
    from onnxport.releases import Releases
    from onnxport.storage import BlobInfo

NAME = "win-probability"
ALIAS = ReleaseRef(name=NAME, alias="production")


def version(number: int) -> ReleaseRef:
    return ReleaseRef(name=NAME, version=number)


def entry(releases: Releases, sequence: int) -> BlobInfo:
    key = f"{NAME}/history/production/{sequence:08d}.json"
    return next(info for info in releases.store.list(NAME) if info.key == key)


@pytest.fixture
def two(releases: Releases, draft: Any) -> Releases:
    """Two releases, no alias."""
    for seed in (1, 2):
        releases.publish(*draft(seed))
    return releases


def test_a_promoted_release_is_what_the_alias_means(two: Releases) -> None:
    alias = two.promote(version(1), "production", reason="first")
    assert (alias.version, alias.reason, alias.updated_by, alias.sequence) == (1, "first", "tester", 1)
    assert two.resolve(ALIAS).model.version == 1
    assert alias.digest == two.resolve(ALIAS).digest
    assert two.aliases(NAME) == [alias]


def test_each_move_stands_in_the_history_with_where_it_came_from(two: Releases) -> None:
    for number in (1, 2, 1):
        two.promote(version(number), "production", reason=f"to {number}")
    moves = two.history(NAME, "production")
    found = [(move.sequence, move.from_version, move.to_version, move.reason) for move in moves]
    assert found == [(1, None, 1, "to 1"), (2, 1, 2, "to 2"), (3, 2, 1, "to 1")]


def test_promoting_to_where_the_alias_points_changes_nothing(two: Releases) -> None:
    first = two.promote(version(1), "production", reason="first")
    assert two.promote(version(1), "production", reason="again") == first
    assert len(two.history(NAME, "production")) == 1


def test_an_alias_can_follow_another_alias(two: Releases) -> None:
    two.promote(version(2), "staging")
    assert two.promote(ReleaseRef(name=NAME, alias="staging"), "production").version == 2


def test_a_name_alone_promotes_the_newest(two: Releases) -> None:
    assert two.promote(ReleaseRef(name=NAME), "production").version == 2


def test_rollback_goes_back_to_where_the_alias_pointed_before(two: Releases) -> None:
    two.promote(version(1), "production")
    two.promote(version(2), "production")
    assert two.rollback(NAME, "production", reason="bad").version == 1
    assert two.history(NAME, "production")[-1].reason == "bad"


def test_rollback_of_a_first_move_is_refused(two: Releases) -> None:
    two.promote(version(1), "production")
    with pytest.raises(UsageError, match="nothing before"):
        two.rollback(NAME, "production")


@pytest.mark.parametrize("call", ["rollback", "history"])
def test_an_alias_that_is_not_there_is_said_to_be_missing(two: Releases, call: str) -> None:
    with pytest.raises(UsageError, match="no alias 'production'"):
        getattr(two, call)(NAME, "production")


def test_a_release_that_is_not_there_cannot_be_promoted(two: Releases) -> None:
    with pytest.raises(UsageError, match=r"win-probability:3.*newest is win-probability:2"):
        two.promote(version(3), "production")
    assert two.aliases(NAME) == []


@pytest.mark.parametrize("alias", ["../up", "a/b", "", "Production", "."])
def test_a_name_that_no_alias_can_have_is_refused(two: Releases, alias: str) -> None:
    with pytest.raises(UsageError, match="cannot name an alias"):
        two.promote(version(1), alias)


class Interfering:
    """A store on which somebody else moves the alias just before we do."""

    def __init__(self, store: Any, rival: Releases, target: ReleaseRef) -> None:
        self._store, self._rival, self._target = store, rival, target

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def create(self, key: str, *rest: Any) -> None:
        if "/aliases/" in key:
            self._rival.promote(self._target, "production", reason="rival")
        self._store.create(key, *rest)

    def replace(self, key: str, data: bytes, etag: str) -> None:
        self._rival.promote(self._target, "production", reason="rival")
        self._store.replace(key, data, etag)


@pytest.mark.parametrize("before", [False, True])
def test_who_loses_the_race_is_told_and_changes_nothing(two: Releases, on: Any, before: bool) -> None:
    if before:
        two.promote(version(2), "production")
        two.promote(version(1), "production")
    loser = on(Interfering(two.store, two, version(2)), actor="loser")
    with pytest.raises(LostRace, match="win-probability@production"):
        loser.promote(version(1) if not before else version(2), "production")
    history = two.history(NAME, "production")
    assert history[-1].reason == "rival"
    assert all(move.by == "tester" for move in history)


def test_the_history_is_whole_although_its_last_entry_was_never_written(two: Releases) -> None:
    two.promote(version(1), "production")
    two.promote(version(2), "production", reason="second")
    two.store.delete(entry(two, 2))
    assert [move.reason for move in two.history(NAME, "production")] == ["", "second"]
    two.promote(version(1), "production")
    assert [move.sequence for move in two.history(NAME, "production")] == [1, 2, 3]


def test_promoting_again_writes_the_entry_that_a_crash_lost(two: Releases) -> None:
    two.promote(version(1), "production")
    lost = entry(two, 1)
    two.store.delete(lost)
    two.promote(version(1), "production")
    assert entry(two, 1).key == lost.key


def test_a_gap_in_the_history_is_found(two: Releases) -> None:
    for number in (1, 2, 1):
        two.promote(version(number), "production")
    two.store.delete(entry(two, 2))
    with pytest.raises(IntegrityError, match="history/production"):
        two.history(NAME, "production")


def test_a_changed_entry_of_the_last_move_is_found(two: Releases) -> None:
    two.promote(version(1), "production", reason="why")
    key = entry(two, 1).key
    blob = two.store.read(key)
    two.store.replace(key, blob.data.replace(b"why", b"not"), blob.etag)
    with pytest.raises(IntegrityError, match="history/production"):
        two.history(NAME, "production")


def test_rollback_writes_the_entry_that_a_crash_lost(two: Releases) -> None:
    two.promote(version(1), "production")
    two.promote(version(2), "production", reason="lost")
    two.store.delete(entry(two, 2))
    two.rollback(NAME, "production")
    assert [move.reason for move in two.history(NAME, "production")] == ["", "lost", ""]
