"""What a store says it holds, and what it costs to ask."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import ReleaseRef, UsageError
from onnxport.releases.sealing import seal
from onnxport.storage import StoreAccess, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from onnxport.releases import Releases

    from tests.support.faulty_proxy import FaultyProxy

NAME = "win-probability"
MANY = 1000


def test_an_empty_store_has_no_models(store: Any, on: Any) -> None:
    assert on(store).models() == []


def test_models_are_those_with_a_release(store: Any, on: Any, draft: Any) -> None:
    releases = on(store)
    for name in ("risk-scoring", NAME):
        releases.publish(*draft(1, name=name))
    store.create(f"crashed/objects/{'0' * 64}", b"no release was made of it")
    store.create("Something Else".replace(" ", "_"), b"that is no model at all")
    assert releases.models() == ["risk-scoring", NAME]


def test_releases_are_listed_newest_first_with_their_aliases(store: Any, on: Any, draft: Any) -> None:
    releases = on(store)
    for seed in range(1, 12):
        releases.publish(*draft(seed))
    for alias in ("staging", "production"):
        releases.promote(ReleaseRef(name=NAME, version=10), alias)
    listed = releases.releases(NAME)
    assert [one.version for one in listed] == list(range(11, 0, -1))
    assert listed[1].aliases == ("production", "staging")
    assert all(not one.aliases for one in listed if one.version != 10)


def test_a_name_alone_is_the_newest_by_number(store: Any, on: Any, draft: Any) -> None:
    releases = on(store)
    for seed in range(1, 12):
        releases.publish(*draft(seed))
    assert releases.resolve(ReleaseRef(name=NAME)).model.version == 11


def test_a_model_that_is_not_there_is_said_with_those_that_are(releases: Releases, draft: Any) -> None:
    releases.publish(*draft(1))
    for ask in (lambda: releases.resolve(ReleaseRef(name="other")), lambda: releases.releases("other")):
        with pytest.raises(UsageError, match=rf"no release of other.*{NAME}"):
            ask()


def test_an_alias_that_is_not_there_is_said_with_those_that_are(releases: Releases, draft: Any) -> None:
    releases.publish(*draft(1))
    releases.promote(ReleaseRef(name=NAME), "staging")
    with pytest.raises(UsageError, match=r"no alias 'production'.*staging"):
        releases.resolve(ReleaseRef(name=NAME, alias="production"))


@pytest.mark.azurite
def test_what_it_costs_to_ask_does_not_grow_with_the_number_of_releases(
    faulty_azurite: tuple[FaultyProxy, Any], on: Any, draft: Any, tmp_path: Path
) -> None:
    proxy, azurite = faulty_azurite
    location = f"{azurite.url}/many-{uuid.uuid4().hex}"
    releases = on(open_store(location, StoreAccess(account_key=azurite.account_key)))
    first = releases.publish(*draft(1)).manifest
    releases.promote(ReleaseRef(name=NAME, version=1), "production")

    def costs(folder: str) -> dict[str, int]:
        asked = {
            "show a version": lambda: releases.resolve(ReleaseRef(name=NAME, version=1)),
            "show an alias": lambda: releases.resolve(ReleaseRef(name=NAME, alias="production")),
            "show the newest": lambda: releases.resolve(ReleaseRef(name=NAME)),
            "pull the newest": lambda: releases.pull(ReleaseRef(name=NAME), tmp_path / folder),
            "list": lambda: releases.releases(NAME),
        }
        counted = {}
        for name, ask in asked.items():
            proxy.requests.clear()
            ask()
            counted[name] = len(proxy.requests)
        return counted

    few = costs("few")
    for version in range(2, MANY + 1):
        releases.store.create(f"{NAME}/releases/{version}/manifest.json", seal(first.for_version(version)))
    assert costs("many") == few
    assert few == {"show a version": 1, "show an alias": 2, "show the newest": 2, "pull the newest": 6, "list": 3}
    assert len(releases.releases(NAME)) == MANY
