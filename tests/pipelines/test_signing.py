"""Signed releases and the store's policy from the command line, with keys made by nobody but the test."""

from __future__ import annotations

import json
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


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("keys") / "pair")


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return write_publisher(tmp_path / "publisher")


def run(folder: Path, *arguments: object) -> dict[str, Any]:
    """What the command line says, in a process of its own."""
    command = [sys.executable, "-m", "onnxport.cli.main", *map(str, arguments), "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.fixture(scope="module")
def exported(legacy: Any, pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A signed export to a store that demands it, with its folder kept; and what it said."""
    folder = tmp_path_factory.mktemp("exported")
    run(folder, "policy", "--store", "store", "--key", pair.public)
    options = ["--name", "risk-scoring", "--store", "store", "--alias", "production", "--out", "kept"]
    signed = ["--sign-with", pair.private]
    return folder, run(folder, "export", legacy.booster, "--sample", legacy.sample, *options, *signed)


@pytest.fixture
def checked(exported: tuple[Path, dict[str, Any]]) -> Path:
    """A folder with a graph and its proof, ready to be published."""
    return exported[0] / "kept"


def test_an_export_is_signed_promoted_and_verified_with_the_public_key(
    exported: tuple[Path, dict[str, Any]], onnxport: Callable[..., Any], pair: Pair, tmp_path: Path
) -> None:
    folder, said = exported
    assert (said["signed"], said["alias"], said["created"]) == (True, "production", True)
    store = ("--store", folder / "store", "--json")
    demanded = onnxport("policy", *store).document["policy"]["require_signature"]
    assert demanded["public_keys"] == [pair.public.read_text()]
    verified = onnxport("verify", "risk-scoring@production", *store, "--key", pair.public)
    assert verified.code == 0, verified.err
    assert verified.document["signed_by"].startswith("key ")
    other = onnxport("verify", "risk-scoring:1", *store, "--key", write_pair(tmp_path / "other").public)
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
