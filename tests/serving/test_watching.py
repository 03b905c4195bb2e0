"""Aliases move under load: no request fails or mixes releases, bad releases never answer, memory stays bounded."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from onnxport.artifacts import ReleaseRef

from tests.serving.conftest import ask, running, serve, settings_for
from tests.serving.support import publish, win_probability

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onnxport.releases import Releases

    from tests.serving.conftest import Running


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def version(service: Running, model: str = "win-probability") -> int | None:
    found: int | None = service.ask("/health/ready").json["models"][model].get("version")
    return found


def metric(service: Running, line: str) -> float:
    for found in service.ask("/metrics").body.decode().splitlines():
        name, _, value = found.rpartition(" ")
        if name == line:
            return float(value)
    return 0.0


class Load:
    """Callers that check every answer against the source of the release that says it gave it."""

    def __init__(self, service: Running, sources: dict[int, Any]) -> None:
        self._service = service
        self._stop = threading.Event()
        self.problems: list[str] = []
        self.seen: dict[int, int] = {}
        made = win_probability()
        self._records = made.records[:40]
        self._expected = {number: one.source(self._records)["probabilities"] for number, one in sources.items()}
        self._threads = [threading.Thread(target=self._call) for _ in range(3)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _call(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._service.port, timeout=30)
        body, headers = json.dumps({"records": self._records}), {"content-type": "application/json"}
        while not self._stop.is_set():
            connection.request("POST", "/api/v1/predict/batch/win-probability", body, headers)
            response = connection.getresponse()
            text = response.read()
            if response.status != 200:
                self.problems.append(f"{response.status} {text[:200]!r}")
                continue
            answer = json.loads(text)
            found = [row["probabilities"] for row in answer["predictions"]]
            if not np.allclose(found, self._expected[answer["version"]], rtol=1e-5, atol=1e-6):
                self.problems.append(f"wrong for version {answer['version']}")
            self.seen[answer["version"]] = self.seen.get(answer["version"], 0) + 1
        connection.close()


def test_a_moved_alias_is_followed_under_load_with_no_failed_or_mixed_request(
    store: Releases, start: Callable[..., Running]
) -> None:
    sources = {1: win_probability(), 2: win_probability(seed=1), 3: win_probability(seed=2)}
    service = start()
    with Load(service, sources) as load:
        until(lambda: load.seen.get(1, 0) > 5)
        for number in (2, 3):
            publish(store, sources[number])
            until(lambda number=number: load.seen.get(number, 0) > 5)  # type: ignore[misc]
        store.rollback("win-probability", "production")
        before = load.seen.get(2, 0)
        until(lambda: load.seen.get(2, 0) > before + 5)
    assert load.problems == []
    assert metric(service, 'ml_release_swaps_total{model="win-probability",result="done"}') == 4


def test_a_bad_release_never_answers_and_ready_says_why(store: Releases, start: Callable[..., Running]) -> None:
    service = start()
    other = win_probability(seed=1)
    golden = other.golden()
    off = golden.model_copy(
        update={"outputs": {**golden.outputs, "probabilities": [[1.0, 0.0]] * len(golden.rows)}}
    )
    with Load(service, {1: win_probability()}) as load:
        bad = publish(store, other, golden=off)
        until(lambda: metric(service, 'ml_release_swaps_total{model="win-probability",result="refused"}') == 1)
        until(lambda: "problem" in service.ask("/health/ready").json["models"]["win-probability"])
    assert load.problems == []
    ready = service.ask("/health/ready")
    state = ready.json["models"]["win-probability"]
    assert (ready.status, state["version"]) == (200, 1)
    assert f"refused win-probability:{bad.model.version}" in state["problem"]
    assert "golden rows" in state["problem"]
    store.promote(ReleaseRef(name="win-probability", version=1), "production")
    until(lambda: "problem" not in service.ask("/health/ready").json["models"]["win-probability"])


def test_a_pinned_version_stays(store: Releases, start: Callable[..., Running]) -> None:
    service = start(onnx={"models": {"win-probability": {"reference": "win-probability:1"}}})
    publish(store, win_probability(seed=1))
    time.sleep(0.5)
    assert version(service) == 1


def test_without_a_release_requests_are_told_so_until_there_is_one(store: Releases) -> None:
    settings = settings_for(store, onnx={"models": {"quote": {"reference": "quote@canary"}}})
    with running(settings) as service:
        ready = service.ask("/health/ready")
        assert (ready.status, ready.json["ready"]) == (503, False)
        assert "no alias 'canary'" in ready.json["models"]["quote"]["problem"]
        reply = service.ask("/score/quote", {"data": [["red", 1, True, 1.0]]})
        assert (reply.status, reply.headers["retry-after"]) == (503, "5")
        assert service.ask("/health/live").status == 200
        store.promote(ReleaseRef(name="quote", version=1), "canary")
        until(lambda: service.ask("/health/ready").status == 200)
        assert service.ask("/score/quote", {"data": [["red", 1, True, 1.0]]}).json == [4.0]


def broken_store(store: Releases) -> Iterator[Path]:
    """The store's folder is a link to itself for a while: nothing can be read there."""
    folder = Path(store.store.url)
    away = folder.with_name("away")
    folder.rename(away)
    folder.symlink_to(folder)
    yield folder
    folder.unlink()
    away.rename(folder)


def test_the_service_starts_from_its_copy_when_the_store_is_down(store: Releases, tmp_path: Path) -> None:
    state = tmp_path / "state"
    record = win_probability().records[1]
    with running(settings_for(store, onnx={"state": str(state)})) as first:
        expected = first.ask("/score/win-probability", {"data": [record]}).json
    settings = settings_for(store, onnx={"state": str(state)})
    down = broken_store(store)
    next(down)
    with running(settings) as second:
        ready = second.ask("/health/ready")
        found = ready.json["models"]["win-probability"]
        assert (ready.status, found["stale"]) == (200, True)
        assert "store" in found["problem"]
        assert second.ask("/score/win-probability", {"data": [record]}).json == expected
        next(down, None)
        until(lambda: second.ask("/health/ready").json["models"]["win-probability"]["stale"] is False)


def test_a_changed_copy_is_not_served(store: Releases, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running(settings_for(store, onnx={"state": str(state)})):
        pass
    for model in state.glob("*/win-probability/*/model.onnx"):
        data = bytearray(model.read_bytes())
        data[len(data) // 2] ^= 1
        model.write_bytes(data)
    settings = settings_for(store, onnx={"state": str(state)})
    down = broken_store(store)
    next(down)
    with running(settings) as second:
        state_now = second.ask("/health/ready").json["models"]["win-probability"]
        assert state_now["ready"] is False
        assert "the manifest says" in state_now["problem"]
        next(down, None)


def test_copies_of_old_releases_are_swept(store: Releases, tmp_path: Path) -> None:
    from onnxport.serving.copies import Copies

    copies = Copies(tmp_path, "store")
    ref = ReleaseRef.parse("quote@production")
    manifest = store.resolve(ref)
    for number in range(1, 5):
        one = manifest.for_version(number)
        copies.folder(one).mkdir(parents=True)
        os.utime(copies.folder(one), (0, 0))
        copies.remember(ref, one)
    kept = sorted(path.name[0] for path in copies.folder(manifest).parent.iterdir() if path.is_dir())
    assert kept == ["3", "4"]
    last = copies.last(ref)
    assert last is not None
    assert last.name.startswith("4-")
    shutil.rmtree(tmp_path)


def test_memory_is_bounded_over_many_swaps(store: Releases, tmp_path: Path) -> None:
    """50 swaps between a small and a large release: the last 40 add less than one of the large graphs."""
    publish(store, win_probability(seed=1, trees=300, depth=6))
    process, port, _ = serve(store, tmp_path, "--poll", "0.01")
    sizes: list[float] = []
    try:
        for number in range(50):
            wanted = 1 + number % 2
            store.promote(ReleaseRef(name="win-probability", version=wanted), "production")
            until(lambda wanted=wanted: _serves(port, wanted))  # type: ignore[misc]
            if wanted == 1:
                sizes.append(_resident_mib(process.pid))
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert sizes[-1] - sizes[4] < 8


def _serves(port: int, wanted: int) -> bool:
    found: int = ask(port, "/health/ready").json["models"]["win-probability"]["version"]
    return found == wanted


def _resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / (1 << 20)
