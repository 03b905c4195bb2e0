"""Publish, promote, rollback, prune and crashes in any order, against a model of what must be true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from onnxport.artifacts import ReleaseRef, UsageError
from onnxport.releases import Releases
from onnxport.storage import MemoryStore

from tests.releases.conftest import make_draft
from tests.releases.crashing import Crash, Dying, crash

NAME = "win-probability"
ALIASES = st.sampled_from(["production", "staging"])
SEEDS = st.integers(1, 6)
STEPS = st.integers(0, 12)
GRACE = timedelta(hours=2)


class Protocol(RuleBasedStateMachine):
    """The model: seeds by version, and the moves of each alias."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.store = MemoryStore(clock=self.clock)
        self.seeds: list[int] = []
        self.moves: dict[str, list[int]] = {}

    def clock(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def releases(self, crash_after: int | None = None) -> Releases:
        store: Any = self.store if crash_after is None else Dying(self.store, crash_after, crash)
        return Releases(store=store, clock=self.clock, actor="model")

    @rule(hours=st.integers(1, 5))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(seed=SEEDS)
    def publish(self, seed: int) -> None:
        release = self.releases().publish(*make_draft(seed))
        assert release.created == (seed not in self.seeds)
        if release.created:
            self.seeds.append(seed)
        assert self.seeds[release.manifest.model.version - 1] == seed

    @rule(seed=SEEDS, step=STEPS)
    def crash_in_publish(self, seed: int, step: int) -> None:
        try:
            self.releases(step).publish(*make_draft(seed))
        except Crash:
            committed = len(self.releases_listed()) > len(self.seeds)
        else:
            committed = seed not in self.seeds
        if committed:
            self.seeds.append(seed)

    @precondition(lambda self: self.seeds)
    @rule(data=st.data(), alias=ALIASES)
    def promote(self, data: Any, alias: str) -> None:
        version = data.draw(st.integers(1, len(self.seeds)))
        self.releases().promote(ReleaseRef(name=NAME, version=version), alias)
        self.moved(alias, version)

    @precondition(lambda self: self.seeds)
    @rule(data=st.data(), alias=ALIASES, step=st.integers(0, 6))
    def crash_in_promote(self, data: Any, alias: str, step: int) -> None:
        version = data.draw(st.integers(1, len(self.seeds)))
        try:
            self.releases(step).promote(ReleaseRef(name=NAME, version=version), alias)
        except Crash:
            if self.pointing(alias) != version:
                return
        self.moved(alias, version)

    @rule(alias=ALIASES)
    def rollback(self, alias: str) -> None:
        moves = self.moves.get(alias, [])
        try:
            self.releases().rollback(NAME, alias)
        except UsageError:
            assert len(moves) < 2
        else:
            moves.append(moves[-2])

    @precondition(lambda self: any(len(moves) > 1 for moves in self.moves.values()))
    @rule(alias=ALIASES, step=st.integers(0, 7))
    def crash_in_rollback(self, alias: str, step: int) -> None:
        moves = self.moves.get(alias, [])
        if len(moves) < 2:
            return
        try:
            self.releases(step).rollback(NAME, alias)
        except Crash:
            if self.pointing(alias) != moves[-2]:
                return
        moves.append(moves[-2])

    @rule()
    def prune(self) -> None:
        named = {entry.sha256 for manifest in self.manifests() for entry in manifest.files}
        gone = {info.key.split("/")[-1] for info in self.releases().prune(NAME, GRACE)}
        assert not gone & named
        left = {info.key.split("/")[-1]: info.modified for info in self.store.list(f"{NAME}/objects")}
        assert all(digest in named or self.now - modified <= GRACE for digest, modified in left.items())

    @rule(step=STEPS)
    def crash_in_prune(self, step: int) -> None:
        try:
            self.releases(step).prune(NAME, GRACE)
        except Crash:
            return

    @invariant()
    def every_release_is_whole_and_what_was_published(self) -> None:
        assert self.releases_listed() == list(range(len(self.seeds), 0, -1))
        for version, seed in enumerate(self.seeds, 1):
            manifest = self.releases().verify(ReleaseRef(name=NAME, version=version)).manifest
            assert manifest.digest == make_draft(seed)[0].conversion.sha256

    @invariant()
    def every_alias_points_where_its_history_ends(self) -> None:
        assert {alias.alias for alias in self.releases().aliases(NAME)} == set(self.moves)
        for alias, moves in self.moves.items():
            assert [move.to_version for move in self.releases().history(NAME, alias)] == moves
            assert self.pointing(alias) == moves[-1]

    def moved(self, alias: str, version: int) -> None:
        moves = self.moves.setdefault(alias, [])
        if not moves or moves[-1] != version:
            moves.append(version)

    def pointing(self, alias: str) -> int | None:
        found = {one.alias: one.version for one in self.releases().aliases(NAME)}
        return found.get(alias)

    def releases_listed(self) -> list[int]:
        try:
            return [one.version for one in self.releases().releases(NAME)]
        except UsageError:
            return []

    def manifests(self) -> list[Any]:
        return [self.releases().resolve(ReleaseRef(name=NAME, version=v)) for v in range(1, len(self.seeds) + 1)]


TestProtocol = Protocol.TestCase
TestProtocol.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
