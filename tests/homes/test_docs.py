"""The workflows that docs/ci.md shows are valid by the vendors' schemas, and use what the homes take."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.homes.agents import ROOT, load

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "ci.md").read_text()
SCHEMAS = {
    "github": ["vendor.github-workflows"],
    "azure-pipelines": [
        "vendor.azure-pipelines", "--data-transform", "azure-pipelines", "--regex-variant", "nonunicode",
    ],
}  # fmt: skip


def shown(system: str) -> str:
    block = re.search(rf"test_docs.py: {system} -->\n```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    return block[1]


def step(system: str, key: str) -> dict[str, Any]:
    document = yaml.safe_load(shown(system))
    steps = document["jobs"]["export"]["steps"] if system == "github" else document["steps"]
    found: dict[str, Any] = next(each for each in steps if "onnxport" in str(each.get(key)))
    return found


@pytest.mark.parametrize("system", SCHEMAS)
def test_the_workflow_is_valid(system: str, tmp_path: Path) -> None:
    file = tmp_path / "workflow.yml"
    file.write_text(shown(system))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *SCHEMAS[system], str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_workflow_gives_the_action_what_it_takes() -> None:
    inputs = load("action.yml")["inputs"]
    given = step("github", "uses")["with"]
    assert set(given) <= set(inputs)
    assert {name for name, described in inputs.items() if described.get("required")} <= set(given)


def test_the_pipeline_gives_the_template_what_it_takes() -> None:
    parameters = {each["name"]: each for each in load("examples/azure-pipelines/export.yml")["parameters"]}
    given = step("azure-pipelines", "template")["parameters"]
    assert set(given) <= set(parameters)
    assert {name for name, described in parameters.items() if "default" not in described} <= set(given)


def test_the_page_names_every_output() -> None:
    for name in load("action.yml")["outputs"]:
        assert f"`{name}`" in PAGE
