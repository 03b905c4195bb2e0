"""What goes wrong while callers call: aliases move, Redis dies, the store is cut off, the endpoint fails."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from onnxport.artifacts import ReleaseRef
from soaking.callers import SECONDS_OF_GRACE

from tests.support.faulty_proxy import Fault, nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from onnxport.releases import Releases
    from soaking.callers import State

    from tests.support.azureml_endpoint import AzureMl
    from tests.support.faulty_proxy import FaultyProxy, Kind
    from tests.support.real_redis import RealRedis

READY_SECONDS = 60.0


class Trouble(threading.Thread):
    """Plays scripts side by side until the end, then their last step is undone by whoever made them."""

    def __init__(self, state: State, scripts: list[Iterator[float]]) -> None:
        super().__init__(daemon=True, name="trouble")
        self._state = state
        self._due = [(0.0, script) for script in scripts]
        self.failures: list[Exception] = []

    def run(self) -> None:
        """Until the end."""
        try:
            while not self._state.stop.wait(0.05):
                now = time.monotonic()
                self._due = [
                    (now + next(script), script) if at <= now else (at, script) for at, script in self._due
                ]
        except Exception as error:  # ruff: ignore[BLE001] - told at the end
            self.failures.append(error)


def swaps(releases: Releases, good: list[int], bad: int, counts: Counter[str]) -> Iterator[float]:
    """The alias moves every few seconds; each tenth time to a release that does not answer its golden rows."""
    generator = random.Random(1)  # ruff: ignore[S311] - repeatable, not secret
    while True:
        for number in range(10):
            version = bad if number == 9 else generator.choice(good)  # ruff: ignore[PLR2004] - the tenth
            releases.promote(ReleaseRef(name="win-probability", version=version), "production")
            counts["alias moves"] += 1
            yield generator.uniform(3.0, 6.0)


def redis_dies(redis: RealRedis, counts: Counter[str]) -> Iterator[float]:
    """Killed and revived, frozen and thawed."""
    while True:
        yield 12.0
        redis.kill()
        counts["Redis killed"] += 1
        yield 5.0
        redis.start()
        yield 12.0
        redis.signal(signal.SIGSTOP)
        counts["Redis frozen"] += 1
        yield 5.0
        redis.signal(signal.SIGCONT)


def store_is_cut_off(proxy: FaultyProxy, counts: Counter[str]) -> Iterator[float]:
    """In every way that networks know, for 12 seconds each."""
    kinds: tuple[Kind, ...] = ("refuse", "status", "cut body", "lose answer", "stall")
    while True:
        for fault in (Fault(kind=kind) for kind in kinds):
            yield 20.0
            proxy.plan = lambda _method, _path, fault=fault: fault  # type: ignore[misc]
            counts[f"store cut off ({fault.kind})"] += 1
            yield 12.0
            proxy.plan = nothing


def endpoint_fails(endpoint: AzureMl, state: State, counts: Counter[str]) -> Iterator[float]:
    """500 for a while, right answers for a while."""
    while True:
        yield 25.0
        state.endpoint_broken = True
        endpoint.mode = "broken"
        counts["endpoint answers 500"] += 1
        yield 8.0
        endpoint.mode = "fine"
        state.felt_until = time.monotonic() + SECONDS_OF_GRACE
        state.endpoint_broken = False


class Service:
    """`onnxport-serve` in a process of its own, and its log."""

    def __init__(self, folder: Path, config: dict[str, Any], port: int, environment: dict[str, str]) -> None:
        self._command = [sys.executable, "-m", "onnxport.serving.main", "--port", str(port)]
        self._folder = folder
        self._environment = environment
        self.events: Counter[str] = Counter()
        self.strange: list[str] = []
        (folder / "onnxport.yaml").write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
        self.process = self._started()

    def restart(self, state: State, *, before: Callable[[], None], after: Callable[[], None]) -> None:
        """Stopped and started again; `before` is called while nothing runs, `after` when it answers."""
        state.restarting.set()
        state.restarts += 1
        self.stop()
        before()
        self.process = self._started()
        after()
        state.restarting.clear()

    def stop(self) -> None:
        """Drained and gone."""
        self.process.terminate()
        if self.process.wait(READY_SECONDS) != 0:
            self.strange.append(f"the service ended with {self.process.returncode}")

    def _started(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            self._command, cwd=self._folder, env=self._environment, stderr=subprocess.PIPE, text=True
        )
        ready = threading.Event()
        threading.Thread(target=self._read, args=(process, ready), daemon=True).start()
        if not ready.wait(READY_SECONDS):
            process.kill()
            raise TimeoutError(f"the service does not start: {self.strange}")
        return process

    def _read(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        for line in process.stderr or ():
            try:
                found = json.loads(line)
            except ValueError:
                self.strange.append(f"a log line that is no JSON: {line.rstrip()}")
                continue
            self.events[found.get("logger") or found["event"]] += 1
            if found["event"] == "ready":
                ready.set()
            if found["event"] == "unexpected failure":
                self.strange.append(line.rstrip())
