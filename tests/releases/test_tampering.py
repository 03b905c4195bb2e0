"""Whatever is changed in a store, verify and pull say so and name it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import IntegrityError, ReleaseRef, UsageError, canonical_json, digest_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from onnxport.releases import Releases

NAME = "win-probability"
FIRST = ReleaseRef(name=NAME, version=1)
MANIFEST = f"{NAME}/releases/1/manifest.json"
ALIAS = f"{NAME}/aliases/production.json"
PRODUCTION = ReleaseRef(name=NAME, alias="production")


@pytest.fixture
def two(releases: Releases, draft: Any) -> Releases:
    """Two releases, `production` at the first."""
    for seed in (1, 2):
        releases.publish(*draft(seed))
    releases.promote(FIRST, "production")
    return releases


def rewrite(releases: Releases, key: str, data: bytes) -> None:
    releases.store.replace(key, data, releases.store.read(key).etag)


def reseal(releases: Releases, change: Callable[[dict[str, Any]], object], key: str = MANIFEST) -> None:
    """The manifest is changed by somebody who knows how its checksum is made."""
    document = json.loads(releases.store.read(key).data)
    del document["checksum"]
    change(document)
    sealed = {**document, "checksum": digest_bytes(canonical_json(document))}
    rewrite(releases, key, canonical_json(sealed))


def assert_found(releases: Releases, out: Path, said: str, ref: ReleaseRef = FIRST) -> None:
    with pytest.raises(IntegrityError, match=said):
        releases.verify(ref)
    with pytest.raises(IntegrityError, match=said):
        releases.pull(ref, out)
    assert not (out / "manifest.json").exists()


def test_a_whole_release_verifies_with_all_its_files(two: Releases) -> None:
    verified = two.verify(FIRST)
    assert {entry.name for entry in verified.files} == {"model.onnx", "parity.json", "parity.html", "golden.json"}
    assert verified.manifest == two.resolve(FIRST)


def test_no_change_of_a_byte_of_the_manifest_is_missed(two: Releases) -> None:
    whole = two.store.read(MANIFEST).data
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1
        rewrite(two, MANIFEST, bytes(changed))
        with pytest.raises(IntegrityError, match="releases/1/manifest"):
            two.resolve(FIRST)


@pytest.mark.parametrize("name", ["model.onnx", "parity.json", "parity.html", "golden.json"])
def test_no_change_of_a_byte_of_a_file_is_missed(two: Releases, tmp_path: Path, name: str) -> None:
    entry = two.resolve(FIRST).file(name)
    key = f"{NAME}/{entry.path}"
    whole = two.store.read(key).data
    for position in sorted({*range(0, len(whole), 97), len(whole) - 1}):
        changed = bytearray(whole)
        changed[position] ^= 1
        rewrite(two, key, bytes(changed))
        assert_found(two, tmp_path, name)


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"\n", lambda _: b""])
@pytest.mark.parametrize("name", ["model.onnx", "parity.json", "parity.html", "golden.json"])
def test_a_file_that_was_cut_or_grew_is_found(two: Releases, tmp_path: Path, name: str, change: Any) -> None:
    key = f"{NAME}/{two.resolve(FIRST).file(name).path}"
    rewrite(two, key, change(two.store.read(key).data))
    assert_found(two, tmp_path, rf"{name}.* bytes, its manifest says")


@pytest.mark.parametrize("name", ["model.onnx", "parity.json", "parity.html", "golden.json"])
def test_a_file_that_is_missing_is_found(two: Releases, tmp_path: Path, name: str) -> None:
    key = f"{NAME}/{two.resolve(FIRST).file(name).path}"
    two.store.delete(next(info for info in two.store.list(NAME) if info.key == key))
    assert_found(two, tmp_path, rf"{name}.* is not in")


def test_files_that_were_swapped_between_releases_are_found(two: Releases, tmp_path: Path) -> None:
    first, second = (f"{NAME}/objects/{two.resolve(ReleaseRef(name=NAME, version=n)).digest}" for n in (1, 2))
    one, other = two.store.read(first).data, two.store.read(second).data
    rewrite(two, first, other)
    rewrite(two, second, one)
    assert_found(two, tmp_path, r"model\.onnx")


def test_a_manifest_of_another_release_is_found(two: Releases, tmp_path: Path) -> None:
    rewrite(two, MANIFEST, two.store.read(f"{NAME}/releases/2/manifest.json").data)
    assert_found(two, tmp_path, "manifest of win-probability:2, not of win-probability:1")


def test_entries_that_were_swapped_in_a_resealed_manifest_are_found(two: Releases, tmp_path: Path) -> None:
    def swap(document: dict[str, Any]) -> None:
        graph, page = (
            next(entry for entry in document["files"] if entry["name"] == name)
            for name in ("model.onnx", "parity.html")
        )
        graph["name"], page["name"] = page["name"], graph["name"]

    reseal(two, swap)
    with pytest.raises(IntegrityError, match=r"parity\.json is no proof"):
        two.verify(FIRST)
    with pytest.raises(IntegrityError, match="aliases/production"):
        two.pull(PRODUCTION, tmp_path)


def test_a_wrong_size_in_a_resealed_manifest_is_found(two: Releases, tmp_path: Path) -> None:
    reseal(two, lambda document: document["files"][0].update(size=3))
    assert_found(two, tmp_path, r"model\.onnx.*more than 3 bytes")


@pytest.mark.parametrize(
    "name", ["../../evil", "..", "a/b", "/etc/passwd", "a\\b", "manifest.json", "nul\0", ".ssh"]
)
def test_a_file_name_that_leads_elsewhere_is_refused(two: Releases, tmp_path: Path, name: str) -> None:
    reseal(two, lambda document: document["files"][1].update(name=name))
    out = tmp_path / "deep" / "out"
    assert_found(two, out, "releases/1/manifest.json")
    assert not list(tmp_path.rglob("*"))


def test_a_path_that_leads_elsewhere_is_refused(two: Releases, tmp_path: Path) -> None:
    reseal(two, lambda document: document["files"][0].update(path="../other/objects/x"))
    assert_found(two, tmp_path, "releases/1/manifest.json")


def test_a_file_named_twice_is_refused(two: Releases, tmp_path: Path) -> None:
    reseal(two, lambda document: document["files"].append(document["files"][0]))
    assert_found(two, tmp_path, r"releases/1/manifest\.json names a file 'model\.onnx'")


def test_a_manifest_without_proof_is_refused(two: Releases, tmp_path: Path) -> None:
    reseal(two, lambda document: document["parity"].update(passed=False))
    assert_found(two, tmp_path, "releases/1/manifest.json")


def test_a_manifest_of_a_newer_format_is_refused_and_says_so(two: Releases, tmp_path: Path) -> None:
    reseal(two, lambda document: document.update(schema_version=2))
    assert_found(two, tmp_path, "newer")


def test_unknown_fields_survive(two: Releases) -> None:
    reseal(two, lambda document: document.update(future={"a": [1, "ü"]}))
    manifest = two.verify(FIRST).manifest
    assert manifest.model_extra is not None
    assert manifest.model_extra["future"] == {"a": [1, "ü"]}


def test_an_alias_at_a_version_that_is_missing_is_found(two: Releases, tmp_path: Path) -> None:
    two.store.delete(next(info for info in two.store.list(NAME) if info.key == MANIFEST))
    assert_found(two, tmp_path, r"aliases/production\.json points at win-probability:1", PRODUCTION)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"version": 1', b'"version": 2'),
        (b'"to_version": 1', b'"to_version": 2'),
        (b'"model": "win', b'"model": "won'),
        (b'"alias": "production"', b'"alias": "producti0n"'),
        (b'"sequence": 1', b'"sequence": 2'),
        (b'"digest": "', b'"digest": "0'),
        (b"{", b"["),
    ],
)
def test_an_alias_that_was_changed_is_found(two: Releases, tmp_path: Path, old: bytes, new: bytes) -> None:
    data = two.store.read(ALIAS).data
    assert old in data
    rewrite(two, ALIAS, data.replace(old, new, 1))
    assert_found(two, tmp_path, "aliases/production", PRODUCTION)


def test_an_alias_that_was_turned_to_another_release_as_a_whole_is_found(two: Releases, tmp_path: Path) -> None:
    data = two.store.read(ALIAS).data
    rewrite(
        two, ALIAS, data.replace(b'"version": 1', b'"version": 2').replace(b'"to_version": 1', b'"to_version": 2')
    )
    assert_found(two, tmp_path, "aliases/production.json says", PRODUCTION)


@pytest.mark.parametrize("name", ["../up", "a/b", "", "win..probability"])
def test_a_reference_that_leads_elsewhere_is_no_reference(two: Releases, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name"):
        two.pull(ReleaseRef(name=name, version=1), tmp_path)
    with pytest.raises(UsageError, match="cannot name"):
        two.verify(ReleaseRef(name=NAME, alias=name))


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"\n}\n", b"\n}"), (b"{\n", b"{\n\n"), (b"  ", b"\t"), (b"}\n", b"}\n\n"), (b"{", b'{"checksum": "",')],
)
def test_a_manifest_that_says_the_same_in_other_bytes_is_found(
    two: Releases, tmp_path: Path, old: bytes, new: bytes
) -> None:
    rewrite(two, MANIFEST, two.store.read(MANIFEST).data.replace(old, new, 1))
    assert_found(two, tmp_path, "releases/1/manifest.json was changed")


@pytest.mark.parametrize(("name", "said"), [("model.onnx", "names no model"), ("parity.json", "has no parity")])
def test_a_release_without_its_graph_or_its_proof_is_found(two: Releases, name: str, said: str) -> None:
    reseal(
        two,
        lambda document: document.update(files=[entry for entry in document["files"] if entry["name"] != name]),
    )
    with pytest.raises(IntegrityError, match=said):
        two.verify(FIRST)
