"""A store that fails, for a while or for good, at any request: nothing is lost, and a re-run finishes the job."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import LostRace, ReleaseRef, Unreachable
from onnxport.storage import MemoryStore, Patience, StoreAccess, open_store

from tests.support.faulty_proxy import Fault, FaultyProxy, first

if TYPE_CHECKING:
    from pathlib import Path

    from onnxport.releases import Releases

NAME = "win-probability"
PRODUCTION = ReleaseRef(name=NAME, alias="production")
HASTY = Patience(attempts=3, connect_seconds=1.0, read_seconds=0.5, pause_seconds=0.005)
PASSING = [
    Fault(kind="status", status=429),
    Fault(kind="status", status=500),
    Fault(kind="status", status=503),
    Fault(kind="refuse"),
    Fault(kind="lose answer"),
]


def named(fault: Fault) -> str:
    return f"{fault.kind} {fault.status}" if fault.kind == "status" else fault.kind


def version(number: int) -> ReleaseRef:
    return ReleaseRef(name=NAME, version=number)


@pytest.fixture
def proxy(faulty_azurite: Any) -> FaultyProxy:
    proxy: FaultyProxy = faulty_azurite[0]
    return proxy


@pytest.fixture
def behind(faulty_azurite: Any, on: Any, draft: Any) -> Releases:
    """Releases 1 and 2 behind a proxy, `production` at 1."""
    azurite = faulty_azurite[1]
    access = StoreAccess(account_key=azurite.account_key, patience=HASTY)
    releases: Releases = on(open_store(f"{azurite.url}/f-{uuid.uuid4().hex}", access))
    for seed in (1, 2):
        releases.publish(*draft(seed))
    releases.promote(version(1), "production")
    return releases


@pytest.mark.azurite
@pytest.mark.parametrize("fault", PASSING, ids=named)
def test_a_fault_in_every_request_once_is_not_noticed(
    behind: Releases, proxy: FaultyProxy, draft: Any, tmp_path: Path, fault: Fault
) -> None:
    hit: set[str] = set()

    def once_each(method: str, path: str) -> Fault | None:
        request = f"{method} {path}"
        return None if request in hit or hit.add(request) else fault

    proxy.plan = once_each
    assert behind.publish(*draft(3)).created
    assert behind.promote(version(3), "production").sequence == 2
    assert behind.rollback(NAME, "production").version == 1
    assert behind.pull(version(3), tmp_path).model.version == 3
    assert [move.to_version for move in behind.history(NAME, "production")] == [1, 3, 1]
    assert len(hit) > 20


@pytest.mark.azurite
@pytest.mark.parametrize("fault", [Fault(kind="status"), Fault(kind="lose answer")], ids=named)
def test_a_store_that_goes_away_at_any_request_is_unreachable_and_loses_nothing(
    behind: Releases, proxy: FaultyProxy, draft: Any, fault: Fault
) -> None:
    def act() -> None:
        behind.publish(*draft(3))
        behind.promote(version(3), "production")

    for step in range(100):
        passed = iter(range(step))
        proxy.plan = lambda _method, _path, left=passed: fault if next(left, None) is None else None
        proxy.requests.clear()
        failed = False
        try:
            act()
        except Unreachable:
            failed = True
        assert len(proxy.requests) <= step + HASTY.attempts
        proxy.plan = lambda _method, _path: None
        assert [one.version for one in behind.releases(NAME)] in ([2, 1], [3, 2, 1])
        assert behind.resolve(PRODUCTION).model.version in {1, 3}
        assert [move.to_version for move in behind.history(NAME, "production")] in ([1], [1, 3])
        if not failed:
            break
    act()
    assert behind.verify(version(3)).manifest.digest == draft(3)[0].conversion.sha256
    assert [move.to_version for move in behind.history(NAME, "production")] == [1, 3]
    assert step > 10


@pytest.mark.azurite
def test_a_body_that_is_cut_is_fetched_again_and_checked(
    behind: Releases, proxy: FaultyProxy, draft: Any, tmp_path: Path
) -> None:
    proxy.plan = first(1, Fault(kind="cut body"), lambda method, path: method == "GET" and "/objects/" in path)
    behind.pull(version(1), tmp_path)
    assert (tmp_path / "model.onnx").read_bytes() == draft(1)[1]["model.onnx"]


@pytest.mark.azurite
def test_a_store_that_stays_silent_is_unreachable_and_a_pull_leaves_nothing(
    behind: Releases, proxy: FaultyProxy, tmp_path: Path
) -> None:
    proxy.plan = lambda _, path: Fault(kind="stall") if "/objects/" in path else None
    with pytest.raises(Unreachable):
        behind.pull(version(1), tmp_path)
    assert list(tmp_path.iterdir()) == []


class Stale:
    """A store that answers reads and listings with what it held a while ago."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.url = store.url
        self._past = MemoryStore()
        self._etags: dict[str, str] = {}
        for info in store.list(""):
            blob = store.read(info.key)
            self._past.create(info.key, blob.data)
            self._etags[info.key] = blob.etag

    def __getattr__(self, name: str) -> Any:
        return getattr(self._past if name in {"children", "list"} else self._store, name)

    def read(self, key: str) -> Any:
        if key not in self._etags:
            return self._store.read(key)
        past = self._past.read(key)
        return type(past)(data=past.data, etag=self._etags[key])


@pytest.fixture
def now_and_then(on: Any, draft: Any) -> tuple[Releases, Releases]:
    """A store with three releases, and the same as it was after the first, `production` at 1 and then at 2."""
    store = MemoryStore()
    now = on(store)
    now.publish(*draft(1))
    now.promote(version(1), "production")
    then = on(Stale(store), actor="stale")
    for seed in (2, 3):
        now.publish(*draft(seed))
    now.promote(version(2), "production")
    return now, then


def test_a_stale_listing_takes_no_version_of_somebody_else(now_and_then: Any, draft: Any) -> None:
    now, then = now_and_then
    assert then.publish(*draft(4)).manifest.model.version == 4
    assert [now.verify(version(number)).manifest.model.version for number in (1, 2, 3, 4)] == [1, 2, 3, 4]


def test_a_stale_listing_publishes_nothing_twice(now_and_then: Any, draft: Any) -> None:
    now, then = now_and_then
    again = then.publish(*draft(3))
    assert (again.created, again.manifest.model.version) == (False, 3)
    assert [one.version for one in now.releases(NAME)] == [3, 2, 1]


def test_a_stale_alias_is_not_moved(now_and_then: Any) -> None:
    now, then = now_and_then
    with pytest.raises(LostRace):
        then.promote(version(3), "production")
    now.rollback(NAME, "production")
    with pytest.raises(LostRace):
        then.promote(version(3), "production")
    assert [move.to_version for move in now.history(NAME, "production")] == [1, 2, 1]
