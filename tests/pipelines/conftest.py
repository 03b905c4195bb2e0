"""The product team's two models as they are, and the command line in this process."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.command_line import onnxport

__all__ = ["Legacy", "legacy", "onnxport"]
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Legacy:
    """What the product team has: two model files and rows to prove them on."""

    bundle: Path
    booster: Path
    sample: Path


@pytest.fixture(scope="session")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Legacy:
    folder = tmp_path_factory.mktemp("legacy")
    command = [sys.executable, str(ROOT / "examples" / "legacy_models.py"), str(folder), "--rows", "3000"]
    subprocess.run(command, check=True, capture_output=True)
    return Legacy(
        bundle=folder / "win-probability.joblib",
        booster=folder / "model.json",
        sample=folder / "opportunities.parquet",
    )
