"""Blob storage when the network is not kind: against Azurite, through a proxy that fails on demand."""

from __future__ import annotations

import os
import socket
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import ServiceRequestError
from onnxport.artifacts import Unreachable
from onnxport.storage import BlobChanged, BlobExists, BlobNotFound, BlobStore, Patience, StoreAccess, open_store
from onnxport.storage.azure_errors import unreachable

from tests.support.faulty_proxy import Fault, FaultyProxy, first

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.azurite
LARGE = os.urandom(9 << 20)
PASSING = [
    Fault(kind="status", status=429),
    Fault(kind="status", status=500),
    Fault(kind="status", status=503),
    Fault(kind="refuse"),
    Fault(kind="lose answer"),
    Fault(kind="cut body"),
]


def named(fault: Fault) -> str:
    return f"{fault.kind} {fault.status}" if fault.kind == "status" else fault.kind


@pytest.fixture
def proxy(faulty_azurite: Any) -> FaultyProxy:
    proxy: FaultyProxy = faulty_azurite[0]
    return proxy


@pytest.fixture
def store(faulty_azurite: Any, hasty: Patience) -> BlobStore:
    """A store behind the proxy, its container made."""
    azurite = faulty_azurite[1]
    access = StoreAccess(account_key=azurite.account_key, patience=hasty)
    store = open_store(f"{azurite.url}/c-{uuid.uuid4().hex}/prefix", access)
    store.create("there", b"bytes")
    return store


ACTIONS: dict[str, Callable[[BlobStore], Any]] = {
    "read": lambda store: store.read("there").data,
    "stream": lambda store: b"".join(store.stream("there")),
    "create": lambda store: store.create("new", b"new") or store.read("new").data,
    "replace": lambda store: store.replace("there", b"new", store.read("there").etag) or store.read("there").data,
    "touch": lambda store: store.touch("there"),
    "list": lambda store: [info.key for info in store.list("")],
    "children": lambda store: list(store.children("")),
    "delete": lambda store: store.delete(next(store.list(""))) or list(store.list("")),
}
WRITES = {"create": "PUT", "replace": "PUT"}


@pytest.mark.parametrize("fault", PASSING, ids=named)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_fault_that_passes_is_not_noticed(
    store: BlobStore, proxy: FaultyProxy, action: str, fault: Fault
) -> None:
    expected = {"read": b"bytes", "stream": b"bytes", "create": b"new", "replace": b"new", "touch": None}
    method = WRITES.get(action)
    proxy.plan = first(1, fault, lambda sent, _: method in {None, sent})
    answer = ACTIONS[action](store)
    assert answer == expected.get(action, [] if action == "delete" else ["there"])


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    "fault", [Fault(kind="status", status=429), Fault(kind="status", status=503), Fault(kind="refuse")], ids=named
)
def test_a_fault_that_stays_is_unreachable_after_bounded_tries(
    store: BlobStore, proxy: FaultyProxy, action: str, fault: Fault
) -> None:
    proxy.requests.clear()
    proxy.plan = lambda _method, _path: fault
    with pytest.raises(Unreachable, match=store.url):
        ACTIONS[action](store)
    assert len(proxy.requests) == 3


def test_a_body_that_is_always_cut_is_unreachable(store: BlobStore, proxy: FaultyProxy) -> None:
    proxy.plan = lambda _method, _path: Fault(kind="cut body")
    with pytest.raises(Unreachable, match=store.url):
        store.read("there")


def test_a_host_that_accepts_and_stays_silent_is_unreachable_in_seconds(faulty_azurite: Any) -> None:
    proxy, azurite = faulty_azurite
    patience = Patience(attempts=2, connect_seconds=0.5, read_seconds=0.5, pause_seconds=0.01)
    store = open_store(f"{azurite.url}/container", StoreAccess(account_key=azurite.account_key, patience=patience))
    proxy.plan = lambda _method, _path: Fault(kind="stall")
    started = time.monotonic()
    with pytest.raises(Unreachable):
        store.read("there")
    assert time.monotonic() - started < 5


def test_a_host_that_nobody_runs_is_unreachable_in_seconds() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/account/container"
    started = time.monotonic()
    with pytest.raises(Unreachable, match="cannot be reached") as caught:
        open_store(url, StoreAccess(account_key="a2V5")).read("there")
    assert time.monotonic() - started < 15
    assert caught.value.hint


def test_a_replace_that_arrived_although_its_answer_was_lost_is_not_taken_for_a_rival(
    store: BlobStore, proxy: FaultyProxy
) -> None:
    seen = store.read("there").etag
    proxy.plan = first(1, Fault(kind="lose answer"), lambda method, _: method == "PUT")
    store.replace("there", b"new", seen)
    with pytest.raises(BlobChanged):
        store.replace("there", b"newer", seen)
    assert store.read("there").data == b"new"


def test_a_create_that_found_a_rival_after_its_answer_was_lost_is_told(
    store: BlobStore, proxy: FaultyProxy
) -> None:
    proxy.plan = first(1, Fault(kind="refuse"), lambda method, _: method == "PUT")
    with pytest.raises(BlobExists):
        store.create("there", b"other")
    assert store.read("there").data == b"bytes"


@pytest.mark.parametrize("fault", PASSING, ids=named)
def test_a_large_upload_survives_a_fault_in_each_of_its_requests(
    store: BlobStore, proxy: FaultyProxy, fault: Fault
) -> None:
    hit: set[str] = set()

    def once_each(method: str, path: str) -> Fault | None:
        if method != "PUT" or path in hit:
            return None
        hit.add(path)
        return fault

    proxy.plan = once_each
    store.create("large", LARGE)
    assert len(hit) == 10
    assert b"".join(store.stream("large")) == LARGE


def test_a_broken_upload_goes_on_with_the_blocks_that_are_missing(store: BlobStore, proxy: FaultyProxy) -> None:
    blocks = iter(range(4))
    broken = Fault(kind="refuse")
    proxy.plan = lambda _, path: broken if "comp=block&" in path and next(blocks, None) is None else None
    with pytest.raises(Unreachable):
        store.create("large", LARGE)
    with pytest.raises(BlobNotFound):
        store.read("large")
    proxy.plan = lambda _method, _path: None
    proxy.requests.clear()
    store.create("large", LARGE)
    assert len([request for request in proxy.requests if "comp=block&" in request]) == 9 - 4
    assert b"".join(store.stream("large")) == LARGE


def test_a_large_blob_that_is_there_is_not_sent_again(store: BlobStore, proxy: FaultyProxy) -> None:
    store.create("large", LARGE)
    proxy.requests.clear()
    with pytest.raises(BlobExists):
        store.create("large", LARGE)
    assert len(proxy.requests) == 1


@pytest.mark.parametrize("fault", [Fault(kind="status"), Fault(kind="cut body"), Fault(kind="refuse")], ids=named)
def test_a_download_survives_a_fault_in_the_middle(store: BlobStore, proxy: FaultyProxy, fault: Fault) -> None:
    store.create("large", LARGE)
    proxy.requests.clear()
    proxy.plan = lambda _method, _path: fault if len(proxy.requests) == 2 else None
    assert b"".join(store.stream("large")) == LARGE


def test_retry_after_is_waited_for_but_not_for_ever(store: BlobStore, proxy: FaultyProxy) -> None:
    proxy.plan = first(1, Fault(kind="status", status=503, retry_after=1))
    started = time.monotonic()
    store.read("there")
    assert 1.0 <= time.monotonic() - started < 3.0


def test_what_follows_a_question_mark_is_never_quoted() -> None:
    error = ServiceRequestError(
        "Max retries exceeded with url: /account/container/key?sv=1&sig=secret (Caused by x)"
    )
    said = unreachable("https://acme.blob.core.windows.net/models", error)
    assert "secret" not in said.message + said.hint
    assert "Max retries exceeded" in said.message
