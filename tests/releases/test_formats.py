"""What was written once reads for ever: a store of each format version stands here as it was written.

Never change a fixture. A new format gets a folder of its own, and the old ones stay.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from onnxport.artifacts import Golden, ReleaseRef
from onnxport.releases import Releases
from onnxport.storage import StoreAccess, open_store
from onnxport.validation import open_graph, replay_golden

FORMATS = sorted(path for path in (Path(__file__).parent / "formats").iterdir() if path.is_dir())


@pytest.fixture(params=FORMATS, ids=lambda path: f"format {path.name}")
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Releases:
    """The store of a format version, copied."""
    folder = shutil.copytree(request.param / "store", tmp_path / "store")
    store = open_store(str(folder), StoreAccess())
    return Releases(store=store, clock=lambda: datetime(2030, 1, 1, tzinfo=UTC), actor="reader")


def test_a_release_of_every_format_verifies(old: Releases) -> None:
    for name in old.models():
        for release in old.releases(name):
            manifest = old.verify(ReleaseRef(name=name, version=release.version)).manifest
            assert manifest.parity.passed


def test_its_aliases_and_their_history_are_read_and_go_on(old: Releases) -> None:
    alias = old.aliases("win-probability")[0]
    assert (alias.alias, alias.version, alias.sequence) == ("production", 1, 1)
    assert old.history("win-probability", "production")[0].reason == "first"
    assert old.promote(ReleaseRef(name="win-probability", version=1), "staging").version == 1


def test_its_graph_still_answers_its_golden_rows(old: Releases, tmp_path: Path) -> None:
    manifest = old.pull(ReleaseRef.parse("win-probability@production"), tmp_path / "pulled")
    golden = Golden.parse((tmp_path / "pulled" / "golden.json").read_bytes(), name="golden.json")
    assert manifest.signature.columns == ("amount", "age in years")
    with open_graph((tmp_path / "pulled" / "model.onnx").read_bytes(), manifest.signature) as graph:
        assert replay_golden(golden, graph) == ()
