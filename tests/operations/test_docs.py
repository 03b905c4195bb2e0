"""The commands that docs/operations.md shows work as they stand there, with the configuration that it shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def commands(block: str) -> list[list[str]]:
    return [shlex.split(line.removeprefix("$ ")) for line in block.splitlines()]


def test_the_commands_about_the_objective_run_as_shown(
    empty_prometheus: str, onnxport: Callable[..., Any], tmp_path: Path
) -> None:
    section = next(block for block in blocks("yaml") if block.startswith("slo:"))
    (tmp_path / "work" / "onnxport.yaml").write_text(section.replace("http://127.0.0.1:9090", empty_prometheus))
    shown = next(block for block in blocks("console") if "slo check" in block)
    for program, *arguments in commands(shown):
        assert program == "onnxport"
        done = onnxport(*arguments)
        assert done.code == (6 if "check" in arguments else 0), done.err  # an empty Prometheus gives no verdict
    names = {"onnxport.rules.yaml", "onnxport.dashboard.json", "summary.md"}
    assert names < {path.name for path in (tmp_path / "work").iterdir()}
