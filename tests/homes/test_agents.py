"""The GitHub Action and the Azure Pipelines template run the command; outputs and summary arrive."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.homes.agents import Ran, azure_pipelines_step, github_action, load

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(900)  # each step is a process that loads all libraries

INJECTION = 'x\'; touch hacked; echo "$(touch hacked)" `touch hacked` ##vso[task.setvariable variable=PATH]/evil'


def action(folder: Path, given: dict[str, str], job: dict[str, str] | None = None) -> Ran:
    return github_action(load("action.yml"), given, folder, job)


def template(folder: Path, given: dict[str, str]) -> Ran:
    return azure_pipelines_step(load("examples/azure-pipelines/export.yml"), given, folder)


@pytest.fixture
def given(booster: Path, opportunities: Path, tmp_path: Path) -> dict[str, str]:
    return {
        "source": str(booster),
        "name": "win",
        "sample": str(opportunities),
        "store": str(tmp_path / "store"),
        "alias": "staging",
    }


def test_the_action_publishes_and_tells_what(given: dict[str, str], tmp_path: Path) -> None:
    """The store is the job's: it counts where the input is empty."""
    job = {"ONNXPORT_STORE": given["store"]}
    ran = action(tmp_path, {**given, "store": "", "reason": INJECTION, "clip": "0 1"}, job)
    assert ran.code == 0, ran.err
    manifest = json.loads((tmp_path / "store" / ran.outputs["manifest"]).read_text())
    digest = next(file["sha256"] for file in manifest["files"] if file["name"] == "model.onnx")
    assert ran.outputs == {
        "model": "win",
        "version": "1",
        "digest": digest,
        "created": "true",
        "store": str(tmp_path / "store"),
        "manifest": "win/releases/1/manifest.json",
        "alias": "staging",
        "parity-passed": "true",
        "error": "",
        "exit-code": "0",
    }
    assert "| Parity | passed" in ran.summary
    assert digest in ran.summary
    moved = json.loads((tmp_path / "store" / "win" / "aliases" / "staging.json").read_text())
    assert moved["reason"] == INJECTION
    assert not (tmp_path / "hacked").exists()


def test_the_template_publishes_and_tells_what(given: dict[str, str], tmp_path: Path) -> None:
    ran = template(tmp_path, {**given, "reason": INJECTION})
    assert ran.code == 0, ran.err
    assert ran.outputs["version"] == "1"
    assert ran.outputs["parity_passed"] == "true"
    assert ran.outputs["exit_code"] == "0"
    assert "| Parity | passed" in ran.summary
    assert not (tmp_path / "hacked").exists()


def test_a_failure_tells_its_exit_code_and_reason(given: dict[str, str], tmp_path: Path) -> None:
    """The name goes through the shell, the error message, the outputs and the summary, and does nothing in any."""
    for agent in (action, template):
        ran = agent(tmp_path, {**given, "name": INJECTION})
        assert ran.code == 2
        assert {"2", "usage"} <= set(ran.outputs.values())
        assert "| Exit code | 2: usage or configuration |" in ran.summary
        assert "##vso[task.setvariable variable=PATH" not in ran.out + ran.err + ran.summary
        assert not (tmp_path / "hacked").exists()


def test_the_template_goes_on_when_asked_to(given: dict[str, str], tmp_path: Path) -> None:
    ran = template(tmp_path, {**given, "seed": "none", "keepGoing": "true"})
    assert ran.code == 0
    assert ran.outputs["exit_code"] == "2"
