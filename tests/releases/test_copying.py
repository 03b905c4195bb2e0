"""From store to store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import IntegrityError, LostRace, ReleaseRef
from onnxport.storage import MemoryStore

if TYPE_CHECKING:
    from onnxport.releases import Releases

NAME = "win-probability"


def version(number: int) -> ReleaseRef:
    return ReleaseRef(name=NAME, version=number)


@pytest.fixture
def development(releases: Releases, draft: Any) -> Releases:
    """Three releases."""
    for seed in (1, 2, 3):
        releases.publish(*draft(seed))
    return releases


@pytest.fixture
def production(on: Any) -> Releases:
    """Nothing yet."""
    found: Releases = on(MemoryStore())
    return found


def test_a_copied_release_is_the_same_byte_for_byte(development: Releases, store: Any, on: Any) -> None:
    release = development.copy(version(2), on(store))
    assert release.created
    for info in store.list(""):
        assert store.read(info.key).data == development.store.read(info.key).data
    assert on(store).verify(version(2)).manifest == development.resolve(version(2))


def test_an_alias_is_copied_as_the_release_that_it_means(development: Releases, production: Releases) -> None:
    development.promote(version(2), "candidate")
    development.copy(ReleaseRef(name=NAME, alias="candidate"), production)
    assert [listed.version for listed in production.releases(NAME)] == [2]
    assert production.aliases(NAME) == []


def test_copying_again_changes_nothing(development: Releases, production: Releases) -> None:
    development.copy(version(2), production)
    assert not development.copy(version(2), production).created


def test_a_number_that_another_release_has_there_is_left_alone(
    development: Releases, production: Releases, draft: Any
) -> None:
    production.publish(*draft(9))
    with pytest.raises(LostRace, match="another win-probability:1"):
        development.copy(version(1), production)
    assert production.resolve(version(1)).digest == draft(9)[0].conversion.sha256


def test_a_publish_goes_on_after_the_highest_copied_number(
    development: Releases, production: Releases, draft: Any
) -> None:
    development.copy(version(3), production)
    assert production.publish(*draft(9)).manifest.model.version == 4


def test_a_damaged_release_is_not_copied(development: Releases, production: Releases) -> None:
    key = f"{NAME}/objects/{development.resolve(version(1)).digest}"
    development.store.replace(key, b"graph 0", development.store.read(key).etag)
    with pytest.raises(IntegrityError, match=r"model\.onnx"):
        development.copy(version(1), production)
    assert production.models() == []
