"""`bench` measures the release and its source side by side, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scoring.conftest import Shop


pytestmark = pytest.mark.xdist_group("bench")


def bench(shop: Shop, cwd: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    line = ["bench", *map(str, arguments), "--store", str(shop.store)]
    return subprocess.run(
        [sys.executable, "-m", "onnxport.cli.main", *line], capture_output=True, text=True, check=False, cwd=cwd
    )


@pytest.fixture(scope="module")
def document(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    source = shop.folder / "risk.ubj"
    done = bench(shop, tmp_path_factory.mktemp("bench"), "risk", "--against", source, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_both_sides_are_measured_at_every_number_of_rows(document: dict[str, Any]) -> None:
    graph, source = document["costs"]
    assert (graph["name"], source["name"]) == ("risk:1", "risk.ubj")
    for side in (graph, source):
        assert [latency["rows"] for latency in side["latencies"]] == [1, 10, 100, 1000]
        for latency in side["latencies"]:
            assert 0 < latency["p50_us"] <= latency["p95_us"] <= latency["p99_us"]
        assert side["load_ms"] > 0
        assert side["resident_mb"] > 10


def test_sizes_are_those_of_the_files(shop: Shop, document: dict[str, Any]) -> None:
    from onnxport.artifacts import ReleaseRef

    graph, source = document["costs"]
    assert graph["bytes"] == shop.releases.resolve(ReleaseRef.parse("risk")).file("model.onnx").size
    assert source["bytes"] == (shop.folder / "risk.ubj").stat().st_size


def test_the_graphs_process_holds_no_training_library(document: dict[str, Any]) -> None:
    graph, source = document["costs"]
    assert graph["resident_mb"] < source["resident_mb"]


def test_the_table_has_a_line_for_each_figure(shop: Shop, tmp_path: Path) -> None:
    done = bench(shop, tmp_path, "plain", "--sample", shop.folder / "sample.parquet")
    assert done.returncode == 0, done.stderr
    for line in ("load, ms", "size, kB", "memory of the process", "1 row, p50", "1,000 rows, p99"):
        assert line in done.stdout


def test_a_source_that_cannot_be_opened_keeps_its_exit_code(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04N.")
    done = bench(shop, tmp_path, "plain", "--against", "model.pkl")
    assert done.returncode == 5, done.stderr
