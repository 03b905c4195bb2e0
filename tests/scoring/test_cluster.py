"""The same run on a Dask cluster of several processes: a worker that dies takes nothing with it."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from onnxport.artifacts import Unreachable, UsageError
from onnxport.pipelines.scoring import formats
from onnxport.pipelines.scoring.cluster import Cluster, connected
from onnxport.pipelines.scoring.part import PartDone

from tests.scoring.conftest import FEATURES, make_frame
from tests.support.dask_cluster import BARE, CLUSTER, address_of, running, started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from onnxport.pipelines.scoring.runners import Done

    from tests.scoring.conftest import Shop
    from tests.support.command_line import Answer

pytestmark = [pytest.mark.xdist_group("dask"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The scheduler of two worker processes, which are started again when they die."""
    script = tmp_path_factory.mktemp("cluster") / "cluster.py"
    script.write_text(CLUSTER)
    with running(str(script)) as found:
        yield found


class KillingOneWorker(Cluster):
    """The cluster, one of whose workers is killed once half of the calls are done."""

    killed = 0

    def __call__(self, calls: Sequence[Callable[[], Done]], /) -> Iterator[Done]:
        for number, done in enumerate(super().__call__(calls)):
            if number == len(calls) // 2:
                workers = self.client.run(os.getpid)
                self.killed = next(iter(workers.values()))
                os.kill(self.killed, signal.SIGKILL)
            yield done


@pytest.mark.parametrize("out", ["out.parquet", "out"])
def test_a_killed_worker_loses_and_doubles_nothing(
    shop: Shop, score: Callable[..., Any], address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    monkeypatch.setattr(formats, "TARGET_ROWS", 500)
    frame = make_frame(20_000)
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=500)
    with connected(address) as cluster:
        killing = KillingOneWorker(cluster.client)
        scored = score("risk", tmp_path / "rows.parquet", out=out, runner=killing)
    assert killing.killed
    assert scored.manifest.rows == len(frame)
    found = pd.read_parquet(tmp_path / out)
    assert found["id"].tolist() == frame["id"].tolist()
    expected = shop.risk.predict(frame[list(FEATURES)])
    np.testing.assert_allclose(found["prediction"], expected, rtol=1e-5, atol=1e-6)


def test_what_is_done_is_not_done_again_when_its_worker_dies(address: str, tmp_path: Path) -> None:
    def note(number: int) -> int:
        with (tmp_path / str(number)).open("a") as file:
            file.write("done")
        return number

    calls: Any = [partial(note, number) for number in range(40)]
    with connected(address) as cluster:
        killing = KillingOneWorker(cluster.client)
        numbers: list[Any] = list(killing(calls))
    assert killing.killed
    assert sorted(numbers) == list(range(40))
    assert {(tmp_path / str(number)).read_text() for number in numbers[:20]} == {"done"}


def test_every_worker_prepares_itself_and_one_of_them_does_what_is_asked(address: str, tmp_path: Path) -> None:
    def note() -> None:
        (tmp_path / str(os.getpid())).touch()

    def refuse() -> None:
        raise UsageError(f"refused by {os.getpid()}")

    with connected(address) as cluster:
        workers = set(cluster.client.run(os.getpid).values())
        cluster.begin([partial(PartDone, number=number, rows=1) for number in range(3)], note)
        assert cluster.do(os.getpid) in workers
        with pytest.raises(UsageError, match=f"refused by ({'|'.join(map(str, workers))})"):
            cluster.do(refuse)
        found = sorted(
            each.number for each in cluster([partial(PartDone, number=3, rows=1)]) if isinstance(each, PartDone)
        )
    assert found == [0, 1, 2, 3]
    assert {int(file.name) for file in tmp_path.iterdir()} == workers


def test_the_command_works_on_a_cluster(
    onnxport_predict: Callable[..., Answer], address: str, tmp_path: Path
) -> None:
    make_frame(3000).to_csv(tmp_path / "rows.csv", index=False)
    done = onnxport_predict("risk", "rows.csv", "--out", "out.parquet", "--scheduler", address)
    assert done.code == 0, done.err
    assert done.document["rows"] == 3000
    assert pd.read_parquet(tmp_path / "out.parquet")["id"].tolist() == list(range(3000))


def test_what_a_worker_refuses_is_said_as_here(score: Callable[..., Any], address: str, tmp_path: Path) -> None:
    frame = make_frame(3000).astype({"f1": object})
    frame.loc[2999, "f1"] = "x"
    frame.to_csv(tmp_path / "rows.csv", index=False)
    with connected(address) as cluster, pytest.raises(UsageError, match=r"rows\.csv.*'x'"):
        score("risk", tmp_path / "rows.csv", runner=cluster, engine="onnx")


def test_a_scheduler_that_does_not_answer_exits_6(
    onnxport_predict: Callable[..., Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "1s")
    make_frame(10).to_parquet(tmp_path / "rows.parquet")
    done = onnxport_predict("risk", "rows.parquet", "--out", "o.parquet", "--scheduler", "tcp://127.0.0.1:9")
    assert done.code == 6, done.err
    assert "the Dask scheduler at tcp://127.0.0.1:9 does not answer" in done.document["error"]["message"]


def test_a_scheduler_without_workers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from onnxport.sources import dask_cluster

    monkeypatch.setattr(dask_cluster, "_SECONDS", 1)
    process = started("-c", BARE)
    try:
        with pytest.raises(Unreachable, match="has no workers"), connected(address_of(process)):
            pass
    finally:
        process.communicate("")


def test_a_scheduler_that_goes_away_keeps_the_finished_parts(
    score: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "TARGET_ROWS", 500)
    make_frame(20_000).to_parquet(tmp_path / "rows.parquet", row_group_size=500)
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    process = started(str(script))

    class Leaving(Cluster):
        def __call__(self, calls: Sequence[Callable[[], Done]], /) -> Iterator[Done]:
            for number, done in enumerate(super().__call__(calls)):
                yield done
                if number == 3:
                    process.kill()

    with process, pytest.raises(Unreachable), connected(address_of(process)) as cluster:
        score("risk", tmp_path / "rows.parquet", runner=Leaving(cluster.client))
    scored = score("risk", tmp_path / "rows.parquet")
    assert scored.resumed_rows >= 1000
    assert scored.manifest.rows == 20_000
