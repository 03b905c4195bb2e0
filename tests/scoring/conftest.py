"""Releases of small XGBoost models in a store, rows to score, and what the models themselves answer."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from onnxport.artifacts import ReleaseRef, Silent
from onnxport.exporters import ExportOptions
from onnxport.pipelines.export import ExportJob, export
from onnxport.pipelines.limits import Limits
from onnxport.pipelines.predict import Hooks, PredictJob, predict
from onnxport.pipelines.scoring.runners import Threads
from onnxport.releases import Releases
from onnxport.sources import SourceAccess
from onnxport.storage import StoreAccess, open_store
from onnxport.validation import CheckOptions

from tests.support.command_line import Answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from onnxport.pipelines.predict import Scored
    from onnxport.pipelines.scoring.runners import Runner

FEATURES = ("amount", "days open", "f3", "f1")


def make_frame(rows: int, seed: int = 0) -> pd.DataFrame:
    """`rows` rows with an id, a text and the features, some of them missing."""
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(rows, len(FEATURES))).astype(np.float32)
    values[generator.random(values.shape) < 0.02] = np.nan
    frame = pd.DataFrame(values, columns=list(FEATURES))
    frame.insert(0, "id", np.arange(rows, dtype=np.int64))
    frame["note"] = [f"row {number}" for number in range(rows)]
    return frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A store with `risk:1`, a regressor that carries its booster, and `plain:1`, a classifier that does not."""

    folder: Path
    risk: Any
    plain: Any
    releases: Releases

    @property
    def store(self) -> Path:
        return self.folder / "store"


def export_job(folder: Path, file: str, name: str, *, with_source: bool) -> ExportJob:
    """The model in `folder` that the file `file` holds, as a release of `name`."""
    return ExportJob(
        source=str(folder / f"{file}.ubj"),
        name=name,
        sample=folder / "sample.parquet",
        features=None,
        access=SourceAccess(),
        conversion=ExportOptions(),
        check=CheckOptions(),
        limits=Limits(),
        promotion=None,
        out=None,
        with_source=with_source,
    )


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    import xgboost

    folder = tmp_path_factory.mktemp("shop")
    frame = make_frame(1500, seed=1)
    frame.to_parquet(folder / "sample.parquet")
    data, target = frame[list(FEATURES)], frame["amount"].fillna(0) + frame["f3"].fillna(0) ** 2
    risk = xgboost.XGBRegressor(n_estimators=20, max_depth=3, n_jobs=1, random_state=0).fit(data, target)
    plain = xgboost.XGBClassifier(n_estimators=12, max_depth=3, n_jobs=1, random_state=0).fit(data, target > 1)
    releases = Releases(
        store=open_store(str(folder / "store"), StoreAccess()), clock=lambda: datetime.now(UTC), actor="tests"
    )
    for name, model in (("risk", risk), ("plain", plain)):
        model.save_model(folder / f"{name}.ubj")
        export(export_job(folder, name, name, with_source=name == "risk"), releases, Silent())
    return Shop(folder=folder, risk=risk, plain=plain, releases=releases)


@pytest.fixture
def score(shop: Shop, tmp_path: Path) -> Callable[..., Scored]:
    """Score `DATA` with a release into `tmp_path / out`."""

    def call(
        reference: str,
        *data: Path,
        out: str = "out.parquet",
        runner: Runner | None = None,
        **options: Any,
    ) -> Scored:
        job = PredictJob(reference=ReleaseRef.parse(reference), data=data, out=tmp_path / out, **options)
        hooks = Hooks(releases=shop.releases, runner=runner or Threads(count=2), progress=Silent())
        return predict(job, hooks)

    return call


def command(shop: Shop, *arguments: object) -> list[str]:
    """The command line `onnxport predict ARGUMENTS` on the shop's store."""
    line = ["predict", *map(str, arguments), "--store", str(shop.store), "--json"]
    return [sys.executable, "-m", "onnxport.cli.main", *line]


@pytest.fixture
def onnxport_predict(shop: Shop, tmp_path: Path) -> Callable[..., Answer]:
    """Run `onnxport predict ARGUMENTS --json` in a process of its own, in `tmp_path`."""

    def call(*arguments: object) -> Answer:
        done = subprocess.run(
            command(shop, *arguments), capture_output=True, text=True, check=False, cwd=tmp_path, timeout=200
        )
        return Answer(code=done.returncode, out=done.stdout, err=done.stderr)

    return call
