"""The commands that README.md shows work as they stand there, and the pages that it names exist."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_the_main_job_runs_as_shown(legacy: Any, onnxport: Callable[..., Any]) -> None:
    block = re.search(r"test_readme.py -->\n```console\n(.*?)```", README, re.DOTALL)
    assert block is not None
    commands = [shlex.split(line.removeprefix("$ ")) for line in block[1].splitlines()]
    assert len(commands) >= 3
    shutil.copy(legacy.bundle, "model.joblib")
    shutil.copy(legacy.sample, "opportunities.parquet")
    for program, *arguments in commands:
        assert program == "onnxport"
        done = onnxport(*arguments)
        assert done.code == 0, done.err


def test_the_configuration_that_is_shown_is_valid(monkeypatch: Any, tmp_path: Path) -> None:
    from onnxport.cli.settings import load_config

    monkeypatch.setenv("STAGE", "test")
    block = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert block is not None
    path = tmp_path / "onnxport.yaml"
    path.write_text(block[1])
    assert load_config(path).shared["store"] == "az://models/test"
    assert yaml.safe_load(block[1])["export"]


def test_linked_pages_exist() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links {target}"
