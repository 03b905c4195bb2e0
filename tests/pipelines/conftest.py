"""The product team's two models as they are, and the command line in this process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Legacy:
    """What the product team has: two model files and rows to prove them on."""

    bundle: Path
    booster: Path
    sample: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one run of the command line gave."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        document: dict[str, Any] = json.loads(self.out)
        return document


Run = "Callable[..., Answer]"


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


@pytest.fixture
def onnxport(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Callable[..., Answer]:
    """Run `onnxport ARGUMENTS` in an empty folder."""
    from onnxport.cli.main import run

    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def call(*arguments: object) -> Answer:
        capfd.readouterr()
        with pytest.raises(SystemExit) as exited:
            run([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Answer(code=int(exited.value.code or 0), out=captured.out, err=captured.err)

    return call
