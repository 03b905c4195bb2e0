"""Signed releases and the store's policy from the command line, with keys made by nobody but the test."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.releases.keys import Pair, Publisher, write_pair, write_publisher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RISK = ("--name", "risk-scoring", "--store", "store", "--json")
RELEASE = ("risk-scoring:1", "--store", "store", "--json")


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return write_pair(tmp_path / "pair")


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return write_publisher(tmp_path / "publisher")


@pytest.fixture(scope="module")
def checked(legacy: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a graph and its proof, ready to be published."""
    folder = tmp_path_factory.mktemp("checked")
    options = ["--sample", str(legacy.sample), "--name", "draft", "--store", "drafts", "--out", "kept"]
    command = [sys.executable, "-m", "onnxport.cli.main", "export", str(legacy.booster), *options]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    return folder / "kept"


def test_an_export_is_signed_promoted_and_verified_with_the_public_key(
    legacy: Any, onnxport: Callable[..., Any], pair: Pair, tmp_path: Path
) -> None:
    policy = onnxport("policy", "--store", "store", "--key", pair.public, "--json")
    assert policy.document["policy"]["require_signature"]["public_keys"] == [pair.public.read_text()]
    arguments = ["export", legacy.booster, "--sample", legacy.sample, *RISK, "--alias", "production"]
    done = onnxport(*arguments, "--sign-with", pair.private)
    assert done.code == 0, done.err
    assert (done.document["signed"], done.document["alias"]) == (True, "production")
    verified = onnxport("verify", *RELEASE, "--key", pair.public)
    assert verified.code == 0, verified.err
    assert verified.document["signed_by"].startswith("key ")
    other = onnxport("verify", *RELEASE, "--key", write_pair(tmp_path / "other").public)
    assert (other.code, other.document["error"]["code"]) == (7, "integrity")


def test_standard_output_carries_the_result_alone(checked: Path, onnxport: Callable[..., Any], pair: Pair) -> None:
    arguments = ("--name", "risk-scoring", "--store", "store", "--sign-with", pair.private)
    assert onnxport("publish", checked, *arguments).out.startswith("published risk-scoring:1 ")
    assert onnxport("publish", checked, *arguments).out.startswith("was there already: risk-scoring:1 ")
    verified = onnxport("verify", "risk-scoring:1", "--store", "store", "--key", pair.public)
    assert verified.out.startswith("verified risk-scoring:1: 6 files, signed by key ")
    assert verified.out.count("\n") == 1


def test_a_certificate_signs_and_its_name_can_be_demanded(
    checked: Path, onnxport: Callable[..., Any], publisher: Publisher
) -> None:
    signing = (
        "--sign-with",
        publisher.private,
        "--certificate",
        publisher.certificate,
        "--chain",
        publisher.chain,
    )
    assert onnxport("publish", checked, *RISK, *signing).code == 0
    root = ("--certificate-chain", publisher.root)
    verified = onnxport("verify", *RELEASE, *root, "--identity", "release@example.com")
    assert verified.document["signed_by"] == "certificate of publisher, release@example.com"
    assert onnxport("verify", *RELEASE, *root, "--identity", "somebody@example.com").code == 7


def test_a_policy_stops_what_is_unsigned_until_it_is_lifted(
    checked: Path, onnxport: Callable[..., Any], pair: Pair
) -> None:
    assert onnxport("policy", "--store", "store", "--json").document["policy"]["require_signature"] is None
    assert onnxport("policy", "--store", "store", "--key", pair.public).code == 0
    published = onnxport("publish", checked, *RISK, "--alias", "production")
    assert published.code == 7
    assert "demands a signature: risk-scoring:1 is not signed" in published.document["error"]["message"]
    assert "--sign-with" in published.document["error"]["hint"]
    assert onnxport("promote", "risk-scoring:1", "production", "--store", "store").code == 7
    assert onnxport("verify", *RELEASE).code == 7
    signed = onnxport("publish", checked, *RISK, "--alias", "production", "--sign-with", pair.private)
    assert (signed.code, signed.document["version"]) == (0, 2)
    assert onnxport("policy", "--store", "store", "--allow-unsigned").code == 0
    assert onnxport("promote", "risk-scoring:1", "production", "--store", "store").code == 0


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("publish", "kept", *RISK, "--sign-with", "nowhere.pem"), "nowhere.pem"),
        (("publish", "kept", *RISK, "--certificate", "cert.pem", "--chain", "chain.pem"), "private key"),
        (("publish", "kept", *RISK, "--sign-with", "key.pem", "--chain", "chain.pem"), "go together"),
        (("verify", *RELEASE, "--identity", "somebody"), "nobody's signature would count"),
        (("verify", *RELEASE, "--key", "nowhere.pem"), "nowhere.pem"),
        (("policy", "--store", "store", "--json", "--allow-unsigned", "--key", "x.pem"), "--allow-unsigned"),
    ],
)
def test_half_a_demand_is_refused(onnxport: Callable[..., Any], command: tuple[str, ...], said: str) -> None:
    done = onnxport(*command)
    assert (done.code, done.document["error"]["code"]) == (2, "usage")
    assert said in done.document["error"]["message"]
