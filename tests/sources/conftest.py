"""Small seeded models in every form, and an MLflow that lives in a file."""

from __future__ import annotations

import os
import runpy
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.sources import SourceAccess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
os.environ.setdefault("OMP_NUM_THREADS", "1")

FEATURES = ["amount", "probability", "days to close", "größe", "f3", "f1"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative names lead into the test's own folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def opportunities() -> Callable[[int, int], pd.DataFrame]:
    """The examples' generator: rows and seed to a frame."""
    generate: Callable[[int, int], pd.DataFrame] = runpy.run_path(str(ROOT / "examples" / "opportunities.py"))[
        "generate"
    ]
    return generate


@pytest.fixture(scope="session")
def table() -> pd.DataFrame:
    """600 rows of six features with missing values, a label and a number to predict."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(11)
    frame = pd.DataFrame({name: random.normal(size=600) for name in FEATURES})
    frame["amount"] = np.round(np.exp(random.normal(10, 1, 600)), 2)
    frame.loc[random.random(600) < 0.1, "größe"] = np.nan
    frame["won"] = (frame["f3"] + random.normal(0, 0.5, 600) > 0).astype(np.int64)
    frame["risk"] = 1 / (1 + np.exp(-frame["f1"]))
    return frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Fitted on the features of `table`, by kind."""

    classifier: Any
    regressor: Any
    booster: Any
    calibrated: Any
    pipeline: Any
    logistic: Any


@pytest.fixture(scope="session")
def models(table: pd.DataFrame) -> Models:
    import xgboost
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows, won, risk = table[FEATURES], table["won"], table["risk"]
    small: dict[str, Any] = {"n_estimators": 8, "max_depth": 3, "n_jobs": 1, "random_state": 1}
    return Models(
        classifier=xgboost.XGBClassifier(**small).fit(rows, won),
        regressor=xgboost.XGBRegressor(**small).fit(rows, risk),
        booster=xgboost.train({"max_depth": 3, "nthread": 1}, xgboost.DMatrix(rows, risk), 8),
        calibrated=CalibratedClassifierCV(xgboost.XGBClassifier(**small), method="isotonic", cv=2).fit(rows, won),
        pipeline=make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()).fit(rows, won),
        logistic=LogisticRegression(solver="newton-cholesky").fit(rows.fillna(0), won),
    )


@pytest.fixture(scope="session")
def plain() -> SourceAccess:
    """Access that allows nothing."""
    return SourceAccess()


@pytest.fixture(scope="session")
def pickles() -> SourceAccess:
    """Access that allows pickles."""
    return SourceAccess(allow_pickle=True)


@pytest.fixture(scope="session")
def mlflow_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tracking database of the session's own."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An importable module `house.encoders` with an estimator of the user's own."""
    package = tmp_path / "code" / "house"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "encoders.py").write_text(
        "from os import system\n"
        "from sklearn.base import BaseEstimator\n"
        "class Constant(BaseEstimator):\n"
        "    def fit(self, X, y=None):\n        return self\n"
        "    def predict(self, X):\n        return [1.0] * len(X)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    for name in ("house", "house.encoders"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return "house.encoders"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A tracking server that keeps artifacts itself, as one in a company does."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    url = f"http://127.0.0.1:{port}"
    store = [
        "--backend-store-uri",
        f"sqlite:///{folder}/server.db",
        "--artifacts-destination",
        str(folder / "files"),
    ]
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, *store], stdout=log, stderr=log, cwd=folder, env=environment, start_new_session=True
        )
        try:
            _wait(url, process, folder / "log")
            yield url
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # the server's workers too
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(1200):
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):  # ruff: ignore[S310] - http, see above
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())
