"""What a store in a folder does beyond the contract: crashes, odd file systems, other people's files."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from onnxport.artifacts import Unreachable
from onnxport.storage import BlobExists, BlobStore, StoreAccess, open_store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "store"


@pytest.fixture
def store(root: Path) -> BlobStore:
    return open_store(str(root), StoreAccess())


def test_nothing_is_made_before_the_first_write(store: BlobStore, root: Path) -> None:
    assert list(store.list("")) == []
    assert not root.exists()


def test_a_blob_is_a_plain_file_under_its_key(store: BlobStore, root: Path) -> None:
    store.create("a/b", b"bytes")
    assert (root / "a" / "b").read_bytes() == b"bytes"


def test_writes_leave_no_temporary_files(store: BlobStore, root: Path) -> None:
    store.create("key", b"old")
    store.replace("key", b"new", store.read("key").etag)
    with pytest.raises(BlobExists):
        store.create("key", b"other")
    assert list(root.rglob("*.tmp")) == []


def test_what_a_crash_left_behind_is_no_blob_and_is_swept_after_a_day(store: BlobStore, root: Path) -> None:
    store.create("key", b"")
    young, old = (root / ".onnxport" / f"{name}.tmp" for name in ("young", "old"))
    for path in (young, old):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 2 * 86400,) * 2)
    assert [info.key for info in store.list("")] == ["key"]
    store.create("another", b"")
    assert young.exists()
    assert not old.exists()


def test_a_folder_that_a_crash_left_empty_is_no_child(store: BlobStore, root: Path) -> None:
    store.create("releases/1/manifest.json", b"")
    (root / "releases" / "2").mkdir()
    assert list(store.children("releases")) == ["1"]


def test_without_hard_links_a_create_is_still_exclusive(store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)

    def create(number: int) -> int | None:
        try:
            store.create("raced", b"%d" % number)
        except BlobExists:
            return None
        return number

    with ThreadPoolExecutor(16) as pool:
        won = [number for number in pool.map(create, range(16)) if number is not None]
    assert len(won) == 1
    assert store.read("raced").data == b"%d" % won[0]


def test_a_folder_that_cannot_be_made_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = open_store(str(tmp_path / "file" / "store"), StoreAccess())
    with pytest.raises(Unreachable, match="Not a directory") as caught:
        store.create("key", b"")
    assert caught.value.hint


def test_a_disk_that_is_full_is_unreachable_and_leaves_no_blob(
    store: BlobStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.create("there", b"")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unreachable, match="No space left"):
        store.create("key", b"bytes")
    assert [info.key for info in store.list("")] == ["there"]
    assert list(root.rglob("*.tmp")) == []


def test_a_replace_waits_for_who_is_replacing(store: BlobStore, root: Path) -> None:
    store.create("key", b"old")
    store.replace("key", b"older", store.read("key").etag)
    with (root / ".onnxport" / "lock").open("ab") as lock, ThreadPoolExecutor(1) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = pool.submit(store.replace, "key", b"new", store.read("key").etag)
        with pytest.raises(TimeoutError):
            waiting.result(0.2)
        assert store.read("key").data == b"older"
        fcntl.flock(lock, fcntl.LOCK_UN)
        waiting.result(10)
    assert store.read("key").data == b"new"
