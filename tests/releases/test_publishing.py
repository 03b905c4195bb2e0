"""From a draft to a release."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import IntegrityError, ParityFailed, ReleaseRef, UsageError, digest_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from onnxport.releases import Releases
    from onnxport.storage import BlobStore

REF = ReleaseRef(name="win-probability")


def keys(store: BlobStore) -> set[str]:
    return {info.key for info in store.list("")}


def test_a_draft_becomes_release_1_with_its_files_by_content(store: BlobStore, on: Any, draft: Any) -> None:
    release = on(store).publish(*draft(1))
    assert release.created
    assert release.manifest.model.version == 1
    assert {entry.name for entry in release.manifest.files} == {
        "model.onnx",
        "golden.json",
        "parity.html",
        "parity.json",
    }
    for entry in release.manifest.files:
        assert digest_bytes(store.read(f"win-probability/{entry.path}").data) == entry.sha256
    assert release.manifest.digest == digest_bytes(b"graph 1")


def test_the_manifest_that_is_read_is_the_one_that_was_answered(store: BlobStore, on: Any, draft: Any) -> None:
    release = on(store).publish(*draft(1))
    assert on(store).resolve(REF) == release.manifest


def test_the_next_release_is_2(releases: Releases, draft: Callable[..., Any]) -> None:
    assert [releases.publish(*draft(seed)).manifest.model.version for seed in (1, 2)] == [1, 2]


def test_the_same_source_and_graph_again_is_the_release_that_is_there(releases: Releases, draft: Any) -> None:
    first = releases.publish(*draft(1))
    releases.publish(*draft(2))
    before = keys(releases.store)
    draft_again, files = draft(1)
    again = releases.publish(draft_again, {**files, "parity.html": b"<p>another page</p>"})
    assert again.manifest == first.manifest
    assert not again.created
    assert keys(releases.store) == before


def test_the_same_graph_of_another_source_is_another_release(releases: Releases, draft: Any) -> None:
    releases.publish(*draft(1))
    assert releases.publish(*draft(1, source=2)).manifest.model.version == 2


def test_a_file_on_disk_is_published_as_its_bytes(store: BlobStore, on: Any, draft: Any, tmp_path: Path) -> None:
    made, files = draft(1)
    (tmp_path / "model.onnx").write_bytes(files["model.onnx"])
    release = on(store).publish(made, {**files, "model.onnx": tmp_path / "model.onnx"})
    assert store.read(f"win-probability/objects/{release.manifest.digest}").data == files["model.onnx"]


def test_a_graph_that_was_not_checked_is_refused_before_anything_is_written(
    releases: Releases, draft: Any
) -> None:
    made, files = draft(1)
    with pytest.raises(IntegrityError, match=r"model\.onnx"):
        releases.publish(made, {**files, "model.onnx": b"another graph"})
    assert not keys(releases.store)


def test_a_failed_report_makes_no_draft(draft: Any) -> None:
    made, _ = draft(1)
    verdict = made.report.verdicts[0].model_copy(update={"passed": False})
    failed = made.report.model_copy(update={"passed": False, "verdicts": (verdict,)})
    with pytest.raises(ParityFailed, match="win-probability"):
        type(made)(name=made.name, conversion=made.conversion, report=failed, tool=made.tool)


def test_a_report_about_another_graph_makes_no_draft(draft: Any) -> None:
    made, _ = draft(1)
    other, _ = draft(2)
    with pytest.raises(ParityFailed, match="another graph"):
        type(made)(name=made.name, conversion=made.conversion, report=other.report, tool=made.tool)


@pytest.mark.parametrize("name", ["../escape", "..", "a/b", "manifest.json", "", ".hidden", "a\\b", "a\0b"])
def test_a_file_that_no_release_can_hold_is_refused(releases: Releases, draft: Any, name: str) -> None:
    made, files = draft(1)
    with pytest.raises(UsageError, match="cannot name a file"):
        releases.publish(made, {**files, name: b""})
    assert not keys(releases.store)


@pytest.mark.parametrize("name", ["../escape", "a..b", "a/b", "", "UPPER", "-a", "a" * 101])
def test_a_name_that_no_model_can_have_makes_no_draft(draft: Any, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a model"):
        draft(1, name=name)


def test_without_a_graph_nothing_is_published(releases: Releases, draft: Any) -> None:
    made, files = draft(1)
    del files["model.onnx"]
    with pytest.raises(UsageError, match=r"model\.onnx"):
        releases.publish(made, files)


def test_a_damaged_object_in_the_store_is_not_published_upon(releases: Releases, draft: Any) -> None:
    made, files = draft(1)
    key = f"win-probability/objects/{made.conversion.sha256}"
    releases.store.create(key, b"damaged")
    with pytest.raises(IntegrityError, match=r"model\.onnx"):
        releases.publish(made, files)
    assert keys(releases.store) == {key}


def test_a_damaged_release_does_not_keep_a_good_one_from_being_published(releases: Releases, draft: Any) -> None:
    releases.publish(*draft(1))
    key = "win-probability/releases/1/manifest.json"
    blob = releases.store.read(key)
    releases.store.replace(key, blob.data.replace(b"tester", b"Tester"), blob.etag)
    again = releases.publish(*draft(1))
    assert again.created
    assert again.manifest.model.version == 2


class Meanwhile:
    """A store on which something else happens right after the first object was created."""

    def __init__(self, store: Any, happens: Callable[[], object]) -> None:
        self._store, self._happens = store, happens
        self.url = store.url

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def create(self, key: str, *rest: Any) -> None:
        self._store.create(key, *rest)
        happens, self._happens = self._happens, lambda: None
        happens()


def test_a_rival_that_publishes_the_same_meanwhile_is_found_behind_others(
    releases: Releases, on: Any, draft: Any
) -> None:
    def rival() -> None:
        assert releases.publish(*draft(1)).created
        assert releases.publish(*draft(2)).created

    release = on(Meanwhile(releases.store, rival)).publish(*draft(1))
    assert (release.created, release.manifest.model.version) == (False, 1)
    assert [one.version for one in releases.releases("win-probability")] == [2, 1]


class Garbling:
    """A store that is sent other bytes than those whose digest was taken."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.url = store.url

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def create(self, key: str, data: bytes, *rest: Any) -> None:
        self._store.create(key, data.replace(b"graph", b"other") if "/objects/" in key else data, *rest)


def test_a_file_that_changes_while_it_is_sent_is_not_published_and_not_left_behind(
    releases: Releases, on: Any, draft: Any
) -> None:
    with pytest.raises(IntegrityError, match=r"model\.onnx"):
        on(Garbling(releases.store)).publish(*draft(1))
    assert not keys(releases.store)
    assert releases.publish(*draft(1)).created


def test_progress_is_told_of_every_file(releases: Releases, draft: Any) -> None:
    steps: list[tuple[str, int, int | None]] = []

    class Watching:
        def step(self, name: str, done: int, total: int | None) -> None:
            steps.append((name, done, total))

    watched = replace(releases, progress=Watching())
    for entry in watched.publish(*draft(1)).manifest.files:
        assert (f"upload {entry.name}", entry.size, entry.size) in steps
        assert (f"verify {entry.name}", entry.size, entry.size) in steps


def test_a_file_that_cannot_be_read_is_named(releases: Releases, draft: Any, tmp_path: Path) -> None:
    made, files = draft(1)
    with pytest.raises(UsageError, match="nowhere"):
        releases.publish(made, {**files, "parity.html": tmp_path / "nowhere"})
    assert not keys(releases.store)
