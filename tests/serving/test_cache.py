"""Both tiers: tenants and releases apart, values checked, and Redis never in the way of an answer."""

from __future__ import annotations

import signal
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnxport.artifacts import UsageError
from onnxport.serving.breaker import Breaker
from onnxport.serving.cache.keys import key_of
from onnxport.serving.cache.memory import Memory
from onnxport.serving.features import Features, Table
from onnxport.serving.settings import Cache, load_settings

from tests.serving.conftest import running, settings_for
from tests.serving.support import FEATURES, publish, quote, win_probability
from tests.support.real_redis import RealRedis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from onnxport.releases import Releases

    from tests.serving.conftest import Reply, Running


@pytest.fixture
def real(tmp_path: Path) -> Iterator[RealRedis]:
    found = RealRedis(tmp_path)
    yield found
    found.signal(signal.SIGCONT)
    found.kill()


RECORD: dict[str, Any] = {"colour": "blue", "count": 3, "urgent": False, "weight": 0.5}


def cached(url: str, mode: str = "on", memory_mb: float = 0) -> Any:
    return {"mode": mode, "memory_mb": memory_mb, "redis": {"enabled": True, "url": url, "budget_ms": 50}}


def price(service: Running, record: dict[str, Any] = RECORD, tenant: str = "a") -> Reply:
    return service.ask("/api/v1/predict/quote", {"record": record}, headers={"x-tenant-id": tenant})


def served_by(reply: Reply) -> str:
    assert reply.status == 200, reply.body
    found: str = reply.json["served_by"]
    return found


def soon(ask: Callable[[], str], wanted: str) -> None:
    deadline = time.monotonic() + 10
    while ask() != wanted:
        assert time.monotonic() < deadline, f"never answered by {wanted}"
        time.sleep(0.02)


def table(made: Any, records: list[dict[str, Any]]) -> Table:
    found = Features(made.conversion.signature, made.conversion.plan).from_records(records, "$")
    assert isinstance(found, Table), found
    return found


def test_a_vector_is_the_same_however_it_was_written() -> None:
    made = win_probability()
    record = dict.fromkeys(FEATURES, 1.0) | {FEATURES[0]: 0.0, FEATURES[1]: None}
    same = dict(reversed((dict.fromkeys(FEATURES, 1) | {FEATURES[0]: -0.0, FEATURES[1]: float("nan")}).items()))
    other = record | {FEATURES[2]: 1.0000002}
    one, two, three = table(made, [record, same, other]).vectors()
    assert one == two == table(made, [same]).vectors()[0]
    assert one != three
    mixed = table(quote(), [RECORD, RECORD | {"count": 3.0}, RECORD | {"colour": "red"}]).vectors()
    assert mixed[0] == mixed[1] != mixed[2]


def test_columns_cannot_run_into_each_other() -> None:
    records = [RECORD | {"colour": "red", "weight": None}, RECORD | {"colour": "red"}]
    assert len(set(table(quote(), records).vectors())) == 2


def test_keys_hold_model_release_tenant_and_vector() -> None:
    parts = {key_of("m", "d", tenant, vector) for tenant in (b"", b"a", b"b") for vector in (b"x", b"y")} | {
        key_of("n", "d", b"a", b"x"),
        key_of("m", "e", b"a", b"x"),
    }
    assert len(parts) == 8
    assert key_of("m", "d", b"a", b"x").startswith(b"ml:m:d:a:")


def test_memory_answers_the_same_row_again_for_the_same_tenant_only(start: Callable[..., Running]) -> None:
    service = start(cache={"mode": "on"})
    first, again, other = price(service), price(service), price(service, tenant="b")
    assert [served_by(reply) for reply in (first, again, other)] == ["onnx", "cache", "onnx"]
    assert first.json["prediction"] == again.json["prediction"] == other.json["prediction"]
    assert again.headers["x-onnxport-served-by"] == "cache"


def test_memory_forgets_with_the_release(store: Releases, start: Callable[..., Running]) -> None:
    service = start(cache={"mode": "on"})
    record = win_probability().records[1]
    path = "/api/v1/predict/win-probability"
    assert [served_by(service.ask(path, {"record": record})) for _ in range(2)] == ["onnx", "cache"]
    publish(store, win_probability(seed=1))
    deadline = time.monotonic() + 10
    while (after := service.ask("/api/v1/predict/win-probability", {"record": record})).json["version"] != 2:
        assert time.monotonic() < deadline
    expected = win_probability(seed=1).source([record])["probabilities"][0]
    np.testing.assert_allclose(after.json["prediction"]["probabilities"], expected, rtol=1e-5)


def test_memory_is_bounded_and_keeps_what_was_used_last() -> None:
    memory = Memory(0.01, 100)
    for number in range(1_000):
        memory.keep(b"", [b"%d" % number], [(b"%d" % number,)])
        assert memory.find(b"", [b"0"]) == [(b"0",)]
    assert len(memory) < 30


def test_memory_looks_away_where_callers_never_repeat_themselves_and_comes_back() -> None:
    memory = Memory(1, 100, scored_us=20)
    number = 0
    while memory.awake():
        number += 1
        memory.find(b"", [b"%d" % number])
        assert number < 10_000
    away = 0
    while not memory.awake():
        away += 1
        assert away < 100_000
    for _ in range(10_000):
        assert memory.awake()
        if memory.find(b"", [b"same"]) is None:
            memory.keep(b"", [b"same"], [(b"1",)])


def test_redis_answers_another_process_but_not_another_tenant(store: Releases, real: RealRedis) -> None:
    settings = settings_for(store, cache=cached(real.url))
    with running(settings) as one, running(settings) as two:
        first = price(one)
        assert served_by(first) == "onnx"
        soon(lambda: served_by(price(two)), "cache")
        assert price(two).json["prediction"] == first.json["prediction"]
        assert served_by(price(two, tenant="b")) == "onnx"
        key = next(iter(real.client().scan_iter("ml:quote:*")))
        assert 0 < real.client().ttl(key) <= 3600


def test_batches_ask_redis_once_and_score_only_what_is_missing(store: Releases, real: RealRedis) -> None:
    with running(settings_for(store, cache=cached(real.url))) as service:
        made = quote()
        half = made.records[:20]

        def batch(records: list[dict[str, Any]]) -> Reply:
            return service.ask("/api/v1/predict/batch/quote", {"records": records})

        batch(half)
        soon(lambda: served_by(batch(half)), "cache")
        before = real.client().info("commandstats")["cmdstat_mget"]["calls"]
        mixed = batch(made.records)
        assert served_by(mixed) == "onnx"
        found = [row["prediction"] for row in mixed.json["predictions"]]
        np.testing.assert_allclose(found, made.source(made.records)["prediction"])
        assert real.client().info("commandstats")["cmdstat_mget"]["calls"] - before <= 6  # one, and probes
        assert b'ml_cache_lookups_total{model="quote",tier="redis",result="hit"}' in service.ask("/metrics").body


@pytest.mark.parametrize("spoil", [b"", b"garbage", b"0" * 16 + b"99.0", None])
def test_values_that_are_not_ours_are_misses(store: Releases, real: RealRedis, spoil: bytes | None) -> None:
    """Garbage, a wrong checksum, and the value of another key."""
    with running(settings_for(store, cache=cached(real.url))) as service:
        expected = price(service).json["prediction"]
        price(service, RECORD | {"count": 4})
        soon(lambda: served_by(price(service)), "cache")
        soon(lambda: served_by(price(service, RECORD | {"count": 4})), "cache")
        client = real.client()
        keys = sorted(client.scan_iter("ml:quote:*"))
        values = [client.get(key) for key in keys]
        for key, value in zip(keys, reversed(values), strict=True):
            client.set(key, value if spoil is None else spoil)  # type: ignore[arg-type]
        reply = price(service)
        assert (served_by(reply), reply.json["prediction"]) == ("onnx", expected)


def asked(service: Running, seconds: float, number: int = 0) -> int:
    """How many different requests were answered, each rightly."""
    first, end = number, time.monotonic() + seconds
    while time.monotonic() < end:
        number += 1
        reply = price(service, RECORD | {"count": number})
        assert reply.status == 200
        assert reply.json["prediction"]["prediction"] == 20 + 2 * number + 0.5
    return number - first


def lookups(service: Running, result: str) -> float:
    """Requests whose question to Redis ended so, by the service's metrics."""
    start = f'ml_cache_lookups_total{{model="quote",tier="redis",result="{result}"}} '
    lines = service.ask("/metrics").body.decode().splitlines()
    return sum(float(line.removeprefix(start)) for line in lines if line.startswith(start))


def test_a_redis_that_is_killed_or_frozen_is_left_alone_until_it_is_back(store: Releases, real: RealRedis) -> None:
    """Three requests wait for it, at most as long as the budget, then one each two seconds."""
    cache = cached(real.url)
    cache["redis"]["budget_ms"] = 5
    with running(settings_for(store, cache=cache)) as service:
        asked(service, 0.5)
        before = lookups(service, "error")
        real.signal(signal.SIGSTOP)
        frozen = asked(service, 1.5, 10_000)
        real.signal(signal.SIGCONT)
        real.kill()
        killed = asked(service, 1.5, 20_000)
        waited = lookups(service, "error") - before
        assert 0 < waited <= 10
        assert lookups(service, "skipped") >= frozen + killed - waited - 3
        real.start()
        soon(lambda: served_by(price(service)), "cache")


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n$-7\r\n*1\r\n\xff\xfe", b":5\r\n", b"*0\r\n", b"$-1\r\n", b"+OK\r\n"],
)
def test_a_redis_that_answers_garbage_costs_no_answer(store: Releases, answer: bytes) -> None:
    """What is no protocol, and what is, but no answer to the question."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve(caller: socket.socket) -> None:
        with caller, suppress(OSError):
            while question := caller.recv(65_536):
                caller.sendall(answer if b"MGET" in question else b"+OK\r\n" * question.count(b"*"))

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    with running(settings_for(store, cache=cached(f"redis://127.0.0.1:{server.getsockname()[1]}/0"))) as service:
        answered = asked(service, 0.5)
        assert lookups(service, "skipped") >= answered - 10
    server.close()


def test_auto_leaves_redis_out_where_scoring_is_cheaper_and_says_what_it_measured(
    store: Releases, real: RealRedis
) -> None:
    with running(settings_for(store, cache=cached(real.url, mode="auto"))) as service:
        for _ in range(20):
            assert served_by(price(service)) == "onnx"
        assert list(real.client().scan_iter("ml:quote:*")) == []
        found = service.ask("/metrics").body.decode()
        (line,) = [line for line in found.splitlines() if line.startswith("ml_cache_cost_microseconds{")]
        assert float(line.rpartition(" ")[2]) > 0


def test_equal_requests_at_the_same_time_are_scored_once(store: Releases, real: RealRedis) -> None:
    with running(settings_for(store, cache=cached(real.url))) as service:
        real.signal(signal.SIGSTOP)  # both wait for Redis, and meet there
        found: list[str] = []
        callers = [threading.Thread(target=lambda: found.append(served_by(price(service)))) for _ in range(8)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(20)
        real.signal(signal.SIGCONT)
        assert len(found) == 8
        assert "cache" in found


def test_the_breaker_lets_one_try_after_a_while() -> None:
    now = [0.0]
    breaker = Breaker(clock=lambda: now[0])
    for _ in range(3):
        assert breaker.allows()
        breaker.failed()
    assert not breaker.allows()
    now[0] = 2.1
    assert [breaker.allows(), breaker.allows()] == [True, False]
    breaker.succeeded()
    assert breaker.allows()


def test_the_existing_configuration_keys_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "onnxport.yaml"
    config.write_text(
        "onnx: {enabled: true, model_path: ./models, models: {quote: {}}}\n"
        "services: {onnx_serving: {url: 'http://scoring:8123'}}\n"
        "cache: {redis: {enabled: true, url: '${REDIS:-redis://localhost/1}', ttl_seconds: 60}}\n"
        "azure_ml: {endpoints: {quote: 'https://q.example/score'}}\n"
    )
    monkeypatch.delenv("REDIS", raising=False)
    monkeypatch.delenv("ONNXPORT_STORE", raising=False)
    settings = load_settings(config, host="127.0.0.2")
    assert (settings.store, settings.port, settings.host) == ("./models", 8123, "127.0.0.2")
    assert settings.onnx.models["quote"].reference == "quote@production"
    assert settings.endpoints["quote"].url == "https://q.example/score"
    expected = {"mode": "auto", "redis": {"enabled": True, "url": "redis://localhost/1", "ttl_seconds": 60}}
    assert settings.cache == Cache.model_validate(expected)
    with pytest.raises(UsageError, match="Extra inputs"):
        load_settings(_written(tmp_path / "b.yaml", "cache: {redis: {enable: true}}"), models=["quote"])
    with pytest.raises(UsageError, match="no model is named"):
        load_settings(_written(tmp_path / "c.yaml", "store: x"))


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
