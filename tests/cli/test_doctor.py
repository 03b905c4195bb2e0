"""`onnxport doctor` says what would break, in bounded time, and leaves nothing behind."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import Unreachable
from onnxport.pipelines.doctor import Finding, Probe, examine
from onnxport.pipelines.probes import Machine, probes
from onnxport.sources import AzureAccess
from onnxport.storage import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onnxport.storage import BlobStore

    from tests.cli.conftest import Answer
    from tests.conftest import Azurite

MATRIX: dict[str, Any] = json.loads((Path(__file__).resolve().parents[2] / "cli" / "tested.json").read_text())


def findings(**changes: Any) -> dict[str, Finding]:
    store = MemoryStore()
    machine = Machine(
        **{
            "matrix": MATRIX,
            "open_store": lambda: store,
            "azure": AzureAccess(),
            "scopes": (),
            "redis_url": None,
            "tracking_uri": "sqlite:///mlflow.db",
            "seconds": 2.0,
            **changes,
        }
    )
    return {finding.name: finding for finding in examine(probes(machine), 30)}


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts and says nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_healthy_machine_exits_0_and_has_all_that_is_locked(onnxport: Callable[..., Answer]) -> None:
    done = onnxport("doctor", "--json")
    assert done.code == 0
    document = done.document
    assert document["healthy"] is True
    states = {finding["name"]: finding["state"] for finding in document["findings"]}
    assert set(states.values()) <= {"fine", "skipped"}
    assert states["packages export"] == states["onnxruntime"] == states["store"] == "fine"
    assert [path.name for path in Path().rglob("*") if path.is_file()] == ["lock"]  # the store's own


def test_a_real_blob_store_keeps_the_laws_and_no_blob(azurite: Azurite) -> None:
    from onnxport.storage import StoreAccess, open_store

    store = open_store("az://doctor/here", StoreAccess(connection_string=azurite.connection_string))
    found = findings(open_store=lambda: store)["store"]
    assert found.state == "fine", found
    assert list(store.list("")) == []


class Lawless(MemoryStore):
    """A store that lets the last writer win."""

    def replace(self, key: str, data: bytes, etag: str) -> None:
        super().replace(key, data, self.read(key).etag if etag else etag)


def test_a_store_without_conditional_writes_is_broken() -> None:
    store = Lawless()
    found = findings(open_store=lambda: store)["store"]
    assert (found.state, found.code) == ("broken", "integrity")
    assert "somebody else has changed" in found.found
    assert list(store.list("")) == []


def test_a_blob_that_a_killed_doctor_left_is_removed(tmp_path: Path) -> None:
    import os
    import time

    from onnxport.storage import StoreAccess, open_store

    store: BlobStore = open_store(str(tmp_path), StoreAccess())
    store.create("ONNXPORT-DOCTOR/old", b"1")
    store.create("ONNXPORT-DOCTOR/young", b"1")
    hours_ago = time.time() - 7200
    os.utime(tmp_path / "ONNXPORT-DOCTOR" / "old", (hours_ago, hours_ago))
    assert findings(open_store=lambda: store)["store"].state == "fine"
    assert [info.key for info in store.list("")] == ["ONNXPORT-DOCTOR/young"]


def test_a_store_that_is_none_is_told_with_what_it_breaks(onnxport: Callable[..., Answer]) -> None:
    Path("file").write_text("x")
    done = onnxport("doctor", "--store", "file", "--json")
    assert done.code == 2
    assert done.document["healthy"] is False
    found = next(each for each in done.document["findings"] if each["name"] == "store")
    assert found["state"] == "broken"
    assert "publish" in found["breaks"]


def test_a_probe_that_does_not_end_is_left_behind() -> None:
    never = threading.Event()

    def wait() -> Finding:
        never.wait()
        raise AssertionError

    fine = Finding(name="b", state="fine", found="")
    asked = [Probe(name="a", breaks="all", ask=wait), Probe(name="b", breaks="", ask=lambda: fine)]
    stuck, last = examine(asked, 0.05)
    never.set()
    assert (stuck.state, stuck.code, stuck.breaks) == ("broken", "unreachable", "all")
    assert last == fine


def test_whatever_a_probe_raises_is_what_is_wrong() -> None:
    def refuse() -> Finding:
        raise Unreachable("nobody there", hint="Start it.")

    def crash() -> Finding:
        raise RuntimeError("libgomp is missing")

    known, unknown = examine([Probe(name="a", breaks="x", ask=refuse), Probe(name="b", breaks="y", ask=crash)], 10)
    assert (known.found, known.hint, known.breaks, known.code) == ("nobody there", "Start it.", "x", "unreachable")
    assert (unknown.found, unknown.code) == ("RuntimeError: libgomp is missing", "unexpected")


@pytest.mark.parametrize(
    ("tested", "state", "said"),
    [
        ({"numpy": {"lowest": "99", "tested": ["99.1"]}}, "broken", "at least 99"),
        ({"numpy": {"lowest": "0.1", "tested": ["0.9", "1.1"]}}, "warning", "tested with 0.9, 1.1"),
        ({"no-such-thing": {"lowest": "1", "tested": ["1"]}}, "skipped", "not installed: no-such-thing"),
    ],
)
def test_versions_are_held_against_the_tested_ones(tested: dict[str, Any], state: str, said: str) -> None:
    found = findings(matrix={**MATRIX, "packages": {"export": tested}})["packages export"]
    assert found.state == state
    assert said in found.found
    assert found.breaks
    assert found.hint


def test_a_missing_package_of_the_base_is_broken() -> None:
    tested = {"no-such-thing": {"lowest": "1", "tested": ["1"]}}
    assert findings(matrix={**MATRIX, "packages": {"": tested}})["packages"].state == "broken"


def test_a_python_that_is_too_new_is_broken() -> None:
    assert findings(matrix={**MATRIX, "python": {"lowest": "3.0", "below": "3.1"}})["python"].state == "broken"


def test_a_silent_redis_is_named_without_its_password(silent: int) -> None:
    found = findings(redis_url=f"redis://user:secret@127.0.0.1:{silent}/0", seconds=0.2)["redis"]
    assert (found.state, found.code) == ("broken", "unreachable")
    assert f"127.0.0.1:{silent}" in found.found
    assert "secret" not in found.found + found.hint


def test_a_silent_tracking_server_is_unreachable(silent: int) -> None:
    found = findings(tracking_uri=f"http://127.0.0.1:{silent}", seconds=0.2)["mlflow"]
    assert (found.state, found.code) == ("broken", "unreachable")


def test_a_file_that_is_no_database_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database at all, but long enough to be read as one" * 20)
    sqlite3.connect(tmp_path / "other.db").close()
    for name in ("text.db", "other.db"):
        found = findings(tracking_uri=f"sqlite:///{tmp_path / name}")["mlflow"]
        assert (found.state, found.code) == ("broken", "integrity"), name


def test_a_sign_in_that_is_not_set_up_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    found = findings(azure=AzureAccess(auth="workload-identity"), scopes=("https://storage.azure.com/.default",))
    assert found["azure sign-in"].state == "broken"
    assert "workload-identity" in found["azure sign-in"].found
