"""What every store does: the laws of `BlobStore`, one test each, on memory, local folder and Azurite."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from onnxport.artifacts import UsageError
from onnxport.storage import BlobChanged, BlobExists, BlobInfo, BlobNotFound, BlobStore

if TYPE_CHECKING:
    from pathlib import Path

LARGE = os.urandom(3 << 20) * 3  # above a block and a chunk, with blocks that repeat
RACERS = 16


def test_what_was_created_is_read_back(store: BlobStore) -> None:
    store.create("a/b/c.json", b"bytes")
    assert store.read("a/b/c.json").data == b"bytes"


def test_a_second_create_is_refused_and_changes_nothing(store: BlobStore) -> None:
    store.create("key", b"first")
    with pytest.raises(BlobExists, match="key"):
        store.create("key", b"second")
    assert store.read("key").data == b"first"


def test_a_large_file_is_streamed_in_and_out(store: BlobStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(LARGE)
    sent: list[int] = []
    store.create("large", tmp_path / "file", sent.append)
    assert b"".join(store.stream("large")) == LARGE
    assert max(len(block) for block in store.stream("large")) <= 4 << 20
    assert sent == sorted(sent)
    assert sent[-1] == len(LARGE)


def test_a_large_blob_is_not_overwritten_either(store: BlobStore) -> None:
    store.create("large", LARGE)
    with pytest.raises(BlobExists):
        store.create("large", LARGE[1:])
    assert store.read("large").data == LARGE


def test_an_empty_blob_is_a_blob(store: BlobStore) -> None:
    store.create("empty", b"")
    assert store.read("empty").data == b""
    assert b"".join(store.stream("empty")) == b""
    assert [info.size for info in store.list("")] == [0]


def test_a_file_that_cannot_be_read_is_named_and_nothing_is_written(store: BlobStore, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        store.create("key", tmp_path / "nowhere")
    assert list(store.list("")) == []


@pytest.mark.parametrize("read", ["read", "stream", "touch"])
def test_what_is_not_there_is_not_found(store: BlobStore, read: str) -> None:
    with pytest.raises(BlobNotFound, match="nothing/here"):
        getattr(store, read)("nothing/here")
    store.create("else", b"")
    with pytest.raises(BlobNotFound, match="nothing/here"):
        getattr(store, read)("nothing/here")


def test_replace_swaps_what_was_read(store: BlobStore) -> None:
    store.create("key", b"old")
    store.replace("key", b"new", store.read("key").etag)
    assert store.read("key").data == b"new"


def test_replace_of_what_has_changed_is_refused_and_changes_nothing(store: BlobStore) -> None:
    store.create("key", b"old")
    seen = store.read("key").etag
    store.replace("key", b"new", seen)
    with pytest.raises(BlobChanged, match="key"):
        store.replace("key", b"newer", seen)
    assert store.read("key").data == b"new"


def test_replace_of_what_is_gone_is_refused_and_writes_nothing(store: BlobStore) -> None:
    store.create("key", b"old")
    seen = store.read("key").etag
    store.delete(info_of(store, "key"))
    with pytest.raises(BlobChanged):
        store.replace("key", b"new", seen)
    assert list(store.list("")) == []


def test_replace_in_an_empty_store_is_refused(store: BlobStore) -> None:
    with pytest.raises(BlobChanged):
        store.replace("key", b"new", '"0x8DEADBEEF"')


def test_of_many_creates_at_once_one_wins_and_is_whole(store: BlobStore) -> None:
    contents = [bytes([number]) * (2 << 20) for number in range(RACERS)]

    def create(content: bytes) -> bytes | None:
        try:
            store.create("raced", content)
        except BlobExists:
            return None
        return content

    with ThreadPoolExecutor(RACERS) as pool:
        won = [content for content in pool.map(create, contents) if content is not None]
    assert len(won) == 1
    assert store.read("raced").data == won[0]


def test_of_many_replaces_from_one_state_one_wins(store: BlobStore) -> None:
    store.create("raced", b"start")
    seen = store.read("raced").etag

    def replace(number: int) -> int | None:
        try:
            store.replace("raced", b"%d" % number, seen)
        except BlobChanged:
            return None
        return number

    with ThreadPoolExecutor(RACERS) as pool:
        won = [number for number in pool.map(replace, range(RACERS)) if number is not None]
    assert len(won) == 1
    assert store.read("raced").data == b"%d" % won[0]


def test_no_update_is_lost_when_many_count_at_once(store: BlobStore) -> None:
    store.create("count", b"0")

    def count(_: int) -> None:
        for _ in range(10):
            while True:
                blob = store.read("count")
                try:
                    store.replace("count", b"%d" % (int(blob.data) + 1), blob.etag)
                except BlobChanged:
                    continue
                break

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(count, range(6)))
    assert store.read("count").data == b"60"


def test_a_deleted_blob_is_gone_and_may_be_deleted_again(store: BlobStore) -> None:
    store.create("key", b"")
    info = info_of(store, "key")
    store.delete(info)
    store.delete(info)
    with pytest.raises(BlobNotFound):
        store.read("key")


def test_a_delete_in_an_empty_store_is_done(store: BlobStore) -> None:
    store.delete(BlobInfo(key="key", size=0, modified=datetime.now(UTC)))


def test_what_was_written_since_it_was_listed_is_not_deleted(store: BlobStore) -> None:
    store.create("key", b"bytes")
    listed = info_of(store, "key")
    store.touch("key")
    earlier = BlobInfo(key="key", size=listed.size, modified=listed.modified - timedelta(hours=1))
    with pytest.raises(BlobChanged, match="key"):
        store.delete(earlier)
    assert store.read("key").data == b"bytes"


def test_touch_makes_a_blob_young_and_keeps_its_bytes(store: BlobStore) -> None:
    store.create("key", b"bytes")
    created = info_of(store, "key").modified
    store.touch("key")
    assert info_of(store, "key").modified >= created
    assert abs(info_of(store, "key").modified - datetime.now(UTC)) < timedelta(minutes=1)
    assert store.read("key").data == b"bytes"


def test_list_finds_every_blob_below_a_folder_and_no_sibling(store: BlobStore) -> None:
    for key in ("m/a/1", "m/a/2/3", "m/ab/4", "m/a.json"):
        store.create(key, key.encode())
    assert {info.key: info.size for info in store.list("m/a")} == {"m/a/1": 5, "m/a/2/3": 7}
    assert {info.key for info in store.list("")} == {"m/a/1", "m/a/2/3", "m/ab/4", "m/a.json"}
    assert list(store.list("nowhere")) == []


def test_children_are_the_names_one_level_below(store: BlobStore) -> None:
    for key in ("m/a/1", "m/a/2/3", "m/ab/4", "m/a.json"):
        store.create(key, b"")
    assert sorted(store.children("m")) == ["a", "a.json", "ab"]
    assert list(store.children("")) == ["m"]
    assert list(store.children("m/nowhere")) == []


def test_an_empty_store_holds_nothing(store: BlobStore) -> None:
    assert list(store.list("")) == []
    assert list(store.children("")) == []


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/..", ".", "a/.hidden", "a\\b", "a\nb", "ä"]
)
def test_what_is_no_key_is_refused(store: BlobStore, key: str) -> None:
    with pytest.raises(UsageError, match="no key"):
        store.read(key)
    with pytest.raises(UsageError, match="no key"):
        store.create(key, b"")


def info_of(store: BlobStore, key: str) -> BlobInfo:
    return next(info for info in store.list("") if info.key == key)
