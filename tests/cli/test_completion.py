"""A real bash completes commands, options and values of onnxport."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PATH = f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"


def completions(line: str, folder: Path) -> set[str]:
    """What bash would offer after `line`, by the script that `--show-completion` prints."""
    script = """
eval "$(_ONNXPORT_COMPLETE=source_bash onnxport)"
COMP_WORDS=($1)
[[ $1 == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_onnxport_completion onnxport
printf '%s\\n' "${COMPREPLY[@]}"
"""
    done = subprocess.run(
        ["/bin/bash", "--noprofile", "--norc", "-c", script, "bash", line],
        env={**os.environ, "PATH": PATH},
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("onnxport exp", {"export"}),
        ("onnxport pro", {"promote"}),
        ("onnxport export --al", {"--alias", "--allow-pickle", "--allow-module"}),
        ("onnxport fetch m --auth work", {"workload-identity"}),
        ("onnxport init --ci ", {"github", "azure-pipelines", "none"}),
    ],
)
def test_bash_completes(line: str, offered: set[str], tmp_path: Path) -> None:
    assert completions(line, tmp_path) == offered


def test_a_broken_configuration_breaks_no_completion(tmp_path: Path) -> None:
    (tmp_path / "onnxport.yaml").write_text("lst: {}")
    assert completions("onnxport exp", tmp_path) == {"export"}


def test_completion_is_installed_on_request(tmp_path: Path) -> None:
    """Into the home folder of the user; the shell is found by its name where the test has none."""
    code = "import shellingham; shellingham.detect_shell = lambda *_: ('bash', '/bin/bash'); "
    code += "from onnxport.cli.main import run; run(['--install-completion'])"
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "_onnxport_completion" in (tmp_path / ".bash_completions" / "onnxport.sh").read_text()
    assert "onnxport.sh" in (tmp_path / ".bashrc").read_text()
