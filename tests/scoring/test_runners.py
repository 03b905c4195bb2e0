"""Calls that are begun beside other work, by threads of this process: each once, and nobody waits in vain."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import UsageError
from onnxport.pipelines import predict
from onnxport.pipelines.scoring import engines, formats
from onnxport.pipelines.scoring.part import PartDone
from onnxport.pipelines.scoring.runners import Threads

from tests.scoring.conftest import make_frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def done(number: int) -> PartDone:
    return PartDone(number=number, rows=1)


def refused() -> PartDone:
    raise UsageError("refused")


def nothing() -> None:
    pass


@pytest.mark.parametrize("count", [1, 2, 9])
def test_what_was_begun_comes_with_the_next_calls_each_once(count: int) -> None:
    threads = Threads(count)
    threads.begin([partial(done, number) for number in range(5)], nothing)
    assert sorted(each.number for each in threads([partial(done, 5)]) if isinstance(each, PartDone)) == [*range(6)]
    assert list(threads([])) == []


def test_what_was_begun_works_while_others_do() -> None:
    begun = threading.Event()

    def call() -> PartDone:
        begun.set()
        return done(0)

    threads = Threads(1)
    threads.begin([call], nothing)
    assert begun.wait(30)
    assert threads.do(lambda: "here") == "here"
    assert list(threads([])) == [done(0)]


def test_the_error_of_what_was_begun_is_raised_with_the_results() -> None:
    threads = Threads(1)
    threads.begin([refused], nothing)
    with pytest.raises(UsageError, match="refused"):
        list(threads([partial(done, 1)]))


def test_an_error_waits_for_no_digest(
    score: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = threading.Event()
    monkeypatch.setattr(predict, "digest_input", lambda _: end.wait(60))
    make_frame(50).to_parquet(tmp_path / "rows.parquet")
    try:
        with pytest.raises(UsageError, match="the engine xgboost cannot be used"):
            score("plain", tmp_path / "rows.parquet", engine="xgboost")
    finally:
        end.set()


def test_threads_share_one_engine(
    score: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = engines.open_engine

    def noted(name: Any, *arguments: Any) -> Any:
        opened.append(name)
        return real(name, *arguments)

    monkeypatch.setattr(engines, "open_engine", noted)
    monkeypatch.setattr(formats, "TARGET_ROWS", 500)
    make_frame(4000).to_parquet(tmp_path / "rows.parquet", row_group_size=500)
    score("risk", tmp_path / "rows.parquet", engine="xgboost")
    assert opened == ["xgboost"]
