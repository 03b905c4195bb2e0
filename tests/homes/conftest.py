"""Rows and a model, made once for all homes."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.homes.agents import ROOT
from tests.support.command_line import Answer, onnxport

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Answer", "booster", "onnxport", "opportunities"]


@pytest.fixture(scope="session")
def opportunities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("data") / "opportunities.parquet"
    command = [sys.executable, str(ROOT / "examples" / "opportunities.py"), str(file), "--rows", "1500"]
    subprocess.run(command, check=True, capture_output=True)
    return file


@pytest.fixture(scope="session")
def booster(opportunities: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that opens without permission."""
    import pandas as pd
    import xgboost

    rows = pd.read_parquet(opportunities)
    features = rows[["amount", "probability", "sentiment_score"]]
    model = xgboost.XGBClassifier(n_estimators=12, max_depth=3, n_jobs=1).fit(features, rows["target_win"])
    file = tmp_path_factory.mktemp("model") / "model.ubj"
    model.save_model(file)
    return file
