"""The tutorial's five commands lead from an empty folder to a promoted release."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.homes.agents import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.homes.conftest import Answer


@pytest.mark.timeout(900)
def test_five_commands_from_an_empty_folder(onnxport: Callable[..., Answer]) -> None:
    page = (ROOT / "docs" / "tutorial-first-release.md").read_text()
    block = re.search(r"test_tutorial.py -->\n```console\n(.*?)```", page, re.DOTALL)
    assert block is not None
    commands = [shlex.split(line.removeprefix("$ ")) for line in block[1].splitlines()]
    assert len(commands) == 5
    assert list(Path().iterdir()) == []
    for program, *arguments in commands:
        assert program == "onnxport"
        done = onnxport(*arguments)
        assert done.code == 0, done.err
    assert onnxport("show", "win-probability@production", "--json").document["model"]["version"] == 1
