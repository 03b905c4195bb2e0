"""A signature is of one release, by one publisher, and whoever has the store alone can check it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from onnxport.artifacts import IntegrityError, ReleaseRef, UsageError, canonical_json, digest_bytes
from onnxport.releases import Releases, open_signer, read_trust

from tests.releases.keys import Pair, Publisher, write_pair, write_publisher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = "win-probability"
FIRST = ReleaseRef(name=NAME, version=1)
SECOND = ReleaseRef(name=NAME, version=2)
SIGNING = ("statement.json", "signature.json")


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return write_pair(tmp_path / "pair")


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return write_publisher(tmp_path / "publisher")


@pytest.fixture
def signing(releases: Releases, pair: Pair) -> Releases:
    """Releases in memory, signed with the pair."""
    return replace(releases, signer=open_signer(pair.private))


def trust(pair: Pair) -> Any:
    return read_trust([pair.public], [], [])


def change(releases: Releases, alter: Callable[[dict[str, Any]], object], version: int = 1) -> None:
    """The manifest is changed by somebody who may write the store and knows how its checksum is made."""
    key = f"{NAME}/releases/{version}/manifest.json"
    blob = releases.store.read(key)
    document = json.loads(blob.data)
    del document["checksum"]
    alter(document)
    releases.store.replace(
        key, canonical_json({**document, "checksum": digest_bytes(canonical_json(document))}), blob.etag
    )


def assert_refused(releases: Releases, pair: Pair, said: str, ref: ReleaseRef = FIRST) -> None:
    with pytest.raises(IntegrityError, match=said):
        releases.verify(ref, trust(pair))


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
def test_what_was_signed_with_a_key_verifies_with_its_public_half(
    releases: Releases, draft: Any, tmp_path: Path, curve: ec.EllipticCurve
) -> None:
    pair = write_pair(tmp_path / "keys", curve)
    release = replace(releases, signer=open_signer(pair.private)).publish(*draft(1))
    assert {entry.name for entry in release.manifest.files} >= {*SIGNING}
    verified = releases.verify(FIRST, trust(pair))
    assert verified.signed_by is not None
    assert verified.signed_by.startswith("key ")


def test_a_verifier_who_demands_nothing_needs_no_key(signing: Releases, draft: Any) -> None:
    signing.publish(*draft(1))
    assert signing.verify(FIRST).signed_by is None


def test_another_key_is_named_and_refused(signing: Releases, draft: Any, tmp_path: Path) -> None:
    signing.publish(*draft(1))
    other = write_pair(tmp_path / "other")
    assert_refused(signing, other, "win-probability:1: signature.json: signed with the key [0-9a-f]{64}")


def test_any_of_several_keys_will_do(signing: Releases, draft: Any, pair: Pair, tmp_path: Path) -> None:
    signing.publish(*draft(1))
    other = write_pair(tmp_path / "other")
    assert signing.verify(FIRST, read_trust([other.public, pair.public], [], [])).signed_by


def test_a_signature_that_only_claims_the_key_is_refused(
    releases: Releases, draft: Any, pair: Pair, tmp_path: Path
) -> None:
    """Somebody signs with a key of their own and writes the hash of ours beside it."""
    thief = open_signer(write_pair(tmp_path / "thief").private)
    replace(releases, signer=thief).publish(*draft(1))
    honest = open_signer(pair.private).material

    def claim(document: dict[str, Any]) -> None:
        entry = next(entry for entry in document["files"] if entry["name"] == "signature.json")
        bundle = json.loads(releases.store.read(f"{NAME}/{entry['path']}").data)
        data = json.dumps({**bundle, "verificationMaterial": honest}).encode()
        digest = digest_bytes(data)
        releases.store.create(f"{NAME}/objects/{digest}", data)
        entry.update(path=f"objects/{digest}", sha256=digest, size=len(data))

    change(releases, claim)
    assert_refused(releases, pair, "the signature does not hold")


def test_an_unsigned_release_is_refused(releases: Releases, draft: Any, pair: Pair) -> None:
    releases.publish(*draft(1))
    assert_refused(releases, pair, "win-probability:1 is not signed")


@pytest.mark.parametrize("name", ["model.onnx", "parity.json", "parity.html", "golden.json", *SIGNING])
def test_a_changed_file_is_found(signing: Releases, draft: Any, pair: Pair, name: str) -> None:
    signing.publish(*draft(1))
    key = f"{NAME}/{signing.resolve(FIRST).file(name).path}"
    blob = signing.store.read(key)
    signing.store.replace(key, blob.data[:-1] + bytes([blob.data[-1] ^ 1]), blob.etag)
    assert_refused(signing, pair, name)


def test_a_file_put_in_another_s_place_is_found_though_the_manifest_agrees(
    signing: Releases, draft: Any, pair: Pair
) -> None:
    signing.publish(*draft(1))
    page = signing.publish(*draft(2)).manifest.file("parity.html").model_dump()

    def swap(document: dict[str, Any]) -> None:
        document["files"] = [page if entry["name"] == "parity.html" else entry for entry in document["files"]]

    change(signing, swap)
    assert_refused(signing, pair, r"the signature is not over these files: parity\.html$")


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("signature", "inputs", 0, "name"), "another column"),
        (("source", "uri"), "another source"),
        (("parity", "worst"), 1e-9),
        (("provenance", "created_by"), "somebody else"),
        (("later", "field"), "that this version does not know"),
    ],
)
def test_a_change_of_the_manifest_alone_is_found(
    signing: Releases, draft: Any, pair: Pair, where: tuple[Any, ...], value: object
) -> None:
    signing.publish(*draft(1))

    def alter(document: dict[str, Any]) -> None:
        inner: Any = document
        for step in where[:-1]:
            inner = inner.setdefault(step, {}) if isinstance(inner, dict) else inner[step]
        inner[where[-1]] = value

    change(signing, alter)
    assert_refused(signing, pair, "statement.json: another release was signed")


def test_a_file_that_nobody_signed_is_found(signing: Releases, draft: Any, pair: Pair) -> None:
    signing.publish(*draft(1))
    signing.store.create(f"{NAME}/objects/{digest_bytes(b'more')}", b"more")
    digest = digest_bytes(b"more")
    entry = {"name": "more.txt", "path": f"objects/{digest}", "size": 4, "sha256": digest}
    change(signing, lambda document: document["files"].append(entry))
    assert_refused(signing, pair, r"not over these files: more\.txt$")


def test_a_signature_is_of_no_other_release(signing: Releases, draft: Any, pair: Pair) -> None:
    proof = [signing.publish(*draft(1)).manifest.file(name).model_dump() for name in SIGNING]
    replace(signing, signer=None).publish(*draft(2))
    change(signing, lambda document: document["files"].extend(proof), version=2)
    assert_refused(signing, pair, r"not over these files: model\.onnx, parity", SECOND)


def test_a_signature_is_of_no_other_version_and_no_other_model(signing: Releases, draft: Any, pair: Pair) -> None:
    """The whole release under another number, or another name: the files are those that were signed."""
    signing.publish(*draft(1))
    document = json.loads(signing.store.read(f"{NAME}/releases/1/manifest.json").data)
    del document["checksum"]
    for model, version in ((NAME, 2), ("other", 1)):
        moved = {**document, "model": {"name": model, "version": version}}
        data = canonical_json({**moved, "checksum": digest_bytes(canonical_json(moved))})
        signing.store.create(f"{model}/releases/{version}/manifest.json", data)
        if model != NAME:
            for entry in document["files"]:
                signing.store.create(
                    f"{model}/{entry['path']}", signing.store.read(f"{NAME}/{entry['path']}").data
                )
        with pytest.raises(IntegrityError, match="another release was signed"):
            signing.verify(ReleaseRef(name=model, version=version), trust(pair))


def test_publishing_again_with_the_same_key_is_a_no_op(signing: Releases, draft: Any) -> None:
    first = signing.publish(*draft(1))
    again = signing.publish(*draft(1))
    assert first.created
    assert not again.created
    assert again.manifest == first.manifest
    assert not replace(signing, signer=None).publish(*draft(1)).created


def test_an_unsigned_release_is_published_anew_for_a_key(signing: Releases, draft: Any, pair: Pair) -> None:
    assert replace(signing, signer=None).publish(*draft(1)).created
    signed = signing.publish(*draft(1))
    assert signed.created
    assert signed.manifest.model.version == 2
    assert signing.verify(SECOND, trust(pair)).signed_by


class Overtaken:
    """A store in which somebody else takes the first number right before us."""

    def __init__(self, store: Any, rival: Callable[[], object]) -> None:
        self._store, self._rival = store, rival
        self.url = store.url

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def create(self, key: str, *rest: Any) -> None:
        if key.endswith("/releases/1/manifest.json"):
            self._rival()
        self._store.create(key, *rest)


def test_a_release_that_lost_its_number_is_signed_for_the_next_one(
    signing: Releases, draft: Any, pair: Pair
) -> None:
    rival = replace(signing, signer=None)
    store: Any = Overtaken(signing.store, lambda: rival.publish(*draft(2)))
    assert replace(signing, store=store).publish(*draft(1)).manifest.model.version == 2
    assert signing.verify(SECOND, trust(pair)).signed_by


def test_a_copy_in_another_store_verifies(signing: Releases, draft: Any, pair: Pair, on: Any) -> None:
    from onnxport.storage import MemoryStore

    signing.publish(*draft(1))
    target = on(MemoryStore())
    signing.copy(FIRST, target)
    assert target.verify(FIRST, trust(pair)).signed_by


def test_the_library_alone_verifies_a_pulled_release(
    signing: Releases, draft: Any, pair: Pair, tmp_path: Path
) -> None:
    """As `model_signing verify key` does: nothing of onnxport in between."""
    from model_signing import hashing, verifying

    signing.publish(*draft(1))
    out = tmp_path / "pulled"
    signing.pull(FIRST, out)

    def verify() -> None:
        files = hashing.Config().set_ignored_paths(paths=[out / "manifest.json", out / "signature.json"])
        config = verifying.Config().use_elliptic_key_verifier(public_key=pair.public).set_hashing_config(files)
        config.verify(out, out / "signature.json")

    verify()
    (out / "golden.json").write_bytes(b"{}")
    with pytest.raises(ValueError, match=r"Hash mismatch for .*golden\.json"):
        verify()


def test_certificates_lead_to_a_root_and_carry_a_name(
    releases: Releases, draft: Any, publisher: Publisher, tmp_path: Path
) -> None:
    signer = open_signer(publisher.private, publisher.certificate, publisher.chain)
    replace(releases, signer=signer).publish(*draft(1))
    for names in ([], ["release@example.com"], ["publisher"], ["nobody", "publisher"]):
        signed_by = releases.verify(FIRST, read_trust([], [publisher.root], names)).signed_by
        assert signed_by == "certificate of publisher, release@example.com"
    with pytest.raises(IntegrityError, match=r"certificate of publisher, release@example\.com, which is none"):
        releases.verify(FIRST, read_trust([], [publisher.root], ["other@example.com"]))
    other = write_publisher(tmp_path / "other")
    with pytest.raises(IntegrityError, match="the signature does not hold"):
        releases.verify(FIRST, read_trust([], [other.root], ["publisher"]))
    with pytest.raises(IntegrityError, match="only the signatures of keys count"):
        releases.verify(FIRST, trust(write_pair(tmp_path / "pair")))
    assert not replace(releases, signer=signer).publish(*draft(1)).created


def test_what_is_no_key_of_ours_is_refused_before_anything_is_done(
    pair: Pair, publisher: Publisher, tmp_path: Path
) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("no key")
    small = write_pair(tmp_path / "small", ec.SECP256K1())
    for path in (nonsense, tmp_path / "nowhere.pem", pair.public, small.private):
        with pytest.raises(UsageError, match=f"cannot sign with {path}"):
            open_signer(path)
    with pytest.raises(UsageError, match="does not match"):
        open_signer(pair.private, publisher.certificate, publisher.chain)
    with pytest.raises(UsageError, match="go together"):
        open_signer(publisher.private, publisher.certificate)
    for path in (nonsense, tmp_path / "nowhere.pem", pair.private, small.public):
        with pytest.raises(UsageError, match=str(path)):
            read_trust([path], [], [])
    with pytest.raises(UsageError, match="holds no certificate"):
        read_trust([], [nonsense], [])
    with pytest.raises(UsageError, match="nobody's signature would count"):
        read_trust([pair.public], [], ["publisher"])


def test_the_names_of_statement_and_signature_are_taken(releases: Releases, draft: Any) -> None:
    made, files = draft(1)
    for name in SIGNING:
        with pytest.raises(UsageError, match=f"{name} is made when a release is signed"):
            releases.publish(made, {**files, name: b"{}"})


def test_without_the_extra_one_line_says_what_to_install(
    releases: Releases, draft: Any, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases.publish(*draft(1))
    monkeypatch.setitem(sys.modules, "model_signing", None)
    with pytest.raises(UsageError) as raised:
        open_signer(pair.private)
    assert "pip install 'onnxport[sign]'" in raised.value.message
    assert "\n" not in raised.value.message


def test_the_library_loads_only_when_something_is_signed() -> None:
    code = "import onnxport.releases, sys; print('model_signing' in sys.modules, 'cryptography' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
