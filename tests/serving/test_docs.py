"""The curl lines of README.md and docs/serving.md work as they stand there, and answer what is shown."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from onnxport.serving.settings import load_settings

if TYPE_CHECKING:
    from tests.serving.conftest import Running

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "docs" / "serving.md"]
ADDRESS = "http://127.0.0.1:8080"


def shown(page: Path) -> list[tuple[str, str]]:
    """The curl lines of a page, each with what stands below it."""
    found: list[tuple[str, str]] = []
    for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL):
        for command, answer in re.findall(r"^\$ (curl .*)\n((?:[^$\n].*\n)*)", block, re.MULTILINE):
            found.append((command, answer.strip()))
    return found


@pytest.mark.parametrize(
    ("command", "answer"), [one for page in PAGES for one in shown(page)], ids=lambda text: text[:60]
)
def test_a_line_of_curl_answers_what_is_shown(service: Running, command: str, answer: str) -> None:
    assert ADDRESS in command
    words = shlex.split(command.replace(ADDRESS, f"http://127.0.0.1:{service.port}"))
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    found: Any = json.loads(done.stdout)
    if answer:
        expected: Any = json.loads(answer)
        if isinstance(expected, dict) and expected.get("digest") == "…":
            expected["digest"] = found["digest"]
        assert found == expected


def test_every_page_shows_curl() -> None:
    assert [len(shown(page)) >= 1 for page in PAGES] == [True, True]
    assert len(shown(PAGES[1])) >= 5


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", PAGES[1].read_text(), re.DOTALL))
def test_the_configuration_that_is_shown_is_valid(block: str, tmp_path: Path) -> None:
    assert set(yaml.safe_load(block)) <= {"store", "onnx", "cache", "azure_ml", "services"}
    (tmp_path / "onnxport.yaml").write_text(block)
    assert "win-probability" in load_settings(tmp_path / "onnxport.yaml", models=["win-probability"]).onnx.models
