"""Killed at any time, run twice, run at once: each row is answered once, and no output is half written."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from onnxport.artifacts import IntegrityError, UsageError
from onnxport.pipelines.scoring import formats, part
from onnxport.pipelines.scoring.runners import Threads
from onnxport.pipelines.scoring.workspace import opened, workspace_of

from tests.scoring.conftest import FEATURES, command, make_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from onnxport.pipelines.scoring.runners import Done

    from tests.scoring.conftest import Shop
    from tests.support.command_line import Answer

ROWS = 4000


class Broken(Exception):
    """What stops a run half-way."""


class Stopping:
    """A runner that does so many calls and then breaks."""

    def __init__(self, after: int) -> None:
        self._after = after
        self._begun: Sequence[Callable[[], Done]] = ()

    def begin(self, calls: Sequence[Callable[[], Done]], _prepare: Callable[[], object], /) -> None:
        self._begun = calls

    def do(self, call: Callable[[], Any], /) -> Any:
        return call()

    def __call__(self, calls: Sequence[Callable[[], Done]], /) -> Iterator[Done]:
        for number, call in enumerate([*self._begun, *calls]):
            if number == self._after:
                raise Broken
            yield call()


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of eight parts."""
    monkeypatch.setattr(formats, "TARGET_ROWS", 500)
    make_frame(ROWS).to_parquet(tmp_path / "rows.parquet", row_group_size=500)
    return tmp_path / "rows.parquet"


def assert_whole(shop: Shop, out: Path) -> None:
    frame, found = make_frame(ROWS), pd.read_parquet(out)
    assert found["id"].tolist() == frame["id"].tolist()
    expected = shop.risk.predict(frame[list(FEATURES)])
    np.testing.assert_allclose(found["prediction"], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("out", ["out.parquet", "out"])
@pytest.mark.parametrize("after", [1, 4, 8])
def test_a_run_that_broke_goes_on_and_keeps_what_was_done(
    shop: Shop, score: Callable[..., Any], rows: Path, out: str, after: int
) -> None:
    with pytest.raises(Broken):
        score("risk", rows, out=out, runner=Stopping(after))
    assert not (rows.parent / out).exists()
    scored = score("risk", rows, out=out)
    assert scored.resumed_rows == 500 * (after - 1)
    assert_whole(shop, rows.parent / out)


def test_the_same_command_again_does_nothing(score: Callable[..., Any], rows: Path) -> None:
    score("risk", rows)
    before = (rows.parent / "out.parquet").stat().st_mtime_ns
    scored = score("risk", rows)
    assert not scored.created
    assert (rows.parent / "out.parquet").stat().st_mtime_ns == before


def test_a_damaged_part_is_scored_again(shop: Shop, score: Callable[..., Any], rows: Path) -> None:
    with pytest.raises(Broken):
        score("risk", rows, runner=Stopping(6))
    (damaged, *_) = sorted(workspace_of(rows.parent / "out.parquet").parts.iterdir())
    damaged.write_bytes(damaged.read_bytes()[:-100])
    assert score("risk", rows).resumed_rows == 500 * 4
    assert_whole(shop, rows.parent / "out.parquet")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("data", "rows.parquet was changed"),
        ("options", "--prefix was '', it is 'x_'"),
        ("release", "the release was"),
    ],
)
def test_what_was_begun_as_something_else_is_refused_until_restart(
    score: Callable[..., Any], rows: Path, change: str, said: str
) -> None:
    with pytest.raises(Broken):
        score("risk", rows, runner=Stopping(3))
    if change == "data":
        make_frame(ROWS, seed=5).to_parquet(rows, row_group_size=500)
    reference = "plain" if change == "release" else "risk"
    options: dict[str, Any] = {"prefix": "x_"} if change == "options" else {}
    with pytest.raises(UsageError, match=said):
        score(reference, rows, **options)
    assert score(reference, rows, restart=True, **options).resumed_rows == 0


def test_an_output_of_something_else_is_replaced_with_restart_only(score: Callable[..., Any], rows: Path) -> None:
    (rows.parent / "out.parquet").write_bytes(b"mine")
    with pytest.raises(UsageError, match="it has no manifest"):
        score("risk", rows)
    assert (rows.parent / "out.parquet").read_bytes() == b"mine"
    assert score("risk", rows, restart=True).created


def test_a_restart_that_was_stopped_goes_on_without_saying_so_again(
    shop: Shop, score: Callable[..., Any], rows: Path
) -> None:
    (rows.parent / "out.parquet").write_bytes(b"mine")
    with pytest.raises(Broken):
        score("risk", rows, restart=True, runner=Stopping(4))
    assert score("risk", rows).resumed_rows == 500 * 3
    assert_whole(shop, rows.parent / "out.parquet")


def test_what_appears_in_the_place_of_the_output_is_not_replaced(score: Callable[..., Any], rows: Path) -> None:
    with pytest.raises(Broken):
        score("risk", rows, runner=Stopping(4))
    (rows.parent / "out.parquet").write_bytes(b"mine")
    with pytest.raises(UsageError, match="was not there when this run was begun"):
        score("risk", rows)
    assert (rows.parent / "out.parquet").read_bytes() == b"mine"


def test_a_folder_of_somebody_else_is_never_replaced(score: Callable[..., Any], rows: Path) -> None:
    (rows.parent / "out").mkdir()
    (rows.parent / "out" / "mine").touch()
    with pytest.raises(UsageError, match="a folder that onnxport did not write"):
        score("risk", rows, out="out", restart=True)
    assert (rows.parent / "out" / "mine").exists()


def test_an_output_that_was_changed_is_seen(score: Callable[..., Any], rows: Path) -> None:
    score("risk", rows)
    out = rows.parent / "out.parquet"
    out.write_bytes(out.read_bytes()[::-1])
    with pytest.raises(UsageError, match="it was changed since it was written"):
        score("risk", rows)


def test_data_that_changes_while_it_is_scored_gives_no_output(score: Callable[..., Any], rows: Path) -> None:
    class Touching(Threads):
        def __call__(self, calls: Sequence[Callable[[], Done]], /) -> Iterator[Done]:
            yield from super().__call__(calls)
            os.utime(rows)

    with pytest.raises(IntegrityError, match="was changed while it was scored"):
        score("risk", rows, runner=Touching(count=1))
    assert not (rows.parent / "out.parquet").exists()


def test_a_second_process_on_the_same_output_is_refused_with_8(
    onnxport_predict: Callable[..., Answer], rows: Path
) -> None:
    with opened(workspace_of(rows.parent / "out.parquet")):
        refused = onnxport_predict("risk", rows, "--out", "out.parquet")
    assert refused.code == 8, refused.err
    assert "another process is writing" in refused.document["error"]["message"]
    assert onnxport_predict("risk", rows, "--out", "out.parquet").code == 0


@pytest.mark.parametrize("out", ["out.parquet", "out"])
def test_a_killed_process_loses_no_finished_part(
    shop: Shop, onnxport_predict: Callable[..., Answer], tmp_path: Path, out: str
) -> None:
    rows = tmp_path / "rows.parquet"
    frame = make_frame(5 * formats.TARGET_ROWS)
    frame.to_parquet(rows, row_group_size=formats.TARGET_ROWS)
    process = subprocess.Popen(
        command(shop, "risk", rows, "--out", out, "--workers", 1, "--engine", "onnx"), cwd=tmp_path
    )
    parts = workspace_of(tmp_path / out).parts
    while not (parts.is_dir() and any(parts.iterdir())):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / out).exists()
    again = onnxport_predict("risk", rows, "--out", out, "--workers", 1, "--engine", "onnx")
    assert again.code == 0, again.err
    assert again.document["resumed_rows"] >= formats.TARGET_ROWS
    assert again.document["rows"] == len(frame)
    assert np.array_equal(pd.read_parquet(tmp_path / out, columns=["id"])["id"], frame["id"])


@pytest.mark.parametrize("out", ["out.parquet", "out"])
def test_a_run_that_died_between_its_last_renames_is_moved_to_its_end(
    shop: Shop, score: Callable[..., Any], rows: Path, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onnxport.pipelines.scoring.workspace import Workspace

    for step in ("before", "after"):
        with monkeypatch.context() as patch:
            real = Workspace._replace

            def dying(self: Workspace, source: Path, real: Any = real, step: str = step) -> None:
                if step == "after":
                    real(self, source)
                raise Broken

            patch.setattr(Workspace, "_replace", dying)
            with pytest.raises(Broken):
                score("risk", rows, out=out, restart=True)
        scored = score("risk", rows, out=out)
        assert scored.resumed_rows == ROWS
        assert_whole(shop, rows.parent / out)
        assert not workspace_of(rows.parent / out).folder.exists()


def test_a_part_is_never_seen_before_it_is_whole(
    score: Callable[..., Any], rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = part.answers

    def breaking(*arguments: Any) -> Iterator[Any]:
        for batch in real(*arguments):
            yield batch
            raise Broken

    monkeypatch.setattr(part, "answers", breaking)
    with pytest.raises(Broken):
        score("risk", rows)
    workspace = workspace_of(rows.parent / "out.parquet")
    assert list(workspace.parts.iterdir()) == []
    assert [path.name for path in workspace.temporary.iterdir()] == ["output.parquet"]
