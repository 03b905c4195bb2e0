"""A release as files in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import IntegrityError, Manifest, ReleaseRef, UsageError
from onnxport.storage import MemoryStore

if TYPE_CHECKING:
    from pathlib import Path

    from onnxport.releases import Releases

NAME = "win-probability"
FIRST = ReleaseRef(name=NAME, version=1)


class Counting:
    """A store that writes down what is asked of it."""

    def __init__(self) -> None:
        self._store = MemoryStore()
        self.url = self._store.url
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._store, name)

        def counted(*arguments: Any) -> Any:
            self.asked.append(f"{name} {arguments[0]}")
            return operation(*arguments)

        return counted


@pytest.fixture
def releases(on: Any, draft: Any) -> Releases:
    """Release 1 on a store that counts."""
    found: Releases = on(Counting())
    found.publish(*draft(1))
    found.promote(FIRST, "production")
    return found


def test_a_pulled_folder_holds_every_file_and_the_manifest(releases: Any, draft: Any, tmp_path: Path) -> None:
    manifest = releases.pull(FIRST, tmp_path / "deep" / "out")
    out = tmp_path / "deep" / "out"
    assert {path.name for path in out.iterdir()} == {entry.name for entry in manifest.files} | {"manifest.json"}
    assert (out / "model.onnx").read_bytes() == draft(1)[1]["model.onnx"]
    assert Manifest.parse((out / "manifest.json").read_bytes(), name="manifest.json") == manifest


def test_the_pulled_manifest_is_the_stored_one_byte_for_byte(releases: Any, tmp_path: Path) -> None:
    releases.pull(FIRST, tmp_path)
    stored = releases.store.read(f"{NAME}/releases/1/manifest.json").data
    assert (tmp_path / "manifest.json").read_bytes() == stored


def test_with_a_cache_a_second_pull_costs_one_manifest_read(releases: Any, tmp_path: Path) -> None:
    releases.pull(FIRST, tmp_path / "one", tmp_path / "cache")
    releases.store.asked.clear()
    releases.pull(FIRST, tmp_path / "two", tmp_path / "cache")
    assert releases.store.asked == [f"read {NAME}/releases/1/manifest.json"]
    assert (tmp_path / "two" / "model.onnx").read_bytes() == (tmp_path / "one" / "model.onnx").read_bytes()


def test_a_pull_over_the_same_release_fetches_nothing(releases: Any, tmp_path: Path) -> None:
    releases.pull(FIRST, tmp_path)
    releases.store.asked.clear()
    releases.pull(FIRST, tmp_path)
    assert releases.store.asked == [f"read {NAME}/releases/1/manifest.json"]


def test_a_damaged_cache_is_not_trusted(releases: Any, draft: Any, tmp_path: Path) -> None:
    manifest = releases.pull(FIRST, tmp_path / "one", tmp_path / "cache")
    (tmp_path / "cache" / manifest.digest).write_bytes(b"x" * manifest.file("model.onnx").size)
    releases.pull(FIRST, tmp_path / "two", tmp_path / "cache")
    assert (tmp_path / "two" / "model.onnx").read_bytes() == draft(1)[1]["model.onnx"]


def test_a_pull_over_another_release_replaces_its_files(releases: Any, draft: Any, tmp_path: Path) -> None:
    releases.publish(*draft(2))
    releases.pull(FIRST, tmp_path)
    releases.pull(ReleaseRef(name=NAME), tmp_path)
    assert (tmp_path / "model.onnx").read_bytes() == draft(2)[1]["model.onnx"]


def test_a_pull_that_fails_leaves_no_file_of_that_name_and_no_manifest(releases: Any, tmp_path: Path) -> None:
    manifest = releases.pull(FIRST, tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"something old")
    key = f"{NAME}/objects/{manifest.digest}"
    releases.store.replace(key, b"x" * manifest.file("model.onnx").size, releases.store.read(key).etag)
    with pytest.raises(IntegrityError, match=r"model\.onnx"):
        releases.pull(FIRST, tmp_path)
    assert not (tmp_path / "manifest.json").exists()
    assert (tmp_path / "model.onnx").read_bytes() == b"something old"
    assert not list(tmp_path.glob(".*"))


def test_a_folder_that_cannot_be_written_is_named(releases: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="file"):
        releases.pull(FIRST, tmp_path / "file" / "out")


def test_progress_is_told_of_every_byte(releases: Any, tmp_path: Path) -> None:
    steps: list[tuple[str, int, int | None]] = []

    class Watching:
        def step(self, name: str, done: int, total: int | None) -> None:
            steps.append((name, done, total))

    watched = type(releases)(store=releases.store, clock=releases.clock, actor=releases.actor, progress=Watching())
    manifest = watched.pull(FIRST, tmp_path)
    size = manifest.file("model.onnx").size
    assert ("pull model.onnx", size, size) in steps
