"""The commands that docs/predict.md shows work as they stand there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from tests.scoring.conftest import make_frame

if TYPE_CHECKING:
    from tests.scoring.conftest import Shop

PAGE = Path(__file__).resolve().parents[2] / "docs" / "predict.md"


def test_the_commands_run_as_shown(shop: Shop, tmp_path: Path) -> None:
    block = re.search(r"test_docs.py -->\n```console\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert block is not None
    commands = [shlex.split(line.removeprefix("$ ")) for line in block[1].splitlines()]
    assert len(commands) == 4
    (tmp_path / "model.ubj").write_bytes((shop.folder / "risk.ubj").read_bytes())
    (tmp_path / "sample.parquet").write_bytes((shop.folder / "sample.parquet").read_bytes())
    make_frame(400).to_parquet(tmp_path / "rows.parquet")
    make_frame(400).to_csv(tmp_path / "rows.csv", index=False)
    for program, *arguments in commands:
        assert program == "onnxport"
        line = [sys.executable, "-m", "onnxport.cli.main", *arguments]
        done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert len(pd.read_parquet(tmp_path / "scores.parquet")) == 400
    assert pd.read_parquet(tmp_path / "scores").columns.tolist() == ["id", "risk_prediction"]
