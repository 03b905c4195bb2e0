"""A scratch folder is gone afterwards, whatever happens."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from onnxport.sources.scratch import scratch_folder

PROGRAM = """
import sys, time
from pathlib import Path
from onnxport.sources.scratch import scratch_folder

with scratch_folder(beside=Path(sys.argv[1])) as folder:
    (folder / "sub").mkdir()
    (folder / "sub" / "file").write_bytes(b"data")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_killed_process_leaves_nothing(end: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert (folder / "sub" / "file").exists()
        process.send_signal(end)

    deadline = time.monotonic() + 20
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with scratch_folder(beside=tmp_path / "out") as folder:
            (folder / "file").write_bytes(b"data")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_what_was_renamed_away_stays(tmp_path: Path) -> None:
    with scratch_folder(beside=tmp_path / "new" / "out") as folder:
        (folder / "model").mkdir()
        (folder / "model").rename(tmp_path / "new" / "out")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out"]


def test_only_the_user_may_look_inside() -> None:
    with scratch_folder() as folder:
        assert folder.stat().st_mode & 0o077 == 0
