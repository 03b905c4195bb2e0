"""Every command that a page shows is one that the command line takes: names, options and arguments."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main
from onnxport.cli.main import app
from typer.exceptions import TyperException

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"```(?:console|bash|sh|yaml)\n(.*?)```", re.DOTALL)


def shown(page: Path) -> list[str]:
    """The lines of `page` that call onnxport, continued lines joined; `$ ` before a command is a prompt."""
    blocks = [block.replace("\\\n", " ") for block in FENCE.findall(page.read_text(encoding="utf-8"))]
    lines = [
        line.strip().removeprefix("- run: ").removeprefix("$ ") for block in blocks for line in block.splitlines()
    ]
    return [line for line in lines if line.startswith("onnxport ")]


COMMANDS = [(page.relative_to(ROOT).as_posix(), line) for page in PAGES for line in shown(page)]


def parse(command: Any, arguments: list[str]) -> None:
    """`arguments` are what `command` takes, or the parser's own error is raised."""
    if hasattr(command, "commands") and arguments and arguments[0] in command.commands:
        parse(command.commands[arguments[0]], arguments[1:])
        return
    try:
        command.make_context("onnxport", arguments)
    except TyperException as error:
        if not (missing := getattr(error, "param", None)) or missing.param_type_name == "argument":
            raise  # a missing option may stand in the page's onnxport.yaml; anything else is wrong


def test_pages_show_commands() -> None:
    assert len(COMMANDS) >= 15


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_the_command_line_takes_what_is_shown(page: str, line: str) -> None:
    program, *arguments = shlex.split(line, comments=True)
    assert program == "onnxport", page
    parse(typer.main.get_command(app), arguments)


@pytest.mark.parametrize("wrong", ["onnxport --nope", "onnxport list --nope", "onnxport promote a:1"])
def test_a_wrong_command_would_be_found(wrong: str) -> None:
    with pytest.raises(Exception, match=r"(?i)no such|missing"):
        parse(typer.main.get_command(app), shlex.split(wrong)[1:])
