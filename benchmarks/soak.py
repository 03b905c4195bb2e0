"""The scoring service under bounded load while everything around it fails; every answer is checked.

    python benchmarks/soak.py                30 minutes
    python benchmarks/soak.py --minutes 2    to look at it

On loopback: four callers in every dialect, an alias that moves every few seconds between four releases and now and
then to a bad one, Redis killed and frozen, the store (Azurite) cut off, the Azure ML endpoint answering 500s for a
model that has no release, and one restart while the store is down. Each answer is compared with the source model
of the release that it names. The command fails when an answer is wrong, when a refusal has no reason that is due,
or when memory grows.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from soaking.callers import Caller, Expected, State, Tally
from soaking.memory import ALLOWED_MIB, Samples
from soaking.trouble import Service, Trouble, endpoint_fails, redis_dies, store_is_cut_off, swaps

if TYPE_CHECKING:
    from onnxport.releases import Releases
    from soaking.callers import Made

    from tests.support.azureml_endpoint import AzureMl
    from tests.support.azurite import Azurite
    from tests.support.faulty_proxy import FaultyProxy
    from tests.support.real_redis import RealRedis

CALLERS = 4
RESTART_AFTER = 0.1
"""Share of the run after which the service is restarted while the store is down; memory is judged from then on."""


@dataclass(slots=True, kw_only=True)
class Scene:
    """All that takes part."""

    folder: Path
    azurite: Azurite
    proxy: FaultyProxy
    redis: RealRedis
    endpoint: AzureMl
    releases: Releases
    expected: Expected
    good: list[int]
    bad: int
    quotes: Made
    counts: Counter[str]


def main() -> None:
    """Set the scene, let trouble happen, print the summary."""
    parser = argparse.ArgumentParser(description="Soak the scoring service.")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=120.0, help="requests a second of all callers")
    given = parser.parse_args()
    with ExitStack() as stack:
        scene = _scene(stack)
        problems = _run(scene, seconds=given.minutes * 60, pause=CALLERS / given.rate)
    print("\n".join(["", *(f"VIOLATION {problem}" for problem in problems)]))
    print(
        "no wrong answer, no unexplained refusal, memory is flat" if not problems else f"{len(problems)} problems"
    )
    sys.exit(1 if problems else 0)


def _scene(stack: ExitStack) -> Scene:
    from onnxport.artifacts import Golden
    from onnxport.storage import StoreAccess, open_store

    from tests.serving.support import publish, quote, releases_in, win_probability
    from tests.support.azureml_endpoint import AzureMl
    from tests.support.azurite import find_node, running_azurite
    from tests.support.faulty_proxy import FaultyProxy
    from tests.support.real_redis import RealRedis

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    azurite = stack.enter_context(running_azurite(find_node()))
    proxy = stack.enter_context(FaultyProxy(int(azurite.url.split(":")[2].split("/")[0])))
    redis = RealRedis(folder)
    stack.callback(redis.kill)
    endpoint = AzureMl()
    stack.callback(endpoint.server.shutdown)
    store = open_store(f"{azurite.url}/soak/releases", StoreAccess(account_key=azurite.account_key))
    releases = releases_in(store)
    made = [win_probability(seed, trees=trees, depth=5) for seed, trees in enumerate((40, 80, 120, 160))]
    manifests = [publish(releases, one, alias=None) for one in made]
    spoilt = win_probability(9).golden()
    wrong = {**spoilt.outputs, "probabilities": [[0.5, 0.5]] * len(spoilt.rows)}
    bad = publish(
        releases,
        win_probability(9),
        alias=None,
        golden=Golden.model_validate({**spoilt.model_dump(), "outputs": wrong}),
    )
    sources = {manifest.digest: one for manifest, one in zip(manifests, made, strict=True)}
    return Scene(
        folder=folder,
        azurite=azurite,
        proxy=proxy,
        redis=redis,
        endpoint=endpoint,
        releases=releases,
        expected=Expected(sources, made[0].records),
        good=[manifest.model.version for manifest in manifests],
        bad=bad.model.version,
        quotes=quote(),
        counts=Counter(),
    )


def _service(scene: Scene, port: int) -> Service:
    """The service sees the store through the proxy; its aliases are moved behind the proxy's back."""
    seen = scene.azurite.url.replace(scene.azurite.url.split(":")[2].split("/")[0], str(scene.proxy.port))
    config: dict[str, Any] = {
        "store": f"{seen}/soak/releases",
        "onnx": {
            "state": str(scene.folder / "state"),
            "poll_seconds": 0.5,
            "log": "none",
            "models": {
                "win-probability": {"reference": "win-probability@production", "answer": "probabilities"},
                "quote": {"reference": "quote@nobody"},
            },
        },
        "cache": {"mode": "on", "memory_mb": 1, "redis": {"enabled": True, "url": scene.redis.url}},
        "azure_ml": {
            "endpoints": {"quote": {"url": scene.endpoint.url, "auth": "none", "compatible": True}},
        },
    }
    environment = {
        **os.environ,  # ruff: ignore[TID251] - children get ours
        "AZURE_STORAGE_ACCOUNT_KEY": scene.azurite.account_key,
    }
    return Service(scene.folder, config, port, environment)


def _run(scene: Scene, *, seconds: float, pause: float) -> list[str]:
    from onnxport.artifacts import ReleaseRef

    from tests.support.faulty_proxy import Fault, nothing

    scene.releases.promote(ReleaseRef(name="win-probability", version=scene.good[0]), "production")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        state = State(port=probe.getsockname()[1])
    service = _service(scene, state.port)
    callers = [
        Caller(number, state, scene.expected, quotes=scene.quotes, pause=pause) for number in range(CALLERS)
    ]
    samples = Samples(state, lambda: service.process.pid)
    trouble = Trouble(
        state,
        [
            swaps(scene.releases, scene.good, scene.bad, scene.counts),
            redis_dies(scene.redis, scene.counts),
            endpoint_fails(scene.endpoint, state, scene.counts),
        ],
    )
    cuts = Trouble(state, [store_is_cut_off(scene.proxy, scene.counts)])

    def cut() -> None:
        scene.proxy.plan = lambda _method, _path: Fault(kind="refuse")

    def mend() -> None:
        time.sleep(1.0)  # the service looks at the store, and goes on from its copy
        scene.proxy.plan = nothing

    started = time.monotonic()
    for thread in (*callers, samples, trouble):
        thread.start()
    try:
        time.sleep(seconds * RESTART_AFTER)
        service.restart(state, before=cut, after=mend)
        scene.counts["restart while the store is down"] += 1
        cuts.start()
        while time.monotonic() - started < seconds and service.process.poll() is None:
            time.sleep(min(10.0, seconds / 20))
            print(f"{time.monotonic() - started:6.0f} s  {samples.summary()}", flush=True)
    finally:
        state.stop.set()
        for thread in (*callers, samples, trouble, cuts):
            thread.join(30)
        metrics = _metrics(state.port)
        service.stop()
    failures = [f"trouble itself failed: {error!r}" for error in (*trouble.failures, *cuts.failures)]
    return failures + _judge(
        scene, service, [caller.tally for caller in callers], samples=samples, metrics=metrics
    )


def _metrics(port: int) -> list[str]:
    """Lines of `/metrics` that say what the service noticed."""
    import urllib.request

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as reply:
        lines = reply.read().decode().splitlines()
    wanted = ("ml_release_swaps_total", "ml_cache_lookups_total", "ml_fallback_total", "ml_http_responses_total")
    return [line for line in lines if line.startswith(wanted)]


def _judge(
    scene: Scene, service: Service, tallies: list[Tally], *, samples: Samples, metrics: list[str]
) -> list[str]:
    kinds, releases, explained = Counter[str](), Counter[str](), Counter[str]()
    milliseconds: list[float] = []
    problems = list(service.strange)
    for tally in tallies:
        kinds += tally.kinds
        releases += tally.releases
        explained += tally.explained
        problems += tally.problems
        milliseconds += tally.milliseconds
    milliseconds.sort()
    shares = {share: milliseconds[int(len(milliseconds) * share / 100) - 1] for share in (50, 95, 99, 99.9)}
    print(
        f"\n{len(milliseconds)} answers; " + ", ".join(f"p{share:g} {ms:.2f} ms" for share, ms in shares.items())
    )
    for title, found in (
        ("checked answers by route", kinds),
        ("checked answers by release", releases),
        ("explained refusals", explained),
        ("trouble", scene.counts),
        ("log", service.events),
    ):
        print(f"{title}:", *(f"  {count:8d}  {name}" for name, count in sorted(found.items())), sep="\n")
    print("metrics since the restart:", *(f"  {line}" for line in metrics), sep="\n")
    print(samples.summary())
    if len(releases) < 2:  # ruff: ignore[PLR2004] - nothing was swapped
        problems.append(f"only {sorted(releases)} answered")
    if samples.growth_mib() > ALLOWED_MIB:
        problems.append(f"memory grows: {samples.summary()}")
    return problems


if __name__ == "__main__":
    main()
