"""Training on a Dask cluster of two processes: the same rows, the same kind of model, nothing half-done."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import warnings
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from onnxport.artifacts import IntegrityError, Silent, Unreachable, UsageError
from onnxport.exporters import ExportOptions
from onnxport.pipelines.export import ExportJob, export
from onnxport.pipelines.limits import Limits
from onnxport.releases import Releases
from onnxport.sources import SourceAccess, TrainAccess, dask_cluster, parts, spans, train
from onnxport.sources.dask_cluster import dask_client
from onnxport.sources.dask_fitting import fitted_on_dask
from onnxport.sources.dask_rows import DaskRows, Workers, read_on_dask
from onnxport.sources.dataset import data_file, read_dataset
from onnxport.sources.fitting import fitted_here
from onnxport.sources.recipe import Recipe
from onnxport.storage import StoreAccess, open_store
from onnxport.validation import CheckOptions

from tests.support.dask_cluster import CLUSTER, address_of, running, started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.xdist_group("dask"), pytest.mark.timeout(200)]

FEATURES = ["amount", "probability", "stage_encoded", "sentiment_score"]
MODEL = {"estimator": "xgboost.XGBClassifier", "params": {"n_estimators": 6, "max_depth": 3}}
ENDLESS = {"estimator": "xgboost.XGBClassifier", "params": {"n_estimators": 20_000, "max_depth": 2}}


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cluster") / "cluster.py"
    path.write_text(CLUSTER)
    return path


@pytest.fixture(scope="module")
def address(script: Path) -> Iterator[str]:
    """The scheduler of two worker processes, which are started again when they die."""
    with running(str(script)) as found:
        yield found


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, opportunities: Callable[[int, int], pd.DataFrame]) -> Path:
    """A folder with the same 1,500 rows as Parquet and as CSV, and the first of them as Parquet in one part."""
    folder = tmp_path_factory.mktemp("data")
    frame = opportunities(1500, 3).sample(frac=1, random_state=0).reset_index(drop=True)  # times out of order
    frame["note"] = ["a note\nof two lines" if number % 7 else "7" for number in range(len(frame))]
    frame.to_parquet(folder / "rows.parquet", row_group_size=200)
    frame.to_csv(folder / "rows.csv", index=False)
    frame.head(190).to_parquet(folder / "one.parquet")
    return folder


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a thousand rows have several parts."""
    monkeypatch.setattr(parts, "TARGET_ROWS", 200)
    monkeypatch.setattr(parts, "TARGET_BYTES", 30_000)
    monkeypatch.setattr(spans, "_BLOCK", 10_000)  # one cut in each


def recipe(path: Path, **changes: Any) -> Recipe:
    content = {"name": "win", "data": {"path": str(path)}, "features": FEATURES, "target": "target_win"}
    return Recipe.model_validate({**content, "model": MODEL, "seed": 5, **changes})


def training(rows: DaskRows) -> pd.DataFrame:
    """All training rows of the cluster, in their order, brought here."""
    pairs = rows.workers.gather(list(rows.pairs(~rows.held_out).values()))
    frame = pd.concat([features.assign(target_win=target) for features, target in pairs], ignore_index=True)
    return frame.iloc[rows.order.argsort().argsort()].reset_index(drop=True)


SPLITS: dict[str, dict[str, Any]] = {
    "random": {"split": {"by": "random", "test": 0.3}},
    "time": {"split": {"by": "time", "column": "created_at"}, "early_stopping": {"rounds": 2}},
    "group": {"split": {"by": "group", "column": "tenant_id"}, "segments": ["region"]},
}
FILTERS = [
    {"column": "amount", "op": ">", "value": 20_000},
    {"column": "stage", "op": "in", "value": ["proposal", "prospecting"]},
]


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv"])
def test_the_rows_are_those_that_are_trained_on_here(address: str, data: Path, name: str) -> None:
    """Same rows, same order, same dtypes, same facts on the card; and several parts on both workers."""
    with dask_client(address) as client:
        workers = Workers(client=client, addresses=tuple(sorted(client.nthreads())))
        for by, changes in SPLITS.items():
            asked = recipe(data / name, name=by, data={"path": str(data / name), "filters": FILTERS}, **changes)
            here = read_dataset(asked, TrainAccess(), Silent())
            with data_file(asked, TrainAccess(), Silent()) as file:
                rows = read_on_dask(asked, file, workers)
            assert len(rows.parts) > 3
            pd.testing.assert_frame_equal(training(rows), here.train[[*FEATURES, "target_win"]])
            facts, head, shown = rows.described()
            assert facts.missing == pytest.approx(here.facts().missing)
            assert (facts.classes, facts.test) == (here.facts().classes, len(here.test))
            pd.testing.assert_frame_equal(head[0], here.train[FEATURES].head(100))
            assert shown.isna().any().to_dict() == here.train[FEATURES].isna().any().to_dict()


def test_one_part_gives_the_bits_that_are_given_here(address: str, data: Path) -> None:
    """One worker has all rows and nobody to add up with."""
    asked = recipe(data / "one.parquet", segments=["region"], split={"by": "time", "column": "created_at"})
    here = fitted_here(asked, TrainAccess(), Silent())
    there = fitted_on_dask(asked, TrainAccess(), address, Silent())
    assert there.model.get_booster().save_raw() == here.model.get_booster().save_raw()
    assert type(there.model) is type(here.model)
    assert np.array_equal(there.answers, here.answers)
    pd.testing.assert_frame_equal(there.test, here.test)


def test_what_two_workers_train_is_exported_with_proof(address: str, data: Path) -> None:
    """The command's model, early stopping and all, is a source like any other, and its graph passes."""
    asked = recipe(data / "rows.parquet", **SPLITS["time"])
    Path("recipe.yaml").write_text(asked.model_dump_json())
    command = [sys.executable, "-m", "onnxport.cli.main", "train", "recipe.yaml", "--scheduler", address]
    done = subprocess.run(
        [*command, "--out", "model", "--json"], capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["metrics"]["auc"] > 0.5
    job = ExportJob(
        source="model",
        name="win",
        sample=data / "rows.parquet",
        features=None,
        access=SourceAccess(),
        conversion=ExportOptions(),
        check=CheckOptions(rows=1000),
        limits=Limits(),
        promotion=None,
        out=None,
    )
    releases = Releases(store=open_store("store", StoreAccess()), clock=lambda: datetime.now(UTC), actor="tests")
    exported = export(job, releases, Silent())
    assert exported.release.manifest.parity.passed
    assert exported.release.manifest.source.sha256 == document["sha256"]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "scikit-learn": (
        {"model": {"estimator": "sklearn.linear_model.Ridge"}},
        "sklearn.linear_model.Ridge is trained",
    ),
    "calibration": ({"calibration": {"method": "isotonic"}}, "calibration is done in one process"),
    "preprocessing": ({"preprocessing": {"numeric": {"impute": "mean"}}}, "preprocessing is done in one process"),
    "search": ({"search": {"params": {"max_depth": [2, 3]}}}, "search is done in one process"),
    "linear": ({"model": {**MODEL, "params": {"booster": "gblinear"}}}, "XGBoost trains the booster gblinear"),
    "exact": ({"model": {**MODEL, "params": {"tree_method": "exact"}}}, "XGBoost.s tree method exact"),
    "blob": ({"data": {"path": "az://data/rows.parquet"}}, "its data is in Blob storage"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_workers_cannot_train_is_refused_before_anybody_is_asked(kind: str, data: Path) -> None:
    changes, reason = REFUSED[kind]
    with pytest.raises(UsageError, match=f"'win' cannot be trained on a cluster: {reason}") as refused:
        train(recipe(data / "rows.parquet", **changes), TrainAccess(scheduler="tcp://127.0.0.1:9"), Silent())
    assert "without --scheduler" in refused.value.hint


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"features": ["stage", "amount"]}, "cannot be trained on this data"),
        ({"target": "tenant_id"}, "Invalid classes"),
        ({"model": {**MODEL, "params": {"max_depth": "deep"}}}, "XGBClassifier"),
        ({"data": {"path": "rows.jsonl"}}, "workers read parts of"),
        ({"features": ["nowhere"]}, "lacks 'nowhere'"),
    ],
)
def test_what_does_not_fit_is_said_as_it_is_here(
    address: str, data: Path, changes: dict[str, Any], reason: str
) -> None:
    Path("rows.jsonl").write_text("{}")
    with pytest.raises(UsageError, match=reason):
        fitted_on_dask(recipe(data / "rows.parquet", **changes), TrainAccess(), address, Silent())


def test_a_file_that_is_written_meanwhile_is_noticed(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes((data / "rows.parquet").read_bytes())
    part = parts.parts_of(path)[0]
    os.utime(path, ns=(0, 0))
    with pytest.raises(IntegrityError, match="was changed"):
        parts.read_part(part, FEATURES, frozenset())


def test_a_scheduler_that_does_not_answer_is_unreachable(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "_SECONDS", 1)
    access = TrainAccess(scheduler="tcp://127.0.0.1:9")
    with pytest.raises(Unreachable, match=r"the Dask scheduler at tcp://127.* does not answer"):
        train(recipe(data / "rows.parquet"), access, Silent())


class Killing:
    """Progress that kills the process `victim` three seconds after boosting has begun."""

    def __init__(self, victim: int) -> None:
        self._timer = threading.Timer(3, os.kill, (victim, signal.SIGKILL))

    def step(self, name: str, done: int, total: int | None) -> None:
        del total
        if (name, done) == ("fit", 0):
            self._timer.start()


@pytest.fixture
def mortal(script: Path) -> Iterator[subprocess.Popen[str]]:
    """A cluster for one test, which may leave nothing of it but stuck workers."""
    with started(str(script)) as process:
        yield process
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    for thread in threading.enumerate():
        if thread.name == "onnxport-dask":
            thread.join(60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Dask leaves sockets open where the other side has died
        gc.collect()


def test_a_killed_worker_ends_the_training(mortal: subprocess.Popen[str], data: Path, tmp_path: Path) -> None:
    """XGBoost does not go on without it; nothing is logged or kept."""
    address = address_of(mortal)
    access = TrainAccess(
        tracking_uri=f"sqlite:///{tmp_path}/mlflow.db", scheduler=address, keep=tmp_path / "model"
    )
    with dask_client(address) as client:
        client.wait_for_workers(2)
        killing = Killing(next(iter(client.run(os.getpid).values())))
    with pytest.raises(Unreachable, match="1 of 2 workers have gone in the middle") as gone:
        train(recipe(data / "rows.parquet", model=ENDLESS), access, killing)
    assert "run the same command again" in gone.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_killed_scheduler_ends_the_training(mortal: subprocess.Popen[str], data: Path) -> None:
    asked = recipe(data / "rows.parquet", model=ENDLESS)
    found = address_of(mortal)
    with pytest.raises(Unreachable, match="the scheduler has gone"):
        fitted_on_dask(asked, TrainAccess(), found, Killing(mortal.pid))
