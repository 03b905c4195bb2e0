"""The commands that the pages in docs/ show work as they stand there."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]


def commands_of(page: str) -> list[list[str]]:
    """The arguments of the commands in the blocks of `page` that name this file."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"test_pages.py -->\n```console\n(.*?)```", text, re.DOTALL)
    lines = [shlex.split(line.removeprefix("$ ")) for block in blocks for line in block.splitlines()]
    assert all(program == "onnxport" for program, *_ in lines)
    return [arguments for _, *arguments in lines]


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_a_recipe_is_trained_registered_and_exported_as_shown(legacy: Any, onnxport: Callable[..., Any]) -> None:
    """From the example's recipe to a verified release, and the graph back in the registry."""
    recipe = (ROOT / "examples" / "win-probability" / "recipe.yaml").read_text(encoding="utf-8")
    assert "../../demo/opportunities.parquet" in recipe
    Path("recipe.yaml").write_text(recipe.replace("../../demo/", ""), encoding="utf-8")
    shutil.copy(legacy.sample, "opportunities.parquet")
    commands = commands_of("docs/sources.md")
    assert len(commands) == 4
    for arguments in commands:
        done = onnxport(*arguments, "--json")
        assert done.code == 0, done.err
        if arguments[0] == "export":
            assert done.document["registered"] == "models:/win-probability-onnx/1"
    digest = onnxport("show", "win-probability:1", "--json").document["source"]["sha256"]
    again = onnxport(*commands[0], "--json").document
    assert (again["created"], again["sha256"]) == (False, digest)
