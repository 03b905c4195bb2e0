"""A store's policy: no alias moves to, and nothing verifies of, what nobody signed that should have."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import IntegrityError, LostRace, ReleaseRef, UsageError
from onnxport.releases import Policy, Releases, open_signer, read_trust

from tests.releases.keys import Pair, write_pair

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from onnxport.storage import BlobStore

NAME = "win-probability"
FIRST, SECOND = (ReleaseRef(name=NAME, version=version) for version in (1, 2))
DEMANDED = "policy.json of .* demands a signature: win-probability:1 is not signed"


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return write_pair(tmp_path / "pair")


@pytest.fixture
def policy(pair: Pair) -> Policy:
    return Policy(require_signature=read_trust([pair.public], [], []))


@pytest.fixture
def mixed(releases: Releases, draft: Any, pair: Pair) -> Releases:
    """The first release is unsigned, the second signed; `production` came from the first to the second."""
    releases.publish(*draft(1))
    replace(releases, signer=open_signer(pair.private)).publish(*draft(2))
    releases.promote(FIRST, "production")
    releases.promote(SECOND, "production")
    return releases


def test_a_store_without_a_policy_demands_nothing(mixed: Releases) -> None:
    assert mixed.policy() == Policy()
    assert mixed.verify(FIRST).signed_by is None


def test_every_store_keeps_its_policy(on: Any, store: BlobStore, policy: Policy) -> None:
    releases = on(store)
    releases.set_policy(policy)
    assert releases.policy() == policy
    releases.set_policy(Policy())
    assert releases.policy() == Policy()
    assert releases.models() == []


def test_nothing_unsigned_is_promoted(mixed: Releases, policy: Policy) -> None:
    mixed.set_policy(policy)
    for alias in ("production", "staging"):
        with pytest.raises(IntegrityError, match=DEMANDED):
            mixed.promote(FIRST, alias)
    assert [(alias.alias, alias.version) for alias in mixed.aliases(NAME)] == [("production", 2)]
    assert mixed.promote(SECOND, "staging").version == 2


def test_nothing_is_rolled_back_to_what_is_unsigned(mixed: Releases, policy: Policy) -> None:
    mixed.set_policy(policy)
    with pytest.raises(IntegrityError, match=DEMANDED):
        mixed.rollback(NAME, "production")
    assert mixed.aliases(NAME)[0].version == 2
    mixed.set_policy(Policy())
    assert mixed.rollback(NAME, "production").version == 1


def test_nothing_unsigned_verifies(mixed: Releases, policy: Policy) -> None:
    mixed.set_policy(policy)
    with pytest.raises(IntegrityError, match=DEMANDED):
        mixed.verify(FIRST)
    assert mixed.verify(SECOND).signed_by


def test_a_signature_of_somebody_else_does_not_count(mixed: Releases, tmp_path: Path) -> None:
    other = write_pair(tmp_path / "other")
    mixed.set_policy(Policy(require_signature=read_trust([other.public], [], [])))
    with pytest.raises(IntegrityError, match=r"policy\.json of .*: signed with the key .* none of those"):
        mixed.promote(SECOND, "staging")


def test_a_verifier_s_own_demand_stands_beside_the_policy(mixed: Releases, policy: Policy, tmp_path: Path) -> None:
    mixed.set_policy(policy)
    other = write_pair(tmp_path / "other")
    with pytest.raises(IntegrityError, match="signed with the key"):
        mixed.verify(SECOND, read_trust([other.public], [], []))


@pytest.mark.parametrize(
    "damaged",
    [
        b"{",
        b"",
        b'{"schema_version": 2}',
        b'{"require_signature": {}}',
        b'{"require_signature": {"public_keys": ["x"], "identities": ["somebody"]}}',
    ],
)
def test_a_policy_that_nobody_understands_demands_what_nobody_can_give(mixed: Releases, damaged: bytes) -> None:
    mixed.store.create("policy.json", damaged)
    with pytest.raises(IntegrityError, match=r"policy\.json is not a valid Policy"):
        mixed.promote(SECOND, "staging")
    with pytest.raises(IntegrityError, match=r"policy\.json is not a valid Policy"):
        mixed.verify(SECOND)


class Overtaken:
    """A store in which somebody else writes right after our read."""

    def __init__(self, store: Any, rival: Callable[[], object]) -> None:
        self._store, self._rival = store, rival
        self.url = store.url

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def read(self, key: str) -> Any:
        try:
            return self._store.read(key)
        finally:
            self._rival()


@pytest.mark.parametrize("there", [True, False])
def test_of_two_that_set_a_policy_at_once_one_loses(releases: Releases, policy: Policy, there: bool) -> None:
    if there:
        releases.set_policy(Policy())
    store: Any = Overtaken(releases.store, lambda: releases.set_policy(policy))
    with pytest.raises(LostRace, match=r"somebody else changed policy\.json"):
        replace(releases, store=store).set_policy(Policy())
    assert releases.policy() == policy


def test_no_model_takes_the_policy_s_name(releases: Releases, draft: Any) -> None:
    with pytest.raises(UsageError, match=r"'policy\.json' cannot name a model"):
        releases.publish(*draft(1, name="policy.json"))
