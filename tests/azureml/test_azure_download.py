"""Large models come in blocks, over bad lines, and leave nothing behind when they are interrupted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnxport.artifacts import IntegrityError, OnnxportError, digest_bytes, digest_file
from onnxport.sources import fetch, load

from .emulator import Fault
from .front import BlobTrouble
from .resources import GROUP, SUBSCRIPTION, WORKSPACE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from onnxport.sources import AzureAccess

MIB = 1 << 20
PROGRAM = """
import json, sys
from pathlib import Path
from onnxport.sources import AzureAccess, AzureWorkspace, SourceAccess, fetch

here = AzureWorkspace(subscription_id="SUBSCRIPTION", resource_group="GROUP", workspace_name="WORKSPACE")
access = AzureAccess(workspace=here, auth="environment")


def bring(out):
    return fetch("azureml:large:1", Path(out), SourceAccess(azure=access)).version


def refuse(uri):
    try:
        fetch(uri, Path("out"), SourceAccess(azure=AzureAccess(workspace=here, auth="environment")))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


print(json.dumps(globals()[sys.argv[1]](sys.argv[2])))
"""
PROGRAM = PROGRAM.replace("SUBSCRIPTION", SUBSCRIPTION).replace("GROUP", GROUP).replace("WORKSPACE", WORKSPACE)


@pytest.fixture
def run(azure: Any, environment: dict[str, str], tmp_path: Path) -> Callable[[str, object], subprocess.Popen[str]]:
    """Starts a process of its own that downloads, with a folder of its own for temporary files."""
    del azure
    (tmp_path / "temporary").mkdir()

    def start(what: str, argument: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, what, str(argument)],
            env={
                **environment,
                "TMPDIR": str(tmp_path / "temporary"),
                "HOME": str(tmp_path),
                "OMP_NUM_THREADS": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def test_a_file_of_200_mb_comes_in_blocks_through_little_memory(
    azure: Any, access: AzureAccess, tmp_path: Path
) -> None:
    from onnxport.sources.azure_client import connect
    from onnxport.sources.azure_download import download
    from onnxport.sources.azure_location import locate_in_workspace
    from onnxport.sources.azure_names import parse_azure_name
    from onnxport.sources.azure_versions import find_version

    data = np.random.default_rng(1).bytes(200 * MIB)
    azure.upload("large/model.ubj", data)
    azure.ml.add("large", "large")
    name = parse_azure_name("azureml:large:1")
    client = connect(name, access)
    location = locate_in_workspace(client, find_version(client, name))

    tracemalloc.start()
    download(location, tmp_path, access.patience, "large")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert digest_file(tmp_path / "model.ubj") == digest_bytes(data)
    assert peak < 40 * MIB, "the download and the emulated Azure together"


def test_killed_in_the_download_it_leaves_nothing_and_a_second_run_works(
    azure: Any, run: Any, sources: Any, booster: Path, tmp_path: Path
) -> None:
    azure.upload("large/padding", bytes(8 * MIB))
    azure.upload("large/model.json", booster.read_bytes())
    azure.ml.add("large", "large")
    azure.front.trouble = BlobTrouble(bytes_per_second=MIB // 2)
    out = tmp_path / "work" / "out"

    process = run("bring", out)
    _until(lambda: azure.front.sent_bytes > MIB and _files(tmp_path), "the download began")
    process.kill()
    process.communicate(timeout=30)

    assert process.returncode == -signal.SIGKILL
    _until(lambda: not any(out.parent.iterdir()), "everything is gone")

    azure.front.heal()
    assert fetch("azureml:large:1", out, sources).version == "1"
    assert sorted(path.name for path in out.iterdir()) == ["model.json", "padding"]
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_a_failure_is_told_by_the_error_alone(azure: Any, run: Any) -> None:
    azure.script.faults.append(Fault(path="/oauth2/", status=400))

    out, err = run("refuse", "azureml:m:9").communicate(timeout=60)

    assert json.loads(out).startswith("Unreachable: signing in to Azure with environment failed")
    assert err == "", "what the SDK logs and prints"


def test_a_line_that_breaks_twice_is_no_obstacle(azure: Any, sources: Any, booster: Path, tmp_path: Path) -> None:
    padding = np.random.default_rng(2).bytes(10 * MIB)
    azure.upload("m/padding", padding)
    azure.upload("m/model.json", booster.read_bytes())
    azure.ml.add("m", "m")
    azure.front.trouble = BlobTrouble(cut_after=MIB, cuts=2)

    fetch("azureml:m:1", tmp_path / "out", sources)

    assert azure.front.trouble.cuts == 0
    assert (tmp_path / "out" / "padding").read_bytes() == padding


def test_a_file_that_changes_meanwhile_is_not_taken(
    azure: Any, sources: Any, booster: Path, tmp_path: Path
) -> None:
    azure.upload("m/a", bytes(2 * MIB))
    azure.upload("m/model.json", booster.read_bytes())
    azure.ml.add("m", "m")
    azure.front.trouble = BlobTrouble(bytes_per_second=MIB)

    def change() -> None:
        _until(lambda: azure.front.sent_bytes > MIB, "the first file is on its way")
        azure.upload("m/model.json", b"something else")

    changing = threading.Thread(target=change)
    changing.start()
    with pytest.raises(IntegrityError, match=r"model\.json was changed while it was downloaded"):
        fetch("azureml:m:1", tmp_path / "out", sources)
    changing.join()
    assert not (tmp_path / "out").exists()


def test_a_failure_in_the_middle_leaves_nothing(azure: Any, sources: Any, tmp_path: Path) -> None:
    azure.upload("m/a", bytes(2 * MIB))
    azure.upload("m/model.json", b"{ no model")
    azure.ml.add("m", "m")

    with pytest.raises(OnnxportError):
        fetch("azureml:m:1", tmp_path / "work" / "out", sources)
    assert list((tmp_path / "work").iterdir()) == []


def test_loading_leaves_no_temporary_files(
    azure: Any, sources: Any, booster: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    azure.upload("m/model.json", booster.read_bytes())
    azure.ml.add("m", "m")

    load("azureml:m:1", sources)

    assert list(tmp_path.iterdir()) == []


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _until(true: Callable[[], object], what: str, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return
        time.sleep(0.05)
    pytest.fail(f"after {seconds} s it is not yet true that {what}")
