from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from onnxport.artifacts import digest_file
from onnxport.sources import SourceAccess, load, read_sample, select_features

from .conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

COLUMNS = [
    "amount", "probability", "days_to_close", "stage_encoded", "industry_encoded", "days_since_last_activity",
    "activity_count_30d", "stakeholder_count", "days_in_stage", "competitor_count", "sentiment_score",
    "product_fit_score",
]  # fmt: skip


def _run(script: str, *arguments: str) -> None:
    subprocess.run([sys.executable, str(ROOT / "examples" / script), *arguments], check=True, capture_output=True)


def test_the_same_seed_gives_the_same_file_in_another_process(
    opportunities: Callable[[int, int], pd.DataFrame],
) -> None:
    _run("opportunities.py", "one.parquet", "--rows", "300", "--seed", "4")
    _run("opportunities.py", "two.parquet", "--rows", "300", "--seed", "4")
    assert digest_file(Path("one.parquet")) == digest_file(Path("two.parquet"))
    pd.testing.assert_frame_equal(pd.read_parquet("one.parquet"), opportunities(300, 4), check_dtype=False)


def test_another_seed_gives_other_rows(opportunities: Callable[[int, int], pd.DataFrame]) -> None:
    assert not opportunities(50, 1)["amount"].equals(opportunities(50, 2)["amount"])


def test_opportunities_are_plausible(opportunities: Callable[[int, int], pd.DataFrame]) -> None:
    frame = opportunities(4000, 7)
    assert {*COLUMNS, "stage", "industry", "region", "tenant_id", "created_at"} < set(frame.columns)
    assert set(frame["target_win"]) == {0, 1}
    assert 0.2 < frame["target_win"].mean() < 0.6
    assert frame["target_risk"].between(0, 1).all()
    assert frame["amount"].between(100, 1e8).all()
    missing = frame.isna().mean()
    assert set(missing[missing > 0].index) == {
        "days_since_last_activity", "sentiment_score", "product_fit_score", "industry", "region",
    }  # fmt: skip


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("legacy")
    _run("legacy_models.py", str(folder), "--rows", "600", "--seed", "7")
    return folder


def test_the_legacy_bundle_opens_with_permission_and_names_its_columns(legacy: Path) -> None:
    source = load(str(legacy / "win-probability.joblib"), SourceAccess(allow_pickle=True))
    assert type(source.model).__name__ == "CalibratedClassifierCV"
    assert source.feature_columns == tuple(COLUMNS)


def test_the_legacy_booster_knows_its_columns(legacy: Path) -> None:
    source = load(str(legacy / "model.json"), SourceAccess())
    assert type(source.model).__name__ == "Booster"
    sample = read_sample(legacy / "opportunities.parquet")
    assert list(select_features(source, sample, None).columns) == COLUMNS
