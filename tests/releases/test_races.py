"""Sixteen processes at once on one model: every release whole, every move in the history, every loser told."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import LostRace, ReleaseRef
from onnxport.storage import open_store

from tests.releases.crashing import run_all

if TYPE_CHECKING:
    from onnxport.releases import Releases
    from onnxport.storage import StoreAccess

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
NAME = "win-probability"
RACERS = 16
WON, LOST = 0, 8


@pytest.fixture
def releases(location: tuple[str, StoreAccess], on: Any) -> Releases:
    found: Releases = on(open_store(*location))
    return found


def test_of_16_publishers_each_gets_a_version_of_its_own(
    location: Any, on: Any, draft: Any, releases: Releases
) -> None:
    def publish(seed: int) -> int:
        return int(on(open_store(*location)).publish(*draft(seed)).manifest.model.version)

    versions = run_all([partial(publish, seed) for seed in range(RACERS)])
    assert sorted(versions) == list(range(1, RACERS + 1))
    for seed, version in enumerate(versions):
        found = releases.verify(ReleaseRef(name=NAME, version=version)).manifest
        assert found.digest == draft(seed)[0].conversion.sha256


def test_of_16_publishers_of_the_same_one_creates_it_and_all_answer_with_it(
    location: Any, on: Any, draft: Any, releases: Releases
) -> None:
    def publish() -> int:
        release = on(open_store(*location)).publish(*draft(1))
        return 100 + release.manifest.model.version if release.created else int(release.manifest.model.version)

    assert sorted(run_all([publish] * RACERS)) == [1] * (RACERS - 1) + [101]
    assert [listed.version for listed in releases.releases(NAME)] == [1]


@pytest.mark.parametrize("before", [False, True])
def test_of_16_promoters_the_winners_make_the_history_and_the_losers_are_told(
    location: Any, on: Any, draft: Any, releases: Releases, before: bool
) -> None:
    for seed in range(RACERS + 1):
        releases.publish(*draft(seed))
    if before:
        releases.promote(ReleaseRef(name=NAME, version=RACERS + 1), "production")

    def promote(version: int) -> int:
        try:
            on(open_store(*location), actor=f"racer {version}").promote(
                ReleaseRef(name=NAME, version=version), "production"
            )
        except LostRace:
            return LOST
        return WON

    codes = run_all([partial(promote, version) for version in range(1, RACERS + 1)])
    winners = {version for version, code in enumerate(codes, 1) if code == WON}
    assert set(codes) <= {WON, LOST}
    moves = releases.history(NAME, "production")[before:]
    assert {move.to_version for move in moves} == winners
    assert len(moves) == len(winners)
    assert [move.by for move in moves] == [f"racer {move.to_version}" for move in moves]
    assert releases.resolve(ReleaseRef(name=NAME, alias="production")).model.version == moves[-1].to_version
    assert len(list(releases.store.list(f"{NAME}/history/production"))) == len(moves) + before
