"""The example that a Node service copies serves what onnxport publishes: examples/node-serving, its own tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.storage.blob import ContainerClient

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "node-serving"


@pytest.fixture
def built() -> Path:
    """The example's compiled tests, newer than every source of them."""
    tests = EXAMPLE / "dist" / "test"
    sources = [*EXAMPLE.glob("src/*.ts"), *EXAMPLE.glob("test/*.ts")]
    compiled = {EXAMPLE / "dist" / source.relative_to(EXAMPLE).with_suffix(".js"): source for source in sources}
    stale = [
        source.name
        for target, source in compiled.items()
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime
    ]
    assert not stale, f"not compiled since the last change: {stale}; run `make parts`"
    return tests


def test_the_example_s_tests_hold_on_what_onnxport_published_to_blob_storage(
    built: Path,
    node: str,
    azurite: Any,
    legacy: Any,
    onnxport: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ContainerClient(azurite.url, "node-serving", credential=azurite.account_key) as container:
        container.create_container()
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.connection_string)
    store = "az://node-serving/prod"
    common = ("--sample", legacy.sample, "--store", store, "--alias", "production")
    win = ("export", legacy.bundle, "--allow-pickle", "--name", "win-probability", *common)
    for command in (
        win,
        (*win, "--clip", "0.05", "0.95"),
        ("export", legacy.booster, "--name", "risk-scoring", "--clip", "0", "1", *common),
        ("promote", "win-probability:1", "production", "--store", store),
        ("copy", "win-probability:1", "--store", store, "--to", "copies"),
        ("pull", "win-probability:1", "--store", store, "--out", "pulled"),
    ):
        done = onnxport(*command)
        assert done.code == 0, done.err
    environment = {
        **os.environ,
        "ONNXPORT_COMMAND": str(Path(sys.executable).with_name("onnxport")),
        "ONNXPORT_STORE": store,
        "ONNXPORT_FOLDER_STORE": str(Path("copies").resolve()),
        "ONNXPORT_PULLED": str(Path("pulled").resolve()),
    }
    command = [node, "--test", "--test-reporter=tap", *map(str, sorted(built.glob("*.test.js")))]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=200)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-3000:]
    assert "# fail 0" in ran.stdout
    assert int(ran.stdout.partition("# pass ")[2].split()[0]) >= 20, "tests are missing"
